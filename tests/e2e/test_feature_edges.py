# SPDX-License-Identifier: Apache-2.0
"""Where what a batch can ask for meets at its edges: a reader that is behind, one item at a
time, a circuit's probe that is taken back, retries of the configuration, an egress policy that
only reports, a timer and a deadline at once."""
import base64
import hashlib
import hmac
import json
import time

import pytest
from harness.attempts import shown
from harness.configuration import options
from harness.contract import check_batch_reply
from harness.gatherd import Gatherd, slowness
from harness.process import free_port, wait_until
from harness.recorder import Recorder
from harness.stream import NDJSON, Stream

SECRET = bytes(range(32))
SIGNING = {"webhooks": {"secrets": [
    {"name": "orders", "secret": "whsec_" + base64.b64encode(SECRET).decode()}]}}
FALLBACK = {"status": 203, "body": {"spare": 1}}


@pytest.fixture(scope="module")
def trying(tmp_path_factory):
    """Everything is tried again, from the configuration."""
    gatherd = Gatherd(tmp_path_factory.mktemp("trying"), SIGNING, options(
        fetch__retries=2, fetch__retry_budget=100, fetch__keep_alive="0s"))
    yield gatherd
    gatherd.stop()


@pytest.fixture
def good():
    with Recorder() as recorder:
        yield recorder


def run(gatherd, items, **more):
    ids = [item["id"] if isinstance(item, dict) and "id" in item else str(n)
           for n, item in enumerate(items)]
    return check_batch_reply(gatherd.post({"requests": items, **more}), ids)["responses"]


def code(item):
    return item.get("error", {}).get("code")


def is_signed(request):
    headers = request["headers"]
    text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + request["body"]
    right = base64.b64encode(hmac.new(SECRET, text, hashlib.sha256).digest()).decode()
    return headers["webhook-signature"] == f"v1,{right}"


def answers_of(gatherd, document, accept):
    """By their ids, of which each is there once."""
    reply = gatherd.post(document, {"accept": accept})
    lines = [json.loads(line) for line in reply.body.splitlines()][:-1] if accept == NDJSON \
        else reply.json()["responses"]
    answers = {line["id"]: line for line in lines}
    assert len(answers) == len(lines) == len(document["requests"])
    return answers


FORMS = pytest.mark.parametrize("accept", ["application/json", NDJSON])


# --------------------------------------------------------------- a reader that is behind

def gives(upstream, value):
    text = base64.urlsafe_b64encode(json.dumps(value).encode()).decode()
    return upstream.url("body", b64=text, type="application/json")


def needing(url, kind):
    """600 items that need `first`, or each other, and answer with 100 KB."""
    chain = [{"id": f"i{n}", "url": url, "dependsOn": [f"i{n - 40}"] if n >= 40 else ["first"]}
             for n in range(600)]
    one = {"dependsOn": {"dependsOn": ["first"]}, "chains": None, "plain": {},
           "header": {"headers": {"x-a": "{{first.body.t}}"}},
           "url": {"url": url + "&t={{first.body.t}}"},
           "signed": {"dependsOn": ["first"], "sign": {"secret": "orders"}, "retries": 1}}[kind]
    return chain if one is None else [{"url": url, **one}] * 600


@pytest.mark.parametrize("kind", ["plain", "dependsOn", "header", "url", "signed", "chains"])
def test_a_reader_that_is_behind_holds_up_what_needs_others_as_well(start_gatherd, upstream, kind):
    """60 MB in 20 MiB: what only waits to be sent is taken back, and sent when it is read."""
    gatherd = start_gatherd(SIGNING, options(batch__reply_max_bytes="20MiB", server__workers=1,
                                             batch__deadline="100s",
                                             fetch__per_origin=64))     # what runs is held as well
    key = upstream.new_key()
    items = needing(upstream.url("bytes/100000", key=key), kind)
    first = {"id": "first", "url": gives(upstream, {"t": "x"})}
    with Stream(gatherd, {"requests": [*items, first], "include": ["body"]},
                timeout=30) as stream:
        wait_until(lambda: upstream.stats(key)["requests"] > 20, 15, "the first of them")
        seen = None
        while seen != (seen := upstream.stats(key)["requests"]):
            time.sleep(0.15 * slowness())
        assert seen < 450, "the reader has not been waited for"
        responses, summary = stream.read_all()
    assert (summary["total"], summary["ok"]) == (601, 601), summary
    assert len({response["id"] for response in responses}) == len(responses) == 601
    assert upstream.stats(key)["requests"] == 600


# ------------------------------------------------------------------------- one at a time

