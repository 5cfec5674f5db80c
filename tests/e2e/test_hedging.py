# SPDX-License-Identifier: Apache-2.0
"""A second attempt beside a slow first one.  The upstream's counters are the proof."""
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from harness.attempts import plan, shown
from harness.configuration import options
from harness.gatherd import slowness
from harness.process import wait_until
from harness.quickest import within

LOSER_MS = 250
"""From the reply to the loser's connection closed, as the upstream sees it."""


def metric(gatherd, result):
    start = f'gatherd_hedges_total{{result="{result}"}} '
    return sum(float(line.split()[-1]) for line in gatherd.metrics().splitlines()
               if line.startswith(start))


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_a_hedge_answers_for_a_slow_first_and_the_loser_is_aborted(gatherd, upstream, method):
    def loser_s():
        key, url = plan(upstream, "hang", 200)
        won = metric(gatherd, "won")
        item = gatherd.fetch({"url": url, "method": method, "hedgeAfterMs": 50})
        replied_at = time.monotonic()
        assert upstream.wait_idle(key, 3)
        took_s = time.monotonic() - replied_at
        assert item["status"] == 200 and shown(item) == ["cancelled", 200], item
        assert 49 <= item["attempts"][1]["startMs"] < 5000, item
        stats = upstream.stats(key)
        assert (stats["requests"], stats["completed"], stats["aborted"]) == (2, 1, 1)
        assert metric(gatherd, "won") == won + 1
        return took_s
    within(LOSER_MS * slowness() / 1000, loser_s)


def test_the_loser_is_aborted_while_the_batch_goes_on(gatherd, upstream):
    def loser_s():
        (key, url), (last, gate) = plan(upstream, "hang", 200), upstream.gate()
        answered_at = None

        def ask():
            nonlocal answered_at
            stats = upstream.stats(key)
            if stats["completed"] and answered_at is None:
                answered_at = time.monotonic()
            return stats["aborted"] == 1

        with ThreadPoolExecutor(1) as pool:
            batch = pool.submit(gatherd.batch, [{"url": url, "hedgeAfterMs": 50}, last])
            wait_until(ask, 5, "the loser to be aborted")
            took_s = time.monotonic() - answered_at
            assert not batch.done()
            upstream.open(gate)
            assert [item["status"] for item in batch.result()["responses"]] == [200, 200]
        return took_s
    within(LOSER_MS * slowness() / 1000, loser_s)


def test_what_answers_in_time_is_not_hedged(gatherd, upstream):
    key = upstream.new_key()
    item = gatherd.fetch({"url": upstream.url("ok", key=key), "hedgeAfterMs": 2000})
    assert item["status"] == 200 and "attempts" not in item
    assert upstream.stats(key)["requests"] == 1


def test_a_slow_first_may_still_win(gatherd, upstream):
    key = upstream.new_key()
    lost = metric(gatherd, "lost")
    item = gatherd.fetch({"url": upstream.url("delay/900", key=key), "hedgeAfterMs": 300})
    assert item["status"] == 200 and shown(item) == [200, "cancelled"], item
    assert upstream.wait_idle(key) and upstream.stats(key)["aborted"] == 1
    assert metric(gatherd, "lost") == lost + 1


def test_a_hedge_that_fails_leaves_it_to_the_first(gatherd, upstream):
    key = upstream.new_key()
    item = gatherd.fetch({"url": upstream.url("delay/400", key=key), "hedgeAfterMs": 50,
                          "alternatives": [upstream.url("status/503", key=key)]})
    assert item["status"] == 200 and shown(item) == [200, 503], item


def test_alternatives_are_the_targets_of_hedges(gatherd, upstream):
    key = upstream.new_key()
    other = upstream.url("ok", key=key)
    item = gatherd.fetch({"url": upstream.url("hang", key=key), "hedgeAfterMs": 50,
                          "alternatives": [other]})
    assert item["body"] == "ok\n" and shown(item) == ["cancelled", 200]
    assert [a.get("url") for a in item["attempts"]] == [None, other]


def test_when_both_failed_the_last_outcome_is_the_items(gatherd, upstream):
    key, url = plan(upstream, "hang", 503)
    item = gatherd.fetch({"url": url, "hedgeAfterMs": 50, "timeoutMs": 400, "retries": 1})
    assert item["error"]["code"] == "timeout_first_byte", item
    assert shown(item) == ["timeout_first_byte", 503] and upstream.stats(key)["requests"] == 2


def test_without_a_budget_nothing_is_hedged(start_gatherd, upstream):
    gatherd = start_gatherd(options(fetch__retry_budget=0))
    key = upstream.new_key()
    item = gatherd.fetch({"url": upstream.url("delay/200", key=key), "hedgeAfterMs": 20})
    assert item["status"] == 200 and upstream.stats(key)["requests"] == 1
    assert metric(gatherd, "over_budget") == 1


def test_waiting_for_a_slot_is_no_reason_to_hedge(start_gatherd, upstream):
    """One slot: whatever is hedged would wait behind its own first attempt."""
    gatherd = start_gatherd(options(fetch__per_origin=1, server__workers=1))
    key = upstream.new_key()
    items = gatherd.batch([{"url": upstream.url("delay/200", key=key), "hedgeAfterMs": 1000}] * 7)
    assert {item["status"] for item in items["responses"]} == {200}
    assert upstream.stats(key)["requests"] == 7


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_only_safe_methods_are_hedged(gatherd, upstream, method):
    key = upstream.new_key()
    item = {"url": upstream.url("ok", key=key), "method": method}
    for requests, more, pointer in (
            ([{**item, "hedgeAfterMs": 50}], {}, "/requests/0/hedgeAfterMs"),
            ([item], {"defaults": {"hedgeAfterMs": 50}}, "/requests/0")):
        reply = gatherd.post({"requests": requests, **more})
        assert reply.status == 400
        assert [error["pointer"] for error in reply.json()["errors"]] == [pointer], reply.body
    assert upstream.stats(key)["requests"] == 0


@pytest.mark.parametrize("value", [0, -1, 600001, 1.5, "50"])
def test_wrong_delays_are_refused(gatherd, upstream, value):
    reply = gatherd.post([{"url": upstream.url("ok"), "hedgeAfterMs": value}])
    assert reply.status == 400 and reply.json()["errors"][0]["pointer"].endswith("hedgeAfterMs")


def test_a_tail_is_cut_for_a_few_requests_more(start_gatherd, upstream):
    """6 of 300 replies never come: all items are answered, by 6 requests more.  (Counts, no
    clock: tests/load/attempts.py measures the times.)"""
    gatherd = start_gatherd()
    key = upstream.new_key()
    slow = [plan(upstream, "hang", 200) for _ in range(6)]
    urls = [upstream.url("ok", key=key)] * 294 + [url for _, url in slow]
    items = gatherd.batch([{"url": url, "hedgeAfterMs": 1500} for url in urls])["responses"]
    assert {item["status"] for item in items} == {200}
    assert [upstream.stats(slow_key)["requests"] for slow_key, _ in slow] == [2] * 6
    late = sum("attempts" in item for item in items[:294])      # of a busy machine, and no more
    assert 294 <= upstream.stats(key)["requests"] <= 294 + late
