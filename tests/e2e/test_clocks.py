# SPDX-License-Identifier: Apache-2.0
"""The clocks: each ends what it should, names itself, and none ends anything else."""
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from harness.configuration import options
from harness.gatherd import slowness

LATE_MS = 250
"""How much later than its deadline a reply may be seen here: the promise is 50 ms, on a machine
that does nothing else."""


def code_of(item):
    return item["error"]["code"]


def bounded(seconds, expected_ms):
    """The time is at least what was asked for and at most a little more."""
    late = seconds * 1000 - expected_ms
    assert -15 < late < LATE_MS * slowness(), f"{late:.0f} ms late"


def test_the_first_byte_clock(start_gatherd, upstream):
    """U3: which clock, by name."""
    gatherd = start_gatherd(options(fetch__first_byte_timeout="300ms"))
    document = gatherd.batch([upstream.url("hang")])
    item = document["responses"][0]
    assert code_of(item) == "timeout_first_byte" and item["status"] == 504
    bounded(document["reply"].seconds, 300)


def test_the_idle_clock_runs_between_bytes(start_gatherd, upstream):
    """U3: which clock, by name."""
    gatherd = start_gatherd(options(fetch__idle_timeout="400ms"))
    hang, head, drip = gatherd.batch([upstream.url("hang-mid"), upstream.url("hang-head"),
                                      upstream.url("drip?n=12&ms=100")])["responses"]
    assert code_of(hang) == "timeout_idle" and code_of(head) == "timeout_idle"
    assert drip["body"] == "d" * 12


def test_the_total_clock_runs_from_dispatch_to_the_last_byte(gatherd, upstream):
    document = gatherd.batch([{"url": upstream.url("drip?ms=50"), "timeoutMs": 600}])
    assert code_of(document["responses"][0]) == "timeout_total"
    bounded(document["reply"].seconds, 600)


def test_the_connect_clock(start_gatherd, upstream):
    gatherd = start_gatherd(options(fetch__connect_timeout="400ms"))
    document = gatherd.batch([upstream.tcp("blackhole"),
                              {"url": upstream.tcp("blackhole"), "connectTimeoutMs": 150}])
    assert [code_of(r) for r in document["responses"]] == ["timeout_connect"] * 2
    bounded(document["reply"].seconds, 400)


def test_the_items_own_timeout_bounds_each_phase(gatherd, upstream):
    items = [{"url": url, "timeoutMs": 300} for url in
             (upstream.url("hang"), upstream.url("hang-mid"), upstream.tcp("blackhole"))]
    document = gatherd.batch(items)
    bounded(document["reply"].seconds, 300)
    for item in document["responses"]:
        assert code_of(item).startswith("timeout_"), item
    assert code_of(document["responses"][2]) in ("timeout_connect", "timeout_total")


def test_an_upload_that_is_not_read_ends_by_a_clock(impatient, upstream):
    """U14, U3: nobody reads."""
    document = impatient.batch([{"url": upstream.url("noread"), "method": "POST",
                                 "body": "x" * (3 << 20)}])
    item = document["responses"][0]
    assert code_of(item) in ("timeout_idle", "timeout_total", "timeout_first_byte"), item
    assert document["reply"].seconds < 4


def test_a_refusal_before_the_upload_has_ended_is_delivered(gatherd, upstream):
    """U14: an early 413."""
    item = gatherd.fetch({"url": upstream.url("early-413"), "method": "POST",
                          "body": "x" * (3 << 20)})
    assert item["status"] == 413 and item["body"] == "too large for me\n"


@pytest.mark.parametrize("path", ["hang", "hang-head", "hang-mid", "drip", "drip-head",
                                  "delay/9000"])
def test_the_deadline_always_wins(gatherd, upstream, path):
    document = gatherd.batch([upstream.url(path), upstream.url("ok")], deadlineMs=400)
    late, good = document["responses"]
    assert code_of(late) == "deadline" and late["status"] == 504
    assert good["status"] == 200
    bounded(document["reply"].seconds, 400)
    assert document["summary"]["elapsedMs"] < 400 + LATE_MS * slowness()


def test_the_deadline_wins_over_a_connect_too(gatherd, upstream):
    document = gatherd.batch([upstream.tcp("blackhole"), upstream.tls("hang")], deadlineMs=300)
    assert [code_of(r) for r in document["responses"]] == ["deadline"] * 2
    bounded(document["reply"].seconds, 300)


