# SPDX-License-Identifier: Apache-2.0
"""L9: an origin that keeps failing is left alone for a while, and probed before it is trusted
again.  What happened is read from the upstream's counters."""
import hashlib
import json
import re
import secrets
import time

import pytest
from harness.configuration import options
from harness.gatherd import slowness
from harness.process import free_port, wait_until
from harness.quickest import within
from harness.upstream_process import Upstream

OPEN_MS = int(500 * slowness())
RULES = options(breaker__consecutive_failures=3, breaker__open="60s")
BRIEF = options(breaker__consecutive_failures=3, breaker__open=f"{OPEN_MS}ms")
"""For what comes after the time: what must come before it would need a machine that is never late."""


@pytest.fixture
def own_upstream(tmp_path):
    """An origin of its own: a circuit must not outlive the test."""
    running = Upstream(tmp_path, "--max-seconds", "120")    # without TLS: quick to start
    yield running
    running.stop()


def codes(replies):
    return [reply["error"]["code"] if "error" in reply else reply["status"] for reply in replies]


def figure(gatherd, name):
    return float(re.search(rf"^gatherd_{re.escape(name)} (\S+)$", gatherd.metrics(), re.M)[1])


def send(raw, document, *headers):
    body = json.dumps(document).encode()
    head = ["POST /v1/batch HTTP/1.1", "Host: x", "Content-Type: application/json",
            f"Content-Length: {len(body)}", *headers]
    raw.send("\r\n".join([*head, "", ""]).encode() + body)


def open_circuit(gatherd, upstream):
    """Three failures, one after the other."""
    for _ in range(3):
        assert gatherd.fetch({"url": upstream.url("status/503")})["status"] == 503


def wait_half_open(gatherd):
    wait_until(lambda: figure(gatherd, "circuits_half_open") == 1, 10, "a circuit half open")


def openings(gatherd):
    return [line["openMs"] for line in gatherd.log_lines() if line["event"] == "circuit_opened"]


def test_l9_an_open_circuit_answers_at_once(start_gatherd, own_upstream):
    gatherd = start_gatherd(RULES, options(server__workers=2))
    key = own_upstream.new_key()
    url = own_upstream.url("seq", key=key, plan="503,503,503,200")
    for _ in range(3):
        assert gatherd.fetch({"url": url})["status"] == 503
    for _ in range(6):      # each on a connection of its own, so on both workers
        document = gatherd.batch([{"url": url}] * 3)
        assert codes(document["responses"]) == ["circuit_open"] * 3
    within(0.1 * slowness(),
           lambda: gatherd.batch([{"url": url}] * 3)["summary"]["elapsedMs"] / 1000)
    error = document["responses"][0]["error"]
    assert error["retryable"] is True and re.search(r"for another \d+ ms", error["message"])
    assert own_upstream.stats(key)["requests"] == 3
    assert (figure(gatherd, "circuits_opened_total"), figure(gatherd, "circuits_open")) == (1, 1)
    (line,) = [line for line in gatherd.log_lines() if line["event"] == "circuit_opened"]
    assert (line["scheme"], line["host"], line["port"]) == ("http", "127.0.0.1", own_upstream.port)
    assert 60_000 <= line["openMs"] <= 75_000
    assert (figure(gatherd, "circuits_open"), figure(gatherd, "circuits_half_open")) == (1, 0)
    refused = figure(gatherd, 'items_total{code="circuit_open"}')
    assert refused >= 21 and refused % 3 == 0


def test_l9_one_probe_closes_an_open_circuit(start_gatherd, own_upstream):
    gatherd = start_gatherd(BRIEF, options(server__workers=2))
    key = own_upstream.new_key()
    url = own_upstream.url("seq", key=key, plan="503,503,503,200")
    for _ in range(3):
        assert gatherd.fetch({"url": url})["status"] == 503
    wait_half_open(gatherd)
    assert figure(gatherd, "circuits_open") == 0
    assert gatherd.fetch({"url": url})["status"] == 200
    assert codes(gatherd.batch([{"url": url}] * 5)["responses"]) == [200] * 5
    assert own_upstream.stats(key)["requests"] == 9
    assert (figure(gatherd, "circuits_open"), figure(gatherd, "circuits_half_open")) == (0, 0)


