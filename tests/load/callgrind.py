# SPDX-License-Identifier: Apache-2.0
"""A program under callgrind, counted only while asked to, and what its file says.

Nothing is timed: callgrind counts the instructions that the program runs in user space and
the system calls that it makes, so a busy machine changes little.
"""
import collections
import re
import subprocess

from processes import LoadFault, find_tool

# gatherd is the program itself, whatever its file is called; the libraries go by the
# beginning of their file's name; what is in none of them is "other".
PARTS = {"gatherd": None, "libcurl": "libcurl.", "libmicrohttpd": "libmicrohttpd.",
         "libc": "libc."}
CONTROL_LIMIT_S = 60
RECURSION = re.compile(r"'\d+$")            # how callgrind marks a function inside itself


def command(out_path):
    """What goes in front of a command line. Counting is off until switch() turns it on."""
    return [find_tool("valgrind"), "--tool=callgrind", "--instr-atstart=no",
            "--collect-systime=yes", "--callgrind-out-file=%s" % out_path]


def switch(pid, word):
    """Turns counting "on" or "off" in a running program; in force when this returns."""
    done = subprocess.run([find_tool("callgrind_control"), "-i", word, str(pid)],
                          capture_output=True, text=True, timeout=CONTROL_LIMIT_S,
                          check=False)
    if done.returncode != 0 or "OK" not in done.stdout:
        raise LoadFault("callgrind_control -i %s: %s" % (
            word, (done.stdout + done.stderr).strip()))


def part_of(path):
    name = path.rsplit("/", 1)[-1]
    for part, beginning in PARTS.items():
        if beginning and name.startswith(beginning):
            return part
    is_program = name[:1] not in "[?" and ".so" not in name
    return "gatherd" if is_program else "other"


def is_clock(function):
    """Valgrind hides the kernel's page for clocks, so reading one is a system call there."""
    return function.startswith(("clock_gettime", "__clock_gettime", "gettimeofday", "time@"))


def read(lines):
    """Sums up callgrind's file: a Counter of instructions by (part, function) and one of
    system calls by function.

    A cost line has a position and then a number per event, and belongs to the object and
    the function that "ob=" and "fn=" lines named last. The line behind "calls=" is what
    the callee cost in all: it stands with the callee as well, so here it does not count.
    """
    instructions, system_calls = collections.Counter(), collections.Counter()
    names, events, part, function = {}, [], "other", ""
    is_callee = False
    for line in lines:
        word, _, value = line.rstrip("\n").partition("=")
        if line.startswith("events:"):
            events = line.split()[1:]
        elif word in ("ob", "cob", "fn", "cfn"):
            number, _, name = value.partition(" ")
            name = names.setdefault((word[-2:], number), name or number)
            if word == "ob":
                part = part_of(name)
            elif word == "fn":
                function = "(no symbol)" if name.startswith("0x") else RECURSION.sub("", name)
        elif word == "calls":
            is_callee = True
        elif line[:1] in "+-*0123456789" and events:
            cost = dict(zip(events, map(int, line.split()[1:])))
            if not is_callee:
                instructions[part, function] += cost.get("Ir", 0)
                system_calls[function] += cost.get("sysCount", 0)
            is_callee = False
    if not instructions:
        raise LoadFault("callgrind counted nothing")
    return instructions, system_calls


def is_clearing(function):
    """memset: for more than 2 KB it is one instruction that callgrind counts once a byte."""
    return function.startswith("__memset")


def by_part(instructions):
    """Without memset, which would hide what else changes: see is_clearing()."""
    parts = collections.Counter()
    for (part, function), count in instructions.items():
        if not is_clearing(function):
            parts[part] += count
    return parts
