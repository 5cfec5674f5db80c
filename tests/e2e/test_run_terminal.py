# SPDX-License-Identifier: Apache-2.0
"""What `gatherd run` shows on a terminal."""
import json
import os
import re
import subprocess

import pytest

from harness.gatherd import binary
from harness.process import wait_until
from harness.run_command import ALLOW, COMPLETE, PARTIAL, USAGE, Run, run
from harness.terminal import Terminal


@pytest.fixture
def url(demo):
    return lambda path: f"http://127.0.0.1:{demo}{path}"


CLEAR = "\r\x1b[K"
ENVIRONMENT = {**os.environ, "TERM": "xterm", "LC_ALL": "C.UTF-8"}
ENVIRONMENT.pop("NO_COLOR", None)


def on_terminal(*arguments, text, columns=100, shares=False, environment=()):
    """(exit status, what was shown); its results too where it `shares` the terminal."""
    terminal = Terminal(columns)
    with Run((binary(), "run", *arguments), stdin=subprocess.PIPE,
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


@pytest.mark.parametrize("form", ["ndjson", "json"])
def test_json_on_a_terminal_steers_nothing(form):
    """U+009B is what ESC [ is; JSON may have it as it is, where it is not for a terminal."""
    arguments = ("--output", form)
    text = "http://a/\u009b31m\u00e9"
    _, shown = on_terminal("--quiet", *arguments, text=text, shares=True)
    assert "\u009b" not in shown and "\\u009b31m\u00e9" in shown
    assert text in run(*arguments, text=text).stdout.decode()


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
    with Run((binary(), "run", ALLOW), stdin=subprocess.PIPE,
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
    with Run((binary(), "run", ALLOW), stdin=subprocess.PIPE, stdout=write_end,
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
