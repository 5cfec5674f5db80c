# SPDX-License-Identifier: Apache-2.0
"""U6, M1, L17: replies that nobody asked for, on a kept connection.  Each item carries a nonce
that must come back in its own reply; an origin that was caught is trusted with one request per
connection from then on."""
import contextlib
import re
import socket
import ssl
import threading
import time
from pathlib import Path

import pytest
from harness.configuration import options
from harness.process import wait_until
from harness.recorder import Recorder
from harness.upstream_process import Upstream

AFTER = ["reply", "chunked", "head", "204", "304"]


@pytest.fixture
def own_upstream(tmp_path):
    """An origin of its own: a taint must not outlive the test."""
    running = Upstream(tmp_path, "--max-seconds", "120")    # without TLS: quick to start
    yield running
    running.stop()


@pytest.fixture
def one_worker(start_gatherd, upstream):
    return start_gatherd(options(server__workers=1, fetch__ca_file=upstream.ca_file))


class SlowToPart:
    """A TLS origin for one request, which it answers with Connection: close.  It takes note of
    the client's farewell, and says its own, only when part() is called."""

    def __init__(self, upstream):
        folder = Path(upstream.ca_file).parent
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(folder / "good.pem", folder / "good.key")
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(10)
        self.parted = threading.Event()
        self.thread = threading.Thread(target=self.serve, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.part()
        self.listener.close()

    @property
    def url(self):
        return f"https://localhost:{self.listener.getsockname()[1]}/"

    def serve(self):
        accepted, _ = self.listener.accept()
        with contextlib.suppress(OSError), self.context.wrap_socket(accepted, True) as secure:
            secure.recv(65536)
            secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
            self.parted.wait(10)

    def part(self):
        """Returns when the connection is closed at this end."""
        self.parted.set()
        self.thread.join(10)


def caught(gatherd):
    return int(re.search(r"unasked_replies_total (\d+)", gatherd.metrics())[1])


def items_for(upstream, after, count, name, **query):
    method = "HEAD" if after == "head" else "GET"
    return [{"id": f"{name}-{n}", "method": method,
             "url": upstream.url("unasked", after=after, nonce=f"{name}-{n}", **query)}
            for n in range(count)]


def mixed_up(gatherd, items):
    """The items whose reply is not their own."""
    bad = []
    for item, reply in zip(items, gatherd.batch(items)["responses"]):
        has_body = "after=reply" in item["url"] or "after=chunked" in item["url"]
        expected = f"mine {item['id']}" if has_body else None
        if reply.get("body") != expected or "error" in reply:
            bad.append((item["id"], reply))
    return bad


@pytest.mark.parametrize("after", AFTER)
@pytest.mark.parametrize("ms", [0, 1, 5, 50])
def test_u6_unasked_replies_that_come_before_the_next_request_reach_nobody(
        one_worker, own_upstream, after, ms):
    key = own_upstream.new_key()
    for n in range(5):
        items = items_for(own_upstream, after, 1, f"n{n}", ms=ms, key=key)
        assert not mixed_up(one_worker, items)
        assert own_upstream.wait_idle(key)      # the unasked one is sent
        time.sleep(0.03)
    # libcurl drops what it reads together with a last chunk: on a busy machine also what came
    # later.
    if after != "chunked":
        assert caught(one_worker) == 1
        assert own_upstream.stats(key)["connections"] == 5


@pytest.mark.parametrize("after", AFTER)
@pytest.mark.parametrize("ms", [0, 1, 5, 50])
def test_u6_late_unasked_replies_reach_nobody_once_the_origin_was_caught(
        one_worker, own_upstream, after, ms):
    """A hundred items on sixteen connections, so that the next request is on its way when the
    reply to none comes."""
    key = own_upstream.new_key()
    first = mixed_up(one_worker, items_for(own_upstream, after, 100, "first", ms=ms, key=key))
    assert not first or ms > 0
    assert own_upstream.wait_idle(key)
    time.sleep(0.05)
    key = own_upstream.new_key()
    for n in range(3):
        assert not mixed_up(one_worker, items_for(own_upstream, after, 100, f"n{n}", ms=ms,
                                                  key=key))
    if (after, ms) != ("chunked", 0):
        assert caught(one_worker) == 1
        stats = own_upstream.stats(key)     # some items may be asked for again
        assert stats["connections"] == stats["requests"] >= 300


def test_u6_all_workers_know_who_was_caught(start_gatherd, own_upstream):
    gatherd = start_gatherd(options(server__workers=2))
    gatherd.fetch(own_upstream.url("unasked", after="reply", nonce="x", ms=1))
    wait_until(lambda: caught(gatherd) == 1, 2, "the origin caught")
    key = own_upstream.new_key()
    for _ in range(8):
        gatherd.fetch(own_upstream.url("ok", key=key))
    assert own_upstream.stats(key)["connections"] == 8


def test_u6_other_origins_keep_their_connections(one_worker, own_upstream, upstream):
    one_worker.fetch(own_upstream.url("unasked", after="reply", nonce="x", ms=1))
    wait_until(lambda: caught(one_worker) == 1, 2, "the origin caught")
    key = upstream.new_key()
    for _ in range(5):
        one_worker.fetch(upstream.url("ok", key=key))
    assert upstream.stats(key)["connections"] == 1


def test_u6_a_reply_on_an_old_connection_of_a_caught_origin_is_not_believed(
        one_worker, own_upstream):
    """One connection is caught while a GET and a POST wait on others used before: the GET is
    asked again, the POST must not be."""
    one_worker.batch([own_upstream.url("delay/300")] * 3)       # three connections, kept
    key = own_upstream.new_key()
    get = {"url": own_upstream.url("delay/600", key=key)}
    post = {**get, "method": "POST", "body": "x"}
    bad = {"url": own_upstream.url("unasked", after="reply", nonce="x", ms=0)}
    got, posted, _ = one_worker.batch([get, post, bad])["responses"]
    assert got["status"] == 200 and got["body"] == "late\n"
    assert posted["error"]["code"] == "maybe_sent"
    assert own_upstream.stats(key)["requests"] == 3


@pytest.mark.parametrize("path", ["ok", "chunks", "status/204", "status/304", "bytes/100000",
                                  "gzip", "trailers", "early-hints", "keepalive-lie", "nolength",
                                  "http10", "expect", "same-length-twice", "hang", "drip?n=3&ms=5"])
def test_honest_replies_taint_nobody(one_worker, own_upstream, path):
    items = [{"url": own_upstream.url(path), "method": method, "timeoutMs": 400}
             for method in ("GET", "POST") for _ in range(3)]
    if path in ("ok", "bytes/100000", "status/204"):
        items.append({"url": own_upstream.url(path), "method": "HEAD"})
    for _ in range(2):
        one_worker.batch(items)
        time.sleep(0.02)
    assert caught(one_worker) == 0


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_failures_of_requests_without_a_body_taint_nobody(start_gatherd, method):
    """libcurl closes behind such a reply when it came before libcurl noticed that there was
    nothing more to send: seldom, so it is tried often."""
    gatherd = start_gatherd(options(fetch__retry_budget=100))
    with Recorder() as honest:
        for n in range(6):
            items = [{"url": honest.url("503,503,200", f"{n}-{m}"), "method": method, "retries": 2,
                      "idempotencyKey": "k"} for m in range(20)]
            assert gatherd.batch(items)["summary"]["ok"] == 20
    assert caught(gatherd) == 0


@pytest.mark.parametrize("path", ["ok", "chunks", "bytes/100000", "keepalive-lie"])
def test_tickets_and_farewells_of_tls_taint_nobody(one_worker, upstream, path):
    for _ in range(3):
        document = one_worker.batch([upstream.tls("good", path)] * 4)
        assert document["summary"]["ok"] == 4
        time.sleep(0.02)
    assert caught(one_worker) == 0


def test_u6_late_replies_over_tls_are_caught_too(one_worker, upstream):
    for ms in (1, 20):
        one_worker.fetch(upstream.tls("good", f"unasked?after=reply&nonce=x&ms={ms}"))
        time.sleep(0.1)
        item = one_worker.fetch(upstream.tls("good", f"echo?nonce={ms}"))
        assert item["body"]["target"] == f"/echo?nonce={ms}"
    assert caught(one_worker) == 1


def test_more_behind_a_reply_over_tls_is_caught_though_the_farewell_takes_its_time(
        one_worker, upstream):
    one_worker.fetch(upstream.tls("good", "unasked?after=reply&nonce=x&ms=0"))
    wait_until(lambda: caught(one_worker) == 1, 5, "the origin caught")


def test_the_end_of_a_connection_is_not_laid_to_whoever_has_the_handle_by_then(
        one_worker, own_upstream, upstream):
    """libcurl waits for the peer's farewell long after the transfer, whose handle meanwhile
    works for a POST to another origin."""
    key = own_upstream.new_key()
    one_worker.fetch(own_upstream.url("ok", key=key))
    post = {"url": own_upstream.url("delay/500", key=key), "method": "POST", "body": "x"}
    with SlowToPart(upstream) as slow:
        assert one_worker.fetch(slow.url)["body"] == "ok"
        replies = []
        batch = threading.Thread(target=lambda: replies.append(one_worker.fetch(post)))
        batch.start()
        wait_until(lambda: own_upstream.stats(key)["requests"] == 2, 5, "the POST under way")
        slow.part()
        batch.join()
    assert replies[0]["status"] == 200 and replies[0]["body"] == "late\n"
    assert own_upstream.stats(key)["connections"] == 1
    assert caught(one_worker) == 0


def test_the_end_of_a_connection_may_come_after_its_handle_is_gone(one_worker, upstream):
    with SlowToPart(upstream) as slow:
        assert one_worker.fetch(slow.url)["body"] == "ok"
        one_worker.stop()


def test_a_408_to_an_idle_connection_is_a_farewell(one_worker, own_upstream):
    """RFC 9110 15.5.9: some servers say 408 when they close a connection nobody used."""
    assert one_worker.fetch(own_upstream.url("farewell"))["status"] == 200
    time.sleep(0.1)
    assert caught(one_worker) == 0
    assert one_worker.fetch(own_upstream.url("ok"))["status"] == 200


@pytest.mark.parametrize("path", ["dup-length", "length-and-chunked", "list-length", "hex-length"])
def test_m16_a_reply_that_can_be_read_in_two_ways_taints(one_worker, own_upstream, path):
    assert one_worker.fetch(own_upstream.url(path))["error"]["code"] == "bad_reply"
    assert caught(one_worker) == 1
