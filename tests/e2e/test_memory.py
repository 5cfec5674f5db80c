# SPDX-License-Identifier: Apache-2.0
"""What the process holds of requests is bounded, before and after they are read."""
import json
import signal
import time

from harness.gatherd import slowness
from harness.process import wait_until

SMALL = {"memory": {"request_budget": "1MiB"}}


def test_l7_a_body_that_does_not_fit_the_budget_is_refused_before_it_is_read(start_gatherd):
    """L7: the head alone is enough for the answer."""
    gatherd = start_gatherd(SMALL)
    with gatherd.raw() as client:
        client.send(b"POST /v1/batch HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                    b"Content-Length: 2000000\r\n\r\n[")
        reply = client.read_reply()
    assert reply.status == 503
    assert reply.header("retry-after") == "1"
    assert "memory.request_budget" in json.loads(reply.body)["detail"]
    assert 'gatherd_batches_total{result="refused"} 1\n' in gatherd.metrics()


def test_l7_a_chunked_body_that_outgrows_the_budget_is_refused_while_it_comes(start_gatherd):
    """L7: a chunked body does not tell its length."""
    gatherd = start_gatherd(SMALL)
    with gatherd.raw() as client:
        client.send(b"POST /v1/batch HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                    b"Transfer-Encoding: chunked\r\n\r\n")
        chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
        try:
            for _ in range(40):
                client.send(chunk)
        except OSError:
            pass  # it answered and stopped reading
        reply = client.read_reply()
    assert reply.status == 503


def test_l7_bodies_that_are_announced_and_do_not_come_keep_nobody_out(start_gatherd, upstream):
    """L7, H8: ten clients announce twice the budget and send a byte."""
    gatherd = start_gatherd(SMALL)
    clients = [gatherd.raw() for _ in range(10)]
    for client in clients:
        client.send(b"POST /v1/batch HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                    b"Content-Length: 200000\r\n\r\n[")
    wait_until(lambda: "gatherd_request_bytes 0\n" not in gatherd.metrics(), 5, "they are being served")
    assert gatherd.post([upstream.url("ok")]).status == 200
    for client in clients:
        client.socket.close()
    wait_until(lambda: "gatherd_request_bytes 0\n" in gatherd.metrics(), 5, "nothing is held")


def test_l7_a_body_that_no_longer_fits_is_refused_while_it_comes(start_gatherd):
    """L7: several that fitted when they were announced do not fit together."""
    gatherd = start_gatherd(SMALL)
    clients = [gatherd.raw() for _ in range(5)]
    for client in clients:
        client.send(b"POST /v1/batch HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                    b"Content-Length: 400000\r\n\r\n[")
    # Five of them hold more together than there is before the first is whole.
    for end in (b" " * 399_998, b"]"):
        for client in clients:
            try:
                client.send(end)
            except OSError:
                pass  # it answered and stopped reading
        time.sleep(0.3)
    statuses = [client.read_reply().status for client in clients]
    assert set(statuses) == {400, 503}, statuses
    for client in clients:
        client.socket.close()
    wait_until(lambda: "gatherd_request_bytes 0\n" in gatherd.metrics(), 5, "nothing is held")


def test_j3_a_document_that_would_grow_beyond_its_share_is_refused(start_gatherd):
    """J3: [{},{},…] takes many times its bytes once read; the gateway goes on serving."""
    gatherd = start_gatherd(SMALL, {"batch": {"max_items": 100000}})
    reply = gatherd.post(b"[" + b",".join([b'{"url":"u"}'] * 20000) + b"]")
    assert reply.status == 413
    assert "memory.request_budget" in reply.json()["detail"]
    assert gatherd.get("/healthz").status == 200


def test_l7_what_was_held_is_given_back(start_gatherd, upstream):
    """L7: many batches one after the other fit a budget that holds a few of them."""
    gatherd = start_gatherd(SMALL)
    for _ in range(20):
        assert gatherd.post([upstream.url("ok")] * 200).status == 200
    wait_until(lambda: "gatherd_request_bytes 0" in gatherd.metrics(), 5, "nothing is held")


MANY = {"batch": {"max_items": 100000}}


def test_l3_a_large_document_is_read_and_answered_like_a_small_one(start_gatherd, upstream):
    """L3: it is read on a thread of its own; nothing else about it differs."""
    gatherd = start_gatherd(MANY)
    items = [{"id": f"item-{number}", "url": upstream.url("ok"), "headers": {"x-n": str(number)}}
             for number in range(2000)]
    document = gatherd.batch(items, timeout=60)
    assert document["summary"]["ok"] == 2000


def test_l3_faults_of_a_large_document_are_told_like_those_of_a_small_one(start_gatherd):
    gatherd = start_gatherd(MANY)
    items = [{"url": "http://a.example/"}] * 5000
    items[4321] = {"uri": "http://a.example/"}
    reply = gatherd.post({"requests": items})
    assert reply.status == 400
    assert reply.json()["errors"][0]["pointer"] == "/requests/4321/uri"
    reply = gatherd.post(b"[" + b'"http://a.example/",' * 5000)
    assert reply.status == 400
    assert "line 1, column" in reply.json()["errors"][0]["detail"]


def test_h10_a_client_that_leaves_while_its_document_is_read_costs_nothing(start_gatherd):
    """H10: the document is read to its end and thrown away; nothing is sent, nothing leaks."""
    gatherd = start_gatherd(MANY)
    body = json.dumps(["http://127.0.0.1:1/"] * 60000).encode()
    for _ in range(5):
        with gatherd.raw() as client:
            client.send(b"POST /v1/batch HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                        b"Content-Length: %d\r\n\r\n" % len(body) + body)
    wait_until(lambda: "gatherd_request_bytes 0" in gatherd.metrics(), 30 * slowness(),
               "nothing is held")


def test_o1_a_document_being_read_at_the_end_of_the_drain_is_refused(start_gatherd):
    """O1: its reply says draining, or it is served before the end; the process ends either way."""
    gatherd = start_gatherd(MANY, {"server": {"drain_timeout": "0s", "workers": 1}})
    body = json.dumps(["http://127.0.0.1:1/"] * 90000).encode()
    with gatherd.raw(timeout=20) as client:
        client.send(b"POST /v1/batch HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                    b"Content-Length: %d\r\n\r\n" % len(body) + body)
        gatherd.signal(signal.SIGTERM)
        reply = client.read_reply()
    assert reply.status in (200, 503)
    assert gatherd.wait() == 0
