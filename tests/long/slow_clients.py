#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""H8, H9: a thousand clients that drip and two hundred that do not read, beside normal load.

    tests/long/slow_clients.py                    three rounds of 2 x 20 s
    tests/long/slow_clients.py --seconds 60 --rounds 5
    tests/long/slow_clients.py --smoke            what the tests run: no bar on time

Half of the dripping clients send a head, half a body, a byte a second each; the readers that
stall ask for a megabyte and read nothing. Whoever is cut comes back at once. The normal load is
open-loop: so many batches of five items a second on kept-alive connections, each timed from the
moment it was due. Every round has a half without the slow clients and one with them, in turns.

Right is: every batch of the normal load whole; the median over the rounds of its p99 with the slow
clients at most 10 % above that without (not with --smoke); memory within memory.reply_budget;
no client left afterwards. Times mean something on an idle machine only."""
import argparse
import json
import multiprocessing
import os
import re
import select
import socket
import statistics
import sys
import tempfile
import time
from pathlib import Path

SUPPORT = Path(__file__).resolve().parent.parent / "support"
sys.path.insert(0, str(SUPPORT))

from harness.configuration import options  # noqa: E402
from harness.gatherd import Gatherd  # noqa: E402
from harness.process import Child, figure_of, wait_until  # noqa: E402
from harness.upstream_process import Upstream  # noqa: E402

BUDGET_MIB = 512
CONFIGURATION = options(server__workers=2, server__head_timeout="5s", server__body_timeout="15s",
                        server__write_timeout="10s", memory__reply_budget=f"{BUDGET_MIB}MiB",
                        log__level="warning", log__access="off")
P99_RATIO_MAX = 1.10
STALLED_BYTES = 2_000_000
SPREAD_SECONDS = 5
"""As long as head_timeout: so they are not all cut in the same moment."""
BATCH_HEAD = b"POST /v1/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


# The slow clients: a process of their own.

class SlowClient:
    """Sends `data` a byte at a time, or (stalls) all at once and then reads nothing."""

    def __init__(self, port, data, stalls):
        self.port, self.data, self.stalls = port, data, stalls
        self.socket = None

    def open(self, poll, clients):
        self.sent = 0
        self.socket = socket.socket()
        if self.stalls:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.connect(("127.0.0.1", self.port))
        self.socket.setblocking(False)
        clients[self.socket.fileno()] = self
        poll.register(self.socket, select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR)
        if self.stalls:
            self.socket.send(self.data)

    def close(self, poll, clients):
        poll.unregister(self.socket)
        del clients[self.socket.fileno()]
        self.socket.close()

    def drip(self):
        if not self.stalls and self.sent < len(self.data):
            try:
                self.socket.send(self.data[self.sent:self.sent + 1])
                self.sent += 1
            except OSError:
                pass            # the poll tells


def slow_process(port, dripping, stalling, stalled_url, pipe):
    """Lives from the first word on the pipe to the second; answers how often a client was cut."""
    head = b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: " + b"a" * 10000
    body = BATCH_HEAD + b"Content-Length: 10000\r\n\r\n" + b" " * 10000
    stalled = b"GET /v1/batch?url=%s HTTP/1.1\r\nHost: x\r\n\r\n" % stalled_url.encode()
    clients, poll, cuts = {}, select.epoll(), 0
    all_clients = [SlowClient(port, head if n % 2 else body, False) for n in range(dripping)] + \
                  [SlowClient(port, stalled, True) for _ in range(stalling)]
    pipe.recv()
    for client in all_clients:
        client.open(poll, clients)
        time.sleep(SPREAD_SECONDS / len(all_clients))
        if client.data is body:         # the head at once: its clock is the other half's
            client.sent = client.socket.send(body[:body.index(b"\r\n\r\n") + 4])
    pipe.send("all are there")
    turn = 0
    while not pipe.poll():
        for fd, _ in poll.poll(0.1):
            client = clients[fd]
            cuts += 1
            client.close(poll, clients)
            client.open(poll, clients)
            if client.data is body:
                client.sent = client.socket.send(body[:body.index(b"\r\n\r\n") + 4])
        for client in all_clients[turn % 10::10]:
            client.drip()
        turn += 1
    for client in all_clients:
        client.close(poll, clients)
    pipe.send(cuts)


# The normal load.

class Connection:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=5)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.data = b""
        self.due = None

    def reply(self):
        """The whole reply, or None as long as it is not there."""
        self.data += self.socket.recv(65536)
        head, end, body = self.data.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
        if not end or len(body) < int(length[1]):
            return None
        self.data = b""
        return head + end + body


def normal_load(port, request, rate, seconds):
    """(latencies in ms, what went wrong): one request each 1/rate seconds, whatever happens."""
    idle, busy, latencies, wrong = [], {}, [], []
    poll = select.epoll()
    started = time.monotonic()
    count, sent = int(rate * seconds), 0
    while sent < count or busy:
        now = time.monotonic()
        if now - started > seconds + 20:
            wrong.append(f"{len(busy)} batches without a reply")
            break
        while sent < count and started + sent / rate <= now:
            if not idle:
                idle.append(Connection(port))
                poll.register(idle[-1].socket, select.EPOLLIN)
            connection = idle.pop()
            connection.due = started + sent / rate
            connection.socket.sendall(request)
            busy[connection.socket.fileno()] = connection
            sent += 1
        until = started + sent / rate - time.monotonic() if sent < count else 0.1
        for fd, _ in poll.poll(max(until, 0)):
            connection = busy.get(fd)
            reply = connection.reply() if connection else None
            if reply:
                latencies.append((time.monotonic() - connection.due) * 1000)
                if b"Gatherd-Complete: true" not in reply:
                    wrong.append(reply[:300])
                idle.append(busy.pop(fd))
    for connection in [*idle, *busy.values()]:
        connection.socket.close()
    return latencies, wrong


def quantile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


# The rounds.

class Round:
    def __init__(self, gatherd, request, arguments, stalled_url):
        self.gatherd, self.request, self.arguments = gatherd, request, arguments
        self.stalled_url = stalled_url
        self.faults = []

    def without(self):
        return self.measure()

    def measure(self):
        latencies, wrong = normal_load(self.gatherd.port, self.request, self.arguments.rate,
                                       self.arguments.seconds)
        self.faults += [f"normal load: {text}" for text in wrong[:3]]
        return latencies

    def beside(self):
        mine, theirs = multiprocessing.Pipe()
        slow = multiprocessing.Process(target=slow_process, args=(
            self.gatherd.port, self.arguments.dripping, self.arguments.stalling, self.stalled_url,
            theirs))
        slow.start()
        mine.send("go")
        mine.recv()
        time.sleep(1)               # until their replies are there and wait
        latencies = self.measure()
        self.resident_mib = figure_of(self.gatherd.pid, "VmRSS") / 1024
        self.clients = client_count(self.gatherd)
        mine.send("end")
        self.cuts = mine.recv()
        slow.join()
        return latencies


def client_count(gatherd):
    return int(re.search(r"^gatherd_client_connections (\d+)", gatherd.metrics(), re.M)[1])


def run(folder, arguments, say):
    """Returns what was wrong, as text."""
    upstream = Upstream(folder)
    quick = Child([sys.executable, str(SUPPORT.parent / "load/delay_upstream.py"), "127.0.0.1"],
                  folder, "quick")
    port = int(wait_until(lambda: quick.output().strip(), 10, "the quick upstream's port"))
    gatherd = Gatherd(folder, CONFIGURATION)
    try:
        body = json.dumps([f"http://127.0.0.1:{port}/delay/5"] * 5).encode()
        request = BATCH_HEAD + b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
        faults = rounds(gatherd, request, arguments, upstream.url(f"bytes/{STALLED_BYTES}"), say)
        wait_until(lambda: client_count(gatherd) <= 1, 20, "all clients gone")
        gatherd.stop()
        return faults
    finally:
        if gatherd.is_alive:
            gatherd.child.popen.kill()
        elif gatherd.child.popen.returncode:
            print(f"gatherd ended with {gatherd.child.popen.returncode}: {gatherd.child.errors()}")
        quick.stop()
        upstream.stop()


def rounds(gatherd, request, arguments, stalled_url, say):
    alone, beside, faults = [], [], []
    normal_load(gatherd.port, request, arguments.rate, min(2, arguments.seconds))
    base_mib = figure_of(gatherd.pid, "VmRSS") / 1024
    for number in range(arguments.rounds):
        this = Round(gatherd, request, arguments, stalled_url)
        halves = [("alone", this.without), ("beside", this.beside)]
        measured = {name: half() for name, half in (halves if number % 2 == 0 else halves[::-1])}
        alone.append(quantile(measured["alone"], 0.99))
        beside.append(quantile(measured["beside"], 0.99))
        faults += this.faults
        say(f"round {number + 1}: p50 {statistics.median(measured['alone']):.2f} -> "
            f"{statistics.median(measured['beside']):.2f} ms, p99 {alone[-1]:.2f} -> "
            f"{beside[-1]:.2f} ms, {len(measured['beside'])} batches, {this.clients} clients, "
            f"{this.cuts} cut, RSS {base_mib:.0f} -> {this.resident_mib:.0f} MiB")
        if this.resident_mib > base_mib + BUDGET_MIB * 1.1:
            faults.append(f"{this.resident_mib:.0f} MiB are over the budget of {BUDGET_MIB} MiB")
        if this.clients < (arguments.dripping + arguments.stalling) * 0.9:
            faults.append(f"only {this.clients} clients were there")
    ratio = statistics.median(beside) / statistics.median(alone)
    say(f"p99, medians of {arguments.rounds}: {statistics.median(alone):.2f} ms alone, "
        f"{statistics.median(beside):.2f} ms beside {arguments.dripping} that drip and "
        f"{arguments.stalling} that stall: x {ratio:.2f}; load average {os.getloadavg()[0]:.1f}")
    if not arguments.smoke and ratio > P99_RATIO_MAX:
        faults.append(f"p99 rose by a factor of {ratio:.2f}")
    return faults


def parse_arguments(words=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0],
                                     epilog="GATHERD names the binary.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=20, help="of each half of a round")
    parser.add_argument("--rate", type=float, default=200, help="batches of five items a second")
    parser.add_argument("--dripping", type=int, default=1000)
    parser.add_argument("--stalling", type=int, default=200)
    parser.add_argument("--smoke", action="store_true", help="one short round, no bar on time")
    arguments = parser.parse_args(words)
    if arguments.smoke:
        arguments.rounds, arguments.seconds, arguments.rate = 1, 2, 50
        arguments.dripping, arguments.stalling = 200, 30
    return arguments


def main():
    arguments = parse_arguments()
    with tempfile.TemporaryDirectory() as folder:
        faults = run(Path(folder), arguments, print)
    print(*faults, sep="\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
