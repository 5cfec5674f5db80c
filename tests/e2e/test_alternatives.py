# SPDX-License-Identifier: Apache-2.0
"""Where an item goes when an attempt failed: to the next URL, in the end to its own fallback."""
import re

import pytest
from harness.attempts import shown
from harness.configuration import options
from harness.process import free_port


@pytest.mark.parametrize("path, first", [
    ("status/500", 500), ("status/503", 503), ("status/429", 429), ("close", "empty_reply"),
    ("truncate", "truncated"), ("hang", "timeout_first_byte")])
def test_an_alternative_is_taken_when_the_first_failed(impatient, upstream, path, first):
    other = upstream.url("status/201")
    item = impatient.fetch({"url": upstream.url(path), "alternatives": [other]})
    assert item["status"] == 201 and shown(item) == [first, 201], item
    assert [a.get("url") for a in item["attempts"]] == [None, other]


@pytest.mark.parametrize("status", [200, 204, 301, 400, 404, 499])
def test_an_answer_is_no_failure(gatherd, upstream, status):
    key = upstream.new_key()
    item = gatherd.fetch({"url": upstream.url(f"status/{status}"),
                          "alternatives": [upstream.url("ok", key=key)]})
    assert item["status"] == status and "attempts" not in item
    assert upstream.stats(key)["requests"] == 0


def test_alternatives_are_tried_in_their_order_and_the_last_outcome_stays(gatherd, upstream):
    urls = [upstream.url(f"status/{status}") for status in (503, 500, 502)]
    item = gatherd.fetch({"url": f"http://127.0.0.1:{free_port()}/", "alternatives": urls})
    assert item["status"] == 502 and shown(item) == ["connect", 503, 500, 502]
    assert [a.get("url") for a in item["attempts"]] == [None, *urls]


def test_every_alternative_passes_the_guard(start_gatherd, upstream):
    gatherd = start_gatherd(options(egress__ports=[str(upstream.port)]))
    item = gatherd.fetch({"url": upstream.url("status/503"), "alternatives": [
        f"http://127.0.0.1:{free_port()}/", "ftp://127.0.0.1/", "no url", upstream.url("ok")]})
    assert item["status"] == 200
    assert shown(item) == [503, "blocked_url", "blocked_url", "bad_url", 200], item


@pytest.mark.parametrize("path, key, sent", [
    ("status/503", False, 0), ("close", False, 0), ("status/503", True, 1), ("close", True, 1)])
def test_a_post_that_was_sent_goes_elsewhere_with_a_key_only(gatherd, upstream, path, key, sent):
    counted = upstream.new_key()
    item = {"url": upstream.url(path), "method": "POST", "body": "x",
            "alternatives": [upstream.url("ok", key=counted)]}
    if key:
        item["idempotencyKey"] = "k1"
    gatherd.fetch(item)
    assert upstream.stats(counted)["requests"] == sent


def test_a_post_that_was_not_sent_goes_elsewhere(gatherd, upstream):
    counted = upstream.new_key()
    item = gatherd.fetch({"url": f"http://127.0.0.1:{free_port()}/", "method": "POST",
                          "body": "x", "alternatives": [upstream.url("ok", key=counted)]})
    assert item["status"] == 200 and upstream.stats(counted)["requests"] == 1


def test_a_post_that_was_redirected_was_sent(gatherd, upstream):
    """The next hop refuses the connection, so its code alone would say: not sent."""
    counted = upstream.new_key()
    dead = f"http://127.0.0.1:{free_port()}/"
    item = gatherd.fetch({
        "url": upstream.url("status/303", h=f"Location:{dead}"), "method": "POST", "body": "x",
        "redirects": 3, "alternatives": [upstream.url("ok", key=counted)]})
    assert item["error"]["code"] == "connect" and item["error"]["retryable"] is False, item
    assert upstream.stats(counted)["requests"] == 0


def test_retries_come_before_alternatives(start_gatherd, upstream):
    gatherd = start_gatherd(options(fetch__retry_budget=100))
    item = gatherd.fetch({"url": upstream.url("status/503"), "retries": 2,
                          "alternatives": [upstream.url("ok")]})
    assert shown(item) == [503, 503, 503, 200]


FALLBACK = {"status": 203, "headers": {"X-Cache": "old", "Content-Type": "text/plain"},
            "body": "from before"}


def fallbacks(gatherd):
    return int(re.search(r"^gatherd_fallbacks_total (\d+)", gatherd.metrics(), re.M)[1])


@pytest.mark.parametrize("path", ["status/500", "status/429", "close", "hang"])
def test_the_fallback_is_the_last_resort_and_no_error(impatient, upstream, path):
    counted = fallbacks(impatient)
    items = impatient.batch([{"url": upstream.url(path), "fallback": FALLBACK}])
    assert fallbacks(impatient) == counted + 1
    item = items["responses"][0]
    assert item["fallback"] is True and item["status"] == 203 and item["body"] == "from before"
    assert item["headers"] == {"x-cache": "old", "content-type": "text/plain"}
    assert len(shown(item)) == 1 and items["summary"]["failed"] == 0


