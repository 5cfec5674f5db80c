# SPDX-License-Identifier: Apache-2.0
"""One large batch uses all workers, and nothing else about it changes (fetch/handover.h)."""
import json
import re
import signal
import time

import pytest
from harness.configuration import options
from harness.gatherd import slowness
from harness.process import wait_until
from harness.quickest import within

TWO = options(server__workers=2, server__share_batches="always", fetch__per_origin=4000,
              fetch__max_in_flight=8000, batch__max_items=5000,
              server__request_max_bytes="4MiB")
FEW_LANES = options(fetch__per_origin=400)
"""Each has an eventfd and keeps it; the tests' check of what is left allows for some."""
MANY = 2000
GONE_MS = 500
"""Of six hundred; test_cancel.py holds the promised 250 ms against a hundred."""


def figure(gatherd, name):
    lines = [line for line in gatherd.metrics().splitlines()
             if re.match(rf"gatherd_{name}(\{{| )", line)]
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines)


def handed_over(gatherd):
    return figure(gatherd, "items_handed_over_total")


def test_a_large_batch_is_run_by_all_workers(start_gatherd, upstream):
    gatherd = start_gatherd(TWO, FEW_LANES)
    items = [{"id": str(i), "url": upstream.url("echo", mark=i)} for i in range(MANY)]
    document = gatherd.batch(items, timeout=60 * slowness())
    responses = document["responses"]
    assert [r["id"] for r in responses] == [str(i) for i in range(MANY)]
    assert [r["status"] for r in responses] == [200] * MANY
    for i in range(0, MANY, 97):
        assert f"mark={i}" in json.dumps(responses[i]["body"])
    assert handed_over(gatherd) > 0


def test_every_item_is_sent_once(start_gatherd, upstream):
    gatherd = start_gatherd(TWO, FEW_LANES)
    key = upstream.new_key()
    document = gatherd.batch([upstream.url("ok", key=key)] * MANY, timeout=60 * slowness())
    assert document["summary"]["ok"] == MANY
    assert handed_over(gatherd) > 0
    assert upstream.stats(key)["requests"] == MANY
    assert figure(gatherd, "items_total") == MANY
    assert figure(gatherd, "items_in_flight") == 0
    assert figure(gatherd, "items_queued") == 0


def test_items_that_may_be_retried_are_run_by_all_and_retried_at_home(start_gatherd, upstream):
    gatherd = start_gatherd(TWO, FEW_LANES, options(fetch__retries=1))
    items = [{"url": upstream.url("status/503" if i % 50 == 0 else "ok"), "retries": 1}
             for i in range(MANY)]
    document = gatherd.batch(items, timeout=60 * slowness())
    assert handed_over(gatherd) > 0
    assert [r["status"] for r in document["responses"]] == \
        [503 if i % 50 == 0 else 200 for i in range(MANY)]
    assert {len(r["attempts"]) for r in document["responses"][::50]} == {2}


def test_one_worker_hands_nothing_over(start_gatherd, upstream):
    gatherd = start_gatherd(TWO, options(server__workers=1))
    document = gatherd.batch([upstream.url("ok")] * 500, timeout=60 * slowness())
    assert document["summary"]["ok"] == 500
    assert handed_over(gatherd) == 0


@pytest.mark.parametrize("how", ["gone", "fail-fast"])
def test_what_others_run_is_cancelled_as_fast(start_gatherd, upstream, how):
    """Measured at the upstream: when the last connection is closed."""
    gatherd = start_gatherd(TWO, options(batch__deadline="60s", batch__max_deadline="60s",
                                         fetch__timeout="60s", fetch__first_byte_timeout="60s"))

    def cancel():
        key, (last, gate) = upstream.new_key(), upstream.gate()
        document = {"requests": [upstream.url("hang", key=key)] * 600}
        if how == "fail-fast":
            document = {"requests": [*document["requests"], last], "until": "firstDone"}
        body = json.dumps(document).encode()
        raw = gatherd.raw(timeout=20 * slowness())
        raw.send(b"POST /v1/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                 b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        wait_until(lambda: upstream.stats(key)["in_flight"] == 600, 20 * slowness(),
                   "600 in flight")
        if how == "gone":
            raw.socket.close()
        else:
            upstream.open(gate)
            raw.read_reply()
        left_at = time.monotonic()
        assert upstream.wait_idle(key, 3 * slowness())
        took_s = time.monotonic() - left_at
        assert upstream.stats(key)["aborted"] == 600
        return took_s
    within(GONE_MS * slowness() / 1000, cancel)
    assert handed_over(gatherd) > 0
    assert figure(gatherd, "items_in_flight") == 0


def test_the_deadline_says_of_all_items_where_they_were(start_gatherd, upstream):
    gatherd = start_gatherd(TWO, options(
        fetch__timeout="60s", fetch__first_byte_timeout="60s", batch__max_deadline="60s"))
    key = upstream.new_key()
    wait_ms = int(3000 * slowness())
    document = gatherd.batch([upstream.url("hang", key=key)] * 600, deadlineMs=wait_ms,
                             timeout=60 * slowness())
    assert handed_over(gatherd) > 0
    errors = [r["error"] for r in document["responses"]]
    assert {e["code"] for e in errors} == {"deadline"}
    assert all("waiting for the first byte" in e["message"] for e in errors), \
        {e["message"] for e in errors}


def test_a_drain_waits_for_what_others_run(start_gatherd, upstream):
    gatherd = start_gatherd(TWO, options(server__drain_timeout="30s"))
    key = upstream.new_key()
    body = json.dumps([upstream.url("delay/1500", key=key)] * 600).encode()
    raw = gatherd.raw(timeout=30 * slowness())
    raw.send(b"POST /v1/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
             b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
    wait_until(lambda: upstream.stats(key)["requests"] >= 300, 10 * slowness(), "300 requests")
    gatherd.signal(signal.SIGTERM)
    assert raw.read_reply().json()["summary"]["ok"] == 600
    assert gatherd.wait(20 * slowness()) == 0


def test_an_end_by_force_of_time_leaves_nothing(start_gatherd, upstream):
    """LeakSanitizer looks when the process ends."""
    gatherd = start_gatherd(TWO, options(
        server__drain_timeout="200ms", fetch__timeout="60s", fetch__first_byte_timeout="60s"))
    key = upstream.new_key()
    body = json.dumps([upstream.url("hang", key=key)] * 600).encode()
    raw = gatherd.raw(timeout=30 * slowness())
    raw.send(b"POST /v1/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
             b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
    wait_until(lambda: upstream.stats(key)["in_flight"] == 600, 10 * slowness(), "600 in flight")
    gatherd.signal(signal.SIGTERM)
    codes = {r["error"]["code"] for r in raw.read_reply().json()["responses"]}
    assert codes == {"cancelled"}
    assert gatherd.wait(20 * slowness()) == 0
    assert upstream.wait_idle(key, 3)
