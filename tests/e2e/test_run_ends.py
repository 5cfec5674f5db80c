# SPDX-License-Identifier: Apache-2.0
"""How `gatherd run` ends before its input does, and how it waits for who reads its results."""
import array
import contextlib
import fcntl
import json
import os
import signal
import subprocess
import termios
import threading
import time

import pytest

from harness.gatherd import binary, slowness
from harness.process import figure_of, wait_until, wait_until_at_rest
from harness.run_command import ALLOW, COMPLETE, FAILED, Run, start


@pytest.fixture
def url(demo):
    return lambda path: f"http://127.0.0.1:{demo}{path}"


def wait_for_handler(child, number):
    """Until the program is where that signal does not simply end it."""
    def is_taken():
        with open(f"/proc/{child.pid}/status", encoding="ascii") as status:
            masks = [int(line.split()[1], 16) for line in status
                     if line.startswith(("SigBlk", "SigCgt"))]
        return any(mask >> (number - 1) & 1 for mask in masks)
    wait_until(is_taken, 10, "the program to take signals")


def pending(child):
    """The signals that wait for the program to read them."""
    with open(f"/proc/{child.pid}/status", encoding="ascii") as status:
        masks = [int(line.split()[1], 16) for line in status
                 if line.startswith(("SigPnd", "ShdPnd"))]
    return {number for number in signal.Signals if any(mask >> (number - 1) & 1 for mask in masks)}


@pytest.mark.parametrize("number, form, text", [
    (signal.SIGINT, "json", "list"), (signal.SIGTERM, "ndjson", "list"),
    (signal.SIGINT, "json", "document"), (signal.SIGTERM, "ndjson", "document")])
def test_a_signal_ends_it_with_what_is_there(upstream, number, form, text):
    key = upstream.new_key()
    urls = [upstream.url("ok", key=key), upstream.url("hang", key=key)]
    text = "\n".join(urls) + "\n" if text == "list" else json.dumps(urls)
    with start(ALLOW, "--output", form, stdout=subprocess.PIPE) as child:
        child.stdin.write(text.encode())
        if text.startswith("["):
            child.stdin.close()
        else:
            child.stdin.flush()
        wait_until(lambda: (upstream.stats(key)["completed"], upstream.stats(key)["in_flight"])
                   == (1, 1), 10, "one answered and one under way")
        wait_until_at_rest(child.pid, 2)
        child.send_signal(number)
        out = child.stdout.read()
        assert child.wait(10) == 128 + number
        child.stdin.close()
    if form == "json":
        reply = json.loads(out)
        responses = {response["id"]: response for response in reply["responses"]}
        summary = reply["summary"]
    else:
        lines = [json.loads(line) for line in out.splitlines()]
        responses = {line["id"]: line for line in lines[:-1]}
        summary = lines[-1]["summary"]
    assert sorted(response.get("error", {}).get("code", "ok") for response in responses.values()) \
        == ["cancelled", "ok"]
    assert summary["complete"] is False and summary["total"] == 2


def test_a_result_leaves_while_others_are_under_way(url):
    """Results are written many at a time, but none is kept for what may take long."""
    with start(ALLOW, stdout=subprocess.PIPE) as child:
        child.stdin.write(f"{url('/delay/60000')}\n{url('/json')}\n".encode())
        child.stdin.close()
        began = time.monotonic()
        assert json.loads(child.stdout.readline())["id"] == "2"
        assert time.monotonic() - began < 10 * slowness()    # the other one has 30 s
        child.send_signal(signal.SIGINT)
        assert json.loads(child.stdout.readline())["error"]["code"] == "cancelled"
        assert child.wait(10) == 130


