# SPDX-License-Identifier: Apache-2.0
"""The load tests' HTTP client: many requests at once on one thread, timed unparsed.

It reads replies that carry a Content-Length, as gatherd's do; anything else is an error.
What a reply says is looked at afterwards, outside of the measured time.
"""
import http.client
import json
import re
import selectors
import socket
import time

CONNECT_LIMIT_S = 5
SCRATCH_BYTES = 1 << 20
TAIL_BYTES = 512


def request_bytes(method, path, body=b""):
    head = "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\n" % (method, path)
    if body:
        head += "Content-Type: application/json\r\nContent-Length: %d\r\n" % len(body)
    return head.encode() + b"\r\n" + body


def batch_body(urls, **fields):
    """Every item has the same fields besides its URL."""
    batch = {"requests": [{"url": url, **fields} for url in urls]}
    return json.dumps(batch, separators=(",", ":")).encode()


class Exchange:
    """One request on a connection of its own and the reply to it.

    With keep=False only the end of the body is kept, for replies of a hundred megabytes.
    """

    def __init__(self, port, request, keep=True):
        self.socket = socket.create_connection(("127.0.0.1", port), CONNECT_LIMIT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.unsent = memoryview(request)
        self.keep = keep
        self.head = b""
        self.body = bytearray()
        self.received = 0
        self.length = None
        self.ended = None
        self.fault = None

    @property
    def status(self):
        return int(self.head[9:12]) if self.head[9:12].isdigit() else 0

    @property
    def complete(self):
        """Says the reply that no item failed?"""
        return b"\r\ngatherd-complete: true\r\n" in self.head.lower()

    def close(self):
        self.socket.close()

    def fail(self, fault):
        self.fault = str(fault)
        self.ended = time.monotonic()

    def on_writable(self):
        try:
            self.unsent = self.unsent[self.socket.send(self.unsent):]
        except BlockingIOError:
            pass
        except OSError as fault:
            self.fail(fault)

    def on_readable(self, scratch):
        try:
            count = self.socket.recv_into(scratch)
        except BlockingIOError:
            return
        except OSError as fault:
            self.fail(fault)
            return
        if count == 0:
            self.fail("connection closed before the end of the reply")
        elif self.length is None:
            self.take_head(bytes(scratch[:count]))
        else:
            self.take_body(scratch[:count])

    def take_head(self, data):
        self.head += data
        end = self.head.find(b"\r\n\r\n")
        if end < 0:
            return
        rest, self.head = self.head[end + 4:], self.head[:end + 2]
        found = re.search(rb"\r\ncontent-length: *(\d+)\r\n", self.head, re.IGNORECASE)
        if not found:
            self.fail("reply without Content-Length")
            return
        self.length = int(found[1])
        self.take_body(rest)

    def take_body(self, data):
        self.received += len(data)
        if self.keep:
            self.body += data
        else:
            self.body = (self.body + bytes(data[-TAIL_BYTES:]))[-TAIL_BYTES:]
        if self.received >= self.length:
            self.ended = time.monotonic()


def run_all(exchanges, limit_s):
    """Sends every request at once and reads every reply; returns when it started."""
    selector = selectors.DefaultSelector()
    scratch = memoryview(bytearray(SCRATCH_BYTES))
    both = selectors.EVENT_READ | selectors.EVENT_WRITE
    started = time.monotonic()
    for exchange in exchanges:
        exchange.on_writable()
        if not exchange.ended:
            events = both if exchange.unsent else selectors.EVENT_READ
            selector.register(exchange.socket, events, exchange)
    while selector.get_map() and time.monotonic() - started < limit_s:
        for key, events in selector.select(0.5):
            exchange = key.data
            if events & selectors.EVENT_WRITE:
                exchange.on_writable()
                if not exchange.unsent and not exchange.ended:
                    selector.modify(exchange.socket, selectors.EVENT_READ, exchange)
            if events & selectors.EVENT_READ and not exchange.ended:
                exchange.on_readable(scratch)
            if exchange.ended:
                selector.unregister(exchange.socket)
    selector.close()
    for exchange in exchanges:
        if not exchange.ended:
            exchange.fail("no reply within %g s" % limit_s)
    return started


def ask(port, method, path, body=b"", limit_s=5):
    """One request, one finished exchange; raises OSError when there is no reply."""
    exchange = Exchange(port, request_bytes(method, path, body))
    try:
        run_all([exchange], limit_s)
    finally:
        exchange.close()
    if exchange.fault:
        raise OSError("%s %s: %s" % (method, path, exchange.fault))
    return exchange


class Kept:
    """One request after another on one connection; each must be answered with 200."""

    def __init__(self, port, limit_s=60):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=limit_s)

    def post(self, path, body):
        """Returns the reply, read to its end; raises OSError when it is no 200."""
        self.connection.request("POST", path, body, {"Content-Type": "application/json"})
        reply = self.connection.getresponse()
        reply.read()
        if reply.status != 200:
            raise OSError("POST %s: status %d" % (path, reply.status))
        return reply

    def close(self):
        self.connection.close()


def count_failed(exchange, items, faults):
    """How many of the batch's items did not come back with 200; why goes to `faults`."""
    if exchange.fault or exchange.status != 200:
        faults[exchange.fault or "reply %d" % exchange.status] += items
        return items
    responses = json.loads(exchange.body)["responses"]
    good = 0
    for response in responses:
        if response["status"] == 200 and "error" not in response:
            good += 1
        else:
            faults[response.get("error", {}).get("code", str(response["status"]))] += 1
    return items - good


def count_failed_by_summary(exchange, items, faults):
    """The same for a reply of which only the tail was kept: trusts its summary."""
    found = re.search(rb'"ok":(\d+)', exchange.body) if exchange.status == 200 else None
    failed = items - int(found[1]) if found and not exchange.fault else items
    if failed:
        faults[exchange.fault or "reply %d" % exchange.status] += failed
    return failed
