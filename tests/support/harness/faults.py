# SPDX-License-Identifier: Apache-2.0
"""Every fault an upstream can have, and the code its item ends with.  One table for the tests
that take them one at a time, all at once, or a hundred of one."""

OK = "ok"

# path -> the code of its item, or several where more than one is right, or OK.
FAULTS = [
    # the connection
    ("reset", "reset"), ("reset-head", "reset"), ("reset-mid", "reset"),
    ("close", "empty_reply"), ("close-status", ("truncated", "empty_reply", "bad_reply")),
    ("truncate", "truncated"), ("truncate-head", "truncated"),
    ("truncate-head-nolength", ("truncated", "bad_reply")),
    ("halfclose", "truncated"), ("halfclose-before", "empty_reply"),
    ("hang", "timeout_first_byte"), ("hang-head", "timeout_idle"), ("hang-mid", "timeout_idle"),
    ("status-line-only", "timeout_idle"), ("drip", "timeout_total"),
    ("drip-head", "timeout_total"), ("keepalive-lie", OK), ("stale", OK),
    # the framing
    ("wrong-length", "truncated"), ("wrong-length?d=-50", (OK, "bad_reply")),
    ("dup-length", "bad_reply"), ("list-length", "bad_reply"), ("same-length-twice", OK),
    ("length-and-chunked", "bad_reply"), ("negative-length", "bad_reply"),
    ("plus-length", "bad_reply"), ("hex-length", "bad_reply"),
    ("huge-length", ("too_large", "bad_reply")), ("overflow-length", ("bad_reply", "too_large")),
    ("unknown-transfer", "bad_reply"),
    *((f"bad-chunk?k={k}", "bad_reply") for k in ("not-hex", "negative", "huge", "no-crlf",
                                                  "empty-size")),
    ("bad-chunk?k=cut", "truncated"), ("bad-chunk?k=cut-in-chunk", "truncated"),
    *((f"bad-chunk?k={k}", OK) for k in ("lf-only", "extension", "space", "zeros")),
    ("chunk-extension-flood", ("bad_reply", "timeout_idle", "timeout_total", "too_large")),
    ("tiny-chunks", OK), ("204-body", OK), ("304-body", OK), ("head-body", OK),
    ("two-replies", OK), ("poison", OK), ("trailers", OK),
    ("endless", "too_large"), ("endless?how=length", "too_large"), ("endless?how=raw", "too_large"),
    ("trailer-flood", "headers_too_large"),
    ("205-chunked", (OK, "bad_reply")),
    # the head
    ("garbage", "bad_reply"), ("http09", "bad_reply"), ("ssh", "bad_reply"),
    ("101", "bad_reply"), ("103-only", ("bad_reply", "truncated", "empty_reply")),
    ("no-reason", OK), ("version?v=HTTP/9.9", "bad_reply"), ("version?v=HTTP/1.x", "bad_reply"),
    ("version?v=HTTQ/1.1", "bad_reply"), ("version?v=ICY", "bad_reply"),
    ("bad-status?s=abc", "bad_reply"), ("bad-status?s=20", "bad_reply"),
    ("bad-status?s=2000", "bad_reply"), ("bad-status?s=-200", "bad_reply"),
    ("huge-header", "headers_too_large"), ("huge-header?kb=80", "headers_too_large"),
    ("huge-header?kb=200", "headers_too_large"), ("huge-header?kb=30", OK),
    ("many-headers", "headers_too_large"), ("endless-headers", "headers_too_large"),
    ("huge-reason", "headers_too_large"), ("1xx-flood", ("headers_too_large", "bad_reply")),
    ("1xx-flood?n=3", OK), ("early-hints", OK), ("nul-in-header", "bad_reply"),
    ("no-colon", "bad_reply"), ("lf-only", OK),
    ("obs-fold", "bad_reply"), ("cr-in-header", "bad_reply"), ("esc-in-header", "bad_reply"),
    ("space-before-colon", "bad_reply"), ("odd-header-name", "bad_reply"),
    ("empty-header-name", "bad_reply"), ("8bit-header", OK),
    ("version?v=HTTP/2", "bad_reply"), ("version?v=HTTP/3", "bad_reply"),
    ("version?v=http/1.1", "bad_reply"), ("version?v=HTTP/2.0", "bad_reply"), ("version?v=HTTP/0.9", "bad_reply"),
    ("bad-status?s=099", "bad_reply"), ("bad-status?s=1", "bad_reply"),
    ("status/600", OK), ("status/999", OK), ("1xx-flood?code=100", "headers_too_large"),
    ("1xx-flood?code=199&n=300", "headers_too_large"), ("garbage?n=1", "bad_reply"),
    # codings
    ("gzip-bad", "decode"), ("gzip-crc", "decode"), ("gzip-cut", "decode"),
    ("deflate-cut", "decode"), ("br-bad", "decode"), ("br-cut", "decode"),
    ("zstd-bad", "decode"), ("zstd-cut", "decode"), ("unknown-coding", "decode"),
    ("many-codings", "decode"), ("gzip-junk-after", ("decode", OK)),
    ("gzip-bomb", "too_large"), ("gzip-bomb?layers=2", "too_large"), ("deflate-bomb", "too_large"),
    ("br-bomb", "too_large"), ("zstd-bomb", "too_large"),
    ("raw-deflate", (OK, "decode")), ("gzip-twice", (OK, "decode")),
    ("gzip-empty", (OK, "decode")),
    # redirects, none followed
    ("redirect-to?u=/ok", OK), ("redirect-loop", OK), ("redirect-none", OK),
    ("redirect-two", OK), ("redirect-long", OK),
]

