#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Whatever a batch can ask for, mixed at random, by clients that leave or read slowly.

    tests/long/mixture.py --seconds 60           GATHERD names the binary; best a sanitizer's
    tests/long/mixture.py --seconds 600 --seed 7

Half of the time places in flight are scarce; in the other half there is room for whole
batches, and workers share large ones (server.share_batches).

Right is: every reply read to its end is one response for each item, none twice and none of
others, and a stream that ends well has its summary; no batch is taken for wrong; afterwards
nothing is in flight, queued or held, and the process ends by itself without a report."""
import base64
import json
import random
import re
import socket
import sys
import threading
import time
from collections import Counter
from pathlib import Path

SUPPORT = Path(__file__).resolve().parent.parent / "support"
sys.path.insert(0, str(SUPPORT))

from harness.configuration import options  # noqa: E402
from harness.gatherd import Gatherd, slowness  # noqa: E402
from harness.long_runs import parser_of, show  # noqa: E402
from harness.process import wait_until  # noqa: E402
from harness.upstream_process import Upstream  # noqa: E402

COMMON = options(
    server__workers=2, batch__max_items=3000, batch__reply_max_bytes="8MiB", fetch__retries=1,
    fetch__deadline_header="X-Left", breaker__consecutive_failures=200,
    webhooks__secrets=[{"name": "s", "secret": "whsec_" + base64.b64encode(bytes(32)).decode()}])
SCARCE = options(fetch__per_origin=64, fetch__max_in_flight=300)
ROOMY = options(fetch__per_origin=2000, fetch__max_in_flight=3000, server__share_batches="always")
LONG = 2000
"""Items of a batch that is long enough to be shared."""
SHARED = {"$shared": True}
GAUGES = ("batches_in_flight", "items_in_flight", "items_queued")
FORMS = ("application/json", "application/x-ndjson", "text/event-stream")


class Mixture:
    """Batches made by chance."""

    def __init__(self, rnd, upstream):
        self.rnd = rnd
        self.usual = [upstream.url("json"), upstream.url("bytes/60000"), "http://127.0.0.1:9/",
                      upstream.url("delay/20")]
        self.urls = self.usual + [upstream.url(path) for path in (
            "delay/300", "status/503", "status/500", "status/200", "hang", "reset", "close")]
        self.upstream = upstream

    def chance(self, share):
        return self.rnd.random() < share

    def url(self):
        return self.rnd.choice(self.usual if self.chance(0.8) else self.urls)

    def item(self, index):
        rnd, item = self.rnd, {"id": f"a{index}", "url": self.url()}
        method = rnd.choice(["POST", "PUT", "HEAD", "DELETE"]) if self.chance(0.2) else "GET"
        item["method"] = method
        if method in ("POST", "PUT") and self.chance(0.5):
            item["body"] = rnd.choice([{"a": 1}, "x" * 1000, SHARED])
        if method in ("GET", "HEAD") and self.chance(0.15):
            item["hedgeAfterMs"] = rnd.choice([1, 10, 50])
        for share, name, value in (
                (0.15, "retries", rnd.randint(0, 3)),
                (0.15, "alternatives", [rnd.choice(self.urls) for _ in range(rnd.randint(1, 8))]),
                (0.1, "fallback", {"status": 200, "body": {"x": 1}}),
                (0.15, "expect", rnd.choice([{"status": ["2xx"]}, {"bodyContains": "zzz"},
                                             {"maxBodyBytes": 10}])),
                (0.3, "coalesce", self.chance(0.8)), (0.1, "sign", {"secret": "s"}),
                (0.2, "optional", True), (0.1, "timeoutMs", rnd.choice([1, 30, 200]))):
            if self.chance(share):
                item[name] = value
        if self.chance(0.1):
            item["select"] = ["/a", "/headers/0"]
        elif self.chance(0.1):
            item["bodyMode"] = rnd.choice(["none", "sha256", {"firstBytes": 7}])
        if index and self.chance(0.25):
            item["dependsOn"] = [f"a{rnd.randrange(index)}"]
        if index and self.chance(0.2):
            other = f"a{rnd.randrange(index)}"
            item["url"] += "?x={{" + other + ".status}}"
            if isinstance(item.get("body"), dict) and item["body"] != SHARED:
                item["body"] = {"v": "{{" + other + ".body}}"}
        return item

    def loop(self, number):
        return {"id": f"f{number}", "url": self.rnd.choice(self.usual) + "?i={{item}}",
                "forEach": "{{src.body}}", "max": 1000,
                **self.rnd.choice([{}, {"hedgeAfterMs": 5}, {"retries": 2}, {"sign": {"secret": "s"}},
                                   {"alternatives": self.usual[:2]}, {"coalesce": True},
                                   {"expect": {"status": [204]}, "retries": 1}])}

    def long_one(self):
        """Of plain items, as workers hand them to each other."""
        rnd = self.rnd
        urls = self.usual[:1] * 8 + [rnd.choice(self.urls)]
        items = [{"id": f"a{i}", "url": rnd.choice(urls)} for i in range(LONG)]
        batch = {"requests": items, "deadlineMs": rnd.choice([100, 1000, 10000])}
        if self.chance(0.3):
            batch["defaults"] = {"retries": 0, "method": rnd.choice(["GET", "POST"])}
        for share, name, value in (
                (0.3, "until", rnd.choice(["firstDone", {"ok": rnd.choice([10, LONG // 2])}])),
                (0.2, "failFast", True), (0.2, "concurrency", rnd.choice([200, 1000]))):
            if self.chance(share):
                batch[name] = value
        return batch

    def batch(self):
        rnd = self.rnd
        if self.chance(0.2):
            return self.long_one()
        items = [self.item(i) for i in range(rnd.choice([1, 3, 10, 50, 700, 1500]))]
        if self.chance(0.5):
            array = json.dumps(list(range(rnd.choice([0, 1, 5, 60, 300])))).encode()
            items.append({"id": "src", "url": self.upstream.body_url(array)})
            items += [self.loop(i) for i in range(rnd.randint(1, 3))]
            items.append({"id": "last", "url": self.usual[0], "dependsOn": ["f0"]})
        if self.chance(0.3):
            rnd.shuffle(items)
        batch = {"requests": items, "deadlineMs": rnd.choice([30, 200, 1000, 3000])}
        if any(item.get("body") == SHARED for item in items):
            batch["sharedBody"] = {"q": 1}
        for share, name, value in (
                (0.3, "until", rnd.choice(["firstDone", "firstOk", {"ok": (len(items) + 1) // 2}])),
                (0.2, "failFast", True), (0.3, "concurrency", rnd.choice([1, 2, 8, 100])),
                (0.3, "coalesce", True)):
            if self.chance(share):
                batch[name] = value
        return batch


def send(raw, batch, path, accept, more):
    body = json.dumps(batch).encode()
    raw.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                f"Accept: {accept}\r\nConnection: close\r\nContent-Length: {len(body)}\r\n{more}\r\n"
                .encode() + body)


def receive(raw, rnd, is_slow):
    data = bytearray()
    while chunk := raw.recv(3000 if is_slow else 65536):
        data += chunk
        if is_slow and rnd.random() < 0.3:
            time.sleep(0.01)
    return bytes(data)


def unchunk(body):
    whole = bytearray()
    while body:
        size, _, body = body.partition(b"\r\n")
        count = int(size, 16)
        if count == 0:
            return bytes(whole)
        whole += body[:count]
        body = body[count + 2:]
    raise AssertionError("the last chunk is missing")


def ids_of(body, accept):
    """Of the responses; the summary must be there."""
    if accept == FORMS[0]:
        return [item["id"] for item in json.loads(body)["responses"]]
    prefix = b"data: " if accept == FORMS[2] else b""
    parts = [json.loads(line[len(prefix):]) for line in body.split(b"\n")
             if line.startswith(prefix + b"{")]
    *responses, summary = parts
    assert "total" in summary.get("summary", summary), summary
    return [item["id"] for item in responses]


class Clients:
    def __init__(self, gatherd, upstream, seconds):
        self.gatherd, self.upstream = gatherd, upstream
        self.until = time.monotonic() + seconds
        self.counts, self.wrong, self.lock = Counter(), [], threading.Lock()

    def run(self, seed):
        rnd = random.Random(seed)
        mixture = Mixture(rnd, self.upstream)
        while time.monotonic() < self.until and not self.wrong:
            batch = mixture.batch()
            accept = rnd.choice(FORMS)
            path = rnd.choice(["/v1/batch"] * 9 + ["/v1/explain"])
            try:
                what = self.ask(rnd, batch, path, accept)
            except Exception as error:  # pylint: disable=broad-except
                what = "wrong"
                self.wrong.append(f"seed {seed}, {accept} {path}: {error!r}"[:500])
            with self.lock:
                self.counts[what] += 1

    def ask(self, rnd, batch, path, accept):
        leave = rnd.choice([None, None, 0, 0.01, 0.05, 0.3])
        with socket.socket() as raw:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            raw.settimeout(15 * slowness())
            raw.connect(("127.0.0.1", self.gatherd.port))
            send(raw, batch, path, accept, rnd.choice(["", "", "X-Left: 100\r\n"]))
            if leave is not None:
                time.sleep(leave)
                return "left"
            reply = receive(raw, rnd, rnd.random() < 0.2)
        head, _, body = reply.partition(b"\r\n\r\n")
        status = int(head[9:12])
        if status == 503:
            return "refused"
        assert status == 200, reply[-400:]
        if path == "/v1/explain":
            return "explained"
        if b"transfer-encoding: chunked" in head.lower():
            body = unchunk(body)
        ids, wanted = ids_of(body, accept), [item["id"] for item in batch["requests"]]
        assert (ids if accept == FORMS[0] else sorted(ids)) == \
            (wanted if accept == FORMS[0] else sorted(wanted)), "not one response for each item"
        return accept


def figure(gatherd, name):
    return int(float(re.search(rf"^gatherd_{name} (\S+)$", gatherd.metrics(), re.M)[1]))


def mix_with(configuration, upstream, folder, seconds, seed, clients):
    """(how many of what, what was wrong)"""
    gatherd = Gatherd(folder, COMMON, configuration)
    try:
        crowd = Clients(gatherd, upstream, seconds)
        threads = [threading.Thread(target=crowd.run, args=(seed * 1000 + i,)) for i in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        wait_until(lambda: not any(figure(gatherd, name) for name in GAUGES), 10 * slowness(),
                   "nothing in flight or queued")
        crowd.counts["items handed over"] = figure(gatherd, "items_handed_over_total")
        gatherd.stop()
    finally:
        gatherd.child.popen.kill()
    return crowd.counts, crowd.wrong


def mix(folder, seconds, seed=1, clients=6):
    """(how many of what, what was wrong)"""
    upstream = Upstream(folder, "--max-seconds", str(int(seconds * 4 + 120)))
    counts, wrong = Counter(), []
    try:
        for configuration in (SCARCE, ROOMY):
            more, faults = mix_with(configuration, upstream, folder, seconds / 2, seed, clients)
            counts += more
            wrong += faults
    finally:
        upstream.stop()
    if not wrong and not counts["items handed over"]:
        wrong.append("no item was handed over")
    return counts, wrong


def main():
    parser = parser_of(__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--clients", type=int, default=6)
    arguments = parser.parse_args()
    return show(lambda folder: mix(folder, arguments.seconds, arguments.seed, arguments.clients))


if __name__ == "__main__":
    sys.exit(main())
