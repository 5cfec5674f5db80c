#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Reload after reload under load, every third file invalid, without a failed request.

    tests/long/reload.py --reloads 6000           GATHERD names the binary; best a release build

Two files of three bring something else into use each time: clocks and ceilings, callers' limits,
the egress policy, breakers, what makes upstream connections (user agent, HTTP version, the
authorities' file), a further listener, the log; now and then what makes the client side anew
(server.head_max_bytes), whose clients are asked to come again. Every third is wrong, in its
syntax, in a value, or by a listener that cannot be opened. Meanwhile clients send batches and
check the replies (harness/crowd.py).

Right is: no request failed; each reload was answered as it should; descriptors (but for
connections) and memory of the last reloads are those of the first."""
import socket
import statistics
import sys
import time
from pathlib import Path

SUPPORT = Path(__file__).resolve().parent.parent / "support"
sys.path.insert(0, str(SUPPORT))

from harness.configuration import merge, options  # noqa: E402
from harness.crowd import Crowd, to_tcp  # noqa: E402
from harness.gatherd import Gatherd  # noqa: E402
from harness.long_runs import medians, parser_of, show  # noqa: E402
from harness.process import figure_of, free_port  # noqa: E402
from harness.reloading import ask, write  # noqa: E402
from harness.upstream_process import Upstream  # noqa: E402

DESCRIPTORS_MORE, MEMORY_MORE = 8, 1.10
ANONYMOUS_MORE = 40
"""Event and epoll descriptors, of which every lane to upstreams has its own."""
NEW_FRONTS_EVERY = 20
"""Of the valid files: clients that are always told to come again would not keep connections."""
KEY = {"name": "nobody", "sha256": "0" * 63 + "1"}


class Files:
    """The configurations, one after the other."""

    def __init__(self, gatherd, upstream, folder, taken):
        self.gatherd, self.taken, self.further = gatherd, taken, free_port()
        self.base = options(server__workers=2, log__level="error")
        own = Path(upstream.ca_file).read_text(encoding="ascii")
        self.authorities = [folder / "one.pem", folder / "two.pem"]
        self.authorities[0].write_text(own)
        self.authorities[1].write_text(own + own)

    def valid(self, number):
        listen = [f"127.0.0.1:{self.gatherd.port}"]
        if number % 5 == 0:
            listen.append(f"127.0.0.1:{self.further}")
        odd = number % 2
        return merge(self.base, options(
            server__listen=listen, server__idle_timeout=f"{60 + number % 7}s",
            server__head_max_bytes=f"{16 + number // NEW_FRONTS_EVERY % 2}KiB",
            batch__max_items=1000 + number % 3, fetch__per_origin=64 + number % 5,
            fetch__user_agent=f"gatherd/{number // 4 % 3}", fetch__max_in_flight=1000 + odd,
            fetch__http2="on" if number % 8 == 0 else "off",
            fetch__ca_file=str(self.authorities[number // 6 % 2]),
            egress__deny=["10.9.0.0/16", f"host{number % 4}.example"],
            memory__reply_budget=f"{256 + odd}MiB", tracing__propagate="on" if odd else "off"),
            {"breaker": {"failure_ratio": 90 + number % 3} if number % 7 == 0 else {"scope": "caller"},
             "auth": {"mode": "none", "keys": [KEY] * odd,
                      "limits": [{"keys": ["nobody"], "max_items": 1 + number % 9}] * odd}})

    def invalid(self, number):
        """(a tree or a text, a part of what must be said)"""
        kind = number % 3
        if kind == 0:
            return {"text": "server: {listen: [\n"}, "1:"
        if kind == 1:
            return {"text": "fetch:\n  timeout: soon\nbatch:\n  max_itemz: 3\n"}, "max_items"
        listen = [f"127.0.0.1:{self.gatherd.port}", f"127.0.0.1:{self.taken}"]
        return {"trees": merge(self.base, options(server__listen=listen))}, str(self.taken)


class Run:
    def __init__(self, gatherd, files):
        self.gatherd, self.files = gatherd, files
        self.wrong, self.figures, self.seconds = [], [], []
        self.done = self.refused = 0

    def own_descriptors(self):
        """Files and sockets, and events."""
        own = self.gatherd.own_descriptors()
        anonymous = sum(target.startswith("anon_inode:") for target in own)
        return len(own) - anonymous, anonymous

    def once(self, number):
        is_valid = number % 3 != 2
        if is_valid:
            write(self.gatherd, self.files.valid(number))
        else:
            what, part = self.files.invalid(number // 3)
            write(self.gatherd, *([what["trees"]] if "trees" in what else []), text=what.get("text"))
        began = time.monotonic()
        reply = ask(self.gatherd)
        self.seconds.append(time.monotonic() - began)
        if is_valid and reply.status == 200:
            self.done += 1
        elif not is_valid and reply.status == 409 and part in "".join(reply.json()["faults"]):
            self.refused += 1
        else:
            self.wrong.append(f"reload {number}: {reply.status} {reply.body[:300]}")
        self.figures.append((*self.own_descriptors(), figure_of(self.gatherd.pid, "VmRSS")))

    def judge(self):
        """The last reloads beside early ones, when each kind has been there."""
        share = max(2, len(self.figures) // 4)
        early, late = medians(self.figures[share:2 * share]), medians(self.figures[-share:])
        if late[0] > early[0] + DESCRIPTORS_MORE:
            self.wrong.append(f"descriptors grew from {early[0]} to {late[0]}")
        if late[1] > early[1] + ANONYMOUS_MORE:
            self.wrong.append(f"event descriptors grew from {early[1]} to {late[1]}")
        if late[2] > early[2] * MEMORY_MORE:
            self.wrong.append(f"memory grew from {early[2]} to {late[2]} KiB")
        return early, late


def reload(folder, reloads, arguments):
    """(what was seen, what was wrong)"""
    upstream = Upstream(folder, "--tls", "--max-seconds", str(reloads + 300))
    gatherd = Gatherd(folder, options(server__workers=2, log__level="error"))
    try:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            run = Run(gatherd, Files(gatherd, upstream, folder, taken.getsockname()[1]))
            crowd = Crowd(upstream, [to_tcp(gatherd.port)], arguments.clients)
            try:
                for number in range(reloads):
                    run.once(number)
                    time.sleep(arguments.between)
            finally:
                crowd.stop()
        early, late = run.judge()
        gatherd.stop()
    finally:
        gatherd.child.popen.kill()
        upstream.stop()
    seen = {**crowd.counts, "reloads done": run.done, "reloads refused": run.refused,
            "failed requests": len(crowd.failed),
            "descriptors, early and last": [early[0], late[0]],
            "event descriptors, early and last": [early[1], late[1]],
            "KiB, early and last": [early[2], late[2]],
            "ms of a reload, median": round(1000 * statistics.median(run.seconds), 1)}
    return seen, run.wrong[:20] + crowd.failed[:20]


def parse_arguments(words=None):
    parser = parser_of(__doc__)
    parser.add_argument("--reloads", type=int, default=6000)
    parser.add_argument("--clients", type=int, default=12)
    parser.add_argument("--between", type=float, default=0.02, help="seconds between two reloads")
    return parser.parse_args(words)


def main():
    arguments = parse_arguments()
    return show(lambda folder: reload(folder, arguments.reloads, arguments))


if __name__ == "__main__":
    sys.exit(main())
