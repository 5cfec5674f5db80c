# SPDX-License-Identifier: Apache-2.0
"""Short forms of tests/long/: the same code, as little of it as shows that it works."""
import pytest
from harness import faults as table
from harness.gatherd import binary, slowness
from harness.long_runs import script
from harness.namespace import CannotUnshare

pytestmark = [pytest.mark.root, pytest.mark.slow]


def or_skip(make, folder):
    try:
        return make(folder)
    except CannotUnshare as reason:
        return pytest.skip(f"no network namespace here: {reason}")


def test_every_fault_ten_at_once_and_all_mixed(tmp_path):
    """U1, U2, U3, U4, U5, U7, U8, U9, U10, U11, U16, S19: at least 120 faults, one result each,
    the right code, in time."""
    faults = script("faults")
    rig = or_skip(lambda folder: faults.Rig(folder, min(4, slowness())), tmp_path)
    try:
        chosen = faults.all_faults(rig.upstream)
        assert len({f.name for f in chosen if faults.is_fault(f)}) >= 120
        assert not faults.run(rig, chosen, (10,), 1)
    finally:
        rig.close()


def test_a_soak_of_twenty_seconds(tmp_path):
    """L17: nonces come back where they belong, beside faults and clients that leave."""
    soak = script("soak")
    arguments = soak.parse_arguments(["--seconds", "20", "--sample", "2", "--rate", "200",
                                      "--stretch", "10"])   # tests may share the machine
    try:
        page = soak.soak(tmp_path, arguments)
    except CannotUnshare as reason:
        pytest.skip(f"no network namespace here: {reason}")
    assert not page["wrong"], soak.text_of(page)
    assert page["counts"]["nonces"] > 500
    assert table.OK in page["codes"] and len(page["codes"]) > 8


def test_l1_an_overload_of_seconds_is_answered_sanely(monkeypatch):
    """L1: every request gets a whole reply, done or refused; how fast is for the long form."""
    overload = script("overload")
    monkeypatch.setattr("sys.argv", ["overload.py", "--smoke", "--only", "slots",
                                     "--gatherd", binary()])
    assert overload.main() == 0


def test_a_mixture_of_all_a_batch_can_ask_for(tmp_path):
    """Six seconds of it; what chance found once was a call delivered into freed memory."""
    counts, wrong = script("mixture").mix(tmp_path, 6)
    assert not wrong, wrong
    assert sum(counts.values()) - counts["items handed over"] > 20


def test_o1_restarts_by_hand_over_lose_no_request(tmp_path):
    """Eight of them under load, over TCP and a unix socket, connections kept and not."""
    handover = script("handover")
    arguments = handover.parse_arguments(["--between", "0.2", "--clients", "12"])
    seen, wrong = handover.restart(tmp_path, 8, arguments)
    assert not wrong, (seen, wrong)
    assert seen["requests"] > 100 and seen["connections closed as told"] > 8, seen


def test_o3_reloads_lose_no_request(tmp_path):
    """A hundred and twenty of them under load, every third file invalid."""
    reload = script("reload")
    seen, wrong = reload.reload(tmp_path, 120, reload.parse_arguments(["--clients", "6"]))
    assert not wrong, (seen, wrong)
    assert (seen["reloads done"], seen["reloads refused"]) == (80, 40), seen
    assert seen["requests"] > 100, seen
