# SPDX-License-Identifier: Apache-2.0
"""The examples of asyncio's documentation (Coroutines and Tasks, Synchronization Primitives),
each beside the gatherd request that says the same, on the same upstream, at the same time: the
same items done, failed and given up, the same values, the same order, and the same counters at
the upstream.

asyncio.gather without return_exceptions has no counterpart: it raises and lets the others run
on unseen.  A batch either waits for all (the default) or gives the others up (failFast).
"""
import asyncio
import json
from concurrent.futures import ThreadPoolExecutor

import aiohttp
import pytest
from harness.gatherd import slowness

GIVEN_UP = "given up"
FAILED = "failed"
STEP_MS = int(150 * min(4, slowness()))


class Plan:
    """What the upstream does with the items of an example, asked by two clients."""

    def __init__(self, upstream, *items):
        self.upstream, self.items = upstream, items
        self.keys = {"asyncio": upstream.new_key(), "gatherd": upstream.new_key()}

    def urls(self, who):
        """ok and fails come after so many steps; an ok one says what it is called."""
        for kind, steps, *text in self.items:
            path = {"ok": "delay", "fails": "late-cut", "eternity": "hang"}[kind]
            arguments = {"text": text[0]} if text else {}
            yield self.upstream.url(f"{path}/{steps * STEP_MS}", key=self.keys[who], **arguments)

    def run(self, gatherd, main, batch, **headers):
        """What main(aws) returns, run by asyncio, and the reply to the batch."""
        async def with_session():
            async with aiohttp.ClientSession() as session:
                return await main([fetch(session, url) for url in self.urls("asyncio")])
        with ThreadPoolExecutor(1) as pool:
            reply = pool.submit(gatherd.post, {"urls": list(self.urls("gatherd")), **batch},
                                headers)
            returned = asyncio.run(with_session())
            return returned, reply.result()

    def check_counters(self):
        seen = []
        for key in self.keys.values():
            assert self.upstream.wait_idle(key, 2)
            stats = self.upstream.stats(key)
            seen.append([stats[name] for name in ("requests", "completed", "aborted")])
        assert seen[0] == seen[1]


async def fetch(session, url):
    async with session.get(url) as response:
        return await response.text()


async def outcome(task):
    """Of a task that is done, or is given up now."""
    task.cancel()
    try:
        return await task
    except (asyncio.CancelledError, TimeoutError):
        return GIVEN_UP
    except aiohttp.ClientError:
        return FAILED


async def outcomes(tasks):
    return [await outcome(task) for task in tasks]


def outcome_of(item):
    if "error" not in item:
        return item["body"]
    code = item["error"]["code"]
    return FAILED if code == "truncated" else GIVEN_UP


def outcomes_of(reply):
    assert reply.status == 200
    return [outcome_of(item) for item in reply.json()["responses"]]


def is_complete(reply):
    return reply.json()["summary"]["complete"]


# ------------------------------------------------------------------------------- gather

def test_gather(gatherd, upstream):
    """L = await asyncio.gather(factorial("A", 2), factorial("B", 3), factorial("C", 4))"""
    plan = Plan(upstream, ("ok", 1, "2"), ("ok", 2, "6"), ("ok", 3, "24"))

    async def main(aws):
        return await asyncio.gather(*aws)
    values, reply = plan.run(gatherd, main, {})
    assert values == outcomes_of(reply) == ["2", "6", "24"] and is_complete(reply)
    plan.check_counters()


def test_gather_with_exceptions_returned(gatherd, upstream):
    plan = Plan(upstream, ("ok", 2, "2"), ("fails", 0), ("ok", 1, "24"))

    async def main(aws):
        results = await asyncio.gather(*aws, return_exceptions=True)
        return [FAILED if isinstance(result, Exception) else result for result in results]
    values, reply = plan.run(gatherd, main, {})
    assert values == outcomes_of(reply) == ["2", FAILED, "24"] and not is_complete(reply)
    plan.check_counters()


