# SPDX-License-Identifier: Apache-2.0
"""What an upstream's reply becomes in the document."""
import base64
import json

import pytest
from harness.configuration import options
from harness.contract import body_bytes

BIG_NUMBERS = (b'{"z": 123456789012345678901234567890, "a": 1.000000000000000000000000000001,\n'
               b'  "e": 1E400, "neg": -0, "a": 2,\t"list" : [ 1 , 2 ] }')


def test_json_is_embedded_byte_for_byte(gatherd, upstream):
    document = gatherd.batch([upstream.url("json-big-numbers"), upstream.url("ok")])
    assert document["responses"][0]["bodyEncoding"] == "json"
    assert BIG_NUMBERS in document["reply"].body


@pytest.mark.parametrize("kind", ["application/json", "application/problem+json",
                                  "application/json; charset=utf-8", "Application/JSON",
                                  "application/vnd.a.b+json;v=1"])
def test_json_media_types_are_embedded(gatherd, upstream, kind):
    item = gatherd.fetch(upstream.body_url(b'{"a": [1]}', kind))
    assert (item["bodyEncoding"], item["body"]) == ("json", {"a": [1]})


@pytest.mark.parametrize("kind", ["text/plain", "text/json5", "application/jsonx",
                                  "application/json-seq", "text/html"])
def test_json_under_another_type_is_text(gatherd, upstream, kind):
    item = gatherd.fetch(upstream.body_url(b'{"a": 1}', kind))
    assert (item["bodyEncoding"], item["body"]) == ("text", '{"a": 1}')


@pytest.mark.parametrize("data", [b'"alone"', b"12", b"null", b" [1]\n", b"true", b"-0.0e-5",
                                  b'{"\\u00e9":"\xc3\xa9"}', b"[]", b"{}"])
def test_any_json_value_may_be_embedded(gatherd, upstream, data):
    document = gatherd.batch([upstream.body_url(data)])
    item = document["responses"][0]
    assert item["bodyEncoding"] == "json" and item["body"] == json.loads(data)
    assert data.strip() in document["reply"].body


NOT_JSON = [b"", b"{", b"[1,]", b"[1] x", b"NaN", b"[Infinity]", b"{'a': 1}", b"[1 2]", b"01",
            b'"\t"', b'"\\x"', b"[1]//c", b"\xef\xbb\xbf[1]", b"tru", b"1.", b".5", b"+1", b"1e",
            b'{"a"}', b'{"a":}', b'{1:2}', b"[", b"]", b'"a', b"\x00", b"[1]\x00", b'["\xff"]',
            b'"\xed\xa0\x80"', b'"\xc0\xaf"', b'"\\u12"', b"-", b"nul", b"\x0b1", b"[\x0c1]"]


@pytest.mark.parametrize("data", NOT_JSON, ids=repr)
def test_what_is_not_json_comes_back_exactly_as_text_or_base64(gatherd, upstream, data):
    """J10: a JSON type that lies."""
    item = gatherd.fetch(upstream.body_url(data))
    assert item["status"] == 200
    if data:
        assert body_bytes(item) == data
    else:
        assert item.get("body", "") == ""


@pytest.mark.parametrize("data", [b'{"a": "\\ud800"}', b'["\\udc00\\ud800"]', b'["x\\u0000"]',
                                  b'{"\\u0000": 1}'])
def test_escapes_that_some_parsers_refuse_do_not_break_the_document(gatherd, upstream, data):
    """J10: lone surrogates, NUL."""
    item = gatherd.fetch(upstream.body_url(data))
    if item["bodyEncoding"] != "json":
        assert body_bytes(item) == data


@pytest.mark.parametrize("path", ["binary", "nul", "invalid-utf8", "invalid-utf8-text", "bom",
                                  "utf16", "script", "no-type", "json-cut", "json-as-text"])
def test_bodies_come_back_exactly(gatherd, upstream, path):
    """J10: whatever the bytes are."""
    expected = upstream.ask("/" + path)[1]
    assert body_bytes(gatherd.fetch(upstream.url(path))) == expected


