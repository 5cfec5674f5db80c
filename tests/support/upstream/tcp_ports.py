# SPDX-License-Identifier: Apache-2.0
"""Ports that fail below HTTP."""
import asyncio
import socket
import struct

BLOCK = b"\xff" * 65536


async def reset_at_accept(reader, writer):
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def close_at_accept(reader, writer):
    writer.close()


async def silent(reader, writer):
    while await reader.read(65536):
        pass


async def flood(reader, writer):
    while True:
        writer.write(BLOCK)
        await writer.drain()


async def banner(reader, writer):
    writer.write(b"220 mail.example ESMTP\r\n")
    await reader.read(65536)
    writer.write(b"500 what?\r\n")
    await writer.drain()


HANDLERS = {"rst": reset_at_accept, "close": close_at_accept, "silent": silent, "flood": flood,
            "banner": banner}


def guarded(handler):
    async def serve(reader, writer):
        try:
            await handler(reader, writer)
        except (ConnectionError, OSError):
            pass
        finally:
            writer.close()
    return serve


async def listen(handler, host, **options):
    server = await asyncio.start_server(guarded(handler), host, 0, **options)
    return server, server.sockets[0].getsockname()[1]


def refused_port(host):
    """A port that is taken but not listened on: every connect is refused."""
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    sock.bind((host, 0))
    return sock, sock.getsockname()[1]


def black_hole(host):
    """A listening port whose backlog is full: a further connect gets no answer at all."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.bind((host, 0))
    listener.listen(0)
    port = listener.getsockname()[1]
    kept = [listener]
    for _ in range(4):
        filler = socket.socket(family)
        filler.setblocking(False)
        filler.connect_ex((host, port))
        kept.append(filler)
    return kept, port


async def open_ports(host, kept):
    """Opens every port; what must stay referenced goes into kept."""
    ports = {}
    for name, handler in HANDLERS.items():
        server, ports[name] = await listen(handler, host)
        kept.append(server)
    for name, opener in (("refused", refused_port), ("blackhole", black_hole)):
        held, ports[name] = opener(host)
        kept.append(held)
    return ports
