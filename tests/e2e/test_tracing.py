# SPDX-License-Identifier: Apache-2.0
"""Spans as the collector gets them: each export is read by the official protobuf definition."""
import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from harness.configuration import options
from harness.gatherd import run_cli, slowness
from harness.process import free_port, wait_until
from harness.recorder import Recorder
from harness.reloading import ask

pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2",
                    reason="python3-opentelemetry-proto is missing")

from harness.collector import Collector  # noqa: E402

NO_LEAKS = {"ASAN_OPTIONS": "detect_leaks=0"}
"""LeakSanitizer needs fork and ptrace, which the sandbox takes away."""
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLER = "00f067aa0ba902b7"
SERVER, CLIENT, INTERNAL, ERROR = 2, 3, 1, 2


def parent(flags="01"):
    return {"traceparent": f"00-{TRACE}-{CALLER}-{flags}"}


@pytest.fixture
def collector():
    with Collector() as running:
        yield running


def tracing(collector, **more):
    return options(tracing__otlp_endpoint=collector.endpoint, server__workers=1, **more)


def metric(gatherd, name):
    found = re.search(rf"^gatherd_{re.escape(name)} (\S+)$", gatherd.metrics(), re.M)
    return float(found[1])


def sent_parent(item):
    """The traceparent an upstream's /echo saw: (trace, span, flags)."""
    lines = [value for name, value in item["body"]["headers"] if name.lower() == "traceparent"]
    assert len(lines) == 1, item
    version, trace, span, flags = lines[0].split("-")
    assert version == "00"
    return trace, span, flags


def split(spans):
    """(the batch's span, those of attempts)."""
    batch, = [span for span in spans if span.kind == SERVER]
    attempts = [span for span in spans if span.kind == CLIENT]
    assert all(span.trace == batch.trace and span.parent == batch.id for span in attempts)
    return batch, attempts


def all_spans(gatherd, collector, count):
    """Those of a service that has done its work: the last leave with it, and not a second
    later as they do while it serves."""
    gatherd.stop()
    spans = collector.wait_for(count)
    assert len(spans) == count, spans
    return spans


def test_a_batch_and_its_attempts_are_one_trace(start_gatherd, upstream, collector):
    gatherd = start_gatherd(tracing(collector))
    document = gatherd.batch([upstream.url("echo")] * 3)
    batch, attempts = split(all_spans(gatherd, collector, 4))
    assert batch.parent == "" and batch.name == "POST /v1/batch" and batch.status == 0
    assert batch.attributes["http.response.status_code"] == 200
    assert batch.attributes["gatherd.items"] == 3 and batch.attributes["gatherd.items.ok"] == 3
    assert batch.attributes["gatherd.complete"] is True
    assert batch.attributes["client.address"] == "127.0.0.1"
    line, = [line for line in gatherd.log_lines() if line["event"] == "batch"]
    assert (line["traceId"], line["spanId"]) == (batch.trace, batch.id)
    assert batch.attributes["gatherd.request_id"] == line["requestId"]
    seen = [sent_parent(item) for item in document["responses"]]
    assert [(batch.trace, "01")] * 3 == [(trace, flags) for trace, _, flags in seen]
    by_item = {span.attributes["gatherd.item.index"]: span for span in attempts}
    assert [by_item[i].id for i in range(3)] == [span for _, span, _ in seen]
    assert len({span.id for span in attempts}) == 3
    assert all(batch.start <= span.start <= span.end <= batch.end for span in attempts)


def test_the_attributes_are_those_of_the_conventions(start_gatherd, upstream, collector):
    gatherd = start_gatherd(tracing(collector))
    gatherd.batch([{"url": upstream.url("status/404"), "method": "POST"}])
    _, (span,) = split(all_spans(gatherd, collector, 2))
    assert span.name == "POST" and span.status == ERROR
    assert span.attributes == {
        "http.request.method": "POST", "url.full": upstream.url("status/404"),
        "server.address": "127.0.0.1", "server.port": upstream.port,
        "network.protocol.version": "1.1",
        "http.response.status_code": 404, "error.type": "404", "gatherd.item.index": 0}
    assert span.event_names == ["connect", "send", "wait", "receive"]
    resource, = collector.resources
    assert resource["service.name"] == "gatherd"
    assert re.fullmatch("[0-9a-f]{32}", resource["service.instance.id"])


