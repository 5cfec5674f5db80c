# SPDX-License-Identifier: Apache-2.0
"""Child processes that are stopped by their own pid, and free ports."""
import os
import random
import socket
import subprocess
import time
from pathlib import Path

PORT_RANDOM = random.Random(os.getpid())


def free_port(kind=socket.SOCK_STREAM):
    """A loopback port below the range from which the kernel takes ports for connections."""
    while True:
        port = PORT_RANDOM.randrange(11000, 30000)
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def wait_until(condition, seconds, what):
    """Polls until condition() is true and returns its value."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.02)


def accepts(port, host="127.0.0.1"):
    try:
        socket.create_connection((host, port), timeout=1).close()
        return True
    except OSError:
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