TCP_FAULTS = {"refused": "connect", "blackhole": "timeout_connect", "rst": ("reset", "connect"),
              "close": ("empty_reply", "reset"), "silent": "timeout_first_byte",
              "flood": ("headers_too_large", "bad_reply"), "banner": "bad_reply"}
TLS_FAULTS = {"expired": "tls", "wrong-host": "tls", "self-signed": "tls", "untrusted": "tls",
              "tls10": "tls", "tls11": "tls", "garbage": "tls", "plain": "tls", "cut": "tls",
              "mutual": ("tls", "reset", "empty_reply"), "hang": "timeout_connect", "good": OK}

LATE_EXTRAS = ("poison", "204-body", "304-body")
"""What comes after a reply, a moment late: a request that is on its way by then cannot tell it
from its own reply (HTTP/1.1 has no mark for it), so these get no neighbour on their heels."""

TLS_PATHS = {"reset": "reset", "close": ("empty_reply", "truncated", "reset"),
             "truncate": "truncated", "hang": "timeout_first_byte", "hang-mid": "timeout_idle",
             "reset-mid": ("reset", "truncated"), "dup-length": "bad_reply", "garbage": "bad_reply",
             "endless": "too_large", "gzip-cut": "decode"}
"""Faults of HTTP inside a session that is right."""

DNS_FAULTS = ["nx", "servfail", "refused", "formerr", "empty", "cnameloop", "cut", "garbage",
              "wrongid", "timeout", "cname-nx"]
"""First labels of names that do not resolve: always `dns`, in time."""

DNS_ODDITIES = ["cname-a-127-0-0-1", "many-40", "slow-200", "multi-127-0-0-1-and-127-0-0-2",
                "multi-10-255-255-1-and-127-0-0-1", "ttl-2147483647"]
"""First labels of names that do resolve, in odd ways."""

REDIRECTS = [("redirect-loop", 3, "redirect_limit"), ("redirect-chain/4", 3, "redirect_limit"),
             ("redirect-none", 1, "bad_reply"), ("redirect-two", 1, "bad_reply"),
             ("redirect-to?u=ftp://127.0.0.1/", 1, "blocked_url"),
             ("redirect-to?u=http://a%20b/", 1, ("bad_url", "bad_reply")),
             ("redirect-to?u=http://user@127.0.0.1/", 1, ("bad_url", "bad_reply")),
             ("redirect-chain/2", 3, OK)]
"""Path, how many redirects to follow, code."""


def has_code(item, expected):
    code = item["error"]["code"] if "error" in item else OK
    return code in ([expected] if isinstance(expected, str) else expected)
