#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Sums up a results folder: a table of the parts and the closing line.

The folder holds `checks` (outcome, part, what: one line each), `seconds` (part, how long)
and JUnit files named PART.xml or PART-something.xml, by ctest or pytest.  A Criterion
program is one test for ctest; its own last line says how many tests it ran.
"""
import collections
import pathlib
import re
import sys
import xml.etree.ElementTree

SYNTHESIS = re.compile(r"Synthesis: Tested: \d+ \| Passing: (\d+) \| Failing: (\d+)")
OUTCOMES = ("passed", "failed", "skipped")


def count_case(case, counts):
    output = "".join(case.itertext())
    is_bad = case.find("failure") is not None or case.find("error") is not None
    inside = SYNTHESIS.search(output)
    if case.find("skipped") is not None:
        counts["skipped"] += 1
    elif inside:
        passing, failing = int(inside.group(1)), int(inside.group(2))
        counts["passed"] += passing
        counts["failed"] += max(failing, 1 if is_bad else 0)
    else:
        counts["failed" if is_bad else "passed"] += 1


def count_junit(path, counts):
    try:
        tree = xml.etree.ElementTree.parse(path)
    except xml.etree.ElementTree.ParseError as fault:
        print(f"{path.name} cannot be read: {fault}")
        counts["failed"] += 1
        return
    for case in tree.iter("testcase"):
        count_case(case, counts)


def lines_of(path):
    return path.read_text().splitlines() if path.exists() else []


def gather(folder):
    parts = collections.defaultdict(collections.Counter)
    for line in lines_of(folder / "seconds"):
        part, seconds = line.split("\t")
        parts[part]["seconds"] += int(seconds)
    for line in lines_of(folder / "checks"):
        outcome, part, _ = line.split("\t", 2)
        parts[part][outcome] += 1
    for path in sorted(folder.glob("*.xml")):
        count_junit(path, parts[path.stem.split("-")[0]])
    return parts


def main():
    folder = pathlib.Path(sys.argv[1])
    parts = gather(folder)
    for outcome in ("skipped", "failed"):
        for line in lines_of(folder / "checks"):
            if line.startswith(outcome):
                print("\t".join(line.split("\t")[::2]).expandtabs(10))
    print(f"\n{'part':<14}{'passed':>8}{'failed':>8}{'skipped':>9}{'seconds':>9}")
    for name, counts in parts.items():
        print(f"{name:<14}{counts['passed']:>8}{counts['failed']:>8}{counts['skipped']:>9}"
              f"{counts['seconds']:>9}")
    total = {outcome: sum(c[outcome] for c in parts.values()) for outcome in OUTCOMES}
    print()
    print(", ".join(f"{total[outcome]} {outcome}" for outcome in OUTCOMES))
    return 1 if total["failed"] or not total["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
