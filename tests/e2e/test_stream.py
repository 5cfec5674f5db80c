# SPDX-License-Identifier: Apache-2.0
"""Batches whose responses leave as they come: NDJSON and server-sent events."""
import json
import signal
import socket
import struct
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from harness.configuration import options
from harness.gatherd import slowness
from harness.process import wait_until
from harness.quickest import within
from harness.stream import EVENTS, NDJSON, Stream

FORMS = pytest.mark.parametrize("accept", [NDJSON, EVENTS])
FIRST_LINE_MS = 20
GONE_MS = 250


def of_metric(gatherd, name):
    return sum(float(line.rsplit(" ", 1)[1]) for line in gatherd.metrics().splitlines()
               if line.split("{")[0].split(" ")[0] == name)


# What comes, and when.

@FORMS
def test_each_response_comes_as_its_item_ends_and_the_summary_last(gatherd, upstream, accept):
    """An answer is given when the one before it has come to the client."""
    gates = [upstream.gate() for _ in range(4)]
    with Stream(gatherd, [url for url, _ in gates], accept) as stream:
        parts = stream.parts()
        for number in (1, 3, 2, 0):
            upstream.open(gates[number][1])
            name, value, _ = next(parts)
            assert (name, value["id"]) == ("response", str(number))
        name, summary, _ = next(parts)
        assert name == "summary" and not list(parts)
    assert (summary["total"], summary["ok"], summary["failed"]) == (4, 4, 0)
    assert stream.ended is True


@FORMS
def test_the_first_line_comes_within_20_ms_of_the_first_upstream_reply(gatherd, upstream,
                                                                       accept):
    """Against what the upstream takes, with the rest of the batch still hanging."""
    late = []
    for _ in range(7):
        with Stream(gatherd, [upstream.url("hang"), upstream.url("delay/50")], accept) as stream:
            _, value, seconds = next(stream.parts())
        assert value["id"] == "1"
        late.append(seconds * 1000 - 50)
    assert min(late) < FIRST_LINE_MS * slowness(), late     # other work on the machine apart


@FORMS
def test_a_head_comes_before_the_first_response(gatherd, upstream, accept):
    with Stream(gatherd, [upstream.url("hang")], accept) as stream:
        head = stream.head.decode().lower()
    assert head.startswith("http/1.1 200 ")
    assert f"\r\ncontent-type: {accept}" in head
    assert "\r\ncache-control: no-store" in head
    assert "\r\nx-accel-buffering: no" in head
    assert "\r\nx-request-id: " in head
    assert "content-length" not in head and "gatherd-complete" not in head


def test_bodies_and_ids_with_line_breaks_stay_one_line(gatherd, upstream):
    body = b'{\r\n  "a": [1,\n 2],\r"b": "x\\ny" }\n'
    items = [{"id": "line\nbreak\r", "url": upstream.body_url(body)}]
    for accept in (NDJSON, EVENTS):
        with Stream(gatherd, {"requests": items}, accept) as stream:
            responses, summary = stream.read_all()
        assert summary["ok"] == 1
        assert responses[0]["id"] == "line\nbreak\r"
        assert responses[0]["body"] == {"a": [1, 2], "b": "x\ny"}


@FORMS
def test_a_thousand_items_give_a_thousand_responses(gatherd, upstream, accept):
    with Stream(gatherd, [upstream.url("ok")] * 1000, accept, timeout=30) as stream:
        responses, summary = stream.read_all()
    assert sorted(int(r["id"]) for r in responses) == list(range(1000))
    assert summary["ok"] == 1000 and stream.ended is True


def test_bodies_larger_than_every_buffer_come_whole(gatherd, upstream):
    sizes = [0, 1, 16383, 16384, 32768, 3000000]
    with Stream(gatherd, [upstream.url(f"bytes/{n}") for n in sizes]) as stream:
        responses, summary = stream.read_all()
    assert {int(r["id"]): len(r.get("body", "")) for r in responses} == dict(enumerate(sizes))
    assert summary["failed"] == 0


@FORMS
def test_a_batch_of_nothing_but_failures_ends_with_its_summary(gatherd, upstream, accept):
    with Stream(gatherd, ["http://127.0.0.1:1/", upstream.url("reset"), "ftp://x/"],
                accept) as stream:
        responses, summary = stream.read_all()
    assert len(responses) == 3 and all("error" in r for r in responses)
    assert (summary["ok"], summary["failed"]) == (0, 3)
    assert stream.ended is True


