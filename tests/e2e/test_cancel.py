# SPDX-License-Identifier: Apache-2.0
"""A client that goes away takes its whole fan-out with it; slow readers hold nobody."""
import json
import socket
import struct
import time

import pytest
from harness.gatherd import slowness
from harness.process import wait_until
from harness.quickest import within


def send_batch(gatherd, items, **extra):
    body = json.dumps({"requests": items, **extra}).encode()
    raw = gatherd.raw()
    raw.send(b"POST /v1/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
             b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
    return raw


GONE_MS = 250
"""From the client's going to the last upstream connection closed, as the upstream sees it."""


def leave(raw, how):
    if how == "half-close":
        raw.socket.shutdown(socket.SHUT_WR)
        return
    if how == "rst":
        raw.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raw.socket.close()


@pytest.mark.parametrize("path", ["hang", "hang-mid", "drip?ms=50"])
@pytest.mark.parametrize("how", ["fin", "rst", "half-close"])
def test_h10_a_client_that_leaves_ends_all_its_upstream_connections(gatherd, upstream, how, path):
    """Measured at the upstream: every one of the hundred is closed within 250 ms."""
    def go():
        key = upstream.new_key()
        raw = send_batch(gatherd, [upstream.url(path, key=key)] * 100)
        wait_until(lambda: upstream.stats(key)["in_flight"] == 100, 5, "100 requests in flight")
        seconds = upstream.seconds_until_idle(key, lambda: leave(raw, how))
        raw.socket.close()
        assert upstream.stats(key)["aborted"] == 100
        return seconds
    within(GONE_MS * slowness() / 1000, go)


def test_h10_what_was_queued_is_never_sent(gatherd, upstream):
    key = upstream.new_key()
    raw = send_batch(gatherd, [upstream.url("hang", key=key)] * 40, concurrency=5)
    wait_until(lambda: upstream.stats(key)["in_flight"] == 5, 5, "5 requests in flight")
    raw.socket.close()
    assert upstream.wait_idle(key, 3)
    time.sleep(0.1)
    assert upstream.stats(key)["requests"] == 5


def test_h10_one_client_that_leaves_harms_no_other(gatherd, upstream):
    key = upstream.new_key()
    raw = send_batch(gatherd, [upstream.url("hang", key=key)] * 20)
    wait_until(lambda: upstream.stats(key)["in_flight"] == 20, 5, "20 requests in flight")
    stay = send_batch(gatherd, [upstream.url("delay/500")] * 20)
    raw.socket.close()
    reply = stay.read_reply()
    assert [r["status"] for r in reply.json()["responses"]] == [200] * 20
    stay.socket.close()


def test_h10_a_cancelled_batch_is_counted(gatherd, upstream):
    def cancelled():
        return sum(float(line.rsplit(" ", 1)[1]) for line in gatherd.metrics().splitlines()
                   if "cancelled" in line and not line.startswith("#"))
    before = cancelled()
    key = upstream.new_key()
    raw = send_batch(gatherd, [upstream.url("hang", key=key)] * 3)
    wait_until(lambda: upstream.stats(key)["in_flight"] == 3, 5, "3 requests in flight")
    raw.socket.close()
    wait_until(lambda: cancelled() > before, 3, "a count of what was cancelled")


def test_h10_leaving_in_the_middle_of_a_large_reply_is_survived(gatherd, upstream):
    for _ in range(5):
        raw = send_batch(gatherd, [upstream.url("bytes/1000000")] * 8)
        raw.socket.recv(10000)
        raw.socket.close()
    assert gatherd.fetch(upstream.url("ok"))["status"] == 200


def test_h10_leaving_in_the_middle_of_the_request_is_survived(gatherd, upstream):
    for part in (b"POST", b"POST /v1/batch HTTP/1.1\r\nHost:",
                 b"POST /v1/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                 b"Content-Length: 100\r\n\r\n[\"http"):
        with gatherd.raw() as raw:
            raw.send(part)
            time.sleep(0.02)
    assert gatherd.fetch(upstream.url("ok"))["status"] == 200


def test_h9_a_reader_that_stalls_holds_nobody(gatherd, upstream):
    stalled = [send_batch(gatherd, [upstream.url("bytes/2000000")] * 4) for _ in range(5)]
    for _ in range(10):
        document = gatherd.batch([upstream.url("ok")])
        assert document["responses"][0]["status"] == 200
        assert document["reply"].seconds < 10       # they stall for write_timeout, 30 s
    for raw in stalled:
        raw.socket.close()


def test_h9_a_stalled_reader_that_wakes_gets_it_all(gatherd, upstream):
    raw = send_batch(gatherd, [upstream.url("bytes/1500000")] * 4)
    time.sleep(0.5)
    reply = raw.read_reply()
    raw.socket.close()
    assert [len(r["body"]) for r in reply.json()["responses"]] == [1500000] * 4
