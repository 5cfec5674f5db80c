#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What a batch costs: CPU = per batch + N × per item + KB × per KB.

Measures batches of 1 to 10,000 items of 1 KB from nginx on one worker, fits the model to
the CPU per item (least squares) and prints both beside each other, in Markdown: where the
model does not hold, the cost grows otherwise. The cost of a KB comes from 1 MB bodies.
"""
import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

import measure
from layers import markdown
from processes import LoadFault
from servers import Gateway, NginxUpstream

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
# items per batch -> client connections
SIZES = {1: 64, 3: 32, 10: 32, 30: 16, 100: 8, 300: 4, 1000: 2, 3000: 1, 10000: 1}
SMOKE_SIZES = (1, 10, 10000)


def fit(costs):
    """(per batch, per item) of cost(N) = per batch / N + per item, by least squares."""
    inverse = [1 / items for items in costs]
    slope, intercept = statistics.linear_regression(inverse, list(costs.values()))
    return slope, intercept


def measure_sizes(bench, gateway, sizes, rounds):
    """Median CPU µs per item by size, the sizes in turns."""
    found = {items: [] for items in sizes}
    for _ in range(rounds):
        for items in sizes:
            figures = measure.closed_loop(bench, gateway, items, SIZES[items],
                                          bench.nginx.url("/1k"))
            found[items].append(figures["cpu_us_item"])
    return {items: statistics.median(values) for items, values in found.items()}


def report(costs, per_kb):
    per_batch, per_item = fit(costs)
    print(markdown(["CPU µs per item", *("N=%d" % items for items in costs)], [
        ["measured", *("%.1f" % cost for cost in costs.values())],
        ["model", *("%.1f" % (per_item + per_batch / items) for items in costs)]]))
    print("\na batch: %.1f µs + %.1f µs per item of 1 KB; per further KB %s" % (
        per_batch, per_item, ", ".join("%.1f µs (%s)" % (cost, kind)
                                       for kind, cost in per_kb.items())))
    print("10,000 items cost %.2f times as much each as 10" % (costs[10000] / costs[10]))


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    binary = os.environ.get("GATHERD", str(REPOSITORY / "build/release/gatherd"))
    parser.add_argument("--gatherd", default=binary, help="the binary, a release build")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--smoke", action="store_true", help="short: does it run at all?")
    return parser.parse_args()


def main():
    args = parse_arguments()
    with tempfile.TemporaryDirectory(prefix="gatherd-cost-") as folder:
        upstream = gateway = None
        try:
            upstream = NginxUpstream(folder)
            bench = measure.Bench(upstream, None, smoke=args.smoke)
            if not args.smoke:
                bench.seconds = 2
            gateway = Gateway(args.gatherd, folder, ["server.workers=1"])
            costs = measure_sizes(bench, gateway, SMOKE_SIZES if args.smoke else SIZES,
                                  1 if args.smoke else args.rounds)
            per_kb = {}
            for name in ("json1m", "text1m"):
                for figures in measure.large(bench, gateway, name).values():
                    per_kb[name[:4]] = figures["cpu_ms_mb"] * 1000 / 1024
            report(costs, per_kb)
        except (LoadFault, OSError, subprocess.SubprocessError) as fault:
            print("cost: %s" % fault, file=sys.stderr)
            return 2
        finally:
            for process in (gateway, upstream):
                if process:
                    process.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