@FORMS
def test_the_deadline_ends_the_stream_with_a_response_for_each_item(gatherd, upstream, accept):
    document = {"urls": [upstream.url("hang"), upstream.url("ok"), upstream.url("hang")],
                "deadlineMs": 300}
    with Stream(gatherd, document, accept) as stream:
        responses, summary = stream.read_all()
    assert [r["id"] for r in responses] == ["1", "0", "2"]
    assert [r.get("error", {}).get("code") for r in responses] == [None, "deadline", "deadline"]
    assert (summary["ok"], summary["failed"]) == (1, 2)


def test_the_connection_is_kept_after_a_stream(gatherd, upstream):
    with Stream(gatherd, [upstream.url("ok")]) as stream:
        stream.read_all()
        stream.raw.received = stream.pending
        stream.raw.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert stream.raw.read_reply().status == 200


def test_a_get_streams_too(gatherd, upstream):
    reply = gatherd.get(f"/v1/batch?url={upstream.url('ok')}&url={upstream.url('ok')}",
                        accept=NDJSON)
    lines = reply.body.decode().splitlines()
    assert len(lines) == 3 and json.loads(lines[2])["summary"]["ok"] == 2


def test_what_is_refused_is_a_problem_and_no_stream(gatherd):
    reply = gatherd.post({"urls": []}, {"accept": NDJSON})
    assert reply.status == 400
    assert reply.header("content-type") == "application/problem+json"


def test_the_access_log_has_the_bytes_of_the_body(start_gatherd, upstream):
    gatherd = start_gatherd()
    reply = gatherd.post([upstream.url("bytes/1000")], {"accept": NDJSON})
    wait_until(lambda: [line for line in gatherd.log_lines() if line["event"] == "batch"], 2,
               "a line in the log")
    line = [line for line in gatherd.log_lines() if line["event"] == "batch"][-1]
    assert (line["stream"], line["status"], line["ok"]) == (NDJSON, 200, 1)
    assert line["bytes"] == len(reply.body)


@pytest.mark.parametrize("size", [100, 3000, 9000, 15000])
def test_a_large_head_leaves_room_for_a_stream(gatherd, upstream, size):
    """Head and chunks share the memory of a connection."""
    with Stream(gatherd, [upstream.url("bytes/200000"), upstream.url("ok")],
                headers=b"X-Large: %s\r\n" % (b"x" * size)) as stream:
        responses, summary = stream.read_all()
    assert summary["ok"] == 2 and stream.ended is True
    assert sorted(len(r["body"]) for r in responses) == [3, 200000]


def test_requests_behind_a_stream_are_answered_after_it(gatherd, upstream):
    body = json.dumps([upstream.url("delay/100")]).encode()
    with gatherd.raw() as raw:
        raw.send(b"POST /v1/batch HTTP/1.1\r\nHost: x\r\nAccept: application/x-ndjson\r\n"
                 b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                 b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
                 % (len(body), body))
        stream, _, rest = raw.read_to_end().partition(b"\r\n0\r\n\r\n")
    assert b'"summary"' in stream and rest.startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_large_document_is_read_first_and_then_streamed(gatherd, upstream):
    """One that another thread reads: its connection waits before it streams."""
    items = [{"url": upstream.url("ok"), "headers": {"x-large": "x" * 1000}}] * 100
    with Stream(gatherd, items) as stream:
        responses, summary = stream.read_all()
    assert len(responses) == 100 and summary["ok"] == 100


def test_streams_are_counted_by_form(start_gatherd, upstream):
    gatherd = start_gatherd()
    for accept in (NDJSON, EVENTS, EVENTS, "application/json"):
        gatherd.post([upstream.url("ok")], {"accept": accept})
    metrics = gatherd.metrics()
    assert 'gatherd_streams_total{form="ndjson"} 1\n' in metrics
    assert 'gatherd_streams_total{form="events"} 2\n' in metrics


# With everything else a batch may ask for: the same responses as in a document.

