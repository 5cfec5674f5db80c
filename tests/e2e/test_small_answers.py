# SPDX-License-Identifier: Apache-2.0
"""Answers cut down to what the caller wants to see of each reply."""
import hashlib
import json

import pytest
from harness.configuration import options
from harness.contract import body_bytes
from harness.stream import Stream

DATA = b' {"items": [{"id": 1.50, "x": [true]}, {"id": "two"}], "n/a": null, "": 1e9 }'


@pytest.mark.parametrize("select, body", [
    (["/items/0/id"], b'{"/items/0/id":1.50}'),
    (["/n~1a", "/items/0/x", "/nothing", "/items/7"], b'{"/n~1a":null,"/items/0/x":[true]}'),
    (["/", "/items/1"], b'{"/":1e9,"/items/1":{"id": "two"}}'),
    (["/items/-", "/items/01", "/items/id"], b"{}"),
    ([""], b'{"":' + DATA.strip() + b"}"),
])
def test_a_selection_holds_the_values_as_they_came(gatherd, upstream, select, body):
    document = gatherd.batch([{"url": upstream.body_url(DATA), "select": select}])
    item = document["responses"][0]
    assert item["bodySelected"] is True and item["bodyEncoding"] == "json"
    assert list(item["body"]) == [p for p in select if p in item["body"]]
    assert b'"body":' + body + b',"bodyEncoding"' in document["reply"].body


@pytest.mark.parametrize("path, is_json", [
    ("json-as-text", True), ("json-problem", True), ("json-scalar", True), ("ok", False),
    ("json-cut", False), ("json-empty", False), ("binary", False), ("status/204", False),
    ("json-surrogate", False), ("invalid-utf8", False)])
def test_what_is_no_json_is_left_out_and_marked(gatherd, upstream, path, is_json):
    item = gatherd.fetch({"url": upstream.url(path), "select": ["/a"]})
    assert item["bodySelected"] is is_json and ("body" in item) is is_json, item


@pytest.mark.parametrize("path", ["ok", "gzip", "bytes/100000", "binary", "json-empty"])
def test_a_digest_is_of_the_decoded_bytes(gatherd, upstream, path):
    whole = gatherd.fetch({"url": upstream.url(path)})
    data = body_bytes(whole) if "body" in whole else b""
    item = gatherd.fetch({"url": upstream.url(path), "bodyMode": "sha256"})
    assert item["bodySha256"] == hashlib.sha256(data).hexdigest()
    assert item["bodyBytes"] == len(data) and "body" not in item


@pytest.mark.parametrize("path, size", [("bytes/100000", 100000), ("status/204", 0),
                                        ("gzip", 1150)])
def test_without_its_body_a_reply_tells_its_size(gatherd, upstream, path, size):
    document = gatherd.batch([{"url": upstream.url(path), "bodyMode": "none"}])
    item = document["responses"][0]
    assert item["bodyBytes"] == size and not {"body", "bodyEncoding"} & set(item)
    assert len(document["reply"].body) < 1000


@pytest.mark.parametrize("data, kind, most, encoding, shown", [
    (b'{"a": 1}', "application/json", 100, "text", b'{"a": 1}'),
    (b'{"a": 1}', "application/json", 4, "text", b'{"a"'),
    ("häß".encode(), "text/plain", 2, "text", b"h"),
    ("häß".encode(), "text/plain", 3, "text", "hä".encode()),
    (b"\x89PNG\xff\xff", "image/png", 5, "base64", b"\x89PNG\xff"),
    (b"", "text/plain", 5, None, None),
    (b"x" * 50000, "text/plain", 40000, "text", b"x" * 40000)])
def test_first_bytes_are_whole_characters_or_base64(
        gatherd, upstream, data, kind, most, encoding, shown):
    item = gatherd.fetch({"url": upstream.body_url(data, kind),
                          "bodyMode": {"firstBytes": most}})
    assert item["bodyBytes"] == len(data) and item.get("bodyEncoding") == encoding
    assert (body_bytes(item) if encoding else None) == shown
    assert item.get("bodyTruncated", False) is (shown is not None and shown != data)


@pytest.mark.parametrize("names, kept", [
    ([], {}), (["x-why"], {"x-why": "gone"}), (["X-WHY", "nope"], {"x-why": "gone"}),
    (["Content-Type"], {"content-type": "text/plain"})])
def test_only_the_headers_asked_for_are_shown(gatherd, upstream, names, kept):
    item = gatherd.fetch({"url": upstream.url("status/200", h="X-Why:gone"),
                          "responseHeaders": names})
    assert item["headers"] == kept and item["body"] == "status 200\n"


