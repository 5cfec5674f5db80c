# SPDX-License-Identifier: Apache-2.0
"""Health, readiness, metrics, the problem pages, the contract, the front page."""
import json
import re
import shutil
import statistics
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from harness.client import request
from harness.configuration import options
from harness.contract import CODE_STATUS
from harness.gatherd import REPOSITORY, slowness
from harness.process import accepts, free_port, wait_until

PROMTOOL = shutil.which("promtool")


def samples(text):
    """name{labels} -> value."""
    found = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            assert name not in found, f"{name} twice"
            found[name] = float(value)
    return found


def total(found, name, **labels):
    parts = [f'{key}="{value}"' for key, value in labels.items()]
    return sum(value for key, value in found.items()
               if key.split("{")[0] == name and all(part in key for part in parts))


def test_health_and_readiness(gatherd):
    assert gatherd.get("/healthz").status == 200
    assert gatherd.get("/readyz").status == 200


def test_o16_health_answers_while_batches_run(gatherd, upstream):
    """Usually in a moment: what is late now and then is the machine's affair."""
    seconds = []
    with ThreadPoolExecutor(4) as pool:
        running = [pool.submit(gatherd.batch, [upstream.url("delay/500")] * 300)
                   for _ in range(3)]
        while not all(future.done() for future in running):
            seconds.append(gatherd.get("/healthz").seconds)
            time.sleep(0.02)
    assert statistics.median(seconds) < 0.5 * slowness() and max(seconds) < 5 * slowness(), seconds


def test_metrics_are_prometheus_text(gatherd, upstream):
    gatherd.batch([upstream.url("ok"), upstream.url("close")])
    reply = gatherd.get("/metrics")
    assert reply.header("content-type").replace(" ", "").lower().startswith(
        "text/plain;version=0.0.4")
    assert samples(reply.body.decode())


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed")
def test_promtool_finds_nothing_to_say(gatherd, upstream):
    gatherd.batch([upstream.url("ok"), upstream.url("close"), "http://nowhere.invalid/"])
    found = subprocess.run([PROMTOOL, "check", "metrics"], input=gatherd.metrics(), text=True,
                           capture_output=True, timeout=30)
    assert found.returncode == 0 and not found.stdout and not found.stderr, found


def test_metrics_count_what_happened(start_gatherd, upstream):
    gatherd = start_gatherd()
    before = samples(gatherd.metrics())
    gatherd.batch([upstream.url("bytes/1000")] * 5 + [upstream.url("close"), "http://"])
    after = samples(gatherd.metrics())

    def grown(name, **labels):
        return total(after, name, **labels) - total(before, name, **labels)
    assert grown("gatherd_batches_total") == 1
    assert grown("gatherd_items_total", code="ok") == 5
    assert grown("gatherd_items_total", code="empty_reply") == 1
    assert grown("gatherd_items_total", code="bad_url") == 1
    assert grown("gatherd_upstream_received_bytes_total") == 5000
    assert grown("gatherd_upstream_connections_opened_total") >= 1
    assert grown("gatherd_batch_duration_seconds_count") == 1
    assert total(after, "gatherd_items_in_flight") == 0
    assert total(after, "gatherd_items_queued") == 0


def test_gauges_show_what_is_in_flight(start_gatherd, upstream):
    gatherd = start_gatherd()
    with ThreadPoolExecutor(1) as pool:
        url, gate = upstream.gate(key=(key := upstream.new_key()))
        running = pool.submit(gatherd.batch, [url] * 10, concurrency=4)
        wait_until(lambda: upstream.stats(key)["in_flight"] == 4, 5, "four in flight")
        now = samples(gatherd.metrics())
        upstream.open(gate)
        running.result()
    assert total(now, "gatherd_items_in_flight") == 4
    assert total(now, "gatherd_batches_in_flight") == 1


def test_histograms_are_cumulative_and_complete(gatherd, upstream):
    gatherd.batch([upstream.url("ok")] * 3)
    found = samples(gatherd.metrics())
    series = {}
    for key, value in found.items():
        match = re.match(r"(\w+)_bucket\{(.*)\}", key)
        if match:
            labels = ",".join(p for p in match[2].split(",") if not p.startswith("le="))
            series.setdefault((match[1], labels), []).append(value)
    assert series
    for (name, labels), values in series.items():
        assert values == sorted(values), name
        count = f"{name}_count" + (f"{{{labels}}}" if labels else "")
        assert values[-1] == found[count], (name, labels)


def test_the_process_figures_are_there(gatherd):
    found = samples(gatherd.metrics())
    assert total(found, "process_resident_memory_bytes") > 1 << 20
    assert total(found, "process_open_fds") > 3
    assert total(found, "process_cpu_seconds_total") >= 0


def test_o9_no_label_carries_a_callers_text(gatherd, upstream):
    marker = "m4rker"
    gatherd.post([{"url": upstream.url("echo") + f"?{marker}", "id": marker,
                   "headers": {marker: marker}}, f"http://{marker}.invalid/"],
                 {"x-request-id": marker, "user-agent": marker})
    gatherd.get(f"/{marker}")
    assert marker not in gatherd.metrics()


def test_codes_in_metrics_are_those_of_the_contract(gatherd):
    codes = set(re.findall(r'gatherd_items_total\{code="(\w+)"', gatherd.metrics()))
    assert codes <= {*CODE_STATUS, "ok"} and "ok" in codes


