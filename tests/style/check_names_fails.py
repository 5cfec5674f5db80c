#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check_names.py finds a name of nothing in each kind of comment and on a page, and there alone.

    check_names_fails.py [ROOT]
"""
import pathlib
import subprocess
import sys
import tempfile

CHECK = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".", "tests/style/check_names.py")
RIGHT = {
    "service/top/pen.c": '/* As top/pen.c and pen.c say; and gone_*.c, a.c.d. */\nconst char *x = "gone.c";\n',
    "service/page.js": 'const name = "gone.js"; // http://a.example/gone.js and pen.c\n',
    "tests/tally.py": '"""Of pen.c."""\nNAME = "gone.py"  # not tally.py\n',
    "run.sh": "cp gone.sh $x/gone.c  # run.sh\n",
    "CMakeLists.txt": "add_library(x gone.c) # pen.c\n",
    "docs/a.md": "[pen](../service/top/pen.c), `./run.sh`\n```sh\npython3 gone.py\n```\n",
}
WRONG = {
    "service/top/pen.c": "/* Of\n * run/pen.c. */\n",
    "service/page.js": "// old.js\n",
    "tests/tally.py": 'def x():\n    """By old.py."""\n',
    "run.sh": "true # see "
              "old.sh\n",
    "CMakeLists.txt": "# old.c\n",
    "docs/a.md": "`tests/old.py`\n",
}


def verdict(tree):
    """(exit status, what it prints)"""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in tree.items():
            path = pathlib.Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        found = subprocess.run((sys.executable, CHECK, folder), capture_output=True, text=True,
                               check=False)
        return found.returncode, found.stdout


def main():
    faults = [] if verdict(RIGHT) == (0, "") else [f"what is right is refused: {verdict(RIGHT)}"]
    for name, text in WRONG.items():
        status, said = verdict({**RIGHT, name: text})
        if status != 1 or said.count("\n") != 1 or not said.startswith(name + ":"):
            faults.append(f"not found in {name}: {status} {said}")
    if verdict({"a.txt": "x"})[0] != 1:
        faults.append("a tree without a name passes")
    print("\n".join(faults), end="\n" if faults else "")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
