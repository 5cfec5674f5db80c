# SPDX-License-Identifier: Apache-2.0
"""The clocks: each ends what it should, names itself, and none ends anything else."""
from concurrent.futures import ThreadPoolExecutor

import pytest
from harness.configuration import options
from harness.gatherd import slowness
from harness.process import wait_until
from harness.quickest import once, within

LATE_MS = 250
"""How much later than its deadline a reply may be seen here: the promise is 50 ms, on a machine
that does nothing else."""


def code_of(item):
    return item["error"]["code"]


def in_time(expected_ms, ask):
    """What ask() returns, a document. Its reply takes at least what was asked for and, the
    quickest of a few, at most a little more."""
    documents = []

    def late_s():
        documents.append(ask())
        late_s = documents[-1]["reply"].seconds - expected_ms / 1000
        assert late_s > -0.015, f"{late_s * 1000:.0f} ms late"
        return late_s
    within(LATE_MS * slowness() / 1000, late_s)
    return documents[-1]


def test_the_first_byte_clock(start_gatherd, upstream):
    """U3: which clock, by name."""
    gatherd = start_gatherd(options(fetch__first_byte_timeout="300ms"))
    document = in_time(300, lambda: gatherd.batch([upstream.url("hang")]))
    item = document["responses"][0]
    assert code_of(item) == "timeout_first_byte" and item["status"] == 504


def test_the_idle_clock_runs_between_bytes(start_gatherd, upstream):
    """U3: which clock, by name."""
    gatherd = start_gatherd(options(fetch__idle_timeout="700ms"))
    hang, head, drip = gatherd.batch([upstream.url("hang-mid"), upstream.url("hang-head"),
                                      upstream.url("drip?n=12&ms=100")])["responses"]
    assert code_of(hang) == "timeout_idle" and code_of(head) == "timeout_idle"
    assert drip["body"] == "d" * 12


def test_the_total_clock_runs_from_dispatch_to_the_last_byte(gatherd, upstream):
    item = {"url": upstream.url("drip?ms=50"), "timeoutMs": 600}
    document = in_time(600, lambda: gatherd.batch([item]))
    assert code_of(document["responses"][0]) == "timeout_total"


def test_the_connect_clock(start_gatherd, upstream):
    gatherd = start_gatherd(options(fetch__connect_timeout="400ms"))
    items = [upstream.tcp("blackhole"),
             {"url": upstream.tcp("blackhole"), "connectTimeoutMs": 150}]
    document = in_time(400, lambda: gatherd.batch(items))
    assert [code_of(r) for r in document["responses"]] == ["timeout_connect"] * 2


def test_the_items_own_timeout_bounds_each_phase(gatherd, upstream):
    items = [{"url": url, "timeoutMs": 300} for url in
             (upstream.url("hang"), upstream.url("hang-mid"), upstream.tcp("blackhole"))]
    document = in_time(300, lambda: gatherd.batch(items))
    for item in document["responses"]:
        assert code_of(item).startswith("timeout_"), item
    assert code_of(document["responses"][2]) in ("timeout_connect", "timeout_total")


def test_an_upload_that_is_not_read_ends_by_a_clock(impatient, upstream):
    """U14, U3: nobody reads."""
    document = impatient.batch([{"url": upstream.url("noread"), "method": "POST",
                                 "body": "x" * (3 << 20)}])
    item = document["responses"][0]
    assert code_of(item) in ("timeout_idle", "timeout_total", "timeout_first_byte"), item
    assert document["reply"].seconds < 4 * slowness()


def test_a_refusal_before_the_upload_has_ended_is_delivered(gatherd, upstream):
    """U14: an early 413."""
    item = gatherd.fetch({"url": upstream.url("early-413"), "method": "POST",
                          "body": "x" * (3 << 20)})
    assert item["status"] == 413 and item["body"] == "too large for me\n"


@pytest.mark.parametrize("path", ["hang", "hang-head", "hang-mid", "drip", "drip-head",
                                  "delay/9000"])
def test_the_deadline_always_wins(gatherd, upstream, path):
    document = in_time(400, lambda: gatherd.batch([upstream.url(path), upstream.url("ok")],
                                                  deadlineMs=400))
    late, good = document["responses"]
    assert code_of(late) == "deadline" and late["status"] == 504
    assert good["status"] == 200
    assert document["summary"]["elapsedMs"] < 400 + LATE_MS * slowness()


def test_the_deadline_wins_over_a_connect_too(gatherd, upstream):
    document = in_time(300, lambda: gatherd.batch(
        [upstream.tcp("blackhole"), upstream.tls("hang")], deadlineMs=300))
    assert [code_of(r) for r in document["responses"]] == ["deadline"] * 2


