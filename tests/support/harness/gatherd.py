# SPDX-License-Identifier: Apache-2.0
"""The service under test: started on a free port, watched, stopped, and searched for leaks."""
import json
import os
import subprocess
import time
from functools import lru_cache
from pathlib import Path

from . import client
from .configuration import BASE, merge, to_yaml
from .contract import check_batch_reply
from .process import Child, free_port, wait_until, wait_until_at_rest

REPOSITORY = Path(__file__).resolve().parents[3]
SANITIZER_MARKS = ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "runtime error:",
                   "WARNING: ThreadSanitizer", "SUMMARY: ")
DESCRIPTOR_SLACK = 8
"""Sockets of the resolver and the like, which come with the first use and stay."""
ANONYMOUS_MAX = 100
"""Of eventfd and epoll, of which every lane to upstreams has its own, and keeps it."""


def binary():
    return os.environ.get("GATHERD", str(REPOSITORY / "build/release/gatherd"))


@lru_cache(maxsize=None)
def sanitizer():
    """Which sanitizer the binary was built with: address, thread or none."""
    data = Path(binary()).read_bytes()
    if b"__tsan_init" in data:
        return "thread"
    return "address" if b"__asan_init" in data else "none"


def slowness():
    """Bounds on time are stretched by this: by what a sanitizer takes, and by how many others
    wait for the machine's processors, if more than one behind each that runs."""
    built = {"thread": 4.0, "address": 2.0, "none": 1.0}[sanitizer()]
    wanted = os.getloadavg()[0] / os.cpu_count()
    return min(8.0, built * max(1.0, wanted / 2))


def run_cli(*arguments, **options):
    """Runs the binary to its end: gatherd check FILE and the like."""
    return subprocess.run((binary(), *arguments), capture_output=True, text=True, timeout=30,
                          stdin=subprocess.DEVNULL, **options)


