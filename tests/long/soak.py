#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""L17: a mixed load for any length of time, with a nonce in every item that must come back in
that item's body and nowhere else.

    tests/long/soak.py                              30 minutes; needs root, for a namespace
    tests/long/soak.py --seconds 259200 --rate 100  three days
    tests/long/soak.py --seconds 20 --sample 2      what the tests run

A fifth of the items meets a fault of the upstream (those of tests/support/harness/faults.py);
the others ask for an echo of their nonce: several origins, names, https, redirects, GET and
POST. Batches are small and large; every tenth is given up by its client at a random moment: by
FIN, by RST, by half a close, before or after the whole request was sent. Every --sample seconds
memory, descriptors, threads and metrics are written down. The first tenth (a minute at most) is
a flood of the largest batches, so that memory has seen its peak before it is measured.

Right is: no nonce in a wrong place; every reply whole and by the contract; after the load
nothing in flight, the descriptors back, as many threads as at the start, memory flat (a line
through the samples after the first fifth rises by less than --growth MiB over the run); status
0 after SIGTERM. --summary NAME writes NAME.json and NAME.txt, one page."""
import argparse
import collections
import contextlib
import http.client
import json
import os
import random
import re
import socket
import struct
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))

from harness import faults  # noqa: E402
from harness.client import Reply  # noqa: E402
from harness.configuration import options  # noqa: E402
from harness.contract import check_batch_reply  # noqa: E402
from harness.gatherd import Gatherd, binary, sanitizer, slowness  # noqa: E402
from harness.namespace import Namespace  # noqa: E402
from harness.process import figure_of, wait_until  # noqa: E402
from harness.upstream_process import Upstream  # noqa: E402

CONFIGURATION = options(
    server__workers=2, fetch__connect_timeout="700ms", fetch__first_byte_timeout="600ms",
    fetch__idle_timeout="600ms", fetch__timeout="2s", fetch__keep_alive="5s",
    dns__timeout="500ms", log__level="warning")
DEADLINE_MS = 5000
FAULTY_SHARE, GIVEN_UP_SHARE = 0.2, 0.1
SIZES = [1] * 8 + [2, 3, 5, 8] * 2 + [20, 40, 100]
GENTLE = ["keepalive-lie", "stale", "reset", "close", "truncate", "reset-mid", "halfclose"]
"""Faults that taint nobody, so that the origin's connections go on being kept and shared."""
HOSTILE = ["unasked?after=reply&nonce=none&ms=1", "unasked?after=304&nonce=none&ms=5",
           "unasked?after=head&nonce=none&ms=0", "poison", "204-body", "304-body"]
NAMES = 400
WARM_SECONDS = 600
"""A shorter run says nothing on memory: connections to all those names are yet to be opened."""
LATE_SHARE = 1 / 2000
"""What a machine that does other work, too, may delay beyond deadline + 250 ms."""
METRICS = ("gatherd_batches_in_flight", "gatherd_items_in_flight", "gatherd_items_queued",
           "gatherd_upstream_connections", "gatherd_client_connections",
           "gatherd_upstream_unasked_replies_total", "gatherd_upstream_connections_opened_total",
           "gatherd_upstream_connections_reused_total", "gatherd_clients_gone_total")


class Rig:
    def __init__(self, folder):
        self.namespace = Namespace(folder)
        self.upstream = Upstream(folder, "--tls", "--dns", "53", "--allow-non-loopback",
                                 "--max-seconds", "10000000", host="0.0.0.0",
                                 prefix=self.namespace.prefix)
        self.upstream.host = "127.0.0.1"
        self.gatherd = self.namespace.call(Gatherd, folder, CONFIGURATION, options(
            fetch__ca_file=self.upstream.ca_file), prefix=self.namespace.prefix)

    def close(self):
        """SIGTERM; descriptors are looked at before, the exit status after."""
        try:
            self.namespace.call(self.gatherd.stop)
        finally:
            self.gatherd.child.popen.kill()
            self.upstream.stop()
            self.namespace.close()


