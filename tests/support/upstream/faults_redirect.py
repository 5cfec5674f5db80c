# SPDX-License-Identifier: Apache-2.0
"""Redirects, sane and not."""
from .steps import Pause, fault, reply


def redirect(request, *locations, status=302):
    return reply(request, "over there\n", *(f"Location: {place}" for place in locations),
                 status=status)


@fault("redirect-to", "?u=URL&code=302&ms=0, Location is u, byte for byte")
def redirect_to(request):
    if request.number("ms", 0):
        yield Pause(request.number("ms", 0) / 1000)
    yield redirect(request, request.query["u"], status=int(request.number("code", 302)))


@fault("redirect-loop", "redirects to itself")
def redirect_loop(request):
    yield redirect(request, request.target)


@fault("redirect-chain", "/redirect-chain/N, N redirects and then 200; ?code=302")
def redirect_chain(request):
    left = int(request.argument)
    code = int(request.number("code", 302))
    if left == 0:
        yield reply(request, f"arrived by {request.method}\n")
    else:
        query = request.target.partition("?")[2]
        yield redirect(request, f"/redirect-chain/{left - 1}?{query}", status=code)


@fault("redirect-none", "302 without Location")
def redirect_none(request):
    yield redirect(request)


@fault("redirect-two", "302 with two different Locations")
def redirect_two(request):
    yield redirect(request, "/ok", "/echo")


@fault("redirect-long", "?kb=16, a Location of that size")
def redirect_long(request):
    yield redirect(request, "/" + "l" * (1024 * int(request.number("kb", 16))))
