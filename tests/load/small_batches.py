#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Sends batches at a fixed rate, whatever the answers do, and says how long they took.

Open loop: each batch has its time, and its latency counts from that time even when it
could only be sent later; a slow server cannot make the load lighter. A connection is
used again when its reply has come, and one more is opened when none is free. A process of
its own, so that what else the load runner does cannot delay it. Prints one JSON object.
"""
import argparse
import gc
import json
import re
import select
import socket
import sys
import time

import client

CONNECTIONS_MAX = 500
LAST_ANSWER_S = 10
WARM_CONNECTIONS = 8
COMPLETE = re.compile(rb"\r\ngatherd-complete: true\r\n", re.IGNORECASE)
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)


class Connection:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), LAST_ANSWER_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.due = 0.0
        self.reply = b""

    def send(self, request, due):
        self.due = due
        self.reply = b""
        self.socket.sendall(request)

    def read(self):
        """None: more to come. Else whether the reply was what it should be."""
        data = self.socket.recv(1 << 16)
        self.reply += data
        if not data:
            return False
        end = self.reply.find(b"\r\n\r\n")
        if end < 0:
            return None
        length = LENGTH.search(self.reply, 0, end + 2)
        if not length:
            return False
        if len(self.reply) < end + 4 + int(length[1]):
            return None
        return (self.reply.startswith(b"HTTP/1.1 200 ")
                and COMPLETE.search(self.reply, 0, end + 2) is not None)


class Load:
    def __init__(self, port, request):
        self.port = port
        self.request = request
        self.idle = [Connection(port) for _ in range(WARM_CONNECTIONS)]
        self.busy = {}
        self.poll = select.epoll()
        self.took_ms = []
        self.faults = []

    def send(self, due):
        if not self.idle and len(self.busy) >= CONNECTIONS_MAX:
            self.faults.append("no connection was free")
            return
        connection = self.idle.pop(0) if self.idle else Connection(self.port)
        self.busy[connection.socket.fileno()] = connection
        self.poll.register(connection.socket.fileno(), select.EPOLLIN)
        connection.send(self.request, due)

    def collect(self, until):
        while self.busy or time.monotonic() < until:
            left = until - time.monotonic()
            if left <= 0:
                return
            for fd, _ in self.poll.poll(left):
                self.take(fd)

    def take(self, fd):
        connection = self.busy[fd]
        good = connection.read()
        if good is None:
            return
        self.took_ms.append((time.monotonic() - connection.due) * 1000)
        self.poll.unregister(fd)
        del self.busy[fd]
        if good:
            self.idle.append(connection)
        else:
            self.faults.append(connection.reply[:200].decode(errors="replace"))
            connection.socket.close()

    def run(self, rate, seconds):
        begin = time.monotonic()
        for number in range(int(rate * seconds)):
            due = begin + number / rate
            self.collect(due)
            self.send(due)
        until = time.monotonic() + LAST_ANSWER_S
        while self.busy and time.monotonic() < until:
            self.collect(min(until, time.monotonic() + 0.1))
        self.faults += ["no reply"] * len(self.busy)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("port", type=int)
    parser.add_argument("url", nargs="+", help="the items of each batch")
    parser.add_argument("--rate", type=float, default=200)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--fields", type=json.loads, default={}, metavar="JSON",
                        help="an object of more fields for every item")
    args = parser.parse_args()
    body = client.batch_body(args.url, **args.fields)
    load = Load(args.port, client.request_bytes("POST", "/v1/batch", body))
    gc.disable()                             # makes few cycles; pauses would show
    load.run(args.rate, args.seconds)
    json.dump({"took_ms": sorted(load.took_ms), "faults": load.faults}, sys.stdout)


if __name__ == "__main__":
    main()
