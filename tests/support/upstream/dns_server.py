# SPDX-License-Identifier: Apache-2.0
"""A name server that takes its orders from the first label of the name:

    a-127-0-0-1             that A record            aaaa-<32 hex digits>  that AAAA record
    multi-1-2-3-4-and-5-6-7-8   several A records    many-N                N A records
    rebind-1-2-3-4-then-5-6-7-8 the first answer once, then the second
    ttl-N                   127.0.0.1, to be kept N seconds
    nx servfail refused formerr   that refusal       empty    the name exists, no address does
    timeout                 no answer                slow-MS  127.0.0.1, that much later
    wrongid  garbage        what resolvers must not believe
    cut                     always cut short, by TCP too
    cname-LABEL             an alias of LABEL.<rest>, which is in the answer if it has one
    cnameloop               an alias of itself

What does not fit into 512 bytes is cut and has to be asked for by TCP, on the same port.
Anything else is 127.0.0.1.  Further labels make names distinct: nx.1.test, nx.2.test."""
import asyncio
import socket
import struct

A, CNAME, AAAA = 1, 5, 28
REFUSALS = {"formerr": 1, "servfail": 2, "nx": 3, "refused": 5}
TRUNCATED = 0x0200
DATAGRAM_MAX = 512
SAME_NAME = b"\xc0\x0c"


class Answer:
    def __init__(self):
        self.records, self.rcode, self.flags, self.ttl, self.delay_s = [], 0, 0x8180, 0, 0.0

    def add(self, kind, data, owner=SAME_NAME):
        self.records.append((owner, kind, data))

    def add_ipv4(self, parts, owner=SAME_NAME):
        self.add(A, socket.inet_aton(".".join(parts)), owner)

    def pack(self, query_id, question, wanted):
        sent = [r for r in self.records if r[1] in (wanted, CNAME)]
        packet = query_id + struct.pack(">HHHHH", self.flags | self.rcode, 1, len(sent), 0, 0)
        packet += question
        for owner, kind, data in sent:
            packet += owner + struct.pack(">HHIH", kind, 1, self.ttl, len(data)) + data
        return packet


def wire_name(labels):
    return b"".join(bytes([len(label)]) + label.encode() for label in labels) + b"\0"


def parse_question(packet):
    """The labels, the wanted type, and the question as it came."""
    labels, at = [], 12
    while size := packet[at]:
        labels.append(packet[at + 1:at + 1 + size].decode("latin-1").lower())
        at += 1 + size
    return labels, struct.unpack(">H", packet[at + 1:at + 3])[0], packet[12:at + 5]


class Zone:
    """What is answered to which question, whatever it came by."""

    def __init__(self, stats):
        self.stats = stats
        self.rebound = set()

    async def answer(self, packet):
        """The answer's bytes; None: no answer."""
        try:
            labels, wanted, question = parse_question(packet)
        except (IndexError, struct.error):
            return None
        self.stats.by_dns_name[".".join(labels)] += 1
        first, query_id = (labels or [""])[0], packet[:2]
        if first == "timeout":
            return None
        if first == "garbage":
            return b"\x5a" * 60
        answer = self.decide(labels, wanted)
        if first == "wrongid":
            query_id = bytes((query_id[0] ^ 0x55, query_id[1]))
        await asyncio.sleep(answer.delay_s)
        return answer.pack(query_id, question, wanted)

    def decide(self, labels, wanted):
        answer = Answer()
        first = (labels or [""])[0]
        verb, *arguments = first.split("-")
        try:
            self.obey(answer, verb, arguments, labels, wanted)
        except (ValueError, IndexError, OSError):
            answer.rcode = REFUSALS["formerr"]
        return answer

    def obey(self, answer, verb, arguments, labels, wanted):
        if verb in REFUSALS:
            answer.rcode = REFUSALS[verb]
        elif verb == "a":
            answer.add_ipv4(arguments[:4])
        elif verb == "aaaa":
            answer.add(AAAA, bytes.fromhex(arguments[0]))
        elif verb == "multi":
            for address in "-".join(arguments).split("-and-"):
                answer.add_ipv4(address.split("-"))
        elif verb == "many":
            for i in range(int(arguments[0])):
                answer.add_ipv4(("127", "0", str((i + 1) >> 8), str((i + 1) & 255)))
        elif verb == "rebind":
            self.rebind(answer, "-".join(arguments), ".".join(labels), wanted)
        elif verb == "cname":
            target = ["-".join(arguments), *labels[1:]]
            answer.add(CNAME, wire_name(target))
            if arguments[0] == "a":
                answer.add_ipv4(arguments[1:5], wire_name(target))
        elif verb == "cnameloop":
            answer.add(CNAME, SAME_NAME)
        elif verb == "cut":
            answer.flags |= TRUNCATED
        elif verb != "empty":
            self.local(answer, verb, arguments)

    def rebind(self, answer, addresses, name, wanted):
        once, then = addresses.split("-then-")
        answer.add_ipv4((then if name in self.rebound else once).split("-"))
        if wanted == A:
            self.rebound.add(name)

    @staticmethod
    def local(answer, verb, arguments):
        answer.add_ipv4(("127", "0", "0", "1"))
        if verb == "ttl":
            answer.ttl = int(arguments[0])
        elif verb == "slow":
            answer.delay_s = int(arguments[0]) / 1000


class DatagramServer(asyncio.DatagramProtocol):
    def __init__(self, zone):
        self.zone = zone
        self.tasks = set()

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, packet, client):
        task = asyncio.get_running_loop().create_task(self.serve(packet, client))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def serve(self, packet, client):
        reply = await self.zone.answer(packet)
        if reply:
            self.transport.sendto(fit(reply), client)


def fit(reply):
    """Over 512 bytes: the head and the question alone, with the TC bit."""
    if len(reply) <= DATAGRAM_MAX:
        return reply
    flags = struct.unpack(">H", reply[2:4])[0] | TRUNCATED
    question = parse_question(reply)[2]
    return reply[:2] + struct.pack(">HHHHH", flags, 1, 0, 0, 0) + question


async def serve_stream(zone, reader, writer):
    """The same by TCP: each message has its length in front (RFC 1035 4.2.2)."""
    try:
        while True:
            size, = struct.unpack(">H", await reader.readexactly(2))
            reply = await zone.answer(await reader.readexactly(size))
            if reply is None:
                break
            writer.write(struct.pack(">H", len(reply)) + reply)
            await writer.drain()
    except (asyncio.IncompleteReadError, OSError):
        pass
    writer.close()


def bound_sockets(host, port):
    """A UDP and a TCP socket on one port; for port 0, on one that is free for both."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    while True:
        stream = socket.socket(family, socket.SOCK_STREAM)
        datagram = socket.socket(family, socket.SOCK_DGRAM)
        # Room for a burst: a thousand questions at once must not be lost here.
        datagram.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        try:
            stream.bind((host, port))
            datagram.bind((host, stream.getsockname()[1]))
            datagram.setblocking(False)
            return datagram, stream
        except OSError:
            stream.close()
            datagram.close()
            if port:
                raise


async def start(stats, host, port, kept):
    """Serves by UDP and TCP on one port; returns it."""
    zone = Zone(stats)
    datagram, stream = bound_sockets(host, port)
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: DatagramServer(zone), sock=datagram)
    server = await asyncio.start_server(
        lambda reader, writer: serve_stream(zone, reader, writer), sock=stream)
    kept += [transport, server]
    return stream.getsockname()[1]
