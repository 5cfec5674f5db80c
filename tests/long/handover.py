#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Restart after restart by hand-over (server.handover), under load, without a failed request.

    tests/long/handover.py --restarts 100         GATHERD names the binary; best a release build

Clients keep their connections as long as the server lets them, or open one for each request,
over TCP and over a unix socket; some wait between two requests. Each sends batches and checks the
replies (harness/crowd.py). A reply that does not come counts as a failure, on a kept connection too.

Right is: no request failed; every process but the last ended by itself with status 0; the
descriptors (but for connections) and the memory of the last processes are those of the first;
no socket's file is left at the end."""
import statistics
import sys
import time
from pathlib import Path

SUPPORT = Path(__file__).resolve().parent.parent / "support"
sys.path.insert(0, str(SUPPORT))

from harness.configuration import options  # noqa: E402
from harness.crowd import Crowd, to_tcp, to_unix  # noqa: E402
from harness.gatherd import Gatherd, slowness  # noqa: E402
from harness.long_runs import medians, parser_of, show  # noqa: E402
from harness.process import figure_of, free_port, wait_until  # noqa: E402
from harness.upstream_process import Upstream  # noqa: E402

DESCRIPTORS_MORE, MEMORY_MORE = 8, 1.15
"""What the later processes may have over the first ones: as many as clients of the unix socket are
connected at one moment and not at another."""


class Generations:
    def __init__(self, folder, upstream, arguments):
        self.folder, self.port = folder, free_port()
        self.path, self.door = folder / "web.sock", folder / "handover.sock"
        self.tree = options(
            server__listen=[f"127.0.0.1:{self.port}", f"unix:{self.path}"],
            server__handover=f"unix:{self.door}", server__workers=2,
            process__sandbox="on" if arguments.sandbox else "off")
        self.figures, self.wrong, self.seconds = [], [], []
        self.latest = self.start(0)

    def start(self, number):
        folder = self.folder / str(number)
        folder.mkdir()
        gatherd = Gatherd(folder, self.tree, port=self.port, wait=False)
        started = time.monotonic()

        def is_serving():
            assert gatherd.is_alive, gatherd.child.errors()
            return '"started"' in gatherd.child.errors()
        wait_until(is_serving, 30 * slowness(), "the start")
        self.seconds.append(time.monotonic() - started)
        return gatherd

    def follow(self, number, between):
        """A new process, and some work for it, before it is looked at."""
        old, self.latest = self.latest, self.start(number)
        status = old.wait(30 * slowness())
        if status != 0:
            self.wrong.append(f"process {number - 1} ended with {status}: {old.child.errors()[-500:]}")
        old.check_sanitizers()
        time.sleep(between)
        self.figures.append((len(self.latest.own_descriptors()), figure_of(self.latest.pid, "VmRSS")))

    def judge(self):
        """The last processes beside the first: they have all done the same work."""
        share = max(2, len(self.figures) // 4)
        early, late = medians(self.figures[:share]), medians(self.figures[-share:])
        if late[0] > early[0] + DESCRIPTORS_MORE:
            self.wrong.append(f"descriptors grew from {early[0]} to {late[0]}")
        if late[1] > early[1] * MEMORY_MORE:
            self.wrong.append(f"memory grew from {early[1]} to {late[1]} KiB")
        return early, late


def restart(folder, restarts, arguments):
    """(what was seen, what was wrong)"""
    upstream = Upstream(folder, "--max-seconds", str(restarts * 30 + 120))
    generations = Generations(folder, upstream, arguments)
    try:
        crowd = Crowd(upstream, [to_tcp(generations.port), to_unix(generations.path)],
                      arguments.clients)
        try:
            time.sleep(arguments.between)
            for number in range(1, restarts + 1):
                generations.follow(number, arguments.between)
        finally:
            crowd.stop()
        early, late = generations.judge()
        wrong = generations.wrong + crowd.failed[:20]
        generations.latest.stop()
        wrong += [f"{path.name} is still there" for path in (generations.door, generations.path) if path.exists()]
    finally:
        generations.latest.child.popen.kill()
        upstream.stop()
    seen = {**crowd.counts, "restarts": restarts, "failed requests": len(crowd.failed),
            "descriptors, first and last": [early[0], late[0]], "KiB, first and last": [early[1], late[1]],
            "ms until the new one serves, median": round(1000 * statistics.median(generations.seconds))}
    return seen, wrong


def parse_arguments(words=None):
    parser = parser_of(__doc__)
    parser.add_argument("--restarts", type=int, default=100)
    parser.add_argument("--clients", type=int, default=24)
    parser.add_argument("--between", type=float, default=1.0, help="seconds of work for each process")
    parser.add_argument("--sandbox", action="store_true", help="every process in its sandbox")
    return parser.parse_args(words)


def main():
    arguments = parse_arguments()
    return show(lambda folder: restart(folder, arguments.restarts, arguments))


if __name__ == "__main__":
    sys.exit(main())
