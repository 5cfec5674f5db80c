# SPDX-License-Identifier: Apache-2.0
"""forEach: one item, sent once for each element of an array in another's reply; within every
limit, and together with what else a batch can ask for."""
import base64
import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from harness.configuration import options
from harness.contract import check_batch_reply
from harness.gatherd import slowness
from harness.process import wait_until
from harness.quickest import within

from test_keys import make_key, with_keys


def gives(upstream, value, **query):
    encoded = base64.urlsafe_b64encode(json.dumps(value).encode()).decode()
    return upstream.url("body", b64=encoded, type="application/json", **query)


def run(gatherd, items, **options):
    reply = gatherd.post({"requests": items, **options})
    ids = [item.get("id", str(n)) if isinstance(item, dict) else str(n)
           for n, item in enumerate(items)]
    return check_batch_reply(reply, ids)["responses"]


def code(item):
    return item.get("error", {}).get("code")


@pytest.fixture
def list_of(upstream):
    """A source whose reply is the array, and an item for each of its elements."""
    def make(elements, path, **fields):
        return [{"id": "list", "url": gives(upstream, elements)},
                {"id": "each", "url": path, "forEach": "{{list.body}}", **fields}]
    return make


def test_each_element_is_sent_in_order(gatherd, upstream, list_of):
    elements = [{"id": n, "name": f"n/{n}"} for n in range(30)]
    each = run(gatherd, list_of(
        elements, upstream.url("echo") + "/{{p.name}}?of={{list.status}}", **{"as": "p"},
        method="POST", headers={"x-place": "{{index}}"}, body={"whole": "{{p}}"}))[1]
    assert each["status"] == 200 and each["summary"]["ok"] == 30
    for n, child in enumerate(each["responses"]):
        seen = child["body"]
        assert seen["target"] == f"/echo/n%2F{n}?of=200"
        assert json.loads(seen["bodyText"]) == {"whole": elements[n]}
        assert ["x-place", str(n)] in [[key.lower(), value] for key, value in seen["headers"]]


def test_children_that_fail_fail_their_parent_which_keeps_the_others(gatherd, upstream, list_of):
    urls = [upstream.url("ok"), upstream.tcp("refused"), "http://", upstream.url("status/500")]
    each = run(gatherd, list_of(urls, "{{item}}"))[1]
    assert (each["status"], code(each)) == (424, "dependency_failed")
    assert each["error"]["message"] == "2 of 4 failed, the first of them \"1\" (connect)"
    assert [child["status"] for child in each["responses"]] == [200, 502, 400, 500]


def test_each_child_passes_the_egress_policy(start_gatherd, upstream, list_of):
    gatherd = start_gatherd({"egress": {"private_addresses": "deny",
                                        "allow": [f"127.0.0.1:{upstream.port}"]}})
    key = upstream.new_key()
    urls = [upstream.url("ok"), f"http://127.0.0.2:{upstream.port}/ok?key={key}",
            "file:///etc/passwd", "http://[::1]/", "http://169.254.169.254/"]
    each = run(gatherd, list_of(urls, "{{item}}"))[1]
    assert [code(child) for child in each["responses"]] == \
        [None, "blocked_address", "blocked_url", "blocked_address", "blocked_address"]
    assert upstream.stats(key)["requests"] == 0


@pytest.mark.parametrize("elements, fields, part", [
    ([1, 2, 3], {"max": 2}, "has more than 2 elements"),
    (list(range(101)), {}, "has more than 100 elements"),
    ({"a": 1}, {}, "is no array"), ("text", {}, "is no array"),
], ids=str)
def test_what_is_too_long_or_no_array_sends_nothing(gatherd, upstream, list_of, elements, fields,
                                                    part):
    key = upstream.new_key()
    each = run(gatherd, list_of(elements, upstream.url("ok", key=key), **fields))[1]
    assert code(each) == "dependency_failed" and part in each["error"]["message"], each
    assert "responses" not in each and upstream.stats(key)["requests"] == 0