@pytest.mark.parametrize("line", ["\0", "no\tURL\n"], ids=["one line", "faulty lines"])
def test_a_list_without_end_that_starts_nothing_leaves_a_signal_its_turn(tmp_path, line):
    """Both are always ready to be read; the file takes longer than the test is patient."""
    path = "/dev/zero"
    if line != "\0":
        path = tmp_path / "words"
        path.write_text(line * (4 << 20))
    with start(path, stdout=subprocess.DEVNULL) as child:
        wait_for_handler(child, signal.SIGTERM)
        time.sleep(0.3)     # by then it is in the middle of it
        child.send_signal(signal.SIGTERM)
        try:
            assert child.wait(5 * slowness()) == 128 + signal.SIGTERM
        finally:
            child.kill()


def test_input_that_cannot_be_read_is_not_complete(tmp_path):
    with start(tmp_path, stdout=subprocess.PIPE) as child:
        out, said = child.communicate(timeout=10 * slowness())
    assert child.returncode == FAILED and b"Is a directory" in said
    assert json.loads(out)["summary"]["complete"] is False


@contextlib.contextmanager
def run_with_a_full_pipe(url):
    """The reader of its output has stopped, so it cannot end by itself."""
    read_end, write_end = os.pipe()
    with start(ALLOW, "--output", "json", stdout=write_end) as child:
        os.close(write_end)
        child.stdin.write((url("/bytes/60000") + "\n").encode() * 40)
        child.stdin.close()
        wait_until(lambda: readable(read_end) > 0, 10, "results")
        settled(lambda: readable(read_end), 0.3)        # the pipe is full
        yield child, read_end
    os.close(read_end)


def test_a_second_signal_ends_it_at_once(url):
    with run_with_a_full_pipe(url) as (child, _):
        child.send_signal(signal.SIGINT)
        time.sleep(0.5)
        assert child.poll() is None
        child.send_signal(signal.SIGINT)
        assert child.wait(10) == 130


def test_one_request_to_end_that_comes_twice_is_one(url):
    """timeout(1) signals its child, and then its group with the child in it."""
    with run_with_a_full_pipe(url) as (child, read_end):
        for _ in range(2):
            child.send_signal(signal.SIGTERM)
            wait_until(lambda: signal.SIGTERM not in pending(child), 10, "it to be read")
        with open(os.dup(read_end), "rb") as results:
            assert json.load(results)["summary"]["total"] == 40
        assert child.wait(10) == 143


def test_a_signal_before_any_input_ends_it():
    with start(stdout=subprocess.PIPE) as child:
        wait_for_handler(child, signal.SIGINT)
        child.send_signal(signal.SIGINT)
        assert child.wait(10) == 130
        child.stdin.close()


@pytest.mark.parametrize("text", [b"http://127.0.0.1:1/\n", b'["http://127.0.0.1:1/"]'])
def test_a_signal_that_comes_together_with_the_first_input_ends_it(text):
    with start(ALLOW, stdout=subprocess.PIPE) as child:
        wait_for_handler(child, signal.SIGINT)
        wait_until_at_rest(child.pid, 2)
        child.send_signal(signal.SIGSTOP)
        child.stdin.write(text)
        child.stdin.flush()
        child.send_signal(signal.SIGINT)
        child.send_signal(signal.SIGCONT)
        try:
            assert child.wait(10) == 130
        finally:
            child.kill()


def test_a_named_pipe_that_nobody_writes_is_no_trap(url, tmp_path):
    """Ctrl-C still ends it, and a writer that comes late is heard."""
    named = tmp_path / "urls"
    os.mkfifo(named)
    with Run((binary(), "run", ALLOW, str(named)), stdout=subprocess.PIPE) as child:
        wait_for_handler(child, signal.SIGINT)
        child.send_signal(signal.SIGINT)
        assert child.wait(10) == 130
    with Run((binary(), "run", ALLOW, str(named)), stdout=subprocess.PIPE) as child:
        wait_until_at_rest(child.pid, 1 * slowness())
        with open(named, "w", encoding="ascii") as writer:
            writer.write(url("/json"))
        assert json.loads(child.stdout.readline())["status"] == 200
        assert child.wait(10) == COMPLETE


