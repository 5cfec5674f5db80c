# SPDX-License-Identifier: Apache-2.0
"""Child processes that are stopped by their own pid, and free ports."""
import os
import random
import socket
import subprocess
import time
from collections import deque
from pathlib import Path

PORT_RANDOM = random.Random()
PORT_CLAIMS = deque(maxlen=150)
"""Sockets with names, of the last ports given out: closed as they leave."""


def free_port(kind=socket.SOCK_STREAM):
    """A loopback port below the range from which the kernel takes ports for connections. No
    other test process on the machine gets it before it is taken, or while nobody is to listen
    there: it is claimed by a socket whose name only one can have (unix(7), abstract)."""
    while True:
        port = PORT_RANDOM.randrange(11000, 30000)
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            claim.bind(f"\0gatherd-test-port-{port}")
            with socket.socket(socket.AF_INET, kind) as probe:
                probe.bind(("127.0.0.1", port))
        except OSError:
            claim.close()
            continue
        if len(PORT_CLAIMS) == PORT_CLAIMS.maxlen:
            PORT_CLAIMS.popleft().close()
        PORT_CLAIMS.append(claim)
        return port


def wait_until(condition, seconds, what):
    """Polls until condition() is true and returns its value. `what` is a text, or makes one of
    what there is in the end."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, \
            f"not within {seconds} s: {what() if callable(what) else what}"
        time.sleep(0.02)


def accepts(port, host="127.0.0.1"):
    try:
        socket.create_connection((host, port), timeout=1).close()
        return True
    except OSError:
        return False


def threads_at_rest(pid):
    """How often each thread has slept, when all of them do; None: one is at work."""
    slept = {}
    for name in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{name}/status", encoding="ascii", errors="replace") as status:
            fields = dict(line.rstrip("\n").split(":\t", 1) for line in status if ":\t" in line)
        if not fields["State"].startswith("S"):
            return None
        slept[name] = fields["voluntary_ctxt_switches"]
    return slept


def wait_until_at_rest(pid, seconds):
    """Until the process has done all it was to do by now: no thread ran between two looks, which
    are further apart than any rest a thread takes with work before it (log_writer.c: 2 ms).
    False: it goes on and on, or is gone."""
    end = time.monotonic() + seconds
    try:
        before = threads_at_rest(pid)
        while time.monotonic() < end:
            time.sleep(0.01)
            now = threads_at_rest(pid)
            if now is not None and now == before:
                return True
            before = now
    except OSError:
        pass
    return False


def figure_of(pid, name):
    """A figure of /proc/PID/status: VmRSS in KiB, Threads."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(name + ":"))


class Child:
    """A program with its output in files."""

    def __init__(self, arguments, folder, name, **options):
        self.name = name
        self.folder = Path(folder)
        self.out_path = self.folder / f"{name}.out"
        self.err_path = self.folder / f"{name}.err"
        with open(self.out_path, "wb") as out, open(self.err_path, "wb") as err:
            self.popen = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=out,
                                          stderr=err, **options)
        self.pid = self.popen.pid

    @property
    def is_alive(self):
        return self.popen.poll() is None

    def output(self):
        return self.out_path.read_text("utf-8", "replace")

    def errors(self):
        return self.err_path.read_text("utf-8", "replace")

    def signal(self, number):
        self.popen.send_signal(number)

    def wait(self, seconds):
        return self.popen.wait(seconds)

    def stop(self, seconds=10):
        """SIGTERM, and SIGKILL if that is not enough.  Returns the exit status."""
        if self.is_alive:
            self.popen.terminate()
        try:
            return self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
            raise AssertionError(f"{self.name} did not stop within {seconds} s of SIGTERM")
