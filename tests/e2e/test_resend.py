# SPDX-License-Identifier: Apache-2.0
"""Keep-alive, and what is sent again when a kept connection turns out dead: safe methods once,
unsafe ones never.  The upstream's counters are the proof."""
import pytest
from harness.configuration import options
from harness.process import wait_until


@pytest.fixture
def one_worker(start_gatherd):
    return start_gatherd(options(server__workers=1))


def test_connections_are_kept_and_reused(one_worker, upstream):
    key = upstream.new_key()
    for _ in range(10):
        one_worker.fetch(upstream.url("ok", key=key))
    assert upstream.stats(key)["connections"] == 1


def test_a_safe_method_survives_a_stale_connection(one_worker, upstream):
    """U12, M2: one silent redial."""
    for extra in ({}, {"rst": 1}):
        key = upstream.new_key()
        for _ in range(4):
            item = one_worker.fetch(upstream.url("stale", key=key, **extra))
            assert item["status"] == 200 and item["body"] == "first\n", item


@pytest.mark.parametrize("body", [{}, {"body": "x"}, {"body": {"a": 1}}, {"body": "x" * 200_000}],
                         ids=["none", "short", "json", "long"])
@pytest.mark.parametrize("rst", [{}, {"rst": 1}], ids=["fin", "rst"])
def test_a_post_is_never_sent_twice(one_worker, upstream, body, rst):
    """U12, M2: the upstream counts."""
    key = upstream.new_key()
    url = upstream.url("stale", key=key, **rst)
    for n in range(4):
        item = one_worker.fetch({"url": url, "method": "POST", **body})
        assert upstream.stats(key)["requests"] <= n + 1
        assert item["status"] == 200 or item["error"]["code"] == "maybe_sent", item


def test_posts_side_by_side_are_never_sent_twice(one_worker, upstream):
    """U12, M2: the same, ten at once."""
    key = upstream.new_key()
    for _ in range(3):
        one_worker.batch([{"url": upstream.url("stale", key=key), "method": "POST",
                           "body": "x"}] * 10)
    assert upstream.stats(key)["requests"] <= 30


@pytest.mark.parametrize("path", ["close", "reset", "truncate", "keepalive-lie"])
@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_an_unsafe_request_that_fails_is_sent_once(gatherd, upstream, path, method):
    key = upstream.new_key()
    for n in range(3):
        gatherd.fetch({"url": upstream.url(path, key=key), "method": method, "body": "x"})
        assert upstream.stats(key)["requests"] == n + 1


def test_a_post_that_is_not_answered_is_maybe_sent_or_names_its_fault(gatherd, upstream):
    for path in ("close", "reset"):
        item = gatherd.fetch({"url": upstream.url(path), "method": "POST", "body": "x"})
        assert item["error"]["code"] in ("maybe_sent", "empty_reply", "reset"), item
        assert item["error"]["code"] != "maybe_sent" or item["error"]["retryable"] is False


def test_a_lie_about_keep_alive_harms_no_one(one_worker, upstream):
    """U12: kept, it said."""
    for _ in range(5):
        items = one_worker.batch([upstream.url("keepalive-lie")] * 5 + [upstream.url("ok")] * 5)
        assert {r["status"] for r in items["responses"]} == {200}


def test_a_failed_get_is_not_tried_for_ever(gatherd, upstream):
    """L2: once more at most, and no storm."""
    for path in ("close", "reset", "truncate"):
        key = upstream.new_key()
        gatherd.fetch(upstream.url(path, key=key))
        assert upstream.stats(key)["requests"] <= 2


def test_expect_is_never_sent(gatherd, upstream):
    """U13: no second of waiting for 100 Continue."""
    document = gatherd.batch([{"url": upstream.url("expect"), "method": "POST",
                               "body": "x" * (2 << 20)}])
    assert document["responses"][0]["status"] == 200
    assert document["reply"].seconds < 0.9 or upstream.stats()["by_path"].get("/expect") == 1


def test_old_pooled_connections_are_closed(start_gatherd, upstream):
    gatherd = start_gatherd(options(server__workers=1, fetch__keep_alive="300ms"))
    key = upstream.new_key()
    gatherd.fetch(upstream.url("ok", key=key))
    wait_until(lambda: gatherd.connection_inodes()[1].isdisjoint(gatherd.descriptors().values()),
               5, "the pooled connection closed")
    gatherd.fetch(upstream.url("ok", key=key))
    assert upstream.stats(key)["connections"] == 2
