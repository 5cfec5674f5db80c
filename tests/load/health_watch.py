#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Asks GET /healthz every 10 ms and says how long the answers took.

A process of its own, so that what else the load runner does cannot delay it. Several
kept-alive connections, because a gateway with one loop per core is only as healthy as its
busiest loop: all are asked in every tick (but never before their last answer came). Runs
until its standard input ends, then prints one JSON object.
"""
import argparse
import json
import math
import select
import socket
import sys
import time

TICK_S = 0.010
LAST_ANSWER_S = 5
REQUEST = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


class Probe:
    """One connection; `asked` is the time of the question without an answer yet."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), LAST_ANSWER_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.asked = None

    def ask(self):
        self.asked = time.monotonic()
        self.socket.sendall(REQUEST)

    def take(self):
        """Milliseconds the answer took, or None when it was not a 200."""
        took_ms = (time.monotonic() - self.asked) * 1000
        self.asked = None
        return took_ms if self.socket.recv(65536).startswith(b"HTTP/1.1 200 ") else None


class Watch:
    def __init__(self, port, connections):
        self.port = port
        self.probes = [Probe(port) for _ in range(connections)]
        self.took_ms = []
        self.failed = 0

    def asked(self):
        return {probe.socket: probe for probe in self.probes if probe.asked is not None}

    def replace(self, probe):
        self.failed += 1
        probe.socket.close()
        self.probes.remove(probe)
        self.probes.append(Probe(self.port))

    def ask_idle(self):
        for probe in [probe for probe in self.probes if probe.asked is None]:
            try:
                probe.ask()
            except OSError:
                self.replace(probe)

    def collect(self, until):
        """Takes answers until then; True when the standard input has ended."""
        while (left := until - time.monotonic()) > 0:
            asked = self.asked()
            ready, _, _ = select.select([sys.stdin, *asked], [], [], left)
            if sys.stdin in ready:
                return True
            for sock in ready:
                self.take(asked[sock])
        return False

    def take(self, probe):
        try:
            took_ms = probe.take()
        except OSError:
            took_ms = None
        if took_ms is None:
            self.replace(probe)
        else:
            self.took_ms.append(took_ms)

    def finish(self):
        """A question still open at the end counts with its whole time."""
        until = time.monotonic() + LAST_ANSWER_S
        while asked := self.asked():
            left = max(0, until - time.monotonic())
            ready, _, _ = select.select(list(asked), [], [], left)
            if not ready:
                self.failed += len(asked)
                return
            for sock in ready:
                self.take(asked[sock])

    def report(self):
        ordered = sorted(self.took_ms) or [0.0]
        rank = math.ceil(len(ordered) * 0.99) - 1
        return {"asked": len(self.took_ms), "failed": self.failed,
                "p99_ms": ordered[rank], "worst_ms": ordered[-1]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("port", type=int)
    parser.add_argument("--connections", type=int, default=2)
    args = parser.parse_args()
    watch = Watch(args.port, args.connections)
    print("watching", flush=True)
    tick = time.monotonic()
    ended = False
    while not ended:
        watch.ask_idle()
        tick = max(tick + TICK_S, time.monotonic())
        ended = watch.collect(tick)
    watch.finish()
    print(json.dumps(watch.report()), flush=True)


if __name__ == "__main__":
    main()