def test_every_problem_type_has_a_page(gatherd):
    for path in ("/nope", "/v1/batch"):
        kind = gatherd.get(path).json()["type"]
        page = gatherd.get(kind)
        assert page.status == 200 and page.header("content-type").startswith("text/"), page
        assert len(page.body.split()) > 8


def test_the_contract_is_served_as_in_the_repository(gatherd):
    reply = gatherd.get("/openapi.yaml")
    assert reply.status == 200 and "yaml" in reply.header("content-type")
    assert reply.body == (REPOSITORY / "openapi.yaml").read_bytes()


def test_the_front_page_tells_where_to_go(gatherd):
    reply = gatherd.get("/")
    assert reply.status == 200
    text = reply.body.decode()
    assert all(word in text for word in ("gatherd", "/v1/batch", "openapi.yaml"))


def test_metrics_may_have_a_listener_of_their_own(start_gatherd):
    """H17: and are then nowhere else."""
    ops = free_port()
    gatherd = start_gatherd(options(ops__listen=[f"127.0.0.1:{ops}"]), wait=False)
    wait_until(lambda: accepts(ops) and accepts(gatherd.port), 10, "both listeners")
    wait_until(lambda: request(ops, "GET", "/readyz").status == 200, 10, "readiness")
    assert request(ops, "GET", "/metrics").status == 200
    assert request(ops, "GET", "/healthz").status == 200
    assert gatherd.get("/healthz").status == 200
    for path in ("/metrics", "/readyz"):
        assert gatherd.get(path).status == 404
    assert request(ops, "GET", "/v1/batch").status in (404, 405)
    assert "/readyz" in request(ops, "GET", "/").json()["detail"]


def test_each_batch_leaves_one_log_line(start_gatherd, upstream):
    gatherd = start_gatherd()
    gatherd.post([upstream.url("ok"), upstream.url("close")], {"x-request-id": "find-me"})
    time.sleep(0.2)
    lines = [line for line in gatherd.log_lines() if "find-me" in json.dumps(line)]
    assert len(lines) == 1, lines
    assert {"time", "level", "event"} <= set(lines[0])


def test_the_log_has_no_secrets(start_gatherd, upstream):
    """O8: neither of callers nor of their batches, at any level."""
    gatherd = start_gatherd({"log": {"level": "debug"}})
    gatherd.post([{"url": upstream.url("echo") + "?token=s3cret-query",
                   "headers": {"authorization": "Bearer s3cret-header", "cookie": "s3cret-cookie"},
                   "method": "POST", "body": "s3cret-body"},
                  "http://user:s3cret-userinfo@127.0.0.1/"],
                 {"authorization": "Bearer s3cret-caller"})
    gatherd.post(b'{"urls": "s3cret-broken')
    gatherd.get("/v1/batch?url=http://127.0.0.1:9/s3cret-path")
    time.sleep(0.2)
    text = gatherd.child.output() + gatherd.log_text()
    for secret in ("query", "header", "cookie", "body", "userinfo", "caller"):
        assert f"s3cret-{secret}" not in text


def test_hostile_input_cannot_forge_a_log_line(start_gatherd):
    """O8: line feeds and escapes of callers are escaped."""
    gatherd = start_gatherd({"log": {"level": "debug"}})
    gatherd.get("/nope%0A{\"forged\":1}", **{"User-Agent": "\x1b[31m\"}", "X-Forwarded-For": "x"})
    gatherd.post([{"url": "http://x/\n{\"forged\":1}", "id": "\n{\"forged\":1}"}])
    time.sleep(0.2)
    text = gatherd.child.output() + gatherd.log_text()
    assert "\x1b" not in text
    for line in text.splitlines():
        if line.startswith("{"):
            assert "forged" not in json.loads(line)


def test_l10_a_flood_of_garbage_leaves_no_lines(start_gatherd):
    """L10: what is no batch, and items that are refused, are counted and not logged one by one."""
    gatherd = start_gatherd()
    before = len(gatherd.log_lines())
    for number in range(200):
        with gatherd.raw() as client:
            client.send((b"\x16\x03\x01\x00", b"GARBAGE\r\n\r\n", b"GET /nope HTTP/1.1\r\nHost: x\r\n\r\n",
                         b"POST /v1/batch HTTP/1.1\r\nHost: x\r\n\r\n")[number % 4])
            if number % 4:
                client.read_reply()
    gatherd.post(["http://127.0.0.1/"] * 500, {"x-request-id": "refused"})
    time.sleep(0.2)
    after = gatherd.log_lines()[before:]
    assert len(after) == 1 and "refused" in json.dumps(after[0]), after


def test_the_log_may_be_text(start_gatherd, upstream):
    gatherd = start_gatherd({"log": {"format": "text"}})
    gatherd.batch([upstream.url("ok")])
    time.sleep(0.2)
    assert gatherd.log_lines() == []
    assert (gatherd.child.output() + gatherd.log_text()).strip()


def test_the_access_log_may_be_off(start_gatherd, upstream):
    gatherd = start_gatherd({"log": {"access": "off"}})
    gatherd.post([upstream.url("ok")], {"x-request-id": "quiet-please"})
    time.sleep(0.2)
    assert "quiet-please" not in gatherd.child.output() + gatherd.log_text()
