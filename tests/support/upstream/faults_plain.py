# SPDX-License-Identifier: Apache-2.0
"""An upstream that behaves, and scripts that a test can compose from its query."""
import base64
import json

from .steps import CLOSE, FAULTS, FIN, HANG, RST, Pause, canned, chunk, fault, head, reply

BLOCK = b"x" * 65536


@fault("", "this list")
def index(request):
    lines = (f"/{f.name:20} {f.help}\n" for f in sorted(FAULTS.values()))
    yield reply(request, "".join(lines))


@fault("ok", "200 and a short text")
def ok(request):
    yield reply(request, "ok\n")


@fault("echo", "JSON of what was received: line, headers in order, body unless ?brief, connection")
def echo(request):
    try:
        text = request.body.decode("utf-8")
    except UnicodeDecodeError:
        text = None
    seen = {"line": request.line, "method": request.method, "target": request.target,
            "headers": request.headers, "bodyBytes": len(request.body),
            "connection": request.connection, "nth": request.nth}
    if "brief" not in request.query:
        seen.update(bodyText=text, bodyBase64=base64.b64encode(request.body).decode())
    yield reply(request, json.dumps(seen), kind="application/json")


@fault("status", "/status/N, any number; ?h=Name:value adds a header, ?text= the body")
def status(request):
    number = int(request.argument)
    lines = [request.query["h"]] if "h" in request.query else []
    text = request.query.get("text", f"status {number}\n")
    if number < 200:
        yield head(status=number)
        number = 200
    yield reply(request, text, *lines, status=number)


@fault("delay", "/delay/MS?text=late, then 200 and that text")
def delay(request):
    yield Pause(float(request.argument) / 1000)
    yield reply(request, request.query.get("text", "late\n"))


@fault("late-cut", "/late-cut/MS, then the head of a reply whose body is cut")
def late_cut(request):
    yield Pause(float(request.argument) / 1000)
    yield head("Content-Type: text/plain", "Content-Length: 10")
    yield b"cut"
    yield CLOSE


@fault("bytes", "/bytes/N, a body of N bytes")
def bytes_(request):
    left = int(request.argument)
    yield head("Content-Type: application/octet-stream", f"Content-Length: {left}")
    while left > 0 and request.method != "HEAD":
        yield BLOCK[:left]
        left -= len(BLOCK)


@fault("chunks", "?n=10&size=100&ms=0, a correct chunked reply")
def chunks(request):
    yield head("Transfer-Encoding: chunked", "Content-Type: text/plain")
    for _ in range(int(request.number("n", 10))):
        yield chunk(b"c" * int(request.number("size", 100)))
        if request.number("ms", 0):
            yield Pause(request.number("ms", 0) / 1000)
    yield chunk(b"")


@fault("body", "?b64=BYTES&type=TYPE, any body with any content type")
def body(request):
    data = base64.urlsafe_b64decode(request.query.get("b64", ""))
    yield reply(request, data, kind=request.query.get("type", "application/json"))


@fault("raw", "?b64=BYTES&end=keep|fin|close|rst|hang, any bytes as the whole reply")
def raw(request):
    yield base64.urlsafe_b64decode(request.query.get("b64", ""))
    end = request.query.get("end", "close")
    if end != "keep":
        yield {"fin": FIN, "close": CLOSE, "rst": RST, "hang": HANG}[end]


@fault("seq", "?key=K&plan=503,rst,200, one step per call with that key; the last repeats")
def seq(request):
    plan = request.query["plan"].split(",")
    step = plan[min(request.call, len(plan)) - 1]
    if step in ("rst", "close", "hang"):
        yield {"rst": RST, "close": CLOSE, "hang": HANG}[step]
    else:
        yield reply(request, f"call {request.call}\n", status=int(step))


@fault("retry-after", "?v=VALUE, 503 with that Retry-After")
def retry_after(request):
    yield reply(request, "busy\n", f"Retry-After: {request.query.get('v', '1')}", status=503)


@fault("basic", "401 unless an Authorization header is there")
def basic(request):
    if request.header("authorization"):
        yield reply(request, "let in\n")
    else:
        yield reply(request, "who are you\n", 'WWW-Authenticate: Basic realm="x"', status=401)


canned("http10", "a correct HTTP/1.0 reply",
       b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nten\n", CLOSE)
canned("nolength", "no length: the body ends with the connection",
       head("Content-Type: text/plain", "Connection: close"), b"to the end\n", CLOSE)
