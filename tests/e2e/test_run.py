# SPDX-License-Identifier: Apache-2.0
"""`gatherd run`: a batch document or a list of URLs, without a server."""
import json
import os
import re
import signal
import subprocess
import threading
import time

import pytest

from harness.gatherd import binary, slowness
from harness.process import figure_of, wait_until
from harness.terminal import Terminal

COMPLETE, FAILED, USAGE, PARTIAL = 0, 1, 2, 3
ALLOW = "--allow-private"


def run(*arguments, text="", **options):
    """The process at its end; its text is standard input's."""
    done = subprocess.run((binary(), "run", *arguments), input=text.encode("utf-8", "surrogateescape"),
                          capture_output=True, timeout=60, **options)
    assert b"Sanitizer" not in done.stderr and b"runtime error" not in done.stderr, done.stderr
    return done


def lines_of(done):
    """The responses by id, and the summary."""
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert list(lines[-1]) == ["summary"], done
    return {line["id"]: line for line in lines[:-1]}, lines[-1]["summary"]


@pytest.fixture
def url(demo):
    return lambda path: f"http://127.0.0.1:{demo}{path}"


# Lists.

def test_a_list_is_answered_by_the_numbers_of_its_lines(url):
    done = run(ALLOW, text=f"# links\n{url('/json')}\n\n  {url('/status/404')}\t\r\n{url('/text')}")
    responses, summary = lines_of(done)
    assert done.returncode == COMPLETE, done
    assert sorted(responses) == ["2", "4", "5"]
    assert responses["2"]["url"] == url("/json") and responses["2"]["body"]["answer"] == 42
    assert responses["4"]["status"] == 404 and "error" not in responses["4"]
    assert (summary["total"], summary["ok"], summary["complete"]) == (3, 3, True)


def test_a_list_may_come_from_a_file(url, tmp_path):
    listed = tmp_path / "urls.txt"
    listed.write_text("\ufeff" + url("/json") + "\n", encoding="utf-8")
    responses, _ = lines_of(run(ALLOW, str(listed)))
    assert responses["1"]["status"] == 200
    done = run(ALLOW, str(tmp_path / "none.txt"))
    assert done.returncode == FAILED and b"none.txt: No such file" in done.stderr
    done = run(ALLOW, str(tmp_path))
    assert done.returncode == FAILED and b"Is a directory" in done.stderr


def test_lines_that_are_no_urls_fail_by_themselves(url):
    text = "\n".join(("nonsense", "http://\udcff/", "x" * 70000, "http://a\x01b/", url("/json"),
                      "x" * 40000, "ftp://127.0.0.1/", "http://host/{{a}}"))
    done = run(ALLOW, text=text)
    responses, summary = lines_of(done)
    assert done.returncode == PARTIAL, done.stderr
    assert summary["total"] == 8 and summary["ok"] == 1
    assert {number: response.get("error", {}).get("code") for number, response in responses.items()
            if number != "8"} == {"1": "bad_url", "2": "bad_url", "3": "bad_url", "4": "bad_url",
                                  "5": None, "6": "bad_url", "7": "blocked_url"}
    assert responses["3"]["error"]["message"] == "line 3 is no URL: longer than 32 KiB"
    assert responses["2"]["error"]["message"] == "line 2 is no URL: not UTF-8"
    assert "line 4 is no URL: a control character" in responses["4"]["error"]["message"]
    assert "error" in responses["8"]


def test_an_empty_list_is_complete():
    for text in ("", "\n\n", "# nothing"):
        done = run(text=text)
        assert done.returncode == COMPLETE and lines_of(done)[1]["total"] == 0, done
    done = run("--output", "json", text="")
    assert json.loads(done.stdout)["responses"] == []