class Tally:
    """What all clients saw."""

    def __init__(self):
        self.lock = threading.Lock()
        self.counts = collections.Counter()
        self.codes = collections.Counter()
        self.wrong = []

    def add(self, **counts):
        with self.lock:
            self.counts.update(counts)

    def add_codes(self, codes):
        with self.lock:
            self.codes.update(codes)

    def say_wrong(self, sentence):
        with self.lock:
            self.counts["wrong"] += 1
            if len(self.wrong) < 50:
                self.wrong.append(sentence[:1000])


class Maker:
    """Makes items; remembers of each which nonce must come back."""

    def __init__(self, upstream, rng, name):
        self.upstream, self.rng, self.name = upstream, rng, name
        self.made = 0

    def item(self):
        self.made += 1
        nonce = f"{self.name}.{self.made}"
        if self.rng.random() < FAULTY_SHARE:
            return {"id": nonce, "maxBodyBytes": 300_000, **self.faulty()}, None
        return {"id": nonce, **self.good(nonce)}, nonce

    def faulty(self):
        http = f"http://127.0.0.2:{self.upstream.port}"
        kind = self.rng.random()
        if kind < 0.45:
            return {"url": f"{http}/{self.rng.choice(faults.FAULTS)[0]}"}
        if kind < 0.75:
            path = self.rng.choice(GENTLE)
            return {"url": f"http://127.0.0.1:{self.upstream.port}/{path}"}
        if kind < 0.8:
            return {"url": f"http://127.0.0.3:{self.upstream.port}/{self.rng.choice(HOSTILE)}"}
        if kind < 0.85:
            return {"url": self.upstream.tcp(self.rng.choice(list(faults.TCP_FAULTS)))}
        if kind < 0.95:
            return {"url": self.upstream.tls(self.rng.choice(list(faults.TLS_FAULTS)))}
        label = self.rng.choice(faults.DNS_FAULTS)
        return {"url": f"http://{label}.n{self.rng.randrange(NAMES)}.test:{self.upstream.port}/ok"}

    def good(self, nonce):
        port, path = self.upstream.port, f"echo?nonce={nonce}"
        kind = self.rng.random()
        if kind < 0.4:
            item = {"url": f"http://127.0.0.1:{port}/{path}"}
        elif kind < 0.5:
            item = {"url": f"http://127.0.0.2:{port}/{path}"}
        elif kind < 0.65:
            name = f"a-127-0-0-1.n{self.rng.randrange(NAMES)}.test"
            item = {"url": f"http://{name}:{port}/{path}"}
        elif kind < 0.85:
            item = {"url": self.upstream.tls("good", path)}
        else:
            item = {"url": f"http://127.0.0.1:{port}/redirect-to?u=/{path}", "redirects": 2}
        if self.rng.random() < 0.2:
            item.update(method="POST", body=nonce)
        return item


def judge(items, nonces, responses, tally):
    """Each echo in its place, and in no other."""
    failed = 0
    for item, nonce, reply in zip(items, nonces, responses):
        target = reply["body"].get("target") if isinstance(reply.get("body"), dict) else None
        if nonce is None and target is not None and "nonce=" in target:
            tally.say_wrong(f"a fault got somebody's echo: {item} {reply}")
        elif nonce is not None and "error" in reply:
            failed += 1
        elif nonce is not None and target != f"/echo?nonce={nonce}":
            tally.say_wrong(f"not its own echo: {item} {reply}")
    tally.add(items=len(items), nonces=sum(n is not None for n in nonces), good_failed=failed)
    tally.add_codes(r["error"]["code"] if "error" in r else "ok" for r in responses)


