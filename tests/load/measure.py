# SPDX-License-Identifier: Apache-2.0
"""The measurements. Each takes a running gateway and returns rows: name -> figures.

"failed" is in every row: items or replies that were not what they should be.
"""
import collections
import json
import statistics
import subprocess
import time

import client
from processes import HERE, HealthWatch, LoadFault, find_tool

# name -> (items per batch, 0: /healthz; connections)
LOADS = {"healthz": (0, 64), "n1": (1, 64), "n10": (10, 32), "n100": (100, 8)}
REPLY_LIMIT_S = 60
WRK_GRACE_S = 30
SHORTEST = 0.99              # of a good reply's length: replies with a failure are shorter
PAUSE_S = 0.3                # between passes, for connections to come back to the pool


class Bench:
    """What the measurements share: the upstreams and the lengths, full or smoke."""

    def __init__(self, nginx, delay, smoke):
        self.nginx, self.delay = nginx, delay
        self.seconds, self.warm_seconds = (1, 0) if smoke else (4, 1)   # whole, for wrk
        self.delay_ms = 200 if smoke else 1000
        self.many = (10, 20) if smoke else (100, 100)     # batches, items in each
        self.big = 500 if smoke else 10000
        self.large_items, self.large_passes = (10, 2) if smoke else (100, 3)

    @staticmethod
    def wrk(port, seconds, connections, script_args):
        command = [find_tool("wrk"), "-t1", "-c%d" % connections, "-d%ds" % seconds,
                   "--timeout", "20s", "-s", str(HERE / "batch.lua"),
                   "http://127.0.0.1:%d" % port, "--", *script_args]
        done = subprocess.run(command, capture_output=True, text=True,
                              timeout=seconds + WRK_GRACE_S, check=False)
        for line in done.stdout.splitlines():
            if line.startswith("JSON "):
                return json.loads(line[5:])
        raise LoadFault("wrk said: " + (done.stdout + done.stderr)[-400:])


def check_bodies(gateway, url, items, text):
    """One batch in full: every body must be the upstream's, as a value or as its text.
    Returns the reply's length."""
    body = client.batch_body([url] * items)
    reply = client.ask(gateway.port, "POST", "/v1/batch", body).body
    responses = json.loads(reply).get("responses", [])
    want = (json.loads(text), text)
    if len(responses) != items or any(r.get("body") not in want for r in responses):
        raise LoadFault("a batch of %d did not bring the upstream's bodies" % items)
    return len(reply)


def closed_loop(bench, gateway, items, connections, url):
    """wrk sends the same batch over and over: `items` times `url`, or 0 and a path."""
    length = check_bodies(gateway, url, items, bench.nginx.body_1k) if items else 0
    script_args = [str(items), url] + ([] if gateway.marks_complete else ["unmarked"])
    if bench.warm_seconds:
        bench.wrk(gateway.port, bench.warm_seconds, connections, script_args)
    gateway.reset_peak_memory()
    opened, cpu_us = bench.nginx.accepted(), gateway.cpu_us()
    run = bench.wrk(gateway.port, bench.seconds, connections, script_args)
    cpu_us = gateway.cpu_us() - cpu_us
    opened = bench.nginx.accepted() - opened - 1          # one is the asking itself
    total = max(1, run["requests"] * max(1, items))
    if not gateway.marks_complete and run["bytes"] < SHORTEST * length * run["requests"]:
        run["bad"] += 1                                   # items failed in whole replies
    return {
        "requests_s": run["requests"] / run["seconds"],
        "items_s": total / run["seconds"],
        "cpu_us_item": cpu_us / total,
        "p50_ms": run["p50_ms"], "p99_ms": run["p99_ms"], "max_ms": run["max_ms"],
        "rss_mb": gateway.memory_mb(),
        "opened": opened, "opened_per_k": 1000 * opened / total,
        "failed": run["bad"] + run["socket_errors"]}


def load(bench, gateway, name):
    items, connections = LOADS[name]
    url = bench.nginx.url("/1k") if items else "/healthz"
    return {name: closed_loop(bench, gateway, items, connections, url)}