def test_a_list_is_fetched_as_it_comes(url):
    """Line by line from a slow pipe: each is answered before the next one is written."""
    with subprocess.Popen((binary(), "run", ALLOW, "-"), stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as child:
        for number in range(1, 4):
            child.stdin.write(url("/text").encode() + b"\n")
            child.stdin.flush()
            assert json.loads(child.stdout.readline())["id"] == str(number)
        child.stdin.close()
        assert json.loads(child.stdout.readline())["summary"]["ok"] == 3
        assert child.wait(10) == COMPLETE


def test_no_more_run_at_once_than_asked_for(upstream):
    key = upstream.new_key()
    text = "\n".join(upstream.url(f"/delay/50?key={key}{i}") for i in range(12))
    started = time.monotonic()
    done = run(ALLOW, "--concurrency", "3", text=text)
    assert lines_of(done)[1]["ok"] == 12
    assert time.monotonic() - started >= 4 * 0.05


def test_an_origin_may_be_asked_as_often_at_once_as_the_command_line_says(upstream):
    key = upstream.new_key()
    text = "\n".join(upstream.url(f"/delay/300?key={key}{i}") for i in range(20))
    started = time.monotonic()
    done = run(ALLOW, "--set", "fetch.per_origin=2", "--concurrency", "20", text=text)
    assert lines_of(done)[1]["ok"] == 20
    assert time.monotonic() - started < 10 * 0.3


# Documents.

def bare(response):
    """But for the date of the reply."""
    response.get("headers", {}).pop("date", None)
    return response


def test_a_document_is_answered_as_by_the_service(url, gatherd):
    document = json.dumps({"defaults": {"headers": {"x-a": "1"}}, "requests": [
        {"id": "a", "url": url("/json")}, {"url": url("/json"), "select": ["/answer"]},
        {"id": "b", "url": url("/echo"), "method": "POST", "body": "{{a.body.answer}}",
         "dependsOn": ["a"]},
        url("/status/503")]})
    done = run(ALLOW, "--output", "json", text=document)
    reply = json.loads(done.stdout)
    assert done.returncode == COMPLETE, done
    assert [response["id"] for response in reply["responses"]] == ["a", "1", "b", "3"]
    assert reply["responses"][1]["body"] == {"/answer": 42}
    served = gatherd.post(json.loads(document)).json()
    assert [bare(r) for r in reply["responses"]] == [bare(r) for r in served["responses"]]


def test_a_document_has_ndjson_too_one_line_a_response(url):
    done = run(ALLOW, text=json.dumps([url("/json"), url("/text")]))
    responses, summary = lines_of(done)
    assert sorted(responses) == ["0", "1"] and summary["complete"]
    assert "url" not in responses["0"]


def test_a_wrong_document_is_refused_with_every_fault():
    done = run(text='{"urls": ["http://a/"], "deadlinems": 5, "concurrency": 0}')
    assert done.returncode == USAGE and done.stdout == b""
    assert b"/deadlinems" in done.stderr and b"/concurrency" in done.stderr
    done = run(text='["http://a/"')
    assert done.returncode == USAGE and b"line 1" in done.stderr


# What the command line wishes.

def test_wishes_about_items_are_defaults_over_those_of_the_document(url):
    document = json.dumps({"defaults": {"method": "PUT", "headers": {"x-a": "document", "x-b": "b"}},
                           "requests": [{"url": url("/echo")},
                                        {"url": url("/echo"), "method": "POST",
                                         "headers": {"x-a": "item"}}]})
    done = run(ALLOW, "--method", "DELETE", "--header", "X-A: line", "--header", "x-c:1",
               "--header", "x-c: 2", text=document)
    responses, _ = lines_of(done)
    first, second = responses["0"]["body"], responses["1"]["body"]
    assert first["method"] == "DELETE" and second["method"] == "POST"
    headers = {name.lower(): value for name, value in dict(first["headers"]).items()} \
        if isinstance(first["headers"], dict) else first["headers"]
    assert "line" in str(headers) and "document" not in str(headers) and "'b'" in str(headers)
    assert "'1" in str(headers) and "2" in str(headers)
    assert "item" in str(second["headers"]) and "line" not in str(second["headers"])


def test_wishes_apply_to_lists(url):
    done = run(ALLOW, "--select", "/answer", "--select", "/list/0", "--include", "body,timing",
               text=url("/json"))
    response = lines_of(done)[0]["1"]
    assert response["body"] == {"/answer": 42, "/list/0": 1}
    assert "headers" not in response and response["timing"]["total"] > 0
    response = lines_of(run(ALLOW, "--include", "none", text=url("/json")))[0]["1"]
    assert list(response) == ["id", "url", "status"]
    response = lines_of(run(ALLOW, "--redirects", "3", text=url("/redirect/2")))[0]["1"]
    assert response["status"] == 200


def test_what_is_expected_decides_what_is_ok(url):
    text = "\n".join(map(url, ("/json", "/status/404", "/status/304")))
    done = run(ALLOW, "--expect", "2xx,304", text=text)
    responses, _ = lines_of(done)
    assert done.returncode == PARTIAL
    assert [number for number in responses if "error" in responses[number]] == ["2"]
    assert responses["2"]["error"]["code"] == "expect_failed"


def test_timeout_and_deadline_end_items(url):
    done = run(ALLOW, "--timeout", "100ms", text=url("/delay/5000"))
    assert done.returncode == FAILED
    assert lines_of(done)[0]["1"]["error"]["code"] in ("timeout_total", "timeout_first_byte")
    done = run(ALLOW, "--deadline", "200ms", text=url("/delay/5000") + "\n" + url("/json"))
    responses, summary = lines_of(done)
    assert done.returncode == PARTIAL and not summary["complete"]
    assert responses["1"]["error"]["code"] == "deadline" and responses["2"]["status"] == 200
    assert "200 ms" in responses["1"]["error"]["message"]
    done = run(ALLOW, "--deadline", "200ms", text=json.dumps({"urls": [url("/delay/5000")],
                                                              "deadlineMs": 9000}))
    assert lines_of(done)[0]["0"]["error"]["code"] == "deadline"


def test_what_is_waited_for_ends_the_run(url):
    slow, fast, bad = url("/delay/5000"), url("/json"), url("/fail/close")
    done = run(ALLOW, "--until", "firstOk", text="\n".join((slow, bad, fast)))
    responses, summary = lines_of(done)
    assert done.returncode == COMPLETE and summary["complete"]
    assert responses["1"]["error"]["code"] == "cancelled"
    assert run(ALLOW, "--until", "2", text=f"{fast}\n{slow}\n{fast}").returncode == COMPLETE
    assert run(ALLOW, "--until", "2", text=f"{fast}\n{bad}").returncode == PARTIAL
    assert run(ALLOW, "--until", "firstDone", text=f"{bad}\n{slow}").returncode == FAILED
    done = run(ALLOW, "--fail-fast", text=f"{slow}\n{bad}\n{slow}")
    assert done.returncode == FAILED and lines_of(done)[0]["3"]["error"]["code"] == "cancelled"
    done = run(ALLOW, "--until", "firstOk", text=json.dumps([slow, fast]))
    assert done.returncode == COMPLETE and lines_of(done)[0]["0"]["error"]["code"] == "cancelled"


def test_retries_are_made(url):
    done = run(ALLOW, "--retries", "2", "--set", "fetch.retry_budget=100",
               text=url("/fail/reset"))
    assert done.returncode == FAILED
    response = lines_of(done)[0]["1"]
    assert len(response["attempts"]) == 3, response


def test_private_addresses_are_refused_and_the_hint_says_how_to_allow_them(url):
    done = run(text=url("/json"))
    assert done.returncode == FAILED
    assert lines_of(done)[0]["1"]["error"]["code"] == "blocked_address"
    assert b"--allow-private" in done.stderr
    assert run("--quiet", text=url("/json")).stderr == b""
    assert run("--set", "egress.allow=[\"127.0.0.1\"]", text=url("/json")).returncode == COMPLETE
    done = run(ALLOW, text="http://169.254.169.254/")
    assert lines_of(done)[0]["1"]["error"]["code"] == "blocked_address"


def test_a_configuration_has_its_say(url, tmp_path):
    config = tmp_path / "g.yaml"
    config.write_text("egress: {private_addresses: allow}\nbatch: {max_items: 1}\n")
    assert run("--config", str(config), text=url("/json")).returncode == COMPLETE
    done = run("--config", str(config), text=json.dumps([url("/json")] * 2))
    assert done.returncode == USAGE and b"at most 1 items" in done.stderr
    done = run("--config", str(config), "--set", "batch.max_items=0", text=url("/json"))
    assert done.returncode == USAGE and b"batch.max_items" in done.stderr


@pytest.mark.parametrize("arguments, part", [
    (("--concurrency", "many"), b"--concurrency"), (("--deadline", "5"), b"--deadline"),
    (("--timeout", "0s"), b"--timeout"), (("--retries", "-1"), b"--retries"),
    (("--retries", "1000"), b"retries"), (("--header", "nothing"), b"--header"),
    (("--header", "connection: x"), b"connection"), (("--until", "never"), b"--until"),
    (("--until", "0"), b"--until"), (("--include", "all"), b"--include"),
    (("--select", "name"), b"select"), (("--expect", "fine"), b"expect"), (("--output", "xml"), b"ndjson json table"),
    (("--method", "get"), b"--method"), (("--redirects", "99"), b"--redirects"),
    (("--set", "a.b=1"), b"a.b"), (("--config", "/none"), b"/none"), (("a", "b"), b"usage"),
    (("http://a/",), b"echo URL"), (("--outptu", "json"), b"did you mean --output")])
def test_a_wrong_command_line_is_refused(arguments, part):
    done = run(*arguments, text="http://127.0.0.1/")
    assert done.returncode == USAGE and part in done.stderr, done
    assert done.stdout == b""


def test_help_has_all_options_with_defaults_and_examples():
    done = run("--help")
    assert done.returncode == 0
    for part in (b"--concurrency N", b"[default: 200 for a list", b"examples:", b"Exit status"):
        assert part in done.stdout


# Forms.

def test_the_table_has_a_line_for_each_item_and_nothing_of_upstreams_is_obeyed(url):
    done = run(ALLOW, "--output", "table", text=f"{url('/json')}\nhttp://a\x1b]0;x\x07/\n")
    lines = done.stdout.decode().splitlines()
    assert len(lines) == 3 and lines[0].split() == ["id", "status", "time", "size", "url"]
    assert any(line.split()[1] == "200" and line.endswith(url("/json")) for line in lines)
    assert any("bad_url" in line for line in lines)
    assert b"\x1b" not in done.stdout and b"\x07" not in done.stdout


def test_json_of_a_list_is_one_document(url):
    done = run(ALLOW, "--output", "json", text=f"{url('/json')}\n{url('/text')}\nx\n")
    reply = json.loads(done.stdout)
    assert sorted(response["id"] for response in reply["responses"]) == ["1", "2", "3"]
    assert reply["summary"]["total"] == 3 and done.returncode == PARTIAL


def test_the_waterfall_is_drawn_on_standard_error(url):
    done = run(ALLOW, "--waterfall", text=f"{url('/delay/100')}\n{url('/json')}\n")
    drawn = done.stderr.decode()
    assert "▒" in drawn and url("/delay/100")[:20] in drawn and "waiting to start" in drawn
    lines_of(done)


# Ends.

def start(*arguments, **options):
    return subprocess.Popen((binary(), "run", *arguments), stdin=subprocess.PIPE,
                            stderr=subprocess.PIPE, **options)


@pytest.mark.parametrize("number, form, text", [
    (signal.SIGINT, "json", "list"), (signal.SIGTERM, "ndjson", "list"),
    (signal.SIGINT, "json", "document"), (signal.SIGTERM, "ndjson", "document")])
def test_a_signal_ends_it_with_what_is_there(url, number, form, text):
    urls = [url("/json"), url("/delay/30000")]
    text = "\n".join(urls) + "\n" if text == "list" else json.dumps(urls)
    with start(ALLOW, "--output", form, stdout=subprocess.PIPE) as child:
        child.stdin.write(text.encode())
        if text.startswith("["):
            child.stdin.close()
        else:
            child.stdin.flush()
        time.sleep(0.5 * slowness())
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


def test_a_second_signal_ends_it_at_once(url):
    """The reader of its output has stopped, so it cannot end by itself."""
    read_end, write_end = os.pipe()
    with start(ALLOW, stdout=write_end) as child:
        os.close(write_end)
        child.stdin.write((url("/bytes/60000") + "\n").encode() * 40)
        child.stdin.close()
        time.sleep(0.7 * slowness())
        child.send_signal(signal.SIGINT)
        time.sleep(0.3)
        assert child.poll() is None
        child.send_signal(signal.SIGINT)
        assert child.wait(10) == 130
    os.close(read_end)


def test_a_signal_before_any_input_ends_it():
    with start(stdout=subprocess.PIPE) as child:
        time.sleep(0.3 * slowness())
        child.send_signal(signal.SIGINT)
        assert child.wait(10) == 130
        child.stdin.close()


def test_a_named_pipe_that_nobody_writes_is_no_trap(url, tmp_path):
    """Ctrl-C still ends it, and a writer that comes late is heard."""
    named = tmp_path / "urls"
    os.mkfifo(named)
    with subprocess.Popen((binary(), "run", ALLOW, str(named)), stdout=subprocess.PIPE) as child:
        time.sleep(0.3 * slowness())
        child.send_signal(signal.SIGINT)
        assert child.wait(10) == 130
    with subprocess.Popen((binary(), "run", ALLOW, str(named)), stdout=subprocess.PIPE) as child:
        time.sleep(0.3 * slowness())
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


def test_a_slow_reader_makes_the_fetching_wait(upstream):
    """Nothing is read for a while: after what fits the pipe and the ceiling, no request is
    made, no input is read, and memory stays where it is."""
    key = upstream.new_key()
    line = upstream.url(f"/bytes/20000?key={key}") + "\n"
    count = 3000
    with start(ALLOW, "--concurrency", "20", stdout=subprocess.PIPE) as child:
        os.set_blocking(child.stdin.fileno(), False)
        text = (line * count).encode()
        sent = 0
        quiet_since, end = time.monotonic(), time.monotonic() + 20
        while time.monotonic() - quiet_since < 1.0 and sent < len(text):
            assert time.monotonic() < end
            try:
                sent += os.write(child.stdin.fileno(), text[sent:sent + 65536])
                quiet_since = time.monotonic()
            except BlockingIOError:
                time.sleep(0.02)
        first = figure_of(child.pid, "VmRSS")
        time.sleep(0.5)
        assert figure_of(child.pid, "VmRSS") - first < 1024
        assert sent < len(text)
        os.set_blocking(child.stdin.fileno(), True)

        def feed():
            os.write(child.stdin.fileno(), text[sent:])
            child.stdin.close()
        feeder = threading.Thread(target=feed)
        feeder.start()
        lines = child.stdout.read().splitlines()
        feeder.join()
        assert json.loads(lines[-1])["summary"]["ok"] == count == len(lines) - 1
        assert child.wait(10) == COMPLETE


# On a terminal.

CLEAR = "\r\x1b[K"
ENVIRONMENT = {**os.environ, "TERM": "xterm", "LC_ALL": "C.UTF-8"}
ENVIRONMENT.pop("NO_COLOR", None)


def on_terminal(*arguments, text, columns=100, shares=False, environment=()):
    """(exit status, what was shown); its results too where it `shares` the terminal."""
    terminal = Terminal(columns)
    with subprocess.Popen((binary(), "run", *arguments), stdin=subprocess.PIPE,
                          stdout=terminal.slave if shares else subprocess.DEVNULL,
                          stderr=terminal.slave,
                          env={**ENVIRONMENT, **dict(environment)}) as child:
        child.stdin.write(text.encode())
        child.stdin.close()
        status = child.wait(60)
    return status, terminal.close()


def test_a_terminal_shows_a_bar_and_at_the_end_the_summary(url, tmp_path):
    listed = tmp_path / "urls.txt"
    listed.write_text((url("/delay/40") + "\n") * 300 + "nonsense\n", encoding="ascii")
    status, shown = on_terminal(ALLOW, "--concurrency", "10", str(listed), text="",
                                environment={"NO_COLOR": "1"}.items())
    frames = shown.split(CLEAR)
    assert status == PARTIAL and len(frames) > 4
    bars = [re.search(r"(\d+)%  (\d+)/(~?)(\d+)  (\d+)/s  ok (\d+)", frame) for frame in frames]
    done = [int(bar[2]) for bar in bars if bar]
    assert len(done) > 2 and done == sorted(done)
    assert all(abs(int(bar[4]) - 301) <= 10 for bar in bars if bar)
    assert any("ETA" in frame and "█" in frame for frame in frames)
    assert all(len(frame) < 100 for frame in frames[:-1])
    assert re.match(r"301 items in [\d.]+s \([\d,]+/s\): 300 ok, 1 failed: bad_url 1\r\n", frames[-1])


def test_without_a_wish_for_it_there_is_no_bar(url):
    text = url("/delay/400")
    assert CLEAR not in on_terminal(ALLOW, "--no-progress", text=text)[1]
    assert "1 item in" in on_terminal(ALLOW, "--no-progress", text=text)[1]
    assert on_terminal(ALLOW, "--quiet", text=text)[1] == ""
    shown = on_terminal(ALLOW, text=text, environment={"TERM": "dumb"}.items())[1]
    assert "\x1b" not in shown and "1 item in" in shown
    assert run(ALLOW, text=text).stderr == b""


def test_results_on_the_same_terminal_are_a_table_and_the_bar_stands_below(url):
    text = "".join(url(f"/delay/{ms}") + "\n" for ms in (1, 300, 600))
    status, shown = on_terminal(ALLOW, text=text, shares=True)
    assert status == COMPLETE
    assert "\x1b[32m" in shown                      # green
    screen = ""
    for part in re.split(r"(\r\x1b\[K)", shown):     # what stays on it
        screen = screen[:screen.rfind("\n") + 1] if part == CLEAR else screen + part
    lines = re.sub(r"\x1b\[[0-9]*m", "", screen).replace("\r", "").splitlines()
    assert lines[0].split() == ["id", "status", "time", "size", "url"]
    assert [line.split()[0] for line in lines[1:4]] == ["1", "2", "3"]
    assert lines[4].startswith("3 items in") and len(lines) == 5


def test_json_on_the_same_terminal_is_whole(url):
    """A bar would take away the line that is being written."""
    text = f"{url('/json')}\n{url('/delay/400')}\n"
    _, shown = on_terminal(ALLOW, "--output", "json", "--include", "none", text=text, shares=True)
    document, _, rest = shown.partition("\r\n")
    assert json.loads(document)["summary"]["ok"] == 2 and rest.startswith("2 items in")


def test_colours_are_left_out_where_nobody_wants_them(url):
    _, shown = on_terminal(ALLOW, text=url("/json"), shares=True,
                           environment={"NO_COLOR": "1"}.items())
    assert not re.search(r"\x1b\[[0-9]+m", shown)


def test_the_waterfall_fits_the_terminal(url):
    _, shown = on_terminal(ALLOW, "--waterfall", "--no-progress", columns=80,
                           text=f"{url('/delay/50')}\n{url('/json')}\n")
    plain = re.sub(r"\x1b\[[0-9]*m", "", shown)
    assert "▒" in plain and all(len(line) <= 80 for line in plain.splitlines())


def test_ctrl_c_ends_it_and_the_bar_is_gone(url):
    terminal = Terminal()
    with subprocess.Popen((binary(), "run", ALLOW), stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=terminal.slave, env=ENVIRONMENT,
                          preexec_fn=terminal.take_over) as child:
        child.stdin.write(f"{url('/delay/30000')}\n{url('/json')}\n".encode())
        child.stdin.flush()
        wait_until(lambda: b"ok 1" in re.sub(rb"\x1b\[[0-9]*m", b"", bytes(terminal.shown)), 10,
                   "a bar with one ok")
        terminal.type("\x03")
        lines = child.stdout.read().splitlines()
        assert child.wait(10) == 130
        child.stdin.close()
    shown = terminal.close()
    assert json.loads(lines[-1])["summary"] == {**json.loads(lines[-1])["summary"],
                                                "total": 2, "ok": 1, "complete": False}
    assert "2 items in" in shown.split(CLEAR)[-1] and "cancelled 1" in shown


def test_who_waits_for_the_reader_is_told(url):
    """The bar says why nothing moves."""
    terminal = Terminal()
    read_end, write_end = os.pipe()
    with subprocess.Popen((binary(), "run", ALLOW), stdin=subprocess.PIPE, stdout=write_end,
                          stderr=terminal.slave, env=ENVIRONMENT) as child:
        os.close(write_end)
        child.stdin.write((url("/bytes/60000") + "\n").encode() * 400)
        child.stdin.close()
        wait_until(lambda: b"waiting for the reader" in terminal.shown, 20, "the word of it")
        while os.read(read_end, 1 << 16):
            pass
        assert child.wait(20) == COMPLETE
    os.close(read_end)
    assert "400 ok" in terminal.close()


def test_a_terminal_as_standard_input_is_told_what_is_missing():
    terminal = Terminal()
    done = subprocess.run((binary(), "run"), stdin=terminal.slave, capture_output=True, timeout=20)
    terminal.close()
    assert done.returncode == USAGE and b"a FILE is missing" in done.stderr
