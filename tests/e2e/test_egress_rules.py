# SPDX-License-Identifier: Apache-2.0
"""The egress policy by key (egress.rules) and on trial (egress.mode: report)."""
import hashlib
import re

import pytest
from harness.configuration import options
from harness.process import wait_until

KEYS = {"auth": {"mode": "keys",
                 "keys": [{"name": name, "sha256": hashlib.sha256(name.encode()).hexdigest()}
                          for name in ("open", "shut")]}}
DENY = {"egress": {"private_addresses": "deny"}}


def fetch_as(gatherd, key, item):
    reply = gatherd.post({"requests": [item]}, headers={"x-api-key": key})
    assert reply.status == 200, reply
    return reply.json()["responses"][0]


def metric(gatherd, name, **labels):
    label = ",".join(f'{key}="{value}"' for key, value in labels.items())
    found = re.search(rf"^gatherd_{name}{{{label}}} (\d+)$", gatherd.metrics(), re.M)
    assert found, (name, labels)
    return int(found.group(1))


@pytest.fixture
def two_callers(start_gatherd, upstream):
    def start(*trees, **rule):
        return start_gatherd(KEYS, DENY, {"egress": {"rules": [{"keys": ["open"], **rule}]}},
                             {"server": {"workers": 1}}, *trees)
    return start


def test_s8_a_pooled_connection_of_one_caller_is_no_way_in_for_another(two_callers, upstream):
    """S8: caller A may, caller B may not, same host pooled: by number, by name from the
    cache of answers, and by redirect."""
    gatherd = two_callers(allow=[f"127.0.0.1:{upstream.port}", "::1", "localhost"])
    for url in (upstream.url("ok"), f"http://localhost:{upstream.port}/ok"):
        key = upstream.new_key()
        url += f"?key={key}"
        for _ in range(3):
            assert fetch_as(gatherd, "open", url)["status"] == 200
            item = fetch_as(gatherd, "shut", url)
            assert (item["status"], item["error"]["code"]) == (403, "blocked_address"), item
        item = fetch_as(gatherd, "open", {"url": url, "id": "reused"})
        assert item["status"] == 200
        stats = upstream.stats(key)
        assert stats["requests"] == 4
    assert 'gatherd_upstream_connections_reused_total 0' not in gatherd.metrics()
    assert metric(gatherd, "egress_refused_total", reason="private") == 6


def test_s8_both_callers_in_one_moment(two_callers, upstream):
    """S8: the same while connections of the one are busy and idle by turns."""
    gatherd = two_callers(allow=["127.0.0.0/8"])
    key = upstream.new_key()
    items = [upstream.url("ok", key=key)] * 20
    for _ in range(5):
        opened = gatherd.post({"requests": items}, headers={"x-api-key": "open"}).json()
        closed = gatherd.post({"requests": items}, headers={"x-api-key": "shut"}).json()
        assert {item["status"] for item in opened["responses"]} == {200}
        assert {item["status"] for item in closed["responses"]} == {403}
    assert upstream.stats(key)["requests"] == 100


def test_s8_a_redirect_is_judged_by_the_rules_of_its_caller(start_gatherd, upstream):
    """S8: the first hop is open to both, the second to one of them."""
    other = f"http://127.0.0.2:{upstream.port}/ok"
    gatherd = start_gatherd(KEYS, DENY, {"egress": {
        "allow": [f"127.0.0.1:{upstream.port}"],
        "rules": [{"keys": ["open"], "allow": ["127.0.0.2"]}]}})
    item = {"url": upstream.url("redirect-to", u=other), "redirects": 1}
    assert fetch_as(gatherd, "open", item).get("error", {}).get("code") in (None, "connect")
    assert fetch_as(gatherd, "shut", item)["error"]["code"] == "blocked_address"


def test_a_deny_for_one_key_leaves_the_others_alone(start_gatherd, upstream):
    gatherd = start_gatherd(KEYS, {"egress": {"rules": [
        {"keys": ["shut"], "deny": ["127.0.0.0/8"]}]}})
    assert fetch_as(gatherd, "open", upstream.url("ok"))["status"] == 200
    assert fetch_as(gatherd, "shut", upstream.url("ok"))["error"]["code"] == "blocked_address"


def test_a_star_is_every_key_without_an_entry_of_its_own(start_gatherd, upstream):
    gatherd = start_gatherd(KEYS, DENY, {"egress": {"rules": [
        {"keys": ["*"], "allow": ["127.0.0.0/8"]}, {"keys": ["shut"]}]}})
    assert fetch_as(gatherd, "open", upstream.url("ok"))["status"] == 200
    assert fetch_as(gatherd, "shut", upstream.url("ok"))["error"]["code"] == "blocked_address"


def test_report_mode_fetches_counts_and_logs_without_the_query(start_gatherd, upstream):
    gatherd = start_gatherd(DENY, {"egress": {"mode": "report"}})
    url = upstream.url("ok", secret="hunter2")
    document = gatherd.batch([url] * 5)
    assert {item["status"] for item in document["responses"]} == {200}
    assert metric(gatherd, "egress_would_refuse_total", reason="private") == 5
    assert metric(gatherd, "egress_refused_total", reason="private") == 0
    lines = wait_until(lambda: [line for line in gatherd.log_lines()
                                if line["event"] == "egress_would_refuse"], 5, "a line")
    assert 1 <= len(lines) <= 3, "five in a moment are not five lines"
    line = lines[0]
    assert line["requestId"] == document["reply"].header("X-Request-Id")
    assert (line["host"], line["port"]) == ("127.0.0.1", upstream.port)
    assert line["reason"] == "the address is not public"
    assert "hunter2" not in str(lines)


