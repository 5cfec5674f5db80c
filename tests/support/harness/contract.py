# SPDX-License-Identifier: Apache-2.0
"""What must hold for every reply to every batch, whatever was in it."""
import base64
import re

CODE_STATUS = {
    "bad_url": 400, "blocked_url": 403, "blocked_address": 403, "dns": 502, "connect": 502,
    "tls": 502, "reset": 502, "empty_reply": 502, "truncated": 502, "bad_reply": 502,
    "decode": 502, "headers_too_large": 502, "too_large": 502, "maybe_sent": 502,
    "redirect_limit": 502, "timeout_connect": 504, "timeout_first_byte": 504,
    "timeout_idle": 504, "timeout_total": 504, "timeout_queue": 503, "overloaded": 503,
    "circuit_open": 503, "deadline": 504, "dependency_failed": 424, "cancelled": 499,
    "expect_failed": 502,
}
SMALL_BODY = ("bodySelected", "bodyBytes", "bodySha256", "bodyTruncated")
HOP_BY_HOP = {"connection", "keep-alive", "proxy-connection", "te", "trailer",
              "transfer-encoding", "upgrade", "proxy-authenticate", "proxy-authorization"}
TIMING_PHASES = ("blocked", "dns", "connect", "ssl", "send", "wait", "receive")
REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}\Z")


def check_reply_headers(reply):
    assert REQUEST_ID.match(reply.header("x-request-id")), reply.headers
    assert reply.header("x-content-type-options", "nosniff") == "nosniff"


def check_batch_reply(reply, ids, status=200):
    """Checks the reply of a batch that ran against the contract and returns its document."""
    assert reply.status == status, (reply.status, reply.body[:2000])
    check_reply_headers(reply)
    assert reply.header("content-type").split(";")[0] == "application/json"
    assert reply.header("cache-control") == "no-store"
    document = reply.json()
    assert set(document) == {"responses", "summary"}
    assert [item["id"] for item in document["responses"]] == list(ids)
    for item in document["responses"]:
        check_item(item)
    check_summary(document)
    complete = document["summary"]["complete"]
    assert reply.header("gatherd-complete") == ("true" if complete else "false")
    return document


def check_item(item):
    assert type(item["status"]) is int, item
    assert set(item) <= {"id", "status", "headers", "body", "bodyEncoding", "timing", "error",
                         "coalesced", "attempts", "fallback", "responses", "summary",
                         *SMALL_BODY}
    if "error" in item:
        check_error(item)
    if "responses" in item:
        check_children(item)
    check_shape(item)
    assert item.get("coalesced", True) is True, item
    if "headers" in item:
        check_headers(item["headers"])
    if "timing" in item:
        check_timing(item["timing"])
    if "attempts" in item:
        check_attempts(item)
    assert item.get("fallback", True) is True and not ("fallback" in item and "error" in item)
    assert ("body" in item) == ("bodyEncoding" in item), item
    if "body" in item:
        body_bytes(item)


def check_children(item):
    """An item with forEach has its children's responses instead of a reply."""
    assert not {"body", "headers", "attempts", "fallback"} & set(item), item
    for index, child in enumerate(item["responses"]):
        check_item(child)
        assert child["id"] == str(index) and "responses" not in child, child
    summary = item["summary"]
    ok = sum("error" not in child for child in item["responses"])
    assert set(summary) == {"total", "ok", "failed", "complete", "elapsedMs"}
    assert (summary["total"], summary["ok"]) == (len(item["responses"]), ok), item
    assert summary["failed"] == summary["total"] - ok
    assert summary["complete"] is (summary["failed"] == 0) is ("error" not in item), item


def check_shape(item):
    """What `select` and `bodyMode` put in place of the whole body."""
    small = {name: item[name] for name in SMALL_BODY if name in item}
    if "bodySelected" in small:
        assert list(small) == ["bodySelected"] and type(small["bodySelected"]) is bool
        assert (item.get("bodyEncoding") == "json") is small["bodySelected"], item
    elif small:
        assert small["bodyBytes"] >= 0 and item.get("bodyEncoding") != "json", item
        assert small.get("bodyTruncated", True) is True
        assert re.fullmatch("[0-9a-f]{64}", small.get("bodySha256", "0" * 64))


def check_error(item):
    error = item["error"]
    keeps_reply = error["code"] == "expect_failed"
    assert set(error) == {"code", "message", "retryable"} | (
        {"upstreamStatus"} if keeps_reply else set()), error
    assert item["status"] == CODE_STATUS[error["code"]], item
    assert isinstance(error["message"], str) and error["message"]
    assert type(error["retryable"]) is bool
    assert keeps_reply or not {"body", "headers", *SMALL_BODY} & set(item), item


def check_attempts(item):
    """In the order of their starts, the first at 0; one alone is told of a fallback only."""
    attempts = item["attempts"]
    assert len(attempts) > ("fallback" not in item), item
    starts = [attempt["startMs"] for attempt in attempts]
    assert starts[0] == 0 and starts == sorted(starts), item
    for attempt in attempts:
        assert set(attempt) <= {"status", "error", "startMs", "totalMs", "remoteAddress", "url"}
        assert "status" in attempt or "error" in attempt, attempt
        assert attempt["totalMs"] >= 0 and attempt.get("error", "reset") in CODE_STATUS, attempt


def check_headers(headers):
    for name, value in headers.items():
        assert name == name.lower() and name not in HOP_BY_HOP, name
        values = value if isinstance(value, list) else [value]
        assert all(isinstance(v, str) for v in values), value
        assert not isinstance(value, list) or len(value) > 1, (name, value)


def check_timing(timing):
    """The phases of HAR, in milliseconds; -1 is a phase that did not happen."""
    for name in TIMING_PHASES:
        assert timing[name] == -1 or timing[name] >= 0, timing
    assert timing["start"] >= 0 and timing["total"] >= 0, timing
    assert type(timing["reused"]) is bool and timing["bytes"] >= 0, timing


def check_summary(document):
    responses, summary = document["responses"], document["summary"]
    ok = sum("error" not in item for item in responses)
    assert summary["total"] == len(responses)
    assert (summary["ok"], summary["failed"]) == (ok, len(responses) - ok)
    assert set(summary) == {"total", "ok", "failed", "complete", "elapsedMs"}
    assert type(summary["complete"]) is bool
    assert summary["complete"] or summary["failed"], summary
    assert summary["elapsedMs"] >= 0


def body_bytes(item):
    """The bytes of a body that came as text or base64; embedded JSON has no bytes of its own."""
    encoding, body = item["bodyEncoding"], item["body"]
    assert encoding in ("json", "text", "base64"), item
    if encoding == "base64":
        return base64.b64decode(body, validate=True)
    if encoding == "text":
        assert isinstance(body, str), item
        return body.encode("utf-8", "surrogatepass")
    return None
