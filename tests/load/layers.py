#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Where gatherd's time goes: by layer and by function, and the system calls per item.

Batches of 100, 10 and 1 items from nginx, one worker. perf samples the CPU while wrk runs
(cpu-clock: no hardware counters needed), then strace counts system calls. To see libcurl's
functions by name, let LD_LIBRARY_PATH lead to a build of it with symbols. Prints Markdown.
"""
import argparse
import collections
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

import callgrind
import client
import measure
from processes import LoadFault, find_tool
from servers import Gateway, NginxUpstream

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
LAYERS = ["kernel", *callgrind.PARTS, "other"]
SAMPLE = re.compile(r"^\s*([\d.]+)%\s+(\S+)\s+\[(.)\]\s+(.+?)\s*$")
CALL = re.compile(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$")
ENTRY = "__x64_sys_" if os.uname().machine == "x86_64" else "__arm64_sys_"
# Samples that fell due while the thread was being switched in: with other work on the
# same CPUs, these overstate the kernel's part.
SWITCHED_IN = "switched in again"
SAMPLES_HZ = "997"           # more slow the program down by a third
TRACED_BATCHES = {100: 100, 10: 500, 1: 2000}
TOOL_LIMIT_S = 120


def layer_of(object_name, mode):
    return "kernel" if mode == "k" else callgrind.part_of(object_name)


def read_samples(lines):
    """perf report's lines: (share by layer, share by (layer, function)), in percent."""
    layers, functions = collections.Counter(), collections.Counter()
    for share, object_name, mode, function in lines:
        layer = layer_of(object_name, mode)
        layers[layer] += float(share)
        named = "(no symbol)" if function.startswith("0x") else function
        functions[layer, named] += float(share)
    return layers, functions


def read_kernel(lines):
    """perf report's lines with callees: the kernel's share by system call, in percent."""
    return collections.Counter({function[len(ENTRY):]: float(share)
                                for share, _, mode, function in lines
                                if mode == "k" and function.startswith(ENTRY)})


def perf_report(data, *more):
    """(share, object, mode, function) of each line."""
    shown = subprocess.run([find_tool("perf"), "report", "-i", data, "--stdio", "-g", "none",
                            *more], capture_output=True, text=True, check=False,
                           timeout=TOOL_LIMIT_S)
    lines = [found.groups() for line in shown.stdout.splitlines()
             if (found := SAMPLE.match(line))]
    if not lines:
        raise LoadFault("perf saw nothing: " + shown.stderr[-300:])
    return lines