def test_l9_a_half_open_circuit_lets_one_of_many_probe_and_a_failure_opens_it_for_longer(
        start_gatherd, own_upstream):
    gatherd = start_gatherd(BRIEF)
    key = own_upstream.new_key()
    open_circuit(gatherd, own_upstream)
    wait_half_open(gatherd)
    items = [{"url": own_upstream.url("status/503", key=key)}] * 20
    assert sorted(map(str, codes(gatherd.batch(items)["responses"]))) == \
        ["503"] + ["circuit_open"] * 19
    assert own_upstream.stats(key)["requests"] == 1
    first, second = openings(gatherd)
    assert OPEN_MS <= first <= OPEN_MS * 1.25 and 2 * OPEN_MS <= second <= 2 * OPEN_MS * 1.25


def test_l9_a_probe_whose_client_leaves_makes_room_for_the_next(start_gatherd, own_upstream):
    gatherd = start_gatherd(BRIEF)
    key = own_upstream.new_key()
    open_circuit(gatherd, own_upstream)
    wait_half_open(gatherd)
    with gatherd.raw() as raw:
        send(raw, [own_upstream.url("hang", key=key)])
        wait_until(lambda: own_upstream.stats(key)["in_flight"] == 1, 5, "the probe")
        busy = gatherd.fetch({"url": own_upstream.url("ok")})
        assert busy["error"]["code"] == "circuit_open" and "probed" in busy["error"]["message"]
    assert own_upstream.wait_idle(key)
    gatherd.settle()        # the connection is closed before the probe is taken back
    assert gatherd.fetch({"url": own_upstream.url("ok")})["status"] == 200


def test_l9_items_that_wait_for_a_slot_are_refused_when_the_circuit_opens(start_gatherd,
                                                                         own_upstream):
    """One slot, which hangs; when the server's own clock has run out on it, nobody else has to
    wait for that: five minutes, all in all."""
    gatherd = start_gatherd(RULES, options(
        breaker__consecutive_failures=1, fetch__per_origin=1, server__workers=1,
        fetch__first_byte_timeout="500ms"))
    key = own_upstream.new_key()
    document = gatherd.batch([{"url": own_upstream.url("hang", key=key)}] * 600)
    assert codes(document["responses"]) == ["timeout_first_byte"] + ["circuit_open"] * 599
    assert own_upstream.stats(key)["requests"] == 1


def test_l9_another_workers_opening_is_noticed_by_what_waits(start_gatherd, own_upstream):
    """A batch that hangs on one worker has its queue refused because of what the other saw,
    though nothing wakes the one: its stream says so at once."""
    gatherd = start_gatherd(RULES, options(server__workers=2, fetch__per_origin=1))
    key = own_upstream.new_key()
    items = [{"url": own_upstream.url("hang", key=key)}] * 5
    gatherd.settle()    # the connections of the start are forgotten
    with gatherd.raw() as waiting, gatherd.raw() as other:    # one for each worker
        send(waiting, {"requests": items, "deadlineMs": 20000}, "Accept: application/x-ndjson")
        wait_until(lambda: own_upstream.stats(key)["in_flight"] == 1, 5, "the one that hangs")
        for _ in range(3):
            send(other, [own_upstream.url("status/503")])
            assert codes(other.read_reply().json()["responses"]) == [503]
        opened_at = time.monotonic()        # the item that hangs has ten seconds
        while waiting.received.count(b'"circuit_open"') < 4:
            waiting.received += waiting.socket.recv(65536)
        assert time.monotonic() - opened_at < 2 * slowness()
    assert own_upstream.wait_idle(key)
    assert own_upstream.stats(key)["requests"] == 1


def test_l9_what_is_no_failure_of_the_origin_opens_nothing(start_gatherd, own_upstream):
    gatherd = start_gatherd(RULES, options(fetch__body_max_bytes="1KiB"))
    harmless = [{"url": own_upstream.url("status/500")}, {"url": own_upstream.url("status/429")},
                {"url": own_upstream.url("status/404")}, {"url": own_upstream.url("bytes/5000")},
                {"url": own_upstream.url("hang"), "timeoutMs": 50}]
    for item in harmless:
        for _ in range(4):      # more than it takes, in a row
            assert "circuit_open" not in codes([gatherd.fetch(item)])
    for _ in range(5):      # nor do deadlines that are too short
        assert codes(gatherd.batch([own_upstream.url("hang")], deadlineMs=50)["responses"]) == \
            ["deadline"]
    assert gatherd.fetch({"url": own_upstream.url("ok")})["status"] == 200
    assert figure(gatherd, "circuits_opened_total") == 0


@pytest.mark.parametrize("path", ["reset", "close", "truncate", "status/502", "status/504"])
def test_l9_each_kind_of_failure_opens(gatherd_with_rules, own_upstream, path):
    for _ in range(3):
        assert codes([gatherd_with_rules.fetch({"url": own_upstream.url(path)})]) in \
            (["reset"], ["empty_reply"], ["truncated"], [502], [504])
    assert codes([gatherd_with_rules.fetch({"url": own_upstream.url("ok")})]) == ["circuit_open"]


