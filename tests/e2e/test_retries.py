# SPDX-License-Identifier: Apache-2.0
"""Items that are tried again: which, how often, when, and how many in all.  The upstream's
counters are the proof."""
import json
import time
from email.utils import formatdate

import pytest
from harness.attempts import plan, shown
from harness.configuration import options
from harness.process import free_port, wait_until


def metric(gatherd, name, **labels):
    inside = ",".join(f'{label}="{value}"' for label, value in labels.items())
    start = f"gatherd_{name}{{{inside}}} " if labels else f"gatherd_{name} "
    return sum(float(line.split()[-1]) for line in gatherd.metrics().splitlines()
               if line.startswith(start))


@pytest.mark.parametrize("steps, retries, status, attempts", [
    ((503, 200), 1, 200, [503, 200]),
    ((429, 502, 504, 200), 3, 200, [429, 502, 504, 200]),
    (("close", 200), 1, 200, ["empty_reply", 200]),
    (("rst", "rst", 200), 2, 200, ["reset", "reset", 200]),
    ((503, 502), 1, 502, [503, 502]),
    ((503, 200), 0, 503, []),
    ((200, 503), 3, 200, []),
    ((500, 200), 3, 500, []),
    ((404, 200), 3, 404, []),
    ((501, 200), 3, 501, []),
    ((503, 500, 200), 3, 500, [503, 500]),
], ids=str)
def test_what_may_pass_is_tried_again(generous, upstream, steps, retries, status, attempts):
    key, url = plan(upstream, *steps)
    item = generous.fetch({"url": url, "retries": retries})
    assert (item["status"], shown(item)) == (status, attempts), item
    assert "error" not in item
    assert upstream.stats(key)["requests"] == max(len(attempts), 1)


def test_the_attempts_tell_when_and_where(generous, upstream):
    _, url = plan(upstream, 503, 200)
    item = generous.fetch({"url": url, "retries": 1})
    first, second = item["attempts"]
    assert first["remoteAddress"] == second["remoteAddress"] == f"127.0.0.1:{upstream.port}"
    assert second["startMs"] >= first["totalMs"] > 0 and "url" not in first


def test_a_dead_port_is_tried_again_and_stays_an_error(generous):
    item = generous.fetch({"url": f"http://127.0.0.1:{free_port()}/", "retries": 2})
    assert item["error"]["code"] == "connect" and shown(item) == ["connect"] * 3, item


@pytest.mark.parametrize("method, key, expected", [
    ("GET", False, 2), ("HEAD", False, 2), ("OPTIONS", False, 2), ("PUT", False, 2),
    ("DELETE", False, 2), ("POST", False, 1), ("PATCH", False, 1), ("POST", True, 2),
    ("PATCH", True, 2)])
@pytest.mark.parametrize("step", [503, "close", "rst"])
def test_unsafe_methods_are_sent_twice_with_a_key_only(generous, upstream, method, key, expected,
                                                       step):
    name, url = plan(upstream, step, 200)
    item = {"url": url, "method": method, "retries": 3}
    if method in ("POST", "PATCH", "PUT"):
        item["body"] = {"amount": 1}
    if key:
        item["idempotencyKey"] = "a-key"
    answer = generous.fetch(item)
    assert upstream.stats(name)["requests"] == expected, answer
    assert (answer["status"] == 200) == (expected == 2), answer


def test_the_key_is_sent_as_a_header(generous, upstream):
    item = generous.fetch({"url": upstream.url("echo"), "method": "POST", "body": {"a": 1},
                           "headers": {"x-one": "1"}, "idempotencyKey": "order-17"})
    assert ["Idempotency-Key", "order-17"] in item["body"]["headers"]
    names = [name.lower() for name, _ in item["body"]["headers"]]
    assert "x-one" in names and "content-type" in names


@pytest.mark.parametrize("value, least, most", [
    ("0.3", 0.3, 1.5), ("1", 1.0, 2.5), ("soon", 0, 0.9), ("-5", 0, 0.9),
    ("99999999999999", 0, 0.9), ("Thu, 01 Jan 1970 00:00:00 GMT", 0, 0.9)])
def test_retry_after_is_kept_to_unless_it_is_absurd(generous, upstream, value, least, most):
    key = upstream.new_key()
    began = time.monotonic()
    item = generous.fetch({"url": upstream.url("retry-after", key=key, v=value), "retries": 1})
    took = time.monotonic() - began
    assert item["status"] == 503 and upstream.stats(key)["requests"] == 2
    assert least <= took < most + 2, took
    assert item["attempts"][1]["startMs"] >= least * 1000
    assert item["attempts"][1]["startMs"] < most * 1000 or took > most


def test_retry_after_may_be_a_date(generous, upstream):
    key = upstream.new_key()
    date = formatdate(time.time() + 3, usegmt=True)  # whole seconds: at least two are left
    item = generous.fetch({"url": upstream.url("retry-after", key=key, v=date), "retries": 1})
    assert item["attempts"][1]["startMs"] >= 900, item


