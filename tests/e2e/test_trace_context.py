# SPDX-License-Identifier: Apache-2.0
"""W3C Trace Context through a gatherd that records nothing: what a client says of its trace
goes on to upstreams, whatever else it says does not."""
import http.client
import json

import pytest
from harness.configuration import options

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def post(gatherd, document, lines):
    """POST /v1/batch with header lines as they are; the response items."""
    connection = http.client.HTTPConnection("127.0.0.1", gatherd.port, timeout=30)
    try:
        body = json.dumps(document).encode()
        connection.putrequest("POST", "/v1/batch")
        for name, value in (("Content-Type", "application/json"),
                            ("Content-Length", str(len(body))), *lines):
            connection.putheader(name, value)
        connection.endheaders(body)
        reply = connection.getresponse()
        assert reply.status == 200
        return json.loads(reply.read())["responses"]
    finally:
        connection.close()


def seen(gatherd, upstream, lines, **fields):
    """What the upstream saw of the trace: (traceparent lines, tracestate lines)."""
    item, = post(gatherd, [{"url": upstream.url("echo"), **fields}], lines)
    assert item["status"] == 200, item
    return tuple([value for name, value in item["body"]["headers"] if name.lower() == wanted]
                 for wanted in ("traceparent", "tracestate"))


def test_a_valid_traceparent_goes_on(gatherd, upstream):
    assert seen(gatherd, upstream, [("traceparent", PARENT)]) == ([PARENT], [])
    assert seen(gatherd, upstream, [("TraceParent", f"  {PARENT}  ")]) == ([PARENT], [])
    assert seen(gatherd, upstream, []) == ([], [])


def test_a_version_of_the_future_goes_on_as_the_one_that_is_spoken(gatherd, upstream):
    later = "cc" + PARENT[2:-2] + "ff-what-may-come"
    assert seen(gatherd, upstream, [("traceparent", later)]) == ([PARENT], [])


@pytest.mark.parametrize("value", [
    "ff" + PARENT[2:], PARENT[:-1], PARENT + "-x", PARENT.upper(), "x" + PARENT[1:], "",
    PARENT.replace("4bf92f3577b34da6a3ce929d0e0e4736", "0" * 32),
    PARENT.replace("00f067aa0ba902b7", "0" * 16)])
def test_what_is_no_traceparent_does_not_and_nor_does_its_tracestate(gatherd, upstream, value):
    lines = [("traceparent", value), ("tracestate", "a=1")]
    assert seen(gatherd, upstream, lines) == ([], [])


def test_two_traceparents_are_none(gatherd, upstream):
    assert seen(gatherd, upstream, [("traceparent", PARENT), ("traceparent", PARENT)]) == ([], [])
    assert seen(gatherd, upstream, [("tracestate", "a=1")]) == ([], [])


def test_the_lines_of_a_tracestate_become_one(gatherd, upstream):
    lines = [("traceparent", PARENT), ("tracestate", "a=1, b=2,"), ("tracestate", ""),
             ("Tracestate", "c=3")]
    assert seen(gatherd, upstream, lines) == ([PARENT], ["a=1,b=2,c=3"])


def test_a_tracestate_that_is_none_or_too_long_leaves_the_traceparent(gatherd, upstream):
    for state in ("A=1", ",".join(f"k{i}=v" for i in range(33))):
        lines = [("traceparent", PARENT), ("tracestate", state)]
        assert seen(gatherd, upstream, lines) == ([PARENT], [])
    lines = [("traceparent", PARENT)] + [("tracestate", f"k{i}=v") for i in range(9)]
    assert seen(gatherd, upstream, lines) == ([PARENT], [])
    long = ("tracestate", ",".join(f"k{i}={'v' * 100}" for i in range(6)))
    shown = ",".join(f"k{i}={'v' * 100}" for i in range(4))
    assert seen(gatherd, upstream, [("traceparent", PARENT), long]) == ([PARENT], [shown])


def test_an_item_names_a_trace_of_its_own(gatherd, upstream):
    own = PARENT.replace("00f0", "11f1")
    lines = [("traceparent", PARENT), ("tracestate", "a=1")]
    assert seen(gatherd, upstream, lines, headers={"Traceparent": own}) == ([own], [])
    both = {"traceparent": own, "tracestate": "mine=1"}
    assert seen(gatherd, upstream, lines, headers=both) == ([own], ["mine=1"])
    assert seen(gatherd, upstream, lines, headers={"tracestate": "mine=1"}) == \
        ([PARENT], ["mine=1"])


def test_it_goes_with_the_request_of_a_redirect(gatherd, upstream):
    url = upstream.url("redirect-to?u=") + upstream.url("echo")
    item, = post(gatherd, [{"url": url, "redirects": 1}], [("traceparent", PARENT)])
    assert ["traceparent", PARENT] in [[n.lower(), v] for n, v in item["body"]["headers"]]


def test_nothing_else_of_the_client_goes_on(gatherd, upstream):
    item, = post(gatherd, [upstream.url("echo")],
                 [("traceparent", PARENT), ("baggage", "a=1"), ("x-mine", "1"),
                  ("cookie", "a=1"), ("b3", "1"), ("x-request-id", "mine")])
    names = {name.lower() for name, _ in item["body"]["headers"]}
    assert not names & {"baggage", "x-mine", "cookie", "b3", "x-request-id"}


def test_off_is_off(start_gatherd, upstream):
    gatherd = start_gatherd(options(tracing__propagate="off"))
    assert seen(gatherd, upstream, [("traceparent", PARENT), ("tracestate", "a=1")]) == ([], [])


def test_a_large_batch_shared_by_all_workers_has_it_in_every_request(start_gatherd, upstream):
    gatherd = start_gatherd(options(server__workers=2, server__share_batches="always",
                                    batch__max_items=3000))
    items = post(gatherd, [upstream.url("echo")] * 1500,
                 [("traceparent", PARENT), ("tracestate", "a=1")])
    for item in items:
        headers = [[name.lower(), value] for name, value in item["body"]["headers"]]
        assert ["traceparent", PARENT] in headers and ["tracestate", "a=1"] in headers