def test_l9_a_refused_connection_opens(gatherd_with_rules):
    url = f"http://127.0.0.1:{free_port()}/"
    replies = [gatherd_with_rules.fetch({"url": url}) for _ in range(4)]
    assert codes(replies) == ["connect"] * 3 + ["circuit_open"]


@pytest.fixture
def gatherd_with_rules(start_gatherd):
    return start_gatherd(RULES)


def test_l9_a_ratio_of_failures_opens(start_gatherd, own_upstream):
    gatherd = start_gatherd(options(breaker__failure_ratio=50, breaker__min_requests=10))
    for path in ["status/503", "ok"] * 4 + ["ok", "status/503"]:
        assert "error" not in gatherd.fetch({"url": own_upstream.url(path)})
    assert codes([gatherd.fetch({"url": own_upstream.url("ok")})]) == ["circuit_open"]


def test_l9_a_redirect_to_an_open_circuit_is_not_followed(gatherd_with_rules, own_upstream,
                                                          upstream):
    key = own_upstream.new_key()
    open_circuit(gatherd_with_rules, own_upstream)
    location = "Location:" + own_upstream.url("ok", key=key)
    reply = gatherd_with_rules.fetch({"url": upstream.url("status/302", h=location),
                                      "redirects": 1})
    assert codes([reply]) == ["circuit_open"]
    assert own_upstream.stats(key)["requests"] == 0


def keyed(start_gatherd, *others):
    """A service with two keys, and the headers of each."""
    keys = {name: secrets.token_hex(32) for name in ("one", "two")}
    entries = [{"name": name, "sha256": hashlib.sha256(key.encode()).hexdigest()}
               for name, key in keys.items()]
    gatherd = start_gatherd(RULES, {"auth": {"mode": "keys", "keys": entries}}, *others)
    return gatherd, [{"Authorization": f"Bearer {key}"} for key in keys.values()]


@pytest.mark.parametrize("scope, expected", [("caller", 200), ("process", "circuit_open")])
def test_l9_whose_failures_shut_an_origin_for_whom(start_gatherd, own_upstream, scope, expected):
    gatherd, (one, two) = keyed(start_gatherd, options(breaker__scope=scope))

    def fetch(path, headers):
        return codes(gatherd.post([own_upstream.url(path)], headers).json()["responses"])
    for _ in range(3):
        assert fetch("status/503", one) == [503]
    assert fetch("ok", one) == ["circuit_open"]
    assert fetch("ok", two) == [expected]


def test_l9_breakers_are_off_by_default(gatherd, own_upstream):
    for _ in range(50):
        assert gatherd.fetch({"url": own_upstream.url("status/503")})["status"] == 503
    assert figure(gatherd, "circuits_opened_total") == 0


# ------------------------------------------------------- together with what else items may ask

def test_l9_an_open_circuit_is_a_reason_for_alternatives_and_fallbacks(gatherd_with_rules,
                                                                      own_upstream, upstream):
    open_circuit(gatherd_with_rules, own_upstream)
    url = own_upstream.url("ok")
    diverted, replaced = gatherd_with_rules.batch(
        [{"url": url, "alternatives": [upstream.url("ok")]},
         {"url": url, "fallback": {"status": 200, "body": "from memory"}}])["responses"]
    assert diverted["status"] == 200
    assert [attempt.get("error", attempt.get("status")) for attempt in diverted["attempts"]] == \
        ["circuit_open", 200]
    assert replaced["fallback"] is True and replaced["body"] == "from memory"


def test_l9_retries_end_at_an_open_circuit(gatherd_with_rules, own_upstream):
    key = own_upstream.new_key()
    items = [{"url": own_upstream.url("status/503", key=key), "retries": 3}]
    reply = gatherd_with_rules.fetch(items[0])
    assert codes([reply]) == ["circuit_open"] and len(reply["attempts"]) == 4
    assert own_upstream.stats(key)["requests"] == 3


def test_l9_a_shared_call_counts_once(start_gatherd, own_upstream):
    gatherd = start_gatherd(RULES, options(server__workers=1))
    url = own_upstream.url("status/503")
    for _ in range(2):
        assert codes(gatherd.batch([url] * 10, coalesce=True)["responses"]) == [503] * 10
    assert figure(gatherd, "circuits_opened_total") == 0
    assert codes(gatherd.batch([url] * 10, coalesce=True)["responses"]) == [503] * 10
    assert codes(gatherd.batch([url] * 10, coalesce=True)["responses"]) == ["circuit_open"] * 10
