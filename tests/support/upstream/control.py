# SPDX-License-Identifier: Apache-2.0
"""What tests ask the upstream about itself.  These requests are not counted."""
import json
import time

from .steps import Pause, fault, reply


def register(stats, ports):
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