class Gatherd:
    def __init__(self, folder, *others, arguments=(), prefix=(), environment=None, wait=True,
                 port=None, close_fds=True):
        self.folder = Path(folder)
        self.port = port or free_port()
        tree = merge(BASE, {"server": {"listen": [f"127.0.0.1:{self.port}"]}}, *others)
        self.config_path = self.folder / f"gatherd-{self.port}.yaml"
        self.config_path.write_text(to_yaml(tree) + "\n")
        command = (*prefix, binary(), "serve", "--config", str(self.config_path), *arguments)
        self.child = Child(command, folder, f"gatherd-{self.port}", close_fds=close_fds,
                           env={**self.environment(), **(environment or {})})
        if wait:
            self.start()

    # Starting and stopping.

    def start(self):
        try:
            self.wait_ready()
        except BaseException:
            self.child.popen.kill()
            self.child.popen.wait()
            raise
        self.descriptors_at_start = len([target for target in self.descriptors().values()
                                         if not target.startswith("anon_inode:")])

    def environment(self):
        log = f"log_path={self.folder}/san-{self.port}"
        strict = {"ASAN_OPTIONS": f"{log}:detect_leaks=1:abort_on_error=0:exitcode=99",
                  "UBSAN_OPTIONS": f"{log}:print_stacktrace=1:halt_on_error=1",
                  "TSAN_OPTIONS": f"{log}:exitcode=98:second_deadlock_stack=1"}
        inherited = dict(os.environ)
        for name, value in strict.items():
            old = inherited.get(name)
            strict[name] = f"{value}:{old}" if old else value
        return {**inherited, **strict}

    def wait_ready(self, seconds=60):
        def ready():
            assert self.child.is_alive, f"gatherd ended: {self.child.errors()}"
            try:
                return self.request("GET", "/readyz").status == 200
            except OSError:
                return False
        wait_until(ready, seconds, f"/readyz of gatherd; it says {self.child.errors()[-2000:]}")

    @property
    def is_alive(self):
        return self.child.is_alive

    @property
    def pid(self):
        return self.child.pid

    def signal(self, number):
        self.child.signal(number)

    def wait(self, seconds=15):
        return self.child.wait(seconds)

    def stop(self):
        """SIGTERM; nothing may be left, leaked or reported."""
        self.check_descriptors()
        status = self.child.stop(15 * slowness())
        self.check_sanitizers()
        assert status == 0, f"exit status {status}: {self.child.errors()[-3000:]}"

    def check_sanitizers(self):
        reports = [p.read_text(errors="replace") for p in self.folder.glob(f"san-{self.port}*")]
        assert not "".join(reports), "\n".join(reports)[:20000]
        for mark in SANITIZER_MARKS:
            assert mark not in self.child.errors(), self.child.errors()[-20000:]

    # Descriptors.

    def descriptors(self):
        """What every descriptor of the process points to, by its number."""
        folder = f"/proc/{self.pid}/fd"
        targets = {}
        for name in os.listdir(folder):
            try:
                targets[int(name)] = os.readlink(f"{folder}/{name}")
            except FileNotFoundError:
                continue
        return targets

    def connection_inodes(self):
        """Sockets with a peer, by whether the peer is a client: (clients, upstreams)."""
        clients, upstreams = set(), set()
        for table in ("tcp", "tcp6"):
            with open(f"/proc/{self.pid}/net/{table}", encoding="ascii") as file:
                for line in list(file)[1:]:
                    fields = line.split()
                    local_port = int(fields[1].split(":")[1], 16)
                    if int(fields[2].split(":")[1], 16) != 0:
                        group = clients if local_port == self.port else upstreams
                        group.add(f"socket:[{fields[9]}]")
        return clients, upstreams

    def own_descriptors(self):
        """What the descriptors point to that are no TCP connections, whose number is the load's."""
        clients, upstreams = self.connection_inodes()
        return [target for target in self.descriptors().values() if target not in clients | upstreams]

    def check_descriptors(self):
        """Pooled upstream connections may stay; clients, and anything else new, may not."""
        if not self.is_alive or not hasattr(self, "descriptors_at_start"):
            return

        def settled():
            clients, upstreams = self.connection_inodes()
            mine = self.descriptors().values()
            anonymous = [t for t in mine if t.startswith("anon_inode:")]
            left = len([t for t in mine if t not in upstreams]) - len(anonymous)
            return (not any(t in clients for t in mine) and len(anonymous) <= ANONYMOUS_MAX
                    and left <= self.descriptors_at_start + DESCRIPTOR_SLACK)
        wait_until(settled, 5 * slowness(), lambda: (
            f"descriptors back to {self.descriptors_at_start}: "
            f"{sorted(self.descriptors().values())}; clients: {self.connection_inodes()[0]}"))

    # Talking to it.

    def request(self, method, path, body=None, headers=None, timeout=30):
        return client.request(self.port, method, path, body, headers, timeout)

    def get(self, path, **headers):
        return self.request("GET", path, headers=headers)

    def raw(self, timeout=10):
        return client.RawClient(self.port, timeout)

    def post(self, document, headers=None, timeout=30):
        """POST /v1/batch; document is bytes, or what becomes JSON."""
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        return self.request("POST", "/v1/batch", body,
                            {"content-type": "application/json", **(headers or {})}, timeout)

    def batch(self, requests, timeout=30, **options):
        """Sends a batch, checks the reply against the contract, returns its document."""
        reply = self.post({"requests": requests, **options}, timeout=timeout)
        document = check_batch_reply(reply, ids_of(requests))
        if "until" not in options and '"optional"' not in json.dumps([requests, options]):
            assert document["summary"]["complete"] == (document["summary"]["failed"] == 0)
        document["reply"] = reply
        return document

    def fetch(self, item, **options):
        """A batch of one: its response."""
        return self.batch([item], **options)["responses"][0]

    # What it says.

    def settle(self, seconds=1.0):
        """Waits until it has done what a reply may come before: the batch counted, its line of
        the log written, the last connection closed. In vain while there is load."""
        return wait_until_at_rest(self.pid, seconds)

    def log_text(self):
        """Its log, once nothing is added any more: lines leave by a thread of their own."""
        self.settle()
        before, after = None, self.child.errors()
        while after != before:
            time.sleep(0.02 * slowness())
            before, after = after, self.child.errors()
        return after

    def log_lines(self):
        """The structured lines of its log."""
        lines = (self.child.output() + self.log_text()).splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def metrics(self):
        self.settle(0.3)
        return self.request("GET", "/metrics").body.decode("utf-8")


def ids_of(requests):
    return [item["id"] if isinstance(item, dict) and "id" in item else str(index)
            for index, item in enumerate(requests)]