def test_bytes_that_are_no_utf8_are_base64(gatherd, upstream):
    item = gatherd.fetch(upstream.url("binary"))
    assert item["bodyEncoding"] == "base64"
    assert base64.b64decode(item["body"]) == bytes(range(256)) * 4


def test_every_text_character_survives(gatherd, upstream):
    """J10: control characters, U+2028, emoji."""
    text = "".join(chr(c) for c in (*range(1, 0x3000), *range(0xE000, 0xE100),
                                    *range(0x1F600, 0x1F700)))
    item = gatherd.fetch(upstream.body_url(text.encode()[:20000], "text/plain"))
    assert body_bytes(item) == text.encode()[:20000]


@pytest.mark.parametrize("depth", [100, 1000, 5000, 100000])
def test_deep_json_does_not_make_the_document_unreadable(gatherd, upstream, depth):
    """J10: depth."""
    item = gatherd.fetch(upstream.url("json-deep", n=depth))
    assert item["status"] == 200
    if item["bodyEncoding"] == "text":
        assert item["body"] == "[" * depth + "]" * depth
    else:
        assert depth <= 1000


@pytest.mark.parametrize("path", ["status/204", "status/304", "json-empty", "bytes/0"])
def test_no_body_has_no_body_and_no_encoding(gatherd, upstream, path):
    assert "body" not in gatherd.fetch(upstream.url(path))


@pytest.mark.parametrize("path", ["gzip", "deflate", "br", "zstd", "x-gzip"])
def test_codings_are_undone(gatherd, upstream, path):
    item = gatherd.fetch(upstream.url(path))
    if path in ("br", "zstd") and item.get("error", {}).get("code") == "decode":
        pytest.skip(f"this libcurl has no {path}")
    assert item["body"] == "hello compressed world\n" * 50


def test_a_chunked_and_an_unframed_reply_come_whole(gatherd, upstream):
    chunked, unframed, old = gatherd.batch(
        [upstream.url("chunks?n=10&size=100"), upstream.url("nolength"), upstream.url("http10")]
    )["responses"]
    assert chunked["body"] == "c" * 1000
    assert unframed["body"] == "to the end\n" and old["body"] == "ten\n"


@pytest.mark.parametrize("size", [1, 1023, 65536, 300_000, 4 << 20])
def test_bodies_of_every_size_come_whole(gatherd, upstream, size):
    item = gatherd.fetch({"url": upstream.url(f"bytes/{size}"), "timeoutMs": 9000})
    assert item["body"] == "x" * size


def test_a_large_reply_is_joined_right(gatherd, upstream):
    document = gatherd.batch([upstream.url(f"bytes/{100_000 + n}") for n in range(40)])
    assert [len(r["body"]) for r in document["responses"]] == [100_000 + n for n in range(40)]


@pytest.mark.parametrize("status", [200, 201, 206, 301, 400, 401, 404, 418, 429, 500, 503, 599])
def test_the_upstreams_status_is_passed_on_without_error(gatherd, upstream, status):
    item = gatherd.fetch(upstream.url(f"status/{status}"))
    assert item["status"] == status and "error" not in item
    assert item["body"] == f"status {status}\n"


@pytest.mark.parametrize("value", ["1", "0.5", "-1", "1000000000000", "soon", "",
                                   "Wed, 21 Oct 2099 07:28:00 GMT", "1, 2"])
def test_u15_retry_after_is_handed_on_as_it_came(gatherd, upstream, value):
    """U15: gatherd does not try again by itself, so whatever stands there is the caller's."""
    key = upstream.new_key()
    item = gatherd.fetch(upstream.url("retry-after", v=value, key=key))
    assert item["status"] == 503 and "error" not in item
    assert item["headers"].get("retry-after", "") == value
    assert upstream.stats(key)["requests"] == 1


@pytest.mark.parametrize("text, status", [("99", None), ("103", None), ("101", None),
                                          ("204", 204), ("304", 304), ("600", 600), ("999", 999),
                                          ("1000", None), ("000", None), ("20", None)])
