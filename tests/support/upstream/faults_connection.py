# SPDX-License-Identifier: Apache-2.0
"""Faults of the connection: cut, reset, silent, slow, or not what keep-alive promised."""
from .steps import CLOSE, FIN, HANG, RST, Pause, canned, chunk, fault, head, reply

HALF = head("Content-Type: text/plain", "Content-Length: 1000") + b"x" * 500
CUT_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"

canned("reset", "reset after the request, no reply", RST)
canned("reset-head", "half a head, then reset", CUT_HEAD, Pause(0.05), RST)
canned("reset-mid", "half the body, then reset", HALF, Pause(0.05), RST)
canned("close", "closed without a byte", CLOSE)
canned("close-status", "closed in the middle of the status line", b"HTTP/1.1 20", CLOSE)
canned("truncate", "half the body, then closed", HALF, CLOSE)
canned("truncate-head", "half a head with a length, then closed",
       CUT_HEAD + b"Content-Length: 10\r\nX-Half: ab", CLOSE)
canned("truncate-head-nolength", "half a head without a length, then closed",
       CUT_HEAD + b"X-Half: ab", CLOSE)
canned("halfclose", "half the body, then FIN; the socket stays", HALF, FIN, HANG)
canned("halfclose-before", "FIN instead of a reply; the socket stays", FIN, HANG)
canned("hang", "never answers", HANG)
canned("hang-head", "a status line and a header, then nothing", CUT_HEAD, HANG)
canned("hang-mid", "half the body, then nothing", HALF, HANG)


@fault("drip", "?n=600&ms=100, one byte of the body at a time")
def drip(request):
    count = int(request.number("n", 600))
    yield head("Content-Type: text/plain", f"Content-Length: {count}")
    for _ in range(count):
        yield Pause(request.number("ms", 100) / 1000)
        yield b"d"


@fault("drip-head", "?ms=100, a header one byte at a time, for ever")
def drip_head(request):
    yield CUT_HEAD + b"X-Drip: "
    while True:
        yield Pause(request.number("ms", 100) / 1000)
        yield b"d"


@fault("stale", "?rst=1, answers the first request of a connection, drops it on the next")
def stale(request):
    if request.nth == 1:
        yield reply(request, "first\n")
    else:
        yield RST if request.query.get("rst") else CLOSE


@fault("keepalive-lie", "a complete reply that promises keep-alive, and closes")
def keepalive_lie(request):
    yield reply(request, "lie\n", "Connection: keep-alive")
    yield CLOSE


@fault("noread", "?ms=N, never reads the request body; with ms, answers 200 then",
       reads_body=False)
def noread(request):
    if "ms" not in request.query:
        yield HANG
    yield Pause(request.number("ms", 0) / 1000)
    yield reply(request, "unread\n", "Connection: close")
    yield from linger()


@fault("early-413", "answers 413 without reading the request body", reads_body=False)
def early_413(request):
    yield reply(request, "too large for me\n", "Connection: close", status=413)
    yield from linger()


def linger():
    """Closing with unread bytes would reset, and could destroy the reply on its way."""
    yield FIN
    yield Pause(1.0)


@fault("expect", "417 if the request expects 100-continue, else 200", reads_body=False)
def expect(request):
    if request.header("expect"):
        yield reply(request, "will not\n", "Connection: close", status=417)
    else:
        yield reply(request, "no expectation\n", "Connection: close")
    yield from linger()


@fault("poison", "?ms=50, a correct reply, and an unasked one on its heels")
def poison(request):
    yield reply(request, "mine\n")
    yield Pause(request.number("ms", 50) / 1000)
    yield head("Content-Type: text/plain", "Content-Length: 9", "X-Poison: 1") + b"poisoned\n"


def bodiless(status):
    return lambda request, body: head(status=status)


UNASKED_AFTER = {
    "reply": lambda request, body: head(f"Content-Length: {len(body)}") + body,
    "chunked": lambda request, body: head("Transfer-Encoding: chunked") + chunk(body) + chunk(b""),
    "head": lambda request, body: head(f"Content-Length: {len(body)}"),
    "204": bodiless(204), "304": bodiless(304),
}


@fault("unasked", "?after=" + "|".join(UNASKED_AFTER) + "&nonce=X&ms=N&first=N, 'mine X', and N ms"
       " (0: in one segment) later a whole second reply, 'unasked X'; first=N: only on the first"
       " N requests of a connection")
def unasked(request):
    nonce = request.query["nonce"].encode()
    mine = UNASKED_AFTER[request.query["after"]](request, b"mine " + nonce)
    late = b"unasked " + nonce
    late = head(f"Content-Length: {len(late)}") + late
    yield Pause(0.002)
    if request.nth > request.number("first", 1e9):
        yield mine
    elif request.number("ms", 0) == 0:
        yield mine + late
    else:
        yield mine
        yield Pause(request.number("ms", 0) / 1000)
        yield late


@fault("two-replies", "two replies in one segment")
def two_replies(request):
    yield (reply(request, "first\n") +
           head("Content-Type: text/plain", "Content-Length: 7", "X-Poison: 1") + b"second\n")


@fault("farewell", "a correct reply, and 20 ms later 408 and the end of the connection")
def farewell(request):
    yield reply(request, "ok\n")
    yield Pause(0.02)
    yield head("Content-Length: 0", "Connection: close", status=408)
    yield CLOSE
