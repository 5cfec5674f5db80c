#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""H1-H7, H13: mutated requests over raw sockets, any number of them.

    tests/long/malformed.py                     100,000 connections, some minutes
    tests/long/malformed.py --count 2000        what the tests run
    tests/long/malformed.py --seed 7 --only 4711 --show    one connection again, with its bytes

On each connection go one to three requests of tests/support/harness/malformed.py and sound ones,
with bits flipped, bytes inserted (CR, LF, NUL, blanks), parts cut out, doubled, swapped with
parts of other requests, lengths changed; in one to four segments.

Right is: a strict parser, written here from RFC 9112, says how many requests the bytes begin
with. There are at most so many replies and one more, the last; all but the last carry the request
ids of those requests in their order; each is whole HTTP with a status of the contract; nothing
follows them. gatherd lives, answers afterwards, and its memory stays."""
import argparse
import random
import re
import select
import socket
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))

from harness import malformed  # noqa: E402
from harness.configuration import options  # noqa: E402
from harness.gatherd import Gatherd, run_cli, sanitizer  # noqa: E402

CONFIGURATION = options(server__workers=2, server__head_timeout="1s", server__body_timeout="1s",
                        server__idle_timeout="1s", server__request_max_bytes="64KiB",
                        log__level="warning")
STATUSES = {200, 400, 404, 405, 408, 411, 413, 414, 415, 431, 501, 505}
QUIET_SECONDS = 0.015
GROWTH_MIB = 16
SEED_BYTES_MAX = 6000

TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
REQUEST_LINE = re.compile(rb"(" + TOKEN + rb") (/[\x21-\x22\x24-\x7e]*) HTTP/1\.([01])\Z")
FIELD = re.compile(rb"(" + TOKEN + rb"):[ \t]*([\x20-\x7e\x80-\xff\t]*)\Z")
CHUNK = re.compile(rb"([0-9A-Fa-f]{1,16})\Z")
ONCE = {b"host", b"content-length", b"transfer-encoding", b"expect", b"content-type",
        b"content-encoding", b"authorization", b"x-api-key", b"x-request-id"}


# The strict parser.

def parse_head(data, at):
    """(method, fields, where the body begins) of a sound head, or None."""
    end = data.find(b"\r\n\r\n", at)
    if end < 0:
        return None
    first, *lines = data[at:end].split(b"\r\n")
    request = REQUEST_LINE.match(first)
    if not request or len(lines) > 100:
        return None
    fields = {}
    for line in lines:
        field = FIELD.match(line)
        if not field:
            return None
        name = field[1].lower()
        if name in ONCE and name in fields:
            return None
        fields[name] = field[2].strip(b" \t")
    if request[3] == b"1" and not re.match(rb"(\[[0-9a-zA-Z:.]+\]|[A-Za-z0-9._~-]+)(:\d{0,5})?\Z",
                                           fields.get(b"host", b"")):
        return None
    if b"transfer-encoding" in fields and (b"content-length" in fields or request[3] == b"0" or
                                           fields[b"transfer-encoding"].lower() != b"chunked"):
        return None
    return request[1], fields, end + 4


def end_of_chunks(data, at):
    while True:
        end = data.find(b"\r\n", at)
        size = CHUNK.match(data[at:end]) if end >= 0 else None
        if not size:
            return None
        length = int(size[1], 16)
        if length == 0:
            break
        at = end + 2 + length
        if data[at:at + 2] != b"\r\n":
            return None
        at += 2
    at = end + 2
    while not data.startswith(b"\r\n", at):
        end = data.find(b"\r\n", at)
        if end < 0 or not FIELD.match(data[at:end]):
            return None
        at = end + 2
    return at + 2


def end_of_body(data, fields, at):
    if b"transfer-encoding" in fields:
        return end_of_chunks(data, at)
    length = fields.get(b"content-length", b"0")
    if not re.match(rb"[0-9]{1,18}\Z", length):
        return None
    return at + int(length) if at + int(length) <= len(data) else None


def skip_empty(data, at, is_lax):
    """Empty lines in front of a request are skipped (RFC 9112 2.2), by a lax library also lines
    that begin with NUL, and whatever it takes for an end of line."""
    while True:
        if data.startswith(b"\r\n", at):
            at += 2
        elif is_lax and at < len(data) and data[at] in b"\r\n":
            at += 1
        elif is_lax and at < len(data) and data[at] == 0:
            end = re.compile(rb"[\r\n]").search(data, at)
            if not end:
                return at
            at = end.start()
        else:
            return at


def accepted(data, is_lax):
    """The request ids (None: it has none) of the sound requests the bytes begin with."""
    ids, at = [], 0
    if is_lax:      # of as many bytes, and the library writes zeros over them: docs/front.md
        data = data.replace(b"\x00\r\n\n", b"\r\n\r\n").replace(b"\x00\n", b"\r\n")
        data = re.sub(rb"(?<!\r)\n:\r\n", b"\r\n\r\n", data)
    while True:
        at = skip_empty(data, at, is_lax)
        head = parse_head(data, at)
        end = end_of_body(data, head[1], head[2]) if head else None
        if end is None:
            return ids
        ids.append(head[1].get(b"x-request-id"))
        at = end


# Mutations.

def with_id(request, number):
    """The request with an id as its last header, if it has a head at all."""
    head, end, body = request.partition(b"\r\n\r\n")
    return head + b"\r\nX-Request-Id: r%d" % number + end + body if end else request


SOUND = [data for _, data, _ in malformed.SOUND if len(data) < SEED_BYTES_MAX]
SEEDS = SOUND * 20 + [row[2] for row in malformed.ROWS if len(row[2]) < SEED_BYTES_MAX
                     and not row[2].startswith(b"HEAD")]
SPLICES = [b"\r\n", b"\n", b"\r", b"\x00", b" ", b"\t", b":", b"\r\n\r\n", b"\n\n", b"\r\n ",
           b"Content-Length: 3\r\n", b"Content-Length: 0\r\n", b"Transfer-Encoding: chunked\r\n",
           b"transfer-encoding:chunked\r\n", b"Host: y\r\n", b"Connection: close\r\n",
           b"Connection: keep-alive\r\n", b"Expect: 100-continue\r\n", b"0\r\n\r\n", b"3\r\n[5]\r\n",
           b"\x80", b"\xff", b"%00", b"X: y\r\n", b"HTTP/1.1", b"HTTP/1.0", b"0x", b"+", b"-", b";a"]


def mutate(rng, data):
    data = bytearray(data)
    for _ in range(rng.choice((0, 0, 0, 1, 1, 1, 2, 3, 6))):
        if not data:
            break
        at = rng.randrange(len(data))
        end = min(len(data), at + rng.choice((1, 1, 2, 5, 20, 200)))
        kind = rng.randrange(9)
        if kind == 0:
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[at] = rng.randrange(256)
        elif kind in (2, 3):
            data[at:at] = rng.choice(SPLICES)
        elif kind == 4:
            del data[at:end]
        elif kind == 5:
            data[at:at] = data[at:end]
        elif kind == 6:
            other = rng.choice(SEEDS)
            start = rng.randrange(len(other))
            data[at:end] = other[start:start + rng.randrange(1, 60)]
        elif kind == 7:
            lines = bytes(data).split(b"\r\n")
            lines.insert(rng.randrange(len(lines)), rng.choice(lines))
            data = bytearray(b"\r\n".join(lines))
        else:
            data = bytearray(re.sub(rb"\d+", lambda m: str(rng.choice(
                (0, 1, 2, 3, 4, 255, 2 ** 31, 2 ** 63, 2 ** 64 + 3, int(m[0][:18]) + 1))).encode(),
                bytes(data), count=rng.randrange(1, 3)))
    return bytes(data)


def make_case(seed, number):
    """What goes over connection `number`: its segments."""
    rng = random.Random(f"{seed}-{number}")
    stream = b"".join(mutate(rng, with_id(rng.choice(SEEDS), n)) for n in range(rng.randrange(1, 4)))
    cuts = sorted(rng.randrange(len(stream) + 1) for _ in range(rng.choice((0, 0, 1, 3))))
    return [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)])]


# One connection.

class Wrong(Exception):
    pass


def read_replies(data):
    """The ids of the replies; Wrong unless every byte belongs to a whole one."""
    ids = []
    while data:
        if data.startswith(b"HTTP/1.1 100 Continue\r\n\r\n"):
            data = data[25:]
            continue
        head, end, rest = data.partition(b"\r\n\r\n")
        status = re.match(rb"HTTP/1\.1 (\d\d\d) [ -~]*\r\n", head + b"\r\n")
        length = re.search(rb"\r\nContent-Length: (\d+)(\r\n|\Z)", head)
        if not end or not status or not length:
            raise Wrong(f"bytes that are no reply: {data[:300]}")
        if int(status[1]) not in STATUSES:
            raise Wrong(f"status {int(status[1])}")
        if len(rest) < int(length[1]):
            raise Wrong("a cut reply")
        found = re.search(rb"\r\nX-Request-Id: ([^\r]*)", head)
        ids.append(found[1] if found else None)
        data = rest[int(length[1]):]
    return ids


def talk(port, segments):
    """Sends all of it and reads what comes until it is quiet, then half-closes and reads on."""
    data = b""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        try:
            for segment in segments:
                sock.sendall(segment)
            while select.select([sock], [], [], QUIET_SECONDS)[0]:
                got = sock.recv(65536)
                if not got:
                    return data
                data += got
            sock.shutdown(socket.SHUT_WR)
            while got := sock.recv(65536):
                data += got
        except (ConnectionResetError, BrokenPipeError):
            pass
        except TimeoutError as late:
            raise Wrong("the connection stays open") from late
    return data


def check(port, seed, number, is_lax):
    """Raises Wrong; returns (sound requests, replies)."""
    segments = make_case(seed, number)
    sound = accepted(b"".join(segments), is_lax)
    replies = read_replies(talk(port, segments))
    if len(replies) > len(sound) + 1:
        raise Wrong(f"{len(replies)} replies to {len(sound)} sound requests")
    for expected, got in zip(sound, replies[:-1]):
        if expected and re.match(rb"[A-Za-z0-9._:-]{1,128}\Z", expected) and got != expected:
            raise Wrong(f"the reply of {got} where that of {expected} belongs")
    return len(sound), len(replies)


# The run.

def resident_mib(pid):
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024


def is_lax_library():
    return "libmicrohttpd 0." in run_cli("version").stdout


def run(gatherd, count, seed=1, threads=16, say=lambda text: None):
    """Returns the faults found, as text; `gatherd` runs with CONFIGURATION."""
    is_lax, faults, totals, memory = is_lax_library(), [], [0, 0], []

    def one(number):
        try:
            sound, replies = check(gatherd.port, seed, number, is_lax)
            totals[0] += sound
            totals[1] += replies
        except (Wrong, OSError) as fault:
            faults.append(f"--seed {seed} --only {number}: {fault!r}")

    started = time.monotonic()
    for first in range(0, count, 2000):
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(one, range(first, min(first + 2000, count))))
        if not gatherd.is_alive:
            return [*faults, f"gatherd has died between {first} and {first + 2000}"]
        memory.append(resident_mib(gatherd.pid))
        say(f"{min(first + 2000, count)} connections, {totals[0]} sound requests, {totals[1]} "
            f"replies, {memory[-1]:.1f} MiB, {len(faults)} faults, "
            f"{time.monotonic() - started:.0f} s")
    if gatherd.get("/healthz").status != 200:
        faults.append("no answer afterwards")
    warm = memory[len(memory) // 5]
    if sanitizer() == "none" and memory[-1] - warm > GROWTH_MIB:
        faults.append(f"memory rose from {warm:.1f} to {memory[-1]:.1f} MiB")
    return faults


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0],
                                     epilog="GATHERD names the binary.")
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=16)
    parser.add_argument("--only", type=int, help="the number of one connection")
    parser.add_argument("--show", action="store_true", help="with --only: print the bytes")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        gatherd = Gatherd(Path(folder), CONFIGURATION)
        try:
            if arguments.only is not None:
                segments = make_case(arguments.seed, arguments.only)
                if arguments.show:
                    print(*segments, talk(gatherd.port, segments), sep="\n\n")
                print(check(gatherd.port, arguments.seed, arguments.only, is_lax_library()))
                return 0
            faults = run(gatherd, arguments.count, arguments.seed, arguments.threads, print)
        finally:
            if gatherd.is_alive:
                gatherd.stop()
            gatherd.check_sanitizers()
    print(*faults[:20], sep="\n")
    print(f"{arguments.count} connections, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
