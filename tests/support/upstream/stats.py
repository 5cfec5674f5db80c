# SPDX-License-Identifier: Apache-2.0
"""Counters.  A request that carries ?key=K is counted under that key as well, so that tests
which share one upstream do not see each other."""
from collections import Counter, defaultdict


class Stats:
    def __init__(self):
        self.in_flight = 0
        self.open = 0
        self.connections = 0
        self.reset()

    def reset(self):
        """Zeroes what counts events; what is in flight stays as it is."""
        self.first_connection = self.connections
        self.total = Counter()
        self.by_path = Counter()
        self.by_method = Counter()
        self.by_dns_name = Counter()
        self.by_key = defaultdict(Counter)
        self.connections_by_key = defaultdict(set)
        self.in_flight_by_key = Counter()
        self.calls_by_key = Counter()
        self.peak_in_flight = 0
        self.peak_open = self.open

    def connection_opened(self):
        self.connections += 1
        self.open += 1
        self.peak_open = max(self.peak_open, self.open)
        return self.connections

    def connection_closed(self):
        self.open -= 1

    def request_started(self, request):
        self.in_flight += 1
        self.peak_in_flight = max(self.peak_in_flight, self.in_flight)
        self.by_path["/" + request.name] += 1
        self.by_method[request.method] += 1
        self.count(request, "requests")
        if request.nth > 1:
            self.count(request, "reused")
        key = request.key
        if key:
            self.connections_by_key[key].add(request.connection)
            self.in_flight_by_key[key] += 1
            per_key = self.by_key[key]
            per_key["peak_in_flight"] = max(per_key["peak_in_flight"],
                                            self.in_flight_by_key[key])

    def request_ended(self, request, how):
        """how: completed (the script was played to its end) or aborted (the client left)."""
        self.in_flight -= 1
        self.count(request, how)
        if request.key:
            self.in_flight_by_key[request.key] -= 1

    def count(self, request, what):
        self.total[what] += 1
        if request.key:
            self.by_key[request.key][what] += 1

    def next_call(self, key):
        """How many calls that key has had, this one included."""
        self.calls_by_key[key] += 1
        return self.calls_by_key[key]

    def as_dict(self):
        return {"connections": self.connections - self.first_connection, "open": self.open,
                "peak_open": self.peak_open, "in_flight": self.in_flight,
                "peak_in_flight": self.peak_in_flight, **self.zeroed(self.total),
                "by_path": self.by_path, "by_method": self.by_method,
                "by_dns_name": self.by_dns_name,
                "by_key": {key: self.of_key(key) for key in self.by_key}}

    def of_key(self, key):
        return {**self.zeroed(self.by_key[key]), "in_flight": self.in_flight_by_key[key],
                "connections": len(self.connections_by_key[key])}

    @staticmethod
    def zeroed(counter):
        return {**dict.fromkeys(("requests", "completed", "aborted", "reused", "bad"), 0),
                **counter}
