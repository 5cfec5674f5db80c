# SPDX-License-Identifier: Apache-2.0
"""Replies that are not what the item expects fail it, and are kept."""
import json

import pytest
from harness.contract import body_bytes
from harness.stream import Stream

JSON = b'{"state": "ready"}'


def failure_of(item):
    """The sentence, or None: the expectation was met."""
    if "error" not in item:
        return None
    assert item["error"]["code"] == "expect_failed" and item["status"] == 502, item
    assert item["error"]["retryable"] is False
    return item["error"]["message"]


@pytest.mark.parametrize("path, expect, sentence", [
    ("status/204", {"status": [200, 204]}, None),
    ("status/299", {"status": ["2xx"]}, None),
    ("status/404", {"status": [200, "3xx"]}, "the status is 404, not 200 or 3xx"),
    ("status/500", {"status": ["5xx"]}, None),
    ("status/999", {"contentType": "text/plain"}, None),
    ("status/999", {"status": ["1xx", "5xx"]}, "the status is 999, not 1xx or 5xx"),
    ("json-problem", {"contentType": "application/problem+json"}, None),
    ("json-problem", {"contentType": "+json"}, None),
    ("json-problem", {"contentType": "application/*"}, None),
    ("json-problem", {"contentType": "application/json"},
     "the content-type is application/problem+json, not application/json"),
    ("no-type", {"contentType": "text/*"}, "there is no content-type, not text/*"),
    ("script", {"contentType": "TEXT/HTML"}, None),
    ("bytes/1000", {"maxBodyBytes": 1000}, None),
    ("bytes/1001", {"maxBodyBytes": 1000}, "the body has 1001 bytes, which is more than 1000"),
    ("gzip", {"maxBodyBytes": 1150, "bodyContains": "compressed world\nhello"}, None),
    ("gzip", {"maxBodyBytes": 1149}, "the body has 1150 bytes, which is more than 1149"),
    ("ok", {"bodyContains": "ok"}, None),
    ("ok", {"bodyContains": "OK"}, 'the body of 3 bytes does not contain "OK"'),
    ("binary", {"bodyContains": "\x01\x02"}, None),
    ("status/404", {"status": ["2xx"], "contentType": "a/b", "maxBodyBytes": 0},
     "the status is 404, not 2xx"),
])
def test_a_reply_is_held_against_what_was_expected(gatherd, upstream, path, expect, sentence):
    assert failure_of(gatherd.fetch({"url": upstream.url(path), "expect": expect})) == sentence


def test_the_reply_is_kept_with_its_status(gatherd, upstream):
    document = gatherd.batch([
        {"url": upstream.url("status/404", h="X-Why:gone", text="no such thing"),
         "expect": {"status": ["2xx"]}},
        {"url": upstream.body_url(JSON), "expect": {"bodyContains": "x"}}])
    first, second = document["responses"]
    assert first["headers"]["x-why"] == "gone" and body_bytes(first) == b"no such thing"
    assert first["error"]["upstreamStatus"] == 404
    assert second["body"] == json.loads(JSON) and second["error"]["upstreamStatus"] == 200
    assert document["summary"]["failed"] == 2


def test_what_the_upstream_sent_as_its_type_is_shown_in_utf8(gatherd, upstream):
    reply = b"HTTP/1.1 200 OK\r\nContent-Type: a\xff\xfe/b\r\nContent-Length: 0\r\n\r\n"
    item = gatherd.fetch({"url": upstream.raw_url(reply), "expect": {"contentType": "a/b"}})
    assert failure_of(item) == "the content-type is a??/b, not a/b"


def test_a_failure_before_the_reply_stays_what_it_is(gatherd, upstream):
    item = gatherd.fetch({"url": upstream.url("truncate"), "expect": {"status": ["2xx"]}})
    assert item["error"]["code"] == "truncated"


def test_the_defaults_expect_for_all_and_an_item_for_itself(gatherd, upstream):
    document = gatherd.batch(
        [upstream.url("ok"), upstream.url("status/500"),
         {"url": upstream.url("status/500"), "expect": {"status": [500]}}],
        defaults={"expect": {"status": ["2xx"]}})
    assert [failure_of(item) is None for item in document["responses"]] == [True, False, True]


def test_head_has_no_body_to_hold_against_anything(gatherd, upstream):
    item = {"url": upstream.url("bytes/500"), "method": "HEAD"}
    assert failure_of(gatherd.fetch({**item, "expect": {"maxBodyBytes": 0}})) is None
    assert "0 bytes" in failure_of(gatherd.fetch({**item, "expect": {"bodyContains": "x"}}))


def test_the_last_hop_of_a_redirect_is_judged(gatherd, upstream):
    item = gatherd.fetch({"url": upstream.url("status/302", h="Location:/status/201"),
                          "redirects": 1, "expect": {"status": [201]}})
    assert failure_of(item) is None and item["status"] == 201