def batches(url):
    """Batches whose outcome does not depend on time, by what they ask for."""
    ok, missing, hang, late = url("ok"), url("status/404"), url("hang"), url("delay/150")
    dead = "http://127.0.0.1:1/"
    optional = {"url": dead, "optional": True}
    return {
        "all": {"requests": [ok, dead, missing]},
        "timing": {"requests": [ok, dead], "include": ["timing"]},
        "first-done": {"requests": [hang, ok, hang], "until": "firstDone"},
        "first-ok": {"requests": [hang, late, dead], "until": "firstOk"},
        "two-ok": {"requests": [hang, ok, late, dead], "until": {"ok": 2}},
        "fail-fast": {"requests": [hang, dead, hang], "failFast": True},
        "fail-fast-optional": {"requests": [late, optional], "failFast": True},
        "optional": {"requests": [ok, optional]},
        "coalesce": {"requests": [late] * 4, "coalesce": True},
        "concurrency": {"requests": [ok, dead, late, ok], "concurrency": 1},
        "expect": {"requests": [{"url": missing, "expect": {"status": [404]}},
                                {"url": missing, "expect": {"status": ["2xx"]}}]},
        "retries": {"requests": [{"url": dead, "retries": 2}, ok]},
        "hedge": {"requests": [{"url": url("delay/400"), "hedgeAfterMs": 200}, ok]},
        "fallback": {"requests": [{"url": dead, "fallback": {"status": 203, "body": [1]}}, ok]},
        "references": {"requests": [{"id": "0", "url": url("body?b64=eyJhIjogMX0=")},
                                    {"id": "1", "url": url("bytes/{{0.body.a}}")},
                                    {"id": "2", "url": dead},
                                    {"id": "3", "url": ok, "dependsOn": ["2"]}]},
        "for-each": {"requests": [{"id": "0", "url": url("body?b64=WzEsMiwzXQ==")},
                                  {"id": "1", "forEach": "{{0.body}}",
                                   "url": url("bytes/{{item}}")}]},
        "small": {"requests": [{"url": url("body?b64=eyJhIjogMX0="), "select": ["/a"]},
                               {"url": ok, "bodyMode": "sha256", "responseHeaders": []}]},
        "alternatives": {"requests": [{"url": dead, "alternatives": [dead, ok]}, ok]},
    }


def stable(response):
    """Without what is different each time."""
    response.pop("timing", None)
    response.get("headers", {}).pop("content-length", None)  # an echo tells the client's port
    response.get("error", {}).pop("message", None)
    response.get("summary", {}).pop("elapsedMs", None)
    for child in response.get("responses", ()):
        stable(child)
    for attempt in response.get("attempts", ()):
        attempt.pop("startMs"), attempt.pop("totalMs")
    return response


@FORMS
@pytest.mark.parametrize("name", batches(str))
def test_a_stream_says_what_the_document_says(gatherd, upstream, accept, name):
    document = batches(upstream.url)[name]
    whole = gatherd.post(document).json()
    with Stream(gatherd, document, accept) as stream:
        responses, summary = stream.read_all()
    assert stream.ended is True
    responses.sort(key=lambda response: int(response["id"]))
    assert [stable(r) for r in responses] == [stable(r) for r in whole["responses"]]
    for part in (summary, whole["summary"]):
        assert part.pop("elapsedMs") < 5000, "it waited for what hangs, ten seconds"
    assert summary == whole["summary"]


def test_what_a_stream_waits_no_longer_for_is_cancelled_at_the_upstream(gatherd, upstream):
    def gone_s():
        key, (last, gate) = upstream.new_key(), upstream.gate()
        document = {"requests": [upstream.url("hang", key=key)] * 20 + [last], "until": "firstOk"}
        with ThreadPoolExecutor(1) as pool, Stream(gatherd, document) as stream:
            wait_until(lambda: upstream.stats(key)["in_flight"] == 20, 5, "20 in flight")
            idle_at = pool.submit(lambda: upstream.wait_idle(key, 5) and time.monotonic())
            upstream.open(gate)
            assert next(stream.parts())[1]["id"] == "20"
            ended_at = time.monotonic()
            assert idle_at.result(), "some are open after 5 s"
            responses, summary = stream.read_all()
        assert [r["error"]["code"] for r in responses] == ["cancelled"] * 20
        assert summary["complete"] is True
        return idle_at.result() - ended_at
    within(GONE_MS * slowness() / 1000, gone_s)


