# SPDX-License-Identifier: Apache-2.0
"""The short form of tests/long/ssrf.py: hostile spellings of private addresses, in every way an
address gets into a request, send no packet there."""
import subprocess
import sys
from pathlib import Path

import pytest
from harness.gatherd import slowness

SCRIPT = Path(__file__).resolve().parent.parent / "long" / "ssrf.py"
CANNOT_UNSHARE = 77


@pytest.mark.root
def test_no_hostile_url_sends_a_packet_to_a_private_address():
    run = subprocess.run([sys.executable, str(SCRIPT), "--spellings", "250"],
                         capture_output=True, text=True, timeout=120 * slowness())
    if run.returncode == CANNOT_UNSHARE:
        pytest.skip(f"no network namespace here: {run.stdout}")
    assert run.returncode == 0, run.stdout + run.stderr
    assert "0 hits, held" in run.stdout