def test_of_a_name_the_span_says_which_address_it_was(start_gatherd, upstream, collector):
    gatherd = start_gatherd(tracing(collector))
    gatherd.batch([upstream.url("echo").replace("127.0.0.1", "localhost")])
    _, (span,) = split(collector.wait_for(2))
    assert span.attributes["server.address"] == "localhost"
    assert span.attributes["network.peer.address"] == "127.0.0.1"


def test_what_is_secret_in_a_url_is_not_in_its_span(start_gatherd, upstream, collector):
    gatherd = start_gatherd(tracing(collector))
    gatherd.batch([upstream.url("echo?q=1&api_key=s3cret#frag"), "http://u:s3cret@x/",
                   upstream.url("echo?api_key=s3cret&x=" + "x" * 5000)])
    _, attempts = split(all_spans(gatherd, collector, 4))
    shown = {span.attributes["gatherd.item.index"]: span.attributes["url.full"]
             for span in attempts}
    assert shown[0].startswith(upstream.url("echo?q=1&api_key=***"))
    assert shown[1].startswith("http://***")
    assert "s3cret" not in str(shown) and "frag" not in str(shown)
    assert len(shown[2]) <= 2048


def test_an_items_line_of_the_log_names_its_attempts_span(start_gatherd, upstream, collector):
    gatherd = start_gatherd(tracing(collector, log__items="all"))
    gatherd.batch([{"url": upstream.url("status/503"), "retries": 1}])
    batch, attempts = split(all_spans(gatherd, collector, 3))
    line, = [line for line in gatherd.log_lines() if line["event"] == "item"]
    assert (line["traceId"], line["spanId"]) == (batch.trace, attempts[-1].id)


def test_phases_are_events_where_they_happened(start_gatherd, upstream, collector):
    gatherd = start_gatherd(tracing(collector))
    gatherd.batch([upstream.url("echo")])
    gatherd.batch([upstream.url("echo").replace("127.0.0.1", "localhost")])
    gatherd.batch([upstream.url("echo")])
    spans = [span for span in all_spans(gatherd, collector, 6) if span.kind == CLIENT]
    assert spans[0].event_names == ["connect", "send", "wait", "receive"]
    assert spans[1].event_names == ["dns", "connect", "send", "wait", "receive"]
    assert spans[1].attributes["server.address"] == "localhost"
    assert spans[2].event_names == ["send", "wait", "receive"], "of a connection that was open"


def test_retries_redirects_and_alternatives_are_attempts_of_their_own(start_gatherd, upstream,
                                                                      collector):
    gatherd = start_gatherd(tracing(collector, fetch__retry_budget=100))
    target = upstream.url("echo")
    hop = upstream.url("redirect-to?u=") + target
    document = gatherd.batch([
        {"url": upstream.url("status/503"), "retries": 2, "alternatives": [hop],
         "redirects": 1}])
    _, attempts = split(all_spans(gatherd, collector, 6))
    assert [span.attributes.get("http.request.resend_count") for span in attempts] == \
        [None, 1, 2, 3, 4]
    assert [span.attributes["http.response.status_code"] for span in attempts] == \
        [503, 503, 503, 302, 200]
    assert [span.attributes["url.full"] for span in attempts[-2:]] == [hop, target]
    assert [span.status for span in attempts] == [ERROR, ERROR, ERROR, 0, 0]
    assert sent_parent(document["responses"][0])[1] == attempts[-1].id


def test_a_hedge_that_lost_is_a_cancelled_attempt(start_gatherd, collector):
    gatherd = start_gatherd(tracing(collector, fetch__retry_budget=100))
    with Recorder() as slow:
        gatherd.batch([{"url": slow.url("hang"), "hedgeAfterMs": 50,
                        "alternatives": [slow.url("200")]}])
        _, attempts = split(collector.wait_for(3))
        wait_until(lambda: len(slow.requests) == 2, 5, "the one that hung to be read there")
    assert {(span.attributes.get("error.type"), span.status) for span in attempts} == \
        {("cancelled", ERROR), (None, 0)}
    sent = {request["headers"]["traceparent"].split("-")[2] for request in slow.requests}
    assert sent == {span.id for span in attempts}


def test_what_fails_before_it_is_sent_has_a_span_that_says_why(start_gatherd, collector):
    gatherd = start_gatherd(tracing(collector, egress__deny=["10.0.0.0/8"]))
    gatherd.batch(["http://no-such.invalid/", "ftp://x/", "http://10.1.2.3/",
                   f"http://127.0.0.1:{free_port()}/"])
    batch, attempts = split(all_spans(gatherd, collector, 5))
    assert {span.attributes["error.type"] for span in attempts} == \
        {"dns", "blocked_url", "blocked_address", "connect"}
    assert all(span.status == ERROR and span.message for span in attempts)
    assert batch.attributes["gatherd.items.failed"] == 4 and batch.status == 0


