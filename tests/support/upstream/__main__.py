# SPDX-License-Identifier: Apache-2.0
"""python3 -m upstream: opens every port, prints them as one JSON line, serves until SIGTERM."""
import argparse
import asyncio
import ipaddress
import json
import resource
import signal
import ssl
import sys
import tempfile

from . import (control, dns_server, faults_body, faults_connection, faults_framing, faults_head,
               faults_plain, faults_redirect, tcp_ports, tls_ports)
from .connection import Connection
from .stats import Stats

FAULT_MODULES = (faults_plain, faults_connection, faults_framing, faults_head, faults_body,
                 faults_redirect)


def parse_arguments():
    parser = argparse.ArgumentParser(prog="upstream", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="HTTP; 0 takes a free one")
    parser.add_argument("--tcp", action="store_true", help="ports that fail below HTTP")
    parser.add_argument("--tls", action="store_true", help="TLS ports; needs openssl")
    parser.add_argument("--dns", type=int, metavar="PORT", help="name server; 0 takes a free one")
    # One serves all the tests of a worker, on a busy machine for twenty minutes.
    parser.add_argument("--max-seconds", type=float, default=3600.0,
                        help="stop by itself after that long")
    parser.add_argument("--allow-non-loopback", action="store_true")
    arguments = parser.parse_args()
    if not (arguments.allow_non_loopback or ipaddress.ip_address(arguments.host).is_loopback):
        parser.error(f"{arguments.host} is not a loopback address")
    return arguments


def quiet_weather(loop, context):
    """Clients that leave in the middle of a handshake are what this program is for."""
    if not isinstance(context.get("exception"), (OSError, ssl.SSLError)):
        loop.default_exception_handler(context)


async def open_all(arguments, folder, kept):
    loop = asyncio.get_running_loop()
    stats, ports, host = Stats(), {}, arguments.host
    control.register(stats, ports)

    def make_connection():
        return Connection(stats)

    server = await loop.create_server(make_connection, host, arguments.port, backlog=4096)
    kept.append(server)
    ports.update(host=host, http=server.sockets[0].getsockname()[1])
    if arguments.tcp:
        ports["tcp"] = await tcp_ports.open_ports(host, kept)
    if arguments.tls:
        ports["tls"] = await tls_ports.open_ports(host, folder, make_connection, kept)
        ports["certificates"] = folder
    if arguments.dns is not None:
        ports["dns"] = await dns_server.start(stats, host, arguments.dns, kept)
    return ports


async def run(arguments, folder):
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(quiet_weather)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    kept = []
    print(json.dumps(await open_all(arguments, folder, kept)), flush=True)
    try:
        await asyncio.wait_for(stop.wait(), arguments.max_seconds)
    except asyncio.TimeoutError:
        pass


def main():
    arguments = parse_arguments()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory(prefix="upstream-") as folder:
        asyncio.run(run(arguments, folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
