# SPDX-License-Identifier: Apache-2.0
"""Starting, watching and stopping the processes of a load run; free ports and limits.

Every process is stopped by its own id. CPU and memory are read from /proc.
"""
import json
import os
import pathlib
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time

import client

HERE = pathlib.Path(__file__).resolve().parent
READY_LIMIT_S = 15
READY_POLL_S = 0.002
STOP_LIMIT_S = 8


class LoadFault(Exception):
    """Something that keeps a measurement from being made, told in one sentence."""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def find_tool(name):
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if not path:
        raise LoadFault("%s is not installed: run deploy/setup.sh first" % name)
    return path


def descriptor_limit():
    return resource.getrlimit(resource.RLIMIT_NOFILE)[1]


class Process:
    """A child with its output in a file; may be pinned and limited in open files."""
    ready_limit_s = READY_LIMIT_S
    stop_limit_s = STOP_LIMIT_S

    def __init__(self, name, command, folder, cpus=None, descriptors=None, env=None):
        self.name = name
        self.log_path = pathlib.Path(folder, name + ".log")
        self.cpus = cpus
        self.descriptors = min(descriptors or descriptor_limit(), descriptor_limit())
        with open(self.log_path, "ab") as log:
            self.child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log,
                                          stderr=log, preexec_fn=self.in_child,
                                          env={**os.environ, **(env or {})})
        self.pid = self.child.pid
        self.started = time.monotonic()
        self.ready_ms = None

    def in_child(self):
        resource.setrlimit(resource.RLIMIT_NOFILE, (self.descriptors, self.descriptors))
        if self.cpus:
            os.sched_setaffinity(0, self.cpus)

    def wait_ready(self, port, path):
        until = time.monotonic() + self.ready_limit_s
        while time.monotonic() < until:
            if self.child.poll() is not None:
                break
            try:
                if client.ask(port, "GET", path).status == 200:
                    self.ready_ms = (time.monotonic() - self.started) * 1000
                    return
            except OSError:
                pass
            time.sleep(READY_POLL_S)
        self.stop()
        raise LoadFault("%s did not become ready; its last words:\n%s" % (
            self.name, self.log_tail()))

    def log_tail(self, lines=15):
        return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-lines:])

    def stop(self):
        """Returns the exit status; negative when it had to be killed."""
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
            try:
                self.child.wait(self.stop_limit_s)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
        return self.child.returncode

    def pids(self):
        """The processes whose CPU and memory count as this one's."""
        return [self.pid]

    def cpu_us(self):
        """User and system time of all threads so far."""
        return sum(cpu_us_of(pid) for pid in self.pids())

    def reset_peak_memory(self):
        for pid in self.pids():
            try:
                pathlib.Path("/proc/%d/clear_refs" % pid).write_text("5")
            except OSError:
                pass                  # the peak is then the one since the start

    def memory_mb(self, field="VmHWM"):
        return sum(memory_mb_of(pid, field) for pid in self.pids())


class ProcessGroup(Process):
    """A child that may have children of its own: all are counted, and none is left."""

    def in_child(self):
        os.setsid()
        super().in_child()

    def pids(self):
        found = []
        for name in os.listdir("/proc"):
            try:
                if name.isdigit() and os.getpgid(int(name)) == self.pid:
                    found.append(int(name))
            except OSError:
                pass                  # ended meanwhile
        return found

    def stop(self):
        status = super().stop()
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except OSError:
            pass
        return status


def cpu_us_of(pid):
    """Exact where the kernel tells, in ticks of the clock elsewhere."""
    total_ns = 0
    try:
        for task in os.listdir("/proc/%d/task" % pid):
            with open("/proc/%d/task/%s/schedstat" % (pid, task)) as stat:
                total_ns += int(stat.read().split()[0])
    except OSError:
        with open("/proc/%d/stat" % pid) as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        ticks = int(fields[11]) + int(fields[12])
        return ticks * 1e6 / os.sysconf("SC_CLK_TCK")
    return total_ns / 1000


def memory_mb_of(pid, field):
    with open("/proc/%d/status" % pid) as status:
        for line in status:
            if line.startswith(field + ":"):
                return int(line.split()[1]) / 1024
    return 0.0


class HealthWatch:
    """health_watch.py around a measurement: `with HealthWatch(port) as watch: ...`"""

    def __init__(self, port):
        self.port = port
        self.child = None
        self.report = {"asked": 0, "failed": 1, "p99_ms": 0.0, "worst_ms": 0.0}

    def __enter__(self):
        # two connections per loop: least connections first puts at least one on each
        connections = 2 * len(os.sched_getaffinity(0))
        command = [sys.executable, str(HERE / "health_watch.py"), str(self.port),
                   "--connections", str(connections)]
        self.child = subprocess.Popen(command, stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, text=True)
        self.child.stdout.readline()
        return self

    def __exit__(self, *_):
        try:
            out, _ = self.child.communicate(timeout=STOP_LIMIT_S)
            self.report = json.loads(out)
        except (subprocess.TimeoutExpired, ValueError):
            self.child.kill()
            self.child.wait()
