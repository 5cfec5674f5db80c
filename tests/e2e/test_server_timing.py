# SPDX-License-Identifier: Apache-2.0
"""The Server-Timing header on replies of batches: what it says, where it is, where it is not."""
import re

import pytest

from harness.configuration import options

ON = options(server__server_timing="on")


def entries(reply):
    """{name: (milliseconds, description)} of the header, as a browser reads it."""
    found = {}
    for part in reply.header("Server-Timing").split(", "):
        name, duration, description = re.fullmatch(
            r'([a-z]+);dur=([\d.]+)(?:;desc="([^"]*)")?', part).groups()
        found[name] = (float(duration), description)
    return found


def test_it_is_not_there_unless_asked_for(gatherd, upstream):
    assert not gatherd.batch([upstream.url("ok")])["reply"].header("Server-Timing")


def test_it_tells_where_the_time_went(start_gatherd, upstream):
    gatherd = start_gatherd(ON)
    document = gatherd.batch([{"id": "quick", "url": upstream.url("ok")},
                              {"id": "slow", "url": upstream.url("delay/120")},
                              {"id": "waits", "url": upstream.url("delay/50")}],
                             concurrency=2, include=["timing"])
    timings = entries(document["reply"])
    assert list(timings) == ["parse", "queue", "fetch", "slowest", "total"]
    items = {item["id"]: item["timing"] for item in document["responses"]}
    assert timings["total"][0] == document["summary"]["elapsedMs"]
    assert timings["parse"][0] == items["quick"]["start"]
    assert timings["parse"][0] + timings["fetch"][0] == pytest.approx(timings["total"][0], abs=0.002)
    assert timings["queue"][0] == max(item["blocked"] for item in items.values())
    assert timings["slowest"] == (items["slow"]["total"], "slow")


def test_a_failing_batch_has_it_too_and_so_has_one_of_nothing(start_gatherd):
    gatherd = start_gatherd(ON)
    assert entries(gatherd.post(["http://"]))["total"][0] > 0
    document = gatherd.batch([{"id": 'a "quoted" id', "url": "http://"}])
    assert entries(document["reply"])["slowest"][1] is None


def test_streams_and_problems_have_none(start_gatherd, upstream):
    gatherd = start_gatherd(ON)
    for form in ("application/x-ndjson", "text/event-stream"):
        assert not gatherd.post([upstream.url("ok")], {"accept": form}).header("Server-Timing")
    assert not gatherd.post(b"{").header("Server-Timing")


def test_it_goes_along_with_lines_about_items(start_gatherd, upstream):
    gatherd = start_gatherd(ON, options(log__items="all"))
    assert entries(gatherd.batch([upstream.url("ok")])["reply"])
    assert [line for line in gatherd.log_lines() if line["event"] == "item"]
