# SPDX-License-Identifier: Apache-2.0
"""Items that need others: dependsOn, and values of one reply in the request of another.  What
the upstream was really sent is the proof."""
import base64
import json
import time
from urllib.parse import unquote

import pytest
from harness.contract import check_batch_reply
from harness.gatherd import slowness


def gives(upstream, value, kind="application/json", **query):
    """The URL of a reply with that body."""
    text = value if isinstance(value, str) else json.dumps(value)
    encoded = base64.urlsafe_b64encode(text.encode()).decode()
    return upstream.url("body", b64=encoded, type=kind, **query)


def run(gatherd, items, **options):
    reply = gatherd.post({"requests": items, **options})
    ids = [item.get("id", str(n)) if isinstance(item, dict) else str(n)
           for n, item in enumerate(items)]
    return check_batch_reply(reply, ids)["responses"]


def sent(item):
    """What arrived at the echo."""
    assert item["status"] == 200, item
    return item["body"]


def header(seen, name):
    return [value for key, value in seen["headers"] if key.lower() == name]


VALUES = {"s": "x", "n": 1, "big": 12345678901234567890, "odd": "a/b?c#d&e=f%2f ü",
          "o": {"k": [1, None]}, "t": True, "z": None, "list": [{"id": 7}], "dots": "..",
          "crlf": "a\r\nx-evil: 1", "empty": "", "a.b": "dot"}


@pytest.fixture(scope="module")
def source(upstream):
    return {"id": "a", "url": gives(upstream, VALUES)}


@pytest.mark.parametrize("path, target", [
    ("/{{a.body.s}}/y", "/x/y"),
    ("/{{a.body.odd}}", "/a%2Fb%3Fc%23d%26e%3Df%252f%20%C3%BC"),
    ("?q={{a.body.odd}}&r={{a.status}}", "?q=a%2Fb%3Fc%23d%26e%3Df%252f%20%C3%BC&r=200"),
    ("/{{a.body.list[0].id}}/{{a.body.t}}", "/7/true"),
    ("/{{ a.body[\"a.b\"] }}", "/dot"),
    ("?q={{a.headers.content-type}}", "?q=application%2Fjson"),
    ("/{{a.body.big}}", "/12345678901234567890"),
    ("/{{{{a}}", "/{{a}}"),
])
def test_a_value_keeps_its_place_in_the_url(gatherd, upstream, source, path, target):
    answer = run(gatherd, [source, upstream.url("echo") + path])[1]
    assert sent(answer)["target"] == "/echo" + target


def test_values_in_headers_and_bodies_keep_their_types(gatherd, upstream, source):
    body = {"n": "{{a.body.n}}", "o": "{{a.body.o}}", "text": "s={{a.body.s}} {{{{",
            "{{a.body.s}}": ["{{a.body.z}}", "{{a.body.big}}"], "status": "{{a.status}}"}
    answer = run(gatherd, [source, {"url": upstream.url("echo"), "method": "POST", "body": body,
                                    "headers": {"x-odd": "v {{a.body.odd}}"}}])[1]
    seen = sent(answer)
    assert json.loads(seen["bodyText"]) == {
        "n": 1, "o": {"k": [1, None]}, "text": "s=x {{", "status": 200,
        "{{a.body.s}}": [None, 12345678901234567890]}
    assert "12345678901234567890" in seen["bodyText"]
    value = header(seen, "x-odd")[0]
    assert value.encode("latin-1").decode() == "v " + VALUES["odd"]
    assert header(seen, "content-type") == ["application/json"]


