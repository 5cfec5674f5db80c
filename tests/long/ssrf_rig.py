# SPDX-License-Identifier: Apache-2.0
"""A network namespace in which every address of IPv4 and IPv6 answers: the machine takes the
whole of both as its own.  Public addresses are "the Internet"; all others, by a table written
from the registries (special_addresses.txt), are canaries.  What counts is watched below TCP: each SYN that leaves any program here, whether anything listens at
its other end or not."""
import asyncio
import collections
import ctypes
import ipaddress
import os
import resource
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from functools import lru_cache
from pathlib import Path

PUBLIC, PUBLIC_6 = "93.184.216.34", "2606:2800:220:1::34"
NAMESERVER = "198.41.0.4"
PROXY = "10.9.9.9"          # the operator's own, and so allowed to be private
PROXY_PORT = 3128
CLIENT = "127.0.0.9"        # our own connections to gatherd come from here
DEFAULT_CANARY = "10.66.6.6"
PORTS = (80, 443, 8080)
CLOSED_PORT = 8099
MARK = (PUBLIC, 9)           # of the watch: to know that it has seen everything
INSIDE = "SSRF_RIG_INSIDE"
CANNOT_UNSHARE = 77

SUPPORT = Path(__file__).resolve().parent.parent / "support"
PROXY_PROGRAM = SUPPORT / "egress_proxy.py"

A, CNAME, AAAA = 1, 5, 28
ETH_P_ALL, PACKET_OUTGOING, SOL_PACKET, PACKET_STATISTICS, SO_ATTACH_FILTER = 3, 4, 263, 6, 26


def enter_namespace():
    """Starts this program again in namespaces of its own, and returns there."""
    if os.environ.get(INSIDE) != str(os.getppid()):
        if os.geteuid() != 0 or subprocess.run(["unshare", "--net", "--mount", "true"],
                                               stderr=subprocess.DEVNULL).returncode != 0:
            print("needs root, and a machine that permits network namespaces")
            sys.exit(CANNOT_UNSHARE)
        inside = subprocess.run(["unshare", "--net", "--mount", sys.executable, *sys.argv],
                                env={**os.environ, INSIDE: str(os.getpid())})
        sys.exit(inside.returncode)
    commands = [["ip", "link", "set", "lo", "up"],
                ["ip", "route", "add", "local", "0.0.0.0/0", "dev", "lo"],
                ["ip", "-6", "route", "add", "local", "::/0", "dev", "lo"]]
    for command in commands:
        subprocess.run(command, check=True)
    # The servers and the proxy hold thousands of kept-alive connections.
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    # Thousands of connections in a burst are the attack, not a flood to be slowed down.
    Path("/proc/sys/net/core/somaxconn").write_text("4096")
    Path("/proc/sys/net/ipv4/tcp_max_syn_backlog").write_text("8192")
    with tempfile.NamedTemporaryFile("w", suffix=".conf", delete=False) as file:
        file.write(f"nameserver {NAMESERVER}\noptions timeout:1 attempts:2\n")
    subprocess.run(["mount", "--bind", file.name, "/etc/resolv.conf"], check=True)
    os.unlink(file.name)


# ------------------------------------------------------------------------------ SYNs

def bpf(*steps):
    return b"".join(struct.pack("HBBI", *step) for step in steps)


# Accepts the first SYN of a connection, over IPv4 or IPv6; Ethernet header first.
LDH, LDB, LDX_HEADER, LDB_X, AND, JEQ, RET = 0x28, 0x30, 0xb1, 0x50, 0x54, 0x15, 0x06
TCP, SYN, SYN_ACK = 6, 0x02, 0x12
SYN_FILTER = bpf(
    (LDH, 0, 0, 12), (JEQ, 0, 6, 0x0800),
    (LDB, 0, 0, 23), (JEQ, 0, 9, TCP), (LDX_HEADER, 0, 0, 14), (LDB_X, 0, 0, 14 + 13),
    (AND, 0, 0, SYN_ACK), (JEQ, 6, 5, SYN),
    (LDB, 0, 0, 14 + 6), (JEQ, 0, 3, TCP), (LDB, 0, 0, 14 + 40 + 13),
    (AND, 0, 0, SYN_ACK), (JEQ, 1, 0, SYN),
    (RET, 0, 0, 0), (RET, 0, 0, 0xffff))


def parse_syn(frame):
    """(source, destination, port) as text."""
    if frame[12:14] == b"\x08\x00":
        at = 14 + 4 * (frame[14] & 15)
        family, source, destination = socket.AF_INET, frame[26:30], frame[30:34]
    else:
        at, family, source, destination = 54, socket.AF_INET6, frame[22:38], frame[38:54]
    port, = struct.unpack(">H", frame[at + 2:at + 4])
    return socket.inet_ntop(family, source), socket.inet_ntop(family, destination), port


