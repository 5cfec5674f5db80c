# SPDX-License-Identifier: Apache-2.0
"""Random bytes from both sides, the same ones in every run.  Whatever comes, each batch gets one
reply that keeps the contract, and the service lives."""
import json
import random

import pytest

SEEDS = range(4)
REPLY_PARTS = [b"HTTP/1.1 200 OK\r\n", b"HTTP/1.0 404 No\r\n", b"Content-Length: 5\r\n",
               b"Content-Length: 0\r\n", b"Transfer-Encoding: chunked\r\n", b"\r\n", b"\r\n\r\n",
               b"hello", b"5\r\nhello\r\n", b"0\r\n\r\n", b"Content-Encoding: gzip\r\n", b"\n",
               b"Connection: keep-alive\r\n", b"Content-Type: application/json\r\n", b"{\"a\":1}",
               b"HTTP/1.1 100 Continue\r\n\r\n", b"Location: /ok\r\n", b"\x00", b"\xff\xfe",
               b"\x1f\x8b\x08\x00", b"X: " + b"y" * 3000 + b"\r\n", b": \r\n", b"HTTP/2 200\r\n",
               b"Content-Length: 99999999999999999999\r\n", b"HTTP/1.1 302 Found\r\n",
               b" folded\r\n"]


def random_reply(rng):
    parts = [b"HTTP/1.1 200 OK\r\n"] if rng.random() < 0.7 else []
    parts += rng.choices(REPLY_PARTS, k=rng.randrange(1, 9))
    data = bytearray(b"".join(parts))
    for _ in range(rng.choice((0, 0, 1, 5))):
        data[rng.randrange(len(data))] = rng.randrange(256)
    return bytes(data)


@pytest.mark.parametrize("seed", SEEDS)
def test_random_replies_keep_the_contract(gatherd, upstream, seed):
    """What hangs has a clock of its own, short; what is good has the time it takes."""
    rng = random.Random(seed)
    items = []
    for n in range(120):
        end = rng.choice(("close", "close", "rst", "fin", "keep"))
        items.append({"id": f"r{n}", "url": upstream.raw_url(random_reply(rng), end),
                      "redirects": rng.randrange(3), "timeoutMs": 900})
        items.append({"id": f"g{n}", "url": upstream.url("echo", nonce=n)})
    document = gatherd.batch(items, deadlineMs=25000)
    for n in range(120):
        good = document["responses"][2 * n + 1]
        assert good.get("body", {}).get("target") == f"/echo?nonce={n}", good


def random_value(rng, depth=0):
    kinds = [lambda: rng.randrange(-5, 10 ** rng.randrange(1, 20)), lambda: rng.random() * 1e6,
             lambda: None, lambda: rng.random() < 0.5,
             lambda: "".join(chr(rng.choice((0x20, 0x7f, 0xe9, 0x2028, 0x1f600, 0x41)))
                             for _ in range(rng.randrange(9))),
             lambda: "http://127.0.0.1:9/"]
    if depth < 4:
        kinds += [lambda: [random_value(rng, depth + 1) for _ in range(rng.randrange(4))],
                  lambda: {rng.choice(FIELDS): random_value(rng, depth + 1)
                           for _ in range(rng.randrange(5))}] * 2
    return rng.choice(kinds)()


FIELDS = ["url", "urls", "requests", "id", "method", "headers", "body", "bodyEncoding", "timeoutMs",
          "connectTimeoutMs", "redirects", "maxBodyBytes", "defaults", "deadlineMs", "concurrency",
          "include", "a", "", "\u00e9/~", "Content-Length"]


@pytest.mark.parametrize("seed", SEEDS)
def test_random_documents_are_answered_or_refused(gatherd, seed):
    rng = random.Random(1000 + seed)
    for _ in range(150):
        document = random_value(rng, 0)
        if rng.random() < 0.5:
            document = {rng.choice(("urls", "requests")): document, "deadlineMs": 500}
        text = json.dumps(document, ensure_ascii=rng.random() < 0.5).encode("utf-8", "replace")
        if rng.random() < 0.3 and text:
            at = rng.randrange(len(text))
            text = text[:at] + bytes([rng.randrange(256)]) + text[at + rng.randrange(3):]
        reply = gatherd.post(text)
        assert reply.status in (200, 400, 413), (text, reply)
        assert reply.json()


@pytest.mark.parametrize("seed", SEEDS)
def test_random_requests_get_whole_replies_or_none(gatherd, seed):
    """Two replies at most: a mutated length may leave the tail as a second request."""
    rng = random.Random(2000 + seed)
    sane = (b"POST /v1/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: 2\r\nConnection: close\r\n\r\n[]")
    for _ in range(60):
        data = bytearray(sane)
        for _ in range(rng.choice((1, 1, 2, 8))):
            at = rng.randrange(len(data))
            data[at:at + rng.randrange(3)] = rng.choice(
                (bytes([rng.randrange(256)]), b"\r\n", b" ", b":", b"", b"\x00", b"Host: y\r\n"))
        with gatherd.raw() as raw:
            try:
                raw.send(bytes(data))
                raw.socket.shutdown(1)
            except OSError:
                pass
            raw.read_to_end(20)
            replies = list(iter(raw.read_reply, None))
            assert raw.received == b"" and len(replies) <= 2, (bytes(data), replies, raw.received)
    assert gatherd.get("/healthz").status == 200
