# SPDX-License-Identifier: Apache-2.0
"""What a batch can ask for, two and more at a time.

Each row is a batch in which the features it names act on one another; it is answered as a
document, as lines and as events, and explained before. A last test holds the rows, and the
pairs named with the file that shows them, against all pairs there are."""
import itertools
import json
from base64 import b64encode
from contextlib import ExitStack

import pytest
from harness import shown
from harness.configuration import options
from harness.gatherd import Gatherd, slowness
from harness.process import free_port, wait_until
from harness.recorder import BODY, Recorder
from harness.stream import EVENTS, NDJSON, Stream

FEATURES = ("ndjson sse until failFast optional onFailure expect retries idempotencyKey hedging "
            "alternatives fallback breaker references forEach coalesce sharedBody sign select "
            "bodyMode responseHeaders explain deadlineHeader concurrency").split()
DEADLINE_HEADER = "X-Time-Left-Ms"
FORMS = {"json": None, "ndjson": NDJSON, "sse": EVENTS}
OK = {"status": 200, "…": "…"}
CANCELLED = {"status": 499, "error": {"code": "cancelled", "…": "…"}, "…": "…"}


@pytest.fixture(scope="module")
def gatherd(tmp_path_factory):
    """A retry budget that never says no, and no kept connections, which are redialled."""
    secret = "whsec_" + b64encode(bytes(range(32))).decode()
    running = Gatherd(tmp_path_factory.mktemp("pairs"), options(
        fetch__retry_budget=100, fetch__keep_alive="0s", fetch__deadline_header=DEADLINE_HEADER,
        breaker__consecutive_failures=3, breaker__open="60s",
        webhooks__secrets=[{"name": "orders", "secret": secret}]))
    yield running
    running.stop()


def codes(attempts):
    return [{"status": step, "…": "…"} if isinstance(step, int) else {"error": step, "…": "…"}
            for step in attempts]


# ------------------------------------------------------------------------------------- rows

def signed_retries(good, _bad):
    """A signed POST of a shared body, tried three times, after what it refers to; only one
    item may run at a time, and the one that waits comes first."""
    batch = {"sharedBody": {"paid": 1e0}, "concurrency": 1, "deadlineMs": 5000, "requests": [
        {"id": "post", "method": "POST", "url": good.url("503,503,200", "post?x={{get.body.text}}"),
         "body": {"$shared": True}, "sign": {"secret": "orders"}, "idempotencyKey": "k-1",
         "retries": 2, "expect": {"status": ["2xx"]}, "select": ["/n"],
         "responseHeaders": ["etag"]},
        {"id": "get", "url": good.url("200", "get")}]}
    answer = {"post": {"status": 200, "headers": {"etag": '"e"'}, "body": {"/n": 3},
                       "bodyEncoding": "json", "bodySelected": True,
                       "attempts": codes([503, 503, 200])},
              "get": OK}

    def upstream():
        sent = [request["headers"] for request in good.sent("post")]
        assert [request["body"] for request in good.sent("post")] == [b'{"paid": 1.0}'] * 3
        assert {request["target"] for request in good.sent("post")} == \
            {"/503,503,200/post?x=a%20b%2F%3F%26%22%C3%A9"}
        assert [headers["idempotency-key"] for headers in sent] == ["k-1"] * 3
        assert len({headers["webhook-id"] for headers in sent}) == 1
        assert all(headers["webhook-signature"].startswith("v1,") for headers in sent)
        left = [int(headers[DEADLINE_HEADER.lower()]) for headers in sent]
        assert 5000 >= left[0] >= left[1] >= left[2] > 0
    return batch, answer, upstream


def enough(good, _bad):
    """Two ok are enough: a hedge that goes to an alternative, and a fallback; what shares a
    call that hangs is taken back with it."""
    hang = {"url": good.url("hang", "shared"), "coalesce": True}
    batch = {"until": {"ok": 2}, "requests": [
        {"id": "hedged", "url": good.url("hang", "first"), "hedgeAfterMs": 60, "coalesce": True,
         "alternatives": [good.url("500", "worse"), good.url("200", "second")],
         "expect": {"status": [200]}, "bodyMode": "none", "responseHeaders": []},
        {"id": "own", "url": good.url("500", "own"), "fallback": {"status": 203, "body": [1]},
         "optional": True, "bodyMode": {"firstBytes": 2}},
        {"id": "a", **hang}, {"id": "b", "optional": True, **hang},
        {"id": "after", "url": good.url("200", "after"), "dependsOn": ["a"]}]}
    answer = {"hedged": {"status": 200, "headers": {}, "bodyBytes": len(json.dumps({"n": 1, **BODY})),
                         "attempts": codes(["cancelled", "expect_failed", 200])},
              "own": {"status": 203, "fallback": True, "body": "[1", "bodyEncoding": "text",
                      "bodyBytes": 3, "bodyTruncated": True, "attempts": codes([500]), "…": "…"},
              "a": CANCELLED, "b": CANCELLED, "after": CANCELLED}

    def upstream():
        assert len(good.sent("shared")) == 1 and not good.sent("after")
        gone = 0.25 * slowness()
        wait_until(lambda: good.aborted["/hang/first"] and good.aborted["/hang/shared"], gone + 1,
                   "both taken back")
    return batch, answer, upstream


