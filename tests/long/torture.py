#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""L6: every allocation and every fallible system call of a batch of 20 fails in turn.

    tests/long/torture.py                         all of it; needs root, for a namespace
    tests/long/torture.py --stride 50             every 50th call only
    tests/long/torture.py --family calls --from 100 --to 200
    tests/long/torture.py --phase start           what fails while the service starts

A library is preloaded (tests/support/torture) that makes the N-th call fail, of malloc and
its kin or of socket, read, epoll_ctl and the like, in gatherd and in all its libraries. With
each N the same mixed batch is sent. Right is: a whole reply with 20 responses, or a whole
refusal, or a closed connection without a byte of a document, all of it in time; then the same
process serves the same batch as if nothing had happened; at the end no origin was tainted, it
stops with status 0, its descriptors are back, and nothing that was allocated in between is
left. A cut reply is right only when the call that failed was the sending of it.

The best program to run it on is one built with -DGATHERD_POOL=OFF, where no free list of
gatherd hides the allocations of libcurl: GATHERD=build/nopool/gatherd."""
import argparse
import contextlib
import json
import mmap
import os
import re
import signal
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))

from harness import client  # noqa: E402
from harness.configuration import options  # noqa: E402
from harness.gatherd import Gatherd, binary  # noqa: E402
from harness.process import wait_until  # noqa: E402
from harness.upstream_process import Upstream  # noqa: E402

FAMILIES = {"memory": 1, "calls": 2, "interrupts": 2}
FRAMES, SLOTS = 20, 1 << 16
HEAD = struct.Struct("=IIQQQQ32s")  # struct torture_control, up to `frames`
FRAMES_AT = HEAD.size
BLOCKS_AT = FRAMES_AT + 8 * FRAMES + 8
DETAIL = struct.Struct(f"=QQ{FRAMES}Q")
DETAILS_AT = BLOCKS_AT + 8 * SLOTS
CONTROL_BYTES = DETAILS_AT + DETAIL.size * SLOTS
DEADLINE_S = 5.0
SLACK_S = 1.5
SENDING = ("send", "sendto", "sendmsg", "write", "writev", "setsockopt", "epoll_ctl")
END_AFTER = 25  # so many N in a row that no call was left for
FIXED = options(
    server__workers=1, batch__deadline=f"{int(DEADLINE_S * 1000)}ms", fetch__timeout="3s",
    fetch__connect_timeout="2s", fetch__first_byte_timeout="2s", fetch__idle_timeout="2s",
    dns__timeout="1s", log__access="off",
    server__drain_timeout="1s")


class Control:
    """The driver's side of tests/support/torture/torture.h."""

    def __init__(self, path):
        self.path = path
        with open(path, "wb") as file:
            file.truncate(CONTROL_BYTES)
        with open(path, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), CONTROL_BYTES)

    def arm(self, family, number):
        interrupted = 1 if family == "interrupts" else 0
        HEAD.pack_into(self.map, 0, 0, interrupted, number, number or 1, 0, 0, b"")
        struct.pack_into("=I", self.map, 0, FAMILIES[family])

    def disarm(self):
        struct.pack_into("=I", self.map, 0, 0)

    def forget_generation(self):
        struct.pack_into("=Q", self.map, 16, 0)

    @property
    def count(self):
        return struct.unpack_from("=Q", self.map, 24)[0]

    @property
    def failed(self):
        """The name of the function that failed, or None."""
        if not struct.unpack_from("=Q", self.map, 32)[0]:
            return None
        return HEAD.unpack_from(self.map, 0)[6].rstrip(b"\0").decode()

    @property
    def frames(self):
        return [f for f in struct.unpack_from(f"={FRAMES}Q", self.map, FRAMES_AT) if f]

    def clear_blocks(self):
        self.map[BLOCKS_AT:BLOCKS_AT + 8 * SLOTS] = bytes(8 * SLOTS)

    def live_blocks(self):
        """(size, generation, frames) of what was allocated while armed and not freed."""
        addresses = struct.unpack_from(f"={SLOTS}Q", self.map, BLOCKS_AT)
        for slot, address in enumerate(addresses):
            if address > 1:
                size, generation, *frames = DETAIL.unpack_from(
                    self.map, DETAILS_AT + slot * DETAIL.size)
                yield size, generation, [f for f in frames if f]


