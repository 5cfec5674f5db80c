# SPDX-License-Identifier: Apache-2.0
"""The ways to write a batch, and its options."""
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

from harness.configuration import options
from harness.contract import check_batch_reply
from harness.process import wait_until


def seen(item):
    """What /echo says it received."""
    assert item["status"] == 200 and item["bodyEncoding"] == "json", item
    return item["body"]


def header_values(item, name):
    return [v for n, v in seen(item)["headers"] if n.lower() == name]


def test_an_array_of_urls(gatherd, upstream):
    document = check_batch_reply(gatherd.post([upstream.url("ok"), upstream.url("status/404")]),
                                 ["0", "1"])
    assert [r["status"] for r in document["responses"]] == [200, 404]
    assert document["responses"][0]["body"] == "ok\n"


def test_an_object_with_urls(gatherd, upstream):
    reply = gatherd.post({"urls": [upstream.url("ok")], "deadlineMs": 2000})
    assert check_batch_reply(reply, ["0"])["responses"][0]["status"] == 200


def test_an_object_with_requests_as_strings_and_objects(gatherd, upstream):
    document = gatherd.batch([upstream.url("ok"), {"url": upstream.url("ok"), "id": "b"},
                              {"url": upstream.url("ok")}])
    assert [r["id"] for r in document["responses"]] == ["0", "b", "2"]


def test_the_get_form_does_the_same(gatherd, upstream):
    query = urllib.parse.urlencode([("url", upstream.url("ok")), ("url", upstream.url("echo")),
                                    ("deadlineMs", "3000"), ("include", "body")])
    document = check_batch_reply(gatherd.get(f"/v1/batch?{query}"), ["0", "1"])
    first, second = document["responses"]
    assert first["body"] == "ok\n" and "headers" not in first
    assert second["body"]["method"] == "GET"


def test_the_get_form_takes_several_includes(gatherd, upstream):
    query = urllib.parse.urlencode({"url": upstream.url("ok"), "include": "headers,timing"})
    first = check_batch_reply(gatherd.get(f"/v1/batch?{query}"), ["0"])["responses"][0]
    assert "headers" in first and "timing" in first and "body" not in first


def test_the_get_form_decodes_the_url_once(gatherd, upstream):
    url = upstream.url("echo") + "?a=1%262&b=%2541+c"
    document = check_batch_reply(
        gatherd.get("/v1/batch?url=" + urllib.parse.quote(url, safe="")), ["0"])
    assert seen(document["responses"][0])["target"] == "/echo?a=1%262&b=%2541+c"


def test_a_media_type_may_name_utf8(gatherd, upstream):
    reply = gatherd.post([upstream.url("ok")],
                         {"content-type": "Application/JSON; charset=UTF-8"})
    check_batch_reply(reply, ["0"])


def test_ids_come_back_as_sent_in_request_order(gatherd, upstream):
    """J9: odd texts as ids."""
    ids = ["z", "a", "\u00fc\u20ac\U0001f600", 'q"\\/', "x" * 128, " "]
    items = [{"id": i, "url": upstream.url(f"delay/{(5 - n) * 30}")} for n, i in enumerate(ids)]
    gatherd.batch(items)          # the order and the ids are in the contract's check


def test_many_items_answer_in_request_order(gatherd, upstream):
    items = [upstream.url("body", b64="", n=n) for n in range(3)] + \
            [upstream.url("echo", n=n) for n in range(500)]
    document = gatherd.batch(items)
    for n, item in enumerate(document["responses"][3:]):
        assert seen(item)["target"] == f"/echo?n={n}"


def test_an_empty_batch_is_answered_or_refused_but_not_hung(gatherd):
    """J9: no items."""
    reply = gatherd.post([])
    assert reply.status in (200, 400)


def test_defaults_apply_and_an_items_own_field_wins(gatherd, upstream):
    first, second = gatherd.batch(
        [upstream.url("echo"), {"url": upstream.url("echo"), "method": "PUT", "body": "mine"}],
        defaults={"method": "POST", "body": "theirs", "timeoutMs": 4000})["responses"]
    assert (seen(first)["method"], seen(first)["bodyText"]) == ("POST", "theirs")
    assert (seen(second)["method"], seen(second)["bodyText"]) == ("PUT", "mine")


def test_default_headers_merge_by_name_whatever_their_case(gatherd, upstream):
    item = gatherd.fetch({"url": upstream.url("echo"),
                          "headers": {"X-TEAM": "mine", "x-own": "1"}},
                         defaults={"headers": {"x-team": "theirs", "x-more": ["a", "b"]}})
    assert header_values(item, "x-team") == ["mine"]
    assert header_values(item, "x-own") == ["1"]
    assert header_values(item, "x-more") == ["a", "b"]


def test_default_timeouts_apply(gatherd, upstream):
    item = gatherd.fetch(upstream.url("hang"), defaults={"timeoutMs": 200})
    assert item["error"]["code"].startswith("timeout_"), item


def test_include_chooses_what_each_response_carries(gatherd, upstream):
    def parts(*include):
        item = gatherd.fetch(upstream.url("ok"), include=list(include))
        return {"headers", "body", "timing"} & set(item)
    assert parts("headers", "body") == {"headers", "body"}
    assert parts("timing") == {"timing"}
    assert parts("body", "timing") == {"body", "timing"}
    assert parts() == set()
    default = gatherd.fetch(upstream.url("ok"))
    assert "headers" in default and "body" in default and "timing" not in default


def test_concurrency_bounds_the_items_in_flight(gatherd, upstream):
    key = upstream.new_key()
    gatherd.batch([upstream.url("delay/50", key=key)] * 12, concurrency=3)
    assert upstream.stats(key)["peak_in_flight"] <= 3
    assert upstream.stats(key)["requests"] == 12


def test_without_concurrency_all_go_at_once(gatherd, upstream):
    """Forty that are answered when all are there."""
    url, gate = upstream.gate(key=(key := upstream.new_key()))
    with ThreadPoolExecutor(1) as pool:
        reply = pool.submit(gatherd.batch, [url] * 40)
        wait_until(lambda: upstream.stats(key)["in_flight"] == 40, 8, "40 in flight")
        upstream.open(gate)
        assert reply.result()["summary"]["ok"] == 40


def test_the_servers_concurrency_bounds_what_a_batch_asks_for(start_gatherd, upstream):
    gatherd = start_gatherd(options(batch__concurrency=2))
    for asked in ({}, {"concurrency": 50}):
        key = upstream.new_key()
        reply = gatherd.post({"urls": [upstream.url("delay/40", key=key)] * 8, **asked})
        assert reply.status == 200 and upstream.stats(key)["peak_in_flight"] <= 2


def test_two_batches_at_once_do_not_mix(gatherd, upstream):
    def one(batch):
        items = [{"id": f"{batch}-{n}", "url": upstream.url("echo", nonce=f"{batch}-{n}")}
                 for n in range(40)]
        for item in gatherd.batch(items)["responses"]:
            assert seen(item)["target"] == f"/echo?nonce={item['id']}"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(24)))
