# SPDX-License-Identifier: Apache-2.0
"""Items that take several attempts: an upstream that answers by a plan, and what the response
tells of them."""


def plan(upstream, *steps):
    """(key, URL): the n-th request under the key is answered by the n-th step."""
    key = upstream.new_key()
    return key, upstream.url("seq", key=key, plan=",".join(map(str, steps)))


def shown(item):
    """What came of each attempt: an error's code, or the upstream's status."""
    return [attempt.get("error") or attempt["status"] for attempt in item.get("attempts", [])]
