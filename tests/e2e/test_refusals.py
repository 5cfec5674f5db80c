# SPDX-License-Identifier: Apache-2.0
"""Batches that are refused whole: what the problem document says, and that nothing was sent."""
import json

import pytest
from harness.configuration import options
from harness.contract import REQUEST_ID
from harness.quickest import within


def check_problem(reply, status):
    assert reply.status == status, reply
    assert reply.header("content-type").split(";")[0] == "application/problem+json", reply
    problem = reply.json()
    assert set(problem) <= {"type", "title", "status", "detail", "requestId", "errors"}, problem
    assert problem["status"] == status
    assert problem["type"].startswith("/problems/") and problem["title"] and problem["detail"]
    assert problem["requestId"] == reply.header("x-request-id")
    assert REQUEST_ID.match(problem["requestId"])
    for error in problem.get("errors", ()):
        assert set(error) == {"pointer", "detail"} and error["detail"], error
    return problem


def refuse(gatherd, document, status=400):
    return check_problem(gatherd.post(document), status)


def pointers(problem):
    return [error["pointer"] for error in problem["errors"]]


U = "http://127.0.0.1:9/"

SHAPES = [
    ({"requests": [{"url": U, "timeoutMs": "5"}]}, "/requests/0/timeoutMs"),
    ({"requests": [U, {"url": U, "timeoutMs": 0}]}, "/requests/1/timeoutMs"),
    ({"requests": [{"url": U, "timeoutMs": -1}]}, "/requests/0/timeoutMs"),
    ({"requests": [{"url": U, "timeoutMs": 1.5}]}, "/requests/0/timeoutMs"),
    ({"requests": [{"url": U, "timeoutMs": 2 ** 62}]}, "/requests/0/timeoutMs"),
    ({"requests": [{"url": U, "timeoutMs": None}]}, "/requests/0/timeoutMs"),
    ({"requests": [{"url": U, "connectTimeoutMs": True}]}, "/requests/0/connectTimeoutMs"),
    ({"requests": [{"url": U, "redirects": -1}]}, "/requests/0/redirects"),
    ({"requests": [{"url": U, "redirects": "1"}]}, "/requests/0/redirects"),
    ({"requests": [{"url": U, "maxBodyBytes": -5}]}, "/requests/0/maxBodyBytes"),
    ({"requests": [{"url": U, "uri": U}]}, "/requests/0/uri"),
    ({"requests": [{"uri": U}]}, "/requests/0"),
    ({"requests": [{}]}, "/requests/0"),
    ({"requests": [{"url": 5}]}, "/requests/0/url"),
    ({"requests": [{"url": None}]}, "/requests/0/url"),
    ({"requests": [5]}, "/requests/0"),
    ({"requests": [None]}, "/requests/0"),
    ({"requests": [[U]]}, "/requests/0"),
    ([U, 5], "/1"),
    ([{"url": U, "method": "BREW"}], "/0/method"),
    ([{"url": U, "method": "get"}], "/0/method"),
    ([{"url": U, "method": "GE T"}], "/0/method"),
    ([{"url": U, "method": "TRACE"}], "/0/method"),
    ([{"url": U, "method": "CONNECT"}], "/0/method"),
    ([{"url": U, "method": 1}], "/0/method"),
    ([{"url": U, "headers": []}], "/0/headers"),
    ([{"url": U, "headers": {"a": 1}}], "/0/headers/a"),
    ([{"url": U, "headers": {"a": ["x", 1]}}], "/0/headers/a"),
    ([{"url": U, "headers": {"a b": "x"}}], "/0/headers/a b"),
    ([{"url": U, "headers": {"": "x"}}], "/0/headers/"),
    ([{"url": U, "headers": {"a:b": "x"}}], "/0/headers/a:b"),
    ([{"url": U, "headers": {"a/b": "x"}}], "/0/headers/a~1b"),
    ([{"url": U, "headers": {"\u00e9": "x"}}], "/0/headers/\u00e9"),
    ([{"url": U, "headers": {"a": "x\r\nevil: 1"}}], "/0/headers/a"),
    ([{"url": U, "headers": {"a": "x\ny"}}], "/0/headers/a"),
    ([{"url": U, "headers": {"a": "x\x7f"}}], "/0/headers/a"),
    ([{"url": U, "headers": {"a": "\x1b"}}], "/0/headers/a"),
    ([{"url": U, "bodyEncoding": "hex", "body": "00"}], "/0/bodyEncoding"),
    ([{"url": U, "method": "POST", "bodyEncoding": "base64", "body": "!!"}], "/0/body"),
    ([{"url": U, "method": "POST", "bodyEncoding": "base64", "body": {"a": 1}}], "/0/body"),
    ([{"url": U, "method": "POST", "bodyEncoding": "text", "body": 5}], "/0/body"),
    ([{"url": U, "id": 7}], "/0/id"),
    ([{"url": U, "id": ""}], "/0/id"),
    ([{"url": U, "id": "x" * 129}], "/0/id"),
    ([{"url": U, "id": "a"}, {"url": U, "id": "a"}], "/1/id"),
    ([U, {"url": U, "id": "0"}], "/1/id"),
    ({"urls": [U], "requests": [U]}, None),
    ({"urls": U}, "/urls"),
    ({"urls": [{"url": U}]}, "/urls/0"),
    ({"requests": {}}, "/requests"),
    ({}, None),
    ({"deadlineMs": 5}, None),
    ({"urls": [U], "deadlineMs": 0}, "/deadlineMs"),
    ({"urls": [U], "deadlineMs": "1s"}, "/deadlineMs"),
    ({"urls": [U], "concurrency": 0}, "/concurrency"),
    ({"urls": [U], "concurrency": -1}, "/concurrency"),
    ({"urls": [U], "include": "body"}, "/include"),
    ({"urls": [U], "include": ["bodies"]}, "/include/0"),
    ({"urls": [U], "include": [1]}, "/include/0"),
    ({"urls": [U], "defaults": []}, "/defaults"),
    ({"urls": [U], "defaults": {"id": "x"}}, "/defaults/id"),
    ({"urls": [U], "defaults": {"url": U}}, "/defaults/url"),
    ({"urls": [U], "defaults": {"timeoutMs": "x"}}, "/defaults/timeoutMs"),
    ({"urls": [U], "defaults": {"headers": {"a b": "1"}}}, "/defaults/headers/a b"),
    ({"urls": [U], "deadline": 5}, "/deadline"),
]


