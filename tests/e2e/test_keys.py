# SPDX-License-Identifier: Apache-2.0
"""API keys: made, presented, rotated, and what each may ask for."""
import hashlib
import json
import re
import threading

import pytest
from harness.gatherd import run_cli, slowness
from harness.process import wait_until
from harness.quickest import within

DETAIL = "send a key as"


def make_key(name):
    """gatherd key new: the key, and its entry of auth.keys."""
    lines = run_cli("key", "new", name).stdout.splitlines()
    key = lines[0].split(": ")[1]
    entry = re.fullmatch(r"the line for auth.keys:   - \{name: (\S+), id: \"([0-9a-f]{12})\", "
                         r"sha256: \"([0-9a-f]{64})\"\}", lines[1])
    assert entry, lines
    return key, dict(zip(("name", "id", "sha256"), entry.groups()))


def old_key(name):
    """A key as they were made before there were ids."""
    key = "gd_" + hashlib.sha256(name.encode()).hexdigest()[:56]
    return key, {"name": name, "sha256": hashlib.sha256(key.encode()).hexdigest()}


def with_keys(*entries, limits=()):
    return {"auth": {"mode": "keys", "keys": list(entries), "limits": list(limits),
                     "failures_per_minute": 0}}


def post(gatherd, key, requests, **headers):
    return gatherd.post({"requests": requests}, {"x-api-key": key, **headers})


def metric(gatherd, name):
    return int(re.search(rf"^gatherd_{re.escape(name)} (\d+)$", gatherd.metrics(), re.M).group(1))


def test_o4_a_made_key_is_shown_once_with_the_line_for_the_file():
    """O4: random keys with an id, stored as their hash."""
    key, entry = make_key("billing")
    assert re.fullmatch(r"gd_[0-9a-f]{12}_[0-9a-f]{48}", key)
    assert key.split("_")[1] == entry["id"] and entry["name"] == "billing"
    assert hashlib.sha256(key.encode()).hexdigest() == entry["sha256"]
    assert make_key("billing")[0] != key


def test_o4_two_keys_of_one_caller_are_active_while_one_replaces_the_other(start_gatherd,
                                                                           upstream):
    """O4: rotation with two active keys; the old one may be from before there were ids."""
    (new, new_entry), (old, old_entry) = make_key("billing"), old_key("billing")
    gatherd = start_gatherd(with_keys(new_entry, old_entry))
    for key in (new, old):
        for headers in ({"x-api-key": key}, {"authorization": f"Bearer {key}"}):
            reply = gatherd.post({"urls": [upstream.url("ok")]}, headers)
            assert reply.status == 200, reply
    lines = [line for line in gatherd.log_lines() if line["event"] == "batch"]
    assert {line["caller"] for line in lines} == {"billing"} and len(lines) == 4


def test_o4_unknown_and_wrong_keys_get_one_answer(start_gatherd):
    """O4: 401 with the same text, whether the id is known, unknown or missing."""
    (key, entry), (other, _) = make_key("billing"), make_key("other")
    gatherd = start_gatherd(with_keys(entry))
    wrong = key[:-1] + ("0" if key[-1] != "0" else "1")
    replies = [post(gatherd, bad, ["http://a.example/"])
               for bad in (wrong, other, "x", "", key.upper(), key + "0")]
    details = {reply.json()["detail"] for reply in replies}
    assert {reply.status for reply in replies} == {401} and len(details) == 1
    for reply in replies:
        assert reply.header("WWW-Authenticate") == "Bearer"
        assert reply.json()["detail"].startswith(DETAIL)
    log = str(gatherd.log_lines()) + gatherd.log_text()
    assert wrong not in log and other not in log and key not in log


def test_l4_one_callers_hanging_items_leave_places_to_the_others(start_gatherd, upstream):
    """L4: as many as the process may have in flight, over many origins, and more."""
    (greedy, greedy_entry), (other, other_entry) = make_key("greedy"), make_key("other")
    gatherd = start_gatherd({**with_keys(greedy_entry, other_entry),
                             "fetch": {"max_in_flight": 90, "timeout": "60s",
                                       "first_byte_timeout": "60s"},
                             "batch": {"deadline": "60s"},
                             "server": {"overload_delay": f"{int(50 * slowness())}ms"}})
    key = upstream.new_key()
    body = json.dumps({"urls": [upstream.url("hang", key=key)] * 300}).encode()
    with gatherd.raw() as hanging:      # which would be there for ten seconds
        hanging.send(b"POST /v1/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                     b"X-Api-Key: %s\r\nContent-Length: %d\r\n\r\n%s"
                     % (greedy.encode(), len(body), body))
        wait_until(lambda: upstream.stats(key)["in_flight"] >= 79, 8, "most places taken")

        def longest_s():
            replies = [post(gatherd, other, [upstream.url("ok")] * 5) for _ in range(10)]
            assert {reply.status for reply in replies} == {200}
            assert {reply.json()["summary"]["ok"] for reply in replies} == {5}
            return max(reply.seconds for reply in replies)
        within(1 * slowness(), longest_s, 2)
        assert upstream.stats(key)["in_flight"] >= 79


