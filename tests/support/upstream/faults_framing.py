# SPDX-License-Identifier: Apache-2.0
"""Faults of the framing: lengths, chunks, and bodies where none may be."""
from .steps import CLOSE, HANG, Pause, canned, chunk, fault, head

BODY = b"0123456789" * 10
KIND = "Content-Type: text/plain"
CHUNKED = head(KIND, "Transfer-Encoding: chunked")


@fault("wrong-length", "?d=+N, Content-Length is that much more than the body; then closed")
def wrong_length(request):
    yield head(KIND, f"Content-Length: {len(BODY) + int(request.number('d', 50))}")
    yield BODY
    yield CLOSE


canned("dup-length", "two different Content-Length",
       head(KIND, "Content-Length: 10", "Content-Length: 20"), BODY[:20], CLOSE)
canned("list-length", "a list of different lengths in one Content-Length",
       head(KIND, "Content-Length: 10, 20"), BODY[:20], CLOSE)
canned("same-length-twice", "the same Content-Length twice",
       head(KIND, "Content-Length: 10", "Content-Length: 10"), BODY[:10])
canned("length-and-chunked", "both Content-Length and Transfer-Encoding: chunked",
       head(KIND, "Content-Length: 5", "Transfer-Encoding: chunked"),
       chunk(b"hello") + chunk(b""), CLOSE)
canned("negative-length", "Content-Length: -1", head(KIND, "Content-Length: -1"), BODY, CLOSE)
canned("plus-length", "Content-Length: +10", head(KIND, "Content-Length: +10"),
       BODY[:10], CLOSE)
canned("hex-length", "Content-Length: 0x0a", head(KIND, "Content-Length: 0x0a"),
       BODY[:10], CLOSE)
canned("huge-length", "the largest Content-Length, then silence",
       head(KIND, "Content-Length: 9223372036854775807"), b"x" * 1024, HANG)
canned("overflow-length", "a Content-Length of 23 digits",
       head(KIND, "Content-Length: 99999999999999999999999"), BODY, CLOSE)
canned("unknown-transfer", "Transfer-Encoding: wat",
       head(KIND, "Transfer-Encoding: wat"), BODY, CLOSE)

CHUNK_FAULTS = {
    "not-hex": b"zz\r\nhello\r\n0\r\n\r\n",
    "negative": b"-5\r\nhello\r\n0\r\n\r\n",
    "huge": b"ffffffffffffffffff\r\nhello\r\n",
    "no-crlf": b"5\r\nhelloXX0\r\n\r\n",
    "empty-size": b"\r\nhello\r\n0\r\n\r\n",
    "cut": b"5\r\nhello\r\n",
    "cut-in-chunk": b"a\r\nhello",
    "lf-only": b"5\nhello\n0\n\n",
    "extension": b"5;name=value\r\nhello\r\n0\r\n\r\n",
    "space": b"5 \r\nhello\r\n0 \r\n\r\n",
    "zeros": b"0000000005\r\nhello\r\n000\r\n\r\n",
}


@fault("bad-chunk", "?k=" + "|".join(CHUNK_FAULTS) + ", chunked wrongly or oddly")
def bad_chunk(request):
    yield CHUNKED + CHUNK_FAULTS[request.query["k"]]
    yield CLOSE


@fault("chunk-extension-flood", "an endless chunk extension")
def chunk_extension_flood(request):
    yield CHUNKED + b"5;"
    while True:
        yield b"e" * 4096


@fault("tiny-chunks", "?n=20000, chunks of one byte")
def tiny_chunks(request):
    yield CHUNKED
    left = int(request.number("n", 20000))
    while left > 0:
        yield chunk(b"t") * min(left, 1000)
        left -= 1000
    yield chunk(b"")


@fault("204-body", "204 with a body; ?ms=N after the head")
def no_content_body(request):
    yield from bodiless_with_body(request, 204)


@fault("304-body", "304 with a body; ?ms=N after the head")
def not_modified_body(request):
    yield from bodiless_with_body(request, 304)


def bodiless_with_body(request, status):
    late = head("Content-Type: text/plain", "Content-Length: 9", "X-Poison: 1") + b"poisoned\n"
    yield head("Content-Length: 54", status=status)
    if request.number("ms", 0):
        yield Pause(request.number("ms", 0) / 1000)
    yield late


canned("205-chunked", "205, which has no body, with a chunked one",
       head(KIND, "Transfer-Encoding: chunked", status=205), chunk(b"hello") + chunk(b""))


@fault("head-body", "a body whatever the method is; ?ms=N after the head")
def head_body(request):
    yield head(KIND, f"Content-Length: {len(BODY)}")
    if request.number("ms", 0):
        yield Pause(request.number("ms", 0) / 1000)
    yield BODY


@fault("endless", "?how=chunked|length|raw, a body without end")
def endless(request):
    how = request.query.get("how", "chunked")
    yield {"chunked": CHUNKED, "length": head(KIND, "Content-Length: 1000000000000"),
           "raw": head(KIND)}[how]
    block = b"e" * 65536
    while True:
        yield chunk(block) if how == "chunked" else block


@fault("trailers", "a chunked body with trailers, two of which may not be there")
def trailers(request):
    yield CHUNKED + chunk(b"hello")
    yield b"0\r\nX-Trailer: yes\r\nContent-Length: 1\r\nSet-Cookie: a=b\r\n\r\n"


@fault("trailer-flood", "trailers without end")
def trailer_flood(request):
    yield CHUNKED + chunk(b"hello") + b"0\r\n"
    while True:
        yield b"X-Trailer: " + b"t" * 1000 + b"\r\n"