def test_the_deadline_names_the_phase(gatherd, upstream):
    connecting, waiting, receiving, queued = gatherd.batch(
        [upstream.tcp("blackhole"), upstream.url("hang"), upstream.url("drip?ms=20"),
         upstream.url("hang")], deadlineMs=700, concurrency=3)["responses"]
    messages = [r["error"]["message"].lower() for r in (connecting, waiting, receiving, queued)]
    assert len(set(messages)) == 4, messages
    assert "connect" in messages[0] and "first byte" in messages[1], messages
    assert "receiv" in messages[2], messages
    assert "queue" in messages[3] or "wait" in messages[3] or "start" in messages[3], messages


def test_the_deadline_frees_what_it_ends(gatherd, upstream):
    key = upstream.new_key()
    gatherd.batch([upstream.url("hang", key=key)] * 30, deadlineMs=int(500 * slowness()))
    assert upstream.wait_idle(key, 1 * slowness())
    assert upstream.stats(key)["aborted"] == 30


def test_the_servers_deadline_applies_when_the_batch_names_none(start_gatherd, upstream):
    gatherd = start_gatherd(options(batch__deadline="400ms"))
    document = in_time(400, lambda: gatherd.batch([upstream.url("hang")]))
    assert code_of(document["responses"][0]) == "deadline"


def test_a_very_short_deadline_still_answers_everything(gatherd, upstream):
    for deadline in (1, 2, 5):
        document = gatherd.batch([upstream.url("hang")] * 50, deadlineMs=deadline)
        assert {code_of(r) for r in document["responses"]} == {"deadline"}
        assert document["reply"].seconds < 3 * slowness()


def test_queueing_does_not_count_against_the_timeout(gatherd, upstream):
    """One after the other they take longer than each may."""
    items = [{"url": upstream.url("delay/200"), "timeoutMs": 900}] * 5
    def take_turns():
        document = gatherd.batch(items, concurrency=1)
        assert [r["status"] for r in document["responses"]] == [200] * 5
        assert document["reply"].seconds >= 1.0
    once(take_turns)


def test_queueing_per_origin_does_not_count_either(start_gatherd, upstream):
    gatherd = start_gatherd(options(fetch__per_origin=2, server__workers=1))
    key = upstream.new_key()
    items = [{"url": upstream.url("delay/150", key=key), "timeoutMs": 700}] * 10
    def take_turns():
        document = gatherd.batch(items)
        assert [r["status"] for r in document["responses"]] == [200] * 10
    once(take_turns)
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
    slow, gate = upstream.gate(key=(key := upstream.new_key()))
    fast = [f"http://localhost:{upstream.port}/ok"] * 12
    with ThreadPoolExecutor(1) as pool:
        slow_reply = pool.submit(gatherd.batch, [slow] * 12)
        wait_until(lambda: upstream.stats(key)["in_flight"] == 4, 5, "all slots taken")
        assert gatherd.batch(fast)["summary"]["ok"] == 12
        assert upstream.stats(key)["requests"] == 4
        upstream.open(gate)
        assert slow_reply.result()["summary"]["ok"] == 12


def test_max_in_flight_bounds_the_process(start_gatherd, upstream):
    gatherd = start_gatherd(options(fetch__max_in_flight=5))
    key = upstream.new_key()
    document = gatherd.batch([upstream.url("delay/60", key=key)] * 30)
    assert [r["status"] for r in document["responses"]] == [200] * 30
    assert upstream.stats(key)["peak_in_flight"] <= 5


def test_a_slow_batch_does_not_hold_a_quick_one(gatherd, upstream):
    url, gate = upstream.gate(key=(key := upstream.new_key()))
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(gatherd.batch, [url] * 50)
        wait_until(lambda: upstream.stats(key)["in_flight"] > 10, 5, "the slow one")
        assert gatherd.batch([upstream.url("ok")])["summary"]["ok"] == 1
        assert not slow.done()
        upstream.open(gate)
        assert slow.result()["summary"]["ok"] == 50


@pytest.mark.slow
def test_a_wide_batch_takes_as_long_as_its_slowest_item(start_gatherd, upstream):
    """For all are under way at once: none is answered before the last has come."""
    gatherd = start_gatherd(options(fetch__per_origin=1000, fetch__timeout="60s",
                                    fetch__first_byte_timeout="60s"))
    url, gate = upstream.gate(key=(key := upstream.new_key()))
    with ThreadPoolExecutor(1) as pool:
        reply = pool.submit(gatherd.batch, [url] * 1000, deadlineMs=60000, timeout=70)
        wait_until(lambda: upstream.stats(key)["in_flight"] == 1000, 40, "all thousand")
        upstream.open(gate)
        assert reply.result()["summary"]["ok"] == 1000