@FORMS
@pytest.mark.parametrize("more", [{}, {"failFast": True}, {"until": {"ok": 6}}], ids=str)
def test_one_at_a_time_in_the_worst_order_comes_to_an_end(trying, good, more, accept):
    items = [{"id": "last", "url": good.url("200", "last"), "dependsOn": ["each", "none"]},
             {"id": "each", "forEach": "{{list.body.codes}}", "url": good.url("{{item}}", "each"),
              "fallback": FALLBACK},
             {"id": "none", "forEach": "{{list.body.list}}", "url": good.url("503,200", "n{{item}}")},
             {"id": "hedged", "url": good.url("503,200", "h-{{list.status}}"), "hedgeAfterMs": 5000},
             {"id": "may", "url": f"http://127.0.0.1:{free_port()}/", "optional": True,
              "dependsOn": ["list"], "retries": 0},
             {"id": "list", "url": good.url("503,200", "list")},
             {"id": "end", "url": good.url("200", "end"), "dependsOn": ["may", "last"]}]
    answers = answers_of(trying, {"requests": items, "concurrency": 1, "deadlineMs": 8000, **more},
                         accept)
    assert {name: answer["status"] for name, answer in answers.items()} == {
        **dict.fromkeys(answers, 200), "may": 502}
    assert [child["status"] for child in answers["each"]["responses"]] == [200, 203]
    assert [shown(child) for child in answers["none"]["responses"]] == [[503, 200]] * 2
    if accept == NDJSON:
        order = list(answers)
        assert order[0] == "list" and order[-2:] == ["last", "end"], order


# ------------------------------------------------------- retries that the operator wants

def test_what_the_configuration_tries_again_is_filled_in_signed_and_counted(trying, good):
    items = [{"id": "list", "url": good.url("503,200", "list")},
             {"id": "put", "method": "PUT", "url": good.url("503,503,200", "put-{{list.body.n}}"),
              "body": {"n": "{{list.body.n}}"}, "sign": {"secret": "orders"}},
             {"id": "each", "forEach": "{{list.body.list}}", "method": "PUT", "body": "{{item}}",
              "url": good.url("503,200", "each-{{item}}"), "sign": {"secret": "orders"}},
             {"id": "post", "method": "POST", "url": good.url("503,200", "post"),
              "dependsOn": ["put"]},
             {"id": "not", "url": good.url("503,200", "not"), "retries": 0}]
    answers = dict(zip("list put each post not".split(), run(trying, items)))
    assert [answers[name]["status"] for name in answers] == [200, 200, 200, 503, 503], answers
    assert [shown(answers[name]) for name in ("list", "put", "post", "not")] == \
        [[503, 200], [503, 503, 200], [], []]
    assert [shown(child) for child in answers["each"]["responses"]] == [[503, 200]] * 2
    assert [request["body"] for request in good.sent("put-2")] == [b'{"n": 2}'] * 3
    assert all(is_signed(request) for name in ("put", "each") for request in good.sent(name))
    assert [len({request["headers"]["webhook-id"] for request in good.sent(name)})
            for name in ("put", "each-1", "each-2", "each")] == [1, 1, 1, 2]


def test_both_of_a_hedge_are_signed_as_one_message(trying, good):
    item = {"url": good.url("hang", "a"), "hedgeAfterMs": 30, "sign": {"secret": "orders"},
            "alternatives": [good.url("200", "b")]}
    assert run(trying, [item])[0]["status"] == 200
    wait_until(lambda: good.aborted["/hang/a"], 2, "the loser to be taken back")
    assert len(good.requests) == 2 and all(is_signed(request) for request in good.requests)
    assert len({request["headers"]["webhook-id"] for request in good.requests}) == 1


@FORMS
def test_at_the_deadline_what_was_tried_again_tells_its_attempts(trying, good, accept):
    """A child's too, also of what has a fallback; what waits for them was never sent."""
    items = [{"id": "own", "url": good.url("503,hang", "own"), "fallback": FALLBACK},
             {"id": "list", "url": good.url("200", "list")},
             {"id": "each", "forEach": "{{list.body.list}}", "url": good.url("503,hang", "{{item}}")},
             {"id": "after", "url": good.url("200", "after"), "dependsOn": ["each"]}]
    answers = answers_of(trying, {"requests": items, "deadlineMs": int(700 * slowness())}, accept)
    assert answers["own"]["fallback"] and shown(answers["own"]) == [503, "deadline"]
    assert [(code(child), shown(child)) for child in answers["each"]["responses"]] == \
        [("deadline", [503, "deadline"])] * 2
    assert code(answers["each"]) == code(answers["after"]) == "deadline"
    assert not good.sent("after")


# ------------------------------------------------------------------ a circuit's one probe

