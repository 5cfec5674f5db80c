# SPDX-License-Identifier: Apache-2.0
"""Faults of the reply head: not HTTP, too large, malformed, or merely odd."""
import random

from .steps import CLOSE, HANG, canned, fault, head, reply

KIND = "Content-Type: text/plain"


@fault("garbage", "?n=4096, bytes that are not HTTP")
def garbage(request):
    yield random.Random(7).randbytes(int(request.number("n", 4096)))
    yield CLOSE


canned("http09", "a body without a head", b"<html>plain old page</html>\n", CLOSE)
canned("ssh", "an SSH banner", b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", CLOSE)
canned("101", "101 Switching Protocols that nobody asked for, then junk",
       head("Upgrade: websocket", "Connection: Upgrade", status=101), b"\x81\x05junk!", CLOSE)
canned("103-only", "an interim reply and nothing after it", head(status=103), CLOSE)
canned("no-reason", "a status line without a reason",
       b"HTTP/1.1 200\r\nContent-Length: 3\r\nContent-Type: text/plain\r\n\r\nok\n")


@fault("version", "?v=HTTP/9.9, any version in the status line")
def version(request):
    yield f"{request.query['v']} 200 OK\r\nContent-Length: 3\r\n\r\nok\n".encode("latin-1")
    yield CLOSE


@fault("bad-status", "?s=abc, any text where the status belongs")
def bad_status(request):
    yield f"HTTP/1.1 {request.query['s']} X\r\nContent-Length: 3\r\n\r\nok\n".encode("latin-1")
    yield CLOSE


@fault("huge-header", "?kb=1024, one header of that size")
def huge_header(request):
    yield b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX-Huge: "
    for _ in range(int(request.number("kb", 1024))):
        yield b"h" * 1024
    yield b"\r\n\r\nok\n"


@fault("many-headers", "?n=100000, that many small headers")
def many_headers(request):
    yield b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n"
    for i in range(int(request.number("n", 100000))):
        yield b"X-%d: v\r\n" % i
    yield b"\r\nok\n"


@fault("endless-headers", "headers without end")
def endless_headers(request):
    yield b"HTTP/1.1 200 OK\r\n"
    while True:
        yield b"X-More: and more\r\n" * 100


@fault("huge-reason", "?kb=512, a reason phrase of that size")
def huge_reason(request):
    yield b"HTTP/1.1 200 " + b"r" * (1024 * int(request.number("kb", 512)))
    yield b"\r\nContent-Length: 3\r\n\r\nok\n"


@fault("1xx-flood", "?n=0&code=103, that many interim replies (0: no end), then 200")
def interim_flood(request):
    left = int(request.number("n", 0)) or -1
    interim = head("X-Interim: " + "i" * 100, status=int(request.number("code", 103)))
    while left != 0:
        yield interim
        left -= 1
    yield reply(request, "at last\n")


@fault("early-hints", "103 with Link, then 200")
def early_hints(request):
    yield head("Link: </a.css>; rel=preload", status=103) + reply(request, "ok\n")


@fault("dup-header", "one header several times, spelt in several ways")
def dup_header(request):
    yield reply(request, "ok\n", "X-Twice: one", "x-twice: two", "X-TWICE: three",
                "Set-Cookie: a=1", "Set-Cookie: b=2")


@fault("hop-by-hop", "hop-by-hop headers, and one that Connection names")
def hop_by_hop(request):
    yield reply(request, "ok\n", "Connection: X-Named", "X-Named: secret", "Keep-Alive: max=5",
                "Proxy-Authenticate: Basic", "Proxy-Connection: keep-alive", "TE: trailers",
                "Trailer: X-T", "Upgrade: h2c", "X-End-To-End: stays")


def odd_header(name, help_text, line):
    canned(name, help_text, head(KIND, "Content-Length: 3", "X-Before: 1") [:-2] + line +
           b"\r\nX-After: 1\r\n\r\nok\n")


odd_header("obs-fold", "a header continued on the next line", b"X-Fold: one\r\n two")
odd_header("cr-in-header", "a bare CR in a value", b"X-Cr: one\rX-Smuggled: two")
odd_header("nul-in-header", "a NUL in a value", b"X-Nul: one\0two")
odd_header("8bit-header", "bytes over 127 in values",
           b"X-Latin: caf\xe9 \xff\r\nX-Utf8: caf\xc3\xa9")
odd_header("esc-in-header", "a terminal sequence in a value", b"X-Esc: \x1b[31mred")
odd_header("space-before-colon", "a space before the colon", b"X-Space : v")
odd_header("empty-header-name", "a header without a name", b": v")
odd_header("no-colon", "a header line without a colon", b"nonsense")
odd_header("odd-header-name", "brackets in a name", b"X(odd): v")

canned("lf-only", "a head with bare LF", b"HTTP/1.1 200 OK\nContent-Type: text/plain\n"
       b"Content-Length: 3\n\nok\n")
canned("status-line-only", "a status line, then silence", b"HTTP/1.1 200 OK\r\n", HANG)


@fault("set-cookie", "cookies of every kind, to see that none comes back")
def set_cookie(request):
    yield reply(request, "ok\n", "Set-Cookie: plain=1; Path=/",
                "Set-Cookie: wide=1; Domain=localhost; Path=/",
                "Strict-Transport-Security: max-age=31536000; includeSubDomains",
                'Alt-Svc: h2="127.0.0.1:1"; ma=86400')