def test_a_deadline_ends_attempts_and_the_status_the_batch(start_gatherd, collector):
    gatherd = start_gatherd(tracing(collector))
    with Recorder() as slow:
        gatherd.post({"requests": [slow.url("hang")], "deadlineMs": 200,
                      "onFailure": "status"})
        batch, (span,) = split(collector.wait_for(2))
    assert span.attributes["error.type"] == "cancelled" and span.end - span.start > 150e6
    assert batch.attributes["http.response.status_code"] == 504
    assert (batch.attributes["error.type"], batch.status) == ("504", ERROR)


def test_a_client_that_leaves_is_told_of(start_gatherd, collector):
    gatherd = start_gatherd(tracing(collector))
    with Recorder() as slow:
        body = json.dumps([slow.url("hang")]).encode()
        with gatherd.raw() as client:
            client.send(b"POST /v1/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/json"
                        b"\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            wait_until(lambda: slow.requests, 5, "the item to be sent")
        batch, (span,) = split(collector.wait_for(2))
    assert batch.attributes["error.type"] == "client_gone" and batch.status == ERROR
    assert "http.response.status_code" not in batch.attributes
    assert span.attributes["error.type"] == "cancelled"


@pytest.mark.parametrize("accept", ["application/x-ndjson", "text/event-stream"])
def test_a_stream_has_a_span_too(start_gatherd, upstream, collector, accept):
    gatherd = start_gatherd(tracing(collector))
    gatherd.post([upstream.url("echo")], {"accept": accept})
    batch, attempts = split(all_spans(gatherd, collector, 2))
    assert batch.attributes["gatherd.stream"] == accept and len(attempts) == 1


def test_the_clients_trace_goes_on_and_its_flag_decides(start_gatherd, upstream, collector):
    gatherd = start_gatherd(tracing(collector, tracing__sample_ratio=0))
    kept = gatherd.post([upstream.url("echo")], {**parent(), "tracestate": "a=1"}).json()
    left = gatherd.post([upstream.url("echo")], parent("00")).json()
    new = gatherd.post([upstream.url("echo")]).json()
    batch, (span,) = split(all_spans(gatherd, collector, 2))
    assert (batch.trace, batch.parent) == (TRACE, CALLER)
    assert sent_parent(kept["responses"][0]) == (TRACE, span.id, "01")
    assert ["tracestate", "a=1"] in kept["responses"][0]["body"]["headers"]
    trace, span_id, flags = sent_parent(left["responses"][0])
    assert (trace, flags) == (TRACE, "00") and span_id != CALLER
    trace, _, flags = sent_parent(new["responses"][0])
    assert trace != TRACE and flags == "00"


def test_spans_carry_the_state_of_their_trace(start_gatherd, upstream, collector):
    gatherd = start_gatherd(tracing(collector))
    state = 'a=1,b@c="\\'
    gatherd.post([upstream.url("echo")], {**parent(), "tracestate": state})
    assert [span.state for span in all_spans(gatherd, collector, 2)] == [state] * 2


def test_a_share_of_the_traces_that_begin_here_is_recorded(start_gatherd, upstream, collector):
    gatherd = start_gatherd(tracing(collector, tracing__sample_ratio=0.5))
    flags = [sent_parent(gatherd.fetch(upstream.url("echo")))[2] for _ in range(200)]
    sampled = flags.count("01")
    assert 60 < sampled < 140    # 5 standard deviations of a fair coin are 35
    assert all_spans(gatherd, collector, 2 * sampled)


def test_recorded_and_not_passed_on(start_gatherd, upstream, collector):
    gatherd = start_gatherd(tracing(collector, tracing__propagate="off"))
    reply = gatherd.post([upstream.url("echo")], parent()).json()
    names = {name.lower() for name, _ in reply["responses"][0]["body"]["headers"]}
    assert "traceparent" not in names
    batch, _ = split(all_spans(gatherd, collector, 2))
    assert (batch.trace, batch.parent) == (TRACE, CALLER)


def test_an_items_own_traceparent_stays_its_own(start_gatherd, upstream, collector):
    own = f"00-{'1' * 32}-{'2' * 16}-01"
    gatherd = start_gatherd(tracing(collector))
    item = gatherd.fetch({"url": upstream.url("echo"), "headers": {"traceparent": own}})
    assert sent_parent(item) == ("1" * 32, "2" * 16, "01")
    assert all_spans(gatherd, collector, 2)


def test_headers_and_paths_are_the_operators(start_gatherd, upstream, collector, tmp_path):
    secret = tmp_path / "token"
    secret.write_text("Bearer very-secret-token\n")
    secret.chmod(0o600)
    collector.plan += [503]
    gatherd = start_gatherd(options(
        tracing={"otlp_endpoint": collector.endpoint + "/own/path",
                 "headers": [{"name": "authorization", "value": f"file:{secret}"},
                             {"name": "x-tenant", "value": "a"}],
                 "service_name": "my gate"}, log__level="debug"))
    gatherd.batch([upstream.url("echo")])
    collector.wait_for(2)
    for _, path, headers, _ in collector.exports:
        assert path == "/own/path"
        assert headers["authorization"] == "Bearer very-secret-token" and headers["x-tenant"] == "a"
        assert headers["Content-Type"] == "application/json"
    assert collector.resources[0]["service.name"] == "my gate"
    assert "very-secret" not in gatherd.child.output() + gatherd.child.errors()
    assert "very-secret" not in gatherd.metrics()


def test_a_name_is_looked_up_by_gatherd_and_egress_is_not_asked(start_gatherd, upstream,
                                                                collector):
    gatherd = start_gatherd(options(
        tracing__otlp_endpoint=f"http://localhost:{collector.port}",
        egress={"deny": [f"127.0.0.1:{collector.port}", f"localhost:{collector.port}"]}))
    document = gatherd.batch([upstream.url("echo"), collector.endpoint,
                              f"http://localhost:{collector.port}/"])
    assert [item.get("error", {}).get("code") for item in document["responses"]] == \
        [None, "blocked_url", "blocked_url"] or \
        all(item["error"]["code"].startswith("blocked") for item in document["responses"][1:])
    assert len(collector.wait_for(4)) == 4


def test_a_collector_that_has_no_room_is_asked_again_when_it_says(start_gatherd, upstream,
                                                                  collector):
    collector.plan += [(429, {"Retry-After": "1"}, b""), (503, {"Retry-After": "2"}, b"")]
    gatherd = start_gatherd(tracing(collector))
    gatherd.batch([upstream.url("echo")])
    collector.wait_for(2)
    times = [at for at, *_ in collector.exports]
    assert times[1] - times[0] > 0.9 and times[2] - times[1] > 1.9
    assert times[2] - times[0] < 10 * slowness()
    bodies = {body for *_, body in collector.exports}
    assert len(bodies) == 1
    wait_until(lambda: metric(gatherd, "spans_exported_total") == 2, 5, "the count")


def test_what_the_collector_refuses_is_dropped_and_counted(start_gatherd, upstream, collector):
    collector.plan += [400, (200, {}, b'{"partialSuccess": {"rejectedSpans": "1"}}')]
    gatherd = start_gatherd(tracing(collector))
    gatherd.batch([upstream.url("echo")])
    rejected = 'spans_dropped_total{reason="rejected"}'
    wait_until(lambda: metric(gatherd, rejected) == 2, 5, "the refused to be counted")
    gatherd.batch([upstream.url("echo")])
    wait_until(lambda: metric(gatherd, rejected) == 3, 5, "one of the next two")
    assert metric(gatherd, "spans_exported_total") == 1


def test_a_collector_that_is_down_slows_nothing_and_is_found_again(start_gatherd, upstream):
    port = free_port()
    gatherd = start_gatherd(options(tracing__otlp_endpoint=f"http://127.0.0.1:{port}"))
    gatherd.batch([upstream.url("echo")])
    time.sleep(1.3)    # it has been tried
    started = time.monotonic()
    for _ in range(20):
        assert gatherd.batch([upstream.url("echo")] * 5)["summary"]["ok"] == 5
    assert time.monotonic() - started < 4 * slowness()
    with Collector(port=port) as collector:
        collector.wait_for(2 + 20 * 6, 15)
        assert metric(gatherd, 'spans_dropped_total{reason="unavailable"}') == 0


def test_a_queue_that_is_full_drops_and_counts(start_gatherd, upstream, collector):
    """A collector that hangs: what is recorded meanwhile has a ceiling."""
    collector.plan += ["hang"] * 50
    gatherd = start_gatherd(tracing(collector, tracing__queue_max_bytes="1MiB"))
    full = 'spans_dropped_total{reason="queue_full"}'
    for _ in range(40):
        assert gatherd.batch([upstream.url("status/204")] * 200)["summary"]["ok"] == 200
        if metric(gatherd, full) > 0:
            break
    assert metric(gatherd, full) > 0 and metric(gatherd, "spans_exported_total") == 0


def test_the_last_spans_leave_with_the_process(start_gatherd, upstream, collector):
    gatherd = start_gatherd(tracing(collector))
    gatherd.batch([upstream.url("echo")])
    gatherd.stop()
    assert len(collector.spans) == 2


def test_a_collector_that_hangs_does_not_hold_the_end(start_gatherd, upstream, collector):
    collector.plan += ["hang"] * 10
    gatherd = start_gatherd(tracing(collector))
    gatherd.batch([upstream.url("echo")])
    started = time.monotonic()
    gatherd.stop()
    assert time.monotonic() - started < 6 * slowness()


def test_coalesced_items_lead_to_the_one_attempt_there_was(start_gatherd, upstream, collector):
    gatherd = start_gatherd(tracing(collector))
    url = upstream.url("delay/200")
    document = gatherd.batch([url] * 3, coalesce=True)
    assert document["summary"]["ok"] == 3
    batch, (attempt,) = split(all_spans(gatherd, collector, 4))
    joined = [span for span in collector.spans if span.kind == INTERNAL]
    assert [span.links for span in joined] == [[(batch.trace, attempt.id)]] * 2
    assert {span.name for span in joined} == {"coalesced"}
    assert {span.attributes["gatherd.item.index"] for span in [attempt, *joined]} == {0, 1, 2}


def test_two_workers_that_share_a_batch_record_all_of_it(start_gatherd, upstream, collector):
    gatherd = start_gatherd(tracing(collector, batch__max_items=3000),
                            options(server={"workers": 2, "share_batches": "always"}))
    document = gatherd.batch([upstream.url("echo")] * 1500)
    _, attempts = split(all_spans(gatherd, collector, 1501))
    assert {sent_parent(item)[1] for item in document["responses"]} == \
        {span.id for span in attempts}
    assert sorted(span.attributes["gatherd.item.index"] for span in attempts) == \
        list(range(1500))


def test_with_the_sandbox_on(start_gatherd, upstream, collector):
    gatherd = start_gatherd(options(tracing__otlp_endpoint=f"http://localhost:{collector.port}",
                                    process__sandbox="on"), environment=NO_LEAKS)
    gatherd.batch([upstream.url("echo")])
    assert len(collector.wait_for(2)) == 2


@pytest.mark.parametrize("endpoint", ["localhost:4318", "ftp://x", "http://", "http://u:pw@h:1",
                                      "http://h:1/#a", "http://h:99999", "http://h/ "])
def test_what_is_no_endpoint_does_not_start(tmp_path, endpoint):
    config = tmp_path / "gatherd.yaml"
    config.write_text(f'server: {{listen: ["127.0.0.1:0"]}}\n'
                      f'tracing: {{otlp_endpoint: "{endpoint}"}}\n')
    result = run_cli("serve", "--config", str(config))
    assert result.returncode != 0 and "tracing.otlp_endpoint" in result.stderr + result.stdout
    assert "pw" not in result.stderr


def make_certificate(path):
    """One for 127.0.0.1 that vouches for itself, with its key."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-subj", "/CN=collector", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(path),
                    "-out", f"{path}.public"], check=True, capture_output=True)
    with path.open("a") as whole:
        whole.write(Path(f"{path}.public").read_text())
    return path


def test_a_reload_changes_whom_the_exporter_trusts(start_gatherd, upstream, tmp_path):
    """Also of a connection that was made before."""
    own, other, trusted = make_certificate(tmp_path / "own"), make_certificate(tmp_path / "other"), tmp_path / "ca.pem"

    def trust(certificate):
        shutil.copy(f"{certificate}.public", tmp_path / "fresh.pem")
        os.replace(tmp_path / "fresh.pem", trusted)
    trust(other)
    with Collector(certificate=own) as collector:
        gatherd = start_gatherd(tracing(collector, fetch__ca_file=str(trusted)))
        gatherd.batch([upstream.url("ok")])
        time.sleep(1.5)  # it tries after a second
        assert not collector.exports
        trust(own)
        assert ask(gatherd).status == 200
        assert len(collector.wait_for(2)) == 2
        trust(other)
        assert ask(gatherd).status == 200
        gatherd.batch([upstream.url("ok")])
        gatherd.stop()  # at the latest now it tries
        assert len(collector.exports) == 1
