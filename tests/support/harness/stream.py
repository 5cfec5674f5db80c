# SPDX-License-Identifier: Apache-2.0
"""A client of streamed batches: reads the parts as they come, and how the stream ended."""
import json
import time

NDJSON = "application/x-ndjson"
EVENTS = "text/event-stream"


class Stream:
    """One streamed reply.  `ended`: with its last chunk; None while it goes on."""

    def __init__(self, gatherd, document, accept=NDJSON, timeout=10, version="1.1", headers=b"",
                 start=True):
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.raw = gatherd.raw(timeout)
        self.sent_at = time.monotonic()
        self.raw.send(b"POST /v1/batch HTTP/%s\r\nHost: x\r\nAccept: %s\r\n%s"
                      b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                      % (version.encode(), accept.encode(), headers, len(body), body))
        self.accept, self.ended, self.body, self.pending = accept, None, b"", b""
        self.head = b""
        if start:
            self.read_head()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.raw.socket.close()

    def read_head(self):
        while b"\r\n\r\n" not in self.pending:
            data = self.raw.receive()
            assert data, f"closed after {self.pending!r}"
            self.pending += data
        self.head, self.pending = self.pending.split(b"\r\n\r\n", 1)
        self.is_chunked = b"transfer-encoding: chunked" in self.head.lower()
        self.decode()

    def decode(self):
        """Moves whole chunks from `pending` to `body`."""
        if not self.is_chunked:
            self.body += self.pending
            self.pending = b""
        while self.is_chunked and b"\r\n" in self.pending:
            size, rest = self.pending.split(b"\r\n", 1)
            size = int(size, 16)
            if len(rest) < size + 2:
                return
            assert rest[size:size + 2] == b"\r\n"
            self.body += rest[:size]
            self.pending = rest[size + 2:]
            if size == 0:
                self.ended = True
                return

    def read_some(self):
        """False: the stream has come to an end of some kind."""
        if self.ended is not None:
            return False
        data = self.raw.receive()
        if not data:
            self.ended = False
            return False
        self.pending += data
        self.decode()
        return True

    @property
    def separator(self):
        return b"\n\n" if self.accept == EVENTS else b"\n"

    def parts(self):
        """Each line, or event, as it comes: (name, value, seconds since the request)."""
        while True:
            while self.separator in self.body:
                text, self.body = self.body.split(self.separator, 1)
                part = self.parse(text.decode("utf-8"))
                if part:
                    yield (*part, time.monotonic() - self.sent_at)
            if not self.read_some():
                return

    def parse(self, text):
        if self.accept == NDJSON:
            value = json.loads(text)
            # A forEach's response has a summary as well, but every response has an id.
            return ("response", value) if "id" in value else ("summary", value["summary"])
        if text == ":":
            return None
        lines = [line.split(": ", 1) for line in text.split("\n")]
        assert [name for name, _ in lines] == ["event", "id", "data"], text
        self.number = getattr(self, "number", 0) + 1
        assert int(lines[1][1]) == self.number
        return lines[0][1], json.loads(lines[2][1])

    def read_all(self):
        """(responses, summary or None) up to the end."""
        parts = list(self.parts())
        responses = [value for name, value, _ in parts if name == "response"]
        summaries = [value for name, value, _ in parts if name == "summary"]
        assert len(summaries) <= 1
        assert not summaries or parts[-1][0] == "summary", "something came after the summary"
        return responses, (summaries or [None])[0]
