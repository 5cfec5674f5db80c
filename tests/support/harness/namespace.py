# SPDX-License-Identifier: Apache-2.0
"""A network namespace with its own loopback, addresses and resolv.conf.  Needs root."""
import ctypes
import os
from concurrent.futures import ThreadPoolExecutor

from .process import Child, wait_until

CLONE_NEWNET = 0x40000000
SETUP = """\
set -e
ip link set lo up
for address in $ADDRESSES; do ip addr add "$address" dev lo; done
mount --bind "$RESOLV" /etc/resolv.conf
echo ready
exec sleep 900
"""


class CannotUnshare(Exception):
    """The machine does not let us have a namespace, as in an unprivileged container."""


class Namespace:
    """Programs started with `prefix` live in it; call() runs a function whose sockets do."""

    def __init__(self, folder, nameserver="127.0.0.1", addresses=()):
        resolv = folder / "resolv.conf"
        resolv.write_text(f"nameserver {nameserver}\noptions timeout:1 attempts:1\n")
        self.keeper = Child(
            ["unshare", "--net", "--mount", "sh", "-c", SETUP], folder, "namespace",
            env={**os.environ, "RESOLV": str(resolv), "ADDRESSES": " ".join(addresses)})
        wait_until(self.is_ready, 60, "the network namespace")
        self.prefix = ("nsenter", f"--net=/proc/{self.keeper.pid}/ns/net",
                       f"--mount=/proc/{self.keeper.pid}/ns/mnt")
        self.thread = ThreadPoolExecutor(1, initializer=self.enter)

    def is_ready(self):
        if not self.keeper.is_alive:
            raise CannotUnshare(self.keeper.errors())
        return "ready" in self.keeper.output()

    def enter(self):
        """A thread may change its network namespace alone, and its sockets stay there."""
        libc = ctypes.CDLL(None, use_errno=True)
        with open(f"/proc/{self.keeper.pid}/ns/net", "rb") as file:
            if libc.setns(file.fileno(), CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")

    def call(self, function, *arguments, **options):
        return self.thread.submit(function, *arguments, **options).result(60)

    def close(self):
        self.thread.shutdown()
        self.keeper.popen.kill()
        self.keeper.popen.wait()
