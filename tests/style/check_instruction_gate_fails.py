#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The instruction gate of tests/load reads callgrind's format and does fail.

    check_instruction_gate_fails.py FOLDER-OF-THE-LOAD-TESTS

Needs no callgrind: a small file of its format, and figures that grew.
"""
import copy
import json
import pathlib
import sys

SMALL_FILE = """\
events: Ir sysCount sysTime
ob=(1) /opt/gatherd
fl=(1) ???
fn=(1) main
0 40
cob=(2) /usr/lib/libcurl.so.4.8.0
cfn=(2) curl_easy_perform
calls=3 0
0 900 2 7
+1 2
ob=(2)
fn=(2)
0 500
cob=(3) /usr/lib/libc.so.6
cfn=(3) send
calls=1 0
* 400 2 7
ob=(3)
fn=(3)
0 400 2 7
fn=(5) __memset_avx2_unaligned_erms
0 32768
ob=(4) /usr/lib/libjansson.so.4
fn=(4) json_loads
0 9
"""


def check(fact, what):
    if not fact:
        sys.exit("does not hold: " + what)
    print("holds: " + what)


def grown(figures, factor, name="instructions"):
    changed = copy.deepcopy(figures)
    for row in changed.values():
        row[name] *= factor
    return changed


def main():
    folder = pathlib.Path(sys.argv[1])
    sys.path.insert(0, str(folder))
    import callgrind                                # pylint: disable=import-outside-toplevel
    import instructions                             # pylint: disable=import-outside-toplevel

    counted, system_calls = callgrind.read(SMALL_FILE.splitlines(keepends=True))
    check(callgrind.by_part(counted) == {"gatherd": 42, "libcurl": 500, "libc": 400, "other": 9},
          "each object's own instructions are summed, what it calls and memset are not")
    check(system_calls == {"main": 0, "curl_easy_perform": 0, "send": 2, "json_loads": 0,
                           "__memset_avx2_unaligned_erms": 0},
          "a system call counts once, with the function that makes it")

    recorded = json.loads((folder / "instructions.json").read_text())
    check(recorded, "something is recorded")
    for key, figures in recorded.items():
        check(set(figures) == {"1", "10", "100"}, "all batch sizes are recorded for " + key)
        check(not instructions.judge(figures, figures), "what did not change passes")
        check(not instructions.judge(grown(figures, 1.04), figures), "4 % more passes")
        check(len(instructions.judge(grown(figures, 1.06), figures)) == 3, "6 % more fails")
        for name, slack in list(instructions.SLACK.items())[1:]:
            check(len(instructions.judge(grown(figures, 2, name), figures)) == 3,
                  "twice as much fails in " + name)
            more = {items: {**row, name: row[name] + 0.99 * slack / int(items)}
                    for items, row in figures.items()}
            check(not instructions.judge(more, figures), "%d a batch pass in %s" % (slack, name))
        one = {**figures, "10": grown(figures, 1.06)["10"]}
        check([line[:4] for line in instructions.judge(one, figures)] == ["N=10"],
              "one batch size that grew is enough, and is named")


if __name__ == "__main__":
    main()
