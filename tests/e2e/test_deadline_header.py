# SPDX-License-Identifier: Apache-2.0
"""Deadlines travel: what is left is said to upstreams, and what a client has left bounds its
batch."""
import time

import pytest
from harness.configuration import options
from harness.gatherd import slowness

NAME = "X-Request-Timeout-Ms"


@pytest.fixture
def travelling(start_gatherd):
    return start_gatherd(options(fetch__deadline_header=NAME, fetch__timeout="5s",
                                 batch__deadline="10s"))


def said(reply):
    """The values of the header that an upstream's echo saw."""
    return [value for name, value in reply["body"]["headers"] if name.lower() == NAME.lower()]


def bound(gatherd, requests, value, **options):
    return gatherd.post({"requests": requests, **options}, {NAME: value})


def test_an_upstream_is_told_the_lesser_of_deadline_and_timeout(travelling, upstream):
    echo = upstream.url("echo")
    items = [{"url": echo}, {"url": echo, "timeoutMs": 900}, {"url": echo, "method": "POST",
                                                             "body": "x", "timeoutMs": 800}]
    for deadline_ms, limits in ((3000, (3000, 900, 800)), (20000, (5000, 900, 800))):
        replies = travelling.batch(items, deadlineMs=deadline_ms)["responses"]
        for reply, limit_ms in zip(replies, limits):
            (value,) = said(reply)
            assert limit_ms - 300 * slowness() <= int(value) <= limit_ms, reply


def test_what_an_item_says_itself_is_replaced(travelling, upstream):
    item = {"url": upstream.url("echo"), "timeoutMs": 700,
            "headers": {NAME.lower(): ["99999", "1"], "x-other": "stays"}}
    reply = travelling.fetch(item)
    (value,) = said(reply)
    assert int(value) <= 700
    assert ["x-other", "stays"] in reply["body"]["headers"]


def test_each_request_of_an_item_says_what_is_left_then(travelling, upstream):
    """A redirect that came late: the time it took is gone."""
    url = upstream.url("redirect-to", u=upstream.url("echo"), ms=300)
    reply = travelling.fetch({"url": url, "redirects": 1, "timeoutMs": 2000})
    (value,) = said(reply)
    assert 0 < int(value) <= 1700


def test_time_in_the_queue_is_gone(start_gatherd, upstream):
    gatherd = start_gatherd(options(fetch__deadline_header=NAME, fetch__per_origin=1,
                                    server__workers=1))
    items = [{"url": upstream.url("delay/400")}, {"url": upstream.url("echo")}]
    reply = gatherd.batch(items, deadlineMs=2000)["responses"][1]
    (value,) = said(reply)
    assert int(value) <= 1600


def test_a_clients_own_bounds_its_batch(travelling, upstream):
    reply = bound(travelling, [upstream.url("delay/9000"), upstream.url("echo")], "700")
    slow, fast = reply.json()["responses"]
    assert slow["error"]["code"] == "deadline" and "700 ms" in slow["error"]["message"]
    assert int(said(fast)[0]) <= 700
    assert reply.seconds < 2 * slowness()


@pytest.mark.parametrize("value", ["600000", "99999999999999999999999"])
def test_it_never_raises_a_limit(travelling, upstream, value):
    reply = bound(travelling, [upstream.url("delay/2000")], value, deadlineMs=200)
    assert "200 ms" in reply.json()["responses"][0]["error"]["message"]


@pytest.mark.parametrize("value", ["0", "-1", "-99999999999999999999999"])
def test_without_time_left_nothing_is_sent(travelling, upstream, value):
    key = upstream.new_key()
    reply = bound(travelling, [upstream.url("ok", key=key)] * 3, value)
    assert reply.status == 200 and reply.header("gatherd-complete") == "false"
    assert [r["error"]["code"] for r in reply.json()["responses"]] == ["deadline"] * 3
    time.sleep(0.1)
    assert upstream.stats(key)["requests"] == 0


@pytest.mark.parametrize("value", ["", "soon", "1.5", "+1", "1s", "1 2", "0x10"])
def test_anything_but_a_whole_number_is_refused(travelling, upstream, value):
    key = upstream.new_key()
    reply = bound(travelling, [upstream.url("ok", key=key)], value)
    assert reply.status == 400
    assert reply.json()["detail"] == f"the header {NAME} must be a whole number of milliseconds"
    assert upstream.stats(key)["requests"] == 0


def test_twice_is_refused_and_the_query_form_is_bounded_too(travelling, upstream):
    with travelling.raw() as raw:
        raw.send(f"GET /v1/batch?url={upstream.url('ok')} HTTP/1.1\r\nHost: x\r\n"
                 f"{NAME}: 5\r\n{NAME.lower()}: 6\r\n\r\n".encode())
        assert "more than once" in raw.read_reply().json()["detail"]
        raw.send(f"GET /v1/batch?url={upstream.url('hang')} HTTP/1.1\r\nHost: x\r\n"
                 f"{NAME}: 100\r\n\r\n".encode())
        assert "100 ms" in raw.read_reply().json()["responses"][0]["error"]["message"]


def test_by_default_nothing_is_sent_or_read(gatherd, upstream):
    reply = bound(gatherd, [{"url": upstream.url("echo"), "headers": {NAME: "7"}}], "nonsense")
    assert said(reply.json()["responses"][0]) == ["7"]


@pytest.mark.parametrize("name", ["host", "Content-Length", "a b", "proxy-x", "x:y"])
def test_a_name_that_cannot_be_is_refused_at_the_start(start_gatherd, name):
    gatherd = start_gatherd(options(fetch__deadline_header=name), wait=False)
    assert gatherd.wait() != 0
    assert "fetch.deadline_header" in gatherd.child.errors()


def test_a_second_try_says_what_is_left_then(travelling, upstream):
    item = {"url": upstream.url("delay/9000"), "timeoutMs": 1500,
            "alternatives": [upstream.url("echo")]}
    reply = travelling.batch([item], deadlineMs=2900)["responses"][0]
    (value,) = said(reply)
    assert int(value) <= 1400
