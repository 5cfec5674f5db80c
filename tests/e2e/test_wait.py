# SPDX-License-Identifier: Apache-2.0
"""Wait policies: until, failFast, optional, onFailure; and that what is no longer needed is
really given up, as the upstream sees it."""
import itertools
import json
import time
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

import pytest
from harness.configuration import options
from harness.contract import CODE_STATUS, check_batch_reply
from harness.gatherd import slowness
from harness.process import wait_until
from harness.quickest import within

CANCEL_MS = 250
"""From the reply to the last upstream connection closed, as the upstream sees it."""


def codes_of(document):
    return [item.get("error", {}).get("code", "ok") for item in document["responses"]]


# ------------------------------------------------- every policy, every story of three items

STEP_MS = 100
"""Item i is done i steps after the start; one that hangs, at the deadline."""
DEADLINE_MS = 700
POLICIES = [({}, None, False), ({"failFast": True}, None, True),
            ({"until": "firstDone"}, "done", False), ({"until": "firstOk"}, 1, False),
            ({"until": "firstOk", "failFast": True}, 1, True), ({"until": {"ok": 2}}, 2, False),
            ({"until": {"ok": 2}, "failFast": True}, 2, True)]
OUTCOMES = ["ok", "fails", "fails, optional", "hangs"]


def expected(outcomes, until, fail_fast):
    """The codes, complete, and the status with onFailure, by the words of the contract."""
    codes, ended, ok = [None] * len(outcomes), False, 0
    for index, outcome in enumerate(outcomes):
        if ended or outcome == "hangs":
            continue
        codes[index] = "ok" if outcome == "ok" else "truncated"
        ok += outcome == "ok"
        ended = until == "done" or ok == until or (fail_fast and outcome == "fails")
    codes = [code or ("cancelled" if ended else "deadline") for code in codes]
    required = [code for code, outcome in zip(codes, outcomes) if "optional" not in outcome]
    if until is None:
        complete = all(code == "ok" for code in required)
    elif until == "done":
        complete = next((code for code in codes if code in ("ok", "truncated")), "") == "ok"
    else:
        complete = ok >= until
    telling = [code for code in [*required, *codes] if code not in ("ok", "cancelled")]
    status = 200 if complete else CODE_STATUS[telling[0]] if telling else 499
    return codes, complete, status


def story_items(upstream, outcomes):
    for index, outcome in enumerate(outcomes):
        path = {"ok": "delay", "hangs": "hang"}.get(outcome, "late-cut")
        item = {"url": upstream.url(f"{path}/{index * STEP_MS}")}
        yield {**item, "optional": True} if "optional" in outcome else item


def test_every_policy_with_every_story_of_three_items(start_gatherd, upstream):
    gatherd = start_gatherd()
    rows = list(itertools.product(POLICIES, itertools.product(OUTCOMES, repeat=3)))

    def run(number):
        (policy, until, fail_fast), outcomes = rows[number]
        codes, complete, status = expected(outcomes, until, fail_fast)
        by_status = {"onFailure": "status"} if number % 2 else {}
        reply = gatherd.post({"requests": list(story_items(upstream, outcomes)),
                              "deadlineMs": DEADLINE_MS, **policy, **by_status})
        try:
            document = check_batch_reply(reply, ["0", "1", "2"], status if by_status else 200)
        except AssertionError as fault:
            return False, (policy, outcomes, str(fault))
        return (codes_of(document), document["summary"]["complete"]) == (codes, complete), \
            (policy, outcomes, codes_of(document), document["summary"])
    with ThreadPoolExecutor(24) as pool:
        results = list(pool.map(run, range(len(rows))))
    # A step is short, and the machine busy with all of them: a row that is wrong is asked again
    # alone, as what the service has wrong it has wrong each time.
    again = [number for number, (is_right, _) in enumerate(results) if not is_right]
    assert len(again) <= 10, [results[number] for number in again[:5]]
    wrong = [told for is_right, told in map(run, again) if not is_right]
    assert not wrong, f"{len(wrong)} of {len(rows)}: {wrong[:5]}"


def test_messages_say_why_and_where_it_was(gatherd, upstream):
    document = gatherd.batch([upstream.url("hang"), {"id": "b", "url": upstream.url("delay/200")}],
                             until="firstOk")
    assert document["responses"][0]["error"] == {
        "code": "cancelled", "retryable": True,
        "message": 'not needed any more: item "b" was ok first; this one was waiting for the '
                   'first byte'}
    document = gatherd.batch([upstream.url("hang"), {"id": "é", "url": "ftp://x/"}],
                             failFast=True)
    assert document["responses"][0]["error"]["message"].startswith(
        'not needed any more: item "é" failed and "failFast" is set; this one was ')


def test_a_number_that_cannot_be_reached_any_more_is_no_reason_to_stop(gatherd, upstream):
    document = gatherd.batch(["ftp://x/", "ftp://y/", upstream.url("delay/200")],
                             until={"ok": 2})
    assert codes_of(document)[2] == "ok" and document["summary"]["ok"] == 1
    assert not document["summary"]["complete"]


def test_an_upstreams_500_is_no_failure(gatherd, upstream):
    document = gatherd.batch([upstream.url("status/500"), upstream.url("hang")], until="firstOk",
                             failFast=True)
    assert codes_of(document) == ["ok", "cancelled"] and document["summary"]["complete"]


