# SPDX-License-Identifier: Apache-2.0
"""An egress proxy that does whatever it is told: CONNECT, absolute-form requests and SOCKS5,
to names as well as addresses.  Not a proxy to deploy: it stands where an operator's would, to
show what it is asked for.

    egress_proxy.py HOST PORT LOG [--refuse STATUS] [--tls CERTIFICATE KEY]

Each request adds a line to LOG, "connect 192.0.2.1:80" or "forward http://name/", before
anything is done about it.  --refuse answers each with that status instead; --tls wants
to be spoken to in TLS."""
import argparse
import asyncio
import socket
import ssl
import struct

BUFFER = 65536


async def copy(reader, writer):
    try:
        while data := await reader.read(BUFFER):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    writer.close()


class Proxy:
    def __init__(self, options):
        self.options = options

    def note(self, line):
        with open(self.options.log, "a", encoding="utf-8") as file:
            file.write(line + "\n")

    async def serve(self, reader, writer):
        try:
            first = await reader.readexactly(1)
            if first == b"\x05":
                await self.socks(reader, writer)
            else:
                await self.http(first, reader, writer)
        except (OSError, asyncio.IncompleteReadError, ValueError):
            writer.close()

    async def join(self, reader, writer, host, port, first=b"", reply=b"",
                   failed=b"HTTP/1.1 502 No\r\ncontent-length: 0\r\n\r\n"):
        try:
            onward, out = await asyncio.open_connection(host, port)
        except OSError:
            writer.write(failed)
            raise
        out.write(first)
        writer.write(reply)
        await asyncio.gather(copy(reader, out), copy(onward, writer))

    async def http(self, first, reader, writer):
        head = first + await reader.readuntil(b"\r\n\r\n")
        method, target, _ = head.split(b"\r\n")[0].decode("latin-1").split(" ")
        self.note(f"{'connect' if method == 'CONNECT' else 'forward'} {target}")
        if self.options.refuse:
            writer.write(f"HTTP/1.1 {self.options.refuse} No\r\ncontent-length: 0\r\n"
                         "connection: close\r\n\r\n".encode())
            writer.close()
            return
        if method == "CONNECT":
            host, _, port = target.rpartition(":")
            await self.join(reader, writer, host.strip("[]"), int(port),
                            reply=b"HTTP/1.1 200 OK\r\n\r\n")
            return
        authority = target.split("/")[2]
        host, _, port = authority.partition(":")
        await self.join(reader, writer, host, int(port or 80), first=head)

    async def socks(self, reader, writer):
        """RFC 1928, without authentication."""
        await reader.readexactly((await reader.readexactly(1))[0])
        writer.write(b"\x05\x00")
        kind = (await reader.readexactly(4))[3]
        if kind == 1:
            host = socket.inet_ntop(socket.AF_INET, await reader.readexactly(4))
        elif kind == 4:
            host = socket.inet_ntop(socket.AF_INET6, await reader.readexactly(16))
        else:
            host = (await reader.readexactly((await reader.readexactly(1))[0])).decode("latin-1")
        port, = struct.unpack(">H", await reader.readexactly(2))
        self.note(f"{'name' if kind == 3 else 'connect'} {host}:{port}")
        await self.join(reader, writer, host, port,
                        reply=b"\x05\x00\x00\x01\0\0\0\0\0\0",
                        failed=b"\x05\x05\x00\x01\0\0\0\0\0\0")


async def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("log")
    parser.add_argument("--refuse", type=int)
    parser.add_argument("--tls", nargs=2)
    options = parser.parse_args()
    tls = None
    if options.tls:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(*options.tls)
    server = await asyncio.start_server(Proxy(options).serve, options.host, options.port,
                                        backlog=1024, ssl=tls)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
