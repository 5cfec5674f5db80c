# SPDX-License-Identifier: Apache-2.0
"""The metrics page in OpenMetrics, read by prometheus_client's strict parser and scraped, with
its exemplars, by a real Prometheus."""
import json
import shutil
import subprocess
import time
import urllib.request

import pytest
from harness.configuration import options
from harness.process import free_port, wait_until

try:
    from prometheus_client.openmetrics.parser import text_string_to_metric_families
except ImportError:
    text_string_to_metric_families = None

OPEN = {"accept": "application/openmetrics-text; version=1.0.0"}
PARENT = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}


@pytest.fixture
def traced(start_gatherd, upstream):
    """One that records, for a collector that is not there."""
    gatherd = start_gatherd(options(tracing__otlp_endpoint=f"http://127.0.0.1:{free_port()}"))
    gatherd.post([upstream.url("echo"), upstream.url("delay/20")], PARENT)
    return gatherd


def families(gatherd):
    if not text_string_to_metric_families:
        pytest.skip("python3-prometheus-client is missing")
    reply = gatherd.request("GET", "/metrics", headers=OPEN)
    assert reply.header("content-type") == \
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    return {family.name: family
            for family in text_string_to_metric_families(reply.body.decode())}


def test_it_is_well_formed_and_says_the_same(traced):
    found = families(traced)
    assert found["gatherd_batches"].type == "counter"
    names = {sample.name for family in found.values() for sample in family.samples}
    plain = {line.split("{")[0].split(" ")[0] for line in traced.metrics().splitlines()
             if not line.startswith("#")}
    assert names == plain


def test_exemplars_lead_to_the_trace(traced):
    found = families(traced)
    for name, labels in (("gatherd_batch_duration_seconds", {}),
                         ("gatherd_item_phase_duration_seconds", {"phase": "total"})):
        exemplars = [(sample, sample.exemplar) for sample in found[name].samples
                     if sample.exemplar]
        assert exemplars
        for sample, exemplar in exemplars:
            assert exemplar.labels["trace_id"] == "a" * 32
            assert len(exemplar.labels["span_id"]) == 16
            assert exemplar.value <= float(sample.labels["le"])
            assert abs(float(exemplar.timestamp) - time.time()) < 60
            assert labels.items() <= sample.labels.items()


def test_without_being_asked_it_is_text_without_exemplars(traced):
    for accept in ({}, {"accept": "*/*"}, {"accept": "text/plain"}):
        reply = traced.request("GET", "/metrics", headers=accept)
        assert reply.header("content-type").startswith("text/plain; version=0.0.4")
        assert b"trace_id" not in reply.body and b"# EOF" not in reply.body


@pytest.mark.skipif(not shutil.which("prometheus"), reason="prometheus is missing")
def test_prometheus_scrapes_it_with_its_exemplars(traced, tmp_path):
    port = free_port()
    config = tmp_path / "prometheus.yml"
    config.write_text(json.dumps({
        "global": {"scrape_interval": "1s"},
        "scrape_configs": [{"job_name": "gatherd", "static_configs": [
            {"targets": [f"127.0.0.1:{traced.port}"]}]}]}))
    child = subprocess.Popen(
        ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={tmp_path}/data",
         f"--web.listen-address=127.0.0.1:{port}", "--enable-feature=exemplar-storage"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def ask(path):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/{path}", timeout=5) as reply:
            return json.load(reply)["data"]

    def exemplars():
        try:
            found = ask("query_exemplars?query=gatherd_batch_duration_seconds_bucket"
                        f"&start={time.time() - 600:.0f}&end={time.time() + 60:.0f}")
        except OSError:
            return False
        return [one["labels"]["trace_id"] for series in found for one in series["exemplars"]]
    try:
        wait_until(exemplars, 20, "an exemplar to be stored")
        assert set(exemplars()) == {"a" * 32}
        target, = ask("targets")["activeTargets"]
        assert (target["health"], target["lastError"]) == ("up", "")
    finally:
        child.terminate()
        child.wait(10)
