#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What TLS and HTTP/2 towards upstreams cost: CPU per item and memory per item in flight,
each as a ratio to its simpler kin in the same run.

Starts nginx and nghttpd with certificates of its own, gatherd in three shapes (as it is,
with fetch.http2, and with the verification of certificates taken out), and measures them
in turns. It judges no figure; the exit status is 1 when an item failed, 2 when it could
not run.
"""
import argparse
import collections
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import client
from measure import Bench
from processes import HERE, LoadFault, find_tool
from servers import DelayUpstream, Gateway
from tls_servers import Certificates, Http2Upstream, TlsUpstream

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
ITEMS, CONNECTIONS = 100, 4
DELAY_MS, HANDSHAKES_MS = 1500, 8000      # longer than opening all connections takes
REPLY_LIMIT_S = 60

# name -> (gateway, the upstream's port)
CPU = {
    "http": ("plain", "http"),
    "https": ("plain", "https"),
    "http2": ("http2", "http2"),
    "http, new": ("plain", "fresh_http"),
    "https, new, resumable": ("plain", "fresh"),
    "https, new": ("plain", "full"),
    "https, new, unverified": ("unverified", "full"),
}
# (row, divided by, what it says)
RATIOS = [
    ("https", "http", "reused connections, 1 KB"),
    ("http2", "https", "HTTP/2 to HTTP/1.1, both over TLS"),
    ("https, new", "https, new, unverified", "what the verification costs"),
    ("https, new, resumable", "https, new", "a resumed session to a full handshake"),
    ("https, new", "http, new", "a full handshake to none"),
]


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    default_binary = os.environ.get("GATHERD", str(REPOSITORY / "build/release/gatherd"))
    parser.add_argument("--gatherd", default=default_binary)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--smoke", action="store_true", help="one short round")
    parser.add_argument("--only", choices=("cpu", "memory"), help="just this half")
    parser.add_argument("--set", action="append", default=[], metavar="PATH=VALUE",
                        help="passed on to gatherd serve")
    parser.add_argument("--json", metavar="FILE", help="write every figure there as well")
    args = parser.parse_args()
    if args.smoke:
        args.rounds = 1
    return args


class Run:
    def __init__(self, args, folder):
        self.args, self.folder = args, folder
        self.started = []
        self.failed = 0
        self.certificates = Certificates(folder)
        self.delay = self.start(DelayUpstream, folder)
        behind = "127.0.0.1:%d" % self.delay.port
        self.tls = self.start(TlsUpstream, folder, self.certificates, behind)
        self.http2 = self.start(Http2Upstream, folder, self.certificates)

    def start(self, process_type, *process_args, **options):
        process = process_type(*process_args, **options)
        self.started.append(process)
        return process

    def stop(self, process):
        self.started.remove(process)
        if process.stop() != 0:
            raise LoadFault("gatherd did not end with 0:\n" + process.log_tail())

    def stop_all(self):
        for process in reversed(self.started):
            process.stop()

    def gateway(self, *overrides):
        settings = ["fetch.ca_file=" + self.certificates.authority, *overrides]
        return self.start(Gateway, self.args.gatherd, self.folder, settings + self.args.set)

    def unverified_gateway(self):
        library = str(pathlib.Path(self.folder, "no_verify.so"))
        subprocess.run((find_tool("cc"), "-shared", "-fPIC", "-o", library,
                        str(HERE / "no_verify.c")), check=True, capture_output=True)
        os.environ["LD_PRELOAD"] = library
        try:
            return self.gateway()
        finally:
            del os.environ["LD_PRELOAD"]

    def url(self, name, path="/1k"):
        return self.http2.url() if name == "http2" else self.tls.url(name, path)

    def cpu_us_item(self, gateway, url):
        if self.args.smoke:
            self.cpu_us_item_of_few(gateway, url)
            return self.cpu_us_item_of_few(gateway, url)
        script_args = [str(ITEMS), url]
        Bench.wrk(gateway.port, 1, CONNECTIONS, script_args)
        cpu_us = gateway.cpu_us()
        run = Bench.wrk(gateway.port, 2, CONNECTIONS, script_args)
        self.failed += run["bad"] + run["socket_errors"]
        return (gateway.cpu_us() - cpu_us) / max(1, run["requests"] * ITEMS)

    def cpu_us_item_of_few(self, gateway, url):
        request = client.request_bytes("POST", "/v1/batch", client.batch_body([url] * ITEMS))
        cpu_us = gateway.cpu_us()
        exchanges = [client.Exchange(gateway.port, request) for _ in range(CONNECTIONS)]
        client.run_all(exchanges, REPLY_LIMIT_S)
        faults = collections.Counter()
        for exchange in exchanges:
            self.failed += client.count_failed(exchange, ITEMS, faults)
            exchange.close()
        for fault, count in faults.items():
            print("tls: %s: %d of %s" % (fault, count, url), file=sys.stderr)
        return (gateway.cpu_us() - cpu_us) / (CONNECTIONS * ITEMS)

    def cpu(self):
        """name -> figures of all rounds; the gateways are measured in turns."""
        gateways = {"plain": self.gateway(), "http2": self.gateway("fetch.http2=on"),
                    "unverified": self.unverified_gateway()}
        figures = {name: [] for name in CPU}
        for _ in range(self.args.rounds):
            for name, (shape, port) in CPU.items():
                figures[name].append(self.cpu_us_item(gateways[shape], self.url(port)))
        share = self.resumed_share(gateways["plain"])
        for gateway in gateways.values():
            self.stop(gateway)
        return figures, share

    def resumed_share(self, gateway):
        """Of the connections of one batch, each new, behind a batch like it."""
        body = client.batch_body([self.url("fresh", "/resumed")] * ITEMS)
        for _ in range(2):
            reply = client.ask(gateway.port, "POST", "/v1/batch", body).body
        bodies = [item.get("body") for item in json.loads(reply)["responses"]]
        self.failed += sum(body not in ("r", ".") for body in bodies)
        return bodies.count("r") / ITEMS

    def memory_kib_item(self, urls):
        """The peak while all items of one batch wait for their replies, less what the
        process had before, of a fresh process."""
        gateway = self.gateway("server.workers=1", "fetch.connect_timeout=20s")
        before = gateway.memory_mb("VmRSS")
        exchange = client.Exchange(gateway.port, client.request_bytes(
            "POST", "/v1/batch", client.batch_body(urls)))
        client.run_all([exchange], REPLY_LIMIT_S)
        grown = gateway.memory_mb() - before
        exchange.close()
        self.failed += len(urls) - json.loads(exchange.body)["summary"]["ok"]
        self.stop(gateway)
        return grown * 1024 / len(urls)

    def memory(self):
        http, https = (400, 200) if self.args.smoke else (10000, 4000)
        delay_ms, slow_ms = (300, 300) if self.args.smoke else (DELAY_MS, HANDSHAKES_MS)
        slow = self.tls.url("https", "/delay/%d" % slow_ms)
        return {"http": (http, self.memory_kib_item(self.delay.urls(http, delay_ms))),
                "https": (https, self.memory_kib_item([slow] * https))}


def report(figures, share, memory):
    lines = []
    medians = {name: statistics.median(values) for name, values in figures.items()}
    if medians:
        lines += ["| CPU | µs/item |", "|---|---|"]
        lines += ["| %s | %.1f |" % row for row in medians.items()]
        lines += ["", "| ratio | | |", "|---|---|---|"]
        lines += ["| %s ÷ %s | %.2f | %s |" % (name, other, medians[name] / medians[other],
                                             text) for name, other, text in RATIOS]
        lines += ["| resumed | %.0f %% | of a batch of new connections |" % (100 * share), ""]
    if memory:
        lines += ["| memory | items in flight | KiB/item |", "|---|---|---|"]
        lines += ["| %s | %d | %.1f |" % (name, *row) for name, row in memory.items()]
    return "\n".join(lines)


def main():
    args = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("tls: terminated"))
    signal.signal(signal.SIGALRM, lambda *_: sys.exit("tls: not done after 600 s"))
    signal.alarm(600)
    with tempfile.TemporaryDirectory(prefix="gatherd-tls-") as folder:
        run = None
        try:
            run = Run(args, folder)
            figures, share = run.cpu() if args.only != "memory" else ({}, 0)
            memory = run.memory() if args.only != "cpu" else {}
        except (LoadFault, OSError, subprocess.SubprocessError) as fault:
            print("tls: %s" % fault, file=sys.stderr)
            return 2
        finally:
            if run:
                run.stop_all()
    print(report(figures, share, memory))
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps(
            {"cpu_us_item": figures, "resumed": share, "memory": memory}, indent=1))
    if run.failed:
        print("tls: %d items or replies failed" % run.failed, file=sys.stderr)
    return 1 if run.failed else 0


if __name__ == "__main__":
    sys.exit(main())
