# SPDX-License-Identifier: Apache-2.0
"""Requests that are none, or are refused whole, written by hand: (row of the catalogue, name,
bytes, statuses that may come).  "close" among the statuses: the connection may end without a
reply.  Each is followed by a second request on the same connection, which must never be answered:
whoever stands in front of us may have taken it for a part of the first.

LAX names what libmicrohttpd before 1.0 takes and hides from its user: there the reply may be that
of a sound request, but the connection is closed behind it."""

HOST = b"Host: x\r\n"
JSON = b"Content-Type: application/json\r\n"
BATCH = b"POST /v1/batch HTTP/1.1\r\n" + HOST + JSON
CHUNKED = BATCH + b"Transfer-Encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"

ROWS = []
LAX = set()
LAX_STATUSES = (200, 400, 411)
SKIPPED = {"zeros on the plain port"}
"""Lines that begin with NUL are skipped by that library as empty lines are."""


def row(kind, name, data, statuses="400", lax=False):
    ROWS.append((kind, name, data, frozenset(statuses.split())))
    if lax:
        LAX.add(name)


def get(line=b"GET /healthz HTTP/1.1", headers=HOST):
    return line + b"\r\n" + headers + b"\r\n"


def long_length(value, name=b"Content-Length"):
    return BATCH + name + b": " + value + b"\r\n\r\n[]"


# H1: where the body ends.
for text, value, statuses in (
        ("a list", b"2, 2", "400"), ("a list of two", b"2, 3", "400"), ("plus", b"+2", "400"),
        ("minus", b"-1", "400"), ("minus zero", b"-0", "400"), ("hex", b"0x2", "400"),
        ("an exponent", b"2e0", "400"), ("a fraction", b"2.0", "400"), ("two words", b"2 2", "400"),
        ("nothing", b"", "400"), ("a blank", b"  ", "400"), ("a parameter", b"2;a=b", "400"),
        ("quotes", b'"2"', "400"), ("an Arabic digit", "٢".encode(), "400"),
        ("a superscript", "²".encode(), "400"), ("a comma", b"2,", "400"),
        ("an underscore", b"1_0", "400"), ("a vertical tab", b"\x0b2", "400"),
        ("a form feed", b"2\x0c", "400"), ("a DEL", b"2\x7f", "400"), ("a word", b"two", "400"),
        ("2^63", b"9223372036854775808", "413 400"), ("2^64-1", b"18446744073709551615", "413 400"),
        ("2^64", b"18446744073709551616", "400 413"), ("2^64+2", b"18446744073709551618", "400 413"),
        ("2^32+2", b"4294967298", "413"), ("ninety digits", b"9" * 90, "400 413")):
    row("H1", f"a length that is {text}", long_length(value), statuses)
