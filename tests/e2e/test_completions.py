# SPDX-License-Identifier: Apache-2.0
"""What the command line says of itself: completions in real shells, and manual pages."""
import os
import re
import shutil
import subprocess

import pytest

from harness.gatherd import run_cli
from harness.process import wait_until
from harness.terminal import Terminal

COMMANDS = ("serve", "run", "check", "options", "health", "key", "demo", "completions", "manual",
            "version", "help")
PROMPT = "ready> "


def needs(program):
    return pytest.mark.skipif(not shutil.which(program), reason=f"{program} is not installed")


def completions(shell, tmp_path):
    done = run_cli("completions", shell)
    assert done.returncode == 0 and done.stderr == ""
    path = tmp_path / f"gatherd.{shell}"
    path.write_text(done.stdout, encoding="utf-8")
    return path


class Shell:
    """An interactive shell with the completions loaded."""

    def __init__(self, tmp_path, command, setup):
        self.terminal = Terminal(columns=200, rows=50)
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TERM": "xterm",
                       "LC_ALL": "C.UTF-8"}
        self.child = subprocess.Popen(command, stdin=self.terminal.slave, env=environment,
                                      stdout=self.terminal.slave, stderr=self.terminal.slave,
                                      cwd=tmp_path, preexec_fn=self.terminal.take_over)
        for line in (*setup, f"PS1='{PROMPT}'; echo loa''ded"):
            self.terminal.type(line + "\n")
        self.wait_for_prompt("loaded")

    def wait_for_prompt(self, behind=""):
        wait_until(lambda: re.search(behind + "[^']*" + PROMPT + "$", self.terminal.plain()), 20,
                   "a prompt")

    def complete(self, typed, *expected):
        """What appears when that is typed; then the line is thrown away."""
        since = len(self.terminal.shown)
        self.terminal.type(typed)
        for part in expected:
            self.terminal.wait_for(part, since=since)
        shown = self.terminal.plain(since)
        self.terminal.type("\x15")           # not Ctrl-C, which throws away what is typed next
        self.wait_for_empty_line()
        return shown

    def wait_for_empty_line(self):
        """By a line that shows it was read."""
        since = len(self.terminal.shown)
        self.terminal.type("\n")
        wait_until(lambda: re.search(r"\n[^\n]*" + PROMPT + "$", self.terminal.plain(since)), 20,
                   "the next prompt")

    def end(self):
        self.terminal.type("\x15\nexit\n")
        self.child.wait(20)
        return self.terminal.close()


@pytest.fixture(params=[pytest.param("bash", marks=needs("bash")),
                        pytest.param("zsh", marks=needs("zsh"))])
def shell(request, tmp_path):
    loaded = completions(request.param, tmp_path)
    if request.param == "bash":
        started = Shell(tmp_path, ("bash", "--norc", "--noprofile", "-i"),
                        ("bind 'set bell-style none'", "bind 'set enable-bracketed-paste off'",
                         f"source {loaded}"))
    else:
        started = Shell(tmp_path, ("zsh", "-f", "-i"),
                        ("unsetopt zle_bracketed_paste beep; unset zle_bracketed_paste",
                         "autoload -U compinit && compinit -u -D", f"source {loaded}"))
    yield started
    started.end()


def test_a_shell_completes_commands_options_and_paths(shell):
    shell.complete("gatherd ru\t", "gatherd run ")
    shell.complete("gatherd run --dea\t", "gatherd run --deadline ")
    shell.complete("gatherd serve --set fetch.tim\t", "fetch.timeout=")
    shown = shell.complete("gatherd serve --set fetch.\t\t", "fetch.timeout", "fetch.per_origin",
                           "fetch.user_agent")
    assert "egress.mode" not in shown and "server.listen" not in shown
    shell.complete("gatherd run --output n\t", "--output ndjson")
    shell.complete("gatherd run --output=tab\t", "--output=table")
    shell.complete("gatherd \t\t", *COMMANDS)
    shown = shell.complete("gatherd run --\t\t", "--concurrency", "--waterfall", "--allow-private",
                           "--help")
    assert "--ready" not in shown
    shell.complete("gatherd completions f\t", "completions fish")
    shell.complete("gatherd help he\t", "help he")


def test_a_shell_completes_files(shell, tmp_path):
    (tmp_path / "some urls.txt").write_text("")
    shell.complete("gatherd run so\t", "some\\ urls.txt")
    shell.complete("gatherd serve --config so\t", "some\\ urls.txt")


@needs("fish")
def test_fish_completes_commands_options_and_paths(tmp_path):
    loaded = completions("fish", tmp_path)

    def complete(line):
        done = subprocess.run(("fish", "--no-config", "-c",
                               f"source {loaded}; complete -C '{line}'"), capture_output=True,
                              text=True, timeout=30, cwd=tmp_path,
                              env={"PATH": os.environ["PATH"], "HOME": str(tmp_path),
                                   "LC_ALL": "C.UTF-8"})
        assert done.returncode == 0 and done.stderr == "", done
        return [one.split("\t")[0] for one in done.stdout.splitlines()]
    assert complete("gatherd ru") == ["run"]
    assert complete("gatherd run --dea") == ["--deadline"]
    paths = complete("gatherd serve --set fetch.")
    assert "fetch.timeout=" in paths and all(path.startswith("fetch.") for path in paths)
    assert set(COMMANDS) <= set(complete("gatherd "))
    assert complete("gatherd run --output n") == ["ndjson"]
    assert "--ready" not in complete("gatherd run --")
    (tmp_path / "some.txt").write_text("")
    assert complete("gatherd run som") == ["some.txt"]


@needs("scdoc")
@pytest.mark.parametrize("page", ["commands", "options"])
def test_manual_pages_render_without_a_warning(page, tmp_path):
    source = run_cli("manual", page)
    assert source.returncode == 0
    made = subprocess.run(("scdoc",), input=source.stdout, capture_output=True, text=True, timeout=30)
    assert made.returncode == 0 and made.stderr == "", made.stderr
    name = tmp_path / ("gatherd.1" if page == "commands" else "gatherd.yaml.5")
    name.write_text(made.stdout, encoding="utf-8")
    if shutil.which("mandoc"):
        # What scdoc writes is never quite to mandoc's taste; errors are ours.
        lint = subprocess.run(("mandoc", "-Tlint", "-Werror", str(name)), capture_output=True,
                              text=True, timeout=30)
        assert lint.stdout == "", lint.stdout
    if not shutil.which("man"):
        pytest.skip("man is not installed")
    shown = subprocess.run(("man", "--warnings", "-l", str(name)), capture_output=True, text=True,
                           timeout=30, env={**os.environ, "MANWIDTH": "80", "LC_ALL": "C.UTF-8"})
    assert shown.returncode == 0 and shown.stderr == "", shown.stderr
    text = re.sub(".\x08", "", shown.stdout)
    for word in (COMMANDS if page == "commands" else ("server.listen", "egress.mode", "log.level")):
        assert word in text
    assert "\\" not in text or page == "commands"


def test_the_manual_and_the_help_tell_the_same_options():
    manual = run_cli("manual", "commands").stdout
    for command in COMMANDS:
        for option in re.findall(r"^  (--[a-z-]+)", run_cli("help", command).stdout, re.MULTILINE):
            assert f"*{option}*" in manual


def test_what_is_no_shell_or_page_is_refused():
    for arguments in (("completions", "tcsh"), ("manual", "everything"), ("completions",),
                      ("help", "nothing")):
        done = run_cli(*arguments)
        assert done.returncode == 2 and done.stderr, done