def test_without_a_failure_there_is_no_fallback(gatherd, upstream):
    item = gatherd.fetch({"url": upstream.url("status/404"), "fallback": FALLBACK})
    assert item["status"] == 404 and "fallback" not in item


def test_retries_and_alternatives_come_before_the_fallback(start_gatherd, upstream):
    gatherd = start_gatherd(options(fetch__retry_budget=100))
    url = upstream.url("status/503")
    item = gatherd.fetch({"url": url, "retries": 1, "alternatives": [url, url],
                          "fallback": {"body": None}})
    assert item["status"] == 200 and item["fallback"] is True
    assert shown(item) == [503, 503, 503, 503]


def test_the_deadline_may_have_a_fallback_too(gatherd, upstream):
    items = gatherd.batch([{"url": upstream.url("hang"), "fallback": {"body": [1]}},
                           upstream.url("hang")], deadlineMs=300)
    first, second = items["responses"]
    assert first["body"] == [1] and shown(first) == ["deadline"]
    assert second["error"]["code"] == "deadline"


@pytest.mark.parametrize("document, body", [
    (b'{"body": {"b": 1.0, "a": 1e2, "b2": 12345678901234567890}}',
     b'"body":{"b": 1.0, "a": 1e2, "b2": 12345678901234567890},"bodyEncoding":"json"'),
    (b'{"body": "text \\u00e4"}', '"body":"text ä","bodyEncoding":"text"'.encode()),
    (b'{"body": "{\\"a\\":  1}", "headers": {"content-type": "application/json"}}',
     b'"body":{"a":  1},"bodyEncoding":"json"'),
    (b'{"body": "/w==", "bodyEncoding": "base64"}', b'"body":"/w==","bodyEncoding":"base64"'),
    (b'{"body": "x", "bodyEncoding": "json"}', b'"body":"x","bodyEncoding":"json"'),
    (b'{"body": null}', b'"body":null,"bodyEncoding":"json"')])
@pytest.mark.parametrize("is_default", [False, True])
def test_the_fallbacks_body_is_kept_byte_for_byte(gatherd, upstream, document, body, is_default):
    url = upstream.url("status/500").encode()
    if is_default:
        text = b'{"requests": ["%s"], "defaults": {"fallback": %s}}' % (url, document)
    else:
        text = b'[{"url": "%s", "fallback": %s}]' % (url, document)
    reply = gatherd.post(text)
    assert reply.status == 200 and body in reply.body, reply.body


def test_a_fallback_alone_has_status_200_and_no_body(gatherd, upstream):
    item = gatherd.fetch({"url": upstream.url("status/500"), "fallback": {}})
    assert item["status"] == 200 and item["headers"] == {} and "body" not in item


@pytest.mark.parametrize("fields, pointer", [
    ({"alternatives": []}, "alternatives"), ({"alternatives": ["x"] * 9}, "alternatives"),
    ({"alternatives": "x"}, "alternatives"), ({"alternatives": ["x", 1]}, "alternatives/1"),
    ({"fallback": 1}, "fallback"), ({"fallback": None}, "fallback"),
    ({"fallback": {"status": 199}}, "fallback/status"),
    ({"fallback": {"status": "200"}}, "fallback/status"),
    ({"fallback": {"code": 200}}, "fallback/code"),
    ({"fallback": {"headers": []}}, "fallback/headers"),
    ({"fallback": {"headers": {"x y": "z"}}}, "fallback/headers/x y"),
    ({"fallback": {"bodyEncoding": "hex"}}, "fallback/bodyEncoding"),
    ({"fallback": {"bodyEncoding": 1}}, "fallback/bodyEncoding"),
    ({"fallback": {"body": 1, "bodyEncoding": "text"}}, "fallback/body"),
    ({"fallback": {"body": "*", "bodyEncoding": "base64"}}, "fallback/body")])
def test_wrong_fields_are_refused_with_their_place(gatherd, upstream, fields, pointer):
    reply = gatherd.post({"requests": [{"url": upstream.url("ok"), **fields}]})
    assert reply.status == 400
    pointers = [error["pointer"] for error in reply.json()["errors"]]
    assert pointers == ["/requests/0/" + pointer], reply.body


def test_long_urls_of_many_attempts_do_not_burst_a_response(gatherd, upstream):
    dead = f"http://127.0.0.1:{free_port()}/"
    urls = [dead + "x" * 6000] * 8
    item = gatherd.fetch({"url": dead, "alternatives": urls})
    assert item["error"]["code"] == "connect" and len(item["attempts"]) == 9