def test_o4_a_wrong_key_is_refused_before_the_body_is_read(start_gatherd):
    """O4, O7: the 401 comes while the body is still to be sent."""
    gatherd = start_gatherd(with_keys(make_key("billing")[1]))
    with gatherd.raw() as client:
        client.send(b"POST /v1/batch HTTP/1.1\r\nHost: a\r\nX-Api-Key: wrong\r\n"
                    b"Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n")
        assert client.read_reply().status == 401


def test_a_third_key_of_one_name_is_refused_with_a_sentence(tmp_path):
    lines = [f"    - {{name: a, id: \"{entry['id']}\", sha256: \"{entry['sha256']}\"}}"
             for entry in (make_key("a")[1] for _ in range(3))]
    path = tmp_path / "three.yaml"
    path.write_text("auth:\n  keys:\n" + "\n".join(lines) + "\n")
    checked = run_cli("check", str(path))
    assert checked.returncode != 0
    assert 'a third key named "a"' in checked.stdout + checked.stderr


def test_a_batch_over_the_keys_own_size_is_refused_whole(start_gatherd, upstream):
    (small, small_entry), (other, other_entry) = make_key("small"), make_key("other")
    gatherd = start_gatherd(with_keys(small_entry, other_entry,
                                      limits=[{"keys": ["small"], "max_items": 3}]))
    key = upstream.new_key()
    url = upstream.url("ok", key=key)
    reply = post(gatherd, small, [url] * 4)
    assert reply.status == 413 and "more than 3 items (the key's limit" in reply.json()["detail"]
    assert upstream.stats(key)["requests"] == 0
    assert post(gatherd, small, [url] * 3).status == 200
    assert post(gatherd, other, [url] * 4).status == 200
    query = "&".join(["url=" + url.replace("?", "%3F").replace("=", "%3D")] * 4)
    assert gatherd.request("GET", "/v1/batch?" + query,
                           headers={"x-api-key": small}).status == 413
    assert metric(gatherd, 'caller_refused_total{limit="max_items"}') == 2


def test_the_rate_counts_every_item_of_a_batch(start_gatherd, upstream):
    """Of the burst of twenty the first batch leaves ten; the second would need nine more, in
    nine seconds, and is refused whole."""
    (limited, entry), (free, free_entry) = make_key("limited"), make_key("free")
    gatherd = start_gatherd(with_keys(
        entry, free_entry,
        limits=[{"keys": ["limited"], "items_per_second": 1, "burst": 20}]))
    key = upstream.new_key()
    url = upstream.url("ok", key=key)
    assert post(gatherd, limited, [url] * 10).status == 200
    reply = post(gatherd, limited, [url] * 19)
    assert reply.status == 429, reply
    assert 2 <= int(reply.header("Retry-After")) <= 9
    assert reply.json()["type"] == "/problems/rate-limited"
    assert "items_per_second" in reply.json()["detail"]
    assert upstream.stats(key)["requests"] == 10, "a refused batch sends nothing"
    assert post(gatherd, limited, [url] * 10).status == 200, "and takes nothing"
    assert post(gatherd, limited, [url] * 21).status in (413, 429), "the burst is the largest"
    assert post(gatherd, free, [url] * 21).status == 200
    assert metric(gatherd, 'caller_refused_total{limit="items_per_second"}') >= 1


def test_s9_each_redirect_counts_against_the_rate(start_gatherd, upstream):
    """S9: twelve requests for two items leave eight of a burst of twenty."""
    limited, entry = make_key("limited")
    gatherd = start_gatherd(with_keys(
        entry, limits=[{"keys": ["limited"], "items_per_second": 1, "burst": 20}]))
    item = {"url": upstream.url("redirect-chain/5"), "redirects": 5}
    reply = post(gatherd, limited, [item, item]).json()
    assert [response["status"] for response in reply["responses"]] == [200, 200]
    assert post(gatherd, limited, [upstream.url("ok")] * 18).status == 429
    assert post(gatherd, limited, [upstream.url("ok")] * 8).status == 200


def test_an_empty_bucket_refuses_before_the_batch_is_parsed(start_gatherd, upstream):
    limited, entry = make_key("limited")
    gatherd = start_gatherd(with_keys(
        entry, limits=[{"keys": ["*"], "items_per_second": 1, "burst": 100}]))
    assert post(gatherd, limited, [upstream.url("ok")] * 100).status == 200
    statuses = {gatherd.post(b"[", {"x-api-key": limited}).status for _ in range(3)}
    assert statuses <= {400, 429} and 429 in statuses


