# SPDX-License-Identifier: Apache-2.0
"""L6, the short form: some of the allocations and system calls of a batch fail in turn.  All
of them, and what is looked for: tests/long/torture.py."""
import os
import subprocess
import sys
from pathlib import Path

import pytest
from harness.gatherd import REPOSITORY, binary

LIBRARY = Path(binary()).resolve().parent / "tests/torture.so"

pytestmark = [
    pytest.mark.root, pytest.mark.slow,
    pytest.mark.skipif(not LIBRARY.exists(), reason="a sanitizer has its own allocators")]


def torture(*arguments):
    try:
        subprocess.run(("unshare", "--net", "--mount", "true"), check=True, capture_output=True)
    except subprocess.CalledProcessError:
        pytest.skip("no network namespace here")
    result = subprocess.run(
        (sys.executable, REPOSITORY / "tests/long/torture.py", *arguments), check=False,
        capture_output=True, text=True, timeout=240, env={**os.environ, "GATHERD": binary()})
    assert result.returncode == 0, (result.stdout + result.stderr)[-20000:]


@pytest.mark.parametrize("family, stride", [("memory", 83), ("calls", 6), ("interrupts", 11)])
def test_l6_a_failing_call_costs_at_most_the_batch(family, stride):
    torture("--family", family, "--stride", str(stride))


def test_l6_a_failing_call_costs_at_most_the_stream():
    torture("--stream", "--family", "memory", "--stride", "797")


@pytest.mark.parametrize("family, stride", [("memory", 397), ("calls", 5)])
def test_l6_a_failing_call_at_the_start_is_survived_or_told(family, stride):
    torture("--family", family, "--stride", str(stride), "--phase", "start")