def test_a_reader_that_went_away_ends_it_quietly(url):
    with start(ALLOW, stdout=subprocess.PIPE) as child:
        child.stdin.write((url("/json") + "\n").encode() * 20)
        child.stdin.flush()
        assert child.stdout.readline()
        child.stdout.close()
        try:
            child.stdin.write((url("/json") + "\n").encode() * 2000)
            child.stdin.close()
        except BrokenPipeError:
            pass
        assert child.wait(20) == 141
        assert child.stderr.read() == b""


def test_a_full_disk_is_said(url):
    with open("/dev/full", "wb") as full:
        done = subprocess.run((binary(), "run", ALLOW), input=url("/json").encode(),
                              stdout=full, stderr=subprocess.PIPE, timeout=20)
    assert done.returncode == FAILED and b"No space left" in done.stderr


@pytest.mark.parametrize("where", [">&-", "1</dev/null"])
def test_a_closed_output_is_said_before_anything_is_fetched(upstream, where):
    key = upstream.new_key()
    done = subprocess.run(("sh", "-c", f'exec "$0" run {ALLOW} {where}', binary()),
                          input=upstream.url("ok", key=key).encode(), stderr=subprocess.PIPE,
                          timeout=20, check=False)
    assert done.returncode == FAILED and b"standard output is closed" in done.stderr
    assert upstream.stats(key)["requests"] == 0


@pytest.mark.parametrize("where", ["<&-", "0>/dev/null"])
def test_a_closed_input_is_no_list_of_nothing(where):
    done = subprocess.run(("sh", "-c", f'exec "$0" run {where}', binary()), capture_output=True,
                          timeout=20, check=False)
    assert done.returncode == FAILED and b"standard input is closed" in done.stderr
    assert done.stdout == b""


class Feeder:
    """Writes a text into a pipe as fast as it is taken, and says how much was."""

    def __init__(self, pipe, text):
        self.pipe, self.text, self.sent = pipe, text, 0
        self.thread = threading.Thread(target=self.feed)
        self.thread.start()

    def feed(self):
        while self.sent < len(self.text):
            self.sent += os.write(self.pipe.fileno(), self.text[self.sent:self.sent + 4096])
        self.pipe.close()


def settled(value, still_s=1.5):
    """The value of something once it has not changed for a while."""
    last, since = value(), time.monotonic()
    while time.monotonic() - since < still_s * slowness():
        time.sleep(0.05)
        now = value()
        if now != last:
            last, since = now, time.monotonic()
    return last


def readable(descriptor):
    """How many bytes lie in a pipe."""
    count = array.array("i", [0])
    fcntl.ioctl(descriptor, termios.FIONREAD, count)
    return count[0]


def test_a_slow_reader_makes_the_fetching_wait(upstream):
    """Nothing is read for a while: after what fits the pipe and the ceiling, no request is
    made, no input is read, and memory stays where it is."""
    key = upstream.new_key()
    line = upstream.url("/bytes/20000", key=key, pad="-" * 200) + "\n"
    count = 1500                                 # more than a pipe and a chunk hold
    with start(ALLOW, "--concurrency", "20", stdout=subprocess.PIPE) as child:
        feeder = Feeder(child.stdin, (line * count).encode())
        requests = settled(lambda: upstream.stats(key)["requests"])
        assert 20 <= requests < 300              # of 20 KB, at 1 MiB and what was under way
        assert feeder.sent < len(feeder.text)
        before = figure_of(child.pid, "VmRSS")
        time.sleep(0.5)
        assert upstream.stats(key)["requests"] == requests
        assert figure_of(child.pid, "VmRSS") - before < 4096
        lines = child.stdout.read().splitlines()
        feeder.thread.join(20)
        assert json.loads(lines[-1])["summary"]["ok"] == count == len(lines) - 1
        assert child.wait(10) == COMPLETE
