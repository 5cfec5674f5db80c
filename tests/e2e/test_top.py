# SPDX-License-Identifier: Apache-2.0
"""`gatherd top`: what it shows of a running service, in a terminal and as text."""
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import threading
import time

import pytest
from harness.client import request
from harness.configuration import options
from harness.gatherd import binary, run_cli, slowness
from harness.process import free_port, wait_until

SCREEN_ON, SCREEN_OFF = "\033[?1049h", "\033[?1049l"


class Terminal:
    """The program on a terminal of its own; what it writes is kept, its modes can be read."""

    def __init__(self, *arguments, columns=80, rows=24):
        self.master, self.slave = pty.openpty()
        self.resize(columns, rows)
        self.modes = termios.tcgetattr(self.slave)
        environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
        self.process = subprocess.Popen((binary(), "top", *arguments), stdin=self.slave,
                                        stdout=self.slave, stderr=self.slave,
                                        start_new_session=True,
                                        env={**environment, "TERM": "xterm"})
        self.text = ""

    def resize(self, columns, rows):
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, seconds=0.1):
        while select.select([self.master], [], [], seconds)[0]:
            self.text += os.read(self.master, 1 << 16).decode()
            seconds = 0
        return self.text

    def screen(self):
        """The lines of the last whole drawing, without colours."""
        drawings = re.findall(r"\033\[H(.*?)\033\[J", self.read(), re.S)
        if not drawings:
            return []
        plain = re.sub(r"\033\[[0-9;]*[mK]", "", drawings[-1])
        assert "\033" not in plain
        return re.split(r"\r+\n", plain)     # the terminal adds one

    def wait_for(self, pattern, seconds=10):
        wait_until(lambda: re.search(pattern, "\n".join(self.screen())), seconds * slowness(),
                   f"{pattern} on the screen")

    def type(self, keys):
        os.write(self.master, keys.encode())

    def end(self, status=0):
        """It has ended, and the terminal is as it was."""
        assert self.process.wait(10 * slowness()) == status, self.read()
        text = self.read()
        assert text.count(SCREEN_ON) == text.count(SCREEN_OFF) == 1
        assert text.rindex("\033[?25h") > text.rindex("\033[?25l")      # the cursor
        assert termios.tcgetattr(self.slave) == self.modes
        assert "Sanitizer" not in text and "runtime error" not in text
        return text

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)
        os.close(self.slave)


@pytest.fixture
def top():
    opened = []

    def start(*arguments, **size):
        opened.append(Terminal(*arguments, **size))
        return opened[-1]
    yield start
    for terminal in opened:
        terminal.close()


def at(port):
    return "--listen", f"127.0.0.1:{port}", "--interval", "200ms"


@pytest.fixture
def load(gatherd, upstream):
    """Batches, one after the other, while the test runs."""
    over = threading.Event()

    def work():
        while not over.is_set():
            gatherd.batch([{"url": upstream.url("ok")}] * 4 + [{"url": upstream.url("close")}])
    thread = threading.Thread(target=work)
    thread.start()
    yield
    over.set()
    thread.join()


def test_text_has_the_figures_of_one_interval(gatherd, load, upstream):
    """A fifth of the items fails; of an interval that ends within a batch, a little less or more."""
    address, interval = at(gatherd.port)[:2], ("--interval", f"{int(1000 * slowness())}ms")
    done = run_cli("top", *address, *interval, "--once")
    assert done.returncode == 0, done
    assert "\033" not in done.stdout and done.stderr == ""
    assert re.search(r"^gatherd \S+   ready   up ", done.stdout)
    assert re.search(r"^batches +[1-9][\d.,]* ", done.stdout, re.M)
    assert re.search(r"^items +[1-9][\d.,]* ", done.stdout, re.M)
    assert re.search(r"^outcomes  ok [\d.,]+/s   empty_reply [\d.,]+/s", done.stdout, re.M)
    row = re.search(rf"^http://127.0.0.1:{upstream.port} .*$", done.stdout, re.M)[0]
    assert re.search(r" ([1-9]|[1-4]\d)\.\d% ", row) and row.endswith("off")
    assert all(len(line) <= 80 for line in done.stdout.splitlines())


def test_without_a_terminal_it_is_text_once(gatherd):
    done = run_cli("top", *at(gatherd.port))
    assert done.returncode == 0 and done.stdout.startswith("gatherd ")