def test_an_expectation_ends_what_waits_for_a_good_reply(gatherd, upstream):
    """firstOk: the 500 that came first was not as expected, so the batch waits on."""
    document = gatherd.batch(
        [upstream.url("status/500"), upstream.url("delay/100"), upstream.url("delay/5000")],
        until="firstOk", defaults={"expect": {"status": ["2xx"]}})
    codes = [item.get("error", {}).get("code") for item in document["responses"]]
    assert codes == ["expect_failed", None, "cancelled"]


@pytest.mark.parametrize("first, expect, shown", [
    ("status/404", {"status": [200]}, [("expect_failed", 404), (None, 200)]),
    ("ok", {"bodyContains": "good"}, [("expect_failed", 200), (None, 200)]),
    ("close", {"status": [200]}, [("empty_reply", None), (None, 200)])])
def test_an_alternative_is_taken_when_the_reply_is_not_as_expected(
        gatherd, upstream, first, expect, shown):
    item = gatherd.fetch({"url": upstream.url(first), "expect": expect,
                          "alternatives": [upstream.url("status/200", text="good")]})
    assert failure_of(item) is None and body_bytes(item) == b"good"
    assert [(a.get("error"), a.get("status")) for a in item["attempts"]] == shown


def test_what_is_expected_is_no_failure_whatever_its_status(gatherd, upstream):
    item = gatherd.fetch({"url": upstream.url("status/503"), "expect": {"status": [503]},
                          "retries": 2, "alternatives": [upstream.url("ok")]})
    assert item["status"] == 503 and "attempts" not in item


@pytest.mark.parametrize("status, requests", [(503, 2), (404, 1)])
def test_only_a_status_that_may_pass_is_asked_for_again(gatherd, upstream, status, requests):
    key = upstream.new_key()
    item = gatherd.fetch({"url": upstream.url(f"status/{status}", key=key), "retries": 1,
                          "expect": {"status": ["2xx"]}})
    assert item["error"]["upstreamStatus"] == status
    assert upstream.stats(key)["requests"] == requests


def test_a_fallback_stands_in_for_a_reply_that_is_not_as_expected(gatherd, upstream):
    item = gatherd.fetch({"url": upstream.url("status/404"), "expect": {"status": ["2xx"]},
                          "fallback": {"status": 200, "body": {"known": False}}})
    assert item["fallback"] is True and item["body"] == {"known": False}


def test_of_two_at_once_the_one_that_is_as_expected_wins(gatherd, upstream):
    item = gatherd.fetch({"url": upstream.url("delay/200"), "hedgeAfterMs": 20,
                          "expect": {"bodyContains": "late"},
                          "alternatives": [upstream.url("ok")]})
    assert failure_of(item) is None and body_bytes(item) == b"late\n"


def test_what_depends_on_a_reply_that_is_not_as_expected_is_not_sent(gatherd, upstream):
    key = upstream.new_key()
    document = gatherd.batch([
        {"id": "a", "url": upstream.url("json-as-text"), "expect": {"contentType": "+json"}},
        {"url": upstream.url("ok", key=key) + "&{{a.body.a}}"}])
    assert failure_of(document["responses"][0]) is not None
    assert document["responses"][1]["error"]["code"] == "dependency_failed"
    assert upstream.stats(key)["requests"] == 0


def test_a_shared_call_is_judged_by_each_of_its_items(gatherd, upstream):
    url = upstream.url("delay/100")
    document = gatherd.batch([{"url": url, "expect": {"bodyContains": "late"}},
                              {"url": url, "expect": {"bodyContains": "soon"}}, url],
                             coalesce=True)
    assert [failure_of(item) is None for item in document["responses"]] == [True, False, True]


def test_a_stream_tells_it_as_well(gatherd, upstream):
    with Stream(gatherd, [{"url": upstream.url("status/503"), "expect": {"status": [200]}}]) as it:
        responses, summary = it.read_all()
    assert failure_of(responses[0]) == "the status is 503, not 200" and summary["failed"] == 1
    assert body_bytes(responses[0]) == b"status 503\n"


@pytest.mark.parametrize("expect, pointer", [
    ({}, "/requests/0/expect"), ([200], "/requests/0/expect"),
    ({"status": 200}, "/requests/0/expect/status"),
    ({"status": [200, "2XX"]}, "/requests/0/expect/status/1"),
    ({"contentType": "text/html; charset=utf-8"}, "/requests/0/expect/contentType"),
    ({"stats": [200]}, "/requests/0/expect/stats")])
def test_a_wrong_expectation_refuses_the_batch(gatherd, upstream, expect, pointer):
    key = upstream.new_key()
    document = {"requests": [{"url": upstream.url("ok", key=key), "expect": expect}]}
    reply = gatherd.request("POST", "/v1/batch", json.dumps(document),
                            {"Content-Type": "application/json"})
    assert reply.status == 400
    assert [error["pointer"] for error in reply.json()["errors"]] == [pointer]
    assert upstream.stats(key)["requests"] == 0