class SynWatch:
    """Every SYN sent in the namespace, but for our own to gatherd."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        program = ctypes.create_string_buffer(SYN_FILTER)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack(
            "HP", len(SYN_FILTER) // 8, ctypes.addressof(program)))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.socket.bind(("lo", 0))
        self.seen = collections.Counter()
        self.marks = 0
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            frame, address = self.socket.recvfrom(256)
            if address[2] != PACKET_OUTGOING:
                continue
            source, destination, port = parse_syn(frame)
            if (destination, port) == MARK:
                self.marks += 1
            elif source != CLIENT:
                self.seen[destination, port] += 1

    def read(self):
        """Those since the last time: {(destination, port): count}.  A SYN of our own comes last,
        so that none is still under way."""
        marks, end = self.marks, time.monotonic() + 10
        with socket.socket() as probe:
            probe.connect_ex(MARK)
        while self.marks == marks:
            assert time.monotonic() < end, "the watch is blind"
            time.sleep(0.005)
        seen, self.seen = self.seen, collections.Counter()
        lost = struct.unpack("II", self.socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))[1]
        assert lost == 0, f"the watch missed {lost} packets"
        return seen


# ---------------------------------------------------------------- what is public

def read_special():
    lines = (SUPPORT / "special_addresses.txt").read_text("utf-8").splitlines()
    return [ipaddress.ip_network(line.split()[0]) for line in lines
            if line and not line.startswith("#")]


@lru_cache(maxsize=None)
def is_public(text):
    """An odd spelling may well be that of some public address."""
    address = ipaddress.ip_address(text)
    if address.version == 6 and address not in ipaddress.ip_network("2000::/3"):
        return False
    return not any(address in network for network in SPECIAL
                   if network.version == address.version)


SPECIAL = read_special()


# ------------------------------------------------------------------------- the servers

class Names:
    """name -> list of answers, the next one for each question of a type, or in each turn if
    turns are taken, and the last for good; an answer is a list of addresses, an alias in front
    of them if it is a name.  Every other name leads to a canary: what is asked of a resolver by
    mistake shows."""

    def __init__(self):
        self.answers = {}
        self.turn = None
        self.asked = collections.Counter()

    def answer(self, packet):
        labels, at = [], 12
        while size := packet[at]:
            labels.append(packet[at + 1:at + 1 + size].decode("latin-1").lower())
            at += 1 + size
        kind, = struct.unpack(">H", packet[at + 1:at + 3])
        name = ".".join(labels)
        steps = self.answers.get(name, [[DEFAULT_CANARY]])
        step = self.asked[name, kind] if self.turn is None else self.turn
        addresses = steps[min(step, len(steps) - 1)]
        self.asked[name, kind] += 1
        records = b"".join(self.records(addresses, kind))
        count = sum(1 for _ in self.records(addresses, kind))
        return (packet[:2] + struct.pack(">HHHHH", 0x8180, 1, count, 0, 0) +
                packet[12:at + 5] + records)

    @staticmethod
    def records(addresses, kind):
        owner = b"\xc0\x0c"
        for address in addresses:
            if address[-1].isalpha() and ":" not in address:
                alias = b"".join(bytes([len(part)]) + part.encode()
                                 for part in address.split(".")) + b"\0"
                yield owner + struct.pack(">HHIH", CNAME, 1, 0, len(alias)) + alias
                owner = alias
                continue
            of = AAAA if ":" in address else A
            data = ipaddress.ip_address(address).packed
            if of == kind:
                yield owner + struct.pack(">HHIH", of, 1, 0, len(data)) + data


class NameServer(asyncio.DatagramProtocol):
    def __init__(self, names):
        self.names = names

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, packet, client):
        self.transport.sendto(self.names.answer(packet), client)


class Servers:
    """The name server; and one web server, of the Internet or a canary by the address it was
    reached at.  GET /to/N redirects to locations[N]."""

    def __init__(self):
        self.names = Names()
        self.locations = []
        self.reached = []          # (canary's address, port, path)
        ready = threading.Event()
        self.thread = threading.Thread(target=self.run, args=(ready,), daemon=True)
        self.thread.start()
        assert ready.wait(10)

    def run(self, ready):
        asyncio.run(self.serve(ready))

    async def serve(self, ready):
        loop = asyncio.get_running_loop()
        datagram = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        datagram.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        datagram.bind((NAMESERVER, 53))
        await loop.create_datagram_endpoint(lambda: NameServer(self.names), sock=datagram)
        servers = [await asyncio.start_server(self.talk, host, port, backlog=4096)
                   for port in PORTS for host in ("0.0.0.0", "::")]
        ready.set()
        await asyncio.gather(*(server.serve_forever() for server in servers))

    async def talk(self, reader, writer):
        here, port = writer.get_extra_info("sockname")[:2]
        is_canary = not is_public(here)
        if is_canary:
            self.reached.append((here, port, ""))
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                path = head.split(b" ", 2)[1].decode("latin-1")
                if is_canary:
                    self.reached.append((here, port, path))
                writer.write(self.reply(path, is_canary))
                await writer.drain()
        except (OSError, ValueError, IndexError, asyncio.IncompleteReadError,
                asyncio.LimitOverrunError):
            pass
        writer.close()

    def reply(self, path, is_canary):
        if is_canary:
            return b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nCANARY!"
        number = path.partition("/to/")[2]
        if number.isdecimal() and number.isascii():
            location = self.locations[int(number)].encode("utf-8")
            return (b"HTTP/1.1 302 Found\r\ncontent-length: 0\r\nlocation: " + location +
                    b"\r\n\r\n")
        return b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nPUBLIC"


def is_allowed_syn(destination, port):
    return is_public(destination) or (destination, port) == (PROXY, PROXY_PORT)
