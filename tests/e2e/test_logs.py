# SPDX-License-Identifier: Apache-2.0
"""The log: its forms, what it tells of items and what it keeps to itself, and that whoever reads
it, or does not, keeps the service from nothing."""
import contextlib
import fcntl
import http.client
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import threading
import time

import pytest

from harness.configuration import options
from harness.gatherd import slowness
from harness.process import wait_until
from harness.reloading import reload

from test_for_each import gives
from test_keys import make_key, with_keys

ALL = options(log__items="all")
BAD_URL = "http://"     # fails without a request
FILL = """
import os, sys
pipe = os.open(sys.argv[1], os.O_WRONLY | os.O_NONBLOCK)
while True:
    try:
        os.write(pipe, b"#" * 4095 + b"\\n")
    except BlockingIOError:
        pass
"""
SGR = re.compile(r"\x1b\[[0-9;]*m")


class Stream:
    """The other end of a standard error that is a pipe or a terminal."""

    def __init__(self, descriptor, path):
        self.descriptor, self.path, self.seen = descriptor, path, b""
        os.set_blocking(descriptor, False)

    @property
    def prefix(self):
        """For start_gatherd: its log goes here."""
        return ("sh", "-c", f'exec "$0" "$@" 2>"{self.path}"')

    def read(self):
        """All there is by now, decoded."""
        with contextlib.suppress(BlockingIOError):
            while True:
                self.seen += os.read(self.descriptor, 65536)
        return self.seen.decode("utf-8")

    def read_on(self):
        """The same, when nothing more comes."""
        before, after = None, self.read()
        while after != before:
            time.sleep(0.2 * slowness())
            before, after = after, self.read()
        return after

    def wait_for(self, what, seconds=5):
        return wait_until(lambda: what in self.read() and self.seen.decode("utf-8"),
                          seconds * slowness(), what)


@pytest.fixture
def terminal():
    master, slave = pty.openpty()
    # What is written leaves as it is: no carriage returns are added.
    attributes = termios.tcgetattr(slave)
    attributes[1] &= ~termios.OPOST
    termios.tcsetattr(slave, termios.TCSANOW, attributes)
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    yield Stream(master, os.ttyname(slave))
    os.close(master)
    os.close(slave)


@pytest.fixture
def pipe(tmp_path):
    path = tmp_path / "log"
    os.mkfifo(path)
    descriptor = os.open(path, os.O_RDWR)
    yield Stream(descriptor, path)
    os.close(descriptor)


def events(gatherd, name):
    return [line for line in gatherd.log_lines() if line["event"] == name]


def metric(gatherd, name):
    return float(re.search(rf"^gatherd_{name} (\S+)$", gatherd.metrics(), re.MULTILINE)[1])


# ---- forms

def test_a_line_is_a_json_object_by_default(gatherd):
    gatherd.batch([BAD_URL])
    line = events(gatherd, "batch")[-1]
    assert list(line)[:3] == ["time", "level", "event"]
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])


def test_text_is_one_word_or_quoted_text_per_key(start_gatherd):
    gatherd = start_gatherd(ALL, {"log": {"format": "text"}})
    gatherd.batch([{"id": "two words", "url": BAD_URL}])
    (line,) = [line for line in gatherd.log_text().splitlines() if " item " in line]
    assert re.match(r'20\S+Z info    item requestId=\w+ id="two words" method=GET url=http:// '
                    r'error=bad_url message="[^"]+" attempts=1 ', line), line


@pytest.mark.parametrize("form, environment, is_text, has_colours", [
    ("auto", {"TERM": "xterm"}, True, True),
    ("text", {"TERM": "xterm"}, True, True),
    ("text", {"TERM": "xterm", "NO_COLOR": "1"}, True, False),
    ("text", {"TERM": "xterm", "NO_COLOR": ""}, True, True),
    ("auto", {"TERM": "dumb"}, True, False),
    ("json", {"TERM": "xterm"}, False, False),
])
def test_on_a_terminal(start_gatherd, terminal, form, environment, is_text, has_colours):
    gatherd = start_gatherd({"log": {"format": form}}, prefix=terminal.prefix,
                            environment={"NO_COLOR": "", **environment})
    gatherd.batch([BAD_URL])
    text = terminal.wait_for("elapsedMs")
    line = next(line for line in text.splitlines() if "elapsedMs" in line)
    assert ("\x1b" in line) == has_colours, line
    assert line.startswith("{") != is_text, line
    plain = SGR.sub("", line)
    assert "\x1b" not in plain
    if is_text:
        assert re.match(r"20\S+Z info    batch requestId=\w+ client=127\.0\.0\.1 items=1 ", plain)


