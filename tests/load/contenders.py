# SPDX-License-Identifier: Apache-2.0
"""Who runs in the race: gatherd, another build of it, and the peers under peers/.

A peer takes gatherd's requests ({"requests":[{"url":…,"timeoutMs":…}]}) and answers with as
much of gatherd's document as the tests look at. What one needs and is not installed leaves it
out, by name.
"""
import os
import pathlib
import shutil
import subprocess
import sys

from processes import HERE, LoadFault, ProcessGroup, descriptor_limit, find_tool, free_port
from servers import Gateway, nginx_user

PEERS = HERE / "peers"
BUILD = HERE.parents[1] / "build" / "peers"
CRATES = pathlib.Path("/usr/share/cargo/registry")
NGINX_MODULES = ("/usr/lib/nginx/modules", "/usr/share/nginx/modules")
BUILD_LIMIT_S = 600


class NotInstalled(Exception):
    """Says what is missing."""


class Peer(ProcessGroup):
    """A running peer on a free port."""
    marks_complete = False

    def __init__(self, name, make_command, folder, workers, descriptors):
        self.port = free_port()
        env = {"PORT": str(self.port), "WORKERS": str(workers)}
        super().__init__(name, make_command(folder, self.port, workers), folder,
                         descriptors=descriptors, env=env)
        self.wait_ready(self.port, "/healthz")


def build(name, command, target):
    """Builds a copy of the sources under build/, so that the tree stays as it is."""
    source = BUILD / name / "source"
    shutil.copytree(PEERS / name, source, dirs_exist_ok=True)
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False,
                          timeout=BUILD_LIMIT_S)
    if done.returncode != 0:
        raise NotInstalled("it does not build here: " + done.stderr.strip()[-300:])
    return target


def find_or_leave_out(tool):
    try:
        return find_tool(tool)
    except LoadFault as fault:
        raise NotInstalled("%s is not installed" % tool) from fault


def prepare_lua():
    nginx = find_or_leave_out("nginx")
    for modules in NGINX_MODULES:
        if os.path.exists(modules + "/ngx_http_lua_module.so"):
            break
    else:
        raise NotInstalled("libnginx-mod-http-lua is not installed")
    if not any(pathlib.Path("/usr/lib").glob("*/lua/5.1/cjson.so")):
        raise NotInstalled("lua-cjson is not installed")

    def command(folder, port, workers):
        root = pathlib.Path(folder, "lua")
        (root / "tmp").mkdir(parents=True, exist_ok=True)
        text = (PEERS / "lua/nginx.conf.in").read_text()
        words = {"MODULES": modules, "USER": nginx_user(), "WORKERS": workers, "PORT": port,
                 "DESCRIPTORS": descriptor_limit(), "HERE": PEERS / "lua",
                 "CONNECTIONS": descriptor_limit() - 1000}
        for word, value in words.items():
            text = text.replace("@%s@" % word, str(value))
        (root / "nginx.conf").write_text(text)
        return [nginx, "-p", str(root), "-c", "nginx.conf", "-e", "stderr"]
    return command


def prepare_aiohttp():
    done = subprocess.run([sys.executable, "-c", "import aiohttp"], capture_output=True,
                          check=False)
    if done.returncode != 0:
        raise NotInstalled("python3-aiohttp is not installed")
    return lambda *_: [sys.executable, str(PEERS / "aiohttp_peer.py")]


def prepare_go():
    target = BUILD / "go" / "peer"
    build("go", [find_or_leave_out("go"), "build", "-trimpath", "-o", str(target), "."],
          target)
    return lambda *_: [str(target)]


def prepare_rust():
    if not any(CRATES.glob("hyper-0.14*")):
        raise NotInstalled("librust-hyper-dev 0.14 is not installed")
    folder = BUILD / "rust" / "target"
    command = [find_or_leave_out("cargo"), "build", "--release", "--offline",
               "--target-dir", str(folder),
               "--config", 'source.crates-io.replace-with="debian"',
               "--config", 'source.debian.directory="%s"' % CRATES]
    target = build("rust", command, folder / "release" / "peer")
    return lambda *_: [str(target)]


PREPARE = {"lua": prepare_lua, "rust": prepare_rust, "go": prepare_go,
           "aiohttp": prepare_aiohttp}


class Contender:
    """start() gives a fresh running process; the caller stops it."""

    def __init__(self, name, start, is_gatherd):
        self.name, self.start, self.is_gatherd = name, start, is_gatherd


def gatherd(name, binary, overrides, descriptors):
    if not os.access(binary, os.X_OK):
        raise LoadFault("no gatherd at %s" % binary)

    def start(folder, workers=None, more=()):
        chosen = ["server.workers=%d" % workers] if workers else []
        return Gateway(binary, folder, [*overrides, *chosen, *more], descriptors=descriptors)
    return Contender(name, start, True)


def peer(name, descriptors):
    """Raises NotInstalled with the reason."""
    make_command = PREPARE[name]()

    def start(folder, workers=None, _more=()):
        return Peer(name, make_command, folder, workers or os.cpu_count(), descriptors)
    return Contender(name, start, False)