class Burst:
    """Some batches at once, every item delayed by the upstream, /healthz watched."""

    def __init__(self, bench, gateway, batches, items):
        self.bench, self.gateway = bench, gateway
        self.batches, self.items = batches, items
        body = client.batch_body(bench.delay.urls(items, bench.delay_ms))
        self.request = client.request_bytes("POST", "/v1/batch", body)
        self.kept = []

    def run(self, keep_open=False):
        """One pass; keep_open leaves the client connections for later passes to avoid."""
        bench, gateway = self.bench, self.gateway
        gateway.reset_peak_memory()
        opened, cpu_us = bench.delay.accepted(), gateway.cpu_us()
        exchanges = [client.Exchange(gateway.port, self.request)
                     for _ in range(self.batches)]
        with HealthWatch(gateway.port) as watch:
            started = client.run_all(exchanges, REPLY_LIMIT_S)
        cpu_us = gateway.cpu_us() - cpu_us
        walls_ms = sorted((exchange.ended - started) * 1000 for exchange in exchanges)
        faults = collections.Counter()
        failed = sum(client.count_failed(exchange, self.items, faults)
                     for exchange in exchanges)
        self.kept += exchanges
        if not keep_open:
            self.close()
        total = self.batches * self.items
        return {"wall_ms": walls_ms[-1], "median_ms": statistics.median(walls_ms),
                "cpu_us_item": cpu_us / total,
                "health_p99_ms": watch.report["p99_ms"],
                "health_worst_ms": watch.report["worst_ms"],
                "rss_mb": gateway.memory_mb(),
                "opened": bench.delay.accepted() - opened - 1,
                "failed": failed + watch.report["failed"],
                "faults": dict(faults)}

    def close(self):
        for exchange in self.kept:
            exchange.close()
        self.kept = []


def many_batches(bench, gateway, _):
    burst = Burst(bench, gateway, *bench.many)
    name = "%d x %d" % bench.many
    rows = {name + " cold": burst.run()}
    time.sleep(PAUSE_S)
    rows[name + " warm"] = burst.run()
    return rows


def one_batch(bench, gateway, _):
    """Cold, warm, then three without a pause, each from a client connection of its own
    while the earlier ones stay open, so that every worker gets one."""
    burst = Burst(bench, gateway, 1, bench.big)
    name = "1 x %d" % bench.big
    rows = {name + " cold": burst.run()}
    time.sleep(PAUSE_S)
    rows[name + " warm"] = burst.run()
    time.sleep(PAUSE_S)
    for i in (1, 2, 3):
        rows["%s in a row, %d" % (name, i)] = burst.run(keep_open=True)
    burst.close()
    return rows


def large(bench, gateway, name):
    """A batch of 1 MB bodies, one client; the first pass is not measured."""
    items, passes = bench.large_items, bench.large_passes
    body = client.batch_body([bench.nginx.url("/" + name)] * items)
    request = client.request_bytes("POST", "/v1/batch", body)
    walls_ms, failed, faults = [], 0, collections.Counter()
    for i in range(passes + 1):
        if i == 1:
            gateway.reset_peak_memory()
            cpu_us = gateway.cpu_us()
        exchange = client.Exchange(gateway.port, request, keep=False)
        started = client.run_all([exchange], REPLY_LIMIT_S)
        exchange.close()
        failed += client.count_failed_by_summary(exchange, items, faults)
        walls_ms.append((exchange.ended - started) * 1000)
    cpu_us = gateway.cpu_us() - cpu_us
    wall_ms = statistics.median(walls_ms[1:])
    return {"%d x 1 MB %s" % (items, name[:4]): {
        "wall_ms": wall_ms, "mb_s": items / wall_ms * 1000,
        "cpu_ms_mb": cpu_us / 1000 / (items * passes),
        "rss_mb": gateway.memory_mb(),
        "failed": failed, "faults": dict(faults)}}


def direct(bench, _gateway, name):
    """wrk straight to the upstream: what this machine does without a gateway."""
    run = bench.wrk(bench.nginx.port, bench.seconds, 64, ["0", "/1k"])
    return {name: {"requests_s": run["requests"] / run["seconds"],
                   "items_s": run["requests"] / run["seconds"],
                   "p50_ms": run["p50_ms"], "p99_ms": run["p99_ms"],
                   "max_ms": run["max_ms"],
                   "failed": run["bad"] + run["socket_errors"]}}


def descriptors_needed(bench, test):
    """Open files without which the gateway cannot have all the test's items in flight."""
    items = {"one10k": bench.big, "many": bench.many[0] * bench.many[1]}.get(test, 0)
    return items + 1000


TESTS = {"direct": direct, **{name: load for name in LOADS}, "many": many_batches,
         "one10k": one_batch, "json1m": large, "text1m": large}
# a group starts with a fresh gateway process, which its tests share
GROUPS = [["direct", *LOADS], ["many"], ["one10k"], ["json1m", "text1m"]]
