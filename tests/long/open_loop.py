# SPDX-License-Identifier: Apache-2.0
"""An open-loop client: requests leave when they are due, whether earlier ones were answered or not.

A closed loop (wrk) waits for its replies and so slows down with the server: it cannot show an
overload.  One thread, one epoll, kept-alive connections taken from a pool that grows as needed.
"""
import collections
import dataclasses
import errno
import select
import socket
import time


@dataclasses.dataclass
class Answer:
    due: float           # when it was to be sent, monotonic seconds
    sent: float          # when it was
    ended: float = 0.0   # when its last byte came, or the connection broke
    status: int = 0      # 0: no whole reply
    is_complete: bool = False   # Gatherd-Complete: true

    @property
    def seconds(self):
        return self.ended - self.sent


class Connection:
    __slots__ = ("socket", "received", "answer", "out")

    def __init__(self, port):
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        error = self.socket.connect_ex(("127.0.0.1", port))
        if error not in (0, errno.EINPROGRESS):
            raise OSError(error, "connect")
        self.received = b""
        self.answer = None
        self.out = b""


class OpenLoop:
    def __init__(self, port, request):
        self.port = port
        self.request = request          # the bytes of one request
        self.epoll = select.epoll()
        self.idle = collections.deque()
        self.by_fd = {}
        self.answers = []
        self.waiting = 0
        self.opened = 0

    def run(self, rate, seconds, settle=5.0):
        """Sends rate requests a second for so long; returns the answers, all of this run.
        Waits up to `settle` for the last replies."""
        self.answers = []
        begin = time.monotonic()
        total = int(rate * seconds)
        sent = 0
        while sent < total:
            now = time.monotonic()
            while sent < total and begin + sent / rate <= now:
                self.send(begin + sent / rate)
                sent += 1
            until = begin + sent / rate
            self.turn(max(0.0, until - time.monotonic()))
        end = time.monotonic() + settle
        while self.waiting and time.monotonic() < end:
            self.turn(0.05)
        return self.answers

    def send(self, due):
        connection = self.take()
        answer = Answer(due=due, sent=time.monotonic())
        self.answers.append(answer)
        if connection is None:
            answer.ended = time.monotonic()
            return
        connection.answer = answer
        connection.received = b""
        self.waiting += 1
        self.write(connection, self.request)

    def take(self):
        if self.idle:
            return self.idle.pop()
        try:
            connection = Connection(self.port)
        except OSError:
            return None
        self.opened += 1
        self.by_fd[connection.socket.fileno()] = connection
        self.epoll.register(connection.socket, select.EPOLLIN)
        return connection

    def write(self, connection, data):
        try:
            count = connection.socket.send(data)
        except (BlockingIOError, OSError) as error:
            if error.errno not in (errno.EAGAIN, errno.ENOTCONN):
                self.end(connection)
                return
            count = 0
        connection.out = data[count:]
        events = select.EPOLLIN | (select.EPOLLOUT if connection.out else 0)
        if connection.out or count < len(data):
            self.epoll.modify(connection.socket, events)

    def turn(self, seconds):
        for fd, event in self.epoll.poll(seconds, 512):
            connection = self.by_fd.get(fd)
            if connection is None:
                continue
            if event & select.EPOLLOUT and connection.out:
                self.write(connection, connection.out)
                if not connection.out and connection.socket.fileno() >= 0:
                    self.epoll.modify(connection.socket, select.EPOLLIN)
            if event & ~select.EPOLLOUT:
                self.read(connection)

    def read(self, connection):
        try:
            data = connection.socket.recv(1 << 18)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.end(connection)
            return
        connection.received += data
        head_end = connection.received.find(b"\r\n\r\n")
        if head_end < 0 or connection.answer is None:
            return
        head = connection.received[:head_end].lower()
        at = head.find(b"\r\ncontent-length:")
        length = int(head[at + 17:].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(connection.received) < head_end + 4 + length:
            return
        answer = connection.answer
        answer.status = int(head[9:12])
        answer.is_complete = b"gatherd-complete: true" in head
        answer.ended = time.monotonic()
        connection.answer = None
        connection.received = b""
        self.waiting -= 1
        if b"\r\nconnection: close" in head:
            self.close(connection)
        else:
            self.idle.append(connection)

    def end(self, connection):
        """The server closed it; a request under way on it has no reply."""
        if connection.answer is not None:
            connection.answer.ended = time.monotonic()
            connection.answer = None
            self.waiting -= 1
        elif connection in self.idle:
            self.idle.remove(connection)
        self.close(connection)

    def close(self, connection):
        self.by_fd.pop(connection.socket.fileno(), None)
        connection.socket.close()

    def stop(self):
        for connection in list(self.by_fd.values()):
            connection.socket.close()
        self.epoll.close()


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def post(port, body):
    return (f"POST /v1/batch HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n").encode() + body
