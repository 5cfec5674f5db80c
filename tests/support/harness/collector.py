# SPDX-License-Identifier: Apache-2.0
"""A collector of spans as OTLP has it: every export becomes the official protobuf message, and
what does not fit it is answered 400 and kept as a fault.

It can be slow, refuse, or take a part; `plan` holds what the next exports get, each a status,
or (status, headers, body), or "hang" (no answer until the client goes); without one it is
200."""
import base64
import http.server
import json
import select
import ssl
import threading
import time

try:
    from google.protobuf.json_format import ParseDict
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import \
        ExportTraceServiceRequest
except ImportError:
    ExportTraceServiceRequest = None

IDS = {"traceId": 16, "spanId": 8, "parentSpanId": 8}


def with_binary_ids(node):
    """OTLP's JSON has ids in hex, protobuf's own mapping in base64."""
    if isinstance(node, list):
        return [with_binary_ids(inner) for inner in node]
    if not isinstance(node, dict):
        return node
    changed = {}
    for name, value in node.items():
        if name in IDS:
            data = bytes.fromhex(value)
            assert len(data) == IDS[name] and any(data), (name, value)
            assert value == value.lower(), (name, value)
            changed[name] = base64.b64encode(data).decode()
        else:
            changed[name] = with_binary_ids(value)
    return changed


def attributes_of(node):
    """Its attributes as a dictionary; none may come twice."""
    values = {}
    for pair in node.attributes:
        assert pair.key not in values, f"{pair.key} came twice"
        values[pair.key] = getattr(pair.value, pair.value.WhichOneof("value"))
    return values


class Span:
    """One span, its ids as hex."""

    def __init__(self, span):
        assert len(span.trace_id) == 16 and len(span.span_id) == 8
        self.trace, self.id = span.trace_id.hex(), span.span_id.hex()
        self.parent, self.state = span.parent_span_id.hex(), span.trace_state
        self.name, self.kind = span.name, span.kind
        self.start, self.end = span.start_time_unix_nano, span.end_time_unix_nano
        self.attributes = attributes_of(span)
        self.events = [(event.name, event.time_unix_nano) for event in span.events]
        self.links = [(link.trace_id.hex(), link.span_id.hex()) for link in span.links]
        self.status, self.message = span.status.code, span.status.message
        assert self.start <= self.end, self
        assert abs(self.end / 1e9 - time.time()) < 120, self
        for name, at in self.events:
            assert self.start <= at <= self.end, (name, at, self)
        assert [at for _, at in self.events] == sorted(at for _, at in self.events), self

    @property
    def event_names(self):
        return [name for name, _ in self.events]

    def __repr__(self):
        return f"<Span {vars(self)}>"


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True


class Collector:
    def __init__(self, delay=0, port=0, certificate=None):
        """`certificate`: a PEM file with its key, for TLS."""
        assert ExportTraceServiceRequest, "python3-opentelemetry-proto is missing"
        self.spans, self.faults, self.exports, self.resources = [], [], [], []
        self.plan, self.delay = [], delay
        self.lock = threading.Lock()
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                collector.answer(self)

            def log_message(self, *_):
                pass

        self.server = Server(("127.0.0.1", port), Handler)
        self.scheme = "https" if certificate else "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        assert not self.faults, self.faults

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    @property
    def port(self):
        return self.server.server_port

    @property
    def endpoint(self):
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def read(self, body):
        message = ParseDict(with_binary_ids(json.loads(body)), ExportTraceServiceRequest())
        spans = []
        for resource in message.resource_spans:
            self.resources.append(attributes_of(resource.resource))
            for scope in resource.scope_spans:
                spans += [Span(span) for span in scope.spans]
        return spans

    def answer(self, handler):
        body = handler.rfile.read(int(handler.headers["content-length"]))
        with self.lock:
            self.exports.append((time.monotonic(), handler.path, dict(handler.headers.items()),
                                 body))
            step = self.plan.pop(0) if self.plan else 200
        time.sleep(self.delay)
        if step == "hang":
            select.select([handler.connection], [], [], 30)
            handler.close_connection = True
            return
        status, headers, text = step if isinstance(step, tuple) else (step, {}, b"{}")
        if status == 200:
            try:
                spans = self.read(body)
                with self.lock:
                    self.spans += spans
            except Exception as fault:    # pylint: disable=broad-except
                self.faults.append((repr(fault), body[:3000]))
                status = 400
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(text)))
        handler.end_headers()
        handler.wfile.write(text)

    def wait_for(self, count, seconds=10):
        """The spans there are, `count` at least."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            with self.lock:
                if len(self.spans) >= count or self.faults:
                    break
            time.sleep(0.02)
        assert not self.faults, self.faults
        with self.lock:
            assert len(self.spans) >= count, f"{len(self.spans)} of {count}: {self.spans}"
            return list(self.spans)