def test_auto_is_json_where_no_terminal_is(start_gatherd):
    gatherd = start_gatherd({"log": {"format": "auto"}}, environment={"TERM": "xterm"})
    gatherd.batch([BAD_URL])
    assert events(gatherd, "batch")


def test_a_logged_value_cannot_attack_a_terminal(start_gatherd, terminal):
    gatherd = start_gatherd(ALL, {"log": {"format": "auto"}}, prefix=terminal.prefix,
                            environment={"TERM": "xterm", "NO_COLOR": ""})
    attack = "\x1b]0;title\x07\x1b[2J\x9b31m\u202e\r\nforged level=error"
    gatherd.post([{"id": "x", "url": "http://h/" + attack}])
    text = SGR.sub("", terminal.wait_for("elapsedMs"))
    assert "u001b]0;title" in text
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text), repr(text)
    assert not [line for line in text.splitlines() if line.startswith("forged")]


@pytest.mark.parametrize("address", ["127.0.0.1", "127.10.100.255", "127.99.9.10"])
def test_a_batch_names_its_client(gatherd, address):
    connection = http.client.HTTPConnection("127.0.0.1", gatherd.port, timeout=10,
                                            source_address=(address, 0))
    connection.request("POST", "/v1/batch", json.dumps([BAD_URL]),
                       {"content-type": "application/json", "x-request-id": "from-" + address})
    connection.getresponse().read()
    connection.close()
    (line,) = [line for line in events(gatherd, "batch")
               if line["requestId"] == "from-" + address]
    assert line["client"] == address


# ---- items

def test_items_are_not_logged_unless_asked_for(gatherd):
    gatherd.batch([BAD_URL])
    assert not events(gatherd, "item")


def test_those_that_failed_or_all(start_gatherd, upstream):
    requests = [{"id": "fine", "url": upstream.url("ok")}, {"id": "bad", "url": BAD_URL},
                {"id": "closed", "url": upstream.url("close")}]
    for wish, wanted in (("failed", {"bad", "closed"}), ("all", {"fine", "bad", "closed"})):
        gatherd = start_gatherd({"log": {"items": wish}})
        gatherd.batch(requests)
        assert {line["id"] for line in events(gatherd, "item")} == wanted
        gatherd.stop()


def test_a_line_tells_what_was_asked_what_came_and_how_long_it_took(start_gatherd, upstream):
    gatherd = start_gatherd(ALL)
    url = upstream.url("bytes/1000")
    document = gatherd.batch([{"id": "a", "url": url, "method": "POST"}], include=["timing"])
    timing = document["responses"][0]["timing"]
    (line,) = events(gatherd, "item")
    assert line["requestId"] == document["reply"].header("X-Request-Id")
    assert (line["id"], line["method"], line["url"]) == ("a", "POST", url)
    assert (line["status"], line["attempts"], line["bytes"]) == (200, 1, 1000)
    assert "error" not in line and "caller" not in line
    for key, phase in {"startMs": "start", "queueMs": "blocked", "connectMs": "connect",
                       "waitMs": "wait", "totalMs": "total"}.items():
        assert line[key] == pytest.approx(timing[phase], abs=0.0011), key
    assert "dnsMs" not in line and "tlsMs" not in line, "what did not happen is left out"
    assert line["remoteAddress"] == f"127.0.0.1:{upstream.port}"
    assert line["httpVersion"] == "1.1" and line["reused"] is False


def test_a_failure_tells_its_code_its_reason_and_how_often_it_was_tried(start_gatherd, upstream):
    gatherd = start_gatherd(ALL, options(fetch__retry_budget=100))
    document = gatherd.batch([{"id": "a", "url": upstream.url("close"), "retries": 2}])
    (line,) = events(gatherd, "item")
    error = document["responses"][0]["error"]
    assert (line["error"], line["message"]) == (error["code"], error["message"])
    assert line["attempts"] == 3 and "status" not in line


def test_what_never_started_was_attempted_no_time(start_gatherd, upstream):
    gatherd = start_gatherd(ALL)
    gatherd.batch([upstream.url("delay/5000")] * 2, concurrency=1, deadlineMs=300)
    lines = {line["id"]: line for line in events(gatherd, "item")}
    assert (lines["0"]["error"], lines["0"]["attempts"]) == ("deadline", 1)
    assert (lines["1"]["error"], lines["1"]["attempts"]) == ("deadline", 0)


