// SPDX-License-Identifier: Apache-2.0
// An upstream that wants to be more than text on the page: markup and scripts in bodies,
// headers and everywhere else they can be. If one of them runs, it sets window.hacked.
import { createServer } from "node:http";

export const MARKUP = `</script><script>window.hacked=1</script><img src=x onerror="window.hacked=1"><svg onload="window.hacked=1"><a href="javascript:window.hacked=1">x</a>`;

const BODIES = {
  "/html": ["text/html", MARKUP],
  "/text": ["text/plain", MARKUP + "\u202e\u0000\u2028</textarea></pre></style>"],
  "/json": ["application/json", JSON.stringify({ [MARKUP]: MARKUP, __proto__: { x: 1 } }) ],
  "/proto": ["application/json", '{"__proto__":{"hacked":1},"constructor":{"prototype":{"hacked":1}}}'],
  "/numbers": ["application/json", '{"big":12345678901234567890,"exact":1.10,"twice":1,"twice":2}'],
  "/svg": ["image/svg+xml", `<svg xmlns="http://www.w3.org/2000/svg" onload="window.hacked=1"><script>window.hacked=1</script></svg>`],
  "/not-a-png": ["image/png", Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 1, 2, 0xff, 0xfe])],
  "/bytes": ["application/octet-stream", Buffer.from(Array.from({ length: 256 }, (_, i) => 255 - i))],
  "/long": ["text/plain", "a long line ".repeat(60000)],
};

export function startHostile() {
  const server = createServer((request, response) => {
    const [type, body] = BODIES[new URL(request.url, "http://x").pathname] ?? ["text/plain", "?"];
    const headers = { "content-type": type, "x-evil": MARKUP, "set-cookie": ["a=<b>", "c=</script>"], refresh: "0;url=javascript:window.hacked=1",
      link: "<http://elsewhere.invalid/x.css>; rel=stylesheet" };
    response.writeHead(200, headers);
    response.end(request.method === "HEAD" ? "" : body);
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      server.origin = `http://127.0.0.1:${server.address().port}`;
      resolve(server);
    });
  });
}