def test_children_count_as_items_of_the_batch(start_gatherd, upstream, list_of):
    gatherd = start_gatherd(options(batch__max_items=6))
    key = upstream.new_key()
    items = list_of([1, 2, 3, 4], upstream.url("ok", key=key))
    assert run(gatherd, items)[1]["status"] == 200
    refused = run(gatherd, items + [upstream.url("ok")])
    assert code(refused[1]) == "dependency_failed"
    assert "more than the 6 items it may have" in refused[1]["error"]["message"]
    twice = run(gatherd, list_of([1, 2], upstream.url("ok", key=key)) +
                [{"url": upstream.url("ok", key=key), "forEach": "{{list.body}}"}])
    assert [code(item) for item in twice].count("dependency_failed") == 1
    assert upstream.stats(key)["requests"] == 4 + 2


def test_children_count_against_what_a_key_may(start_gatherd, upstream, list_of):
    """Its size of a batch, and its rate, which could not know of them before."""
    (small, small_entry), (slow, slow_entry) = make_key("small"), make_key("slow")
    gatherd = start_gatherd(with_keys(small_entry, slow_entry, limits=[
        {"keys": ["small"], "max_items": 4},
        {"keys": ["slow"], "items_per_second": 1, "burst": 20}]))
    batch = {"requests": list_of([1, 2, 3], upstream.url("ok"))}
    each = gatherd.post(batch, {"x-api-key": small}).json()["responses"][1]
    assert "more than the 4 items it may have" in each["error"]["message"]
    batch = {"requests": list_of([1] * 15, upstream.url("ok"))}
    assert gatherd.post(batch, {"x-api-key": slow}).json()["responses"][1]["status"] == 200
    assert gatherd.post([upstream.url("ok")] * 10, {"x-api-key": slow}).status == 429


def test_children_run_at_once_within_the_concurrency(gatherd, upstream, list_of):
    url, gate = upstream.gate(key=(key := upstream.new_key()))
    with ThreadPoolExecutor(1) as pool:
        answers = pool.submit(run, gatherd, list_of([1] * 8, url))
        wait_until(lambda: upstream.stats(key)["in_flight"] == 8, 5, "all eight")
        upstream.open(gate)
        assert answers.result()[1]["summary"]["ok"] == 8
    began = time.monotonic()
    run(gatherd, list_of([1] * 8, upstream.url("delay/100")), concurrency=2)
    assert time.monotonic() - began >= 0.4


def test_the_deadline_leaves_what_came(gatherd, upstream, list_of):
    each = run(gatherd, list_of([0, 5000, 5000], upstream.url("delay") + "/{{item}}"),
               deadlineMs=int(500 * slowness()))[1]
    assert code(each) == "deadline"
    assert [code(child) for child in each["responses"]] == [None, "deadline", "deadline"]


def test_what_is_no_longer_needed_is_taken_back(gatherd, upstream, list_of):
    for policy, cut in (({"until": {"ok": 2}}, {}), ({"failFast": True}, {"cut": 1})):
        def take_back():
            key, (last, gate) = upstream.new_key(), upstream.gate(**cut)
            items = [*list_of([1] * 10, upstream.url("hang", key=key)), last]
            with ThreadPoolExecutor(1) as pool:
                reply = pool.submit(run, gatherd, items, **policy)
                wait_until(lambda: upstream.stats(key)["in_flight"] == 10, 5, "the children")
                upstream.open(gate)
                answers, began = reply.result(), time.monotonic()
            assert upstream.wait_idle(key, 3)
            took_s = time.monotonic() - began
            assert code(answers[1]) == "cancelled", answers[1]
            assert {code(child) for child in answers[1]["responses"]} == {"cancelled"}
            assert upstream.stats(key)["aborted"] == 10
            return took_s
        within(0.25 * slowness(), take_back)