def test_the_caller_is_named(start_gatherd):
    key, entry = make_key("billing")
    gatherd = start_gatherd(ALL, with_keys(entry))
    gatherd.post([BAD_URL], {"authorization": f"Bearer {key}"})
    (line,) = events(gatherd, "item")
    assert line["caller"] == "billing"
    assert key not in gatherd.log_text()


def test_children_of_a_for_each_have_lines_of_their_own(start_gatherd, upstream):
    gatherd = start_gatherd(ALL)
    gatherd.batch([{"id": "list", "url": gives(upstream, [{"x": 1}, {"x": 2}])},
                   {"id": "each", "forEach": "{{list.body}}",
                    "url": upstream.url("ok") + "?x={{item.x}}"}])
    lines = [line for line in events(gatherd, "item") if line["id"] != "list"]
    assert [(line.get("parent"), line["id"]) for line in lines[-1:]] == [(None, "each")]
    assert {(line["parent"], line["id"], line["url"]) for line in lines[:-1]} == {
        ("each", "0", upstream.url("ok?x=1")), ("each", "1", upstream.url("ok?x=2"))}


@pytest.mark.parametrize("form", ["application/x-ndjson", "text/event-stream"])
def test_items_of_a_stream_too(start_gatherd, form):
    gatherd = start_gatherd(ALL)
    gatherd.post([BAD_URL] * 3, {"accept": form})
    assert len(events(gatherd, "item")) == 3


# ---- secrets

def test_o8_secrets_of_a_url_and_everything_of_headers_and_bodies_stay_out(start_gatherd, upstream):
    gatherd = start_gatherd(ALL)
    gatherd.batch([
        {"url": upstream.url("echo", api_key="s3cret-1", page="visible"), "method": "POST",
         "headers": {"Authorization": "s3cret-2", "Accept": "s3cret/3"}, "body": "s3cret-4"},
        f"http://user:s3cret-5@127.0.0.1:{upstream.port}/ok",
        upstream.url("ok") + "#token=s3cret-6",
        {"url": upstream.url("ok"), "expect": {"bodyContains": "s3cret-8"}}])
    text = gatherd.log_text()
    assert "s3cret" not in text, text
    assert "page=visible" in text and "api_key=***" in text
    assert len(events(gatherd, "item")) == 4


def test_o8_the_whole_query_stays_out_on_demand(start_gatherd, upstream):
    gatherd = start_gatherd(ALL, {"log": {"redact": "query"}})
    gatherd.batch([{"url": upstream.url("status/200", h="content-type:s3cret/7"),
                    "expect": {"contentType": "text/plain"}}])
    (line,) = events(gatherd, "item")
    assert line["url"] == upstream.url("status/200") + "?***"
    assert line["error"] == "expect_failed" and "s3cret" not in gatherd.log_text()


def test_o8_a_very_long_url_is_cut_and_its_end_not_shown(start_gatherd):
    gatherd = start_gatherd(ALL)
    gatherd.batch(["http://h/?a=" + "x" * 3000, "http://" + "user" * 500 + ":s3cret@h/"])
    first, second = sorted(events(gatherd, "item"), key=lambda line: line["id"])
    assert first["urlCut"] and first["url"] == "http://h/?a=" + "x" * 1012
    assert second["urlCut"] and second["url"] == ""


# ---- too many

def test_l10_lines_of_one_kind_are_held_back_and_the_next_says_how_many(start_gatherd, upstream):
    gatherd = start_gatherd({"egress": {"private_addresses": "deny", "mode": "report"}})
    before = metric(gatherd, "log_lines_held_back_total")
    gatherd.batch([upstream.url("ok")] * 50)
    time.sleep(1.1)
    gatherd.batch([upstream.url("ok")])
    lines = events(gatherd, "egress_would_refuse")
    told = sum(line.get("heldBack", 0) for line in lines)
    assert "heldBack" not in lines[0] and lines[-1]["heldBack"] > 0
    assert told == 51 - len(lines)
    assert metric(gatherd, "log_lines_held_back_total") - before == told


