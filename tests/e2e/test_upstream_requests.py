# SPDX-License-Identifier: Apache-2.0
"""What an item becomes on its way to the upstream, as /echo saw it."""
import base64
import json
import random

import pytest
from harness.configuration import options


def echo(gatherd, upstream, **fields):
    item = gatherd.fetch({"url": upstream.url("echo"), **fields})
    assert item["status"] == 200, item
    return item["body"]


def headers_of(seen, name):
    return [v for n, v in seen["headers"] if n.lower() == name]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_the_method_is_sent(gatherd, upstream, method):
    assert echo(gatherd, upstream, method=method)["method"] == method


def test_head_has_headers_and_no_body(gatherd, upstream):
    item = gatherd.fetch({"url": upstream.url("bytes/1000"), "method": "HEAD"})
    assert item["status"] == 200 and item["headers"]["content-length"] == "1000"
    assert "body" not in item


def test_the_target_is_sent_as_written(gatherd, upstream):
    for target in ("/echo?q=%41%2f+b&empty=&=x", "/echo/a;b=c/d,e", "/echo/%7Euser/%20",
                   "/echo?a[]=1&b={x}|y"):
        item = gatherd.fetch(upstream.origin + target)
        if item["status"] == 200:
            assert item["body"]["target"] == target
        else:
            assert item["error"]["code"] == "bad_url", item


def test_a_fragment_is_not_sent(gatherd, upstream):
    assert gatherd.fetch(upstream.url("echo") + "?x=1#part")["body"]["target"] == "/echo?x=1"


def test_host_carries_the_port(gatherd, upstream):
    assert headers_of(echo(gatherd, upstream), "host") == [f"127.0.0.1:{upstream.port}"]


def test_the_user_agent_names_the_service_unless_the_caller_does(gatherd, upstream):
    """S23: upstreams can tell who asks."""
    assert headers_of(echo(gatherd, upstream), "user-agent")[0].startswith("gatherd/")
    own = echo(gatherd, upstream, headers={"User-Agent": "mine/1"})
    assert headers_of(own, "user-agent") == ["mine/1"]


def test_headers_arrive_as_written_and_arrays_as_several(gatherd, upstream):
    seen = echo(gatherd, upstream, headers={"X-One": "1", "x-list": ["a", "b", "c"],
                                            "accept": "application/json", "X-Empty": ""})
    assert headers_of(seen, "x-one") == ["1"]
    assert headers_of(seen, "x-list") == ["a", "b", "c"]
    assert headers_of(seen, "accept") == ["application/json"]
    assert headers_of(seen, "x-empty") == [""]


def test_the_callers_own_headers_are_not_forwarded(gatherd, upstream):
    reply = gatherd.post({"requests": [upstream.url("echo")]},
                         {"authorization": "Bearer secret", "cookie": "a=b", "x-mine": "1",
                          "x-request-id": "abc"})
    seen = reply.json()["responses"][0]["body"]
    sent = {name.lower() for name, _ in seen["headers"]}
    assert not sent & {"authorization", "cookie", "x-mine", "content-type", "expect"}


def test_a_string_body_is_sent_as_its_bytes(gatherd, upstream):
    seen = echo(gatherd, upstream, method="POST", body="gr\u00fc\u00dfe \U0001f600\n")
    assert seen["bodyText"] == "gr\u00fc\u00dfe \U0001f600\n"
    assert not any("json" in v or "form" in v for v in headers_of(seen, "content-type"))
    assert headers_of(seen, "content-length") == [str(seen["bodyBytes"])]


@pytest.mark.parametrize("value", [{"q": 1, "a": [True, None, "x"]}, [1, 2], 42, True, None, {}])
def test_any_other_body_is_sent_as_json(gatherd, upstream, value):
    seen = echo(gatherd, upstream, method="POST", body=value)
    if value is None and not seen["bodyBytes"]:
        return      # null may as well mean "no body"
    assert json.loads(seen["bodyText"]) == value
    assert headers_of(seen, "content-type") == ["application/json"]


def test_the_callers_content_type_wins(gatherd, upstream):
    seen = echo(gatherd, upstream, method="POST", body={"a": 1},
                headers={"content-type": "application/vnd.x+json"})
    assert headers_of(seen, "content-type") == ["application/vnd.x+json"]


def test_a_base64_body_is_sent_as_bytes(gatherd, upstream):
    data = bytes(range(256))
    seen = echo(gatherd, upstream, method="PUT", bodyEncoding="base64",
                body=base64.b64encode(data).decode())
    assert base64.b64decode(seen["bodyBase64"]) == data


def test_body_encoding_json_sends_a_string_as_json(gatherd, upstream):
    seen = echo(gatherd, upstream, method="POST", body="x", bodyEncoding="json")
    assert seen["bodyText"] == '"x"'
    assert headers_of(seen, "content-type") == ["application/json"]


def test_body_encoding_text_is_the_default_of_strings(gatherd, upstream):
    assert echo(gatherd, upstream, method="POST", body="x",
                bodyEncoding="text")["bodyText"] == "x"