@FORMS
def test_the_status_of_a_failure_cannot_be_had_from_a_stream(gatherd, upstream, accept):
    reply = gatherd.post({"urls": [upstream.url("ok")], "onFailure": "status"},
                         {"accept": accept})
    assert reply.status == 400 and reply.json()["errors"][0]["pointer"] == "/onFailure"


# Which form.

@pytest.mark.parametrize("accept, kind", [
    (None, "application/json"),
    ("*/*", "application/json"),
    ("application/json, text/event-stream", "application/json"),
    ("text/event-stream, application/x-ndjson", NDJSON),
    ("application/json;q=0.9, application/x-ndjson", NDJSON),
    ("application/jsonl", "application/jsonl"),
    ("application/ndjson", "application/ndjson"),
    ("text/*", EVENTS),
    ("*/*, application/json;q=0", NDJSON),
    ("image/png", "application/json"),
    ("text/event-stream;q=7", "application/json"),
])
def test_the_accept_header_chooses_the_form(gatherd, upstream, accept, kind):
    reply = gatherd.post([upstream.url("ok")], {"accept": accept} if accept else {})
    assert reply.status == 200
    assert reply.header("content-type").split(";")[0] == kind


def test_several_accept_lines_are_one_list(gatherd, upstream):
    with Stream(gatherd, [upstream.url("ok")], "application/json;q=0.1",
                headers=b"Accept: text/event-stream\r\n") as stream:
        assert b"content-type: text/event-stream" in stream.head.lower()


@FORMS
def test_http_1_0_is_streamed_up_to_the_close(gatherd, upstream, accept):
    with Stream(gatherd, [upstream.url("ok")] * 3, accept, version="1.0") as stream:
        assert not stream.is_chunked
        responses, summary = stream.read_all()
    assert len(responses) == 3 and summary["ok"] == 3


@FORMS
def test_head_is_answered_without_running_the_batch(gatherd, upstream, accept):
    key = upstream.new_key()
    with gatherd.raw() as raw:
        raw.send(b"HEAD /v1/batch?url=%s HTTP/1.1\r\nHost: x\r\nAccept: %s\r\n\r\n"
                 % (upstream.url("ok", key=key).encode(), accept.encode()))
        head, body = raw.read_to_end().split(b"\r\n\r\n", 1)
    assert b" 200 " in head and accept.encode() in head and body == b""
    assert upstream.stats(key)["requests"] == 0


def test_an_event_source_that_asks_again_is_told_to_stop(gatherd, upstream):
    """It would otherwise send the whole batch again, and go on for ever."""
    key = upstream.new_key()
    path = f"/v1/batch?url={upstream.url('ok', key=key)}"
    reply = gatherd.request("GET", path, headers={"accept": EVENTS, "last-event-id": "2"})
    assert (reply.status, reply.body) == (204, b"")
    assert upstream.stats(key)["requests"] == 0
    reply = gatherd.request("GET", path, headers={"accept": NDJSON, "last-event-id": "2"})
    assert reply.status == 200


# Readers that go away.

def leave(stream, how):
    if how == "half-close":
        stream.raw.socket.shutdown(socket.SHUT_WR)
        return
    if how == "rst":
        stream.raw.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                     struct.pack("ii", 1, 0))
    stream.raw.socket.close()


@pytest.mark.parametrize("how", ["fin", "rst", "half-close"])
def test_a_reader_that_leaves_cancels_what_is_not_done(gatherd, upstream, how):
    """Measured at the upstream, with a stream that has begun."""
    def gone_s():
        key = upstream.new_key()
        items = [upstream.url("ok")] + [upstream.url("hang", key=key)] * 50
        stream = Stream(gatherd, items)
        assert next(stream.parts())[1]["id"] == "0"
        wait_until(lambda: upstream.stats(key)["in_flight"] == 50, 5, "50 requests in flight")
        seconds = upstream.seconds_until_idle(key, lambda: leave(stream, how))
        assert upstream.stats(key)["aborted"] == 50
        if how == "half-close":
            assert stream.read_all()[1] is None, "a stream that was cut has no summary"
            assert stream.ended is False, "nor a last chunk"
        stream.raw.socket.close()
        return seconds
    within(GONE_MS * slowness() / 1000, gone_s)


