# SPDX-License-Identifier: Apache-2.0
"""Retries, hedges, alternatives and fallbacks together with whatever else a batch can ask for."""
import json
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from harness.attempts import plan, shown
from harness.configuration import options
from harness.process import free_port, wait_until

FALLBACK = {"status": 203, "body": {"from": "before"}}


def code(item):
    return item.get("error", {}).get("code")


def streamed(gatherd, document):
    reply = gatherd.post(document, headers={"accept": "application/x-ndjson"})
    return [json.loads(line) for line in reply.body.splitlines()]


def many(upstream):
    """One item of each kind, with what it is answered in the end."""
    return [({"url": plan(upstream, 503, 200)[1], "retries": 1}, 200, [503, 200]),
            ({"url": plan(upstream, "hang", 200)[1], "hedgeAfterMs": 50}, 200,
             ["cancelled", 200]),
            ({"url": upstream.url("status/500"), "alternatives": [upstream.url("ok")]}, 200,
             [500, 200]),
            ({"url": upstream.url("status/500"), "fallback": FALLBACK}, 203, [500]),
            ({"url": upstream.url("status/404")}, 404, [])]


@pytest.mark.parametrize("more", [{}, {"concurrency": 1}, {"coalesce": True},
                                  {"failFast": True}, {"until": {"ok": 5}},
                                  {"include": ["timing", "body", "headers"]}], ids=str)
@pytest.mark.parametrize("ask", ["whole", "streamed"])
def test_all_of_them_beside_each_other(generous, upstream, more, ask):
    table = many(upstream)
    batch = {"requests": [item for item, _, _ in table], **more}
    if ask == "whole":
        responses = generous.post(batch).json()["responses"]
    else:
        *responses, last = streamed(generous, batch)
        assert last["summary"]["complete"] and last["summary"]["ok"] == 5
        responses.sort(key=lambda item: int(item["id"]))
    assert [item["status"] for item in responses] == [status for _, status, _ in table]
    assert [shown(item) for item in responses] == [attempts for _, _, attempts in table]
    assert [item.get("fallback") for item in responses] == [None, None, None, True, None]


def test_the_timing_is_that_of_the_attempt_shown(generous, upstream):
    item = generous.fetch({"url": plan(upstream, "hang", 200)[1], "hedgeAfterMs": 200},
                          include=["timing"])
    start = item["timing"]["start"]
    assert start >= item["attempts"][1]["startMs"] - 1 >= 198, item
    assert item["timing"]["total"] == pytest.approx(item["attempts"][1]["totalMs"])


@pytest.mark.parametrize("expect, steps, status, attempts", [
    ({"status": [200]}, (503, 200), 200, ["expect_failed", 200]),
    ({"status": [200]}, (404, 200), 502, []),          # does not pass by itself
    ({"status": [503]}, (503, 200), 503, []),          # is what was wanted
    ({"bodyContains": "call 2"}, (200, 200), 502, []),
    ({"bodyContains": "call 2"}, (503, 200), 200, ["expect_failed", 200])], ids=str)
def test_expectations_and_retries(generous, upstream, expect, steps, status, attempts):
    item = generous.fetch({"url": plan(upstream, *steps)[1], "retries": 1, "expect": expect})
    assert (item["status"], shown(item)) == (status, attempts), item


def test_an_expectation_not_met_goes_to_the_alternative_and_the_fallback(generous, upstream):
    item = {"url": upstream.url("status/200", text="a"), "expect": {"bodyContains": "b"},
            "alternatives": [upstream.url("status/201", text="b")], "fallback": FALLBACK}
    answer = generous.fetch(item)
    assert answer["status"] == 201 and answer["attempts"][0]["status"] == 200
    assert shown(answer) == ["expect_failed", 201]
    answer = generous.fetch({**item, "alternatives": [upstream.url("status/200", text="c")]})
    assert answer["status"] == 203 and answer["fallback"]
    assert shown(answer) == ["expect_failed"] * 2


def test_the_expectation_decides_which_of_two_wins(generous, upstream):
    item = generous.fetch({"url": upstream.url("delay/800"), "hedgeAfterMs": 50,
                           "expect": {"bodyContains": "late"},
                           "alternatives": [upstream.url("ok")]})
    assert item["body"] == "late\n" and shown(item) == [200, "expect_failed"]