@pytest.mark.parametrize("how", ["failFast", "firstOk", "hedge", "deadline", "child"])
def test_a_probe_that_is_taken_back_makes_room_for_the_next(start_gatherd, good, how):
    """Of a circuit that is half open; not one is left that nobody waits for."""
    gatherd = start_gatherd(options(breaker__consecutive_failures=2, breaker__open="200ms",
                                    fetch__retry_budget=100, server__workers=1))
    with Recorder() as broken:
        for _ in range(2):
            gatherd.fetch(broken.url("503", "out"))
        wait_until(lambda: "gatherd_circuits_half_open 1\n" in gatherd.metrics(), 5, "half open")
        probe, late = broken.url("hang", "probe"), {"url": good.url("404", "x"), "dependsOn": ["w"]}
        wait = {"id": "w", "url": good.url("200", "w")}
        items, more = {
            "failFast": ([probe, wait, {**late, "expect": {"status": [200]}}], {"failFast": True}),
            "firstOk": ([probe, {"url": good.url("503,200", "w"), "retries": 1}],
                        {"until": "firstOk"}),
            "hedge": ([{"url": probe, "hedgeAfterMs": 80, "alternatives": [good.url("200", "h")]}],
                      {}),
            "deadline": ([probe], {"deadlineMs": 400}),
            "child": ([wait, {"forEach": "{{w.body.list}}", "url": probe + "{{item}}"}],
                      {"deadlineMs": int(400 * slowness())}),
        }[how]
        answers = run(gatherd, items, **more)
        is_two = how == "child"    # one of which probes
        assert json.dumps(answers).count('"code": "circuit_open"') == is_two
        assert len(broken.sent("probe")) <= 1
        assert gatherd.fetch(broken.url("200", "again"))["status"] == 200
        assert run(gatherd, [broken.url("200", f"n{n}") for n in range(5)])[4]["status"] == 200


# ------------------------------------------------------------- a policy that only reports

def test_what_a_policy_only_reports_is_fetched_whoever_leads_there(start_gatherd, good):
    """And what it never opens stays shut to values, children, alternatives and hedges."""
    gatherd = start_gatherd({"egress": {"mode": "report", "private_addresses": "deny"}})
    shut = "http://169.254.169.254/latest"
    answers = run(gatherd, [
        {"id": "list", "url": good.url("200", "list")},
        good.url("200", "v-{{list.body.n}}"),
        {"forEach": "{{list.body.list}}", "url": good.url("200", "e-{{item}}")},
        {"url": shut, "alternatives": [good.url("200", "alt")]},
        {"url": good.url("500", "bad"), "alternatives": [shut]},
        {"url": shut, "hedgeAfterMs": 1, "retries": 2, "fallback": FALLBACK}])
    assert [answer["status"] for answer in answers] == [200, 200, 200, 200, 403, 203]
    assert shown(answers[3]) == ["blocked_address", 200]
    assert shown(answers[4]) == [500, "blocked_address"]
    assert shown(answers[5]) == ["blocked_address"], "what is refused is not tried again"


# ------------------------------------------------------------------- what is left as it is

def test_braces_where_no_references_go_are_left_as_they_are(trying, good):
    answers = run(trying, [
        {"id": "a", "url": good.url("200", "a")},
        {"url": good.url("500", "b"), "idempotencyKey": "{{a.status}}", "dependsOn": ["a"],
         "fallback": {"headers": {"x": "{{a.status}}"}, "body": {"v": "{{a.status}}"}}},
        {"method": "POST", "url": good.url("200", "shared"), "body": {"$shared": True}}],
        sharedBody={"v": "{{a.status}}"})
    assert answers[1]["body"] == {"v": "{{a.status}}"}
    assert answers[1]["headers"]["x"] == "{{a.status}}"
    assert good.sent("b")[0]["headers"]["idempotency-key"] == "{{a.status}}"
    assert good.sent("shared")[0]["body"] == b'{"v": "{{a.status}}"}'


def test_a_fallback_stands_in_for_an_item_whose_source_failed_and_feeds_the_next(trying, good):
    dead = {"id": "dead", "url": f"http://127.0.0.1:{free_port()}/", "optional": True}
    answers = run(trying, [dead, {"id": "own", "url": good.url("200", "{{dead.status}}"),
                                  "fallback": FALLBACK},
                           good.url("200", "last-{{own.body.spare}}")], failFast=True)
    assert [answer["status"] for answer in answers] == [502, 203, 200]
    assert [request["target"] for request in good.requests] == ["/200/last-1"]


def test_equal_requests_made_of_values_share_one_call_and_signed_ones_do_not(start_gatherd, good):
    gatherd = start_gatherd(SIGNING, options(server__workers=1))
    shared = {"url": good.url("200", "same-{{a.body.n}}"), "coalesce": True}
    answers = run(gatherd, [{"id": "a", "url": good.url("200", "a")}, shared, shared,
                            {**shared, "sign": {"secret": "orders"}}])
    assert [answer.get("coalesced", False) for answer in answers] == [False, True, True, False]
    assert len(good.sent("same-1")) == 2