def first_failure(good, bad):
    """failFast lets retries, fallbacks and optional items be, and waits for what depends on
    them; the first item that really fails ends the rest."""
    batch = {"failFast": True, "onFailure": "status", "requests": [
        {"id": "hang", "url": good.url("hang", "hang"), "coalesce": True, "hedgeAfterMs": 60000},
        {"id": "again", "url": good.url("503,200", "again"), "retries": 1},
        {"id": "own", "url": good.url("500", "own"), "fallback": {"status": 203}},
        {"id": "may", "url": bad, "optional": True, "alternatives": [bad]},
        {"id": "plain", "url": good.url("200", "plain"), "dependsOn": ["may"]},
        {"id": "takes", "url": good.url("200", "t-{{may.status}}"), "optional": True},
        {"id": "each", "forEach": "{{again.body.list}}", "url": good.url("200", "e-{{item}}"),
         "expect": {"status": [200]}, "retries": 1, "coalesce": True},
        {"id": "post", "method": "POST", "url": good.url("404", "post"), "body": {"$shared": True},
         "sign": {"secret": "orders"}, "idempotencyKey": "k", "expect": {"status": ["2xx"]},
         "select": ["/n"], "dependsOn": ["each", "plain", "own"]}],
        "sharedBody": "s"}
    answer = {"hang": CANCELLED,
              "again": {**OK, "attempts": codes([503, 200])},
              "own": {"status": 203, "fallback": True, "…": "…"},
              "may": {"status": 502, "error": {"code": "connect", "…": "…"},
                      "attempts": codes(["connect", "connect"])},
              "plain": OK,
              "takes": {"status": 424, "error": {"code": "dependency_failed", "…": "…"}},
              "each": {"status": 200, "responses": [OK, OK], "summary": {"ok": 2, "…": "…"}, "…": "…"},
              "post": {"status": 502, "error": {"code": "expect_failed", "upstreamStatus": 404, "…": "…"},
                       "body": {"/n": 1}, "…": "…"}}

    def upstream():
        assert len(good.sent("e-1")) == 1 and len(good.sent("e-2")) == 1
        assert not good.sent("t-")
        assert good.sent("post")[0]["headers"]["webhook-id"]
        wait_until(lambda: good.aborted["/hang/hang"], 1 + slowness(), "taken back")
    return batch, answer, upstream


def open_circuit(good, bad):
    """An origin whose circuit is open is not asked by any of them; who has somewhere else to
    go goes there at once."""
    batch = {"sharedBody": "s", "until": {"ok": 8}, "concurrency": 3, "requests": [
        {"id": "else", "url": bad, "alternatives": [good.url("200", "else")], "hedgeAfterMs": 5000,
         "retries": 2, "select": ["/n"], "responseHeaders": []},
        {"id": "own", "url": bad, "fallback": {"status": 203, "body": {"list": [7]}},
         "expect": {"status": ["2xx"]}, "bodyMode": "sha256"},
        {"id": "same", "url": bad, "coalesce": True}, {"id": "same2", "url": bad, "coalesce": True},
        {"id": "post", "method": "POST", "url": bad, "body": {"$shared": True},
         "sign": {"secret": "orders"}, "idempotencyKey": "k", "retries": 3},
        {"id": "each", "forEach": "{{else.body.list}}", "url": bad + "?{{item}}", "optional": True},
        {"id": "after", "url": good.url("200", "after-{{else.body.n}}"), "dependsOn": ["own"]},
        {"id": "never", "url": good.url("200", "never-{{same.status}}")}]}
    closed = {"status": 503, "error": {"code": "circuit_open", "…": "…"}, "…": "…"}
    failed = {"status": 424, "error": {"code": "dependency_failed", "…": "…"}, "…": "…"}
    answer = {"else": {"status": 200, "headers": {}, "body": {"/n": 1}, "bodySelected": True,
                       "bodyEncoding": "json", "attempts": codes(["circuit_open", 200])},
              "own": {"status": 203, "fallback": True, "bodySha256": "…",
                      "attempts": codes(["circuit_open"]), "…": "…"},
              "same": closed, "same2": closed, "post": closed,
              "each": {**failed, "responses": [closed, closed]},
              "after": OK, "never": failed}

    def upstream():
        assert len(good.sent("else")) == 1 and len(good.sent("after-1")) == 1
        assert good.sent("after-1")[0]["headers"][DEADLINE_HEADER.lower()]
        assert not good.sent("never")
    return batch, answer, upstream