def test_first_ok_ends_what_waits_to_be_tried_again(generous, upstream):
    key = upstream.new_key()
    url = upstream.url("retry-after", key=key, v="1")
    items = generous.batch([{"url": url, "retries": 3}, upstream.url("delay/200")],
                           until="firstOk", timeout=10)["responses"]
    assert items[1]["status"] == 200
    assert code(items[0]) == "cancelled"
    time.sleep(1.2)
    assert upstream.stats(key)["requests"] == 1


def test_fail_fast_cancels_both_of_a_hedge(generous, upstream):
    key, (dead, gate) = upstream.new_key(), upstream.gate(cut=1)
    hanging = {"url": upstream.url("hang", key=key), "hedgeAfterMs": 50}
    with ThreadPoolExecutor(1) as pool:
        reply = pool.submit(generous.batch, [hanging, dead], failFast=True)
        wait_until(lambda: upstream.stats(key)["in_flight"] == 2, 5, "both of the hedge")
        upstream.open(gate)
        items = reply.result()["responses"]
    assert code(items[0]) == "cancelled" and shown(items[0]) == ["cancelled", "cancelled"]
    assert upstream.wait_idle(key, 3)       # in what time: test_hedging.py
    assert upstream.stats(key)["aborted"] == 2


def test_a_fallback_is_no_failure_to_fail_fast_and_to_complete(generous, upstream):
    reply = generous.batch([{"url": f"http://127.0.0.1:{free_port()}/", "fallback": FALLBACK},
                            upstream.url("delay/100")], failFast=True)
    assert [item["status"] for item in reply["responses"]] == [203, 200]
    assert reply["summary"]["complete"] is True


def test_a_cancelled_item_has_no_fallback(generous, upstream):
    items = generous.batch([{"url": upstream.url("hang"), "fallback": FALLBACK},
                            upstream.url("ok")], until="firstOk")["responses"]
    assert code(items[0]) == "cancelled" and "fallback" not in items[0]


def test_a_hedge_does_not_join_the_call_it_answers_for(generous, upstream):
    key, url = plan(upstream, "hang", 200)
    items = generous.batch([{"url": url, "hedgeAfterMs": 100}] * 2, coalesce=True)["responses"]
    assert [item["status"] for item in items] == [200, 200], items
    assert upstream.stats(key)["requests"] <= 3


def test_an_open_circuit_goes_to_the_alternative_at_once(start_gatherd, upstream):
    gatherd = start_gatherd({"breaker": {"consecutive_failures": 2, "open": "30s"}},
                            options(server__workers=1))
    dead = f"http://127.0.0.1:{free_port()}/"
    for _ in range(3):
        gatherd.fetch(dead)
    item = gatherd.fetch({"url": dead, "retries": 3, "alternatives": [upstream.url("ok")]})
    assert item["status"] == 200 and shown(item) == ["circuit_open", 200], item


def test_a_drain_ends_what_waits_to_be_tried_again(start_gatherd, upstream):
    gatherd = start_gatherd(options(server__drain_timeout="300ms"))
    key = upstream.new_key()
    item = {"url": upstream.url("retry-after", key=key, v="5"), "retries": 1,
            "alternatives": [upstream.url("ok")]}
    with ThreadPoolExecutor(1) as pool:
        reply = pool.submit(gatherd.fetch, item)
        wait_until(lambda: upstream.stats(key)["completed"] == 1, 5, "the first attempt")
        gatherd.signal(signal.SIGTERM)
        assert code(reply.result(10)) == "cancelled"
    assert gatherd.wait(10) == 0


def test_a_reply_without_room_for_its_attempts_is_too_large_and_whole(start_gatherd, upstream):
    gatherd = start_gatherd(options(batch__reply_max_bytes="1KiB"))
    urls = [upstream.url("status/500", x="x" * 2000)] * 8
    items = gatherd.batch([{"url": urls[0], "alternatives": urls}] * 3)["responses"]
    assert {code(item) for item in items} <= {"too_large", None}
    assert code(items[-1]) == "too_large"
