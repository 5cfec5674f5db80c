#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`gatherd run` over a long list of URLs beside the service: throughput, memory, the bar.

In turns, within one run: the list through `gatherd run`, its results to a file; and
batches of 100 of the same URL through `gatherd serve` with wrk's eight connections. Then
the list once more with a terminal as its standard error, whose last bar must be right.
Ratios are the list's items a second, or a second of gatherd's CPU time, to the service's:
where others share the machine the second one is the steadier.
Exit status: 0 when the median of the first ones is at least 0.9, memory stays below 200 MiB
and the bar is right; 1 when not; 2 when it could not run. With --smoke no time is judged.
"""
import argparse
import json
import os
import pathlib
import pty
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time

from measure import Bench
from processes import LoadFault, memory_mb_of
from servers import Gateway, NginxUpstream

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
RATIO_LEAST = 0.9
MEMORY_MAX_MIB = 200
CONNECTIONS, ITEMS = 8, 100                  # of the service; the list has as many in flight
RUN_LIMIT_S = 600
WATCH_S = 0.05


def command(binary, listed):
    return [binary, "run", "--allow-private", "--set", "egress.deny_ports=[]",
            "--concurrency", str(CONNECTIONS * ITEMS), str(listed)]


class PeakWatch(threading.Thread):
    """A child's peak of memory, some times a second. That of getrusage begins with what its
    parent had when it was forked, which is more than gatherd takes."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.mib, self.is_over = pid, 0, threading.Event()
        self.start()

    def run(self):
        while not self.is_over.wait(WATCH_S):
            self.mib = max(self.mib, memory_mb_of(self.pid, "VmHWM"))


def wait_for(child):
    """(exit status, peak RSS in MiB, CPU time in s, when it ended)"""
    watch = PeakWatch(child.pid)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    ended = time.monotonic()
    watch.is_over.set()
    watch.join()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return child.returncode, watch.mib, usage.ru_utime + usage.ru_stime, ended


def last_line(path):
    with open(path, "rb") as file:
        file.seek(max(0, os.path.getsize(path) - 4096))
        return json.loads(file.read().splitlines()[-1])


def run_list(binary, listed, count, folder):
    """Items a second, the peak of memory and CPU time per item in µs, of a run with its
    results in a file."""
    out = pathlib.Path(folder, "results.ndjson")
    with open(out, "wb") as results:
        started = time.monotonic()
        with subprocess.Popen(command(binary, listed), stdin=subprocess.DEVNULL,
                              stdout=results) as child:
            status, peak_mib, cpu_s, ended = wait_for(child)
        took_s = ended - started
    summary = last_line(out)["summary"]
    if status != 0 or summary["ok"] != count:
        raise LoadFault("gatherd run ended with %d and %s" % (status, summary))
    return count / took_s, peak_mib, cpu_s * 1e6 / count


def serve_batches(gateway, url, seconds):
    """Items a second of the service, and its CPU time per item in µs."""
    before_us = gateway.cpu_us()
    figures = Bench.wrk(gateway.port, seconds, CONNECTIONS, [str(ITEMS), url])
    if figures["bad"]:
        raise LoadFault("%d batches were not complete" % figures["bad"])
    items = figures["requests"] * ITEMS
    return items / figures["seconds"], (gateway.cpu_us() - before_us) / items


def watch_bar(binary, listed):
    """What the terminal showed, as frames."""
    master, slave = pty.openpty()
    shown = bytearray()

    def read():
        try:
            while True:
                shown.extend(os.read(master, 65536))
        except OSError:                      # the last writer is gone
            pass
    reader = threading.Thread(target=read)
    with subprocess.Popen(command(binary, listed), stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=slave,
                          env={**os.environ, "TERM": "xterm", "NO_COLOR": "1",
                               "COLUMNS": "120"}) as child:
        os.close(slave)
        reader.start()
        child.wait(RUN_LIMIT_S)
    reader.join(10)
    os.close(master)
    return shown.decode().split("\r\x1b[K")


def check_bar(frames, count):
    """Never backwards, a total near the truth at once, and the whole at the end."""
    bars = [re.search(r"([\d,]+)/(~?)([\d,]+)", frame) for frame in frames]
    done = [int(bar[1].replace(",", "")) for bar in bars if bar]
    totals = [int(bar[3].replace(",", "")) for bar in bars if bar]
    if not done or done != sorted(done):
        raise LoadFault("the bar went backwards, or there was none: %s" % done)
    if any(abs(total - count) > count / 50 for total in totals):
        raise LoadFault("the bar's totals are wrong: %s" % sorted(set(totals)))
    if "{:,} items in ".format(count) not in frames[-1] or \
            "{:,} ok".format(count) not in frames[-1]:
        raise LoadFault("the last line is wrong: %r" % frames[-1])
    return len(done)


def compare(args, folder):
    binary = args.gatherd
    nginx = NginxUpstream(folder)
    url = nginx.url("/1k")
    listed = pathlib.Path(folder, "urls.txt")
    listed.write_text((url + "\n") * args.items, encoding="ascii")
    gateway = None
    try:
        gateway = Gateway(binary, folder)
        rounds = []
        for _ in range(args.rounds):
            rate, peak_mib, cpu_us = run_list(binary, listed, args.items, folder)
            served, served_cpu_us = serve_batches(gateway, url, args.seconds)
            rounds.append({"run": rate, "serve": served, "ratio": rate / served,
                           "peak_mib": peak_mib, "cpu_ratio": served_cpu_us / cpu_us})
            print("run %6.0f/s, %4.1f us of CPU an item   serve %6.0f/s, %4.1f us   "
                  "ratio %.2f   peak %.0f MiB" % (rate, cpu_us, served, served_cpu_us,
                                                  rate / served, peak_mib), flush=True)
        bars = check_bar(watch_bar(binary, listed), args.items)
    finally:
        if gateway:
            gateway.stop()
        nginx.stop()
    return rounds, bars


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gatherd", default=os.environ.get(
        "GATHERD", str(REPOSITORY / "build/release/gatherd")))
    parser.add_argument("--items", type=int, default=100000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--smoke", action="store_true")
    args = parser.parse_args()
    if args.smoke:
        args.items, args.rounds, args.seconds = 20000, 1, 1
    try:
        with tempfile.TemporaryDirectory(prefix="gatherd-run-") as folder:
            rounds, bars = compare(args, folder)
    except (LoadFault, OSError) as fault:
        print("run_cli: %s" % fault, file=sys.stderr)
        return 1 if isinstance(fault, LoadFault) else 2
    ratio = statistics.median(one["ratio"] for one in rounds)
    peak_mib = max(one["peak_mib"] for one in rounds)
    cpu_ratio = statistics.median(one["cpu_ratio"] for one in rounds)
    print("%d items, %d rounds: ratio %.2f, of the CPU an item %.2f, peak %.0f MiB, %d bars"
          % (args.items, args.rounds, ratio, cpu_ratio, peak_mib, bars))
    is_fast = args.smoke or ratio >= RATIO_LEAST
    return 0 if is_fast and peak_mib <= MEMORY_MAX_MIB else 1


if __name__ == "__main__":
    sys.exit(main())