def test_report_mode_notes_a_name_once_and_a_redirect_too(start_gatherd, upstream):
    gatherd = start_gatherd(DENY, {"egress": {"mode": "report",
                                              "deny": [f"localhost:{upstream.port}"]}})
    item = gatherd.fetch({"url": upstream.url(
        "redirect-to", u=f"http://localhost:{upstream.port}/ok"), "redirects": 1})
    assert item["status"] == 200, item
    assert metric(gatherd, "egress_would_refuse_total", reason="denied_host") == 1
    assert metric(gatherd, "egress_would_refuse_total", reason="private") == 2


def test_report_mode_does_not_let_a_batch_reach_the_gateway_or_metadata(start_gatherd):
    gatherd = start_gatherd(DENY, {"egress": {"mode": "report"}})
    for url in (f"http://127.0.0.1:{gatherd.port}/healthz", "http://169.254.169.254/",
                "http://metadata.google.internal/"):
        assert gatherd.fetch(url)["error"]["code"] == "blocked_address", url
    assert gatherd.fetch("ftp://127.0.0.1/")["error"]["code"] == "blocked_url"
    assert metric(gatherd, "egress_refused_total", reason="own_listener") == 1
    assert metric(gatherd, "egress_refused_total", reason="metadata") == 2
    assert metric(gatherd, "egress_refused_total", reason="no_http") == 1


def test_report_mode_names_the_caller(start_gatherd, upstream):
    gatherd = start_gatherd(KEYS, DENY, {"egress": {"mode": "report"}})
    assert fetch_as(gatherd, "shut", upstream.url("ok"))["status"] == 200
    line = next(line for line in gatherd.log_lines() if line["event"] == "egress_would_refuse")
    assert line["caller"] == "shut"


def test_redirects_from_https_to_http_are_followed_when_configured(start_gatherd, upstream):
    url = upstream.tls("good", "redirect-to?u=" + upstream.url("ok"))
    item = {"url": url, "redirects": 2}
    for mode, code in (("deny", "blocked_url"), ("allow", None)):
        gatherd = start_gatherd(options(fetch__ca_file=upstream.ca_file,
                                        egress__insecure_redirects=mode))
        reply = gatherd.fetch(item)
        assert reply.get("error", {}).get("code") == code, reply
    assert metric(gatherd, "egress_refused_total", reason="insecure_redirect") == 0


def test_s18_a_denied_name_is_not_looked_up(start_gatherd):
    """S18: a name that is refused by itself asks no name server, so that nothing gets out
    by names; scheme and port are judged before the look-up too."""
    gatherd = start_gatherd({"egress": {"deny": ["*.secret.example"], "ports": ["80"]}})
    for url in ("http://data.secret.example/", "http://other.example:81/",
                "ftp://other.example/", "http://metadata.google.internal/"):
        assert gatherd.fetch(url)["error"]["code"].startswith("blocked_"), url
    lookups = re.findall(r"^gatherd_dns_lookups_total{.*} (\d+)$", gatherd.metrics(), re.M)
    assert lookups and set(lookups) == {"0"}


def test_s23_an_upstream_is_asked_no_more_at_once_than_per_origin(start_gatherd, upstream):
    """S23: whatever the batches and callers, one origin has so many items at a time from a
    worker."""
    gatherd = start_gatherd(KEYS, options(fetch__per_origin=4, server__workers=1))
    key = upstream.new_key()
    items = [upstream.url("delay/20", key=key)] * 30
    assert {item["status"] for item in gatherd.post(
        {"requests": items}, headers={"x-api-key": "open"}).json()["responses"]} == {200}
    stats = upstream.stats(key)
    assert stats["requests"] == 30
    assert stats["peak_in_flight"] <= 8, "a reply counts until it is sent"


def test_s23_an_upstream_can_be_taken_out(start_gatherd, upstream):
    """S23: egress.deny is the list of those who do not want to be asked."""
    gatherd = start_gatherd({"egress": {"deny": ["127.0.0.1"]}})
    key = upstream.new_key()
    assert gatherd.fetch(upstream.url("ok", key=key))["error"]["code"] == "blocked_address"
    assert upstream.stats(key)["requests"] == 0


def test_l13_equal_urls_of_two_callers_are_two_requests(start_gatherd, upstream):
    """L13: nothing is shared between callers, however equal what they ask for: each item is
    asked for with the credentials of its own batch."""
    gatherd = start_gatherd(KEYS, {"server": {"workers": 1}})
    key = upstream.new_key()
    url = upstream.url("echo", key=key)
    for _ in range(3):
        for caller in ("open", "shut"):
            item = fetch_as(gatherd, caller, {
                "url": url, "headers": {"authorization": f"Bearer of-{caller}"}})
            sent = {name.lower(): value for name, value in item["body"]["headers"]}
            assert sent["authorization"] == f"Bearer of-{caller}"
            assert caller not in sent.get("x-api-key", "")
    assert upstream.stats(key)["requests"] == 6
    plain = fetch_as(gatherd, "shut", url)["body"]["headers"]
    assert "authorization" not in {name.lower() for name, _ in plain}
