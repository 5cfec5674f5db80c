#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Rolling restarts of three gatherds behind haproxy (deploy/haproxy.cfg, as it is shipped), under load.

    tests/long/rolling.py --rounds 10         GATHERD names the binary; best a release build

One after the other gets SIGTERM, ends, is started again, and the next one's turn comes when haproxy
says UP. Clients keep connections to haproxy or open new ones, and want every reply.

Right is: no request failed; every gatherd ended with status 0; each of the three was asked in
every round, and haproxy saw each go down before it was gone."""
import signal
import sys
import time
from pathlib import Path

SUPPORT = Path(__file__).resolve().parent.parent / "support"
sys.path.insert(0, str(SUPPORT))

from harness.balancer import Balancer, is_missing  # noqa: E402
from harness.configuration import options  # noqa: E402
from harness.crowd import Crowd, to_tcp  # noqa: E402
from harness.gatherd import Gatherd, slowness  # noqa: E402
from harness.long_runs import parser_of, show  # noqa: E402
from harness.process import free_port, wait_until  # noqa: E402
from harness.upstream_process import Upstream  # noqa: E402

COUNT = 3


class Instance:
    """One of the three, in all its lives."""

    def __init__(self, folder, number, drain_delay):
        self.folder, self.name = folder, f"gatherd{number}"
        self.port, self.ops_port = free_port(), free_port()
        self.tree = options(ops__listen=[f"127.0.0.1:{self.ops_port}"], server__workers=1,
                            server__drain_delay=drain_delay)
        self.lives = 0
        self.start()

    def start(self):
        self.lives += 1
        folder = self.folder / f"{self.name}-{self.lives}"
        folder.mkdir()
        self.gatherd = Gatherd(folder, self.tree, port=self.port, wait=False)
        wait_until(lambda: '"started"' in self.gatherd.child.errors(), 20 * slowness(), self.name)

    def batches(self):
        """How many this life answered, as its log says."""
        return sum(line.get("event") == "batch" for line in self.gatherd.log_lines())


def restart(instance, balancer, wrong, must_notice):
    instance.gatherd.signal(signal.SIGTERM)
    balancer.wait_for("DOWN", [instance.name])
    if must_notice and not instance.gatherd.is_alive:
        wrong.append(f"{instance.name} was gone before haproxy knew")
    status = instance.gatherd.wait(30 * slowness())
    if status != 0:
        wrong.append(f"{instance.name} ended with {status}")
    instance.gatherd.check_sanitizers()
    if not instance.batches():
        wrong.append(f"{instance.name} was never asked")
    instance.start()
    balancer.wait_for("UP", [instance.name])


def roll(folder, rounds, clients=12, drain_delay="1500ms", must_notice=True):
    """(what was seen, what was wrong)"""
    wrong = []
    upstream = Upstream(folder, "--max-seconds", str(rounds * 60 + 120))
    instances = [Instance(folder, number, drain_delay) for number in range(1, COUNT + 1)]
    balancer = None
    try:
        balancer = Balancer(folder, [(one.port, one.ops_port) for one in instances])
        balancer.wait_for("UP", [one.name for one in instances])
        crowd = Crowd(upstream, [to_tcp(balancer.port)], clients)
        try:
            time.sleep(0.5)
            for _ in range(rounds):
                for instance in instances:
                    restart(instance, balancer, wrong, must_notice)
            time.sleep(0.5)
        finally:
            crowd.stop()
    finally:
        if balancer:
            balancer.stop()
        for instance in instances:
            instance.gatherd.child.stop(30)
        upstream.stop()
    seen = {**crowd.counts, "failed requests": len(crowd.failed), "restarts": rounds * COUNT}
    return seen, wrong + crowd.failed[:20]


def main():
    parser = parser_of(__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--clients", type=int, default=24)
    parser.add_argument("--drain-delay", default="1500ms", help="0s: what it is there for")
    arguments = parser.parse_args()
    if is_missing():
        sys.exit("haproxy is not installed (deploy/setup.sh)")
    return show(lambda folder: roll(folder, arguments.rounds, arguments.clients, arguments.drain_delay))


if __name__ == "__main__":
    sys.exit(main())