def test_u11_odd_statuses_are_numbers_or_refused(gatherd, upstream, text, status):
    head = f"HTTP/1.1 {text} Odd\r\nContent-Length: 0\r\n\r\n".encode()
    item = gatherd.fetch(upstream.raw_url(head))
    if status:
        assert item["status"] == status and "error" not in item
    else:
        assert item["error"]["code"] in ("bad_reply", "empty_reply", "truncated"), item


def test_header_names_are_lower_case_and_repeats_are_arrays(gatherd, upstream):
    headers = gatherd.fetch(upstream.url("dup-header"))["headers"]
    assert headers["x-twice"] == ["one", "two", "three"]
    assert headers["set-cookie"] == ["a=1", "b=2"]
    assert headers["content-type"] == "text/plain"


def test_hop_by_hop_headers_and_what_connection_names_are_dropped(gatherd, upstream):
    headers = gatherd.fetch(upstream.url("hop-by-hop"))["headers"]
    assert "x-named" not in headers and "keep-alive" not in headers
    assert headers["x-end-to-end"] == "stays"


@pytest.mark.parametrize("path", ["8bit-header", "esc-in-header", "obs-fold", "cr-in-header",
                                  "space-before-colon", "odd-header-name", "empty-header-name"])
def test_odd_headers_never_break_the_document(gatherd, upstream, path):
    """J11, M16: control characters, folds, odd names."""
    item = gatherd.fetch(upstream.url(path))
    assert item["status"] == 200 or item["error"]["code"] == "bad_reply"
    assert "x-smuggled" not in item.get("headers", {})


def test_header_bytes_over_127_come_back_as_latin1_or_utf8(gatherd, upstream):
    """J11: bytes 0x80 to 0xff."""
    headers = gatherd.fetch(upstream.url("8bit-header"))["headers"]
    assert headers["x-latin"] == "caf\u00e9 \u00ff"
    assert headers["x-utf8"] in ("caf\u00e9", "caf\u00c3\u00a9")


def test_interim_replies_leave_no_trace(gatherd, upstream):
    item = gatherd.fetch(upstream.url("early-hints"))
    assert item["status"] == 200 and "link" not in item["headers"]


def test_trailers_do_not_change_what_the_head_said(gatherd, upstream):
    item = gatherd.fetch(upstream.url("trailers"))
    assert item["body"] == "hello"
    assert "content-length" not in item["headers"] and "set-cookie" not in item["headers"]


def test_timing_has_the_phases_of_har(gatherd, upstream):
    item = gatherd.fetch(upstream.url("delay/120"), include=["timing"])
    timing = item["timing"]
    assert 100 <= timing["wait"] <= timing["total"] + 1
    assert timing["ssl"] == -1
    assert timing["httpVersion"] == "1.1"
    assert timing["remoteAddress"] == f"127.0.0.1:{upstream.port}"
    assert timing["bytes"] == len("late\n")


def test_timing_tells_new_connections_from_reused_ones(start_gatherd, upstream):
    gatherd = start_gatherd(options(server__workers=1))
    first = gatherd.fetch(upstream.url("ok"), include=["timing"])["timing"]
    second = gatherd.fetch(upstream.url("ok"), include=["timing"])["timing"]
    assert first["reused"] is False and first["connect"] >= 0
    assert second["reused"] is True and second["connect"] == -1


def test_failed_items_have_timing_too(gatherd, upstream):
    item = gatherd.fetch({"url": upstream.url("hang"), "timeoutMs": 200}, include=["timing"])
    assert 150 <= item["timing"]["total"] < 2000


def test_the_summary_counts_items_without_error_as_ok(gatherd, upstream):
    document = gatherd.batch([upstream.url("ok"), upstream.url("status/500"),
                              upstream.url("close")])
    assert document["summary"]["ok"] == 2 and document["summary"]["failed"] == 1


def test_elapsed_is_the_time_of_the_slowest(gatherd, upstream):
    document = gatherd.batch([upstream.url("delay/300"), upstream.url("ok")])
    assert 290 <= document["summary"]["elapsedMs"] < 2000
