# SPDX-License-Identifier: Apache-2.0
"""Broadcasts: one shared body for many items, and signatures after Standard Webhooks 1.0.0.
The verifier here is written from the specification and knows nothing of gatherd."""
import base64
import hashlib
import hmac
import http.server
import json
import threading
import time

import pytest
from harness.configuration import options
from harness.gatherd import run_cli, slowness
from harness.process import figure_of, free_port

OLD, NEW, OTHER = (base64.b64encode(bytes([seed] * size)).decode()
                   for seed, size in ((1, 24), (2, 64), (3, 32)))
TOLERANCE_S = 300


def secret(name, encoded, *keys):
    entry = {"name": name, "secret": "whsec_" + encoded}
    return {**entry, "keys": list(keys)} if keys else entry


def verify(encoded, headers, body):
    """What a receiver does: the age, and whether any of the signatures is right."""
    values = {name.lower(): value for name, value in headers}
    assert len([name for name, _ in headers if name.lower().startswith("webhook-")]) == 3
    sent_at = int(values["webhook-timestamp"])
    assert abs(time.time() - sent_at) < TOLERANCE_S
    assert values["webhook-id"] and "." not in values["webhook-id"]
    signed = f"{values['webhook-id']}.{sent_at}.".encode() + body
    expected = hmac.new(base64.b64decode(encoded), signed, hashlib.sha256).digest()
    given = [text.split(",", 1) for text in values["webhook-signature"].split(" ")]
    return any(version == "v1" and hmac.compare_digest(base64.b64decode(signature), expected)
               for version, signature in given)


def seen_by(upstream, item):
    assert item["status"] == 200, item
    return item["body"]["headers"], base64.b64decode(item["body"]["bodyBase64"])


@pytest.fixture
def signing(start_gatherd):
    return start_gatherd({"webhooks": {"secrets": [
        secret("orders", OLD), secret("orders", NEW), secret("news", OTHER)]}})


def broadcast(upstream, count, **more):
    return {"defaults": {"method": "POST", "body": {"$shared": True},
                         "sign": {"secret": "news", "scheme": "standard-webhooks"}},
            "urls": [upstream.url("echo")] * count, **more}


def test_each_item_of_a_broadcast_is_signed_for_itself(signing, upstream):
    body = b'{"type": "order.paid",  "n": 1e400}'
    text = json.dumps(broadcast(upstream, 20, sharedBody="BODY")).replace('"BODY"', body.decode())
    reply = signing.request("POST", "/v1/batch", text.encode(),
                            {"content-type": "application/json"})
    assert reply.status == 200, reply
    ids = set()
    for item in reply.json()["responses"]:
        headers, received = seen_by(upstream, item)
        assert received == body and verify(OTHER, headers, received)
        assert not verify(NEW, headers, received)
        ids.add(dict(headers)["webhook-id"])
        assert ["content-type", "application/json"] in [[n.lower(), v] for n, v in headers]
    assert len(ids) == 20, "each item is a message of its own"


@pytest.mark.parametrize("fields", [
    {"method": "POST", "body": "text"}, {"method": "POST"}, {"method": "GET"},
    {"method": "PUT", "body": "AAH/", "bodyEncoding": "base64"},
    {"method": "POST", "body": {"a": [1, 2]}, "headers": {"x-a": "b", "accept": "text/plain"}}])
def test_every_kind_of_body_is_signed_as_sent_also_none(signing, upstream, fields):
    item = signing.fetch({"url": upstream.url("echo"), "sign": {"secret": "orders"}, **fields})
    headers, received = seen_by(upstream, item)
    assert verify(OLD, headers, received) and verify(NEW, headers, received), \
        "while one secret replaces the other, both sign"


def test_the_callers_own_id_is_kept_for_deliveries_repeated_in_another_batch(signing, upstream):
    for _ in range(2):
        item = signing.fetch({"url": upstream.url("echo"), "sign": {"secret": "news"},
                              "headers": {"webhook-id": "evt_42"}})
        headers, received = seen_by(upstream, item)
        assert dict(headers)["webhook-id"] == "evt_42" and verify(OTHER, headers, received)