class Client(threading.Thread):
    def __init__(self, rig, tally, number, arguments, until):
        super().__init__(daemon=True)
        self.rig, self.tally, self.until = rig, tally, until
        self.rng = random.Random(arguments.seed * 1000 + number)
        self.maker = Maker(rig.upstream, self.rng, f"{number}")
        self.items_per_s = arguments.rate / arguments.clients
        self.warm_at = until - arguments.seconds + min(60, arguments.seconds / 10)
        self.late_s = 0.25 * (arguments.stretch or slowness())
        self.connection = None

    def run(self):
        self.rig.namespace.enter()
        due = time.monotonic() + self.rng.random()
        while time.monotonic() < self.until:
            is_warm = time.monotonic() > self.warm_at
            count = self.rng.choice(SIZES) if is_warm else max(SIZES)
            pace = self.items_per_s if is_warm else 10 * self.items_per_s
            due = max(due + count / pace, time.monotonic() - 1)
            time.sleep(max(0.0, min(due, self.until) - time.monotonic()))
            try:
                self.one(*zip(*[self.maker.item() for _ in range(count)]))
            except (AssertionError, OSError, ValueError, http.client.HTTPException) as reason:
                self.drop_connection()
                self.tally.say_wrong(f"{type(reason).__name__}: {reason}")
        self.drop_connection()

    def one(self, items, nonces):
        document = json.dumps({"requests": items, "deadlineMs": DEADLINE_MS}).encode()
        if self.rng.random() < GIVEN_UP_SHARE:
            self.give_up(document)
            return
        started = time.monotonic()
        reply = self.post(document)
        seconds = time.monotonic() - started
        if reply.status in (429, 503):
            self.tally.add(refused=1)
            return
        responses = check_batch_reply(reply, [i["id"] for i in items])["responses"]
        judge(items, nonces, responses, self.tally)
        self.tally.add(batches=1, late=seconds > DEADLINE_MS / 1000 + self.late_s)

    def post(self, document):
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.rig.gatherd.port,
                                                         timeout=60)
        self.connection.request("POST", "/v1/batch", document,
                                {"content-type": "application/json"})
        reply = self.connection.getresponse()
        whole = Reply(reply.status, reply.getheaders(), reply.read())
        if self.rng.random() < 0.3:
            self.drop_connection()
        return whole

    def drop_connection(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def give_up(self, document):
        request = (b"POST /v1/batch HTTP/1.1\r\nHost: soak\r\nContent-Type: application/json\r\n"
                   b"Content-Length: %d\r\n\r\n%s" % (len(document), document))
        if self.rng.random() < 0.3:
            request = request[:self.rng.randrange(len(request))]
        how = self.rng.choice(("fin", "rst", "half"))
        with socket.create_connection(("127.0.0.1", self.rig.gatherd.port), timeout=20) as raw, \
                contextlib.suppress(ConnectionError, socket.timeout):
            raw.sendall(request)
            time.sleep(self.rng.random() ** 2 * 0.8)
            if how == "rst":
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            elif how == "half":
                raw.shutdown(socket.SHUT_WR)
                while raw.recv(65536):
                    pass
        self.tally.add(**{f"given_up_{how}": 1})


# ----------------------------------------------------------------------------- samples

def sample(rig, started):
    pid, text = rig.gatherd.pid, rig.namespace.call(rig.gatherd.metrics)
    taken = {"seconds": round(time.monotonic() - started, 1),
             "rss_mib": round(figure_of(pid, "VmRSS") / 1024, 1),
             "threads": figure_of(pid, "Threads"),
             "descriptors": len(os.listdir(f"/proc/{pid}/fd"))}
    for name in METRICS:
        taken[name.removeprefix("gatherd_")] = int(re.search(rf"^{name} (\d+)$", text, re.M)[1])
    return taken


def slope_mib_per_s(samples):
    """Of the least-squares line through the memory of the samples."""
    count = len(samples)
    if count < 3:
        return 0.0
    mean_s = sum(s["seconds"] for s in samples) / count
    mean_mib = sum(s["rss_mib"] for s in samples) / count
    spread = sum((s["seconds"] - mean_s) ** 2 for s in samples)
    return sum((s["seconds"] - mean_s) * (s["rss_mib"] - mean_mib) for s in samples) / spread


def settle(rig):
    """Once the clients are gone nothing may be left in flight, and after fetch.keep_alive no
    connection either: only then can descriptors be counted, for one that the other side reset
    is in no table of the kernel."""
    wait_until(lambda: all(re.search(rf"^{name} 0$", rig.namespace.call(rig.gatherd.metrics), re.M)
                           for name in METRICS[:4]), 30, "nothing in flight and no idle connection")


def watch(rig, clients, arguments, until):
    started, samples = time.monotonic(), []
    while time.monotonic() < until:
        time.sleep(max(0.0, min(arguments.sample, until - time.monotonic())))
        assert rig.gatherd.is_alive, rig.gatherd.child.errors()[-3000:]
        samples.append(sample(rig, started))
        if arguments.verbose:
            print(samples[-1], flush=True)
    for client in clients:
        client.join(90)
        assert not client.is_alive(), "a client hangs"
    return samples


def judge_samples(samples, threads, arguments):
    wrong = []
    steady = [s for s in samples if s["seconds"] > arguments.seconds / 5]
    growth = slope_mib_per_s(steady) * arguments.seconds
    is_warm = arguments.seconds >= WARM_SECONDS
    if is_warm and sanitizer() == "none" and growth > arguments.growth:
        wrong.append(f"memory rises: {growth:.1f} MiB over the run")
    if any(s["threads"] != threads for s in samples):
        wrong.append(f"not always {threads} threads")
    return growth, wrong


def write_summary(name, page, text):
    Path(f"{name}.json").write_text(json.dumps(page, indent=1) + "\n")
    Path(f"{name}.txt").write_text(text)


def page_of(tally, samples, growth, wrong, arguments):
    steady = samples[len(samples) // 5:]
    return {"seconds": arguments.seconds, "rate": arguments.rate, "seed": arguments.seed,
            "binary": binary(), "counts": dict(tally.counts), "codes": dict(tally.codes),
            "rss_growth_mib": round(growth, 2),
            "rss_mib": [min(s["rss_mib"] for s in steady), max(s["rss_mib"] for s in steady)],
            "descriptors": [min(s["descriptors"] for s in steady),
                            max(s["descriptors"] for s in steady)],
            "threads": sorted({s["threads"] for s in samples}),
            "wrong": wrong, "last": samples[-1], "samples": samples}


def text_of(page):
    counts = collections.Counter(page["counts"])
    given_up = sum(n for name, n in counts.items() if name.startswith("given_up"))
    lines = [
        f"soak of {page['seconds']:g} s, seed {page['seed']}: "
        f"{'WRONG' if page['wrong'] else 'right'}",
        f"{counts['batches']} batches, {counts['items']} items, {counts['nonces']} with a nonce, "
        f"{given_up} batches given up, {counts['refused']} refused, {counts['late']} late",
        f"{counts['wrong']} mix-ups or broken replies; {counts['good_failed']} echoes ended with "
        "an error",
        f"memory {page['rss_mib'][0]} to {page['rss_mib'][1]} MiB, trend "
        f"{page['rss_growth_mib']:+} MiB over the run; descriptors {page['descriptors'][0]} to "
        f"{page['descriptors'][1]}; threads {page['threads']}",
        "items: " + ", ".join(f"{code} {n}" for code, n in sorted(page["codes"].items())),
        *page["wrong"]]
    return "\n".join(lines) + "\n"


def soak(folder, arguments):
    """Runs it all; returns the page."""
    rig, tally = Rig(folder), Tally()
    threads = figure_of(rig.gatherd.pid, "Threads")
    until = time.monotonic() + arguments.seconds
    clients = [Client(rig, tally, n, arguments, until) for n in range(arguments.clients)]
    for client in clients:
        client.start()
    end_faults, samples = [], []
    try:
        samples = watch(rig, clients, arguments, until)
        settle(rig)
    except AssertionError as reason:
        end_faults.append(str(reason))
    try:
        rig.close()
    except AssertionError as reason:
        end_faults.append(str(reason))
    growth, wrong = judge_samples(samples, threads, arguments)
    if tally.counts["late"] > tally.counts["batches"] * LATE_SHARE:
        wrong.append(f"{tally.counts['late']} replies after the deadline")
    return page_of(tally, samples, growth, tally.wrong + wrong + end_faults, arguments)


def parse_arguments(words=None):
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=1800)
    parser.add_argument("--rate", type=float, default=150, help="items per second")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--sample", type=float, default=10, help="seconds between samples")
    parser.add_argument("--growth", type=float, default=12, help="MiB that memory may rise by")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--stretch", type=float, help="replies may be 250 ms times this late;"
                        " default 1, 2 with AddressSanitizer, 4 with ThreadSanitizer")
    parser.add_argument("--summary", help="NAME: writes NAME.json and NAME.txt")
    parser.add_argument("--verbose", action="store_true", help="prints every sample")
    return parser.parse_args(words)


def main():
    arguments = parse_arguments()
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        page = soak(Path(folder), arguments)
    text = text_of(page)
    print(text, end="")
    if arguments.summary:
        write_summary(arguments.summary, page, text)
    return 1 if page["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