@pytest.mark.parametrize("document, pointer", SHAPES, ids=lambda v: json.dumps(v)[:60])
def test_a_wrong_shape_is_refused_at_its_pointer(gatherd, document, pointer):
    """J8, J4, J9: each fault of a field is named by its JSON pointer."""
    problem = refuse(gatherd, document)
    assert problem["type"] == "/problems/invalid-batch"
    assert problem["errors"], problem
    if pointer is not None:
        assert pointer in pointers(problem)


def test_every_wrong_field_is_reported_at_once(gatherd):
    """J8: not the first alone."""
    problem = refuse(gatherd, {"requests": [{"url": U, "timeoutMs": 0}, {"uri": U}, 3],
                               "deadlineMs": "x"})
    assert {"/requests/0/timeoutMs", "/requests/1/uri", "/requests/2",
            "/deadlineMs"} <= set(pointers(problem))


def test_nothing_is_sent_for_a_batch_that_is_refused(gatherd, upstream):
    """J8: the whole batch is read first."""
    key = upstream.new_key()
    refuse(gatherd, [upstream.url("ok", key=key)] * 5 + [{"url": upstream.url("ok"), "x": 1}])
    assert upstream.stats(key)["requests"] == 0


@pytest.mark.parametrize("wrong, meant", [
    ("uri", "url"), ("Url", "url"), ("methd", "method"), ("header", "headers"),
    ("timeoutMS", "timeoutMs"), ("timeout", "timeoutMs"), ("redirect", "redirects"),
    ("bodyencoding", "bodyEncoding"), ("maxBodyByte", "maxBodyBytes")])
def test_a_misspelt_item_field_gets_a_hint(gatherd, wrong, meant):
    """J8: did you mean."""
    problem = refuse(gatherd, {"requests": [{"url": U, wrong: 1}]})
    [error] = [e for e in problem["errors"] if e["pointer"] == f"/requests/0/{wrong}"]
    assert f'did you mean "{meant}"' in error["detail"]


@pytest.mark.parametrize("wrong, meant", [("url", "urls"), ("request", "requests"),
                                          ("deadlineMS", "deadlineMs"), ("default", "defaults"),
                                          ("concurency", "concurrency")])
def test_a_misspelt_batch_option_gets_a_hint(gatherd, wrong, meant):
    problem = refuse(gatherd, {wrong: [U]})
    assert any(f'did you mean "{meant}"' in e["detail"] for e in problem["errors"]), problem


def test_a_far_fetched_name_gets_no_hint(gatherd):
    problem = refuse(gatherd, {"requests": [{"url": U, "zzzzzzzzzz": 1}]})
    [error] = problem["errors"]
    assert "unknown" in error["detail"] and "did you mean" not in error["detail"]


