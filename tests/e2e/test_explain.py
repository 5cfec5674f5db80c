# SPDX-License-Identifier: Apache-2.0
"""POST /v1/explain: what a batch would do. Nothing is sent and nothing looked up; the command
line it prints does, when run, what the batch does."""
import base64
import json
import re
import subprocess
import time

import pytest
from harness.configuration import options
from test_keys import make_key, with_keys

SECRET = "whsec_" + base64.b64encode(b"k" * 24).decode()


def explain(gatherd, document, headers=None, status=200):
    reply = gatherd.request("POST", "/v1/explain", json.dumps(document).encode(),
                            {"content-type": "application/json", **(headers or {})})
    assert reply.status == status, reply
    return reply.json()


def metric(gatherd, name):
    found = re.findall(rf"^gatherd_{name}(?:{{[^}}]*}})? (\S+)$", gatherd.metrics(), re.M)
    assert found, name
    return sum(float(value) for value in found)


def test_nothing_reaches_the_upstream_or_a_name_server(gatherd, upstream):
    key = upstream.new_key()
    url = upstream.url("ok", key=key)
    before = {name: metric(gatherd, name) for name in ("items_total", "dns_lookups_total")}
    explained = explain(gatherd, {"requests": [
        url, {"url": url, "method": "POST", "body": {"a": 1}},
        {"url": url, "alternatives": [url], "hedgeAfterMs": 1, "retries": 3},
        "http://name-that-is-nowhere.example/"]})
    assert [item["id"] for item in explained["items"]] == ["0", "1", "2", "3"]
    assert "looked up" in explained["items"][3]["policy"]["detail"]
    assert upstream.stats(key)["requests"] == 0
    assert before == {name: metric(gatherd, name) for name in before}


def test_the_verdict_is_the_one_the_batch_gets(start_gatherd, upstream):
    gatherd = start_gatherd({"egress": {"private_addresses": "deny", "ports": ["1024-65535"],
                                        "allow": [f"127.0.0.1:{upstream.port}"],
                                        "deny": ["denied.example"]}})
    urls = [upstream.url("ok"), "http://127.0.0.2:8080/", "http://denied.example/",
            "http://a.example:22/", "ftp://a.example/", "http://169.254.169.254/", "nonsense",
            "http://user@a.example/", f"http://127.0.0.1:{gatherd.port}/healthz"]
    fetched = gatherd.batch(urls)["responses"]
    for item, response in zip(explain(gatherd, urls)["items"], fetched):
        code = response.get("error", {}).get("code")
        assert item["policy"].get("code") == code, (item, response)
        assert item["policy"]["verdict"] == ("refused" if code else "allowed")
        assert ("curl" in item) == (code != "bad_url")


def test_a_wrong_batch_is_refused_as_by_batch(gatherd):
    for document in ([], {"urls": ["http://a/"], "dedlineMs": 1}, [{"url": "u", "retries": 9}],
                     {"requests": [{"url": "u", "id": "a"}, {"url": "u", "id": "a"}]}):
        refused = explain(gatherd, document, status=400)
        batch = gatherd.post(document).json()
        assert refused["errors"] == batch["errors"] and refused["type"] == batch["type"]
    assert gatherd.request("GET", "/v1/explain").status == 405


def test_it_needs_the_same_key_and_costs_one_item(start_gatherd):
    key, entry = make_key("billing")
    gatherd = start_gatherd(with_keys(entry, limits=[
        {"keys": ["billing"], "items_per_second": 1, "burst": 3}]))
    document = {"urls": ["http://a.example/"] * 3}
    assert explain(gatherd, document, status=401)["type"] == "/problems/unauthorized"
    # Three at once and one more for each second that passes: not thirty, as many as nine.
    body, headers = json.dumps(document), {"content-type": "application/json", "x-api-key": key}
    began = time.monotonic()
    statuses = [gatherd.request("POST", "/v1/explain", body, headers).status for _ in range(10)]
    passed = statuses.count(200)
    assert 3 <= passed <= 4 + time.monotonic() - began and statuses.count(429) == 10 - passed


def same_as_seen(seen):
    """What counts of what /echo saw."""
    headers = sorted((name.lower(), value) for name, value in seen["headers"])
    return seen["method"], seen["target"], seen["bodyBase64"], headers


@pytest.mark.parametrize("fields", [
    {}, {"method": "DELETE"}, {"method": "OPTIONS"}, {"method": "POST"}, {"method": "PUT"},
    {"method": "POST", "body": {"it's": ["$HOME", "`id`", "\\", "\"", "!x", "%41"]}},
    {"method": "PATCH", "body": "line\nline\ttab é 'quoted'"},
    {"method": "POST", "body": "AAEC/w==", "bodyEncoding": "base64"},
    {"method": "POST", "body": "", "headers": {"content-type": "text/plain"}},
    {"method": "DELETE", "body": "x", "headers": {"content-type": "a/b"}},
    {"headers": {"x-a": ["1", "2"], "accept": "a/b", "user-agent": "me", "x-empty": "",
                 "x-quote": "it's \"$(id)\"", "accept-encoding": "identity"}},
    {"method": "POST", "body": [1], "redirects": 2, "timeoutMs": 5000}], ids=str)
