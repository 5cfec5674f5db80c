# SPDX-License-Identifier: Apache-2.0
"""What the race measures of one contender: name of a test -> rows of figures.

Built from the measurements of measure.py, so that the race and run.py mean the same by the
same figure. A test that starts processes of its own gets the contender, the others share
the fresh process of their group.
"""
import json
import statistics
import time

import client
import measure

TAIL_TIMEOUT_MS = 300
TAIL_PASSES = 5
HANGS_MS = 20000
SETTLE_S = 0.3               # after the start, before memory is looked at


def idle(_bench, gateway):
    time.sleep(SETTLE_S)
    return {"idle": {"ready_ms": gateway.ready_ms, "rss_mb": gateway.memory_mb("VmRSS"),
                     "failed": 0}}


def loop(name):
    return lambda bench, gateway: measure.load(bench, gateway, name)


def delay(bench, gateway):
    return measure.many_batches(bench, gateway, "delay")


def one10k(bench, gateway):
    burst = measure.Burst(bench, gateway, 1, bench.big)
    name = "1 x %d" % bench.big
    rows = {name + " cold": burst.run()}
    time.sleep(measure.PAUSE_S)
    rows[name + " warm"] = burst.run()
    return rows


def tail(bench, gateway):
    """One of a hundred items hangs: the others are to come with its timeout."""
    items = [{"url": bench.nginx.url("/1k")} for _ in range(99)]
    hanging = {"url": bench.delay.urls(1, HANGS_MS)[0], "timeoutMs": TAIL_TIMEOUT_MS}
    items.insert(50, hanging)
    request = client.request_bytes("POST", "/v1/batch",
                                   json.dumps({"requests": items}).encode())
    walls_ms, lost = [], 0
    for _ in range(TAIL_PASSES):
        exchange = client.Exchange(gateway.port, request)
        started = client.run_all([exchange], measure.REPLY_LIMIT_S)
        exchange.close()
        walls_ms.append((exchange.ended - started) * 1000)
        responses = json.loads(exchange.body)["responses"] if exchange.status == 200 else []
        lost += 99 - sum(response["status"] == 200 for response in responses)
    return {"tail": {"wall_ms": statistics.median(walls_ms), "worst_ms": max(walls_ms),
                     "failed": lost}}


def large(bench, gateway):
    return measure.large(bench, gateway, "json1m")


def https(bench, contender, folder):
    """The same batches over http and https, on reused connections."""
    gateway = contender.start(folder, more=["fetch.ca_file=%s" % bench.nginx.ca_file])
    try:
        items, connections = measure.LOADS["n100"]
        rows = {name: measure.closed_loop(bench, gateway, items, connections, url)
                for name, url in (("n100 http", bench.nginx.url("/1k")),
                                  ("n100 https", bench.nginx.tls_url("/1k")))}
    finally:
        gateway.stop()
    rows["n100 https"]["times"] = (rows["n100 https"]["cpu_us_item"]
                                   / rows["n100 http"]["cpu_us_item"])
    return rows


def workers(bench, contender, folder):
    """What a second worker costs per item: 1.00 is nothing."""
    rows = {}
    for count in (1, 2):
        gateway = contender.start(folder, workers=count)
        try:
            name = "n100, workers: %d" % count
            rows[name] = measure.load(bench, gateway, "n100")["n100"]
        finally:
            gateway.stop()
    rows["n100, workers: 2"]["times"] = (rows["n100, workers: 2"]["cpu_us_item"]
                                         / rows["n100, workers: 1"]["cpu_us_item"])
    return rows


TESTS = {"idle": idle, "n1": loop("n1"), "n10": loop("n10"), "n100": loop("n100"),
         "delay": delay, "one10k": one10k, "tail": tail, "large": large}
# Of gatherd alone, with processes of their own.
OWN_TESTS = {"https": https, "workers": workers}
# A group starts with a fresh process, which its tests share.
GROUPS = [["idle", "n1", "n10", "n100"], ["delay"], ["one10k"], ["tail", "large"]]
# Open files without which the gateway cannot have all items in flight.
DESCRIPTORS = {"delay": 11000, "one10k": 11000}