class Symbols:
    """Names for addresses of a process that may be gone by now."""

    def __init__(self, pid):
        self.modules, self.names = [], {}
        with open(f"/proc/{pid}/maps", encoding="utf-8") as file:
            for line in file:
                match = re.match(r"(\w+)-(\w+) \S+ (\w+) \S+ \d+ +(/\S+)", line)
                if match:
                    begin, end, offset = (int(match[i], 16) for i in (1, 2, 3))
                    self.modules.append((begin, end, begin - offset, match[4]))

    def name(self, address):
        for begin, end, base, path in self.modules:
            if begin <= address < end:
                if (path, address - base) not in self.names:
                    self.names[path, address - base] = self.look_up(path, address - base)
                return self.names[path, address - base]
        return hex(address)

    @staticmethod
    def look_up(path, offset):
        result = subprocess.run(("addr2line", "-f", "-e", path, hex(offset - 1)), check=False,
                                capture_output=True, text=True).stdout.split("\n")
        module = os.path.basename(path)
        if len(result) > 1 and not result[0].startswith("?"):
            return f"{result[0]} ({os.path.basename(result[1])})"
        return f"{module}+{offset:#x}"

    def is_of_library(self, frames):
        """Allocated by libcurl while it drives its transfers, with no function of ours in
        between: what it then loses (7.88 loses BIOs and names of handshakes that could not be
        started) nobody but libcurl could have freed."""
        inner = []
        for frame in frames:
            path = next((m[3] for m in self.modules if m[0] <= frame < m[1]), "")
            if os.path.basename(path) == os.path.basename(binary()):
                break
            inner.append(path)
        driver = self.name(frames[len(inner)]) if len(inner) < len(frames) else ""
        # Of lane.c, whichever of them the compiler put into which.
        return any("libcurl" in path for path in inner) and \
            re.split(r"[. ]", driver)[0] in ("act", "act_on_socket", "lanes_run")

    def trace(self, frames):
        return " < ".join(self.name(f) for f in frames if f)


def batch_of_20(upstream, salt):
    """One of everything; salt makes names new, so that they are asked for again."""
    port, url = upstream.port, upstream.url
    secure, plain = upstream.ports["tls"]["good"], f"a-127-0-0-1.{salt}.test"
    return [
        url("ok"), url("ok"), f"http://{plain}:{port}/ok",
        {"url": url("echo"), "method": "POST", "body": {"a": [1, 2, 3]}},
        {"url": url("echo"), "method": "PUT", "body": "text " * 500, "bodyEncoding": "text",
         "headers": {"X-One": "1", "Accept": "text/plain"}},
        url("chunks?n=20&size=500"), url("gzip"), url("bytes/60000"), url("status/404"),
        {"url": url("redirect-chain/2"), "redirects": 3},
        {"url": url("redirect-to", u=f"http://a-127-0-0-1.r{salt}.test:{port}/http10"),
         "redirects": 3},
        f"https://127.0.0.1:{secure}/ok", f"https://127.0.0.1:{secure}/http10",
        f"https://127.0.0.1:{upstream.ports['tls']['wrong-host']}/ok",
        f"http://nx.{salt}.test:{port}/ok", f"http://cname-a-127-0-0-1.{salt}.test:{port}/ok",
        url("nolength"), url("delay/20"), "http://127.0.0.1:7/", "ftp://127.0.0.1/x"]


