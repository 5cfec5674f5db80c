# SPDX-License-Identifier: Apache-2.0
"""What the process holds of requests is bounded, before and after they are read."""
import json

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
