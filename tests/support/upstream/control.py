# SPDX-License-Identifier: Apache-2.0
"""What tests ask the upstream about itself, which is not counted, and gates that it opens when told."""
import asyncio
import json
import time
from collections import defaultdict

from .steps import CLOSE, Pause, Until, fault, head, reply


def register(stats, ports):
    gates = defaultdict(asyncio.Event)

    @fault("gate", "/gate/NAME?text=late, 200 and that text, or with ?cut=1 half a reply, once "
                   "/_open/NAME was asked")
    def gate(request):
        yield Until(gates[request.argument])
        if "cut" in request.query:
            yield from (head("Content-Type: text/plain", "Content-Length: 10"), b"cut", CLOSE)
        else:
            yield reply(request, request.query.get("text", "late\n"))

    @fault("_open", "/_open/NAME, the gates of that name, for ever")
    def _open(request):
        gates[request.argument].set()
        yield reply(request, "open\n")

    @fault("_stats", "?key=K, the counters, all or of one key")
    def _stats(request):
        seen = stats.of_key(request.key) if request.key else stats.as_dict()
        yield reply(request, json.dumps(seen), kind="application/json")

    @fault("_reset", "zero the counters")
    def _reset(request):
        stats.reset()
        yield reply(request, "zeroed\n")

    @fault("_wait-idle", "?ms=5000&key=K, waits until nothing is in flight; 503 if something is")
    def _wait_idle(request):
        def busy():
            return stats.in_flight_by_key[request.key] if request.key else stats.in_flight
        end = time.monotonic() + request.number("ms", 5000) / 1000
        while busy() and time.monotonic() < end:
            yield Pause(0.01)
        yield reply(request, json.dumps({"in_flight": busy()}), status=503 if busy() else 200,
                    kind="application/json")

    @fault("_ports", "all ports as JSON")
    def _ports(request):
        yield reply(request, json.dumps(ports), kind="application/json")