def circuit_fails_fast(good, bad):
    """What the upstream said before is shown as small as asked; a circuit that is open ends
    the batch, and gives it its status."""
    batch = {"failFast": True, "onFailure": "status", "concurrency": 2, "requests": [
        {"id": "first", "url": good.url("200", "first"), "bodyMode": "sha256", "responseHeaders": [],
         "idempotencyKey": "k", "retries": 1},
        {"id": "hang", "url": good.url("hang", "hang"), "coalesce": True, "bodyMode": "none"},
        {"id": "out", "url": bad, "dependsOn": ["first"], "hedgeAfterMs": 5000},
        {"id": "last", "url": good.url("200", "last"), "dependsOn": ["hang"]}]}
    answer = {"first": {"status": 200, "headers": {}, "bodySha256": "…", "…": "…"},
              "hang": CANCELLED,
              "out": {"status": 503, "error": {"code": "circuit_open", "…": "…"}},
              "last": CANCELLED}

    def upstream():
        assert int(good.sent("first")[0]["headers"][DEADLINE_HEADER.lower()]) > 0
        assert len(good.sent("hang")) <= 1 and not good.sent("last")
    return batch, answer, upstream


def small_children(good, _bad):
    """References see a whole reply of which nothing is shown; children are small answers,
    each judged, retried and shared for itself."""
    batch = {"defaults": {"coalesce": True, "responseHeaders": ["x-other"]}, "concurrency": 2,
             "sharedBody": "s", "until": {"ok": 3}, "requests": [
        {"id": "none", "url": good.url("200", "none"), "bodyMode": "none"},
        {"id": "each", "forEach": "{{none.body.codes}}", "as": "code", "optional": True,
         "url": good.url("{{code}}", "child"), "expect": {"status": ["2xx"]}, "select": ["/n", "/no"],
         "fallback": {"status": 203, "headers": {"x-other": "f", "x-more": "m"}, "body": {"n": "f"}},
         "retries": 1, "hedgeAfterMs": 5000},
        {"id": "signed", "forEach": "{{none.body.list}}", "method": "POST",
         "url": good.url("200", "signed?{{item}}"), "body": {"$shared": True},
         "sign": {"secret": "orders"}, "bodyMode": {"firstBytes": 1}}]}
    small = {"status": 200, "headers": {"x-other": "o"}, "…": "…"}
    answer = {"none": {"status": 200, "headers": {"x-other": "o"}, "bodyBytes": "…"},
              "each": {"status": 200, "responses": [
                  {**small, "body": {"/n": 1}},
                  {"status": 203, "headers": {"x-other": "f"}, "fallback": True, "body": {"/n": "f"},
                   "…": "…"}], "…": "…"},
              "signed": {"status": 200, "responses": [{**small, "body": "{", "bodyTruncated": True}] * 2,
                         "…": "…"}}

    def upstream():
        ids = [request["headers"]["webhook-id"] for request in good.sent("signed")]
        assert len(ids) == 2 == len(set(ids))
        assert {request["body"] for request in good.sent("signed")} == {b"s"}
        assert len(good.sent("child")) == 2, "500 is not among what is sent again"
    return batch, answer, upstream


ROWS = {
    signed_retries: "retries idempotencyKey expect sharedBody sign select responseHeaders references "
                    "deadlineHeader concurrency",
    enough: "until hedging alternatives expect fallback optional coalesce bodyMode responseHeaders "
            "references",
    first_failure: "failFast onFailure retries fallback optional references forEach expect hedging coalesce "
                   "alternatives sign sharedBody idempotencyKey select",
    open_circuit: "breaker alternatives fallback retries hedging coalesce sign sharedBody "
                  "idempotencyKey references forEach select bodyMode responseHeaders expect until "
                  "concurrency optional deadlineHeader",
    circuit_fails_fast: "failFast onFailure concurrency bodyMode responseHeaders idempotencyKey "
                        "retries coalesce references hedging breaker deadlineHeader",
    small_children: "references forEach bodyMode responseHeaders select expect fallback retries coalesce "
                    "concurrency sharedBody sign hedging until optional",
}


