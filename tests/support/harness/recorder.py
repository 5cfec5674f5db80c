# SPDX-License-Identifier: Apache-2.0
"""An origin of one's own that plays a plan and keeps what it was sent.

    /STEP,STEP,…/NAME   the n-th request to this target gets the n-th step, further ones the last:
                        a status, or "hang" (no answer until the client goes)

Every answer is JSON: {"n": 1, "list": [1, 2], "codes": [200, 500], "text": "a b/?&\\"é"}.
"""
import http.server
import json
import select
import threading
from collections import Counter

BODY = {"list": [1, 2], "codes": [200, 500], "text": 'a b/?&"é'}


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128    # of 5, connections that come at once wait a second for more room


class Recorder:
    def __init__(self):
        self.requests, self.aborted, self.lock = [], Counter(), threading.Lock()
        recorder = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                recorder.answer(self)

            do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = answer

            def log_message(self, *_):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def url(self, plan, name="x"):
        return f"http://127.0.0.1:{self.server.server_port}/{plan}/{name}"

    def sent(self, name):
        """The requests whose target holds /NAME."""
        with self.lock:
            return [request for request in self.requests if f"/{name}" in request["target"]]

    def answer(self, handler):
        size = int(handler.headers.get("content-length", 0))
        request = {"target": handler.path, "method": handler.command,
                   "headers": {name.lower(): value for name, value in handler.headers.items()},
                   "body": handler.rfile.read(size)}
        with self.lock:
            self.requests.append(request)
            n = sum(other["target"] == handler.path for other in self.requests)
        steps = handler.path.split("/")[1].split(",")
        step = steps[min(n, len(steps)) - 1]
        if step == "hang":
            select.select([handler.connection], [], [], 20)
            with self.lock:
                self.aborted[handler.path] += 1
            handler.close_connection = True
            return
        body = json.dumps({"n": n, **BODY}).encode()
        handler.send_response(int(step))
        for name, value in (("Content-Type", "application/json"), ("ETag", '"e"'),
                            ("X-Other", "o"), ("Content-Length", str(len(body)))):
            handler.send_header(name, value)
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(body)
