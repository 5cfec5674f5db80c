# SPDX-License-Identifier: Apache-2.0
"""`gatherd run`, run to its end or begun."""
import json
import subprocess

from .gatherd import binary

COMPLETE, FAILED, USAGE, PARTIAL = 0, 1, 2, 3
ALLOW = "--allow-private"


def run(*arguments, text="", **options):
    """The process at its end; its text is standard input's."""
    done = subprocess.run((binary(), "run", *arguments), capture_output=True, timeout=60,
                          input=text.encode("utf-8", "surrogateescape"), **options)
    assert b"Sanitizer" not in done.stderr and b"runtime error" not in done.stderr, done.stderr
    return done


class Run(subprocess.Popen):
    """Ends with a test that fails, which would wait for it otherwise."""

    def __exit__(self, kind, *rest):
        if kind:
            self.kill()
        super().__exit__(kind, *rest)


def start(*arguments, **options):
    return Run((binary(), "run", *arguments), stdin=subprocess.PIPE, stderr=subprocess.PIPE,
               **options)


def lines_of(done):
    """The responses by id, and the summary."""
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert list(lines[-1]) == ["summary"], done
    return {line["id"]: line for line in lines[:-1]}, lines[-1]["summary"]