def test_the_deadline_names_the_phase(gatherd, upstream):
    connecting, waiting, receiving, queued = gatherd.batch(
        [upstream.tcp("blackhole"), upstream.url("hang"), upstream.url("drip?ms=20"),
         upstream.url("hang")], deadlineMs=300, concurrency=3)["responses"]
    messages = [r["error"]["message"].lower() for r in (connecting, waiting, receiving, queued)]
    assert len(set(messages)) == 4, messages
    assert "connect" in messages[0] and "first byte" in messages[1], messages
    assert "receiv" in messages[2], messages
    assert "queue" in messages[3] or "wait" in messages[3] or "start" in messages[3], messages


def test_the_deadline_frees_what_it_ends(gatherd, upstream):
    key = upstream.new_key()
    gatherd.batch([upstream.url("hang", key=key)] * 30, deadlineMs=300)
    assert upstream.wait_idle(key, 1)
    assert upstream.stats(key)["aborted"] == 30


def test_the_servers_deadline_applies_when_the_batch_names_none(start_gatherd, upstream):
    gatherd = start_gatherd(options(batch__deadline="400ms"))
    document = gatherd.batch([upstream.url("hang")])
    assert code_of(document["responses"][0]) == "deadline"
    bounded(document["reply"].seconds, 400)


def test_a_very_short_deadline_still_answers_everything(gatherd, upstream):
    for deadline in (1, 2, 5):
        document = gatherd.batch([upstream.url("hang")] * 50, deadlineMs=deadline)
        assert {code_of(r) for r in document["responses"]} == {"deadline"}
        assert document["reply"].seconds < 1 * slowness()


def test_queueing_does_not_count_against_the_timeout(gatherd, upstream):
    items = [{"url": upstream.url("delay/200"), "timeoutMs": int(350 * slowness())}] * 5
    document = gatherd.batch(items, concurrency=1)
    assert [r["status"] for r in document["responses"]] == [200] * 5
    assert document["reply"].seconds >= 1.0


def test_queueing_per_origin_does_not_count_either(start_gatherd, upstream):
    gatherd = start_gatherd(options(fetch__per_origin=2, server__workers=1))
    key = upstream.new_key()
    items = [{"url": upstream.url("delay/150", key=key), "timeoutMs": int(280 * slowness())}] * 10
    document = gatherd.batch(items)
    assert [r["status"] for r in document["responses"]] == [200] * 10
    assert upstream.stats(key)["peak_in_flight"] == 2


def test_the_queue_clock(start_gatherd, upstream):
    gatherd = start_gatherd(options(fetch__per_origin=1, fetch__queue_timeout="200ms",
                                    server__workers=1))
    key = upstream.new_key()
    document = gatherd.batch([upstream.url("delay/700", key=key)] * 3)
    first, *others = document["responses"]
    assert first["status"] == 200
    assert [(r["status"], code_of(r)) for r in others] == [(503, "timeout_queue")] * 2
    assert upstream.stats(key)["requests"] == 1


def test_one_slow_origin_does_not_hold_the_others(start_gatherd, upstream):
    """L4: its slots are its own."""
    gatherd = start_gatherd(options(fetch__per_origin=4, server__workers=1))
    slow = [upstream.url("delay/600")] * 12
    fast = [f"http://localhost:{upstream.port}/ok"] * 12
    with ThreadPoolExecutor(2) as pool:
        slow_reply = pool.submit(gatherd.batch, slow)
        time.sleep(0.1)
        started = time.monotonic()
        gatherd.batch(fast)
        assert time.monotonic() - started < 0.5 * slowness()
        slow_reply.result()


def test_max_in_flight_bounds_the_process(start_gatherd, upstream):
    gatherd = start_gatherd(options(fetch__max_in_flight=5))
    key = upstream.new_key()
    document = gatherd.batch([upstream.url("delay/60", key=key)] * 30)
    assert [r["status"] for r in document["responses"]] == [200] * 30
    assert upstream.stats(key)["peak_in_flight"] <= 5


def test_a_slow_batch_does_not_hold_a_quick_one(gatherd, upstream):
    with ThreadPoolExecutor(2) as pool:
        slow = pool.submit(gatherd.batch, [upstream.url("delay/800")] * 50)
        time.sleep(0.1)
        assert gatherd.batch([upstream.url("ok")])["reply"].seconds < 0.4 * slowness()
        slow.result()


@pytest.mark.slow
def test_a_wide_batch_takes_as_long_as_its_slowest_item(start_gatherd, upstream):
    gatherd = start_gatherd(options(fetch__per_origin=1000))
    document = gatherd.batch([upstream.url("delay/1000")] * 1000, deadlineMs=15000)
    assert document["summary"]["ok"] == 1000
    assert document["reply"].seconds < 2.5 * slowness()
