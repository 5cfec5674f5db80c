# SPDX-License-Identifier: Apache-2.0
"""Redirects: followed only when asked for, by the service itself, hop by hop."""
import pytest
from harness.configuration import options


def fetch(gatherd, url, redirects, **fields):
    return gatherd.fetch({"url": url, "redirects": redirects, **fields})


def test_by_default_a_redirect_is_the_answer(gatherd, upstream):
    item = gatherd.fetch(upstream.url("redirect-to", u="/ok"))
    assert item["status"] == 302 and item["headers"]["location"] == "/ok"


@pytest.mark.parametrize("hops", [1, 2, 5])
def test_as_many_as_asked_for_are_followed(gatherd, upstream, hops):
    item = fetch(gatherd, upstream.url(f"redirect-chain/{hops}"), hops)
    assert item["status"] == 200 and item["body"] == "arrived by GET\n"


def test_one_more_is_the_limit(gatherd, upstream):
    """S9: more redirects than asked for."""
    for path in ("redirect-chain/3", "redirect-loop"):
        item = fetch(gatherd, upstream.url(path), 2)
        assert (item["status"], item["error"]["code"]) == (502, "redirect_limit")


def test_a_loop_is_not_asked_more_often_than_allowed(gatherd, upstream):
    """S9: a loop."""
    key = upstream.new_key()
    fetch(gatherd, upstream.url("redirect-loop", key=key), 3)
    assert upstream.stats(key)["requests"] == 4


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_every_redirect_status_is_followed(gatherd, upstream, code):
    item = fetch(gatherd, upstream.url("redirect-to", u="/echo", code=code), 1)
    assert item["status"] == 200 and item["body"]["method"] == "GET"


@pytest.mark.parametrize("code, method, body", [(303, "GET", ""), (307, "POST", "data"),
                                                (308, "POST", "data"), (301, "GET", ""),
                                                (302, "GET", "")])
def test_the_method_changes_as_rfc_9110_says(gatherd, upstream, code, method, body):
    item = fetch(gatherd, upstream.url("redirect-to", u="/echo", code=code), 1, method="POST",
                 body="data")
    assert item["body"]["method"] == method and item["body"]["bodyText"] == body


@pytest.mark.parametrize("location, target", [("/echo", "/echo"), ("echo", "/echo"),
                                              ("?u=%2Fecho", None), ("./echo?a=1", "/echo?a=1"),
                                              ("/x/../echo", "/echo"), ("echo#frag", "/echo")])
def test_relative_locations_are_resolved(gatherd, upstream, location, target):
    item = fetch(gatherd, upstream.url("redirect-to", u=location), 2)
    if target:
        assert item["body"]["target"] == target


def test_a_redirect_without_location_is_delivered_or_a_bad_reply(gatherd, upstream):
    """S9: no Location."""
    item = fetch(gatherd, upstream.url("redirect-none"), 2)
    assert item["status"] == 302 or item["error"]["code"] == "bad_reply"


def test_two_locations_are_a_bad_reply(gatherd, upstream):
    """S9: two Locations."""
    item = fetch(gatherd, upstream.url("redirect-two"), 2)
    assert item["error"]["code"] == "bad_reply"


@pytest.mark.parametrize("location", ["file:///etc/passwd", "gopher://127.0.0.1/", "ftp://a.test/",
                                      "javascript:alert(1)", "data:,x"])
def test_a_redirect_to_another_scheme_is_blocked(gatherd, upstream, location):
    """S9: other schemes."""
    item = fetch(gatherd, upstream.url("redirect-to", u=location), 2)
    assert item["error"]["code"] in ("blocked_url", "bad_reply"), item


@pytest.mark.parametrize("location", ["http://user:pw@127.0.0.1/", "http://[::1", "http://a b/",
                                      "//", "http://", "http://a\tb/", "/a\rb", "http://a\\b/"])
def test_a_redirect_to_a_bad_url_fails(gatherd, upstream, location):
    """S9: userinfo and what is no URL."""
    item = fetch(gatherd, upstream.url("redirect-to", u=location), 2)
    assert item["error"]["code"] in ("bad_reply", "bad_url", "blocked_url"), item


def test_a_redirect_to_a_private_address_is_blocked(start_gatherd, upstream):
    """S9: each hop is vetted."""
    gatherd = start_gatherd({"egress": {"private_addresses": "deny",
                                        "allow": [f"127.0.0.1:{upstream.port}"]}})
    key = upstream.new_key()
    for target in (f"http://127.0.0.2:{upstream.port}/ok?key={key}",
                   f"http://[::1]:{upstream.port}/ok?key={key}", "http://169.254.169.254/",
                   f"http://127.0.0.1:{upstream.ports['tcp']['silent']}/"):
        item = fetch(gatherd, upstream.url("redirect-to", u=target), 2)
        assert item["error"]["code"] == "blocked_address", item
    assert upstream.stats(key)["requests"] == 0


def test_secrets_do_not_cross_to_another_origin(gatherd, upstream):
    other = f"http://localhost:{upstream.port}/echo"
    headers = {"authorization": "Bearer s3cret", "cookie": "a=b", "x-api-key": "s3cret"}
    item = fetch(gatherd, upstream.url("redirect-to", u=other), 1, headers=headers)
    sent = {name.lower() for name, _ in item["body"]["headers"]}
    assert not sent & set(headers), sent


def test_headers_stay_within_the_origin(gatherd, upstream):
    item = fetch(gatherd, upstream.url("redirect-to", u="/echo"), 1,
                 headers={"authorization": "Bearer s3cret", "x-own": "1"})
    sent = {name.lower(): value for name, value in item["body"]["headers"]}
    assert sent["authorization"] == "Bearer s3cret" and sent["x-own"] == "1"


def test_all_hops_share_one_clock(gatherd, upstream):
    item = fetch(gatherd, upstream.url("redirect-to", u="/hang"), 2, timeoutMs=400)
    assert item["error"]["code"].startswith("timeout_"), item


def test_https_to_http_is_not_followed(start_gatherd, upstream):
    """S9: from https to http only where configured."""
    gatherd = start_gatherd(options(fetch__ca_file=upstream.ca_file))
    url = upstream.tls("good", "redirect-to?u=" + upstream.url("ok"))
    item = fetch(gatherd, url, 2)
    assert "error" in item and item["error"]["code"] in ("blocked_url", "bad_reply"), item


def test_s9_a_line_in_a_location_is_no_request_of_its_own(gatherd, upstream):
    """S9: what stands behind a CRLF in a Location is the upstream's next header line, and
    nothing of it gets into the next request."""
    key = upstream.new_key()
    location = f"/echo?key={key}\r\nX-Injected: 1"
    item = fetch(gatherd, upstream.url("redirect-to", u=location), 2,
                 headers={"x-own": "1"})
    assert item["status"] == 200, item
    assert item["body"]["target"] == f"/echo?key={key}"
    assert "x-injected" not in {name.lower() for name, _ in item["body"]["headers"]}
    assert upstream.stats(key)["requests"] == 1


def test_s9_slow_hops_share_the_clock_of_the_item(gatherd, upstream):
    """S9: two hops that are each in time are too late together."""
    second = upstream.url("delay/600")
    first = upstream.url("redirect-to", u=second)
    assert fetch(gatherd, first, 1, timeoutMs=5000)["status"] == 200
    item = fetch(gatherd, first, 1, timeoutMs=400)
    assert item["error"]["code"] in ("timeout_first_byte", "timeout_total"), item
