# SPDX-License-Identifier: Apache-2.0
"""Bodies that are hard to carry inside JSON, and codings right and wrong."""
import base64
import gzip
import zlib

from .steps import CLOSE, canned, fault, head, reply

TEXT = b"hello compressed world\n" * 50
BROTLI = base64.b64decode("segjQCKtMNb2JgfpxLHUzG5Ky7sUHAIC")
ZSTD = base64.b64decode("KLUv/WR+A/0AALhoZWxsbyBjb21wcmVzc2VkIHdvcmxkCgEAydB/NgHs7s13")
"""TEXT by `brotli` and `zstd`: Python's library has neither."""

BROTLI_ZEROS = base64.b64decode(
    "y///PwAkAOKxQHLv//j//weABEAcFoDu/R////8AkACIwwLQvf/j//8fABIAcVgAuvd//P//A0ACIA4LQPf+j///"
    "fwBIAMRhAeje//H//w8ACYA4LADd+7/8//8DIAEQhwWge/8H")
"""64 MiB of zeros."""

EVERY_BYTE = bytes(range(256))
NOT_UTF8 = b'{"a": "\xc0\xaf \xed\xa0\x80 \xff"}'
BIG_NUMBERS = (b'{"z": 123456789012345678901234567890, "a": 1.000000000000000000000000000001,\n'
               b'  "e": 1E400, "neg": -0, "a": 2,\t"list" : [ 1 , 2 ] }')


def served(name, help_text, body, kind, *lines):
    fault(name, help_text)(lambda request: iter([reply(request, body, *lines, kind=kind)]))


served("binary", "every byte value", EVERY_BYTE * 4, "application/octet-stream")
served("nul", "text with NUL", b"a\0b\0", "text/plain")
served("invalid-utf8", "JSON type, bytes that are not UTF-8", NOT_UTF8, "application/json")
served("invalid-utf8-text", "text type, bytes that are not UTF-8", b"caf\xe9", "text/plain")
served("bom", "a byte order mark before JSON", b'\xef\xbb\xbf{"a": 1}', "application/json")
served("utf16", "UTF-16, labelled so", '{"a": "\u00e9"}'.encode("utf-16"),
       "application/json; charset=utf-16")
served("json-cut", "JSON that stops early", b'{"a": [1, 2', "application/json")
served("json-big-numbers", "30 digits, exponents, duplicate keys, odd spaces", BIG_NUMBERS,
       "application/json")
served("json-problem", "a +json type", b'{"title": "no"}', "application/problem+json")
served("json-as-text", "JSON with a text type", b'{"a": 1}', "text/plain")
served("json-scalar", "a JSON string alone", b'"alone"', "application/json")
served("json-empty", "a JSON type and no body", b"", "application/json")
served("json-surrogate", "an escaped lone surrogate", b'{"a": "\\ud800"}', "application/json")
served("json-nul", "an escaped NUL", b'{"a": "x\\u0000y"}', "application/json")
served("script", "what breaks careless embedding", "</script><!-- \u2028 \u2029 \x7f\x01 \\ \" -->",
       "text/html; charset=utf-8")
served("no-type", "a body without Content-Type", b"untyped\n", None)


@fault("json-deep", "?n=100000, arrays nested that deep")
def json_deep(request):
    depth = int(request.number("n", 100000))
    yield reply(request, b"[" * depth + b"]" * depth, kind="application/json")


CODINGS = {"gzip": gzip.compress(TEXT, mtime=0), "deflate": zlib.compress(TEXT), "br": BROTLI,
           "zstd": ZSTD, "raw-deflate": zlib.compress(TEXT)[2:-4]}


def coded(name, help_text, body, *codings):
    served(name, help_text, body, "text/plain",
           *(f"Content-Encoding: {coding}" for coding in codings))


for coding, data in CODINGS.items():
    coded(coding, f"a body in {coding}", data, coding.replace("raw-", ""))
coded("x-gzip", "gzip by its old name", CODINGS["gzip"], "x-gzip")
coded("gzip-twice", "gzip in gzip", gzip.compress(CODINGS["gzip"]), "gzip, gzip")
coded("gzip-bad", "plain text that claims to be gzip", TEXT, "gzip")
coded("gzip-crc", "gzip with a wrong checksum",
      CODINGS["gzip"][:-8] + b"\0\0\0\0" + CODINGS["gzip"][-4:], "gzip")
coded("gzip-cut", "gzip cut short, the length right", CODINGS["gzip"][:-20], "gzip")
coded("br-bad", "plain text that claims to be br", TEXT, "br")
coded("br-cut", "br cut short, the length right", BROTLI[:-6], "br")
coded("zstd-bad", "plain text that claims to be zstd", TEXT, "zstd")
coded("zstd-cut", "zstd cut short, the length right", ZSTD[:-6], "zstd")
coded("deflate-cut", "deflate cut short, the length right", CODINGS["deflate"][:-6], "deflate")
coded("unknown-coding", "a coding nobody knows", TEXT, "wat")
coded("many-codings", "a list of a hundred codings", TEXT, ", ".join(["gzip"] * 100))
coded("gzip-empty", "gzip claimed for no bytes at all", b"", "gzip")


GZIP_MEBIBYTE = gzip.compress(b"\0" * (1 << 20), mtime=0)


def bomb_head(codings):
    return head("Content-Type: text/plain", f"Content-Encoding: {codings}", "Connection: close")


def deflated_zeros(window):
    """The first MiB, and one that may follow any number of times: a full flush between them
    makes all alike.  There is no end that is right; nobody gets that far."""
    packer = zlib.compressobj(9, zlib.DEFLATED, window)
    zeros = b"\0" * (1 << 20)
    return [packer.compress(zeros) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2)]


ZEROS = {"gzip": deflated_zeros(31), "deflate": deflated_zeros(15)}


@fault("gzip-bomb", "?mb=64&layers=1, zeros in gzip, about 1000 to 1, or in gzip in gzip")
def gzip_bomb(request):
    layers, megabytes = int(request.number("layers", 1)), int(request.number("mb", 64))
    first, other = ZEROS["gzip"]
    yield bomb_head(", ".join(["gzip"] * layers))
    if layers == 1:
        yield first
        for _ in range(megabytes - 1):
            yield other
    else:
        yield gzip.compress(GZIP_MEBIBYTE * megabytes, 1)
    yield CLOSE


@fault("deflate-bomb", "?mb=64, zeros in deflate")
def deflate_bomb(request):
    first, other = ZEROS["deflate"]
    yield bomb_head("deflate")
    yield first
    for _ in range(int(request.number("mb", 64)) - 1):
        yield other
    yield CLOSE


def zstd_zeros(megabytes):
    """RFC 8878 3.1.1: a frame with a window of 2 MiB, and blocks that repeat one byte."""
    size, run_length, last = 128 << 10, 1 << 1, 1
    blocks = 8 * megabytes
    yield b"\x28\xb5\x2f\xfd\x00\x58"
    for left in range(blocks, 0, -1):
        yield (size << 3 | run_length | (last if left == 1 else 0)).to_bytes(3, "little") + b"\0"


canned("zstd-bomb", "64 MiB of zeros in zstd, 32,000 to 1", bomb_head("zstd"),
       b"".join(zstd_zeros(64)), CLOSE)
canned("br-bomb", "64 MiB of zeros in br, 650,000 to 1", bomb_head("br"), BROTLI_ZEROS, CLOSE)
canned("gzip-junk-after", "gzip with junk behind its end",
       head("Content-Encoding: gzip", f"Content-Length: {len(CODINGS['gzip']) + 4}") +
       CODINGS["gzip"] + b"junk")