def test_signature_headers_stay_with_their_origin_when_a_redirect_leaves_it(signing, upstream):
    other = upstream.url("echo").replace("127.0.0.1", "localhost")
    for target, is_signed in ((upstream.url("echo"), True), (other, False)):
        item = signing.fetch({"url": upstream.url("redirect-to", u=target), "redirects": 1,
                              "sign": {"secret": "news"}})
        headers, _ = seen_by(upstream, item)
        assert any(n.lower().startswith("webhook-") for n, _ in headers) == is_signed


def test_an_attempt_has_a_time_of_its_own_and_the_items_id(signing):
    """The receiver asks for a second; a webhook that is tried again is the same message."""
    seen = []

    class Receiver(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            seen.append((self.headers.items(), body))
            self.send_response(503 if len(seen) == 1 else 204)
            self.send_header("retry-after", "1")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        item = signing.fetch({"url": f"http://127.0.0.1:{server.server_port}/", "method": "POST",
                              "body": {"a": 1}, "sign": {"secret": "news"}, "retries": 1,
                              "idempotencyKey": "k"})
        server.shutdown()
    assert item["status"] == 204 and len(item["attempts"]) == len(seen) == 2, item
    first, second = (dict(headers) for headers, _ in seen)
    assert all(verify(OTHER, headers, body) for headers, body in seen)
    assert first["webhook-id"] == second["webhook-id"]
    assert int(second["webhook-timestamp"]) > int(first["webhook-timestamp"])


def beside(upstream):
    """What a signed item may meet: the requests before it, its own fields, the batch's options."""
    echo, dead = upstream.url("echo"), f"http://127.0.0.1:{free_port()}/"
    first = {"id": "a", "url": upstream.url("status/201")}
    return {
        "references": ([first], {"url": echo + "?s={{a.status}}", "method": "POST",
                                 "headers": {"x-s": "{{a.status}}"},
                                 "body": {"s": "{{a.status}}"}}, {}),
        "hedge": ([], {"url": upstream.url("hang"), "hedgeAfterMs": 20,
                       "alternatives": [echo]}, {}),
        "alternatives": ([], {"url": dead, "method": "PUT", "body": {"$shared": True},
                              "alternatives": [echo]}, {"sharedBody": "once"}),
        "retries": ([], {"url": dead, "retries": 1, "alternatives": [echo]}, {}),
        "expect": ([], {"url": echo, "expect": {"status": [200]}}, {}),
        "coalesce": ([{"url": echo, "coalesce": True}], {"url": echo, "coalesce": True}, {}),
        "failFast": ([], {"url": echo}, {"failFast": True, "until": "firstOk"}),
        "select": ([], {"url": echo, "select": ["/headers", "/bodyBase64"]}, {}),
        "concurrency": ([first], {"url": echo, "dependsOn": ["a"]}, {"concurrency": 1}),
    }


@pytest.mark.parametrize("what", ["references", "hedge", "alternatives", "retries", "expect",
                                  "coalesce", "failFast", "select", "concurrency"])
@pytest.mark.parametrize("accept", ["application/json", "application/x-ndjson"])
def test_a_signature_is_right_beside_everything_else(signing, upstream, what, accept):
    before, item, more = beside(upstream)[what]
    signed = {**item, "id": "signed", "sign": {"secret": "news"}}
    reply = signing.post({"requests": [*before, signed], **more}, {"accept": accept})
    assert reply.status == 200, reply
    lines = reply.json()["responses"] if accept.endswith("/json") else \
        [json.loads(line) for line in reply.body.splitlines()]
    [response] = [line for line in lines if line.get("id") == "signed"]
    seen = response["body"]
    if what == "select":
        seen = {name[1:]: value for name, value in seen.items()}
    body = base64.b64decode(seen["bodyBase64"])
    assert verify(OTHER, seen["headers"], body), seen
    assert not response.get("coalesced")
    assert body == {"references": b'{"s": 201}', "alternatives": b"once"}.get(what, b"")


def test_each_child_of_a_for_each_is_a_message_of_its_own(signing, upstream):
    reply = signing.batch([
        {"id": "list", "url": upstream.body_url(b'{"to": ["x", "y"]}')},
        {"id": "each", "url": upstream.url("echo"), "method": "POST", "forEach": "{{list.body.to}}",
         "body": {"for": "{{item}}"}, "sign": {"secret": "news"}}])
    seen = [seen_by(upstream, child) for child in reply["responses"][1]["responses"]]
    assert [body for _, body in seen] == [b'{"for": "x"}', b'{"for": "y"}']
    assert all(verify(OTHER, headers, body) for headers, body in seen)
    assert len({dict(headers)["webhook-id"] for headers, _ in seen}) == 2


def test_ten_thousand_items_share_one_body_in_memory(start_gatherd, upstream):
    """10,000 x 100 KB would be a gigabyte. All are refused before they connect (the port is
    closed), so that only gatherd's own memory is measured."""
    gatherd = start_gatherd(options(batch__max_items=10000))
    before = figure_of(gatherd.pid, "VmHWM")
    document = {"defaults": {"method": "POST", "body": {"$shared": True}},
                "urls": [f"http://127.0.0.1:{free_port()}/"] * 10000, "sharedBody": "x" * 100_000}
    reply = gatherd.post(document)
    assert reply.status == 200 and reply.json()["summary"]["total"] == 10000
    grown = (figure_of(gatherd.pid, "VmHWM") - before) / 1024
    assert grown < 120 * slowness(), f"{grown:.0f} MiB"


def test_a_secret_is_its_callers_alone_and_nobody_sees_it(start_gatherd, upstream, tmp_path):
    keys = {name: "gd_" + hashlib.sha256(name.encode()).hexdigest()[:56]
            for name in ("billing", "search")}
    file = tmp_path / "secret"
    file.write_text("whsec_" + NEW + "\n")
    file.chmod(0o600)
    gatherd = start_gatherd({
        "auth": {"mode": "keys", "keys": [
            {"name": name, "sha256": hashlib.sha256(key.encode()).hexdigest()}
            for name, key in keys.items()]},
        "webhooks": {"secrets": [{"name": "orders", "secret": f"file:{file}",
                                  "keys": ["billing"]}, secret("news", OTHER, "*")]}})
    item = {"url": upstream.url("echo"), "sign": {"secret": "orders"}}
    mine = gatherd.post({"requests": [item]}, {"x-api-key": keys["billing"]})
    headers, body = seen_by(upstream, mine.json()["responses"][0])
    assert verify(NEW, headers, body)
    refused = gatherd.post({"requests": [item]}, {"x-api-key": keys["search"]})
    assert refused.status == 400
    [error] = refused.json()["errors"]
    assert error["pointer"] == "/requests/0/sign/secret" and "orders" not in error["detail"]
    for name in keys:
        ours = gatherd.post({"requests": [{**item, "sign": {"secret": "news"}}]},
                            {"x-api-key": keys[name]})
        assert ours.json()["responses"][0]["status"] == 200
    assert NEW not in gatherd.log_text() and OTHER not in gatherd.log_text()


KEY = '{name: a, sha256: "%s"}' % hashlib.sha256(b"k").hexdigest()


@pytest.mark.parametrize("entry, fault", [
    ("{name: n, secret: whsec_" + OLD + "}", "keys is missing: name those that may sign"),
    ("{name: n, secret: whsec_" + OLD + ", keys: [b]}", 'auth.keys has no key named "b"'),
    ("{name: n, secret: whsec_" + OLD[:30] + ", keys: [a]}", "base64 of 24 to 64"),
    ("{name: n, secret: " + OLD + ", keys: [a]}", "a secret is whsec_ and the base64"),
    ("{name: n, keys: [a]}", "secret is missing"),
    (", ".join(["{name: n, secret: whsec_" + OLD + ", keys: [a]}"] * 3), "a third secret")])
def test_what_is_wrong_with_a_secret_is_found_at_the_check_without_telling_it(tmp_path, entry,
                                                                              fault):
    file = tmp_path / "gatherd.yaml"
    file.write_text("auth: {keys: [%s]}\nwebhooks:\n  secrets: [%s]\n" % (KEY, entry))
    checked = run_cli("check", str(file))
    text = checked.stdout + checked.stderr
    assert checked.returncode != 0 and fault in text, text
    assert OLD[:20] not in text


def test_nothing_prints_a_secret(tmp_path):
    file = tmp_path / "gatherd.yaml"
    file.write_text("webhooks: {secrets: [{name: n, secret: whsec_%s}]}\n" % OLD)
    checked = run_cli("check", str(file))
    assert checked.returncode == 0, checked.stderr
    override = run_cli("check", str(file), "--set",
                       "webhooks.secrets=[{name: n, secret: whsec_%s, key: x}]" % OLD)
    assert override.returncode != 0
    for text in (checked.stdout, checked.stderr, override.stdout, override.stderr):
        assert OLD not in text