def sample(bench, gateway, folder, name, seconds):
    """perf looks on while wrk runs; returns the figures of the run and the shares."""
    data = str(pathlib.Path(folder, name + ".perf"))
    watching = subprocess.Popen(
        [find_tool("perf"), "record", "-q", "-e", "cpu-clock", "-F", SAMPLES_HZ, "-g", "-o",
         data, "-p", str(gateway.pid), "--", "sleep", str(seconds + bench.warm_seconds)],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    figures = measure.load(bench, gateway, name)[name]
    _, faults = watching.communicate(timeout=TOOL_LIMIT_S)
    if watching.returncode != 0:
        raise LoadFault("perf record: " + faults[-300:])
    layers, functions = read_samples(perf_report(data, "--no-children", "-F",
                                                 "overhead,dso,sym"))
    kernel = read_kernel(perf_report(data, "--children", "-F", "overhead_children,dso,sym",
                                     "--symbol-filter", ENTRY))
    kernel[SWITCHED_IN] = sum(share for (_, function), share in functions.items()
                              if function.startswith("finish_task_switch"))
    return figures, layers, functions, kernel


def count_calls(bench, gateway, folder, items):
    """System calls per item by name, most first."""
    out = pathlib.Path(folder, "strace.%d" % items)
    tracing = subprocess.Popen([find_tool("strace"), "-f", "-c", "-o", str(out), "-p",
                                str(gateway.pid)], stderr=subprocess.DEVNULL)
    time.sleep(0.5)                          # until it has attached to every thread
    body = client.batch_body([bench.nginx.url("/1k")] * items)
    connection = client.Kept(gateway.port)
    for _ in range(TRACED_BATCHES[items]):
        connection.post("/v1/batch", body)
    connection.close()
    tracing.send_signal(signal.SIGINT)
    tracing.wait(TOOL_LIMIT_S)
    total = items * TRACED_BATCHES[items]
    calls = {found[2]: int(found[1]) / total for line in out.read_text().splitlines()
             if (found := CALL.match(line)) and found[2] != "total"}
    if not calls:
        raise LoadFault("strace counted nothing")
    return collections.Counter(calls)


def markdown(heads, rows):
    lines = ["| " + " | ".join(heads) + " |", "|---" + "|---:" * (len(heads) - 1) + "|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def kernel_rows(profiles):
    """The system calls that take at least a hundredth somewhere."""
    most = collections.Counter()
    for _, _, _, kernel in profiles.values():
        most |= kernel
    return [["– %s" % call] + ["%.1f (%.0f %%)" % (
        figures["cpu_us_item"] * kernel[call] / 100, kernel[call])
        for figures, _, _, kernel in profiles.values()]
        for call, share in most.most_common() if share >= 1]


def print_layers(profiles):
    heads = ["CPU µs per item"] + ["N=%d" % items for items in profiles]
    rows = []
    for layer in LAYERS:
        rows.append([layer] + ["%.1f (%.0f %%)" % (
            figures["cpu_us_item"] * layers[layer] / 100, layers[layer])
            for figures, layers, _, _ in profiles.values()])
        if layer == "kernel":
            rows += kernel_rows(profiles)
    rows.append(["all"] + ["%.1f" % figures["cpu_us_item"]
                           for figures, _, _, _ in profiles.values()])
    print(markdown(heads, rows) + "\n")


def print_functions(profiles, top):
    order = collections.Counter()
    for _, _, functions, _ in profiles.values():
        for key, share in functions.items():
            order[key] = max(order[key], share)
    heads = ["%", "layer"] + ["N=%d" % items for items in profiles]
    rows = [["`%s`" % function, layer] + ["%.1f" % functions[layer, function]
                                          for _, _, functions, _ in profiles.values()]
            for (layer, function), _ in order.most_common(top)]
    print(markdown(heads, rows) + "\n")


def print_calls(counts):
    names = collections.Counter()
    for calls in counts.values():
        names.update(calls)
    heads = ["system calls per item"] + ["N=%d" % items for items in counts]
    rows = [["`%s`" % name] + ["%.2f" % calls[name] for calls in counts.values()]
            for name, most in names.most_common() if most >= 0.02]
    rows.append(["all"] + ["%.2f" % sum(calls.values()) for calls in counts.values()])
    print(markdown(heads, rows))


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    binary = os.environ.get("GATHERD", str(REPOSITORY / "build/release/gatherd"))
    parser.add_argument("--gatherd", default=binary, help="the binary, a release build")
    parser.add_argument("--top", type=int, default=30, help="so many functions")
    parser.add_argument("--smoke", action="store_true", help="short: does it run at all?")
    return parser.parse_args()


def run(args, folder):
    bench = measure.Bench(NginxUpstream(folder), None, smoke=args.smoke)
    profiles, counts = {}, {}
    try:
        for items in [100] if args.smoke else TRACED_BATCHES:
            gateway = Gateway(args.gatherd, folder, ["server.workers=1"])
            try:
                profiles[items] = sample(bench, gateway, folder, "n%d" % items,
                                         bench.seconds)
                counts[items] = count_calls(bench, gateway, folder, items)
            finally:
                gateway.stop()
    finally:
        bench.nginx.stop()
    print_layers(profiles)
    print_functions(profiles, args.top)
    print_calls(counts)


def main():
    args = parse_arguments()
    with tempfile.TemporaryDirectory(prefix="gatherd-layers-") as folder:
        try:
            run(args, folder)
        except (LoadFault, OSError, subprocess.SubprocessError) as fault:
            print("layers: %s" % fault, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