def test_the_command_line_makes_the_same_request(gatherd, upstream, fields):
    item = {"url": upstream.url("echo") + "/a/../b?q=[1-3]{a,b}&it's=$x&%2e=~", **fields}
    sent = gatherd.fetch(item)
    assert sent["status"] == 200, sent
    line = explain(gatherd, [item])["items"][0]["curl"]
    run = subprocess.run(["sh", "-c", line], capture_output=True, timeout=20)
    assert run.returncode == 0, (line, run.stderr)
    by_curl, by_gatherd = json.loads(run.stdout), sent["body"]
    assert same_as_seen(by_curl) == same_as_seen(by_gatherd), line


def test_who_waits_for_whom_and_urls_that_are_not_known_yet(gatherd, upstream):
    told = explain(gatherd, [
        {"id": "list", "url": upstream.url("ok")},
        {"id": "one", "url": upstream.url("ok") + "?n={{list.body.n}}"},
        {"id": "last", "url": "{{one.body.next}}", "dependsOn": ["list"]}])["items"]
    assert [item.get("dependsOn") for item in told] == [[], ["list"], ["one", "list"]]
    assert [item["level"] for item in told] == [0, 1, 2]
    assert [item["policy"]["verdict"] for item in told] == ["allowed", "allowed", "unknown"]


def test_head_and_redirects_too(gatherd, upstream):
    line = explain(gatherd, [{"url": upstream.url("bytes/5"), "method": "HEAD"}])
    run = subprocess.run(["sh", "-c", line["items"][0]["curl"]], capture_output=True, timeout=20)
    assert run.stdout.startswith(b"HTTP/1.1 200") and b"ontent-Length: 5" in run.stdout
    item = {"url": upstream.url("redirect-to", u="/echo"), "method": "POST", "body": {"a": 1},
            "redirects": 1}
    run = subprocess.run(["sh", "-c", explain(gatherd, [item])["items"][0]["curl"]],
                         capture_output=True, timeout=20)
    seen, ours = json.loads(run.stdout), gatherd.fetch(item)["body"]
    assert seen["method"] == ours["method"] == "GET" and seen["bodyBase64"] == ""


def test_secrets_are_masked_and_signatures_not_made(start_gatherd, upstream):
    gatherd = start_gatherd({"webhooks": {"secrets": [{"name": "orders", "secret": SECRET}]}})
    item = {"url": upstream.url("echo") + "?api_key=hidden1&page=2", "method": "POST",
            "headers": {"authorization": "Bearer hidden2", "cookie": "hidden3",
                        "x-api-key": "hidden4", "x-shown": "shown"},
            "body": {"$shared": True}, "sign": {"secret": "orders"}}
    [told] = explain(gatherd, {"requests": [item], "sharedBody": {"a": 1}})["items"]
    text = json.dumps(told)
    assert "hidden" not in text and "shown" in text and SECRET[6:] not in text
    assert told["sign"] == {"secret": "orders", "scheme": "standard-webhooks", "signatures": 1}
    assert told["sharedBody"] is True and told["curl"].count("webhook-") == 3
    assert "page=2" in told["curl"] and "'webhook-signature: ***'" in told["curl"]


def test_ten_thousand_items_are_explained_within_the_bounds(start_gatherd):
    """Each explanation takes some 5 MiB of the budget for replies, and gives it back."""
    gatherd = start_gatherd(options(batch__max_items=10000, batch__reply_max_bytes="8MiB",
                                    memory__reply_budget="16MiB"))
    document = {"urls": [f"http://a.example/{i}" for i in range(10000)]}
    for _ in range(5):
        told = explain(gatherd, document)
    assert len(told["items"]) == told["batch"]["items"] == 10000
    assert told["items"][-1]["id"] == "9999"
    small = start_gatherd(options(batch__max_items=10000, batch__reply_max_bytes="1MiB",
                                  memory__reply_budget="4MiB"))
    for _ in range(6):
        assert explain(small, document, status=413)["type"] == "/problems/too-large"
    assert len(explain(small, ["http://a.example/"])["items"]) == 1


def test_a_client_that_goes_away_meanwhile_is_nobodys_harm(start_gatherd):
    gatherd = start_gatherd(options(batch__max_items=10000, batch__reply_max_bytes="8MiB",
                                    memory__reply_budget="16MiB"))
    body = json.dumps({"urls": ["http://a.example/"] * 10000}).encode()
    head = (f"POST /v1/explain HTTP/1.1\r\nHost: 127.0.0.1:{gatherd.port}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n").encode()
    for wait_s in (0, 0.01, 0.03, 0.1, 0.2):
        with gatherd.raw() as client:
            client.send(head + body)
            time.sleep(wait_s)
    assert len(explain(gatherd, {"urls": ["http://a.example/"] * 10000})["items"]) == 10000