@pytest.mark.parametrize("value", ["30", "86400", "Fri, 31 Dec 2100 00:00:00 GMT"])
def test_what_does_not_fit_before_the_deadline_is_answered_as_it_is(generous, upstream, value):
    if value.startswith("Fri"):
        value = formatdate(time.time() + 3600, usegmt=True)
    key = upstream.new_key()
    late = metric(generous, "retries_total", result="too_late")
    began = time.monotonic()
    item = generous.fetch({"url": upstream.url("retry-after", key=key, v=value), "retries": 3},
                          deadlineMs=5000)
    assert metric(generous, "retries_total", result="too_late") == late + 1
    assert item["status"] == 503 and "attempts" not in item
    assert upstream.stats(key)["requests"] == 1 and time.monotonic() - began < 3


def test_the_deadline_ends_an_item_that_waits_and_tells_its_attempts(generous, upstream):
    _, url = plan(upstream, 503, "hang")
    item = generous.fetch({"url": url, "retries": 3}, deadlineMs=1000)
    assert item["error"]["code"] == "deadline" and shown(item) == [503, "deadline"], item


def test_each_attempt_has_the_whole_timeout(generous, upstream):
    key, url = plan(upstream, "rst", "hang")
    item = generous.fetch({"url": url, "retries": 2, "timeoutMs": 600})
    assert shown(item) == ["reset", "timeout_first_byte"], item
    assert item["attempts"][1]["totalMs"] >= 590 and upstream.stats(key)["requests"] == 2


def test_the_configuration_may_try_everything_again(start_gatherd, upstream):
    gatherd = start_gatherd(options(fetch__retries=2))
    key, url = plan(upstream, 503, 503, 200)
    assert gatherd.fetch(url)["status"] == 200
    assert upstream.stats(key)["requests"] == 3
    key, url = plan(upstream, 503, 200)
    assert gatherd.fetch({"url": url, "retries": 0})["status"] == 503
    assert upstream.stats(key)["requests"] == 1


def test_a_storm_is_a_fifth_more_and_no_multiple(start_gatherd, upstream):
    """Every one of 1000 items wants three retries of an upstream that is out of service."""
    gatherd = start_gatherd()
    key = upstream.new_key()
    url = upstream.url("status/503", key=key)
    for _ in range(2):
        document = gatherd.batch([{"url": url, "retries": 3}] * 500)
        assert {item["status"] for item in document["responses"]} == {503}
    requests = upstream.stats(key)["requests"]
    assert 1000 < requests <= 1200 + 9, requests  # three at once, and theirs, at the end
    assert metric(gatherd, "retries_total", result="sent") == requests - 1000
    assert metric(gatherd, "retries_total", result="over_budget") > 0


def test_one_lonely_item_has_all_its_retries(start_gatherd, upstream):
    gatherd = start_gatherd()
    key = upstream.new_key()
    item = gatherd.fetch({"url": upstream.url("status/503", key=key), "retries": 3})
    assert shown(item) == [503] * 4 and upstream.stats(key)["requests"] == 4


def test_without_a_budget_nothing_is_tried_again(start_gatherd, upstream):
    gatherd = start_gatherd(options(fetch__retry_budget=0))
    _, url = plan(upstream, 503, 200)
    assert gatherd.fetch({"url": url, "retries": 3})["status"] == 503


def test_a_gone_client_ends_what_waits_to_be_tried_again(generous, upstream):
    key = upstream.new_key()
    body = json.dumps([{"url": upstream.url("retry-after", key=key, v="1"), "retries": 3}])
    with generous.raw() as client:
        client.send(b"POST /v1/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                    b"Content-Length: %d\r\n\r\n%s" % (len(body), body.encode()))
        wait_until(lambda: upstream.stats(key)["completed"] == 1, 5, "the first attempt")
    time.sleep(1.3)
    assert upstream.stats(key)["requests"] == 1


@pytest.mark.parametrize("fields, pointer", [
    ({"retries": 4}, "/requests/0/retries"), ({"retries": -1}, "/requests/0/retries"),
    ({"retries": 1.0}, "/requests/0/retries"), ({"retries": True}, "/requests/0/retries"),
    ({"idempotencyKey": ""}, "/requests/0/idempotencyKey"),
    ({"idempotencyKey": "a\nb"}, "/requests/0/idempotencyKey"),
    ({"idempotencyKey": "x" * 256}, "/requests/0/idempotencyKey"),
    ({"idempotencyKey": "x", "headers": {"idempotency-KEY": "y"}},
     "/requests/0/idempotencyKey")])
def test_wrong_fields_are_refused_with_their_place(gatherd, upstream, fields, pointer):
    reply = gatherd.post({"requests": [{"url": upstream.url("ok"), **fields}]})
    assert reply.status == 400
    assert [error["pointer"] for error in reply.json()["errors"]] == [pointer], reply.body


def test_a_key_cannot_be_a_default(gatherd, upstream):
    reply = gatherd.post({"requests": [upstream.url("ok")], "defaults": {"idempotencyKey": "x"}})
    assert reply.status == 400 and b"cannot be a default" in reply.body
