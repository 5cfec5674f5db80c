# SPDX-License-Identifier: Apache-2.0
"""Another configuration for a running service."""
import os
import signal

from . import client
from .configuration import BASE, merge, to_yaml
from .process import wait_until


def write(gatherd, *trees, text=None):
    """Replaces its file as a whole, by another of that name."""
    if text is None:
        server = {"server": {"listen": [f"127.0.0.1:{gatherd.port}"]}}
        text = to_yaml(merge(BASE, server, *trees)) + "\n"
    fresh = gatherd.config_path.with_suffix(".fresh")
    fresh.write_text(text)
    os.rename(fresh, gatherd.config_path)


def ask(gatherd, port=None, **headers):
    return client.request(port or gatherd.port, "POST", "/-/reload", headers=headers)


def reload(gatherd, *trees, text=None, port=None, **headers):
    """Returns what POST /-/reload, on its `port`, says, which must be that it is done."""
    write(gatherd, *trees, text=text)
    reply = ask(gatherd, port, **headers)
    assert reply.status == 200, reply
    return reply.json()


def refuse(gatherd, *trees, text=None, port=None, **headers):
    """Returns the faults."""
    write(gatherd, *trees, text=text)
    reply = ask(gatherd, port, **headers)
    assert (reply.status, reply.json()["type"]) == (409, "/problems/configuration"), reply
    return reply.json()["faults"]


def by_signal(gatherd, *trees, text=None):
    """Likewise by SIGHUP; returns the lines of the log since."""
    before = len(gatherd.log_lines())
    write(gatherd, *trees, text=text)
    gatherd.signal(signal.SIGHUP)

    def said():
        return any(line["event"] in ("reloaded", "reload_refused")
                   for line in gatherd.log_lines()[before:])
    wait_until(said, 10, "the reload's last line")
    return gatherd.log_lines()[before:]