def test_a_query_says_the_same(gatherd, upstream):
    def get(*urls, **arguments):
        query = urllib.parse.urlencode([*(("url", url) for url in urls), *arguments.items()])
        return gatherd.get(f"/v1/batch?{query}")
    fast, slow = upstream.url("ok"), upstream.url("hang")
    reply = get(slow, fast, fast, until="ok:2")
    assert codes_of(check_batch_reply(reply, "012")) == ["cancelled", "ok", "ok"]
    reply = get("ftp://x/", slow, failFast="true", onFailure="status")
    assert codes_of(check_batch_reply(reply, "01", 403))[1] == "cancelled"
    assert get(fast, until="ok:2").status == 400


def test_a_policy_that_is_none_is_refused_before_anything_is_sent(gatherd, upstream):
    key = upstream.new_key()
    url = upstream.url("ok", key=key)
    for wrong in ({"until": {"ok": 2}}, {"until": "any"}, {"failFast": "yes"},
                  {"onFailure": "500"}):
        reply = gatherd.post({"urls": [url], **wrong})
        assert reply.status == 400, wrong
        assert reply.json()["errors"][0]["pointer"].split("/")[1] in wrong
    assert upstream.stats(key)["requests"] == 0


# ------------------------------------------------------------------------------ streamed

def test_a_stream_ends_with_its_policy_too(gatherd, upstream):
    reply = gatherd.post({"requests": [upstream.url("hang"), upstream.url("delay/50"),
                                       upstream.url("hang")], "until": "firstOk"},
                         {"accept": "application/x-ndjson"})
    *lines, last = [json.loads(line) for line in reply.body.splitlines()]
    assert [(line["id"], line["status"]) for line in lines] == [("1", 200), ("0", 499), ("2", 499)]
    assert last["summary"]["complete"] and last["summary"]["failed"] == 2


def test_a_stream_has_no_status_to_tell_failures_by(gatherd, upstream):
    key = upstream.new_key()
    reply = gatherd.post({"urls": [upstream.url("ok", key=key)], "onFailure": "status"},
                         {"accept": "application/x-ndjson"})
    assert reply.status == 400 and reply.json()["errors"][0]["pointer"] == "/onFailure"
    assert upstream.stats(key)["requests"] == 0


# ------------------------------------------------------------ as the upstream sees it

@pytest.mark.parametrize("path", ["hang", "hang-mid", "drip?ms=50"])
@pytest.mark.parametrize("policy", [{"until": "firstDone"}, {"until": "firstOk"},
                                    {"until": {"ok": 2}}, {"failFast": True}],
                         ids=lambda policy: json.dumps(policy))
def test_what_is_no_longer_needed_is_closed_upstream(gatherd, upstream, policy, path):
    def closed_s():
        key = upstream.new_key()
        last, gate = upstream.gate(**{"cut": 1} if "failFast" in policy else {})
        items = [upstream.url(path, key=key)] * 50 + [upstream.url("ok")] * (
            "failFast" in policy or "ok" in policy["until"]) + [last]
        with ThreadPoolExecutor(1) as pool:
            reply = pool.submit(gatherd.batch, items, **policy)
            wait_until(lambda: upstream.stats(key)["in_flight"] == 50, 8, "50 in flight")
            upstream.open(gate)
            document, replied_at = reply.result(), time.monotonic()
        assert upstream.wait_idle(key, 3), "some are open after 3 s"
        took_s = time.monotonic() - replied_at
        assert codes_of(document)[:50] == ["cancelled"] * 50
        assert upstream.stats(key)["aborted"] == 50
        return took_s
    within(CANCEL_MS * slowness() / 1000, closed_s)


def test_what_waits_for_the_batchs_own_turn_is_never_sent(gatherd, upstream):
    key = upstream.new_key()
    first, gate = upstream.gate(key=key)
    items = [first] + [upstream.url("hang", key=key)] * 40
    with ThreadPoolExecutor(1) as pool:
        reply = pool.submit(gatherd.batch, items, until="firstOk", concurrency=5)
        wait_until(lambda: upstream.stats(key)["in_flight"] == 5, 5, "5 in flight")
        upstream.open(gate)
        document = reply.result()
    assert codes_of(document) == ["ok"] + ["cancelled"] * 40
    assert upstream.wait_idle(key, 3)
    time.sleep(0.1)
    assert upstream.stats(key) == {**upstream.stats(key), "requests": 5, "aborted": 4}


def test_what_waits_for_a_slot_is_never_sent_however_much_it_is(start_gatherd, upstream):
    """The one slot comes free with the reply that ends the batch, and the thousands that wait
    for it are given up in many turns."""
    gatherd = start_gatherd(options(server__workers=1, fetch__per_origin=1,
                                    batch__max_items=10000))
    key = upstream.new_key()
    items = [upstream.url("delay/300", key=key)] + [upstream.url("ok", key=key)] * 5000
    document = gatherd.batch(items, until="firstDone")
    assert document["summary"]["ok"] == 1 and document["summary"]["complete"]
    time.sleep(0.2)
    assert upstream.stats(key)["requests"] == 1


def test_ten_thousand_end_with_the_first_that_is_ok(start_gatherd, upstream):
    gatherd = start_gatherd(options(server__workers=1, batch__max_items=10000))
    key = upstream.new_key()
    hanging = upstream.url("hang", key=key)
    document = gatherd.batch([upstream.url("ok")] + [hanging] * 9999, until="firstOk", include=[])
    assert document["summary"]["failed"] == 9999 and document["summary"]["complete"]
    assert document["summary"]["elapsedMs"] < 5000, "it waited for what hangs, ten seconds"
    assert upstream.wait_idle(key, 3 * slowness())
    assert upstream.stats(key)["requests"] < 1000