class Rig:
    def __init__(self, folder, shim, arguments):
        self.folder, self.shim, self.arguments = Path(folder), shim, arguments
        self.upstream = Upstream(self.folder, "--tls", "--dns", "53", "--max-seconds", "86400")
        self.control = Control(str(self.folder / "control"))
        self.gatherd, self.symbols, self.expected = None, None, None
        self.library_leaks, self.unchecked = 0, 0
        self.salt, self.restarts, self.defects, self.outcomes = 0, 0, [], {}

    def environment(self):
        return {"LD_PRELOAD": self.shim, "TORTURE_CONTROL": self.control.path}

    def tree(self):
        return options(fetch__ca_file=self.upstream.ca_file)

    def start(self):
        self.control.disarm()
        self.control.forget_generation()
        self.gatherd = Gatherd(self.folder, FIXED, self.tree(), environment=self.environment())
        for _ in range(3):  # what comes with the first use and stays
            self.expected = self.codes(self.send())
        self.settle()
        self.symbols = Symbols(self.gatherd.pid)
        self.control.clear_blocks()

    def body(self):
        self.salt += 1
        items = batch_of_20(self.upstream, self.salt)
        return json.dumps({"requests": items}).encode()

    def send(self):
        """Sends a batch on a connection of its own: (kind, reply or reason)."""
        body = self.body()
        head = (f"POST /v1/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\nConnection: close\r\n"
                f"Accept: {'application/x-ndjson' if self.arguments.stream else '*/*'}\r\n\r\n"
                ).encode()
        try:
            with client.RawClient(self.gatherd.port, DEADLINE_S + SLACK_S) as raw:
                with contextlib.suppress(ConnectionError):
                    raw.send(head + body)
                reply = raw.read_reply("POST")
                if reply is None:
                    return ("closed", None) if not raw.received else ("cut", raw.received)
        except TimeoutError:
            return "hang", None
        except OSError as error:
            return ("closed", None) if isinstance(error, ConnectionError) else ("error", error)
        return self.judge(reply)

    @staticmethod
    def document_of(reply):
        """A streamed reply as the document it would have been."""
        if reply.header("content-type") != "application/x-ndjson":
            return reply.json()
        *lines, last = (json.loads(line) for line in reply.body.decode().splitlines())
        return {"responses": sorted(lines, key=lambda r: r["id"]), "summary": last["summary"]}

    def judge(self, reply):
        try:
            document = self.document_of(reply)
        except ValueError as error:
            return "broken", error
        if reply.status == 200:
            whole = len(document["responses"]) == 20
            return ("whole" if whole else "broken"), document
        kind = reply.header("content-type")
        right = reply.status >= 500 and kind.startswith("application/problem+json")
        return ("refused" if right else "broken"), document

    @staticmethod
    def codes(outcome):
        kind, document = outcome
        assert kind == "whole", f"a batch with nothing failing: {kind} {document}"
        return [(r["status"], (r["error"] or {}).get("code") if "error" in r else None)
                for r in document["responses"]]

    def defect(self, number, family, what):
        name = self.control.failed
        trace = self.symbols.trace(self.control.frames) if name else "nothing failed"
        line = f"{family} {number}: {what}\n    {name} < {trace}"
        if self.gatherd and not self.gatherd.is_alive:
            line += f"\n    {self.gatherd.child.errors()[-1500:]}"
        self.defects.append(line)
        print(line, flush=True)

    def settle(self):
        def settled():
            return not any(t in self.gatherd.connection_inodes()[0]
                           for t in self.gatherd.descriptors().values())
        with contextlib.suppress(AssertionError, FileNotFoundError):
            wait_until(settled, 3, "clients gone")

    def try_one(self, family, number):
        """One N; False when there was no such call any more."""
        self.control.arm(family, number)
        kind, seen = self.send()
        self.control.disarm()
        name = self.control.failed
        self.outcomes[family, kind] = self.outcomes.get((family, kind), 0) + 1
        if not self.gatherd.is_alive:
            self.defect(number, family, f"the process ended ({self.gatherd.wait(1)})")
            return True
        # A stream's head has left when memory runs out for what follows.
        is_cut_rightly = kind == "cut" and (name in SENDING or self.arguments.stream)
        if kind not in ("whole", "refused", "closed") and not is_cut_rightly:
            self.defect(number, family, f"{kind}: {str(seen)[:300]}")
        self.unchecked += 1
        if self.unchecked >= self.arguments.check_every or kind != "whole":
            self.check_next(family, number)
        return name is not None

    def check_next(self, family, number):
        """Nothing fails: the batch is answered as ever."""
        self.unchecked = 0
        try:
            codes = self.codes(self.send())
            if codes != self.expected:
                different = [(i, a, b) for i, (a, b) in enumerate(zip(self.expected, codes))
                             if a != b]
                self.defect(number, family, f"the next batch is not as ever: {different}")
        except AssertionError as error:
            self.defect(number, family, f"the next batch: {str(error)[:300]}")

    def end_block(self, family, number):
        """Stops the service; what is left of the batches is a defect."""
        if not self.gatherd.is_alive:
            return
        self.settle()
        before = len(self.defects)
        if re.search(r"unasked_replies_total (\d+)", self.gatherd.metrics())[1] != "0":
            self.defect(number, family, "an origin is held to send what nobody asked for")
        try:
            self.gatherd.stop()
        except AssertionError as error:
            self.defect(number, family, f"stopping: {str(error)[:1500]}")
        if self.gatherd.is_alive:
            self.gatherd.child.popen.kill()
            self.gatherd.child.popen.wait()
        if len(self.defects) == before:
            self.check_leaks(family)

    def check_leaks(self, family):
        traces = {}
        for size, generation, frames in self.control.live_blocks():
            traces.setdefault(tuple(frames), []).append((generation, size))
        for frames, blocks in traces.items():
            numbers = sorted({g for g, _ in blocks})
            trace = self.symbols.trace(frames)
            if "(pool.c:" in trace.split(" < ")[0]:
                # On a free list, or in use by nobody knows whom.
                continue
            if self.symbols.is_of_library(frames):
                self.library_leaks += len(blocks)
                continue
            line = (f"{family} {numbers[:6]}: left are {len(blocks)} blocks, "
                    f"{sum(s for _, s in blocks)} bytes\n    {trace}")
            self.defects.append(line)
            print(line, flush=True)

    def run_batches(self, family):
        number, missed, tried = self.arguments.first, 0, 0
        self.start()
        self.control.arm(family, 0)
        self.codes(self.send())
        self.control.disarm()
        print(f"{family}: about {self.control.count} calls in a batch", flush=True)
        while missed < END_AFTER and number <= self.arguments.to:
            if not self.gatherd.is_alive:
                self.restarts += 1
                self.start()
            missed = 0 if self.try_one(family, number) else missed + 1
            tried += 1
            if tried % self.arguments.block == 0:
                self.end_block(family, number)
            number += self.arguments.stride
        self.end_block(family, number)
        print(f"{family}: {tried} times, up to call {number - self.arguments.stride}, "
              f"{ {k: v for (f, k), v in self.outcomes.items() if f == family} }", flush=True)

    # ---------------------------------------------------------------- while it starts

    def start_one(self, family, number):
        self.control.arm(family, number)
        self.control.forget_generation()
        gatherd = Gatherd(self.folder, FIXED, self.tree(), environment=self.environment(),
                          wait=False)
        self.gatherd = gatherd
        self.symbols = Symbols(gatherd.pid)
        end, is_up = time.monotonic() + 10, False
        while gatherd.is_alive and not is_up and time.monotonic() < end:
            try:
                is_up = gatherd.request("GET", "/readyz", timeout=2).status == 200
            except (OSError, ValueError):
                time.sleep(0.01)
            else:
                with contextlib.suppress(OSError):
                    self.symbols = Symbols(gatherd.pid)
        self.control.disarm()
        kind = "up" if is_up else "ended"
        if is_up:
            try:
                self.codes(self.send())
                gatherd.descriptors_at_start = len(gatherd.descriptors())
                gatherd.stop()
            except AssertionError as error:
                self.defect(number, family, f"started, but: {str(error)[:500]}")
        elif gatherd.is_alive:
            self.defect(number, family, "neither up nor ended")
        elif gatherd.wait(1) <= 0 or not gatherd.child.errors().strip():
            self.defect(number, family, f"ended with {gatherd.wait(1)}")
        if gatherd.is_alive:
            gatherd.child.popen.kill()
            gatherd.child.popen.wait()
        self.outcomes[family, kind] = self.outcomes.get((family, kind), 0) + 1
        return self.control.failed is not None

    def run_starts(self, family):
        number, missed, tried = self.arguments.first, 0, 0
        while missed < 3 and number <= self.arguments.to:
            missed = 0 if self.start_one(family, number) else missed + 1
            number += self.arguments.stride
            tried += 1
        print(f"{family} while starting: {tried} times, "
              f"{ {k: v for (f, k), v in self.outcomes.items() if f == family} }", flush=True)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--family", choices=FAMILIES, action="append",
                        help="what fails; may be given again (default: all)")
    parser.add_argument("--phase", choices=("batch", "start"), default="batch")
    parser.add_argument("--from", dest="first", type=int, default=1, metavar="N")
    parser.add_argument("--to", type=int, default=10 ** 9, metavar="N")
    parser.add_argument("--stride", type=int, default=1, metavar="N")
    parser.add_argument("--block", type=int, default=200, metavar="N",
                        help="so many N, then the process is stopped and searched for leaks")
    parser.add_argument("--check-every", type=int, default=1, metavar="N",
                        help="so many N, then a batch for which nothing fails")
    parser.add_argument("--stream", action="store_true", help="as NDJSON, not as a document")
    parser.add_argument("--library", help="the preloaded library; beside the program")
    return parser.parse_args()


