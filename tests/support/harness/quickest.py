# SPDX-License-Identifier: Apache-2.0
"""Bounds on time that other work on the machine does not break."""


def within(limit_s, measure, tries=4):
    """measure() does what is timed and returns the seconds. The quickest of a few tries counts:
    what the service is late by, it is late by each time."""
    seconds = []
    while not seconds or min(seconds) >= limit_s and len(seconds) < tries:
        seconds.append(measure())
    assert min(seconds) < limit_s, f"not within {limit_s} s: {seconds}"


def once(check, tries=4):
    """check() holds, at the latest the last of a few times: what fails by itself fails each time."""
    for left in reversed(range(tries)):
        try:
            return check()
        except AssertionError:
            if left == 0:
                raise
