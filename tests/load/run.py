#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Measures gatherd under load: throughput, latency, CPU per item, memory, connections.

Starts upstreams of its own (nginx, and a small one that delays), then gatherd, on free
loopback ports; stops them and removes its files at the end. It judges no figure: the exit
status is 1 when an item failed, a reply was wrong or gatherd did not end with 0, and 2
when it could not run. See README.md beside it for what each figure means.
"""
import argparse
import os
import pathlib
import signal
import subprocess
import sys
import tempfile

import measure
import report
from processes import LoadFault, descriptor_limit, find_tool
from servers import DelayUpstream, Gateway, NginxUpstream

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]


def say(*words):
    print(*words, file=sys.stderr, flush=True)


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n\n")[0],
        epilog="tests: " + " ".join(measure.TESTS))
    default_binary = os.environ.get("GATHERD", str(REPOSITORY / "build/release/gatherd"))
    parser.add_argument("--gatherd", default=default_binary, help="the binary to measure "
                        "(default: $GATHERD, else build/release/gatherd)")
    parser.add_argument("--only", metavar="A,B", help="just these tests")
    parser.add_argument("--rounds", type=int, default=1,
                        help="repeat all and print medians")
    parser.add_argument("--smoke", action="store_true",
                        help="small and short, about 10 s: does it all run, does nothing "
                        "fail")
    parser.add_argument("--pin", action="store_true",
                        help="gatherd alone on the first CPU, upstreams and clients "
                        "on the others: steadier figures")
    parser.add_argument("--set", action="append", default=[], metavar="PATH=VALUE",
                        help="passed on to gatherd serve")
    parser.add_argument("--descriptors", type=int, default=20000,
                        help="gatherd's limit of open files (default 20000)")
    parser.add_argument("--limit", type=int, default=900, metavar="S",
                        help="give up after so many seconds (default 900)")
    parser.add_argument("--json", metavar="FILE", help="write every figure there as well")
    args = parser.parse_args()
    args.only = args.only.split(",") if args.only else list(measure.TESTS)
    unknown = set(args.only) - set(measure.TESTS)
    if unknown:
        parser.error("no such test: %s (there are: %s)" % (
            ", ".join(sorted(unknown)), " ".join(measure.TESTS)))
    return args


def choose_cpus(pin):
    """The CPUs of the gateway and those of everything else; None: as the kernel likes."""
    if not pin:
        return None, None
    usable = sorted(os.sched_getaffinity(0))
    if len(usable) < 2:
        raise LoadFault("--pin needs two CPUs")
    return {usable[0]}, set(usable[1:])


class Run:
    def __init__(self, args, folder):
        self.args, self.folder = args, folder
        self.gateway_cpus, others = choose_cpus(args.pin)
        self.descriptors = min(args.descriptors, descriptor_limit())
        self.results = {}
        self.troubles = []
        self.started = []
        if others:
            os.sched_setaffinity(0, others)    # this process and its children but gatherd

    def start(self, process_type, *process_args, **options):
        process = process_type(*process_args, **options)
        self.started.append(process)
        return process

    def stop_all(self):
        for process in reversed(self.started):
            process.stop()
        self.started = []

    def tests_of(self, group, bench):
        """The wanted tests of a group, less those the limit of open files rules out."""
        tests = [test for test in group if test in self.args.only]
        for test in list(tests):
            needed = measure.descriptors_needed(bench, test)
            if needed > self.descriptors:
                say("skipped: %s needs %d open files, the limit is %d (ulimit -n)" % (
                    test, needed, self.descriptors))
                tests.remove(test)
        return tests

    def measure_group(self, bench, tests):
        gateway = self.start(Gateway, self.args.gatherd, self.folder, self.args.set,
                             self.gateway_cpus, self.descriptors)
        for test in tests:
            for name, figures in measure.TESTS[test](bench, gateway, test).items():
                self.results.setdefault(test, {}).setdefault(name, []).append(figures)
                say("  %-18s %s" % (name, "  ".join(
                    "%s %.4g" % item for item in figures.items() if item[0] != "faults")))
        self.started.remove(gateway)
        status = gateway.stop()
        if status != 0:
            self.troubles.append("gatherd ended with status %d; its last words:\n%s" % (
                status, gateway.log_tail()))

    def run(self):
        bench = measure.Bench(self.start(NginxUpstream, self.folder),
                              self.start(DelayUpstream, self.folder), self.args.smoke)
        for number in range(self.args.rounds):
            say("round %d of %d" % (number + 1, self.args.rounds))
            for group in measure.GROUPS:
                tests = self.tests_of(group, bench)
                if tests:
                    self.measure_group(bench, tests)


def finish(args, run):
    """Prints what was measured, even when the run broke off; returns the exit status."""
    summary = report.summarize(run.results)
    if summary:
        print(report.tables(summary))
    if args.json:
        report.write_json(args.json, vars(args), run.results, summary)
    failed = report.count_failed(summary)
    lines = report.fault_lines(run.results) + run.troubles
    if failed:
        lines.append("%d items or replies failed" % failed)
    for line in lines:
        say(line)
    return 1 if lines else 0


def main():
    args = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("load: terminated"))
    too_long = "load: not done after %d s" % args.limit
    signal.signal(signal.SIGALRM, lambda *_: sys.exit(too_long))
    signal.alarm(args.limit)
    with tempfile.TemporaryDirectory(prefix="gatherd-load-") as folder:
        run = None
        try:
            find_tool("wrk")
            if not os.access(args.gatherd, os.X_OK):
                raise LoadFault("no gatherd at %s: cmake --preset release && "
                                "cmake --build --preset release" % args.gatherd)
            run = Run(args, folder)
            run.run()
        except (LoadFault, OSError, subprocess.TimeoutExpired) as fault:
            say("load: %s" % fault)
            if run:
                run.stop_all()
                finish(args, run)
            return 2
        finally:
            if run:
                run.stop_all()
        return finish(args, run)


if __name__ == "__main__":
    sys.exit(main())
