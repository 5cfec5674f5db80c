# SPDX-License-Identifier: Apache-2.0
"""haproxy with deploy/haproxy.cfg as it is shipped; addresses come by its variables."""
import csv
import io
import os
import shutil

from . import client
from .gatherd import REPOSITORY
from .process import Child, accepts, free_port, wait_until

CONFIGURATION = REPOSITORY / "deploy/haproxy.cfg"


def is_missing():
    return shutil.which("haproxy", path=f"{os.environ['PATH']}:/usr/sbin") is None


class Balancer:
    def __init__(self, folder, instances):
        """instances: (port, port of ops.listen) of three."""
        self.port, self.stats_port = free_port(), free_port()
        addresses = {"LISTEN": f"127.0.0.1:{self.port}",
                     "OPS_LISTEN": f"127.0.0.1:{self.stats_port}"}
        for number, (port, ops_port) in enumerate(instances, 1):
            addresses[f"GATHERD{number}"] = f"127.0.0.1:{port}"
            addresses[f"OPS{number}"] = str(ops_port)
        program = shutil.which("haproxy", path=f"{os.environ['PATH']}:/usr/sbin")
        self.child = Child((program, "-db", "-f", str(CONFIGURATION)), folder, "haproxy",
                           env={**os.environ, **addresses})
        wait_until(lambda: accepts(self.stats_port) or not self.child.is_alive, 10, "haproxy")
        assert self.child.is_alive, self.child.errors() + self.child.output()

    def states(self):
        """{"gatherd1": "UP", …}"""
        page = client.request(self.stats_port, "GET", "/;csv").body.decode().removeprefix("# ")
        return {row["svname"]: row["status"] for row in csv.DictReader(io.StringIO(page))
                if row["pxname"] == "gatherd" and row["svname"].startswith("gatherd")}

    def wait_for(self, state, names, seconds=10):
        wait_until(lambda: all(self.states()[name].startswith(state) for name in names), seconds,
                   f"{names} {state}: {self.states()}")

    def stop(self):
        self.child.stop()
