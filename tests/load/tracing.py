#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What tracing costs: CPU per item with all traces recorded, over that without tracing.

Batches of 100 items of 1 KB from nginx on one worker, with warm connections; the
contenders in turns, in each round: off; recorded only (tracing.propagate off); and recorded
and passed on to the upstream. The collector takes what it gets and reads none of it.
Medians of the ratios within the rounds. --instructions counts instead, as instructions.py
does: that is steady on any machine, but knows nothing of the kernel's part.

Exit status: 0 when the last is at most --most times as much and no span was dropped, 1 when
not, 2 when it could not run. --smoke is short and judges no times.
"""
import argparse
import asyncio
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import threading

import client
import instructions
import measure
from layers import markdown
from processes import LoadFault
from servers import DelayUpstream, Gateway, NginxUpstream

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
ITEMS, CONNECTIONS = 100, 8
CONTENDERS = {
    "off": [],
    "recorded": ["tracing.propagate=off"],
    "recorded and passed on": [],
}


class Sink:
    """Answers each POST with 200 {}; counts bytes."""

    def __init__(self):
        self.bytes, self.requests = 0, 0
        self.loop = asyncio.new_event_loop()
        self.server = self.loop.run_until_complete(
            asyncio.start_server(self.serve, "127.0.0.1", 0, limit=1 << 20))
        self.port = self.server.sockets[0].getsockname()[1]
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    async def serve(self, reader, writer):
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                left = size = int(re.search(rb"(?i)content-length: *(\d+)", head)[1])
                while left > 0:
                    data = await reader.read(min(left, 1 << 20))
                    if not data:
                        return
                    left -= len(data)
                self.bytes, self.requests = self.bytes + size, self.requests + 1
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                             b"Content-Length: 2\r\n\r\n{}")
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def counts(gateway):
    """(spans exported, spans dropped) so far."""
    text = client.ask(gateway.port, "GET", "/metrics").body.decode()
    exported = re.search(r"^gatherd_spans_exported_total (\d+)", text, re.MULTILINE)
    dropped = re.findall(r"^gatherd_spans_dropped_total\{.*\} (\d+)", text, re.MULTILINE)
    return int(exported[1]), sum(map(int, dropped))


def overrides_of(name, sink):
    endpoint = 'tracing.otlp_endpoint="http://127.0.0.1:%d"' % sink.port
    return [] if name == "off" else [*CONTENDERS[name], endpoint]


def start(binary, folder, sink):
    gateways = {}
    for number, name in enumerate(CONTENDERS):
        own = pathlib.Path(folder, str(number))
        own.mkdir()
        gateways[name] = Gateway(binary, str(own),
                                 ["server.workers=1", *overrides_of(name, sink)])
    return gateways


def run_rounds(bench, gateways, rounds):
    """CPU µs per item by contender, a list over the rounds."""
    found = {name: [] for name in gateways}
    names = list(gateways)
    for number in range(rounds):
        for name in names[number % len(names):] + names[:number % len(names)]:
            figures = measure.closed_loop(bench, gateways[name], ITEMS, CONNECTIONS,
                                          bench.nginx.url("/1k"))
            if figures["failed"]:
                raise LoadFault("%d replies were wrong" % figures["failed"])
            found[name].append(figures["cpu_us_item"])
            print("round %d: %s: %.2f µs" % (number + 1, name, figures["cpu_us_item"]),
                  file=sys.stderr)
    return found


def report(found, gateways, sink):
    """Prints the table; the ratio of the last contender and the spans dropped."""
    ratios = {name: statistics.median(mine / base for mine, base in zip(values, found["off"]))
              for name, values in found.items()}
    spans, dropped = map(sum, zip(*(counts(gateway) for gateway in gateways.values())))
    print(markdown(["%d items a batch, every trace" % ITEMS, "CPU µs per item", "÷ off"], [
        [name, "%.2f" % statistics.median(values), "%.3f" % ratios[name]]
        for name, values in found.items()]))
    print("\n%d spans exported, %d dropped, %.0f bytes each, %.0f an export" % (
        spans, dropped, sink.bytes / max(1, spans), spans / max(1, sink.requests)))
    return ratios[list(found)[-1]], dropped


def report_instructions(binary):
    """Prints the table of instructions per item."""
    sink, found = Sink(), {}
    with tempfile.TemporaryDirectory(prefix="gatherd-tracing-") as folder:
        upstream = DelayUpstream(folder)
        try:
            for name in CONTENDERS:
                _, figures = instructions.count(binary, upstream, ITEMS,
                                                overrides=overrides_of(name, sink))
                found[name] = figures["instructions"]
        finally:
            upstream.stop()
    print(markdown(["%d items a batch, every trace" % ITEMS, "instructions per item", "÷ off"], [
        [name, "%d" % count, "%.3f" % (count / found["off"])] for name, count in found.items()]))


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    binary = os.environ.get("GATHERD", str(REPOSITORY / "build/release/gatherd"))
    parser.add_argument("--gatherd", default=binary, help="the binary, a release build")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--most", type=float, default=1.10)
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--instructions", action="store_true",
                        help="count instructions under callgrind, and judge nothing")
    return parser.parse_args()


def main():
    args = parse_arguments()
    if args.instructions:
        try:
            report_instructions(args.gatherd)
        except (LoadFault, OSError, subprocess.SubprocessError) as fault:
            print("tracing: %s" % fault, file=sys.stderr)
            return 2
        return 0
    rounds, seconds = (1, 1) if args.smoke else (args.rounds, args.seconds)
    with tempfile.TemporaryDirectory(prefix="gatherd-tracing-") as folder:
        processes, sink = [], Sink()
        try:
            nginx = NginxUpstream(folder)
            processes.append(nginx)
            bench = measure.Bench(nginx, None, smoke=args.smoke)
            bench.seconds = seconds
            gateways = start(args.gatherd, folder, sink)
            processes += gateways.values()
            found = run_rounds(bench, gateways, rounds)
            ratio, dropped = report(found, gateways, sink)
        except (LoadFault, OSError, subprocess.SubprocessError) as fault:
            print("tracing: %s" % fault, file=sys.stderr)
            return 2
        finally:
            for process in reversed(processes):
                process.stop()
    return 1 if dropped or (ratio > args.most and not args.smoke) else 0


if __name__ == "__main__":
    sys.exit(main())