row("H1", "a length with NUL", long_length(b"2\x00"), "400", lax=True)
row("H1", "a length with NUL in front", long_length(b"\x002"))
row("H1", "two equal lengths", BATCH + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n[]")
row("H1", "two lengths", BATCH + b"Content-Length: 2\r\nContent-Length: 30\r\n\r\n[]")
row("H1", "two lengths, small one last", BATCH + b"Content-Length: 30\r\nContent-Length: 2\r\n\r\n[]")
row("H1", "two lengths by case", BATCH + b"Content-Length: 2\r\ncontent-LENGTH: 3\r\n\r\n[]")
row("H1", "a folded length", BATCH + b"Content-Length: 2\r\n 0\r\n\r\n[]", lax=True)
row("H1", "a length on the next line", BATCH + b"Content-Length:\r\n 2\r\n\r\n[]", lax=True)
row("H1", "a length and chunks", BATCH + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n" + END)
row("H1", "chunks and a length", BATCH + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n" + END)
row("H1", "a length of 0 and chunks",
    BATCH + b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n" + END)
row("H1", "encoding twice", BATCH + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" + END)
row("H1", "identity, then chunked", BATCH + b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n" + END)
for value in (b"chunked, chunked", b"gzip, chunked", b"chunked, gzip", b"identity", b"gzip", b"xchunked",
              b"chunkedx", b"chunked;q=1", b"\x0bchunked", b'"chunked"', b"chunked chunked",
              b"", b",chunked", b"chunked,", b"chunk", b"\xc5\xa3hunked", b"chunked\x7f"):
    row("H1", f"encoding {value!r}", BATCH + b"Transfer-Encoding: " + value + b"\r\n\r\n2\r\n[]\r\n" + END,
        "400 501 411")
row("H1", "encoding with NUL", BATCH + b"Transfer-Encoding: chunked\x00x\r\n\r\n" + END, lax=True)
row("H1", "a blank before the colon of an encoding",
    BATCH + b"Content-Length: 2\r\nTransfer-Encoding : chunked\r\n\r\n[]")
row("H1", "a tab before the colon of an encoding",
    BATCH + b"Content-Length: 2\r\nTransfer-Encoding\t: chunked\r\n\r\n[]")
row("H1", "an encoding behind a fold", BATCH + b"Content-Length: 2\r\nX: y\r\n Transfer-Encoding: chunked\r\n\r\n[]")
row("H1", "an encoding behind a bare LF",
    BATCH + b"Content-Length: 2\r\nX: y\nTransfer-Encoding: chunked\r\n\r\n[]")
row("H1", "an encoding behind a bare CR",
    BATCH + b"Content-Length: 2\r\nX: y\rTransfer-Encoding: chunked\r\n\r\n[]")
row("H1", "a length behind a bare LF", BATCH + b"X: y\nContent-Length: 2\r\n\r\n[]", lax=True)
row("H1", "chunks in HTTP/1.0", CHUNKED.replace(b"HTTP/1.1", b"HTTP/1.0") + END)
row("H1", "GET with a length", get(headers=HOST + b"Content-Length: 2\r\n") + b"[]", "413")
row("H1", "GET with chunks", get(headers=HOST + b"Transfer-Encoding: chunked\r\n") + b"2\r\n[]\r\n" + END, "413")
row("H1", "HEAD with a length", get(b"HEAD /healthz HTTP/1.1", HOST + b"Content-Length: 2\r\n") + b"[]", "413")
row("H1", "POST without a length", BATCH + b"\r\n[]", "411")

# H2: chunks.
for text, line in (
        ("no number", b"zz"), ("nothing", b""), ("minus", b"-2"), ("plus", b"+2"), ("0x", b"0x2"),
        ("a blank in front", b" 2"), ("a tab in front", b"\t2"), ("a letter behind", b"2g"), ("a comma", b"2,"),
        ("a quote", b'"2"'), ("2^64", b"10000000000000000"), ("2^64+2", b"10000000000000002"),
        ("2^68", b"100000000000000000"), ("NUL", b"\x00"), ("an Arabic digit", "٢".encode())):
    row("H2", f"a chunk size that is {text}", CHUNKED + line + b"\r\n[]\r\n" + END, "400 413 close")
row("H2", "a chunk of 2^64-1", CHUNKED + b"ffffffffffffffff\r\n[]\r\n" + END, "400 413 408 close")
row("H2", "a chunk of 2^63", CHUNKED + b"8000000000000000\r\n[]\r\n" + END, "400 413 408 close")
row("H2", "a chunk size with a blank behind", CHUNKED + b"2 \r\n[]\r\n" + END, "400 close", lax=True)
row("H2", "a chunk longer than its size", CHUNKED + b"2\r\n[]  \r\n" + END, "400 close")
row("H2", "a chunk without its end", CHUNKED + b"2\r\n[]0\r\n\r\n", "400 close")
row("H2", "a chunk that ends in CR", CHUNKED + b"2\r\n[]\r0\r\n\r\n", "400 close", lax=True)
row("H2", "chunk lines that end in LF", CHUNKED + b"2\n[]\n0\n\n", "400 close", lax=True)
row("H2", "chunk lines that end in CR", CHUNKED + b"2\r[]\r0\r\r", "400 408 close", lax=True)
row("H2", "an LF in an extension", CHUNKED + b"2;a=b\nc\r\n[]\r\n" + END, "400 close", lax=True)
row("H2", "a CR in an extension", CHUNKED + b"2;a=b\rc\r\n[]\r\n" + END, "400 close", lax=True)
row("H2", "an endless extension", CHUNKED + b"2;" + b"a" * 50000, "400 413 431 408 close")
row("H2", "an extension, which libmicrohttpd refuses", CHUNKED + b"3;a=b\r\n[5]\r\n" + END)
row("H2", "no last chunk", CHUNKED + b"2\r\n[]\r\n", "400 408 close")
row("H2", "half a last chunk", CHUNKED + b"2\r\n[]\r\n0\r\n", "400 408 close")
row("H2", "a last chunk of minus zero", CHUNKED + b"2\r\n[]\r\n-0\r\n\r\n", "400 close")
row("H2", "a trailer whose name is no token", CHUNKED + b"2\r\n[]\r\n0\r\nX\x99: y\r\n\r\n")
row("H2", "a trailer with ESC", CHUNKED + b"2\r\n[]\r\n0\r\nX: \x1b\r\n\r\n")
for text, trailer in (("no colon", b"garbage"), ("no name", b": x"), ("a blank in its name", b"X Y: z"),
                      ("a blank before its colon", b"X : y"), ("NUL", b"X: a\x00b"),
                      ("a bare CR", b"X: a\rY: b"), ("a fold", b"X: a\r\n b")):
    row("H2", f"a trailer with {text}", CHUNKED + b"2\r\n[]\r\n0\r\n" + trailer + b"\r\n\r\n", "400 408 close",
        lax=True)
row("H2", "endless trailers", CHUNKED + b"0\r\n" + b"X: y\r\n" * 20000, "400 413 431 408 close")

# H3: lines, names, values.
row("H3", "all lines end in LF", b"GET /healthz HTTP/1.1\nHost: x\n\n", lax=True)
row("H3", "all lines end in CR", b"GET /healthz HTTP/1.1\rHost: x\r\r", "400 408", lax=True)
row("H3", "the request line ends in LF", b"GET /healthz HTTP/1.1\nHost: x\r\n\r\n", lax=True)
row("H3", "the head ends in LF", b"GET /healthz HTTP/1.1\r\nHost: x\r\n\n", lax=True)
row("H3", "the head ends in CR LF LF", b"GET /healthz HTTP/1.1\r\nHost: x\r\nA: b\n\n", lax=True)
row("H3", "a header ends in LF", get(headers=HOST + b"A: b\nC: d\r\n"), lax=True)
row("H3", "a header ends in CR", get(headers=HOST + b"A: b\rC: d\r\n"), lax=True)
row("H3", "a header ends in CR CR LF", get(headers=HOST + b"A: b\r\r\nC: d\r\n"), lax=True)
row("H3", "a fold", get(headers=HOST + b"A: b\r\n c\r\n"), lax=True)
row("H3", "a fold by tab", get(headers=HOST + b"A: b\r\n\tc\r\n"), lax=True)
row("H3", "a folded Host", get(headers=b"Host: x\r\n y\r\n"), lax=True)
row("H3", "a fold of the request line", b"GET /healthz HTTP/1.1\r\n x: y\r\nHost: x\r\n\r\n")
row("H3", "a blank line of blanks", get(headers=HOST + b"A: b\r\n \r\n"), lax=True)
for text, name in (("a blank", b"A B"), ("a tab", b"A\tB"), ("a slash", b"A/B"), ("brackets", b"A[0]"),
                   ("parentheses", b"A(b)"), ("a comma", b"A,B"), ("a semicolon", b"A;B"), ("an at", b"A@B"),
                   ("a quote", b'A"B'), ("a backslash", b"A\\B"), ("a question mark", b"A?"), ("braces", b"{A}"),
                   ("UTF-8", "Ä".encode()), ("0x80", b"A\x80"), ("0x01", b"A\x01"), ("DEL", b"A\x7f"),
                   ("ESC", b"A\x1b"), ("an equals sign", b"A=B"), ("less than", b"<A>")):
    row("H3", f"a name with {text}", get(headers=HOST + name + b": v\r\n"))
row("H3", "a name with NUL", get(headers=HOST + b"A\x00B: v\r\n"))
row("H3", "a name with NUL at its end", get(headers=HOST + b"A\x00: v\r\n"), lax=True)
row("H3", "no name", get(headers=HOST + b": v\r\n"), lax=True)
row("H3", "no name, no value", get(headers=HOST + b":\r\n"), lax=True)
row("H3", "a blank before the colon", get(headers=HOST + b"A : v\r\n"))
row("H3", "a tab before the colon", get(headers=HOST + b"A\t: v\r\n"))
row("H3", "a blank before the colon of Host", get(headers=b"Host : x\r\n"))
row("H3", "a line without a colon", get(headers=HOST + b"garbage\r\n"))
row("H3", "a line of one byte", get(headers=HOST + b"g\r\n"))
row("H3", "a blank before the first header", get(headers=b" Host: x\r\n"))
for text, value in (("NUL", b"a\x00b"), ("NUL at its end", b"a\x00")):
    row("H3", f"a value with {text}", get(headers=HOST + b"A: " + value + b"\r\n"), lax=True)
for text, value in (("0x01", b"a\x01b"), ("BEL", b"\x07"), ("BS", b"a\x08"), ("a vertical tab", b"a\x0bb"),
                    ("a form feed", b"a\x0cb"), ("ESC", b"\x1b[31m"), ("DEL", b"a\x7f"), ("0x1f", b"\x1f")):
    row("H3", f"a value with {text}", get(headers=HOST + b"A: " + value + b"\r\n"))

# H4: the request line and Host.
for text, line, statuses in (
        ("two blanks before the version", b"GET /healthz  HTTP/1.1", "400 505"),
        ("a blank in front", b" GET /healthz HTTP/1.1", "400 close"),
        ("a blank behind", b"GET /healthz HTTP/1.1 ", "400 505"),
        ("a word behind", b"GET /healthz HTTP/1.1 x", "400 505"),
        ("tabs", b"GET\t/healthz\tHTTP/1.1", "400 505 close"),
        ("a form feed", b"GET\x0c/healthz HTTP/1.1", "400 404 405 close"),
        ("no target", b"GET HTTP/1.1", "400"), ("an empty target", b"GET  HTTP/1.1", "400"),
        ("a blank in the target", b"GET /a b HTTP/1.1", "400 505"),
        ("only a method", b"GET", "400 505 close"), ("only a method and a blank", b"GET ", "400 505 close"),
        ("no version (HTTP/0.9)", b"GET /healthz", "400 505"),
        ("lower-case version", b"GET /healthz http/1.1", "400 505"),
        ("HTTP/0.9", b"GET /healthz HTTP/0.9", "505 400"), ("HTTP/1.2", b"GET /healthz HTTP/1.2", "505 400"),
        ("HTTP/2.0", b"GET /healthz HTTP/2.0", "505 400"), ("HTTP/2", b"GET /healthz HTTP/2", "505 400"),
        ("HTTP/3.0", b"GET /healthz HTTP/3.0", "505 400"), ("HTTP/9.9", b"GET /healthz HTTP/9.9", "505 400"),
        ("HTTP/1", b"GET /healthz HTTP/1", "505 400"), ("HTTP/1.", b"GET /healthz HTTP/1.", "505 400"),
        ("HTTP/1.1.1", b"GET /healthz HTTP/1.1.1", "505 400"), ("HTTP/01.1", b"GET /healthz HTTP/01.1", "505 400"),
        ("HTTP/1.10", b"GET /healthz HTTP/1.10", "505 400"), ("HTTP/+1.1", b"GET /healthz HTTP/+1.1", "505 400"),
        ("HTTP/1,1", b"GET /healthz HTTP/1,1", "505 400"), ("HTTPS/1.1", b"GET /healthz HTTPS/1.1", "505 400"),
        ("HTTP /1.1", b"GET /healthz HTTP /1.1", "505 400"), ("ICY", b"GET /healthz ICY/1.1", "505 400"),
        ("a full-width version", "GET /healthz ＨＴＴＰ/1.1".encode(), "505 400"),
        ("absolute form", b"GET http://x/healthz HTTP/1.1", "400"),
        ("absolute form of another host", b"GET http://evil.test/healthz HTTP/1.1", "400"),
        ("authority form", b"CONNECT x:443 HTTP/1.1", "400"), ("CONNECT with a path", b"CONNECT / HTTP/1.1", "405 404 400"),
        ("asterisk form", b"OPTIONS * HTTP/1.1", "400"), ("GET with an asterisk", b"GET * HTTP/1.1", "400"),
        ("TRACE", b"TRACE /healthz HTTP/1.1", "405"), ("TRACK", b"TRACK /healthz HTTP/1.1", "405"),
        ("a lower-case method", b"get /healthz HTTP/1.1", "405"), ("a mixed-case method", b"GeT /healthz HTTP/1.1", "405"),
        ("an unknown method", b"BREW /healthz HTTP/1.1", "405"), ("PATCH", b"PATCH /healthz HTTP/1.1", "405"),
        ("a method with a colon", b"GET: /healthz HTTP/1.1", "400"), ("a method in brackets", b"<GET> /healthz HTTP/1.1", "400"),
        ("a method with ESC", b"\x1bGET /healthz HTTP/1.1", "400"), ("a binary method", b"\xff\xfe /healthz HTTP/1.1", "400"),
        ("a method with BOM", b"\xef\xbb\xbfGET /healthz HTTP/1.1", "400"),
        ("a method with a comma", b"GET,POST /healthz HTTP/1.1", "400"),
        ("a method of 300 bytes", b"A" * 300 + b" /healthz HTTP/1.1", "405 400"),
        ("a method of 40000 bytes", b"A" * 40000 + b" /healthz HTTP/1.1", "400 405 414 431 501 close"),
        ("the preface of HTTP/2", b"PRI * HTTP/2.0", "400 505")):
    row("H4", text, get(line), statuses)
row("H4", "a NUL in the method", get(b"G\x00ET /healthz HTTP/1.1"), "400 505 close 405", lax=True)
row("H4", "a NUL in the target", get(b"GET /healthz\x00x HTTP/1.1"), "400 404 505 close", lax=True)
row("H4", "two blanks before the target", get(b"GET  /healthz HTTP/1.1"), lax=True)
row("H4", "a NUL in the version", get(b"GET /healthz HTTP/1.1\x00"), "400 505 close", lax=True)
row("H4", "a CR in the request line", get(b"GET /healthz\rHTTP/1.1"), "400 404 505")
row("H4", "no Host", get(headers=b""))
row("H4", "no Host but another header", get(headers=b"A: b\r\n"))
row("H4", "two Hosts", get(headers=b"Host: a\r\nHost: b\r\n"))
row("H4", "two equal Hosts", get(headers=HOST + HOST))
for value in (b"", b" ", b"a b", b"a,b", b"a/b", b"/", b"http://a", b"u@a", b"u:p@a", b"a?b", b"a#b", b"a%00",
              "é".encode(), b"\x80", b"[::1", b"::1]", b"[]", b"[", b"a:b", b"a:80:90", b":80", b"a:-1", b"a:+80",
              b"a:0x50", b"a:999999", b"[::1]x", b"[::1]:x", b"a[::1]", b"::1", b"a\\b", b"a'b", b'"a"', b"a;b",
              b"<a>", b"a" * 300):
    row("H4", f"Host {value[:20]!r}", get(headers=b"Host: " + value + b"\r\n"))

# H5: paths that look like others.
for path in (b"/healthz%00", b"/healthz%00.html", b"/%68ealthz", b"/healthz/", b"/healthz/.", b"/./healthz",
             b"/x/../healthz", b"/..", b"//healthz", b"///", b"/healthz;a=b", b"/;/healthz", b"/healthz%2f",
             b"/healthz%20", b"/HEALTHZ", b"/Healthz", b"/healthz%", b"/healthz%zz", b"/%2e%2e/metrics",
             b"/v1/batch/../../metrics", b"/v1%2fbatch", b"/v1/batch%3furl=x", b"/metrics%09", b"/%6d%65trics",
             b"/v1//batch", b"/v1/batch/", b"/v1\\batch", b"/healthz&a=b", b"/problems/../metrics/x"):
    row("H5", f"path {path.decode()}", get(b"GET " + path + b" HTTP/1.1"), "404")
for path in (b"healthz", b"/healthz#a", b"#", b"/h\xc3\xa4lthz", b"/\x80", b"/\x7f", b"/\x01", b"\\healthz", b"?/healthz",
             b"./healthz", b"/healthz\x0b"):
    row("H5", f"target {path!r}", get(b"GET " + path + b" HTTP/1.1"), "400 404 close")

# H6, H7: too much.
row("H6", "101 headers", get(headers=HOST + b"".join(b"A%d: b\r\n" % n for n in range(100))), "431")
row("H6", "3000 headers", get(headers=HOST + b"".join(b"A%d: b\r\n" % n for n in range(3000))), "431 close")
row("H6", "a value of 60 KB", get(headers=HOST + b"A: " + b"v" * 60000 + b"\r\n"), "431 close")
row("H6", "a name of 60 KB", get(headers=HOST + b"n" * 60000 + b": v\r\n"), "431 400 close")
row("H6", "a value of 31 KB", get(headers=HOST + b"A: " + b"v" * 31700 + b"\r\n"), "431 close")
row("H6", "a cookie of 20 KB", get(headers=HOST + b"Cookie: " + b"a=b; " * 4000 + b"\r\n"), "431 413 close")
row("H6", "a target of 40 KB", get(b"GET /" + b"a" * 40000 + b" HTTP/1.1"), "414 431 close")
row("H6", "a target of 31 KB", get(b"GET /" + b"a" * 31700 + b" HTTP/1.1"), "414 431 close")
row("H6", "a query of 5000 arguments", get(b"GET /healthz?" + b"a&" * 5000 + b" HTTP/1.1"), "414 431 close")
row("H6", "a version of 40 KB", get(b"GET /healthz " + b"H" * 40000), "400 414 431 505 close")
row("H7", "a body over the limit", BATCH + b"Content-Length: 1000000000\r\n\r\n", "413")
row("H7", "a body over the limit by one", BATCH + b"Content-Length: 65537\r\n\r\n", "413")
row("H7", "Expect with a body over the limit",
    BATCH + b"Expect: 100-continue\r\nContent-Length: 1000000000\r\n\r\n", "413")
row("H7", "chunks over the limit", CHUNKED + b"11000\r\n" + b" " * 0x11000 + b"\r\n" + END, "413 close")
for value in (b"foo", b"100-continue, foo", b"100", b"", b"100-continued", b"200-ok"):
    row("H7", f"Expect {value!r}", BATCH + b"Expect: " + value + b"\r\nContent-Length: 2\r\n\r\n[]")
row("H7", "Expect twice", BATCH + b"Expect: 100-continue\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n[]")

# H13: other protocols.
for text, data in (
        ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(200)) + b"\r\n\r\n"),
        ("SSH", b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), ("SMTP", b"EHLO x\r\nMAIL FROM:<a@b>\r\n\r\n"),
        ("Redis", b"*1\r\n$4\r\nPING\r\n\r\n"), ("memcached", b"stats\r\n\r\n"),
        ("RTSP", b"OPTIONS rtsp://x/ RTSP/1.0\r\nCSeq: 1\r\n\r\n"), ("SIP", b"INVITE sip:a@b SIP/2.0\r\n\r\n"),
        ("PROXY 1", b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"),
        ("PROXY 2", b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c" + bytes(12)),
        ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"),
        ("a reply", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), ("zeros", bytes(500) + b"\r\n\r\n"),
        ("noise", bytes((n * 167 + 13) % 256 for n in range(700)) + b"\r\n\r\n"),
        ("JSON", b'{"urls": ["http://127.0.0.1:9/"]}\r\n\r\n'), ("XML", b"<?xml version='1.0'?>\r\n\r\n")):
    row("H13", f"{text} on the plain port", data, "400 405 408 431 505 close")

# H15: what the body is said to be.
LENGTH = b"Content-Length: 2\r\n\r\n[]"
TYPED = b"POST /v1/batch HTTP/1.1\r\n" + HOST
row("H15", "two media types", BATCH + JSON + LENGTH)
row("H15", "no media type", TYPED + LENGTH, "415")
for value in (b"", b"text/plain", b"application/json, text/plain", b"application/jsonx", b"application/ json",
              b"application/json; charset=utf-16", b"application/json; charset=latin1", b"json", b"*/*",
              b"application/x-www-form-urlencoded", b"multipart/form-data; boundary=x"):
    row("H15", f"media type {value!r}", TYPED + b"Content-Type: " + value + b"\r\n" + LENGTH, "415")
for value in (b"gzip", b"br", b"deflate", b"identity, gzip", b"chunked", b"x"):
    row("H15", f"content coding {value!r}", BATCH + b"Content-Encoding: " + value + b"\r\n" + LENGTH, "415")
row("H15", "two content codings", BATCH + b"Content-Encoding: identity\r\nContent-Encoding: gzip\r\n" + LENGTH)

# O7, O17: who is calling, twice.
row("O7", "two Authorizations", BATCH + b"Authorization: Bearer a\r\nAuthorization: Bearer b\r\n" + LENGTH)
row("O7", "two keys", BATCH + b"X-Api-Key: a\r\nX-Api-Key: b\r\n" + LENGTH)
row("O17", "two request ids", BATCH + b"X-Request-Id: a\r\nX-Request-Id: b\r\n" + LENGTH)

# Sound requests that look odd: (name, bytes, status); the second request is answered too, unless
# the connection is closed for what this libmicrohttpd is lax about.
SOUND = [
    ("a plain one", get(), 200),
    ("an empty line in front", b"\r\n" + get(), 200),
    ("no blank behind the colon", get(headers=b"Host:x\r\n"), 200),
    ("tabs around a value", get(headers=b"Host:\tx\t\r\n"), 200),
    ("blanks around a value", get(headers=b"Host:    x   \r\n"), 200),
    ("lower-case names", get(headers=b"host: x\r\n"), 200),
    ("an empty value", get(headers=HOST + b"A:\r\n"), 200),
    ("a value in latin-1", get(headers=HOST + b"A: \xe9\r\n"), 200),
    ("a value in UTF-8", get(headers=HOST + "A: é\r\n".encode()), 200),
    ("every byte of a token", get(headers=HOST + b"!#$%&'*+-.^_`|~09azAZ: v\r\n"), 200),
    ("HTTP/1.0 with keep-alive", get(b"GET /healthz HTTP/1.0", b"Connection: keep-alive\r\n"), 200),
    ("a query", get(b"GET /healthz?a=%00&b HTTP/1.1"), 200),
    ("a page that is not there", get(b"GET /problems/%2e%2e HTTP/1.1"), 404),
    ("100 headers", get(headers=HOST + b"".join(b"A%d: b\r\n" % n for n in range(99))), 200),
    ("Host with a port", get(headers=b"Host: a.example:8080\r\n"), 200),
    ("Host that is IPv6", get(headers=b"Host: [::1]:80\r\n"), 200),
    ("Host with an empty port", get(headers=b"Host: a:\r\n"), 200),
    ("an Upgrade that is not taken", get(headers=HOST + b"Connection: Upgrade\r\nUpgrade: h2c\r\n"), 200),
    ("zeros in front of the length", BATCH + b"Content-Length: 0003\r\n\r\n[5]", 400),
    ("a batch that is none", BATCH + b"Content-Length: 3\r\n\r\n[5]", 400),
    ("a batch in chunks", CHUNKED + b"1\r\n[\r\n2\r\n5]\r\n" + END, 400),
    ("chunk sizes with zeros", CHUNKED + b"0003\r\n[5]\r\n000\r\n\r\n", 400),
    ("trailers that name lengths", CHUNKED + b"3\r\n[5]\r\n0\r\nContent-Length: 9\r\nHost: y\r\n\r\n", 400),
]
