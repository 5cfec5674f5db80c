# SPDX-License-Identifier: Apache-2.0
"""A name server that takes its orders from the first label of the name:

    a-127-0-0-1             that A record            aaaa-<32 hex digits>  that AAAA record
    multi-1-2-3-4-and-5-6-7-8   several A records    many-N                N A records
    rebind-1-2-3-4-then-5-6-7-8 the first answer once, then the second
    ttl-N                   127.0.0.1, to be kept N seconds
    nx servfail refused formerr   that refusal       empty    the name exists, no address does
    timeout                 no answer                slow-MS  127.0.0.1, that much later
    wrongid  garbage  cut   what resolvers must not believe; cut sets the TC bit
    cname-LABEL             an alias of LABEL.<rest>, which is in the answer if it has one
    cnameloop               an alias of itself

Anything else is 127.0.0.1.  Further labels make names distinct: nx.1.test, nx.2.test."""
import asyncio
import socket
import struct

A, CNAME, AAAA = 1, 5, 28
REFUSALS = {"formerr": 1, "servfail": 2, "nx": 3, "refused": 5}
TRUNCATED = 0x0200
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


class LabelServer(asyncio.DatagramProtocol):
    def __init__(self, stats):
        self.stats = stats
        self.rebound = set()
        self.tasks = set()

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, packet, client):
        task = asyncio.get_running_loop().create_task(self.serve(packet, client))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def serve(self, packet, client):
        try:
            labels, wanted, question = parse_question(packet)
        except (IndexError, struct.error):
            return
        self.stats.by_dns_name[".".join(labels)] += 1
        first, query_id = (labels or [""])[0], packet[:2]
        if first == "timeout":
            return
        if first == "garbage":
            self.transport.sendto(b"\x5a" * 60, client)
            return
        answer = self.decide(labels, wanted)
        if first == "wrongid":
            query_id = bytes((query_id[0] ^ 0x55, query_id[1]))
        await asyncio.sleep(answer.delay_s)
        self.transport.sendto(answer.pack(query_id, question, wanted), client)

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