def test_the_defaults_shape_all_and_an_item_itself(gatherd, upstream):
    document = gatherd.batch(
        [upstream.body_url(DATA), {"url": upstream.body_url(DATA), "select": ["/n~1a"]},
         {"url": upstream.body_url(DATA), "bodyMode": "full", "responseHeaders": ["date"]}],
        defaults={"bodyMode": "none", "responseHeaders": []})
    first, second, third = document["responses"]
    assert first["bodyBytes"] == len(DATA) and first["headers"] == {}
    assert second["body"] == {"/n~1a": None} and second["headers"] == {}
    assert third["body"] == json.loads(DATA) and set(third["headers"]) <= {"date"}


def test_what_is_not_included_is_not_shown(gatherd, upstream):
    document = gatherd.batch([{"url": upstream.url("ok"), "bodyMode": "sha256",
                               "responseHeaders": ["date"]}], include=["timing"])
    assert set(document["responses"][0]) == {"id", "status", "timing"}


def test_an_expectation_sees_the_whole_reply(gatherd, upstream):
    document = gatherd.batch(
        [{"url": upstream.url("ok"), "expect": {"bodyContains": "ok"}},
         {"url": upstream.url("ok"), "expect": {"contentType": "a/b"}}],
        defaults={"bodyMode": {"firstBytes": 1}, "responseHeaders": []})
    good, bad = document["responses"]
    assert good["body"] == "o" and "error" not in good
    assert bad["error"]["code"] == "expect_failed" and bad["body"] == "o"
    assert bad["headers"] == {}


def test_a_reference_sees_the_whole_reply(gatherd, upstream):
    document = gatherd.batch(
        [{"id": "a", "url": upstream.body_url(DATA)},
         {"url": upstream.url("echo") + "?{{a.body.items[1].id}}", "bodyMode": "full",
          "headers": {"x-type": "{{a.headers.content-type}}"}}],
        defaults={"bodyMode": "none", "responseHeaders": []})
    first, second = document["responses"]
    assert first["bodyBytes"] == len(DATA) and first["headers"] == {}
    assert second["body"]["target"] == "/echo?two"
    assert "application/json" in json.dumps(second["body"]["headers"])


def test_a_fallback_is_shaped_as_well(gatherd, upstream):
    item = gatherd.fetch({"url": upstream.url("status/500"), "select": ["/b"],
                          "fallback": {"status": 200, "body": {"a": 1, "b": 2}}})
    assert item["fallback"] is True and item["body"] == {"/b": 2}


def test_streams_are_small_too(gatherd, upstream):
    items = [{"url": upstream.url("bytes/300000")}] * 3
    with Stream(gatherd, {"requests": items, "defaults": {
            "bodyMode": "sha256", "responseHeaders": []}}) as stream:
        responses, _ = stream.read_all()
    assert len({item["bodySha256"] for item in responses}) == 1
    assert [item["headers"] for item in responses] == [{}] * 3


def test_a_body_that_is_not_shown_takes_no_room_in_the_reply(start_gatherd, upstream):
    """300 kB each, of which the reply of the batch could hold three."""
    gatherd = start_gatherd(options(batch__reply_max_bytes="1MiB"))
    items = [{"url": upstream.url("bytes/300000"), "bodyMode": "none"}] * 20
    assert gatherd.batch(items)["summary"]["failed"] == 0


@pytest.mark.parametrize("members, pointer", [
    ({"select": ["a"]}, "/requests/0/select/0"), ({"select": []}, "/requests/0/select"),
    ({"select": ["/a"], "bodyMode": "none"}, "/requests/0/select"),
    ({"bodyMode": "head"}, "/requests/0/bodyMode"),
    ({"bodyMode": {"firstBytes": 0}}, "/requests/0/bodyMode/firstBytes"),
    ({"responseHeaders": "etag"}, "/requests/0/responseHeaders")])
def test_a_wrong_wish_refuses_the_batch(gatherd, upstream, members, pointer):
    document = {"requests": [{"url": upstream.url("ok"), **members}]}
    reply = gatherd.request("POST", "/v1/batch", json.dumps(document),
                            {"Content-Type": "application/json"})
    assert reply.status == 400
    assert [error["pointer"] for error in reply.json()["errors"]] == [pointer]


def test_pointers_into_each_other_do_not_outgrow_the_reply(start_gatherd, upstream):
    """Thirty-two times the same 60 kB: the reply holds 1 MiB, and the next item as well."""
    gatherd = start_gatherd(options(batch__reply_max_bytes="1MiB"))
    data = b'{"a":' * 32 + b'"' + b"x" * 60000 + b'"' + b"}" * 32
    select = ["/a" * depth for depth in range(32)]
    document = gatherd.batch([{"url": upstream.body_url(data), "select": select},
                              {"url": upstream.body_url(data), "select": select[30:]}])
    first, second = document["responses"]
    assert first["error"]["code"] == "too_large" and "body" not in first
    assert list(second["body"]) == select[30:]
    assert len(document["reply"].body) < 1 << 20
