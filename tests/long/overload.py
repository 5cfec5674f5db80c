#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Row L1: more work than gatherd can do. Goodput stays at its peak, the rest is refused at once,
and it is calm again soon after.

Two limits are overloaded, one after the other:
  slots   calls in flight: fetch.max_in_flight is small, each item takes the upstream 100 ms
  cpu     one worker on a CPU of its own, large batches of quick items

For each: the peak is measured at and around capacity, then loads of 2, 5 and 10 times the
sustainable one are sent, open loop, for --seconds each, with half the sustainable load before and
after. Passes when, for every load,
  goodput (batches complete within their deadline, a second) is at least 90 % of the peak,
  refusals (503 and 429) are answered within 50 ms at p99, each with a whole reply,
  and within 2 s after the overload every batch is complete again.
"""
import argparse
import json
import os
import pathlib
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(ROOT / "tests/load")]

from open_loop import OpenLoop, percentile, post      # noqa: E402
from servers import DelayUpstream, Gateway, NginxUpstream   # noqa: E402

DEADLINE_MS = 2000
GOODPUT_SHARE = 0.9
REFUSAL_P99_S = 0.050
RECOVERY_S = 2.0
WINDOW_S = 0.25
SKIP_S = 1.0


class Slots:
    """200 calls in flight, 100 ms each: 2000 items, 100 batches of 20, a second."""
    name = "slots"
    items = 20
    nominal = 100.0

    def __init__(self, binary, folder):
        self.upstream = DelayUpstream(folder)
        self.gateway = Gateway(binary, folder, overrides=[
            "fetch.max_in_flight=200", "server.workers=2"])
        self.body = json.dumps({"urls": self.upstream.urls(self.items, 100),
                                "deadlineMs": DEADLINE_MS}).encode()


class Cpu:
    """One worker on one CPU; how many batches of 300 that is, is measured."""
    name = "cpu"
    items = 300
    nominal = None

    def __init__(self, binary, folder):
        cpus = sorted(os.sched_getaffinity(0))
        others = cpus[1:] or cpus
        self.upstream = NginxUpstream(folder, cpus=others)
        os.sched_setaffinity(0, others)
        self.gateway = Gateway(binary, folder, overrides=["server.workers=1"], cpus=cpus[:1])
        self.body = json.dumps({"urls": [self.upstream.url("/1k")] * self.items,
                                "deadlineMs": DEADLINE_MS, "include": ["timing"]}).encode()


def is_good(answer):
    return answer.status == 200 and answer.is_complete and answer.seconds <= DEADLINE_MS / 1000


def summary(answers, seconds, skip=0.0):
    """Goodput is what ended within the time of sending, but for its first `skip` seconds, in
    which there is not yet anything to end."""
    begin = answers[0].due
    refused = [a for a in answers if a.status in (429, 503)]
    good = [a for a in answers if is_good(a)]
    return {
        "sent": len(answers),
        "goodput": sum(begin + skip <= a.ended <= begin + seconds for a in good) / (seconds - skip),
        "refused": len(refused),
        "late_or_partial": sum(a.status == 200 and not is_good(a) for a in answers),
        "without_reply": sum(a.status == 0 for a in answers),
        "other": sum(a.status not in (0, 200, 429, 503) for a in answers),
        "refusal_p99_ms": round(1000 * percentile([a.seconds for a in refused], 0.99), 1),
        "good_p50_ms": round(1000 * percentile([a.seconds for a in good], 0.5), 1),
        "good_p99_ms": round(1000 * percentile([a.seconds for a in good], 0.99), 1),
        "generator_lag_p99_ms": round(1000 * percentile([a.sent - a.due for a in answers], 0.99), 1),
    }


def find_peak(scenario, client, seconds):
    """The best goodput around capacity, and the sustainable rate: the highest of which at
    least 99 % are good."""
    rate = scenario.nominal or find_rate(client)
    peak, sustainable = 0.0, 0.0
    for share in (0.7, 0.8, 0.9, 1.0, 1.2):
        figures = summary(client.run(rate * share, seconds), seconds, SKIP_S)
        peak = max(peak, figures["goodput"])
        if figures["goodput"] >= 0.99 * rate * share * 0.995:
            sustainable = rate * share
        print(f"    {share * rate:7.1f}/s: goodput {figures['goodput']:7.1f}/s, "
              f"refused {figures['refused']}, p99 {figures['good_p99_ms']} ms", flush=True)
    return peak, sustainable or 0.7 * rate


def find_rate(client):
    """Doubles the load until not all of it is done, then says what was done."""
    rate = 8.0
    while True:
        figures = summary(client.run(rate, 2), 2, 0.5)
        if figures["goodput"] < 0.95 * rate or rate > 4000:
            return max(figures["goodput"], rate / 2)
        rate *= 1.5


def recovery_s(answers):
    """How long after the first of these not all were good, by windows."""
    begin = answers[0].due
    last_bad = max((a.due for a in answers if not is_good(a)), default=begin)
    return 0.0 if last_bad == begin else last_bad - begin + WINDOW_S


def overload(scenario, client, factor, sustainable, seconds):
    client.run(sustainable / 2, 1)
    during = client.run(sustainable * factor, seconds, settle=0)
    after = client.run(sustainable / 2, 4)      # in which the last of the others end
    figures = summary(during, seconds, SKIP_S)
    figures["factor"] = factor
    figures["recovery_s"] = round(recovery_s(after), 2)
    return figures


def judge(figures, peak):
    faults = []
    if figures["goodput"] < GOODPUT_SHARE * peak:
        faults.append(f"goodput is {figures['goodput'] / peak:.0%} of the peak")
    if figures["refusal_p99_ms"] > 1000 * REFUSAL_P99_S:
        faults.append(f"refusals take {figures['refusal_p99_ms']} ms at p99")
    if figures["recovery_s"] > RECOVERY_S:
        faults.append(f"calm only after {figures['recovery_s']} s")
    if figures["other"] or figures["without_reply"]:
        faults.append("requests without a reply, or with an odd one")
    return faults


def judge_smoke(figures):
    if figures["other"] or figures["without_reply"] or not figures["refused"]:
        return ["requests without a reply, with an odd one, or none refused"]
    return []


def run(scenario_class, arguments):
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        scenario = scenario_class(arguments.gatherd, folder)
        try:
            client = OpenLoop(scenario.gateway.port, post(scenario.gateway.port, scenario.body))
            print(f"{scenario.name}: {scenario.__doc__}", flush=True)
            peak, sustainable = find_peak(scenario, client, arguments.calibrate)
            print(f"  peak {peak:.1f} batches/s, sustainable {sustainable:.1f}/s", flush=True)
            for factor in arguments.factors:
                figures = overload(scenario, client, factor, sustainable, arguments.seconds)
                faults = judge(figures, peak) if not arguments.smoke else judge_smoke(figures)
                failed |= bool(faults)
                print(f"  {factor:g}x: goodput {figures['goodput']:.1f}/s "
                      f"({figures['goodput'] / peak:.0%} of the peak), " +
                      ", ".join(f"{key} {value}" for key, value in figures.items()
                                if key not in ("goodput", "factor")), flush=True)
                for fault in faults:
                    print(f"  FAILED: {fault}", flush=True)
            client.stop()
        finally:
            scenario.gateway.stop()
            scenario.upstream.stop()
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gatherd", default=str(ROOT / "build/release/gatherd"))
    parser.add_argument("--seconds", type=float, default=60, help="of each overload")
    parser.add_argument("--calibrate", type=float, default=8, help="seconds of each step to the peak")
    parser.add_argument("--factors", type=float, nargs="*", default=[2, 5, 10])
    parser.add_argument("--only", choices=["slots", "cpu"])
    parser.add_argument("--smoke", action="store_true",
                        help="short, and judges no time: does it answer sanely?")
    arguments = parser.parse_args()
    if arguments.smoke:
        arguments.seconds, arguments.calibrate, arguments.factors = 3, 2, [5]
    failed = False
    affinity = os.sched_getaffinity(0)
    for scenario in (Slots, Cpu):
        if arguments.only in (None, scenario.name):
            failed |= run(scenario, arguments)
            os.sched_setaffinity(0, affinity)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