NOT_JSON = [b"", b" ", b"{", b"[", b"[1,]", b"nope", b'["a"', b'["a"] x', b'["a"]["b"]',
            b"[NaN]", b"// c\n[]", b"[]//", b"'a'", b'["a\nb"]', b'["\\ud800"]', b'["\xff"]',
            b'["\xc0\xaf"]',
            b'["\xed\xa0\x80"]', b"[01]", b"[+1]", b"[.5]", b"[1e]", b"[0x1]", b"\x00", b"[]\x00",
            b'["a\x00b"]', b'["a\\u0000b"]', b"\xef\xbb\xbf[]", b'{"a":1,}', b"{a:1}", b"[1e400]",
            b"\xff\xfe[\x00]\x00"]


@pytest.mark.parametrize("body", NOT_JSON, ids=repr)
def test_what_is_not_json_is_refused(gatherd, body):
    """J1, J5, J6: more of them in test_json_corpus.py."""
    reply = gatherd.post(body)
    problem = check_problem(reply, 400)
    assert problem["detail"]


def test_a_syntax_error_names_line_and_column(gatherd):
    problem = refuse(gatherd, b'{\n  "urls": ["a",\n  oops]\n}')
    text = json.dumps(problem)
    assert "line 3" in text and "column" in text, problem


@pytest.mark.parametrize("scalar", [b"1", b'"http://a.example/"', b"null", b"true"])
def test_a_scalar_is_no_batch(gatherd, scalar):
    """J1: only arrays and objects are."""
    refuse(gatherd, scalar)


@pytest.mark.parametrize("body", [b'{"urls": [], "urls": []}',
                                  b'[{"url": "http://127.0.0.1:9/", "url": "http://x/"}]',
                                  b'[{"url": "http://x/", "headers": {"a":"1","a":"2"}}]'])
def test_duplicate_keys_are_refused(gatherd, body):
    """J1: two readers would see two batches."""
    problem = refuse(gatherd, body)
    assert "duplicate" in json.dumps(problem).lower()


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"a":'])
@pytest.mark.parametrize("depth", [40, 2100, 300_000])
def test_depth_bombs_are_refused_quickly(gatherd, opening, depth):
    """J2: not by recursion."""
    def ask():
        reply = gatherd.post(opening * depth)
        check_problem(reply, 400)
        return reply.seconds
    within(2, ask)


def test_a_deep_body_value_is_refused_or_sent_but_survives(gatherd, upstream):
    """J2: the same inside of an item."""
    document = ('[{"url": "%s", "method": "POST", "body": %s}]' %
                (upstream.url("echo"), "[" * 500 + "]" * 500)).encode()
    assert gatherd.post(document).status in (200, 400)


def test_too_many_items_are_refused(start_gatherd, upstream):
    """J9: as many as the limit, and one more."""
    gatherd = start_gatherd(options(batch__max_items=10))
    assert gatherd.post([upstream.url("ok")] * 10).status == 200
    problem = check_problem(gatherd.post([upstream.url("ok")] * 11), 413)
    assert "10" in problem["detail"]


def test_too_many_urls_in_a_query_are_refused(start_gatherd):
    """J9: in the form with GET too."""
    gatherd = start_gatherd(options(batch__max_items=3))
    reply = gatherd.get("/v1/batch?" + "&".join(["url=http://127.0.0.1:9/"] * 4))
    check_problem(reply, 413)


def test_too_many_bytes_are_refused(start_gatherd):
    gatherd = start_gatherd(options(server__request_max_bytes="64KiB"))
    check_problem(gatherd.post(b'["' + b"x" * (1 << 17) + b'"]'), 413)
    check_problem(gatherd.post(b'["http://127.0.0.1:9/' + b"x" * 60_000 + b'" x'), 400)


