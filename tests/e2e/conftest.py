# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the end-to-end tests.

    upstream        the misbehaving upstream, one for the run
    gatherd         a service with the base configuration, shared; checked after every test
    impatient       the same with short clocks, shared
    generous        a service with a retry budget that never says no, for a module
    demo            the port of `gatherd demo`
    start_gatherd   starts one with options of the test's own; stopped and checked after it
"""
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))

from harness.configuration import options  # noqa: E402
from harness.gatherd import Gatherd, binary, slowness  # noqa: E402
from harness.upstream_process import Upstream  # noqa: E402

IMPATIENT = options(fetch__connect_timeout="500ms", fetch__first_byte_timeout="500ms",
                    fetch__idle_timeout="500ms", fetch__timeout="2s", dns__timeout="500ms")


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes more than a few seconds")
    config.addinivalue_line("markers", "root: needs root, for a network namespace")
    if not os.access(binary(), os.X_OK):
        raise pytest.UsageError(f"no program at {binary()}: build it, or name it by GATHERD")


def pytest_collection_modifyitems(items):
    for item in items:
        if item.get_closest_marker("root") and os.geteuid() != 0:
            item.add_marker(pytest.mark.skip(reason="needs root for a network namespace"))


def pytest_report_header():
    return f"gatherd: {binary()} (time bounds x {slowness():g})"


@pytest.fixture(scope="session")
def upstream(tmp_path_factory):
    running = Upstream(tmp_path_factory.mktemp("upstream"))
    yield running
    running.stop()


class Shared:
    """A service that many tests use; replaced when a test has killed it."""

    def __init__(self, folder, *others):
        self.folder, self.others, self.running = folder, others, None

    def get(self):
        if self.running is None or not self.running.is_alive:
            self.running = Gatherd(self.folder, *self.others)
        return self.running

    def check(self):
        status = self.running.child.popen.poll()
        self.running.check_sanitizers()
        assert status is None, f"gatherd ended with {status}: {self.running.child.errors()[-3000:]}"

    def stop(self):
        if self.running and self.running.is_alive:
            self.running.stop()


@pytest.fixture(scope="session")
def shared_gatherd(tmp_path_factory):
    shared = Shared(tmp_path_factory.mktemp("gatherd"))
    yield shared
    shared.stop()


@pytest.fixture(scope="session")
def shared_impatient(tmp_path_factory):
    shared = Shared(tmp_path_factory.mktemp("impatient"), IMPATIENT)
    yield shared
    shared.stop()


@pytest.fixture
def gatherd(shared_gatherd):
    yield shared_gatherd.get()
    shared_gatherd.check()


@pytest.fixture
def impatient(shared_impatient):
    yield shared_impatient.get()
    shared_impatient.check()


@pytest.fixture
def start_gatherd(tmp_path):
    started = []

    def start(*trees, folder=tmp_path, **arguments):
        gatherd = Gatherd(folder, *trees, **arguments)
        started.append(gatherd)
        return gatherd
    yield start
    for gatherd in started:
        if gatherd.is_alive:
            gatherd.stop()
        else:
            gatherd.check_sanitizers()


@pytest.fixture(scope="module")
def demo():
    """The port of the demo upstream that the documentation's examples use."""
    child = subprocess.Popen([binary(), "demo", "--listen", "127.0.0.1:0"],
                             stdout=subprocess.PIPE, text=True)
    yield int(re.search(r":(\d+)$", child.stdout.readline().strip())[1])
    child.terminate()
    assert child.wait(10) == 0
    child.stdout.close()


@pytest.fixture(scope="module")
def generous(tmp_path_factory):
    """Whether something is tried again must not depend on what other tests did, nor on
    connections kept: the fetcher redials a stale one by itself."""
    gatherd = Gatherd(tmp_path_factory.mktemp("generous"),
                      options(fetch__retry_budget=100, fetch__keep_alive="0s"))
    yield gatherd
    gatherd.stop()
