# SPDX-License-Identifier: Apache-2.0
"""Clients that send batch after batch while something happens to the service, and want every reply.

Some keep their connections as long as the server lets them, some open one for each request; some
wait a little between two requests, and look whether the connection is still there before they use
it again. A reply that does not come is a failure, on a kept connection too: a server that ends may
close one only after it said so, or was asked nothing for a second."""
import json
import random
import select
import socket
import threading
import time
from collections import Counter

from .client import parse_reply

THINK_MAX = 0.3
"""Seconds between two requests."""


def to_tcp(port):
    return lambda: socket.create_connection(("127.0.0.1", port), timeout=10)


def to_unix(path):
    def connect():
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(str(path))
        return sock
    return connect


class Client:
    """Sends batch after batch until it is told to stop."""

    def __init__(self, crowd, seed, connect, keeps, thinks):
        self.crowd, self.connect, self.keeps, self.thinks = crowd, connect, keeps, thinks
        self.rnd = random.Random(seed)
        self.socket = None
        self.requests = 0

    def body(self):
        urls = self.rnd.choices(self.crowd.urls, k=self.rnd.choice((1, 3, 10)))
        return json.dumps({"urls": urls}).encode(), len(urls)

    def is_closed(self):
        """As clients with a pool do: whether the server closed a connection since its last reply."""
        return bool(select.select([self.socket], [], [], 0)[0])

    def ask(self):
        body, count = self.body()
        if self.socket is not None and self.is_closed():
            self.crowd.counts["connections closed while idle"] += 1
            self.hang_up()
        if self.socket is None:
            self.socket = self.connect()
            self.socket.settimeout(20)
        self.socket.sendall(b"POST /v1/batch HTTP/1.1\r\nHost: gatherd\r\n"
                            b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                            % (len(body), body))
        received = b""
        while True:
            data = self.socket.recv(65536)
            assert data, (f"closed after {len(received)} bytes of the reply to request "
                          f"{self.requests} of a connection")
            received += data
            reply, _ = parse_reply(received, "POST")
            if reply:
                break
        assert reply.status == 200, reply
        assert reply.json()["summary"]["ok"] == count, reply.json()
        self.requests += 1
        if not self.keeps or reply.header("connection") == "close":
            self.crowd.counts["connections closed as told" if self.keeps else
                              "connections of one request"] += 1
            self.hang_up()

    def hang_up(self):
        if self.socket:
            self.socket.close()
        self.socket, self.requests = None, 0

    def run(self):
        while not self.crowd.is_over:
            try:
                self.ask()
                self.crowd.counts["requests"] += 1
            except (OSError, AssertionError, ValueError, KeyError) as failure:
                kind = "kept" if self.keeps else "new"
                self.crowd.failed.append(f"{kind} connection: {failure!r}")
                self.hang_up()
            if self.thinks:
                time.sleep(self.rnd.random() * THINK_MAX)
        self.hang_up()


class Crowd:
    def __init__(self, upstream, ways, clients):
        """ways: functions that connect."""
        self.urls = [upstream.url(name) for name in ("json", "bytes/3000", "delay/5", "delay/50")]
        self.counts, self.failed, self.is_over = Counter(), [], False
        self.threads = []
        for i in range(clients):
            client = Client(self, i, ways[i % 3 % len(ways)], keeps=i % 4 != 3, thinks=i % 2 == 1)
            self.threads.append(threading.Thread(target=client.run))
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.is_over = True
        for thread in self.threads:
            thread.join()
