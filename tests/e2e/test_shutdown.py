# SPDX-License-Identifier: Apache-2.0
"""SIGTERM: readiness fails first, nothing new is accepted, what was accepted is finished."""
import json
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from harness.configuration import options
from harness.gatherd import slowness
from harness.process import accepts, wait_until


def in_flight(upstream, key, count):
    wait_until(lambda: upstream.stats(key)["in_flight"] == count, 5, f"{count} in flight")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_service_ends_at_once_with_status_0(start_gatherd, number):
    gatherd = start_gatherd()
    started = time.monotonic()
    gatherd.signal(number)
    assert gatherd.wait() == 0
    assert time.monotonic() - started < 2 * slowness()


def test_a_running_batch_is_finished(start_gatherd, upstream):
    gatherd = start_gatherd()
    key = upstream.new_key()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(gatherd.batch, [upstream.url("delay/1000", key=key)] * 20)
        in_flight(upstream, key, 20)
        gatherd.signal(signal.SIGTERM)
        document = running.result()
    assert document["summary"]["ok"] == 20
    assert gatherd.wait() == 0


def test_while_draining_readiness_fails_and_connections_are_refused(start_gatherd, upstream):
    gatherd = start_gatherd()
    key = upstream.new_key()
    with ThreadPoolExecutor(1) as pool, gatherd.raw() as kept:
        kept.send(b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert kept.read_reply().status == 200
        running = pool.submit(gatherd.batch, [upstream.url("delay/1500", key=key)])
        in_flight(upstream, key, 1)
        gatherd.signal(signal.SIGTERM)
        wait_until(lambda: not accepts(gatherd.port), 2, "the listener closed")
        kept.send(b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")
        reply = kept.read_reply()
        assert reply is None or (reply.status == 503 and b"drain" in reply.body.lower()), reply
        assert running.result()["summary"]["ok"] == 1
    assert gatherd.wait() == 0


def test_what_outlasts_the_drain_is_cancelled(start_gatherd, upstream):
    gatherd = start_gatherd(options(server__drain_timeout="600ms"))
    key = upstream.new_key()
    started = None
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(gatherd.batch, [upstream.url("hang", key=key), upstream.url("ok")])
        in_flight(upstream, key, 1)
        started = time.monotonic()
        gatherd.signal(signal.SIGTERM)
        hung, good = running.result()["responses"]
    assert (hung["status"], hung["error"]["code"]) == (499, "cancelled")
    assert good["status"] == 200
    assert gatherd.wait() == 0
    assert 0.5 < time.monotonic() - started < 0.6 + 2 * slowness()


def test_o1_a_large_batch_that_is_cancelled_does_not_keep_others_from_their_replies(start_gatherd, upstream):
    """Ending a large batch takes some turns of the loop; those that wait behind it are ended too."""
    gatherd = start_gatherd(options(server__drain_timeout="300ms", server__workers=1))
    large_key, small_key = upstream.new_key(), upstream.new_key()
    with ThreadPoolExecutor(4) as pool:
        large = pool.submit(gatherd.batch, [upstream.url("hang", key=large_key)] * 1000, concurrency=2)
        in_flight(upstream, large_key, 2)
        small = [pool.submit(gatherd.batch, [upstream.url("hang", key=small_key)]) for _ in range(3)]
        in_flight(upstream, small_key, 3)
        gatherd.signal(signal.SIGTERM)
        documents = [large.result(), *(running.result() for running in small)]
    codes = {response["error"]["code"] for document in documents for response in document["responses"]}
    assert codes == {"cancelled"}
    assert gatherd.wait() == 0


def test_a_second_signal_ends_at_once(start_gatherd, upstream):
    gatherd = start_gatherd(options(server__drain_timeout="30s"))
    key = upstream.new_key()
    raw = gatherd.raw()
    body = json.dumps([upstream.url("hang", key=key)]).encode()
    raw.send(b"POST /v1/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
             b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
    in_flight(upstream, key, 1)
    for _ in range(2):      # as timeout(1) does
        gatherd.signal(signal.SIGTERM)
        time.sleep(0.02)
    time.sleep(0.5)
    assert gatherd.is_alive
    started = time.monotonic()
    gatherd.signal(signal.SIGTERM)
    gatherd.wait()
    assert time.monotonic() - started < 2 * slowness()
    raw.socket.close()


def test_idle_kept_connections_do_not_hold_the_end(start_gatherd):
    gatherd = start_gatherd(options(server__drain_timeout="20s"))
    idle = [gatherd.raw() for _ in range(10)]
    for raw in idle[:5]:
        raw.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert raw.read_reply().status == 200
    started = time.monotonic()
    gatherd.signal(signal.SIGTERM)
    assert gatherd.wait() == 0
    assert time.monotonic() - started < 4 * slowness()
    for raw in idle:
        raw.socket.close()


def test_who_connected_before_the_end_gets_an_answer(start_gatherd):
    """A connection that was accepted is not closed on the request that follows at once."""
    for _ in range(5):
        gatherd = start_gatherd()
        clients = [gatherd.raw() for _ in range(20)]
        gatherd.signal(signal.SIGTERM)
        for raw in clients:
            raw.send(b"GET /v1/batch?url=x HTTP/1.1\r\nHost: x\r\n\r\n")
        replies = [raw.read_reply() for raw in clients]
        assert {reply and reply.status for reply in replies} <= {200, 503}
        assert gatherd.wait() == 0


def test_replies_while_draining_close_the_connection(start_gatherd, upstream):
    gatherd = start_gatherd()
    key = upstream.new_key()
    with gatherd.raw() as raw:
        raw.send(b"GET /v1/batch?url=%s HTTP/1.1\r\nHost: x\r\n\r\n" %
                 upstream.url("delay/700", key=key).replace("&", "%26").encode())
        in_flight(upstream, key, 1)
        gatherd.signal(signal.SIGTERM)
        reply = raw.read_reply()
        assert reply.status == 200 and raw.is_closed_within(3)
    assert gatherd.wait() == 0


@pytest.mark.slow
def test_ended_in_the_middle_of_work_it_never_crashes(start_gatherd, upstream):
    for n in range(6):
        gatherd = start_gatherd(options(server__drain_timeout="300ms"))
        with ThreadPoolExecutor(4) as pool:
            urls = [upstream.url(p) for p in ("delay/200", "hang", "bytes/500000", "close")] * 10
            running = [pool.submit(gatherd.post, urls) for _ in range(4)]
            time.sleep(0.05 * n)
            gatherd.signal(signal.SIGTERM)
            for future in running:
                try:
                    assert future.result().status in (200, 503)
                except OSError:
                    pass        # not accepted any more
        assert gatherd.wait() == 0
        gatherd.check_sanitizers()
