# SPDX-License-Identifier: Apache-2.0
"""GET /-/live: the figures are true under a load that is known."""
import json
import re
import signal
import threading
import time

import yaml

from harness.client import request
from harness.configuration import options
from harness.gatherd import REPOSITORY
from harness.process import accepts, free_port, wait_until

PATH = "/-/live"
CONTRACT = yaml.safe_load((REPOSITORY / "openapi.yaml").read_text(encoding="utf-8"))["components"]["schemas"]


def live(port):
    reply = request(port, "GET", PATH)
    assert reply.status == 200 and reply.header("content-type") == "application/json"
    assert reply.header("cache-control") == "no-store"
    return reply.json()


def origin_of(document, upstream):
    found = [row for row in document["origins"]
             if row["origin"] == f"http://127.0.0.1:{upstream.port}"]
    return found[0] if found else None


def in_background(work, *arguments):
    thread = threading.Thread(target=work, args=arguments)
    thread.start()
    return thread


def test_figures_add_up_over_two_workers(start_gatherd, upstream):
    gatherd = start_gatherd(options(server__workers=2))
    before = live(gatherd.port)
    assert (before["batches"]["total"], before["items"]["total"], before["origins"]) == (0, 0, [])
    for _ in range(6):          # each on a connection of its own, so on both workers
        gatherd.batch([{"url": upstream.url("ok")}] * 5 + [{"url": upstream.url("status/503")}])
    gatherd.batch([{"url": "ftp://127.0.0.1/"}])
    gatherd.settle()
    now = live(gatherd.port)
    assert now["state"] == "ready" and now["version"] == before["version"]
    assert now["startedAtMs"] == before["startedAtMs"]
    assert 0 < now["uptimeMs"] - before["uptimeMs"] < 60_000
    assert abs(now["nowMs"] - time.time() * 1000) < 10_000
    assert now["configuration"]["generation"] == 1
    assert now["batches"] == {"inFlight": 0, "total": 7, "complete": 6, "partial": 1, "gone": 0,
                              "refused": 0}
    assert now["items"]["byCode"] == {"ok": 36, "blocked_url": 1}
    assert (now["items"]["total"], now["items"]["inFlight"], now["items"]["queued"]) == (37, 0, 0)
    assert sum(count for _, count in now["latencyMs"]["batch"]) == 7
    assert sum(count for _, count in now["latencyMs"]["item"]) == 37
    bounds = [bound for bound, _ in now["latencyMs"]["item"]]
    assert bounds[-1] is None and bounds[:-1] == sorted(bounds[:-1])
    (row,) = now["origins"]     # what was refused is none of them
    assert row == origin_of(now, upstream)
    assert (row["inFlight"], row["waiting"], row["circuit"]) == (0, 0, "off")
    assert (row["total"], row["failed"], row["cancelled"]) == (36, 6, 0)
    assert 0 < row["meanMs"] < 1000
    assert len(now["workers"]) == 2 and 2 <= sum(w["origins"] for w in now["workers"]) <= 4
    assert all(w["turns"] > 0 and "missing" not in w for w in now["workers"])
    assert now["process"]["residentBytes"] > 1 << 20 and now["originsLeftOff"] == 0


def test_head_has_the_head_alone(gatherd):
    reply = gatherd.request("HEAD", PATH)
    assert reply.status == 200 and reply.body == b"" and int(reply.header("content-length")) > 500
    reply = gatherd.request("POST", PATH)
    assert reply.status == 405 and reply.header("allow") == "GET, HEAD"


def test_what_runs_and_what_waits_is_seen(start_gatherd, upstream):
    gatherd = start_gatherd(options(server__workers=2, fetch__per_origin=2))
    url, gate = upstream.gate()
    thread = in_background(gatherd.batch, [{"url": url}] * 3)

    def row():
        return origin_of(live(gatherd.port), upstream) or {}
    wait_until(lambda: (row().get("inFlight"), row().get("waiting")) == (2, 1), 5,
               "two calls running and one waiting")
    now = live(gatherd.port)
    assert now["batches"]["inFlight"] == 1
    assert (now["items"]["inFlight"], now["items"]["queued"]) == (2, 1)
    assert sum(worker["inFlight"] for worker in now["workers"]) == 2
    assert now["connections"]["clients"] >= 1 and now["connections"]["upstream"] == 2
    upstream.open(gate)
    thread.join()
    gatherd.settle()
    assert (row()["inFlight"], row()["waiting"], row()["total"]) == (0, 0, 3)


def test_what_was_given_up_is_no_failure(start_gatherd, upstream):
    gatherd = start_gatherd()
    document = {"requests": [{"url": upstream.url("delay/30000")}], "deadlineMs": 200}
    reply = gatherd.request("POST", "/v1/batch", json.dumps(document).encode(),
                            {"content-type": "application/json"})
    assert reply.json()["responses"][0]["error"]["code"] == "deadline"
    gatherd.settle()
    row = origin_of(live(gatherd.port), upstream)
    assert (row["inFlight"], row["total"] + row["cancelled"]) == (0, 1)