def ask(gatherd, batch, form):
    """(outer status, responses by id, summary)"""
    if FORMS[form] is None:
        reply = gatherd.post(batch)
        document = reply.json()
        return reply.status, document["responses"], document["summary"]
    with Stream(gatherd, batch, FORMS[form]) as stream:
        responses, summary = stream.read_all()
    assert stream.ended is True
    return 200, responses, summary


def open_its_circuit(gatherd, recorder):
    for _ in range(3):
        assert gatherd.fetch({"url": recorder.url("503")})["status"] == 503


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.__name__)
def test_they_go_together(gatherd, row, form):
    with ExitStack() as stack:
        good = stack.enter_context(Recorder())
        broken = stack.enter_context(Recorder())
        bad = f"http://127.0.0.1:{free_port()}/"
        if "breaker" in ROWS[row]:
            open_its_circuit(gatherd, broken)
            bad = broken.url("200")
        before = len(broken.requests)
        batch, answer, upstream = row(good, bad)
        explained = gatherd.request("POST", "/v1/explain", json.dumps(batch).encode(),
                                    {"content-type": "application/json"})
        assert explained.status == 200, explained
        assert [item["id"] for item in explained.json()["items"]] == list(answer)
        assert not good.requests, "explained, not sent"
        if form != "json":
            batch.pop("onFailure", None)    # refused: see below
        status, responses, summary = ask(gatherd, batch, form)
        assert sorted(item["id"] for item in responses) == sorted(answer), "exactly one of each"
        if form == "json":
            assert [item["id"] for item in responses] == list(answer)
        wrong = [line for item in responses for line in
                 shown.differences({**answer[item["id"]], "id": item["id"], "…": "…"}, item, item["id"])]
        assert not wrong, "\n".join(wrong)
        assert summary["total"] == len(answer)
        assert summary["complete"] is (row in (signed_retries, enough, small_children))
        assert status == ({first_failure: 502, circuit_fails_fast: 503}.get(row, 200)
                          if form == "json" else 200)
        assert len(broken.requests) == before
        upstream()


REFUSED = {
    ("onFailure", "ndjson"): ({"onFailure": "status"}, {}, NDJSON, "/onFailure"),
    ("onFailure", "sse"): ({"onFailure": "status"}, {}, EVENTS, "/onFailure"),
    ("select", "bodyMode"): ({}, {"select": ["/a"], "bodyMode": "none"}, None, "/requests/1"),
    ("idempotencyKey", "forEach"): ({}, {"forEach": "{{a.body}}", "method": "POST",
                                         "idempotencyKey": "k"}, None, "/requests/1"),
}


@pytest.mark.parametrize("pair", REFUSED, ids="-".join)
def test_what_cannot_go_together_is_refused(gatherd, pair):
    more, item, accept, pointer = REFUSED[pair]
    with Recorder() as good:
        batch = {"requests": [{"id": "a", "url": good.url("200")},
                              {"url": good.url("200"), **item}], **more}
        reply = gatherd.post(batch, headers={"accept": accept} if accept else None)
        assert reply.status == 400 and not good.requests
        errors = reply.json().get("errors", [{"pointer": pointer}])
        assert all(error["pointer"].startswith(pointer) for error in errors), errors


BESIDE = {
    "test_wait.py": "until failFast optional onFailure concurrency",
    "test_attempts_meet.py": "until failFast retries hedging alternatives fallback expect coalesce "
                             "breaker concurrency",
}
APART = {
    ("ndjson", "sse"): "a reply has one form",
    ("explain", "ndjson"): "an explanation is one document",
    ("explain", "sse"): "an explanation is one document",
}


def pairs_of(features):
    return {frozenset(pair) for pair in itertools.combinations(features, 2)}


def test_every_pair_that_can_meet_is_shown():
    covered = {frozenset(pair) for pair in [*REFUSED, *APART]}
    for row, features in ROWS.items():
        names = [*features.split(), "explain"]
        assert set(names) <= set(FEATURES)
        covered |= pairs_of(names)
        covered |= {frozenset((form, name)) for form in ("ndjson", "sse") for name in names}
    for names in BESIDE.values():
        covered |= pairs_of(names.split())
    missing = pairs_of(FEATURES) - covered
    assert not missing, sorted("-".join(sorted(pair)) for pair in missing)