@pytest.mark.parametrize("item, text, kind", [
    ({"body": "{{a.body.o}}"}, '{"k": [1, null]}', ["application/json"]),
    ({"body": "{{a.body.s}}"}, "x", []),
    ({"body": "n={{a.body.n}}"}, "n=1", []),
    ({"body": "{{a.body.n}}", "bodyEncoding": "text"}, "1", []),
    ({"body": "v={{a.body.odd}}&w=1",
      "headers": {"content-type": "application/x-www-form-urlencoded"}},
     "v=a%2Fb%3Fc%23d%26e%3Df%252f%20%C3%BC&w=1", ["application/x-www-form-urlencoded"]),
    ({"body": "{{a.body.o}}", "references": False}, "{{a.body.o}}", []),
])
def test_bodies_of_text(gatherd, upstream, source, item, text, kind):
    seen = sent(run(gatherd, [source, {"url": upstream.url("echo"), "method": "POST",
                                       **item}])[1])
    assert (seen["bodyText"], header(seen, "content-type")) == (text, kind)


@pytest.mark.parametrize("item, part", [
    ({"url": "{echo}/{{a.body.none}}"}, "{{a.body.none}} is not in the reply's body"),
    ({"url": "{echo}/{{a.body.dots}}"}, "would make . or .."),
    ({"url": "{echo}/{{a.body.empty}}/x"}, "is empty"),
    ({"url": "{echo}/{{a.body.o}}"}, "is an object or an array"),
    ({"url": "{echo}/{{a.body.z}}"}, "is null"),
    ({"url": "{{a.body.n}}"}, "is no string"),
    ({"url": "{echo}", "headers": {"x": "{{a.body.crlf}}"}}, "control character"),
    ({"url": "{echo}", "headers": {"x": "{{a.headers.none}}"}}, "a header that the reply"),
    ({"url": "{echo}/{{text.body.x}}"}, "needs a reply whose body is JSON"),
    ({"url": "{echo}/{{dead.status}}"}, "request \"dead\" failed (connect)"),
    ({"url": "{echo}", "dependsOn": ["dead"]}, "request \"dead\" failed (connect)"),
    ({"url": "{echo}/{{none.status}}"}, "request \"none\" failed (connect)"),
])
def test_what_cannot_be_put_in_is_not_sent(gatherd, upstream, source, item, part):
    key = upstream.new_key()
    item = {**item, "url": item["url"].replace("{echo}", upstream.url("echo"))}
    if "echo" in item["url"]:
        item["url"] += f"?key={key}"
    answers = run(gatherd, [source, item, {"id": "dead", "url": upstream.tcp("refused")},
                            {"id": "text", "url": gives(upstream, "no json", "text/plain")},
                            {"id": "none", "url": upstream.tcp("refused"), "optional": True}])
    assert answers[1]["status"] == 424 and answers[1]["error"]["code"] == "dependency_failed"
    assert part in answers[1]["error"]["message"], answers[1]
    assert upstream.stats(key)["requests"] == 0


def test_an_optional_item_that_failed_keeps_nobody_waiting_who_wants_no_value(gatherd, upstream):
    answers = run(gatherd, [{"url": upstream.tcp("refused"), "optional": True},
                            {"url": upstream.url("ok"), "dependsOn": ["0"]}])
    assert [answer["status"] for answer in answers] == [502, 200]


@pytest.mark.parametrize("document, pointer, part", [
    (["http://h/{{0.status}}"], "/0/url", "cannot wait for itself"),
    (["http://{{1.body}}/", "http://h/"], "/0/url", "scheme, host or port"),
    (["http://u:{{1.body}}@h/", "http://h/"], "/0/url", "scheme, host or port"),
    (["http://h/{{1.status}}", "http://h/{{0.status}}"], "/0", "\"0\" needs \"1\" needs \"0\""),
    (["http://h/{{first}}"], "/0/url", "must go on behind the id"),
    (["http://h/", {"url": "http://h/", "dependsOn": ["00"]}], "/1/dependsOn/0", "no request"),
])
def test_what_can_be_known_is_refused_whole(gatherd, document, pointer, part):
    reply = gatherd.post(document)
    assert reply.status == 400
    assert [(error["pointer"], part in error["detail"]) for error in reply.json()["errors"]] == \
        [(pointer, True)], reply.body


def test_the_query_of_a_get_takes_references_too(gatherd, upstream, source):
    reply = gatherd.get("/v1/batch?url=" + source["url"].replace("&", "%26").replace("=", "%3D")
                        + "&url=" + upstream.url("echo") + "/%7B%7B0.body.s%7D%7D")
    assert reply.json()["responses"][1]["body"]["target"] == "/echo/x"