# --------------------------------------------------------------------------------- wait

@pytest.mark.parametrize("items, arguments, batch, expected", [
    ([("eternity", 0), ("ok", 1, "b"), ("ok", 4, "c")],
     {"return_when": asyncio.FIRST_COMPLETED}, {"until": "firstDone"}, [GIVEN_UP, "b", GIVEN_UP]),
    ([("eternity", 0), ("fails", 1), ("ok", 4, "c")],
     {"return_when": asyncio.FIRST_COMPLETED}, {"until": "firstDone"},
     [GIVEN_UP, FAILED, GIVEN_UP]),
    ([("ok", 0, "a"), ("fails", 1), ("eternity", 0)],
     {"return_when": asyncio.FIRST_EXCEPTION}, {"failFast": True}, ["a", FAILED, GIVEN_UP]),
    ([("ok", 0, "a"), ("ok", 2, "b"), ("ok", 1, "c")],
     {"return_when": asyncio.FIRST_EXCEPTION}, {"failFast": True}, ["a", "b", "c"]),
    ([("ok", 0, "a"), ("fails", 1), ("ok", 2, "c")],
     {"return_when": asyncio.ALL_COMPLETED}, {"until": "all"}, ["a", FAILED, "c"]),
    ([("ok", 0, "a"), ("eternity", 0), ("ok", 1, "c")],
     {"timeout": 3 * STEP_MS / 1000}, {"deadlineMs": 3 * STEP_MS}, ["a", GIVEN_UP, "c"]),
], ids=["first-completed", "first-completed-failed", "first-exception", "no-exception",
        "all-completed", "timeout"])
def test_wait(gatherd, upstream, items, arguments, batch, expected):
    """done, pending = await asyncio.wait(aws, …), and what is pending is cancelled."""
    plan = Plan(upstream, *items)

    async def main(aws):
        tasks = [asyncio.create_task(coroutine) for coroutine in aws]
        done, pending = await asyncio.wait(tasks, **arguments)
        assert [task in done for task in tasks] == [one != GIVEN_UP for one in expected]
        assert pending == set(tasks) - done
        return await outcomes(tasks)
    values, reply = plan.run(gatherd, main, batch)
    assert values == outcomes_of(reply) == expected
    plan.check_counters()


# ------------------------------------------------------------------------- as_completed

def lines_of(reply):
    *lines, last = [json.loads(line) for line in reply.body.splitlines()]
    assert list(last) == ["summary"]
    return [outcome_of(line) for line in lines], last["summary"]


def test_as_completed(gatherd, upstream):
    """for coroutine in asyncio.as_completed(aws): earliest_result = await coroutine"""
    plan = Plan(upstream, ("ok", 3, "last"), ("ok", 0, "first"), ("fails", 2), ("ok", 1, "then"))

    async def main(aws):
        results = []
        for coroutine in asyncio.as_completed(aws):
            try:
                results.append(await coroutine)
            except aiohttp.ClientError:
                results.append(FAILED)
        return results
    values, reply = plan.run(gatherd, main, {}, accept="application/x-ndjson")
    assert values == lines_of(reply)[0] == ["first", "then", FAILED, "last"]
    plan.check_counters()


def test_as_completed_with_a_timeout(gatherd, upstream):
    plan = Plan(upstream, ("eternity", 0), ("ok", 1, "b"), ("ok", 0, "a"))

    async def main(aws):
        results, tasks = [], [asyncio.create_task(coroutine) for coroutine in aws]
        try:
            for coroutine in asyncio.as_completed(tasks, timeout=3 * STEP_MS / 1000):
                results.append(await coroutine)
        except TimeoutError:
            results.append(GIVEN_UP)
        await outcomes(tasks)
        return results
    values, reply = plan.run(gatherd, main, {"deadlineMs": 3 * STEP_MS},
                             accept="application/x-ndjson")
    lines, summary = lines_of(reply)
    assert values == lines == ["a", "b", GIVEN_UP] and not summary["complete"]
    plan.check_counters()


