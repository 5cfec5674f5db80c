# SPDX-License-Identifier: Apache-2.0
"""Runs the commands of one section of a page, as somebody would who pastes them one after the
other into a shell, in a scratch folder with the repository's files and `gatherd` on the PATH.

Ports are those of the page with others in their place, in commands, files and outputs. What the
section does not start itself is there already: gatherd as the quick start configures it on 8080,
the demo upstream on 8081. `gatherd serve` and `gatherd demo` without a final & are put into the
background, as if into another terminal. Everything is ended with the session's process group.
"""
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from .doc_pages import commands_of
from .gatherd import REPOSITORY, SANITIZER_MARKS, binary, run_cli, slowness
from .process import Child, accepts, free_port, wait_until

PORT = re.compile(r"(?<=[0-9a-z\]]:)(\d{4,5})\b")
SERVES = re.compile(r"(?:^|[\s;&(])(?:\S*/)?gatherd (serve|demo)\b")
WAIT = r"""
for _ in $(seq 200); do
    if grep -qE 'started|upstream on|error|fatal' .steps/{n}.out .steps/{n}.err; then break; fi
    sleep 0.05
done
"""
PIDOF = '#!/bin/sh\n# Those of this session only.\nexec pgrep -s 0 -x "$1"\n'
SCRIPT = """\
export PATH="$PWD/.bin:$PATH" HOME="$PWD" LC_ALL=C.UTF-8
"""


class Result:
    def __init__(self, command, out, err, status):
        self.command, self.out, self.err, self.status = command, out, err, status

    def __str__(self):
        return (f"$ {self.command.text}\n{self.out}{self.err}"
                f"(line {self.command.line}, exit status {self.status})")


class Session:
    def __init__(self, folder, section, ports=None, skipped=()):
        """ports: those of services that run already, {8080: 23456}; skipped: commands that
        are not executed."""
        self.folder, self.section, self.skipped = Path(folder), section, skipped
        self.commands = [command for block in section.blocks if block.is_commands
                         for command in commands_of(block) if command.text not in skipped]
        text = "".join(block.text for block in section.blocks)
        started = {port for command in self.commands for port in self.started_by(command)}
        self.ports = {int(port): free_port() for port in PORT.findall(text)}
        self.ports.update({port: real for port, real in (ports or {}).items()
                           if port not in started})

    def started_by(self, command):
        """The ports its service listens on: those it names, or its configuration does."""
        for name in SERVES.findall(command.text):
            named = {int(port) for port in PORT.findall(command.text)}
            files = {int(port) for block in self.section.blocks
                     if block.file_name and block.file_name in command.text
                     for port in PORT.findall(block.text)}
            yield from named or files or {8080 if name == "serve" else 8081}

    def there(self, text):
        """As on the page → as it runs here."""
        return PORT.sub(lambda found: str(self.ports.get(int(found[1]), found[1])), text)

    def back(self, text):
        real = {port: shown for shown, port in self.ports.items()}
        return PORT.sub(lambda found: str(real.get(int(found[1]), found[1])), text)

    # The scratch folder.

    def prepare(self, files):
        for entry in REPOSITORY.iterdir():
            if entry.name not in ("build", ".git"):
                (self.folder / entry.name).symlink_to(entry)
        tools = self.folder / ".bin"
        tools.mkdir()
        (tools / "gatherd").symlink_to(binary())
        (tools / "python3").symlink_to("/usr/bin/python3")
        (tools / "pidof").write_text(PIDOF)
        (tools / "pidof").chmod(0o755)
        (self.folder / ".steps").mkdir()
        for name, text in files.items():
            (self.folder / name).write_text(self.there(text), encoding="utf-8")
        for block in self.section.blocks:
            if block.file_name:
                (self.folder / block.file_name).write_text(self.there(block.text),
                                                           encoding="utf-8")

    def script(self):
        lines = [SCRIPT]
        for number, command in enumerate(self.commands):
            text = self.there(command.text)
            serves = SERVES.search(text)
            if serves and "&" not in text:
                text += " &"
            (self.folder / ".steps" / f"{number}.sh").write_text(text + "\n", encoding="utf-8")
            step = f".steps/{number}"
            lines.append(f". ./{step}.sh >{step}.out 2>{step}.err </dev/null; echo $? >{step}.rc")
            if serves:
                lines.append(WAIT.replace("{n}", str(number)))
        return "\n".join(lines) + "\n"

    def run(self, files=None, seconds=25):
        """[Result], one for each command; raises when they take too long."""
        self.prepare(files or {})
        shell = subprocess.Popen(["bash", "-c", self.script()], cwd=self.folder,
                                 env=environment(self.folder), stdin=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                 start_new_session=True)
        is_late = False
        try:
            shell.wait(seconds * slowness())
        except subprocess.TimeoutExpired:
            is_late = True
        finally:
            self.end(shell)
        results = [self.result(number, command) for number, command in enumerate(self.commands)]
        assert not is_late, f"{self.section} takes longer than {seconds} s:\n" + \
            "\n".join(map(str, results))
        self.check_sanitizers()
        return results

    def end(self, shell):
        """Ends what is left of the session's process group: services in the background."""
        for number, seconds in ((signal.SIGTERM, 15), (signal.SIGKILL, 5)):
            limit = time.monotonic() + seconds * slowness()
            while time.monotonic() < limit:
                try:
                    if number is not None:
                        os.killpg(shell.pid, number)
                        number = None
                    else:
                        os.killpg(shell.pid, 0)
                except ProcessLookupError:
                    shell.wait()
                    return
                shell.poll()
                time.sleep(0.02)

    def result(self, number, command):
        def text(kind):
            path = self.folder / ".steps" / f"{number}.{kind}"
            return self.back(path.read_text("utf-8", "replace")) if path.exists() else ""
        status = text("rc").strip()
        return Result(command, text("out"), text("err"), int(status) if status else None)

    def check_sanitizers(self):
        reports = [path.read_text(errors="replace") for path in self.folder.glob("san.*")]
        reports += [text for path in self.folder.glob(".steps/*.err")
                    for text in [path.read_text("utf-8", "replace")]
                    if any(mark in text for mark in SANITIZER_MARKS)]
        assert not reports, "\n".join(reports)[:20000]


