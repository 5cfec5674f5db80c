#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""U1-U11, U16, S19: every fault of an upstream (HTTP, TCP, TLS, DNS), alone and a hundred at once.

    tests/long/faults.py                       all of them, twice; needs root, for a name server
    tests/long/faults.py --only gzip --at-once 20
    tests/long/faults.py --rounds 10           longer
    tests/long/faults.py --list                their names, and how many
    GATHERD=build/asan/gatherd tests/long/faults.py     the same on another build

Right is, each time: one response per item; the code of the table (tests/support/harness/
faults.py); the reply within the batch's deadline + 250 ms (stretched under sanitizers); and
at the end as many descriptors and threads as before, and (without sanitizers) no more memory
after the last round than after the first."""
import argparse
import collections
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))

from harness import faults  # noqa: E402
from harness.configuration import options  # noqa: E402
from harness.gatherd import Gatherd, sanitizer, slowness  # noqa: E402
from harness.namespace import Namespace  # noqa: E402
from harness.process import figure_of, wait_until  # noqa: E402
from harness.upstream_process import Upstream  # noqa: E402

DEADLINE_MS = 6000
LATE_MS = 250
RSS_GROWTH_MIB = 24


def configuration(stretch):
    """Short clocks; a hundred TLS handshakes at once must fit into them, so a slow build or a
    busy machine needs longer ones."""
    def ms(number):
        return f"{int(number * stretch)}ms"
    return options(fetch__connect_timeout=ms(700), fetch__first_byte_timeout=ms(500),
                   fetch__idle_timeout=ms(500), fetch__timeout=ms(1500), dns__timeout="500ms",
                   fetch__per_origin=128, fetch__keep_alive="2s", server__workers=2)


Fault = collections.namedtuple("Fault", "name item codes")


def all_faults(upstream):
    """Those that are faults, not merely odd, come under names that are unique."""
    made = []

    def add(kind, name, url, codes, **fields):
        made.append(Fault(f"{kind}:{name}", {"url": url, "maxBodyBytes": 300_000, **fields}, codes))
    for path, codes in faults.FAULTS:
        add("http", path, upstream.url(path), codes)
    for path, redirects, codes in faults.REDIRECTS:
        add("redirect", path, upstream.url(path), codes, redirects=redirects)
    for name, codes in faults.TCP_FAULTS.items():
        add("tcp", name, upstream.tcp(name), codes)
    for name, codes in faults.TLS_FAULTS.items():
        add("tls", name, upstream.tls(name), codes)
    for path, codes in faults.TLS_PATHS.items():
        add("https", path, upstream.tls("good", path), codes)
    for label in faults.DNS_FAULTS:
        add("dns", label, f"http://{label}.fault.test:{upstream.port}/ok", "dns")
    for label in faults.DNS_ODDITIES:
        add("dns", label, f"http://{label}.odd.test:{upstream.port}/ok", faults.OK)
    return made


def is_fault(fault):
    return fault.codes != faults.OK


class Rig:
    """A namespace with a name server on port 53, the upstream, and gatherd."""

    def __init__(self, folder, stretch=None):
        self.stretch = stretch or slowness()
        self.deadline_ms = int(DEADLINE_MS * self.stretch)
        self.namespace = Namespace(folder)
        self.upstream = Upstream(folder, "--tls", "--dns", "53", "--allow-non-loopback",
                                 "--max-seconds", "90000", host="0.0.0.0",
                                 prefix=self.namespace.prefix)
        self.upstream.host = "127.0.0.1"
        self.gatherd = self.namespace.call(Gatherd, folder, configuration(self.stretch), options(
            fetch__ca_file=self.upstream.ca_file), prefix=self.namespace.prefix)

    def batch(self, items):
        """The document, and how long it took."""
        started = time.monotonic()
        document = self.namespace.call(self.gatherd.batch, items,
                                       deadlineMs=self.deadline_ms, concurrency=len(items))
        return document["responses"], time.monotonic() - started

    def close(self):
        try:
            self.namespace.call(self.gatherd.stop)
        finally:
            self.gatherd.child.popen.kill()
            self.upstream.stop()
            self.namespace.close()


def play(rig, fault, count):
    """What was wrong, as a list of sentences; empty: nothing."""
    items = [{**fault.item, "id": f"{fault.name}#{n}"} for n in range(count)]
    try:
        responses, seconds = rig.batch(items)
    except AssertionError as reason:
        return [f"{fault.name} x {count}: {str(reason)[:300]}"]
    wrong = collections.Counter(str(item.get("error", item["status"]))[:150]
                                for item in responses if not faults.has_code(item, fault.codes))
    found = [f"{fault.name} x {count}: {n} times {what}, expected {fault.codes}"
             for what, n in wrong.items()]
    limit = (rig.deadline_ms + LATE_MS * rig.stretch) / 1000
    if seconds > limit:
        found.append(f"{fault.name} x {count}: {seconds:.2f} s, not within {limit:.2f} s")
    return found


def mixed(rig, chosen):
    """All of them in one batch, each between good items."""
    bad = [{**f.item, "id": f.name} for f in chosen
           if not any(late in f.name for late in faults.LATE_EXTRAS)]
    good = [{"id": f"good-{n}", "url": rig.upstream.url("echo", nonce=n)}
            for n in range(len(bad))]
    responses, _ = rig.batch([item for pair in zip(bad, good) for item in pair])
    return [f"mixed: {item['id']} is {item.get('error', item.get('body'))}"[:300]
            for n, item in enumerate(responses[1::2])
            if item["status"] != 200 or item["body"]["target"] != f"/echo?nonce={n}"]


def run(rig, chosen, counts, rounds, say=print):
    found, first_mib = [], None
    threads = figure_of(rig.gatherd.pid, "Threads")
    for number in range(rounds):
        for fault in chosen:
            for count in counts:
                found += play(rig, fault, count)
        found += mixed(rig, chosen)
        mib = figure_of(rig.gatherd.pid, "VmRSS") / 1024
        first_mib = first_mib or mib
        say(f"round {number + 1}: {len(chosen)} faults x {counts}, {len(found)} wrong, "
            f"{mib:.0f} MiB")
    if sanitizer() == "none" and mib > first_mib + RSS_GROWTH_MIB:
        found.append(f"memory grew from {first_mib:.0f} to {mib:.0f} MiB")
    if figure_of(rig.gatherd.pid, "Threads") != threads:
        found.append("the number of threads changed")
    wait_until(lambda: "gatherd_upstream_connections 0\n" in rig.namespace.call(
        rig.gatherd.metrics), 30, "idle connections closed")
    rig.namespace.call(rig.gatherd.check_descriptors)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="faults whose name contains this")
    parser.add_argument("--at-once", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--stretch", type=float, help="all clocks and bounds times this, on a busy"
                        " machine; default 1, 2 with AddressSanitizer, 4 with ThreadSanitizer")
    parser.add_argument("--list", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        rig = Rig(Path(folder), arguments.stretch)
        chosen = [f for f in all_faults(rig.upstream) if arguments.only in f.name]
        faulty = sum(map(is_fault, chosen))
        found = []
        if arguments.list:
            print("\n".join(f"{f.name:45} {f.codes}" for f in chosen))
        else:
            found = run(rig, chosen, (1, arguments.at_once), arguments.rounds)
        rig.close()
    print("\n".join(found))
    print(f"{len(chosen)} behaviours, {faulty} of them faults, {len(found)} wrong")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