# ------------------------------------------------------------------ the egress policy holds

def test_a_url_that_is_a_reference_is_vetted_like_any_other(start_gatherd, upstream):
    """The reply of one allowed host names another that is not."""
    gatherd = start_gatherd({"egress": {"private_addresses": "deny",
                                        "allow": [f"127.0.0.1:{upstream.port}"]}})
    key = upstream.new_key()
    urls = {"local": f"http://127.0.0.2:{upstream.port}/ok?key={key}", "file": "file:///etc/passwd",
            "user": f"http://u:p@127.0.0.1:{upstream.port}/ok?key={key}", "text": "no url",
            "metadata": "http://169.254.169.254/latest", "fine": upstream.url("ok")}
    names = list(urls)
    answers = run(gatherd, [{"id": "a", "url": gives(upstream, urls)},
                            *("{{a.body.%s}}" % name for name in names)])
    codes = dict(zip(names, (item.get("error", {}).get("code") for item in answers[1:])))
    assert codes == {"local": "blocked_address", "file": "blocked_url", "user": "bad_url",
                     "text": "bad_url", "metadata": "blocked_address", "fine": None}
    assert upstream.stats(key)["requests"] == 0


HOSTILE = ["@127.0.0.2/", "//127.0.0.2/", "/../../x", "..%2f..%2fx", "%2e%2e", ".", "..;/x",
           "\\..\\x", "a\r\nHost: evil", "a b", "?x=1", "#x", ":80/", "é\u2028", "\0", "&a=b",
           ";a=b", "http://127.0.0.2/", "%", "%zz", "{{a.status}}", "a/./b", "[::1]"]


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("template", ["/p/{{a.body.v}}/z?k=1", "/p?v={{a.body.v}}&k=1"])
def test_no_value_leaves_its_place(gatherd, upstream, value, template):
    """One request line, the same path around it, the same parameters; or nothing is sent."""
    answer = run(gatherd, [{"id": "a", "url": gives(upstream, {"v": value})},
                           upstream.url("echo") + template])[1]
    if "error" in answer:
        assert answer["error"]["code"] == "dependency_failed" and "/z" in template, answer
        return
    path, _, query = sent(answer)["target"].partition("?")
    steps, parameters = path.split("/"), query.split("&")
    if "/z" in template:
        assert steps[:3] == ["", "echo", "p"] and steps[4:] == ["z"] and query == "k=1"
        assert unquote(steps[3]) == value
    else:
        assert path == "/echo/p" and len(parameters) == 2 and parameters[1] == "k=1"
        assert unquote(parameters[0][2:]) == value


# ------------------------------------------------------------------- together with the rest

def test_an_item_waits_and_only_that_item(gatherd, upstream):
    began = time.monotonic()
    answers = run(gatherd, [{"id": "slow", "url": upstream.url("delay/200")},
                            upstream.url("delay/200"),
                            {"url": upstream.url("delay/200"), "dependsOn": ["slow"]},
                            upstream.url("echo") + "/{{2.status}}"],
                  include=["body", "timing"])
    took = time.monotonic() - began
    assert all(answer["status"] == 200 for answer in answers)
    starts = [answer["timing"]["start"] for answer in answers]
    assert took >= 0.4 and starts[2] >= 199 and starts[3] >= 399
    first = answers[0]["timing"]
    assert starts[1] < first["start"] + first["total"], "it needs none, and did not wait for it"


def test_the_deadline_and_fail_fast_end_those_that_wait(gatherd, upstream):
    key = upstream.new_key()
    echo = upstream.url("echo", key=key)
    answers = run(gatherd, [upstream.url("hang"), echo + "&x={{0.status}}"], deadlineMs=150)
    assert [answer["error"]["code"] for answer in answers] == ["deadline", "deadline"]
    assert "waiting for other requests" in answers[1]["error"]["message"]
    answers = run(gatherd, [upstream.url("hang"), echo + "&x={{0.status}}",
                            upstream.tcp("refused")], failFast=True)
    assert [answer["error"]["code"] for answer in answers] == ["cancelled", "cancelled", "connect"]
    answers = run(gatherd, [upstream.url("hang"), echo + "&x={{0.status}}", upstream.url("ok")],
                  until="firstOk")
    assert [answer["status"] for answer in answers] == [499, 499, 200]
    assert upstream.stats(key)["requests"] == 0


