#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Guards gatherd's speed without a clock: instructions and system calls per item.

Batches of 100, 10 and 1 items of 1 KB JSON, one worker, warm connections, under callgrind.
The upstream answers when it has all items of a batch, and then all at once: a reply is never
there yet when libcurl looks for it the first time, whatever else the machine does. The figures
are held against those recorded in instructions.json for the same libcurl, libmicrohttpd and
processor, as these change them.
Exit status: 0 when none grew by more than 5 %, 1 when one did, 2 when it could not run, 77
when nothing is recorded for these libraries (--record adds it).
"""
import argparse
import collections
import json
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile

import callgrind
import client
from processes import LoadFault
from servers import Gateway, DelayUpstream

HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
RECORDED = HERE / "instructions.json"
BATCHES = {100: 30, 10: 120, 1: 500}         # items per batch -> batches that count
ANSWER_AFTER_MS = 5                          # that libcurl has looked by then
WARM_BATCHES = 8
GROWTH_MAX = 0.05
# What is guarded, and how much more per batch is no growth: a busy machine wakes the loop
# more often. Instructions differ by 0.2 % between two runs of one binary.
SLACK = {"instructions": 0, "memset": 1000, "system_calls": 3, "clock_reads": 3}
NOT_RECORDED = 77                            # what test runners take for "skipped"


class CountedGateway(Gateway):
    """Starts and ends slowly, as callgrind does."""
    ready_limit_s = 120
    stop_limit_s = 60


def say(*words):
    print(*words, file=sys.stderr, flush=True)


def key_of(binary):
    """What the figures depend on besides gatherd itself."""
    versions = subprocess.run([binary, "version"], capture_output=True, text=True, check=True,
                              timeout=10).stdout
    names = [re.search(r"^%s \S+" % name, versions, re.MULTILINE)[0]
             for name in ("libcurl", "libmicrohttpd")]
    flags = pathlib.Path("/proc/cpuinfo").read_text()
    vectors = " with AVX2" if re.search(r"^flags.* avx2( |$)", flags, re.MULTILINE) else ""
    return ", ".join([*names, platform.machine() + vectors])


def post(connection, body, times):
    for _ in range(times):
        if connection.post("/v1/batch", body).getheader("Gatherd-Complete") != "true":
            raise LoadFault("an item failed")


def count(binary, upstream, items, keep=None, overrides=()):
    """One batch size, in a process of its own: (instructions per item by (part, function),
    the figures). Also for tracing.py."""
    with tempfile.TemporaryDirectory(prefix="gatherd-instructions-") as folder:
        out = pathlib.Path(folder, "callgrind.out")
        gateway = CountedGateway(binary, folder, ["server.workers=1", *overrides],
                                 wrapper=callgrind.command(out))
        try:
            body = client.batch_body([upstream.together_url(items, ANSWER_AFTER_MS)] * items)
            connection = client.Kept(gateway.port)
            post(connection, body, WARM_BATCHES)
            callgrind.switch(gateway.pid, "on")
            post(connection, body, BATCHES[items])
            callgrind.switch(gateway.pid, "off")
            connection.close()
        finally:
            status = gateway.stop()
        if status != 0:
            raise LoadFault("gatherd ended with status %d" % status)
        with open(out, encoding="utf-8", errors="replace") as lines:
            instructions, calls = callgrind.read(lines)
        if keep:
            shutil.copy(out, pathlib.Path(keep, "callgrind.out.%d" % items))
    total = items * BATCHES[items]
    parts = callgrind.by_part(instructions)
    cleared = sum(count for (_, name), count in instructions.items()
                  if callgrind.is_clearing(name))
    clock_reads = sum(count for name, count in calls.items() if callgrind.is_clock(name))
    functions = {key: round(count / total) for key, count in instructions.items()}
    return functions, {
        "instructions": round(sum(parts.values()) / total),
        "parts": {name: round(parts[name] / total) for name in (*callgrind.PARTS, "other")},
        "memset": round(cleared / total),
        "system_calls": round((sum(calls.values()) - clock_reads) / total, 2),
        "clock_reads": round(clock_reads / total, 2)}


def growth(now, before):
    return now / before - 1 if before else 0.0


def judge(figures, recorded):
    """One sentence for each figure that grew too much; both are by items per batch."""
    lines = []
    for items, now in figures.items():
        before = recorded[items]
        for name, slack in SLACK.items():
            if now[name] > before[name] * (1 + GROWTH_MAX) + slack / int(items):
                worst = max(now["parts"], key=lambda part, now=now, before=before:
                            now["parts"][part] - before["parts"][part])
                lines.append("N=%s: %s per item grew by %.1f %%, from %s to %s; most in %s" % (
                    items, name.replace("_", " "), 100 * growth(now[name], before[name]),
                    before[name], now[name], worst))
    return lines


def table(figures, recorded):
    """A line per figure, a column per batch size; what changed is behind each value."""
    names = ["instructions", *callgrind.PARTS, "other", *list(SLACK)[1:]]
    lines = ["%-16s" % "" + "".join("%20s" % ("N=" + items) for items in figures)]
    for name in names:
        cells = []
        for items, row in figures.items():
            value = row["parts"].get(name, row.get(name))
            cell = "%.2f" % value if isinstance(value, float) else "%d" % value
            if recorded:
                before = {**recorded[items], **recorded[items]["parts"]}.get(name)
                cell += " (%+.1f %%)" % (100 * growth(value, before))
            cells.append("%20s" % cell)
        indent = "  " if name in callgrind.PARTS or name == "other" else ""
        lines.append("%-16s" % (indent + name.replace("_", " ")) + "".join(cells))
    return "\n".join(lines)


def top_functions(measured, top):
    """Markdown: the functions that run most instructions per item, in any batch size."""
    most = collections.Counter()
    for functions in measured.values():
        most |= collections.Counter(functions)
    lines = ["| instructions per item | part | %s |" % " | ".join(
        "N=" + items for items in measured), "|---|---" + "|---:" * len(measured) + "|"]
    for part, function in [key for key, _ in most.most_common(top)]:
        lines.append("| `%s` | %s | %s |" % (function, part, " | ".join(
            "%d" % functions.get((part, function), 0) for functions in measured.values())))
    return "\n".join(lines)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    binary = os.environ.get("GATHERD", str(REPOSITORY / "build/release/gatherd"))
    parser.add_argument("--gatherd", default=binary, help="the binary, a release build")
    parser.add_argument("--record", action="store_true",
                        help="write the figures into the file instead of judging them")
    parser.add_argument("--recorded", type=pathlib.Path, default=RECORDED, metavar="FILE")
    parser.add_argument("--top", type=int, default=0, metavar="COUNT",
                        help="tell the so many functions that cost most as well")
    parser.add_argument("--keep", metavar="FOLDER", help="leave callgrind's files there, for "
                        "callgrind_annotate")
    return parser.parse_args()


def measure(args):
    with tempfile.TemporaryDirectory(prefix="gatherd-instructions-") as folder:
        upstream = DelayUpstream(folder)
        try:
            return {str(items): count(args.gatherd, upstream, items, args.keep)
                    for items in BATCHES}
        finally:
            upstream.stop()


def main():
    args = parse_arguments()
    try:
        key = key_of(args.gatherd)
        measured = measure(args)
    except (LoadFault, OSError, subprocess.SubprocessError) as fault:
        say("instructions: %s" % fault)
        return 2
    figures = {items: row for items, (_, row) in measured.items()}
    everything = json.loads(args.recorded.read_text()) if args.recorded.exists() else {}
    recorded = everything.get(key)
    print("per item, with %s" % key)
    print(table(figures, recorded))
    if args.top:
        print("\n" + top_functions({items: functions for items, (functions, _)
                                    in measured.items()}, args.top))
    if args.record:
        everything[key] = figures
        args.recorded.write_text(json.dumps(everything, indent=1, sort_keys=True) + "\n")
        return 0
    if not recorded:
        say("nothing is recorded for %s: instructions.py --record adds it" % key)
        return NOT_RECORDED
    grown = judge(figures, recorded)
    for line in grown:
        say(line)
    return 1 if grown else 0


if __name__ == "__main__":
    sys.exit(main())
