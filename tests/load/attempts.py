#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What retries and hedges cost and bring: a storm, and a tail.

storm   batches of ten items that want three retries each, of an upstream that answers 503,
        and of one that is not there. It may get a fifth more requests than there are items
        (what the budget's floor of three at once adds is told, too).
tail    one-item batches of an upstream that delays each 50th reply by 1 s: without hedges,
        then with hedgeAfterMs. The p99 with them is to be below 100 ms, for less than 5 % more
        requests.

The upstream counts what it got. Exit status: 0 when both hold, 1 when one does not or a
reply was wrong, 2 when it could not run. --smoke is short and judges no times.
"""
import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import client
from processes import LoadFault, free_port
from servers import DelayUpstream, Gateway

HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
EXTRA_MAX = 0.20
TAIL_EXTRA_MAX = 0.05
ALWAYS_PER_S = 10       # retry_budget.h: so many a second whatever the share
TAIL_P99_MS = 100
HEDGE_AFTER_MS = 40
ITEMS = 10


def say(*words):
    print(*words, file=sys.stderr, flush=True)


def metric(gateway, name):
    """The counter's series by the value of their label."""
    text = client.ask(gateway.port, "GET", "/metrics").body.decode()
    found = re.findall(r'^gatherd_%s\{\w+="(\w+)"\} (\d+)' % name, text, re.MULTILINE)
    return {label: int(value) for label, value in found}


def load(gateway, urls, rate, seconds, **fields):
    """The latencies of batches at a fixed rate, sorted; what each was told of is ignored."""
    done = subprocess.run(
        [sys.executable, str(HERE / "small_batches.py"), str(gateway.port), *urls, "--rate",
         str(rate), "--seconds", str(seconds), "--fields", json.dumps(fields)],
        stdout=subprocess.PIPE, check=True, timeout=seconds + 60)
    return json.loads(done.stdout)


def percentile(ordered, share):
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def storm(args, folder, upstream):
    """One gatherd each: the budget looks back ten seconds."""
    holds = True
    dead = "http://127.0.0.1:%d/" % free_port()
    for name, url in (("answers 503", "http://127.0.0.1:%d/status/503" % upstream.port),
                      ("is not there", dead)):
        gateway = Gateway(args.gatherd, folder, args.set)
        try:
            before = upstream.stats()["requests"]
            report = load(gateway, [url] * ITEMS, args.rate, args.seconds, retries=3)
            results = metric(gateway, "retries_total")
            counted = upstream.stats()["requests"] - before
        finally:
            status = gateway.stop()
        items = ITEMS * (len(report["took_ms"]))
        extra = results["sent"]
        good = status == 0 and items > 0 and extra <= EXTRA_MAX * items + 9
        if url != dead:
            good = good and counted == items + extra
        holds = holds and good
        print("an upstream that %s: %d items wanted 3 retries each, %d were sent: %.1f %% more; "
              "%d over budget%s: %s" % (
                  name, items, extra, 100 * extra / max(items, 1), results["over_budget"],
                  "" if url == dead else "; it counted %d requests" % counted,
                  "holds" if good else "DOES NOT HOLD"))
    return holds


def tail(args, folder, upstream):
    gateway = Gateway(args.gatherd, folder, args.set)
    url = "http://127.0.0.1:%d/delay/1000/50" % upstream.port
    holds = True
    try:
        for fields in ({}, {"hedgeAfterMs": HEDGE_AFTER_MS}):
            before = upstream.stats()["requests"]
            report = load(gateway, [url], args.rate, args.seconds, **fields)
            sent = upstream.stats()["requests"] - before
            took = report["took_ms"]
            extra = sent / len(took) - 1
            p99 = percentile(took, 0.99)
            print("%s: p50 %.1f, p99 %.1f, max %.1f ms of %d; %d requests, %.1f %% more" % (
                "hedged after %d ms" % HEDGE_AFTER_MS if fields else "without hedges",
                percentile(took, 0.5), p99, took[-1], len(took), sent, 100 * extra))
            if report["faults"]:
                say(*report["faults"][:5])
                holds = False
        # On a busy machine the others are late as well, and hedged: to the budget, and no more.
        most = EXTRA_MAX + ALWAYS_PER_S / args.rate if args.smoke else TAIL_EXTRA_MAX
        holds = holds and extra < most and (args.smoke or p99 < TAIL_P99_MS)
        print("a tail of 2 %% of 1 s is cut: %s" % ("holds" if holds else "DOES NOT HOLD"))
    finally:
        holds = gateway.stop() == 0 and holds
    return holds


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    binary = os.environ.get("GATHERD", str(REPOSITORY / "build/release/gatherd"))
    parser.add_argument("--gatherd", default=binary)
    parser.add_argument("--rate", type=float, default=200, help="batches a second")
    parser.add_argument("--seconds", type=float, default=15, help="of each run")
    parser.add_argument("--only", choices=("storm", "tail"))
    parser.add_argument("--set", action="append", default=[], metavar="PATH=VALUE",
                        help="passed on to gatherd serve")
    parser.add_argument("--smoke", action="store_true", help="short; judges no times")
    args = parser.parse_args()
    if args.smoke:
        args.seconds = 1.5
    return args


def main():
    args = parse_arguments()
    tests = {"storm": storm, "tail": tail}
    with tempfile.TemporaryDirectory(prefix="gatherd-attempts-") as folder:
        try:
            upstream = DelayUpstream(folder)
            try:
                results = [test(args, folder, upstream) for name, test in tests.items()
                           if args.only in (None, name)]
            finally:
                upstream.stop()
        except (LoadFault, OSError, subprocess.SubprocessError) as fault:
            say("attempts: %s" % fault)
            return 2
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