def test_a_chain_is_first_ok_when_its_end_is(gatherd, upstream):
    """firstDone is the first of the chain; {ok: 2} takes two of it."""
    items = [upstream.url("ok"), upstream.url("echo") + "/{{0.status}}",
             upstream.url("delay/500") + "?text={{1.status}}"]
    answers = run(gatherd, items, until="firstDone")
    assert [answer["status"] for answer in answers] == [200, 499, 499]
    answers = run(gatherd, items, until={"ok": 2})
    assert [answer["status"] for answer in answers] == [200, 200, 499]


def test_concurrency_of_one_runs_a_chain(gatherd, upstream):
    items = [upstream.url("echo") + "/{{1.status}}", upstream.url("ok"), upstream.url("ok")]
    assert [a["status"] for a in run(gatherd, items, concurrency=1)] == [200, 200, 200]


def test_retries_and_fallbacks_give_values_like_any_reply(gatherd, upstream):
    key = upstream.new_key()
    items = [{"id": "again", "url": upstream.url("seq", key=key, plan="503,200"), "retries": 1},
             {"id": "last", "url": upstream.tcp("refused"),
              "fallback": {"status": 203, "body": {"x": "spare"}}},
             {"url": upstream.url("echo") + "/{{again.status}}/{{last.body.x}}/{{last.status}}",
              "retries": 1}]
    assert sent(run(gatherd, items)[2])["target"] == "/echo/200/spare/203"


def test_a_thousand_items_share_one_login(gatherd, upstream):
    key = upstream.new_key()
    document = {"defaults": {"headers": {"authorization": "Bearer {{login.body.token}}"}},
                "requests": [{"id": "login", "url": gives(upstream, {"token": "t0ken"}, key=key),
                              "headers": {"authorization": []}},
                             *[upstream.url("echo", brief=1)] * 999]}
    answers = gatherd.post(document).json()["responses"]
    assert len(answers) == 1000 and upstream.stats(key)["requests"] == 1
    assert {header(sent(answer), "authorization")[0] for answer in answers[1:]} == \
        {"Bearer t0ken"}


def test_a_stream_tells_of_each_as_it_ends(gatherd, upstream):
    reply = gatherd.post({"requests": [upstream.url("echo") + "/{{1.status}}",
                                       {"url": upstream.url("ok")}, upstream.url("echo")
                                       + "/{{1.body.none}}"]},
                         headers={"accept": "application/x-ndjson"})
    lines = [json.loads(line) for line in reply.body.splitlines()]
    assert [line.get("id") for line in lines] == ["1", "2", "0", None]
    assert lines[1]["error"]["code"] == "dependency_failed"
    assert lines[3]["summary"]["failed"] == 1


def test_values_that_do_not_fit_hold_nobody_past_the_deadline(gatherd, upstream):
    """Each takes milliseconds to find out, and all thousand may at once."""
    items = [{"id": "a", "url": upstream.url("echo"), "method": "POST", "body": "/" * 900_000,
              "headers": {"content-type": "text/plain"}, "maxBodyBytes": 4 << 20},
             *[{"url": upstream.url("ok"), "method": "POST",
                "body": "{{a.body.bodyText}}" * 3,
                "headers": {"content-type": "application/x-www-form-urlencoded"}}] * 999]
    started, deadline_s = time.monotonic(), 1.5 * min(2, slowness())
    answers = run(gatherd, items, deadlineMs=int(deadline_s * 1000), include=[])
    assert time.monotonic() - started < deadline_s + 1.5 * slowness()
    assert answers[0]["status"] == 200
    assert "not started" in answers[-1]["error"]["message"]
