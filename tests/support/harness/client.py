# SPDX-License-Identifier: Apache-2.0
"""Clients of the service: one that speaks HTTP, and one that speaks bytes."""
import http.client
import io
import json
import socket
import time


class Reply:
    def __init__(self, status, headers, body, seconds=0.0, reason=""):
        self.status = status
        self.reason = reason
        self.headers = headers
        self.body = body
        self.seconds = seconds

    def header(self, name, default=""):
        values = [v for n, v in self.headers if n.lower() == name.lower()]
        assert len(values) <= 1, f"{name} came more than once: {values}"
        return values[0] if values else default

    def json(self):
        """The body as JSON; fails unless it is UTF-8 and one JSON document."""
        return json.loads(self.body.decode("utf-8"))

    def __repr__(self):
        return f"<Reply {self.status} {self.headers} {self.body[:1000]!r}>"


def request(port, method, path, body=None, headers=None, timeout=30):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        started = time.monotonic()
        connection.request(method, path, body, headers or {})
        reply = connection.getresponse()
        data = reply.read()
        return Reply(reply.status, reply.getheaders(), data, time.monotonic() - started,
                     reply.reason)
    finally:
        connection.close()


class RawClient:
    """A connection on which a test decides about every byte."""

    def __init__(self, port, timeout=10):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.received = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)
        return self

    def read_reply(self, method="GET"):
        """One reply; what comes after it stays for the next call.  None: closed without one."""
        while True:
            reply, used = parse_reply(self.received, method)
            if reply:
                self.received = self.received[used:]
                return reply
            data = self.receive()
            if not data:
                return None
            self.received += data

    def receive(self):
        try:
            return self.socket.recv(65536)
        except ConnectionResetError:
            return b""

    def read_to_end(self, seconds=5):
        """Everything up to the close of the connection."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            data = self.receive()
            if not data:
                return self.received
            self.received += data
        raise AssertionError("the connection was not closed")

    def is_closed_within(self, seconds):
        self.socket.settimeout(seconds)
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True
        except socket.timeout:
            return False


class BytesSocket:
    """What http.client asks of a socket."""

    def __init__(self, data):
        self.file = io.BytesIO(data)

    def makefile(self, *_):
        return self.file


def parse_reply(data, method="GET"):
    """(reply, bytes used), or (None, 0) when the reply is not complete.  The service's
    replies carry a length, so what was used is the head and as many bytes as the body has."""
    if b"\r\n\r\n" not in data:
        return None, 0
    source = BytesSocket(data)
    reply = http.client.HTTPResponse(source, method=method)
    try:
        reply.begin()
        body = reply.read()
    except http.client.IncompleteRead:
        return None, 0
    head_bytes = data.index(b"\r\n\r\n") + 4
    return Reply(reply.status, reply.getheaders(), body, reason=reply.reason), \
        head_bytes + len(body)