def test_one_rate_holds_over_all_workers_and_both_keys(start_gatherd, upstream):
    (one, one_entry), (two, two_entry) = make_key("a"), make_key("a")
    gatherd = start_gatherd(with_keys(
        one_entry, two_entry, limits=[{"keys": ["a"], "items_per_second": 1, "burst": 20}]),
        {"server": {"workers": 4}})
    statuses = []

    def ask(key):
        statuses.append(post(gatherd, key, [upstream.url("ok")]).status)
    threads = [threading.Thread(target=ask, args=((one, two)[i % 2],)) for i in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 20 <= statuses.count(200) <= 32 and statuses.count(429) == 40 - statuses.count(200)


def test_items_over_the_keys_place_in_flight_wait(start_gatherd, upstream):
    """Ten items of 100 ms with two places take five rounds; nothing is refused."""
    limited, entry = make_key("limited")
    gatherd = start_gatherd(with_keys(entry, limits=[{"keys": ["limited"], "max_in_flight": 2}]))
    reply = post(gatherd, limited, [upstream.url("delay/100")] * 10)
    document = reply.json()
    assert document["summary"]["ok"] == 10
    assert document["summary"]["elapsedMs"] >= 450


def test_places_in_flight_are_counted_over_all_workers_and_given_back(start_gatherd, upstream):
    """Two places for eight batches at once on four workers: no more than two items at the
    upstream, and nobody waits for a place that nobody will give back."""
    (one, one_entry), (two, two_entry) = make_key("a"), make_key("a")
    gatherd = start_gatherd(
        with_keys(one_entry, two_entry, limits=[{"keys": ["a"], "max_in_flight": 2}]),
        {"server": {"workers": 4}})
    key = upstream.new_key()
    items = [upstream.url("delay/10", key=key), upstream.url("close", key=key)] * 5
    documents = []

    def ask(api_key):
        reply = gatherd.post({"requests": items, "deadlineMs": 15000}, {"x-api-key": api_key})
        documents.append(reply.json())
    threads = [threading.Thread(target=ask, args=((one, two)[i % 2],)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [document["summary"]["ok"] for document in documents] == [5] * 8
    assert all(document["summary"]["elapsedMs"] < 10000 for document in documents)
    assert upstream.stats(key)["peak_in_flight"] <= 4, "a reply counts until it is sent"


@pytest.mark.parametrize("host", ["other.example", "other.example:8443", "[::1]:80"])
def test_s14_a_host_of_ones_own_is_sent_where_a_rule_allows_it(start_gatherd, upstream, host):
    """S14: the URL stays what is judged and connected to; other callers are refused."""
    (may, may_entry), (may_not, may_not_entry) = make_key("may"), make_key("may-not")
    gatherd = start_gatherd(with_keys(may_entry, may_not_entry), {"egress": {"rules": [
        {"keys": ["may"], "host_header": "allow"}]}})
    item = {"url": upstream.url("echo"), "headers": {"Host": host}}
    sent = post(gatherd, may, [item]).json()["responses"][0]["body"]["headers"]
    assert [value for name, value in sent if name.lower() == "host"] == [host]
    reply = post(gatherd, may_not, [item])
    assert reply.status == 400
    assert reply.json()["errors"][0]["pointer"] == "/requests/0/headers/Host"


@pytest.mark.parametrize("host", ["", "a b", "a,b", "a/b", "a@b", ["a", "b"], [], "a\r\nX: 1"])
def test_s14_a_host_that_is_none_is_refused_even_there(start_gatherd, upstream, host):
    """S14: one host, in characters of a host."""
    may, entry = make_key("may")
    gatherd = start_gatherd(with_keys(entry), {"egress": {"rules": [
        {"keys": ["may"], "host_header": "allow"}]}})
    reply = post(gatherd, may, [{"url": upstream.url("echo"), "headers": {"host": host}}])
    assert reply.status == 400, reply
    assert reply.json()["errors"][0]["pointer"] == "/requests/0/headers/host"


def test_s14_a_host_of_ones_own_stays_within_the_origin(start_gatherd, upstream):
    """S14: on a redirect it goes on to the same origin, and is the URL's at another."""
    may, entry = make_key("may")
    gatherd = start_gatherd(with_keys(entry), {"egress": {"rules": [
        {"keys": ["may"], "host_header": "allow"}]}})
    for target, expected in (("/echo", "other.example"),
                             (f"http://localhost:{upstream.port}/echo",
                              f"localhost:{upstream.port}")):
        item = {"url": upstream.url("redirect-to", u=target), "redirects": 1,
                "headers": {"host": "other.example"}}
        sent = post(gatherd, may, [item]).json()["responses"][0]["body"]["headers"]
        assert [value for name, value in sent if name.lower() == "host"] == [expected]


def test_s14_a_host_of_ones_own_opens_nothing_and_tls_checks_the_urls(start_gatherd, upstream):
    """S14: private addresses stay closed, and the certificate is that of the URL's host."""
    may, entry = make_key("may")
    gatherd = start_gatherd(with_keys(entry), {
        "fetch": {"ca_file": upstream.ca_file},
        "egress": {"private_addresses": "deny", "allow": ["localhost", "::1", "127.0.0.1"],
                   "rules": [{"keys": ["may"], "host_header": "allow"}]}})
    headers = {"host": "other.example"}
    blocked = post(gatherd, may, [{"url": "http://127.0.0.2/", "headers": headers}]).json()
    assert blocked["responses"][0]["error"]["code"] == "blocked_address"
    secure = post(gatherd, may, [{"url": upstream.tls("good"), "headers": headers}]).json()
    assert secure["responses"][0]["status"] == 200, secure
