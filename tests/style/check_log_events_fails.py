#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check_log_events.py finds a row too few, one too many, a wrong level and a name that is none.

    check_log_events_fails.py [ROOT]
"""
import pathlib
import subprocess
import sys
import tempfile

CHECK = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".", "tests/style/check_log_events.py")
SOURCE = '''
    log_begin(&line, LOG_INFO, "batch");
    log_message_class(
        is_bad ? LOG_ERROR : LOG_WARNING,
        "trouble", "text; with a semicolon", &class, now_us);
'''
TABLE = "## Logs\n\n| `batch` | info | x | y |\n| `trouble` | error, warning | x | |\n\n## Next\n"


def verdict(source, table):
    """(exit status, what it prints) for a tree of one source and the page."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name, text in (("service/a.c", source), ("docs/operating.md", table)):
            (root / name).parent.mkdir(parents=True)
            (root / name).write_text(text, encoding="utf-8")
        found = subprocess.run((sys.executable, CHECK, root), capture_output=True, text=True,
                               check=False)
        return found.returncode, found.stdout


def main():
    wrong = {
        "batch has no row": (SOURCE, TABLE.replace("| `batch` | info | x | y |\n", "")),
        "nothing writes the event old": (SOURCE, TABLE.replace("\n## Next", "| `old` | info | | |\n")),
        "trouble is written at": (SOURCE, TABLE.replace("error, warning", "error")),
        "no snake_case word": (SOURCE.replace('"batch"', "name"), TABLE),
        "service/a.c:2: ": (SOURCE.replace('"batch"', '"Batch"'), TABLE),
        "has two rows": (SOURCE, TABLE.replace("| `trouble`", "| `batch` | info | | |\n| `trouble`")),
        "no event found": ("", "## Logs\n"),
    }
    faults = [] if verdict(SOURCE, TABLE) == (0, "") else ["what is right is refused"]
    for sentence, tree in wrong.items():
        status, text = verdict(*tree)
        if status != 1 or sentence not in text:
            faults.append(f"not found: {sentence}: {status} {text}")
    print("\n".join(faults), end="\n" if faults else "")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
