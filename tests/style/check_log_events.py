#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The table of docs/operating.md, section "Logs", is the list of events that service/ writes.

    check_log_events.py [ROOT]

Each event has a fixed snake_case name, written out where its line is begun; a row for it with
its levels; and each row an event.
"""
import pathlib
import re
import sys

CALL = re.compile(r"\blog_(begin|message)(?:_class)?\(")
EVENT = {"begin": re.compile(r'\s*&?\w+,\s*([^";]*),\s*"([^"]*)"'),
         "message": re.compile(r'\s*([^";]*),\s*"([^"]*)"')}
ROW = re.compile(r"^\| `([^`]*)` \| ([^|]*) \| .* \|$")
OWN = ("service/base/log.c", "service/base/log.h")


def events_of(root, faults):
    """{name: levels} of all lines that the sources begin."""
    events = {}
    for path in sorted(root.glob("service/**/*.[ch]")):
        where = str(path.relative_to(root))
        if where in OWN:
            continue
        text = path.read_text(encoding="utf-8")
        for call in CALL.finditer(text):
            found = EVENT[call[1]].match(text, call.end())
            line = text.count("\n", 0, call.start()) + 1
            if not found or not re.fullmatch(r"[a-z][a-z0-9_]*", found[2]):
                faults.append(f"{where}:{line}: the event is no snake_case word written out here")
                continue
            levels = {word.lower() for word in re.findall(r"LOG_([A-Z]+)", found[1])}
            events.setdefault(found[2], set()).update(levels)
    return events


def rows_of(root, faults):
    text = (root / "docs/operating.md").read_text(encoding="utf-8")
    section = re.search(r"^## Logs\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    rows = {}
    for line in section[1].splitlines() if section else []:
        row = ROW.match(line)
        if row and row[1] in rows:
            faults.append(f"docs/operating.md: {row[1]} has two rows")
        if row:
            rows[row[1]] = set(row[2].replace(" ", "").split(","))
    return rows


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    faults = []
    events, rows = events_of(root, faults), rows_of(root, faults)
    for name in sorted(events.keys() | rows.keys()):
        if name not in rows:
            faults.append(f"docs/operating.md: the event {name} has no row in the table of Logs")
        elif name not in events:
            faults.append(f"docs/operating.md: nothing writes the event {name} any more")
        elif events[name] != rows[name]:
            faults.append(f"docs/operating.md: {name} is written at {', '.join(sorted(events[name]))}")
    if not events:
        faults.append("no event found: this check looks at nothing")
    print("\n".join(faults), end="\n" if faults else "")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
