# SPDX-License-Identifier: Apache-2.0
"""Equal requests in flight share one upstream call, where the client asks for it: the
upstream's counters prove it, and what is never shared."""
import hashlib
import json
import re
import secrets
import threading
import time
import urllib.parse

import pytest
from harness.configuration import options
from harness.gatherd import slowness
from harness.process import wait_until


@pytest.fixture
def one_worker(start_gatherd):
    return start_gatherd(options(server__workers=1))


def send(raw, document, *headers):
    body = json.dumps(document).encode()
    head = ["POST /v1/batch HTTP/1.1", "Host: x", "Content-Type: application/json",
            f"Content-Length: {len(body)}", *headers]
    raw.send("\r\n".join([*head, "", ""]).encode() + body)


def coalesced(replies):
    return [reply.get("coalesced", False) for reply in replies]


def saved(gatherd):
    return int(re.search(r"^gatherd_items_coalesced_total (\d+)$", gatherd.metrics(), re.M)[1])


def test_equal_items_of_a_batch_share_one_call(one_worker, upstream):
    key = upstream.new_key()
    document = one_worker.batch([upstream.url("delay/100", key=key)] * 20, coalesce=True)
    assert [reply["body"] for reply in document["responses"]] == ["late\n"] * 20
    assert coalesced(document["responses"]) == [True] * 20
    assert upstream.stats(key)["requests"] == 1
    assert saved(one_worker) == 19


def test_batches_share_what_is_in_flight_and_the_next_ones_do_not(one_worker, upstream):
    url, gate = upstream.gate(key=(key := upstream.new_key()))
    replies = []
    threads = [threading.Thread(target=lambda: replies.append(
        one_worker.batch([{"url": url, "coalesce": True}])["responses"][0])) for _ in range(5)]
    for thread in threads:
        thread.start()
    wait_until(lambda: saved(one_worker) == 4, 5, "four that share the call of the first")
    upstream.open(gate)
    for thread in threads:
        thread.join()
    assert coalesced(replies) == [True] * 5
    assert upstream.stats(key)["requests"] == 1
    assert coalesced(one_worker.batch([url], coalesce=True)["responses"]) == [False]
    assert upstream.stats(key)["requests"] == 2


def test_it_is_off_unless_asked_for_and_an_items_word_wins(one_worker, upstream):
    key = upstream.new_key()
    url = upstream.url("delay/50", key=key)
    one_worker.batch([url] * 3)
    assert upstream.stats(key)["requests"] == 3
    document = one_worker.batch([{"url": url, "coalesce": False}, url, url,
                                 {"url": url, "coalesce": False}], coalesce=True)
    assert coalesced(document["responses"]) == [False, True, True, False]
    assert upstream.stats(key)["requests"] == 6
    document = one_worker.batch([url, url], defaults={"coalesce": True}, coalesce=False)
    assert coalesced(document["responses"]) == [True, True]


def test_what_is_not_the_same_safe_request_is_not_shared(one_worker, upstream):
    key = upstream.new_key()
    url = upstream.url("delay/50", key=key)
    items = [{"url": url}, {"url": url, "method": "HEAD"}, {"url": url + "#x"},
             {"url": url, "headers": {"cookie": "a=1"}}, {"url": url, "headers": {"cookie": "a=2"}},
             {"url": url, "maxBodyBytes": 1000}, {"url": url, "redirects": 1},
             {"url": url, "method": "POST"}, {"url": url, "method": "POST"},
             {"url": url, "method": "DELETE"}, {"url": url, "method": "DELETE"}]
    document = one_worker.batch(items, coalesce=True)
    assert coalesced(document["responses"]) == [False] * len(items)
    assert upstream.stats(key)["requests"] == len(items)


def test_l13_two_keys_never_share(start_gatherd, upstream):
    keys = {name: secrets.token_hex(32) for name in ("one", "two")}
    entries = [{"name": name, "sha256": hashlib.sha256(key.encode()).hexdigest()}
               for name, key in keys.items()]
    gatherd = start_gatherd({"auth": {"mode": "keys", "keys": entries}},
                            options(server__workers=1))
    url, gate = upstream.gate(key=(key := upstream.new_key()))
    with gatherd.raw() as first, gatherd.raw() as second, gatherd.raw() as third:
        document = {"requests": [url], "coalesce": True}
        send(first, document, f"x-api-key: {keys['one']}")
        send(second, document, f"x-api-key: {keys['two']}")
        send(third, document, f"x-api-key: {keys['two']}")
        wait_until(lambda: saved(gatherd) == 1, 5, "the third that shares the second's call")
        upstream.open(gate)
        replies = [raw.read_reply().json()["responses"][0] for raw in (first, second, third)]
    assert coalesced(replies) == [False, True, True]
    assert upstream.stats(key)["requests"] == 2


def test_each_keeps_its_own_timeout_and_deadline(one_worker, upstream):
    url, gate = upstream.gate(key=(key := upstream.new_key()))
    with one_worker.raw() as hasty, one_worker.raw() as patient:
        send(patient, {"requests": [url], "coalesce": True})
        wait_until(lambda: upstream.stats(key)["in_flight"] == 1, 5, "the call")
        send(hasty, {"requests": [{"url": url, "timeoutMs": 100}, {"url": url}],
                     "coalesce": True, "deadlineMs": int(300 * slowness())})
        short = hasty.read_reply().json()
        assert [reply["error"]["code"] for reply in short["responses"]] == \
            ["timeout_first_byte", "deadline"]
        assert "within 100 ms" in short["responses"][0]["error"]["message"]
        assert "waiting for the first byte" in short["responses"][1]["error"]["message"]
        upstream.open(gate)
        assert patient.read_reply().json()["responses"][0]["body"] == "late\n"
    assert upstream.stats(key)["requests"] == 1


