#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Do batches of 10,000 items starve batches of one?

One-item batches come at a fixed rate, alone and then beside ten 10,000-item batches of
which each is followed at once by the next; both in turns, so that a change of the machine
meets both. The p99 beside the large ones may be a quarter, or 5 ms, above the one alone
(medians over the rounds). gatherd has two workers. It is gatherd that is asked to make no
batch wait, not the scheduler of the kernel: so, when run as root, the clients and the
upstream, which stand for other machines, get the CPU when they want it, and gatherd gets
it before whatever else the machine does. (Where the kernel groups processes by session,
kernel.sched_autogroup_enabled, that holds within the session only: on a busy machine
write -19 into /proc/self/autogroup of a session of its own first.)

Exit status: 0 when it holds, 1 when it does not or a reply was wrong, 2 when it could not
run. --smoke is short and judges only the replies.
"""
import argparse
import collections
import json
import os
import pathlib
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import client
from processes import LoadFault
from servers import Gateway, NginxUpstream

HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
FACTOR = 1.25
PLUS_MS = 5
BIG_LIMIT_S = 120
PEERS_NICE = -15
BIG_NICE = 0
GATEWAY_NICE = -10
SETTINGS = ["server.workers=2", "fetch.per_origin=256", "fetch.max_in_flight=10000",
            "batch.max_items=10000"]


def say(*words):
    print(*words, file=sys.stderr, flush=True)


def be_nice(value):
    """This process and what it starts from now on."""
    if os.geteuid() == 0:
        os.setpriority(os.PRIO_PROCESS, 0, value)


class BigBatches:
    """A thread that keeps so many large batches running until it is stopped."""

    def __init__(self, port, url, count, items):
        self.request = client.request_bytes("POST", "/v1/batch",
                                            client.batch_body([url] * items))
        self.port, self.count, self.items = port, count, items
        self.done = 0
        self.faults = []
        self.is_stopped = False
        self.threads = [threading.Thread(target=self.run) for _ in range(count)]

    def run(self):
        if os.geteuid() == 0:   # of this thread alone: gatherd comes first
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), BIG_NICE)
        while not self.is_stopped:
            exchange = client.Exchange(self.port, self.request, keep=False)
            client.run_all([exchange], BIG_LIMIT_S)
            exchange.close()
            if exchange.fault or exchange.status != 200 or not exchange.complete:
                self.faults.append("%s, status %d: %s" % (
                    exchange.fault, exchange.status, bytes(exchange.body)[-200:]))
            self.done += 1

    def start(self):
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.is_stopped = True
        for thread in self.threads:
            thread.join()


def loop_lag(port):
    """{bucket bound in s: turns up to it}, cumulative, of all workers."""
    reply = client.ask(port, "GET", "/metrics")
    text = reply.body.decode()
    if reply.status != 200:
        raise LoadFault("/metrics: status %d: %s" % (reply.status, text[:300]))
    found = re.findall(r'^gatherd_loop_lag_seconds_bucket\{.*le="([^"]+)"\} (\d+)', text,
                       re.MULTILINE)
    turns = collections.Counter()
    for bound, count in found:
        turns[float(bound)] += int(count)
    return turns


def lag_line(before, after):
    """How many turns were longer than so many ms."""
    total = after[float("inf")] - before[float("inf")]
    parts = ["%d turns" % total]
    for bound in sorted(after):
        longer = total - (after[bound] - before[bound])
        if 0.002 <= bound < 1:
            parts.append("> %g ms: %d" % (bound * 1000, longer))
    return ", ".join(parts)


def percentile(ordered, share):
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class Run:
    def __init__(self, args, gateway, upstream):
        self.args, self.gateway = args, gateway
        self.url = upstream.url("/1k")
        self.p99 = {"alone": [], "beside": []}
        self.faults = []

    def small(self, name):
        before = loop_lag(self.gateway.port)
        done = subprocess.run(
            [sys.executable, str(HERE / "small_batches.py"), str(self.gateway.port),
             self.url, "--rate", str(self.args.rate),
             "--seconds", str(self.args.seconds)],
            stdout=subprocess.PIPE, check=True, timeout=self.args.seconds + 60)
        report = json.loads(done.stdout)
        took = report["took_ms"]
        self.faults += report["faults"]
        self.p99[name].append(percentile(took, 0.99))
        say("  %-6s p50 %6.2f  p99 %6.2f  max %6.2f ms  of %d; %s" % (
            name, percentile(took, 0.5), self.p99[name][-1], took[-1], len(took),
            lag_line(before, loop_lag(self.gateway.port))))

    def round(self):
        self.small("alone")
        big = BigBatches(self.gateway.port, self.url, self.args.big, self.args.items)
        cpu, began = self.gateway.cpu_us(), time.monotonic()
        big.start()
        try:
            time.sleep(min(1, self.args.seconds))
            self.small("beside")
        finally:
            big.stop()
        took = time.monotonic() - began
        say("         %d batches of %d meanwhile: %d items/s, %.1f us of CPU an item" % (
            big.done, big.items, big.done * big.items / took,
            (self.gateway.cpu_us() - cpu) / (big.done * big.items)))
        self.faults += big.faults

    def verdict(self):
        alone = statistics.median(self.p99["alone"])
        beside = statistics.median(self.p99["beside"])
        limit = max(FACTOR * alone, alone + PLUS_MS)
        holds = beside <= limit
        words = "not judged" if self.args.smoke else "holds" if holds else "DOES NOT HOLD"
        print("p99 of one-item batches, medians of %d rounds: alone %.2f ms, beside %d "
              "batches of %d items %.2f ms, limit %.2f ms: %s" % (
                  len(self.p99["alone"]), alone, self.args.big, self.args.items, beside,
                  limit, words))
        return holds


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    binary = os.environ.get("GATHERD", str(REPOSITORY / "build/release/gatherd"))
    parser.add_argument("--gatherd", default=binary)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rate", type=float, default=200, help="small batches a second")
    parser.add_argument("--seconds", type=float, default=10, help="of each half round")
    parser.add_argument("--big", type=int, default=10, help="large batches at a time")
    parser.add_argument("--items", type=int, default=10000, help="of each large batch")
    parser.add_argument("--set", action="append", default=[], metavar="PATH=VALUE",
                        help="passed on to gatherd serve")
    parser.add_argument("--pin", action="store_true",
                        help="gatherd with one worker alone on the first CPU, all others beside")
    parser.add_argument("--smoke", action="store_true",
                        help="a few seconds; judges the replies, not the times")
    args = parser.parse_args()
    if args.smoke:
        args.rounds, args.seconds, args.big, args.items = 1, 1, 3, 1000
    return args


def own_cpus(args):
    """gatherd's CPUs; what is started here next, and this process, take the others."""
    cpus = sorted(os.sched_getaffinity(0))
    if not args.pin:
        return None
    os.sched_setaffinity(0, cpus[1:] or cpus)
    args.set.insert(0, "server.workers=1")
    return cpus[:1]


def measure(args, folder):
    servers = []
    try:
        be_nice(GATEWAY_NICE)
        gateway = Gateway(args.gatherd, folder, SETTINGS + args.set, cpus=own_cpus(args))
        servers.append(gateway)
        be_nice(PEERS_NICE)
        upstream = NginxUpstream(folder)
        servers.append(upstream)
        run = Run(args, gateway, upstream)
        for number in range(args.rounds):
            say("round %d of %d" % (number + 1, args.rounds))
            run.round()
        servers.remove(gateway)
        if gateway.stop() != 0:
            run.faults.append("gatherd's last words:\n" + gateway.log_tail())
        return run
    finally:
        for server in reversed(servers):
            server.stop()


def main():
    args = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("fairness: terminated"))
    with tempfile.TemporaryDirectory(prefix="gatherd-fairness-") as folder:
        try:
            run = measure(args, folder)
        except (LoadFault, OSError, subprocess.SubprocessError) as fault:
            say("fairness: %s" % fault)
            return 2
    holds = run.verdict()
    for fault in run.faults[:20]:
        say(fault)
    return 1 if run.faults or not (holds or args.smoke) else 0


if __name__ == "__main__":
    sys.exit(main())