def enter_namespace():
    """Runs this anew in a namespace where the name server is ours, on port 53."""
    if os.environ.get("TORTURE_NAMESPACE"):
        return
    with tempfile.NamedTemporaryFile("w", prefix="resolv-", delete=False) as file:
        file.write("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    script = ("ip link set lo up && mount --bind \"$0\" /etc/resolv.conf && rm -f \"$0\" "
              "&& exec \"$@\"")
    os.environ["TORTURE_NAMESPACE"] = "yes"
    os.execvp("unshare", ("unshare", "--net", "--mount", "sh", "-c", script, file.name,
                          sys.executable, *sys.argv))


def main():
    arguments = parse_arguments()
    enter_namespace()
    shim = arguments.library or str(Path(binary()).resolve().parent / "tests/torture.so")
    if not os.access(shim, os.R_OK):
        sys.exit(f"torture.py: no library at {shim}: build the tests, or name it by --library")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory(prefix="torture-") as folder:
        rig = Rig(folder, shim, arguments)
        try:
            for family in arguments.family or FAMILIES:
                (rig.run_batches if arguments.phase == "batch" else rig.run_starts)(family)
        finally:
            rig.upstream.stop()
            if rig.gatherd and rig.gatherd.is_alive:
                rig.gatherd.child.popen.kill()
                rig.gatherd.child.popen.wait()
    print(f"{len(rig.defects)} defects, {rig.restarts} starts, "
          f"{rig.library_leaks} blocks left by libraries")
    return 1 if rig.defects else 0


if __name__ == "__main__":
    sys.exit(main())