def test_the_first_ones_client_may_leave_and_the_last_ones_leaving_ends_the_call(one_worker,
                                                                                upstream):
    key = upstream.new_key()
    document = {"requests": [upstream.url("hang", key=key)] * 3, "coalesce": True}
    with one_worker.raw() as second:
        with one_worker.raw() as first:
            send(first, document)
            wait_until(lambda: upstream.stats(key)["in_flight"] == 1, 5, "the call")
            send(second, document)
            wait_until(lambda: saved(one_worker) == 5, 5, "all six that share it")
        time.sleep(0.2)
        assert upstream.stats(key)["in_flight"] == 1
    assert upstream.wait_idle(key, 3)
    assert (upstream.stats(key)["requests"], upstream.stats(key)["aborted"]) == (1, 1)


def test_thousands_share_one_large_reply(one_worker, upstream):
    key = upstream.new_key()
    document = one_worker.batch([upstream.url("bytes/20000", key=key)] * 1000, coalesce=True)
    assert {len(reply["body"]) for reply in document["responses"]} == {20000}
    assert upstream.stats(key)["requests"] == 1


def test_failures_and_refusals_are_shared_too(one_worker, upstream):
    key = upstream.new_key()
    document = one_worker.batch([upstream.url("reset", key=key)] * 2 + ["ftp://x/"] * 2 +
                                ["nonsense"] * 2, coalesce=True)
    assert [reply["error"]["code"] for reply in document["responses"]] == \
        ["reset"] * 2 + ["blocked_url"] * 2 + ["bad_url"] * 2


def test_the_query_form_coalesces_too(one_worker, upstream):
    key = upstream.new_key()
    url = upstream.url("delay/50", key=key)
    query = "url=" + urllib.parse.quote(url, safe="")
    replies = one_worker.get(f"/v1/batch?{query}&{query}&coalesce=true").json()["responses"]
    assert coalesced(replies) == [True, True] and upstream.stats(key)["requests"] == 1
    replies = one_worker.get(f"/v1/batch?{query}&{query}&coalesce=false").json()["responses"]
    assert coalesced(replies) == [False, False]
    assert one_worker.get(f"/v1/batch?{query}&coalesce=1").json()["errors"] == \
        [{"pointer": "/coalesce", "detail": "must be true or false"}]


@pytest.mark.parametrize("where, document", [
    ("/coalesce", {"urls": ["http://a/"], "coalesce": 1}),
    ("/requests/0/coalesce", {"requests": [{"url": "http://a/", "coalesce": "yes"}]}),
])
def test_it_is_true_or_false(gatherd, where, document):
    reply = gatherd.post(document)
    assert reply.status == 400
    assert reply.json()["errors"] == [{"pointer": where, "detail": "must be true or false"}]


# ------------------------------------------------------- together with what else items may ask

def test_with_expectations_each_judges_the_shared_reply_itself(one_worker, upstream):
    key = upstream.new_key()
    url = upstream.url("delay/50", key=key)
    document = one_worker.batch([{"url": url, "expect": {"status": ["4xx"]}}, {"url": url}],
                                coalesce=True)
    judged, plain = document["responses"]
    assert judged["error"]["code"] == "expect_failed" and plain["status"] == 200
    assert coalesced([judged, plain]) == [True, True]
    assert upstream.stats(key)["requests"] == 1


def test_with_retries_a_shared_failure_is_tried_again(one_worker, upstream):
    key = upstream.new_key()
    url = upstream.url("seq", key=key, plan="503,200")
    document = one_worker.batch([{"url": url, "retries": 1}] * 3, coalesce=True)
    assert [reply["status"] for reply in document["responses"]] == [200] * 3
    assert [attempt["status"] for attempt in document["responses"][2]["attempts"]] == [503, 200]
    assert upstream.stats(key)["requests"] <= 1 + 3     # each waits for a time of its own


def test_a_hedge_never_joins_the_call_it_is_to_answer_for(one_worker, upstream):
    key = upstream.new_key()
    url = upstream.url("seq", key=key, plan="hang,200")
    document = one_worker.batch([{"url": url, "hedgeAfterMs": 100}] * 2, coalesce=True)
    assert [reply["status"] for reply in document["responses"]] == [200] * 2
    assert upstream.wait_idle(key, 2)       # nobody waits for the shared call any more
    assert (upstream.stats(key)["requests"], upstream.stats(key)["aborted"]) == (3, 1)


def test_with_a_wait_policy_what_is_not_needed_is_taken_back_once(one_worker, upstream):
    key = upstream.new_key()
    document = one_worker.batch([upstream.url("hang", key=key)] * 3 + [upstream.url("delay/200")],
                                coalesce=True, until="firstDone")
    codes = [reply.get("error", {}).get("code") for reply in document["responses"]]
    assert codes == ["cancelled"] * 3 + [None]
    assert upstream.wait_idle(key, 2)
    assert (upstream.stats(key)["requests"], upstream.stats(key)["aborted"]) == (1, 1)


def test_a_stream_has_a_line_for_each_that_shared(one_worker, upstream):
    key = upstream.new_key()
    reply = one_worker.post({"requests": [upstream.url("delay/50", key=key)] * 5,
                             "coalesce": True}, {"accept": "application/x-ndjson"})
    lines = [json.loads(line) for line in reply.body.splitlines()]
    assert sorted(line["id"] for line in lines[:-1]) == list("01234")
    assert coalesced(lines[:-1]) == [True] * 5 and lines[-1]["summary"]["ok"] == 5
    assert upstream.stats(key)["requests"] == 1
