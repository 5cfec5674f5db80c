# SPDX-License-Identifier: Apache-2.0
"""J1-J6: what is JSON and what is not, in the body of POST /v1/batch."""
import json
import re

import pytest
from harness.gatherd import slowness
from harness.json_corpus import TEXTS

QUICK_SECONDS = 0.05
NAMES = sorted(TEXTS)


def named(prefix):
    return [name for name in NAMES if name.startswith(prefix)]


def as_item_body(upstream, text, key):
    return b'[{"url": "%s", "method": "POST", "body": %s}]' % (
        upstream.url("echo", key=key).encode(), text)


def check_refusal(gatherd, document):
    """The quickest of a few tries counts: other work on the machine is not the service's."""
    bound = QUICK_SECONDS * slowness()
    seconds = []
    while not seconds or min(seconds) >= bound and len(seconds) < 8:
        reply = gatherd.post(document)
        assert reply.status == 400, reply
        seconds.append(reply.seconds)
    problem = reply.json()
    assert problem["type"] == "/problems/invalid-batch"
    text = json.dumps(problem)
    assert re.search(r"line \d+", text) and re.search(r"column \d+", text), problem
    assert min(seconds) < bound, seconds


@pytest.mark.parametrize("name", named("n_"))
def test_j1_what_is_not_json_is_refused_with_its_place(gatherd, upstream, name):
    """J1, J2, J4, J5, J6: alone and inside a batch; nothing is sent."""
    key = upstream.new_key()
    check_refusal(gatherd, TEXTS[name])
    check_refusal(gatherd, as_item_body(upstream, TEXTS[name], key))
    assert upstream.stats(key)["requests"] == 0


@pytest.mark.parametrize("name", named("y_"))
def test_j1_what_is_json_is_taken(gatherd, upstream, name):
    """As the body of an item it arrives as it was sent; as a document it may be no batch, but
    that is then said of a field, not of the syntax."""
    text = TEXTS[name]
    value = json.loads(text)
    reply = gatherd.post(as_item_body(upstream, text, upstream.new_key()))
    assert reply.status == 200, reply
    [item] = reply.json()["responses"]
    arrived = item["body"]["bodyText"]
    if isinstance(value, str):
        assert arrived == value
    elif value is not None:
        assert json.loads(arrived) == value
    reply = gatherd.post(text)
    assert reply.status in (200, 400), reply
    if reply.status == 400:
        is_scalar = not isinstance(value, (dict, list))
        assert ("column" in reply.body.decode()) == is_scalar, reply


@pytest.mark.parametrize("name", named("s_"))
def test_j5_a_key_twice_and_u0000_are_refused_in_the_batch_and_sent_in_a_body(gatherd, upstream, name):
    """J1, J5: in the batch two readers could see two things; the body is the upstream's to read."""
    assert gatherd.post(TEXTS[name]).status == 400
    reply = gatherd.post(as_item_body(upstream, TEXTS[name], upstream.new_key()))
    assert reply.json()["responses"][0]["body"]["bodyText"].encode() == TEXTS[name]


@pytest.mark.parametrize("name", named("i_"))
def test_j4_numbers_no_machine_holds_are_refused_or_sent_as_they_are(gatherd, upstream, name):
    text = TEXTS[name]
    document = as_item_body(upstream, text, upstream.new_key())
    reply = gatherd.post(document)
    if reply.status == 200:
        assert json.loads(reply.json()["responses"][0]["body"]["bodyText"]) == json.loads(text)
    else:
        check_refusal(gatherd, document)


def test_j2_a_million_brackets_cost_nothing(gatherd):
    """Refused at the depth they are too deep at, not at their end."""
    for opening in (b"[", b'{"a":', b'[{"url":"http://x/","body":'):
        check_refusal(gatherd, opening * (1000000 // len(opening)))


def test_j7_many_keys_take_time_in_proportion(gatherd):
    """The hash of keys has a random seed, so nobody can choose keys that collide; a hundred
    thousand of them are read, and refused, in a moment."""
    keys = ", ".join(f'"k{n}": 1' for n in range(100_000))
    reply = gatherd.post(f"{{{keys}}}".encode())
    assert reply.status == 400 and reply.json()["type"] == "/problems/invalid-batch"
    assert reply.seconds < 2 * slowness() and len(reply.body) < 200_000


def test_j1_the_corpus_is_as_large_as_promised():
    assert len(NAMES) >= 150 and all(name[:2] in ("y_", "n_", "i_", "s_") for name in NAMES)