def test_an_open_circuit_is_seen_until_it_closes(start_gatherd, upstream):
    gatherd = start_gatherd(options(breaker__consecutive_failures=2, breaker__open="1m",
                                    server__workers=2))
    assert gatherd.fetch({"url": upstream.url("ok")})["status"] == 200
    assert origin_of(live(gatherd.port), upstream)["circuit"] == "closed"
    for _ in range(2):
        gatherd.fetch({"url": upstream.url("status/503")})
    now = live(gatherd.port)
    row = origin_of(now, upstream)
    assert (row["circuit"], row["failed"]) == ("open", 2)
    assert now["circuits"] == {"open": 1, "halfOpen": 0}


def test_of_many_origins_the_busiest_are_shown(start_gatherd, upstream):
    """A thousand that were refused, and one that has work: that one is the first."""
    gatherd = start_gatherd(options(server__workers=2))
    closed = free_port()
    urls = [f"http://127.1.{n // 250}.{n % 250 + 1}:{closed}/" for n in range(1000)]
    gatherd.batch([{"url": url} for url in urls])
    url, gate = upstream.gate()
    hang = in_background(gatherd.batch, [{"url": url}])

    def first():
        return live(gatherd.port)["origins"][0]["origin"]
    wait_until(lambda: first() == f"http://127.0.0.1:{upstream.port}", 5, "the busy one first")
    now = live(gatherd.port)
    assert len(now["origins"]) == 100
    assert now["originsLeftOff"] >= 901
    row = now["origins"][1]
    assert (row["failed"], row["total"]) == (1, 1)
    upstream.open(gate)
    hang.join()


def test_many_may_ask_at_once(start_gatherd):
    gatherd = start_gatherd(options(server__workers=2))
    documents = []
    threads = [in_background(lambda: documents.extend(live(gatherd.port) for _ in range(20)))
               for _ in range(8)]
    for thread in threads:
        thread.join()
    assert len(documents) == 160
    assert all("missing" not in worker for each in documents for worker in each["workers"])


def test_it_goes_on_while_draining(start_gatherd, upstream):
    ops = free_port()
    gatherd = start_gatherd(options(ops__listen=[f"127.0.0.1:{ops}"], server__workers=2),
                            wait=False)
    wait_until(lambda: accepts(ops) and accepts(gatherd.port), 10, "both listeners")
    url, gate = upstream.gate()
    thread = in_background(gatherd.batch, [{"url": url}])
    wait_until(lambda: live(ops)["items"]["inFlight"] == 1, 10, "the item under way")
    gatherd.signal(signal.SIGTERM)
    wait_until(lambda: live(ops)["state"] == "draining", 5, "the drain")
    now = live(ops)
    assert (now["batches"]["inFlight"], now["origins"][0]["inFlight"]) == (1, 1)
    upstream.open(gate)
    thread.join()
    assert gatherd.wait() == 0


def test_it_is_an_operators(start_gatherd):
    """Origins are callers' business: where the console is, and nowhere else."""
    ops, port = free_port(), free_port()
    gatherd = start_gatherd(options(ops__listen=[f"127.0.0.1:{ops}"]), wait=False)
    wait_until(lambda: accepts(ops) and accepts(gatherd.port), 10, "both listeners")
    assert live(ops)["state"] == "ready"
    assert gatherd.get(PATH).status == 404
    assert request(ops, "GET", PATH, headers={"host": "attacker.example"}).status == 421
    public = start_gatherd(options(server__listen=[f"0.0.0.0:{port}"], auth__mode="none"),
                           port=port)
    assert public.get(PATH).status == 404


def members(value, schema, where="Live"):
    """The members of the document, and those the contract names, as paths."""
    schema = CONTRACT[schema["$ref"].split("/")[-1]] if "$ref" in schema else schema
    there, named = set(), set()
    if isinstance(value, dict) and "properties" in schema:
        there = {f"{where}.{name}" for name in value}
        named = {f"{where}.{name}" for name in schema["properties"]}
        inner = [members(value[name], part, f"{where}.{name}")
                 for name, part in schema["properties"].items() if name in value]
    else:
        inner = [members(each, schema.get("items", {}), where + "[]")
                 for each in (value if isinstance(value, list) else [])]
    return there.union(*(a for a, _ in inner)), named.union(*(b for _, b in inner))


def test_the_contract_names_every_member(gatherd, upstream):
    gatherd.fetch({"url": upstream.url("ok")})
    there, named = members(live(gatherd.port), CONTRACT["Live"])
    assert len(there) > 40 and there ^ named == {"Live.workers[].missing"}


def names_of(schema):
    """Those of a schema's members, and of theirs."""
    for name, part in schema.get("properties", {}).items():
        yield name
        yield from names_of(part)


def test_the_console_reads_what_the_contract_names():
    """In its modules the parts of the document go by these names."""
    part = re.compile(r"\b(?:now|before|was|worker|origin|items|batches|memory|circuits|process)"
                      r"(?:\?)?\.(\w+)")
    its_own = {"rate", "failing", "map", "reduce"}
    names = {name for schema in ("Live", "LiveWorker", "LiveOrigin")
             for name in names_of(CONTRACT[schema])}
    read = set()
    for module in ("live_view.js", "live_rates.js"):
        path = REPOSITORY / "service/http/console" / module
        read |= set(part.findall(path.read_text(encoding="utf-8"))) - its_own
    assert {"meanMs", "busyMs", "inFlight", "nowMs"} <= read and read <= names, read - names