def test_no_body_on_post_has_a_length_of_zero(gatherd, upstream):
    seen = echo(gatherd, upstream, method="POST")
    assert seen["bodyBytes"] == 0 and headers_of(seen, "content-length") in (["0"], [])


def test_a_json_body_is_sent_as_written(gatherd, upstream):
    body = '{"n": 123456789012345678901234567890, "z": 1.10, "a" : [1E400,-0]}'
    document = '{"requests": [{"url": "%s", "method": "POST", "body": %s}]}' % (
        upstream.url("echo"), body)
    seen = gatherd.post(document.encode()).json()["responses"][0]["body"]
    assert seen["bodyText"] == body


def test_a_large_body_arrives_whole_without_a_stall(gatherd, upstream):
    text = "0123456789abcdef" * (2 << 16)
    item = gatherd.fetch({"url": upstream.url("echo?brief"), "method": "POST", "body": text},
                         include=["body", "timing"])
    assert item["body"]["bodyBytes"] == len(text) == 2 << 20
    assert headers_of(item["body"], "expect") == []
    assert item["timing"]["total"] < 2000 or item["timing"]["send"] < 900, item["timing"]


def test_no_cookies_or_credentials_travel_between_items(gatherd, upstream):
    """S20: cookies stay where they came from."""
    gatherd.batch([upstream.url("set-cookie")] * 4)
    seen = gatherd.fetch({"url": upstream.url("echo")})["body"]
    assert headers_of(seen, "cookie") == [] and headers_of(seen, "authorization") == []


def test_the_proxy_variables_of_the_environment_are_not_used(start_gatherd, upstream):
    """S20: nor are proxies of the environment."""
    proxy = f"http://127.0.0.1:{upstream.ports['tcp']['refused']}"
    names = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
    gatherd = start_gatherd(environment=dict.fromkeys(names, proxy))
    assert gatherd.fetch(upstream.url("ok"))["status"] == 200


def test_s20_nothing_of_the_gateways_own_home_is_used(start_gatherd, upstream, tmp_path):
    """S20: no .netrc, no .curlrc, no log of TLS keys, no cookie or HSTS file."""
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password secret\n")
    (tmp_path / ".curlrc").write_text('header = "X-Leak: yes"\n')
    keys = tmp_path / "keys.log"
    gatherd = start_gatherd(options(fetch__ca_file=upstream.ca_file), environment={
        "HOME": str(tmp_path), "CURL_HOME": str(tmp_path), "NETRC": str(tmp_path / ".netrc"),
        "SSLKEYLOGFILE": str(keys)})
    seen = echo(gatherd, upstream)
    assert headers_of(seen, "authorization") == [] and headers_of(seen, "x-leak") == []
    assert gatherd.fetch(upstream.tls("good"))["status"] == 200
    assert not keys.exists()


def test_s21_nothing_of_a_request_is_left_for_the_next_on_its_handle(start_gatherd, upstream):
    """S21: methods, bodies and headers in every order, on few connections and handles."""
    gatherd = start_gatherd(options(server__workers=1, fetch__per_origin=2))
    shapes = [{"method": "PUT", "body": "put"}, {"method": "POST", "body": {"a": 1}}, {},
              {"method": "POST"}, {"method": "DELETE"}, {"method": "PATCH", "body": "p" * 5000},
              {"headers": {"Authorization": "Bearer secret", "X-Own": "1"}},
              {"method": "OPTIONS"}, {"method": "POST", "body": "x", "headers": {"X-Own": "2"}}]
    order = random.Random(21)
    items = [{**order.choice(shapes), "id": str(n), "url": upstream.url("echo", nonce=n)}
             for n in range(300)]
    for item, reply in zip(items, gatherd.batch(items)["responses"]):
        seen, body = reply["body"], item.get("body")
        text = body if isinstance(body, str) else json.dumps(body, separators=(",", ":"))
        assert seen["target"] == f"/echo?nonce={item['id']}"
        assert seen["method"] == item.get("method", "GET")
        assert seen["bodyText"].replace(" ", "") == (text if body is not None else "")
        own = item.get("headers", {})
        assert headers_of(seen, "x-own") == ([own["X-Own"]] if own else [])
        assert headers_of(seen, "authorization") == (["Bearer secret"] if "Authorization" in own
                                                     else [])


def test_headers_that_frame_the_message_are_refused_not_sent(gatherd, upstream):
    """S15: with a pointer, and nothing is sent."""
    key = upstream.new_key()
    for name in ("Content-Length", "Transfer-Encoding", "Connection", "Upgrade", "Trailer", "TE",
                 "Expect", "Keep-Alive", "Proxy-Connection"):
        reply = gatherd.post([{"url": upstream.url("echo", key=key), "headers": {name: "5"}}])
        assert reply.status == 400, (name, reply)
        assert reply.json()["errors"][0]["pointer"].startswith("/"), reply
    assert upstream.stats(key)["requests"] == 0