def test_a_client_that_leaves_takes_the_children_along(gatherd, upstream, list_of):
    key = upstream.new_key()
    body = json.dumps({"requests": list_of([1] * 5, upstream.url("hang", key=key))}).encode()
    with gatherd.raw() as raw:
        raw.send(b"POST /v1/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                 b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        wait_until(lambda: upstream.stats(key)["in_flight"] == 5, 5, "the children")
    assert upstream.wait_idle(key, 2 * slowness())
    assert upstream.stats(key)["aborted"] == 5


def test_options_hold_for_each_child(gatherd, upstream, list_of):
    key = upstream.new_key()
    each = run(gatherd, list_of(
        ["seq?plan=503,200", "seq?plan=500"], upstream.origin + "/{{item}}", retries=1))[1]
    assert [child["status"] for child in each["responses"]] == [404, 404]   # ? is no query
    each = run(gatherd, list_of(["503,200", "200"], upstream.url("seq") +
                                "?key=%s{{index}}&plan={{item}}" % key, retries=1))[1]
    assert [len(child.get("attempts", [])) for child in each["responses"]] == [2, 0]
    each = run(gatherd, list_of([200, 404], upstream.url("status") + "/{{item}}",
                                expect={"status": ["2xx"]}))[1]
    assert [code(child) for child in each["responses"]] == [None, "expect_failed"]
    each = run(gatherd, list_of([200, 503], upstream.url("status") + "/{{item}}",
                                fallback={"body": {"n": None}}))[1]
    assert each["status"] == 200
    assert [child.get("fallback") for child in each["responses"]] == [None, True]
    each = run(gatherd, list_of([1, 2], upstream.url("echo") + "/{{item}}",
                                select=["/method"], responseHeaders=[]))[1]
    assert [child["body"] for child in each["responses"]] == [{"/method": "GET"}] * 2
    each = run(gatherd, list_of([1, 1], upstream.url("delay/50"), coalesce=True))[1]
    assert any(child.get("coalesced") for child in each["responses"])


def end_of(item):
    return item["timing"]["start"] + item["timing"]["total"]


def test_others_wait_for_all_children(gatherd, upstream, list_of):
    answers = run(gatherd, list_of([50, 500], upstream.url("delay") + "/{{item}}") +
                  [{"url": upstream.url("ok"), "dependsOn": ["each"]},
                   {"url": upstream.url("ok"), "dependsOn": ["list"]}], include=["timing"])
    last_ms = max(end_of(child) for child in answers[1]["responses"])
    assert answers[2]["timing"]["start"] >= last_ms - 1 >= 498
    assert answers[3]["timing"]["start"] < last_ms


def test_an_array_without_elements_is_fine(gatherd, upstream, list_of):
    each = run(gatherd, list_of([], upstream.url("ok")))[1]
    assert (each["status"], each["responses"]) == (200, [])


def test_the_parent_is_one_line_of_a_stream(gatherd, upstream, list_of):
    reply = gatherd.post({"requests": list_of([1, 2], upstream.url("echo") + "/{{item}}")},
                         headers={"accept": "application/x-ndjson"})
    lines = [json.loads(line) for line in reply.body.splitlines()]
    assert [line.get("id") for line in lines] == ["list", "each", None]
    assert [child["status"] for child in lines[1]["responses"]] == [200, 200]


def test_a_thousand_children_with_large_replies(gatherd, upstream, list_of):
    """Past one buffer: the parent's response has memory of its own."""
    each = run(gatherd, list_of(list(range(900)), upstream.url("bytes/2000") + "?n={{item}}",
                                max=1000))[1]
    assert each["summary"]["ok"] == 900
    assert all(len(child["body"]) == 2000 for child in each["responses"])


def test_without_children_a_fallback_is_the_items_own(gatherd, upstream):
    """The array does not come, or is too long."""
    each = {"id": "each", "forEach": "{{source.body}}", "url": upstream.url("ok") + "?{{item}}",
            "max": 2, "fallback": {"status": 203, "body": "spare"}}
    for source in (upstream.url("close"), gives(upstream, [1, 2, 3])):
        item = run(gatherd, [{"id": "source", "url": source}, each])[1]
        assert (item["status"], item["body"], item["fallback"]) == (203, "spare", True)
        assert "responses" not in item
        assert [attempt["error"] for attempt in item["attempts"]] == ["dependency_failed"]


def test_fail_fast_waits_for_all_children(gatherd, upstream):
    items = [{"id": "source", "url": gives(upstream, [0, 100])},
             {"id": "each", "forEach": "{{source.body}}", "url": upstream.url("delay") + "/{{item}}",
              "expect": {"status": [404]}},
             {"id": "other", "url": upstream.url("hang")}]
    _, each, other = run(gatherd, items, failFast=True)
    assert [child["error"]["code"] for child in each["responses"]] == ["expect_failed"] * 2
    assert other["error"]["code"] == "cancelled"
