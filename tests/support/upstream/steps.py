# SPDX-License-Identifier: Apache-2.0
"""What a fault script may yield, how it builds replies, and the table of all faults.

A script yields `bytes` (sent as they are) or one of the steps below.  A script that ends
without FIN, CLOSE or RST leaves the connection open for the next request.
"""
from collections import namedtuple
from http import HTTPStatus

Pause = namedtuple("Pause", "seconds")
"""Do nothing for that long.  The script ends at once if the client leaves meanwhile."""

Until = namedtuple("Until", "event")
"""Do nothing until that asyncio.Event is set, as long as the client stays."""

HANG = Pause(86400.0)
"""Do nothing for ever."""

FIN = "fin"
"""Close the sending side only; what the client sends is still read."""

CLOSE = "close"
"""Close both sides.  The script ends."""

RST = "rst"
"""Reset the connection.  The script ends."""

Fault = namedtuple("Fault", "name help script reads_body")

FAULTS = {}


def fault(name, help_text, reads_body=True):
    """Registers the decorated script under /name and /name/ARGUMENT."""
    def register(script):
        assert name not in FAULTS, name
        FAULTS[name] = Fault(name, help_text, script, reads_body)
        return script
    return register


def canned(name, help_text, *steps):
    """Registers a fault that plays the same steps whatever the request is."""
    fault(name, help_text)(lambda request: iter(steps))


def reason_of(status):
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Whatever"


def head(*lines, status=200, reason=None):
    """A reply head, exactly these header lines and no other."""
    first = f"HTTP/1.1 {status} {reason_of(status) if reason is None else reason}"
    return ("\r\n".join((first, *lines)) + "\r\n\r\n").encode("latin-1")


def reply(request, body=b"", *lines, status=200, kind="text/plain"):
    """A correct reply to that request: no body where none may be, close announced if asked."""
    if isinstance(body, str):
        body = body.encode("utf-8")
    bodiless = status < 200 or status in (204, 304)
    fields = [f"Content-Type: {kind}"] if kind else []
    if not bodiless:
        fields.append(f"Content-Length: {len(body)}")
    if request.wants_close:
        fields.append("Connection: close")
    top = head(*fields, *lines, status=status)
    return top if bodiless or request.method == "HEAD" else top + body


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)
