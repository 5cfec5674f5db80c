#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The race: gatherd and its peers, one at a time, on the same upstreams with the same load.

Rounds are interleaved and the order of the contenders turns from round to round, so that
what else the machine does meets all alike. Every figure is a median over the rounds; every
ratio, gatherd's figure over the peer's, the median of the ratios within each round: read
those, not the figures, when comparing with another machine. Exit status: 1 when gatherd
failed an item or ended badly, 2 when the race could not be run. README.md beside this file
says what each figure means.
"""
import argparse
import json
import os
import pathlib
import signal
import sys
import tempfile

import chart
import contenders
import measure
import race_report
import race_tests
import report
from processes import LoadFault, descriptor_limit, find_tool
from servers import DelayUpstream, NginxUpstream

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
ALL_TESTS = [*race_tests.TESTS, *race_tests.OWN_TESTS]
OWN, OTHER = "gatherd", "gatherd, other build"


def say(*words):
    print(*words, file=sys.stderr, flush=True)


def names_of(known):
    def parse(text):
        names = [name for name in text.split(",") if name]
        unknown = set(names) - set(known)
        if unknown:
            raise argparse.ArgumentTypeError("not known: %s (known: %s)" % (
                ", ".join(sorted(unknown)), " ".join(known)))
        return names
    return parse


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0],
                                     epilog="tests: %s; peers: %s" % (
                                         " ".join(ALL_TESTS), " ".join(contenders.PREPARE)))
    binary = os.environ.get("GATHERD", str(REPOSITORY / "build/release/gatherd"))
    parser.add_argument("--gatherd", default=binary, help="the binary (default: $GATHERD, "
                        "else build/release/gatherd)")
    parser.add_argument("--against", metavar="PATH", help="another gatherd, in the same race")
    parser.add_argument("--peers", type=names_of(contenders.PREPARE), metavar="A,B",
                        default=list(contenders.PREPARE), help="just these; \"\": none")
    parser.add_argument("--only", type=names_of(ALL_TESTS), default=ALL_TESTS, metavar="A,B",
                        help="just these tests")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true",
                        help="one round, short and small: does it run?")
    parser.add_argument("--set", action="append", default=[], metavar="PATH=VALUE",
                        help="passed on to gatherd serve, of both builds")
    parser.add_argument("--descriptors", type=int, default=20000,
                        help="each contender's limit of open files (default 20000)")
    parser.add_argument("--limit", type=int, default=5400, metavar="S",
                        help="give up after so many seconds (default 5400)")
    parser.add_argument("--json", metavar="FILE", help="write every figure there as well")
    parser.add_argument("--from", dest="files", nargs="+", metavar="FILE", help="no race: the "
                        "rounds of these JSON files of earlier ones, together")
    parser.add_argument("--svg", metavar="FILE", help="write a chart there")
    args = parser.parse_args()
    if args.quick:
        args.rounds = 1
    return args


def line_up(args):
    """The contenders that can run here; who cannot is told."""
    field = [contenders.gatherd(OWN, args.gatherd, args.set, args.descriptors)]
    if args.against:
        field.append(contenders.gatherd(OTHER, args.against, args.set, args.descriptors))
    for name in args.peers:
        try:
            field.append(contenders.peer(name, args.descriptors))
        except contenders.NotInstalled as reason:
            say("skipped: %s, as %s" % (name, reason))
    return field


class Race:
    """Owns what runs, so that stop_all() can end it whatever happens."""

    def __init__(self, args, folder):
        self.args, self.folder = args, folder
        self.started = []
        self.troubles = []
        self.results = {}
        self.field = [] if args.files else line_up(args)
        needed = max([race_tests.DESCRIPTORS.get(test, 0) for test in args.only])
        if not args.quick and needed > min(args.descriptors, descriptor_limit()):
            say("%d open files are needed, the limit is %d: some items will fail" % (
                needed, descriptor_limit()))

    def start(self, make):
        process = make()
        self.started.append(process)
        return process

    def stop(self, process, name):
        self.started.remove(process)
        status = process.stop()
        if name == OWN and status != 0:
            self.troubles.append("gatherd ended with status %d; its last words:\n%s" % (
                status, process.log_tail()))

    def stop_all(self):
        for process in reversed(self.started):
            process.stop()
        self.started = []

    def note(self, test, name, rows, number):
        """Keeps the rows of one round; rounds that a contender missed stay None."""
        for row, figures in rows.items():
            rounds = self.results.setdefault(test, {}).setdefault(row, {}).setdefault(name, [])
            rounds += [None] * (number - len(rounds)) + [figures]
            say("  %-20s %-16s %s" % (name, row, "  ".join(
                "%s %.4g" % item for item in figures.items() if item[0] != "faults")))

    def missed(self, test, name, fault):
        say("  %-20s %s: %s" % (name, test, str(fault)[-300:]))
        if name == OWN:
            self.troubles.append("%s: %s" % (test, fault))

    def run_group(self, bench, contender, tests, number):
        try:
            process = self.start(lambda: contender.start(self.folder))
        except (LoadFault, OSError) as fault:
            self.missed(" ".join(tests), contender.name, fault)
            return
        for test in tests:
            try:
                rows = race_tests.TESTS[test](bench, process)
            except (LoadFault, OSError, ValueError, KeyError) as fault:
                self.missed(test, contender.name, fault)
            else:
                self.note(test, contender.name, rows, number)
        self.stop(process, contender.name)

    def run_own(self, bench, contender, test, number):
        try:
            rows = race_tests.OWN_TESTS[test](bench, contender, self.folder)
        except (LoadFault, OSError) as fault:
            self.missed(test, contender.name, fault)
        else:
            self.note(test, contender.name, rows, number)

    def run_round(self, bench, number):
        turn = number % len(self.field)
        order = self.field[turn:] + self.field[:turn]
        for group in race_tests.GROUPS:
            tests = [test for test in group if test in self.args.only]
            for contender in order if tests else []:
                self.run_group(bench, contender, tests, number)
        for test in race_tests.OWN_TESTS:
            for contender in order:
                if test in self.args.only and contender.is_gatherd:
                    self.run_own(bench, contender, test, number)

    def load(self, files):
        """Takes the rounds of earlier races as they were, those that were missed as well."""
        for path in files:
            for test, rows in json.loads(pathlib.Path(path).read_text())["rounds"].items():
                for row, field in rows.items():
                    into = self.results.setdefault(test, {}).setdefault(row, {})
                    longest = max((len(rounds) for rounds in into.values()), default=0)
                    for name, rounds in field.items():
                        kept = into.setdefault(name, [])
                        kept += [None] * (longest - len(kept)) + rounds

    def run(self):
        nginx = self.start(lambda: NginxUpstream(self.folder, tls="https" in self.args.only))
        delay = self.start(lambda: DelayUpstream(self.folder))
        bench = measure.Bench(nginx, delay, self.args.quick)
        for number in range(self.args.rounds):
            say("round %d of %d" % (number + 1, self.args.rounds))
            self.run_round(bench, number)


def in_order(results):
    """Tests and contenders as they are listed, not as they ran."""
    names = [OWN, OTHER, *contenders.PREPARE]
    return {test: {row: {name: rounds[name] for name in names if name in rounds}
                   for row, rounds in results[test].items()}
            for test in ALL_TESTS if test in results}


def finish(args, race):
    """Prints what was measured, even when the race broke off; returns the exit status."""
    results = in_order(race.results)
    summary = race_report.summarize(results, OWN)
    print("in brackets: gatherd's figure ÷ this one's, within a round\n")
    print(race_report.tables(summary))
    print("\n" + race_report.overview(summary))
    if args.json:
        report.write_json(args.json, vars(args), results, summary)
    if args.svg:
        pathlib.Path(args.svg).write_text(chart.draw(summary), encoding="utf-8")
    failed = race_report.count_failed(summary, OWN)
    if failed:
        race.troubles.append("gatherd failed %d items or replies" % failed)
    for line in race.troubles:
        say(line)
    return 1 if race.troubles else 0


def main():
    args = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("race: terminated"))
    too_long = "race: not done after %d s" % args.limit
    signal.signal(signal.SIGALRM, lambda *_: sys.exit(too_long))
    signal.alarm(args.limit)
    with tempfile.TemporaryDirectory(prefix="gatherd-race-") as folder:
        race = None
        try:
            race = Race(args, folder)
            if args.files:
                race.load(args.files)
            else:
                find_tool("wrk")
                race.run()
        except (LoadFault, OSError) as fault:
            say("race: %s" % fault)
            return 2
        except KeyboardInterrupt:
            say("race: broken off")
        finally:
            if race:
                race.stop_all()
        return finish(args, race)


if __name__ == "__main__":
    sys.exit(main())