class QuickStart:
    """gatherd by config/quickstart.yaml, on a port of its own."""

    def __init__(self, folder, *settings):
        self.folder, self.port = Path(folder), free_port()
        settings = (f'server.listen=["127.0.0.1:{self.port}"]', *settings)
        if os.environ.get("GATHERD_SANDBOX"):
            settings += ("process.sandbox=on",)
        command = [binary(), "serve", "--config", str(REPOSITORY / "config/quickstart.yaml")]
        for setting in settings:
            command += ["--set", setting]
        self.child = Child(command, folder, "quickstart", env=environment(folder))
        wait_until(lambda: accepts(self.port) or not self.child.is_alive, 20, "gatherd's port")
        assert self.child.is_alive, self.child.errors()

    def stop(self):
        status = self.child.stop(30)
        reports = [path.read_text(errors="replace") for path in self.folder.glob("san.*")]
        assert status == 0 and not reports, f"{status}: {self.child.errors()[-3000:]}{reports}"


def new_key():
    """(a key, the value of auth.keys for it)."""
    printed = run_cli("key", "new", "docs").stdout
    identity, digest = (re.search(rf'{name}: "(\w+)"', printed)[1] for name in ("id", "sha256"))
    return re.search(r"\bgd_\w+", printed)[0], (
        f'[{{name: docs, id: "{identity}", sha256: "{digest}"}}]')


def environment(folder):
    """Sanitizers report into files of the folder."""
    log = f"log_path={folder}/san"
    return {**os.environ, "ASAN_OPTIONS": f"{log}:detect_leaks=1:exitcode=99",
            "UBSAN_OPTIONS": f"{log}:print_stacktrace=1:halt_on_error=1",
            "TSAN_OPTIONS": f"{log}:exitcode=98", "PYTHONDONTWRITEBYTECODE": "1"}


def missing_runtimes(section, commands):
    """What the commands of a section need and this machine does not have."""
    missing = []
    for command in commands:
        word = command.text.split()[0]
        if word in ("java", "go", "node", "python3", "cargo", "haproxy", "promtool", "jq"):
            if shutil.which(word) is None:
                missing.append(word)
        missing += [path for path in re.findall(r"/usr/share/java/\S+\.jar", command.text)
                    if not os.path.exists(path)]
    for block in section.blocks:
        if block.file_name and block.language == "python":
            for module in re.findall(r"^(?:import|from) (\w+)", block.text, re.M):
                done = subprocess.run([python(), "-c", f"import {module}"], capture_output=True)
                if done.returncode:
                    missing.append(f"python3-{module}")
    return sorted(set(missing))


def python():
    return "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
