#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""An upstream that answers GET /delay/MS after MS milliseconds, very many at once; so it
does /delay/MS/N for each N-th of them, the others at once. /status/N answers with N.
/together/N/MS answers with 1 KB of JSON and usual header lines MS milliseconds after N such
requests have come, all at once.

One thread, one epoll, a few microseconds per request, so that it does not outweigh the
gateway under test. It understands just what a gateway sends it: GET requests without a
body on kept-alive connections. GET /stats gives its counters. Prints its port, then runs
until SIGTERM.
"""
import argparse
import collections
import functools
import gc
import json
import resource
import select
import signal
import socket
import sys
import time

from documents import json_document

BACKLOG = 4096
LISTEN_TRIES = 20


def open_listeners(hosts):
    """One port that is free on every host."""
    for _ in range(LISTEN_TRIES):
        listeners = []
        port = 0
        try:
            for host in hosts:
                listener = socket.create_server((host, port), backlog=BACKLOG)
                listener.setblocking(False)
                listeners.append(listener)
                port = listener.getsockname()[1]
            return listeners, port
        except OSError:
            for listener in listeners:
                listener.close()
    sys.exit("delay_upstream: found no port that is free on " + " ".join(hosts))


@functools.lru_cache
def answer(body, status=200, more=""):
    return ("HTTP/1.1 %d X\r\n%s"
            "Content-Type: application/json\r\n"
            "Content-Length: %d\r\n\r\n%s" % (status, more, len(body), body)).encode()


USUAL = answer(json_document(1024), more="Server: upstream\r\nConnection: keep-alive\r\n"
               "Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n")


class DelayServer:
    def __init__(self, listeners):
        self.epoll = select.epoll()
        self.listeners = {listener.fileno(): listener for listener in listeners}
        self.clients = {}
        self.partial = {}                    # fd -> head received so far
        # delay -> (when, socket, answer), oldest first
        self.due = collections.defaultdict(collections.deque)
        self.together = []                   # sockets that wait for more of their kind
        self.accepted = self.requests = 0
        for fd in self.listeners:
            self.epoll.register(fd, select.EPOLLIN)

    def run(self):
        while True:
            for fd, _ in self.epoll.poll(self.next_wait()):
                if fd in self.listeners:
                    self.accept_all(self.listeners[fd])
                else:
                    self.read(fd)
            self.answer_due()

    def next_wait(self):
        """Seconds until the earliest answer; None when nothing waits."""
        heads = [queue[0][0] for queue in self.due.values() if queue]
        return max(0.0, min(heads) - time.monotonic()) if heads else None

    def accept_all(self, listener):
        while True:
            try:
                client, _ = listener.accept()
            except BlockingIOError:
                return
            except OSError as fault:
                print("accept:", fault, file=sys.stderr, flush=True)
                return
            client.setblocking(False)
            self.clients[client.fileno()] = client
            self.epoll.register(client.fileno(), select.EPOLLIN)
            self.accepted += 1

    def drop(self, fd):
        self.partial.pop(fd, None)
        self.clients.pop(fd).close()

    def read(self, fd):
        client = self.clients[fd]
        try:
            data = client.recv(16384)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.drop(fd)
            return
        data = self.partial.pop(fd, b"") + data
        while (end := data.find(b"\r\n\r\n")) >= 0:
            self.take_request(client, data[:end])
            data = data[end + 4:]
        if data:
            self.partial[fd] = data

    def take_request(self, client, head):
        path = head.split(b" ", 2)[1]
        if path.startswith(b"/delay/"):
            self.requests += 1
            delay, *each = map(int, path[7:].split(b"/"))
            if each and self.requests % each[0]:
                delay = 0
            self.answer_later(client, delay, answer('{"delayedMs":%d}' % delay))
            return
        if path.startswith(b"/together/"):
            self.requests += 1
            count, delay = map(int, path[10:].split(b"/"))
            self.together.append(client)
            if len(self.together) >= count:
                for waiting in self.together:
                    self.answer_later(waiting, delay, USUAL)
                self.together = []
            return
        if path.startswith(b"/status/"):
            self.requests += 1
            self.send(client, answer("{}", int(path[8:])))
            return
        counters = {"accepted": self.accepted, "open": len(self.clients),
                    "requests": self.requests}
        self.send(client, answer(json.dumps(counters)))

    def answer_later(self, client, delay_ms, text):
        self.due[delay_ms].append((time.monotonic() + delay_ms / 1000, client, text))

    def answer_due(self):
        now = time.monotonic()
        for queue in self.due.values():
            while queue and queue[0][0] <= now:
                self.send(*queue.popleft()[1:])

    @staticmethod
    def send(client, text):
        try:
            client.send(text)
        except OSError:
            pass                             # gone; read() notices as well


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("hosts", nargs="*", default=["127.0.0.1"],
                        help="addresses to listen on")
    hosts = parser.parse_args().hosts
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    listeners, port = open_listeners(hosts)
    print(port, flush=True)
    gc.disable()                             # makes no cycles; pauses would show
    DelayServer(listeners).run()


if __name__ == "__main__":
    main()
