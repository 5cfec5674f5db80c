#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tries to make gatherd send a packet where callers may not reach: hostile spellings of URLs
(ssrf_spellings.py) in every way an address can get into a request, in a network namespace where
every address answers (ssrf_rig.py).  Needs root.

    tests/long/ssrf.py [--spellings 2500] [--seed 1] [--pause 1.2]

Prints what became of them, and exits 1 if a single SYN went to an address that is not public,
or if the rig could not have noticed: the same attacks on a gatherd that
permits private addresses must reach canaries."""
import argparse
import collections
import hashlib
import http.client
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))

import ssrf_rig as rig  # noqa: E402
import ssrf_spellings as spellings  # noqa: E402
from harness.gatherd import Gatherd  # noqa: E402
from harness.process import Child, accepts, wait_until  # noqa: E402

METADATA = ["169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16",
            "fd00:ec2::254", "fd20:ce::254"]
QUICK = {"dns": {"timeout": "1s"},
         "fetch": {"connect_timeout": "1s", "first_byte_timeout": "2s", "timeout": "5s"}}
STRICT = {"egress": {"private_addresses": "deny"}}
LENIENT = {"egress": {"private_addresses": "allow", "allow": METADATA}}
CALLERS = {"auth": {"mode": "keys",
                    "keys": [{"name": name, "sha256": hashlib.sha256(name.encode()).hexdigest()}
                             for name in ("open", "shut")]},
           "egress": {"private_addresses": "deny",
                      "rules": [{"keys": ["open"], "allow": ["0.0.0.0/0", "::/0", *METADATA]}]}}
THROUGH_PROXY = {"fetch": {"proxy": f"http://{rig.PROXY}:{rig.PROXY_PORT}",
                           "connect_timeout": "5s"}}
BATCH = 250
ORIGINS_KEPT = 800          # gatherd forgets idle origins, and what it pools for them, above 1024
CANARY_BODY = "CANARY!"


class Service:
    """A gatherd and one kept-alive connection to it, whose SYN the watch does not count."""

    def __init__(self, folder, *trees):
        self.gatherd = Gatherd(folder, QUICK, *trees)
        self.connection = None
        self.key = "none"

    def post(self, document):
        body = json.dumps(document).encode()
        for _ in range(2):
            if self.connection is None:
                self.connection = http.client.HTTPConnection(
                    "127.0.0.1", self.gatherd.port, timeout=60, source_address=(rig.CLIENT, 0))
            try:
                self.connection.request("POST", "/v1/batch", body, {
                    "content-type": "application/json", "x-api-key": self.key})
                reply = self.connection.getresponse()
                return reply.status, json.loads(reply.read())
            except (http.client.RemoteDisconnected, ConnectionResetError):
                self.connection = None
        raise AssertionError("gatherd closes the connection")

    def fetch(self, items):
        """One response per item; an item that makes the batch a bad request has none."""
        responses = []
        for at in range(0, len(items), BATCH):
            responses += self.fetch_some(items[at:at + BATCH])
        return responses

    def fetch_some(self, items):
        status, document = self.post({"requests": items, "include": ["body", "timing"]})
        if status == 200:
            return document["responses"]
        if len(items) == 1:
            return [{"status": status, "error": {"code": f"http {status}"}}]
        half = len(items) // 2
        return self.fetch_some(items[:half]) + self.fetch_some(items[half:])

    def stop(self):
        if self.connection:
            self.connection.close()
        self.gatherd.stop()


def verdict(response):
    return response["error"]["code"] if "error" in response else str(response["status"])


class Attack:
    """The ways, each a function from a service to [(label, response)]."""

    def __init__(self, servers, hostile, pause):
        self.servers, self.hostile, self.pause = servers, hostile, pause
        self.serial = 0

    def names(self, make_answers):
        """A fresh name for each spelling's address: [(name, address)]."""
        self.serial += 1
        made = []
        for number, (_, address) in enumerate(self.hostile):
            name = f"n{number}.s{self.serial}.hostile.test"
            self.servers.names.answers[name] = make_answers(number, address, name)
            made.append((name, address))
        return made

    @staticmethod
    def items(names, **more):
        ports = ["", ":8080", ":443"]
        return [{"url": f"http://{name}{ports[n % 3]}/", **more} for n, (name, _) in
                enumerate(names)]

    def run(self, service, labels, items):
        return list(zip(labels, service.fetch(items)))

    def direct(self, service):
        urls = [url for url, _ in self.hostile]
        return self.run(service, urls, [{"url": url} for url in urls])

    def redirect(self, service):
        urls = [url for url, _ in self.hostile]
        first = len(self.servers.locations)
        self.servers.locations += urls
        return self.run(service, urls, [
            {"url": f"http://{rig.PUBLIC}/to/{first + n}", "redirects": 3}
            for n in range(len(urls))])

    def name(self, service):
        """A, AAAA, aliases, and answers that mix a public address in, at either end."""
        def answers(number, address, name):
            return [[[address], [f"x.{name}", address], [rig.PUBLIC, address],
                     [address, rig.PUBLIC], [rig.PUBLIC_6, address],
                     [f"x.{name}", f"y.{name}", rig.PUBLIC, address]][number % 6]]
        names = self.names(answers)
        return self.run(service, [a for _, a in names], self.items(names))

    def redirect_to_name(self, service):
        names = self.names(lambda number, address, name: [[address]])
        first = len(self.servers.locations)
        self.servers.locations += [f"http://{name}/" for name, _ in names]
        return self.run(service, [a for _, a in names], [
            {"url": f"http://{rig.PUBLIC}/to/{first + n}", "redirects": 3}
            for n in range(len(names))])

    def rebinding(self, service):
        """Public at first, with a TTL of 0; then the address.  Asked at once, again at once,
        and after a pause; in the middle of it each name is also where a redirect leads."""
        def answers(number, address, name):
            public = rig.PUBLIC_6 if ":" in address else rig.PUBLIC
            return [[public], [address]]
        names = self.names(answers)
        labels = [a for _, a in names]
        first = len(self.servers.locations)
        self.servers.locations += [f"http://{name}/" for name, _ in names]
        done = self.run(service, labels, self.items(names))
        done += self.run(service, labels, self.items(names))
        time.sleep(self.pause)
        done += self.run(service, labels, self.items(names))
        done += self.run(service, labels, [
            {"url": f"http://{rig.PUBLIC}/to/{first + n}", "redirects": 3}
            for n in range(len(names))])
        return done

    def reuse(self, service):
        """A connection is opened and kept under a name that is public; the name turns private,
        and public again: the second time must be refused though the connection is there, the
        third time uses it."""
        def answers(number, address, name):
            return [[rig.PUBLIC], [address], [rig.PUBLIC]]
        names = self.names(answers)
        done = []
        self.reused = 0
        for at in range(0, len(names), ORIGINS_KEPT):
            some = names[at:at + ORIGINS_KEPT]
            for self.servers.names.turn in range(3):
                done += self.run(service, [a for _, a in some], [
                    {"url": f"http://{name}/"} for name, _ in some])
                time.sleep(self.pause)
            self.servers.names.turn = None
            self.reused += sum(r["timing"]["reused"] for _, r in done[-len(some):])
        return done


    def by_the_key_that_may(self, service):
        """Opens connections to the canaries, which stay in the pool, and fills the cache of
        names: for the other key to find."""
        names = self.names(lambda number, address, name: [[address]])[:ORIGINS_KEPT // 2]
        urls = [url for url, _ in self.hostile][:ORIGINS_KEPT // 2]
        self.labels = urls + [a for _, a in names]
        self.shared = [{"url": url} for url in urls] + self.items(names)
        service.key = "open"
        return self.run(service, self.labels, self.shared)

    def by_the_key_that_may_not(self, service):
        service.key = "shut"
        return self.run(service, self.labels, self.shared)


WAYS = ["direct", "redirect", "name", "redirect_to_name", "rebinding", "reuse"]


class Report:
    def __init__(self):
        self.is_bad = False

    def line(self, text):
        print(text, flush=True)

    def fail(self, text):
        self.is_bad = True
        self.line(f"FAILED: {text}")


def hits_of(watch, servers, done):
    """(SYNs to canaries, responses that hold a canary's body, names of those)"""
    seen = {to: n for to, n in watch.read().items() if not rig.is_allowed_syn(*to)}
    bodies = [label for label, response in done if response.get("body") == CANARY_BODY]
    reached, servers.reached[:] = list(servers.reached), []
    return seen, bodies, reached


def attack(report, title, service, ways, attacks, watch, must_hold):
    """Runs the ways; returns how many items of each got a canary's reply."""
    counts = {}
    for way in ways:
        watch.read()
        attacks.servers.reached[:] = []
        began = time.monotonic()
        done = getattr(attacks, way)(service)
        seen, bodies, reached = hits_of(watch, attacks.servers, done)
        verdicts = collections.Counter(verdict(response) for _, response in done)
        counts[way] = len(bodies)
        report.line(f"{title:8} {way:23} {len(done):6} tried, {sum(seen.values())} SYNs to and "
                    f"{len(bodies)} replies of canaries, {time.monotonic() - began:.1f} s: " +
                    ", ".join(f"{code} {n}" for code, n in verdicts.most_common()))
        if must_hold and (seen or bodies or reached):
            report.fail(f"{way}: SYNs {dict(list(seen.items())[:10])}, bodies {bodies[:10]}, "
                        f"reached {reached[:10]}")
        if must_hold and way in ("rebinding", "reuse"):
            check_was_tried(report, way, verdicts, attacks)
    return counts


def check_was_tried(report, way, verdicts, attacks):
    """The attack needs the public answer first, and the refusal after it."""
    count = len(attacks.hostile) // 2       # on a busy machine some answers come too late
    if verdicts["200"] < count or verdicts["blocked_address"] < count:
        report.fail(f"{way}: the names did not change under gatherd: {dict(verdicts)}")
    if way == "reuse" and attacks.reused < count:
        report.fail(f"only {attacks.reused} of {count} connections were kept and used again")


# -------------------------------------------------------------- what a refusal tells

def check_oracle(report, service, watch):
    """An open and a closed port behind a refused address: the same words, the same time."""
    items, rounds = [], 40
    for address in ("127.0.0.1", "10.1.2.3", "169.254.169.254", "[::1]", "[fc00::1]"):
        items += [f"http://{address}:8080/", f"http://{address}:{rig.CLOSED_PORT}/"]
    responses = service.fetch([{"url": url} for url in items])
    for at in range(0, len(items), 2):
        pair = [json.dumps(r["error"]) for r in responses[at:at + 2]]
        if pair[0] != pair[1]:
            report.fail(f"the refusal tells whether a port is open: {items[at]}: {pair}")
    times = [[], []]
    for n in range(2 * rounds):
        began = time.perf_counter()
        service.fetch([{"url": items[n % 2]}])
        times[n % 2].append(time.perf_counter() - began)
    opened, closed = (1000 * statistics.median(t) for t in times)
    report.line(f"oracle   open port {opened:.2f} ms, closed port {closed:.2f} ms (medians of "
                f"{rounds}), the words are equal")
    if abs(opened - closed) > 2:
        report.fail("the refusal's time tells whether a port is open")
    if not all(rig.is_allowed_syn(*to) for to in watch.read()):
        report.fail("a port was tried")


# ---------------------------------------------------------------- the rig itself

def quoted(url):
    table = {"\\": "\\\\", '"': '\\"', "\t": "\\t", "\n": "\\n", "\r": "\\r"}
    return '"' + "".join(table.get(c, c) for c in url) + '"'


def curl_hits(hostile, folder):
    """With how many of them plain curl -L reaches a canary: how hostile they are."""
    script = Path(folder) / "curl.conf"
    script.write_text("".join(f"url = {quoted(url)}\noutput = \"/dev/null\"\n"
                              for url, _ in hostile), "utf-8")
    run = subprocess.run(
        ["curl", "-q", "-s", "-g", "-L", "--max-time", "2", "--proto", "=http,https", "--insecure",
         "--noproxy", "*", "-w", "%{size_download}\\n", "-K", str(script)],
        env={"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"}, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return run.stdout.split(b"\n").count(str(len(CANARY_BODY)).encode())


def check_rig(report, folder, attacks, watch):
    """The positive control: with private addresses permitted every way reaches canaries."""
    reached = curl_hits(attacks.hostile, folder)
    report.line(f"control  plain curl -L reaches a canary with {reached} of "
                f"{len(attacks.hostile)} spellings")
    if not reached:
        report.fail("no spelling is hostile to curl")
    service = Service(folder, LENIENT)
    counts = attack(report, "control", service, WAYS, attacks, watch, must_hold=False)
    service.stop()
    for way, count in counts.items():
        if count < len(attacks.hostile) // 10:
            report.fail(f"the rig would not notice: {way} reached a canary only {count} times")


def start_proxy(folder):
    log = Path(folder) / "proxy.log"
    log.touch()
    proxy = Child([sys.executable, str(rig.PROXY_PROGRAM), rig.PROXY, str(rig.PROXY_PORT),
                   str(log)], folder, "proxy")
    wait_until(lambda: accepts(rig.PROXY_PORT, rig.PROXY), 10, "the proxy")
    return proxy, log


def is_tunnel_to_public(line):
    verb, _, target = line.partition(" ")
    host = target.rpartition(":")[0].strip("[]")
    try:
        return verb == "connect" and rig.is_public(host)
    except ValueError:      # a name
        return False


def check_proxy_log(report, log):
    """It was told public addresses, and nothing else."""
    lines = collections.Counter(log.read_text("utf-8").splitlines())
    foreign = [line for line in lines if not is_tunnel_to_public(line)]
    report.line(f"proxy    asked {sum(lines.values())} times, for {len(lines)} addresses and ports")
    if foreign or not lines:
        report.fail(f"the proxy was asked for {foreign[:10]}")


def run(options, folder):
    report = Report()
    watch, servers = rig.SynWatch(), rig.Servers()
    hostile = spellings.generate(options.spellings, options.seed)
    attacks = Attack(servers, hostile, options.pause)
    check_rig(report, folder, attacks, watch)

    service = Service(folder, STRICT)
    attack(report, "strict", service, WAYS, attacks, watch, must_hold=True)
    check_oracle(report, service, watch)
    service.stop()

    service = Service(folder, CALLERS)
    counts = attack(report, "callers", service, ["by_the_key_that_may"], attacks, watch, False)
    if not counts["by_the_key_that_may"]:
        report.fail("the key that may reach canaries did not")
    attack(report, "callers", service, ["by_the_key_that_may_not"], attacks, watch, True)
    service.stop()

    proxy, log = start_proxy(folder)
    service = Service(folder, STRICT, THROUGH_PROXY)
    attack(report, "proxy", service, WAYS, attacks, watch, must_hold=True)
    check_proxy_log(report, log)
    service.stop()
    proxy.stop()

    ways = 2 * len(WAYS) + 1
    report.line(f"{len(hostile)} spellings (seed {options.seed}) x {ways} ways: " +
                ("NOT held" if report.is_bad else "0 hits, held"))
    return 1 if report.is_bad else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spellings", type=int, default=2500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pause", type=float, default=1.2, help="seconds for a TTL to pass")
    options = parser.parse_args()
    rig.enter_namespace()
    with tempfile.TemporaryDirectory(prefix="ssrf-") as folder:
        sys.exit(run(options, folder))


if __name__ == "__main__":
    main()
