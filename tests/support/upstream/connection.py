# SPDX-License-Identifier: Apache-2.0
"""One client connection of the upstream: reads requests and plays the script of each."""
import asyncio
import socket
import struct
import urllib.parse

from .steps import CLOSE, FAULTS, FIN, RST, Pause, Until, reply

TCP_CLOSE, TCP_CLOSE_WAIT = 7, 8        # of the kernel's tcp_states.h


class ClientGone(Exception):
    """The client closed or reset the connection."""


class Request:
    def __init__(self, raw_head, connection, nth):
        lines = raw_head.decode("latin-1").split("\r\n")
        self.line = lines[0]
        self.method, target, self.version = lines[0].split(" ", 2)
        self.target = target
        self.headers = []
        for line in lines[1:]:
            name, _, value = line.partition(":")
            self.headers.append((name, value.strip(" \t")))
        url = urllib.parse.urlsplit(target)
        self.path = url.path
        self.query = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
        self.name, _, self.argument = url.path.lstrip("/").partition("/")
        self.key = self.query.get("key")
        self.connection = connection
        self.nth = nth
        self.body = b""

    def header(self, name, default=""):
        return next((v for n, v in self.headers if n.lower() == name), default)

    def number(self, name, default):
        return float(self.query.get(name, default))

    @property
    def wants_close(self):
        return self.header("connection").lower() == "close" or self.version == "HTTP/1.0"

    @property
    def is_control(self):
        return self.name.startswith("_")


class Connection(asyncio.Protocol):
    def __init__(self, stats):
        self.stats = stats
        self.buffer = bytearray()
        self.arrived = asyncio.Event()
        self.gone = asyncio.Event()
        self.writable = asyncio.Event()
        self.writable.set()
        self.closing = False
        self.opened = False

    # What the event loop calls.

    def connection_made(self, transport):
        self.transport = transport
        self.number = self.stats.connection_opened()
        self.opened = True
        self.task = asyncio.get_running_loop().create_task(self.serve())

    def data_received(self, data):
        self.buffer += data
        self.arrived.set()

    def eof_received(self):
        self.leave()

    def connection_lost(self, error):
        self.leave()
        if self.opened:
            self.stats.connection_closed()

    def pause_writing(self):
        self.writable.clear()

    def resume_writing(self):
        self.writable.set()

    def leave(self):
        self.gone.set()
        self.arrived.set()
        self.writable.set()

    # Reading requests.

    async def need(self, enough):
        """Waits until enough(buffer) is true, and returns it."""
        while not (result := enough(self.buffer)):
            if self.gone.is_set():
                raise ClientGone()
            self.arrived.clear()
            await self.arrived.wait()
        return result

    async def take(self, size):
        await self.need(lambda buffer: len(buffer) >= size)
        data = bytes(self.buffer[:size])
        del self.buffer[:size]
        return data

    async def take_until(self, mark):
        end = await self.need(lambda buffer: buffer.find(mark) + 1)
        data = bytes(self.buffer[:end - 1])
        del self.buffer[:end - 1 + len(mark)]
        return data

    async def read_body(self, request):
        if request.header("expect").lower() == "100-continue":
            await self.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        if request.header("transfer-encoding").lower() == "chunked":
            parts = []
            while size := int((await self.take_until(b"\r\n")).split(b";")[0], 16):
                parts.append(await self.take(size))
                await self.take(2)
            while await self.take_until(b"\r\n"):
                pass
            return b"".join(parts)
        return await self.take(int(request.header("content-length", "0")))

    # Serving.

    async def serve(self):
        nth = 0
        try:
            while not self.closing:
                raw = await self.take_until(b"\r\n\r\n")
                nth += 1
                await self.answer(Request(raw, self.number, nth))
        except ClientGone:
            pass
        except (ValueError, IndexError):
            self.stats.total["bad"] += 1
        finally:
            self.transport.close()

    async def answer(self, request):
        entry = FAULTS.get(request.name)
        if not request.is_control:  # to look is no call
            request.call = self.stats.next_call(request.key or request.name)
        if not request.is_control:
            self.stats.request_started(request)
        how = "aborted"
        try:
            if entry is None or entry.reads_body:
                request.body = await self.read_body(request)
            else:
                self.transport.pause_reading()
            if entry is None:
                await self.send(reply(request, "no such fault\n", status=404))
            else:
                await self.play(entry.script(request))
            how = "completed"
            self.closing = self.closing or request.wants_close
        finally:
            if not request.is_control:
                self.stats.request_ended(request, how)
            if entry is not None and not entry.reads_body:
                self.closing = True

    async def play(self, script):
        for step in script:
            if isinstance(step, (bytes, bytearray)):
                await self.send(step)
            elif isinstance(step, Pause):
                await self.pause(step.seconds)
            elif isinstance(step, Until):
                await self.until(step.event)
            elif step == FIN:
                self.transport.write_eof()
                self.closing = True
            elif step == CLOSE:
                self.closing = True
                return
            else:
                assert step == RST, step
                self.reset()
                return

    async def send(self, data):
        if self.gone.is_set():
            raise ClientGone()
        self.transport.write(data)
        await asyncio.sleep(0)              # an endless script must not keep the loop
        await self.writable.wait()
        if self.gone.is_set():
            raise ClientGone()

    async def pause(self, seconds):
        """Waits, watching the client.  With reading paused no event tells that it has gone:
        the kernel's state of the socket is asked instead."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while (left := end - loop.time()) > 0:
            slice_s = left if self.transport.is_reading() else min(left, 0.05)
            try:
                await asyncio.wait_for(self.gone.wait(), slice_s)
            except asyncio.TimeoutError:
                pass
            if self.gone.is_set() or self.peer_has_closed():
                raise ClientGone()

    async def until(self, event):
        waits = [asyncio.ensure_future(one.wait()) for one in (event, self.gone)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        if self.gone.is_set():
            raise ClientGone()

    def peer_has_closed(self):
        if self.transport.is_reading():
            return False
        sock = self.transport.get_extra_info("socket")
        try:
            state = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
        except OSError:
            return True
        return state in (TCP_CLOSE, TCP_CLOSE_WAIT)

    def reset(self):
        self.closing = True
        sock = self.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()