def test_l12_a_full_pipe_stalls_nothing_and_what_is_dropped_is_told(start_gatherd, pipe):
    """Far more lines than pipe and queue hold, and nobody reads: batches flow as if none were
    written. Then somebody reads: what was kept comes, whole, and the number of the rest."""
    gatherd = start_gatherd(ALL, prefix=pipe.prefix)
    pipe.wait_for('"started"')
    began = time.monotonic()
    for _ in range(10):
        assert gatherd.post([BAD_URL] * 1000).status == 200
    assert time.monotonic() - began < 20 * slowness()
    dropped = metric(gatherd, "log_lines_dropped_total")
    assert dropped > 5000
    def lines_there_are():
        return [json.loads(line) for line in pipe.read_on().splitlines()]

    def kept():
        return [line for line in lines_there_are() if line["event"] in ("item", "batch")]
    wait_until(lambda: len(kept()) + dropped >= 10 * 1001, 10, "what was kept")
    assert len(kept()) + dropped == 10 * 1001
    gatherd.post([BAD_URL])
    wait_until(lambda: any("dropped" in line for line in lines_there_are()), 10, "the number")
    lines = lines_there_are()
    assert sum(line.get("dropped", 0) for line in lines) == dropped
    assert lines[-2].get("dropped"), "the next one that got through"
    assert metric(gatherd, "log_lines_dropped_total") == dropped


def test_l12_a_terminal_that_was_stopped_stalls_nothing(start_gatherd, terminal):
    """Ctrl-S, or a window whose program hangs: a terminal says it has room for what it then
    does not take."""
    gatherd = start_gatherd(ALL, prefix=terminal.prefix)
    terminal.wait_for('"started"')
    for _ in range(5):
        assert gatherd.post([BAD_URL] * 500, timeout=10 * slowness()).status == 200
    terminal.wait_for("elapsedMs")


def test_l12_somebody_else_fills_the_pipe_between_the_question_and_the_write(
        start_gatherd, pipe):
    """Another process writes into the same pipe without a pause, and whoever reads it is slow:
    that there is room is no longer true when it has been asked."""
    gatherd = start_gatherd(ALL, options(server__workers=1), prefix=pipe.prefix)
    filler = subprocess.Popen([sys.executable, "-c", FILL, str(pipe.path)])
    stop = threading.Event()

    def read_slowly():
        while not stop.wait(0.0002):
            with contextlib.suppress(BlockingIOError):
                os.read(pipe.descriptor, 4096)
    reader = threading.Thread(target=read_slowly)
    reader.start()
    try:
        for _ in range(100):
            assert gatherd.post([BAD_URL] * 20, timeout=10 * slowness()).status == 200
    finally:
        stop.set()
        reader.join()
    # Now nobody reads any more, and whoever waits for room waits for ever.
    try:
        for _ in range(5):
            assert gatherd.post([BAD_URL] * 20, timeout=10 * slowness()).status == 200
    finally:
        filler.kill()
        filler.wait()


def test_l12_with_a_reader_that_stalls_it_still_ends(start_gatherd, pipe):
    gatherd = start_gatherd(ALL, prefix=pipe.prefix)
    for _ in range(4):
        gatherd.post([BAD_URL] * 1000)
    began = time.monotonic()
    gatherd.stop()
    assert time.monotonic() - began < 5 * slowness()


def test_l12_the_last_lines_are_written_before_the_end(start_gatherd, pipe):
    gatherd = start_gatherd(ALL, prefix=pipe.prefix)
    gatherd.post([BAD_URL] * 50)
    gatherd.stop()
    lines = [json.loads(line) for line in pipe.read().splitlines()]
    assert len([line for line in lines if line["event"] == "item"]) == 50
    assert lines[-1]["event"] == "stopped"


# ---- reload

def test_a_reload_changes_what_is_logged_of_items_and_how(start_gatherd, upstream):
    gatherd = start_gatherd()
    url = upstream.url("ok", page="1", token="s3cret")

    def lines_with(**log):
        """Those of one batch, with these options."""
        reload(gatherd, {"log": log})
        before = len(gatherd.log_text().splitlines())
        gatherd.batch([url])
        return gatherd.log_text().splitlines()[before:]
    item, _ = lines_with(items="all")
    assert json.loads(item)["url"] == upstream.url("ok") + "?page=1&token=***"
    item, _ = lines_with(items="all", redact="query")
    assert json.loads(item)["url"] == upstream.url("ok") + "?***"
    item, batch = lines_with(items="all", format="text")
    assert " info    item " in item and " info    batch " in batch
    assert len(lines_with(items="failed")) == 1
    assert not lines_with(items="all", level="error")