# ---------------------------------------------------------------------------- TaskGroup

async def in_a_group(aws):
    """The outcomes, and how many exceptions the group raised."""
    tasks, raised = [], 0
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(coroutine) for coroutine in aws]
    except* aiohttp.ClientError as errors:
        raised = len(errors.exceptions)
    return await outcomes(tasks), raised


def test_task_group(gatherd, upstream):
    """task1 = tg.create_task(some_coro(...)); task2 = tg.create_task(another_coro(...))"""
    plan = Plan(upstream, ("ok", 1, "some"), ("ok", 2, "another"))
    (values, raised), reply = plan.run(gatherd, in_a_group, {"failFast": True})
    assert values == outcomes_of(reply) == ["some", "another"]
    assert raised == 0 and is_complete(reply)
    plan.check_counters()


def test_terminating_a_task_group(gatherd, upstream):
    """Two jobs, and a task that fails between the ends of the two."""
    plan = Plan(upstream, ("ok", 1, "job 1"), ("ok", 6, "job 2"), ("fails", 3))
    (values, raised), reply = plan.run(gatherd, in_a_group, {"failFast": True})
    assert values == outcomes_of(reply) == ["job 1", GIVEN_UP, FAILED]
    assert raised == 1 and not is_complete(reply)
    plan.check_counters()


# ------------------------------------------------------------------------------ timeout

@pytest.mark.parametrize("bound", ["timeout", "timeout_at", "wait_for"])
def test_a_timeout_of_one(gatherd, upstream, bound):
    """async with asyncio.timeout(10): await long_running_task()"""
    plan = Plan(upstream, ("eternity", 0))
    seconds = STEP_MS / 1000

    async def main(aws):
        try:
            if bound == "wait_for":
                return [await asyncio.wait_for(aws[0], timeout=seconds)]
            end = asyncio.get_running_loop().time() + seconds
            async with (asyncio.timeout(seconds) if bound == "timeout"
                        else asyncio.timeout_at(end)):
                return [await aws[0]]
        except TimeoutError:
            return [GIVEN_UP]
    values, reply = plan.run(gatherd, main, {"defaults": {"timeoutMs": STEP_MS}})
    assert values == outcomes_of(reply) == [GIVEN_UP]
    assert reply.json()["responses"][0]["status"] == 504
    plan.check_counters()


def test_a_timeout_of_a_group(gatherd, upstream):
    """async with asyncio.timeout(…): async with asyncio.TaskGroup() as tg: …"""
    plan = Plan(upstream, ("ok", 1, "a"), ("eternity", 0), ("ok", 8, "c"))

    async def main(aws):
        tasks = []
        try:
            async with asyncio.timeout(3 * STEP_MS / 1000):
                async with asyncio.TaskGroup() as group:
                    tasks = [group.create_task(coroutine) for coroutine in aws]
        except TimeoutError:
            return await outcomes(tasks)
    values, reply = plan.run(gatherd, main, {"failFast": True, "deadlineMs": 3 * STEP_MS})
    assert values == outcomes_of(reply) == ["a", GIVEN_UP, GIVEN_UP]
    plan.check_counters()


# ---------------------------------------------------------------------------- Semaphore

def test_semaphore(gatherd, upstream):
    """sem = asyncio.Semaphore(10); async with sem: # work with shared resource"""
    plan = Plan(upstream, *[("ok", 1, str(number)) for number in range(4)])

    async def main(aws):
        semaphore = asyncio.Semaphore(2)

        async def held(coroutine):
            async with semaphore:
                return await coroutine
        return await asyncio.gather(*map(held, aws))
    values, reply = plan.run(gatherd, main, {"concurrency": 2})
    assert values == outcomes_of(reply) == ["0", "1", "2", "3"]
    peaks = [upstream.stats(key)["peak_in_flight"] for key in plan.keys.values()]
    assert peaks == [2, 2]
    plan.check_counters()
