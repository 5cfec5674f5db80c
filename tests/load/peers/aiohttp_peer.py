#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The race's peer on aiohttp: one process per worker, one task per item (see README.md)."""
import asyncio
import json
import os
import signal
import sys

import aiohttp
from aiohttp import web

try:
    import uvloop
except ImportError:
    uvloop = None

PORT = int(os.environ["PORT"])
WORKERS = int(os.environ["WORKERS"])
TIMEOUT_MS = 30000
SESSION = web.AppKey("session", aiohttp.ClientSession) if hasattr(web, "AppKey") else "session"


async def fetch(session, item):
    limit = aiohttp.ClientTimeout(total=item.get("timeoutMs", TIMEOUT_MS) / 1000)
    try:
        async with session.get(item["url"], timeout=limit, allow_redirects=False) as reply:
            body = await reply.read()
    except asyncio.TimeoutError:
        return {"status": 0, "error": {"code": "timeout"}}
    except (aiohttp.ClientError, KeyError, ValueError) as fault:
        return {"status": 0, "error": {"code": repr(fault)}}
    return {"status": reply.status, "headers": dict(reply.headers),
            "body": body.decode(errors="replace")}


async def batch(request):
    try:
        items = json.loads(await request.read())["requests"]
    except (ValueError, KeyError, TypeError):
        return web.Response(status=400)
    session = request.app[SESSION]
    responses = await asyncio.gather(*(fetch(session, item) for item in items))
    good = sum("error" not in response for response in responses)
    document = {"responses": responses, "summary": {"ok": good}}
    return web.Response(text=json.dumps(document, separators=(",", ":")),
                        content_type="application/json")


async def healthz(_request):
    return web.Response(text="ok")


async def keep_session(app):
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=60)
    async with aiohttp.ClientSession(connector=connector,
                                     cookie_jar=aiohttp.DummyCookieJar()) as session:
        app[SESSION] = session
        yield


def serve():
    if uvloop:
        uvloop.install()
    app = web.Application(client_max_size=16 << 20)
    app.add_routes([web.post("/v1/batch", batch), web.get("/healthz", healthz)])
    app.cleanup_ctx.append(keep_session)
    web.run_app(app, host="127.0.0.1", port=PORT, reuse_port=True, backlog=4096,
                access_log=None, print=None)


def main():
    children = []
    for _ in range(WORKERS):
        child = os.fork()
        if child == 0:
            serve()
            sys.exit(0)
        children.append(child)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: [os.kill(child, signal.SIGTERM) for child in children])
    for child in children:
        os.waitpid(child, 0)


if __name__ == "__main__":
    main()