def test_too_many_bytes_are_refused_before_they_are_read(start_gatherd):
    """H7: the length is enough."""
    gatherd = start_gatherd(options(server__request_max_bytes="64KiB"))
    with gatherd.raw() as raw:
        raw.send(b"POST /v1/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                 b"Content-Length: 1000000000\r\n\r\n")
        check_problem(raw.read_reply(), 413)


def test_expect_is_answered_with_the_refusal_not_with_100(start_gatherd):
    """H7: 100 would ask for the body."""
    gatherd = start_gatherd(options(server__request_max_bytes="64KiB"))
    with gatherd.raw() as raw:
        raw.send(b"POST /v1/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                 b"Expect: 100-continue\r\nContent-Length: 1000000000\r\n\r\n")
        assert raw.read_reply().status == 413


def test_chunked_bodies_are_bounded_too(start_gatherd):
    """H7: as soon as it is known."""
    gatherd = start_gatherd(options(server__request_max_bytes="64KiB"))
    with gatherd.raw() as raw:
        raw.send(b"POST /v1/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                 b"Transfer-Encoding: chunked\r\n\r\n")
        try:
            for _ in range(40):
                raw.send(b"1000\r\n" + b" " * 4096 + b"\r\n")
        except OSError:
            pass
        reply = raw.read_reply()
        assert reply is None or reply.status == 413


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "text/json",
                                  "application/jsonp", "multipart/form-data", "",
                                  "application/json; charset=latin-1"])
def test_another_media_type_is_415(gatherd, kind):
    """H15: nothing a form can send."""
    problem = check_problem(gatherd.post([U], {"content-type": kind}), 415)
    assert "application/json" in problem["detail"]


def test_no_media_type_is_415(gatherd):
    check_problem(gatherd.request("POST", "/v1/batch", b"[]"), 415)


def test_an_encoded_request_is_415(gatherd):
    """H15: no bombs on the way in."""
    check_problem(gatherd.post([U], {"content-encoding": "gzip"}), 415)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_a_wrong_method_names_the_right_ones(gatherd, method):
    """H17, H4: 405 with Allow."""
    reply = gatherd.request(method, "/v1/batch")
    check_problem(reply, 405)
    assert {m.strip() for m in reply.header("allow").split(",")} == {"GET", "HEAD", "POST"}


def test_a_wrong_method_on_another_route(gatherd):
    reply = gatherd.request("POST", "/healthz", b"{}", {"content-type": "application/json"})
    check_problem(reply, 405)
    assert {m.strip() for m in reply.header("allow").split(",")} == {"GET", "HEAD"}


@pytest.mark.parametrize("path", ["/nope", "/v1", "/v1/batch/", "/v1/batches", "/V1/batch",
                                  "/v1/batch/x", "/healthz/", "/problems/nope", "/problems/",
                                  "//v1/batch", "/v1/../healthz", "/healthz%00", "/%68ealthz"])
def test_an_unknown_path_is_a_404_problem(gatherd, path):
    """H5: paths are compared byte by byte."""
    reply = gatherd.get(path)
    assert reply.status in (404, 400), reply
    check_problem(reply, reply.status)


QUERIES = ["", "deadlineMs=5", "url=http://127.0.0.1:9/&deadlineMs=x",
           "url=http://127.0.0.1:9/&deadlineMs=-1", "url=http://127.0.0.1:9/&include=nope",
           "url=http://127.0.0.1:9/&uri=1", "url=http://127.0.0.1:9/&deadlineMs=5&deadlineMs=6",
           "url=http://127.0.0.1:9/&deadlineMs=1e3", "url=http://127.0.0.1:9/&deadlineMs="]


@pytest.mark.parametrize("query", QUERIES)
def test_a_wrong_query_is_refused(gatherd, query):
    check_problem(gatherd.get(f"/v1/batch?{query}"), 400)


@pytest.mark.parametrize("name", ["invalid-batch"])
def test_the_type_of_a_problem_can_be_looked_up(gatherd, name):
    problem = refuse(gatherd, {})
    page = gatherd.get(problem["type"])
    assert problem["type"] == f"/problems/{name}"
    assert page.status == 200 and len(page.body) > 40


def test_hostile_names_in_pointers_do_not_break_the_problem(gatherd):
    """J8: names of fields are texts too."""
    name = 'a/b~c"\\\u2028</script>\x7f'
    problem = refuse(gatherd, [{"url": U, name: 1}])
    assert "/0/" + name.replace("~", "~0").replace("/", "~1") in pointers(problem)


def test_a_million_faults_make_a_short_problem(gatherd):
    reply = gatherd.post([5] * 1000)
    check_problem(reply, 400)
    assert len(reply.body) < 200_000


def test_limits_may_be_lowered_but_not_raised(start_gatherd, upstream):
    gatherd = start_gatherd(options(fetch__timeout="400ms", fetch__body_max_bytes="1KiB",
                                    fetch__max_redirects=1, batch__max_deadline="1s",
                                    batch__deadline="1s"))
    for item, path in (({"timeoutMs": 60000}, "hang"), ({"maxBodyBytes": 1 << 20}, "bytes/5000"),
                       ({"redirects": 4}, "redirect-chain/3")):
        reply = gatherd.post([{"url": upstream.url(path), **item}])
        assert reply.seconds < 3
        assert reply.status == 400 or "error" in reply.json()["responses"][0], (item, reply)
    reply = gatherd.post({"urls": [upstream.url("hang")] * 2, "deadlineMs": 60000})
    assert reply.seconds < 3 and reply.status in (200, 400)