def test_json_is_the_document(gatherd):
    done = run_cli("top", *at(gatherd.port), "--once", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["state"] == "ready" and done.stdout.count("\n") == 1


def test_json_goes_on_until_nobody_reads(gatherd):
    with subprocess.Popen((binary(), "top", *at(gatherd.port), "--json"),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        documents = [json.loads(process.stdout.readline()) for _ in range(3)]
        process.stdout.close()
        process.wait(10 * slowness())
    assert documents[0]["uptimeMs"] < documents[1]["uptimeMs"] < documents[2]["uptimeMs"]


def test_the_configuration_says_where(gatherd, tmp_path):
    done = run_cli("top", "--config", str(gatherd.config_path), "--once", "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["state"] == "ready"


def test_a_unix_socket_will_do(start_gatherd, tmp_path):
    path = tmp_path / "ops.sock"
    start_gatherd(options(ops__listen=[f"unix:{path}"]), wait=False)
    wait_until(path.exists, 10, "the socket")
    wait_until(lambda: run_cli("health", "--listen", f"unix:{path}").returncode == 0, 10, "health")
    done = run_cli("top", "--listen", f"unix:{path}", "--once", "--interval", "100ms")
    assert done.returncode == 0 and "unix:/" in done.stdout


def test_what_keeps_it_from_showing_is_said(start_gatherd, upstream):
    done = run_cli("top", *at(free_port()), "--once")
    assert done.returncode == 1 and "no answer from 127.0.0.1:" in done.stderr
    port = free_port()
    start_gatherd(options(server__listen=[f"0.0.0.0:{port}"], auth__mode="none"), port=port)
    done = run_cli("top", *at(port), "--once")
    assert done.returncode == 1 and "status 404" in done.stderr and "loopback" in done.stderr
    done = run_cli("top", "--listen", f"127.0.0.1:{upstream.port}", "--once")
    assert done.returncode == 1 and "status" in done.stderr
    for wrong in ("0", "99ms", "61m", "soon"):
        done = run_cli("top", "--interval", wrong)
        assert done.returncode == 2 and "--interval is a time" in done.stderr


def test_a_screen_is_drawn_and_given_back(gatherd, load, upstream, top):
    terminal = top(*at(gatherd.port))
    terminal.wait_for(r"batches +[1-9]")
    screen = terminal.screen()
    assert len(screen) == 24 and screen[-1].startswith("q quit")
    assert any(line.startswith(f"http://127.0.0.1:{upstream.port}") for line in screen)
    terminal.type("q")
    terminal.end()


def test_ctrl_c_gives_the_terminal_back(gatherd, top):
    terminal = top(*at(gatherd.port))
    terminal.wait_for("q quit")
    terminal.type("\x03")
    terminal.end()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_give_the_terminal_back(gatherd, top, number):
    terminal = top(*at(gatherd.port))
    terminal.wait_for("q quit")
    terminal.process.send_signal(number)
    terminal.end()


def test_another_size_is_another_drawing(gatherd, top):
    terminal = top(*at(gatherd.port), "--interval", "60m")
    terminal.wait_for("q quit")
    for columns, rows in ((120, 40), (40, 10), (80, 24)):
        terminal.resize(columns, rows)
        terminal.process.send_signal(signal.SIGWINCH)
        wait_until(lambda: len(terminal.screen()) == rows, 5, "the new size")
        assert max(map(len, terminal.screen())) <= columns, terminal.screen()
    terminal.type("q")
    terminal.end()


def test_keys_sort_and_scroll(start_gatherd, upstream, top):
    gatherd = start_gatherd()   # of its own: nobody else's origins
    gatherd.batch([{"url": f"http://127.0.0.{n}:{upstream.port}/ok"} for n in range(1, 9)])
    terminal = top(*at(gatherd.port), "--interval", "60m")
    terminal.wait_for("by busy")

    def shown():
        return [int(found[1]) for line in terminal.screen()
                if (found := re.match(r"http://127\.0\.0\.(\d)", line))]
    terminal.type("n")
    terminal.wait_for("by name")
    wait_until(lambda: shown() == list(range(1, 9)), 5, "all by name")
    terminal.type("r")
    wait_until(lambda: shown() == sorted(shown(), reverse=True), 5, "the reverse")
    terminal.type("\033[B")
    wait_until(lambda: len(shown()) == 7, 5, "one further down")
    terminal.type("k")
    wait_until(lambda: len(shown()) == 8, 5, "back")
    for key, name in (("c", "calls"), ("f", "failed"), ("m", "mean"), ("b", "busy")):
        terminal.type(key)
        terminal.wait_for(f"by {name}")
    terminal.type("q")
    terminal.end()


def test_a_service_that_comes_back_is_shown_again(start_gatherd, top):
    gatherd = start_gatherd()
    terminal = top(*at(gatherd.port))
    terminal.wait_for("ready")
    gatherd.signal(signal.SIGTERM)
    gatherd.wait()
    terminal.wait_for("no answer from 127.0.0.1")
    assert any("batches" in line for line in terminal.screen())     # what was known
    start_gatherd(port=gatherd.port)
    terminal.wait_for("q quit")
    terminal.type("q")
    terminal.end()


def test_a_terminal_that_goes_away_ends_it(gatherd, top):
    terminal = top(*at(gatherd.port))
    terminal.wait_for("q quit")
    os.close(terminal.slave)
    os.close(terminal.master)
    try:
        assert terminal.process.wait(10 * slowness()) in (0, 1)
    finally:
        terminal.master, terminal.slave = pty.openpty()     # for close


def test_it_may_be_put_aside(gatherd, top):
    terminal = top(*at(gatherd.port))
    terminal.wait_for("q quit")
    terminal.type("\x1a")
    stat = f"/proc/{terminal.process.pid}/stat"

    def state():
        with open(stat, encoding="ascii") as file:
            return file.read().rsplit(") ", 1)[1][0]
    # A session's leader without a parent in it cannot be stopped: it goes on at once.
    wait_until(lambda: state() == "T" or terminal.read().count(SCREEN_ON) == 2, 5, "the stop")
    assert terminal.text.count(SCREEN_OFF) == 1
    terminal.process.send_signal(signal.SIGCONT)
    wait_until(lambda: terminal.read().count(SCREEN_ON) == 2, 5, "the screen again")
    terminal.type("q")
    assert terminal.process.wait(10 * slowness()) == 0
    time.sleep(0)
    assert termios.tcgetattr(terminal.slave) == terminal.modes


def test_health_is_asked_at_the_same_address(gatherd):
    done = run_cli("health", "--listen", f"127.0.0.1:{gatherd.port}", "--ready")
    assert done.returncode == 0
    assert request(gatherd.port, "GET", "/readyz").status == 200