def test_a_reader_that_leaves_is_in_the_log_and_in_the_metrics(start_gatherd, upstream):
    gatherd = start_gatherd()
    with Stream(gatherd, [upstream.url("ok"), upstream.url("hang")]) as stream:
        next(stream.parts())
    wait_until(lambda: of_metric(gatherd, "gatherd_clients_gone_total") == 1, 3, "the count")
    wait_until(lambda: [line for line in gatherd.log_lines() if line.get("cut")], 3, "the line")


# Readers that are slow.

def stopped_reader(gatherd, document):
    """A stream whose client takes next to nothing."""
    raw = gatherd.raw()
    raw.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 256 << 10)
    body = json.dumps(document).encode()
    raw.send(b"POST /v1/batch HTTP/1.1\r\nHost: x\r\nAccept: application/x-ndjson\r\n"
             b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
             % (len(body), body))
    return raw


def rss_kb(gatherd):
    with open(f"/proc/{gatherd.pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))


def settled_requests(upstream, key):
    """How many requests the upstream has had when no more come."""
    seen, quiet = None, 0
    while quiet < 3:
        now = upstream.stats(key)
        quiet = quiet + 1 if now == seen and now["in_flight"] == 0 else 0
        seen = now
        time.sleep(0.1 * slowness())
    return seen["requests"]


def read_to_summary(raw):
    """How the last line of a stream begins; fails if the stream is cut."""
    data = b""
    while not data.endswith(b"\r\n0\r\n\r\n"):
        more = raw.socket.recv(1 << 20)
        assert more, "the stream was cut"
        data = data[-1000:] + more
    return json.loads(data[data.index(b'{"summary"'):].split(b"\n")[0])["summary"]


def test_a_reader_that_stops_slows_its_own_batch_and_nothing_else(start_gatherd, upstream):
    """1,000 items of 100 KB, all started at once: what only waited to be sent is taken back,
    memory stays within the batch's budget, others are as fast as before, and a reader that
    goes on gets it all."""
    gatherd = start_gatherd(options(batch__deadline="60s", server__workers="1"))
    gatherd.fetch(upstream.url("ok"))
    before, key = rss_kb(gatherd), upstream.new_key()
    with stopped_reader(gatherd, [upstream.url("bytes/100000", key=key)] * 1000) as raw:
        wait_until(lambda: of_metric(gatherd, "gatherd_stream_waits_total") > 0, 10, "a pause")
        fetched = settled_requests(upstream, key)
        assert fetched < 700, "the reader has not been waited for"
        assert of_metric(gatherd, "gatherd_held_reply_bytes") < 64 << 20
        assert (rss_kb(gatherd) - before) * 1024 < (96 << 20) * slowness()
        seconds = [gatherd.batch([upstream.url("ok")])["reply"].seconds for _ in range(20)]
        assert min(seconds) < 0.05 * slowness(), seconds       # other work on the machine apart
        assert upstream.stats(key)["requests"] == fetched
        assert read_to_summary(raw)["ok"] == 1000
    assert upstream.stats(key)["requests"] == 1000
    wait_until(lambda: of_metric(gatherd, "gatherd_held_reply_bytes") == 0, 3, "no bytes held")


def test_what_is_held_for_a_reader_stays_below_the_batchs_ceiling(start_gatherd, upstream):
    """What is under way when the reader stops cannot be taken back; what does not fit fails
    for itself, as in a document."""
    gatherd = start_gatherd(options(batch__reply_max_bytes="2MiB", batch__deadline="60s",
                                    server__workers="1"))
    key = upstream.new_key()
    with stopped_reader(gatherd, [upstream.url("bytes/100000", key=key)] * 1000) as raw:
        wait_until(lambda: of_metric(gatherd, "gatherd_stream_waits_total") > 0, 10, "a pause")
        assert settled_requests(upstream, key) < 1000
        assert of_metric(gatherd, "gatherd_held_reply_bytes") < 3 << 20
        summary = read_to_summary(raw)
    assert summary["total"] == 1000 and 0 < summary["ok"] < 1000


def test_with_little_concurrency_little_is_held_for_a_reader(start_gatherd, upstream):
    gatherd = start_gatherd(options(batch__concurrency="10", server__workers="1"))
    key = upstream.new_key()
    with stopped_reader(gatherd, [upstream.url("bytes/100000", key=key)] * 1000):
        wait_until(lambda: of_metric(gatherd, "gatherd_stream_waits_total") > 0, 10, "a pause")
        assert settled_requests(upstream, key) < 300
        assert of_metric(gatherd, "gatherd_held_reply_bytes") < 4 << 20
    wait_until(lambda: of_metric(gatherd, "gatherd_held_reply_bytes") == 0, 3, "no bytes held")


@pytest.mark.parametrize("how", ["write_timeout", "write_rate_min"])
def test_a_reader_that_stops_for_too_long_is_cut_off(start_gatherd, upstream, how):
    """And what its batch still has under way is cancelled at the upstream."""
    rate = options(server__write_rate_min="1GiB" if how == "write_rate_min" else "1KiB")
    gatherd = start_gatherd(rate, options(server__write_timeout="600ms", batch__deadline="60s",
                                          server__workers="1", log__level="debug"))
    key = upstream.new_key()
    items = [upstream.url("hang", key=key)] * 10 + [upstream.url("bytes/100000")] * 200
    with stopped_reader(gatherd, {"urls": items, "concurrency": 300}) as raw:
        wait_until(lambda: upstream.stats(key)["requests"] == 10, 5, "10 requests")
        started = time.monotonic()
        while how == "write_rate_min" and not upstream.wait_idle(key, 0.02):
            raw.socket.recv(100000)  # something now and then
        assert upstream.wait_idle(key, 5), "they are not cancelled"
        assert time.monotonic() - started < 6 * slowness()      # the deadline: a minute
        data = raw.read_to_end()
    assert b'"summary"' not in data and not data.endswith(b"0\r\n\r\n")
    reason = [line["message"] for line in gatherd.log_lines() if line["event"] == "reply_stalled"]
    assert (how == "write_rate_min") == ("write_rate_min" in reason[0])
    wait_until(lambda: of_metric(gatherd, "gatherd_held_reply_bytes") == 0, 3, "no bytes held")


@FORMS
def test_a_quiet_stream_is_not_cut_off(start_gatherd, upstream, accept):
    """write_timeout is for readers, not for upstreams."""
    gatherd = start_gatherd(options(server__write_timeout="400ms", server__idle_timeout="400ms"))
    with Stream(gatherd, [upstream.url("ok"), upstream.url("delay/1300")], accept) as stream:
        responses, summary = stream.read_all()
    assert len(responses) == 2 and summary["ok"] == 2


# The process ends.

@FORMS
def test_a_drain_lets_streams_finish(start_gatherd, upstream, accept):
    gatherd = start_gatherd()
    with Stream(gatherd, [upstream.url("ok"), upstream.url("delay/700")], accept) as stream:
        parts = stream.parts()
        assert next(parts)[1]["id"] == "0"
        gatherd.signal(signal.SIGTERM)
        rest = list(parts)
    assert [name for name, _, _ in rest] == ["response", "summary"]
    assert rest[1][1]["ok"] == 2 and stream.ended is True
    assert gatherd.wait(5 * slowness()) == 0


@FORMS
def test_at_the_end_of_a_drain_streams_end_with_what_there_is(start_gatherd, upstream, accept):
    gatherd = start_gatherd(options(server__drain_timeout="300ms"))
    with Stream(gatherd, [upstream.url("ok"), upstream.url("hang")], accept) as stream:
        parts = stream.parts()
        assert next(parts)[1]["id"] == "0"
        gatherd.signal(signal.SIGTERM)
        rest = list(parts)
    assert [name for name, _, _ in rest] == ["response", "summary"]
    assert rest[0][1]["error"]["code"] == "cancelled"
    assert (rest[1][1]["ok"], rest[1][1]["failed"]) == (1, 1) and stream.ended is True
    assert gatherd.wait(5 * slowness()) == 0


def test_a_stream_whose_process_is_killed_has_no_end(start_gatherd, upstream):
    gatherd = start_gatherd()
    with Stream(gatherd, [upstream.url("ok"), upstream.url("hang")]) as stream:
        assert next(stream.parts())[1]["id"] == "0"
        gatherd.signal(signal.SIGKILL)
        responses, summary = stream.read_all()
    assert (responses, summary, stream.ended) == ([], None, False)
    gatherd.wait()
