// SPDX-License-Identifier: Apache-2.0
// A batch for each thing a batch can ask for; they run as they are against `gatherd demo`.
// `at` is its address.

export const GROUPS = [
  { label: "Start here", templates: [
    { name: "example", label: "A bit of everything",
      help: "Quick, slow, failing, retried and dependent requests at once.",
      make: (at) => ({ deadlineMs: 3000, requests: [
        `${at}/json`, `${at}/text`, `${at}/image`, `${at}/gzip`,
        { id: "slow", url: `${at}/delay/600` },
        { id: "slower", url: `${at}/delay/1200`, timeoutMs: 900 },
        { id: "big", url: `${at}/bytes/400000`, bodyMode: "sha256" },
        { id: "missing", url: `${at}/status/404` },
        { id: "retried", url: `${at}/status/503`, retries: 2 },
        { id: "broken", url: `${at}/fail/close`, fallback: { status: 200, body: { items: [] } } },
        { id: "next", url: `${at}/delay/{{slow.body.delayedMs}}` }] }) },
    { name: "urls", label: "URLs at once", help: "An array of URLs is all it takes.",
      make: (at) => [`${at}/delay/300`, `${at}/delay/200`, `${at}/json`] },
    { name: "requests", label: "Methods, headers, bodies", help: "Each request with its own fields, defaults for all.",
      make: (at) => ({ defaults: { timeoutMs: 1000, headers: { "x-team": "search" } }, requests: [
        { id: "list", url: `${at}/json` },
        { id: "save", url: `${at}/echo`, method: "POST", headers: { accept: "application/json" }, body: { q: 1 } }] }) },
    { name: "many", label: "1,000 requests", help: "As many bars as the server takes in one batch by default.",
      make: (at) => ({ deadlineMs: 15000, concurrency: 100, requests: Array.from({ length: 1000 }, (_, i) =>
        i % 97 === 0 ? `${at}/status/503` : i % 89 === 0 ? `${at}/fail/close` : i % 83 === 0 ? `${at}/status/404`
          : `${at}/delay/${(i * 7919) % 230}`) }) },
  ] },
  { label: "When it is enough", templates: [
    { name: "until", label: "until: the first good one", help: "The first good answer ends the batch; the others are cancelled upstream.",
      make: (at) => ({ urls: [`${at}/delay/5000`, `${at}/delay/150`, `${at}/delay/4000`], until: "firstOk" }) },
    { name: "quorum", label: "until: two of three", help: "Two good answers will do.",
      make: (at) => ({ urls: [`${at}/delay/80`, `${at}/delay/4000`, `${at}/delay/160`], until: { ok: 2 } }) },
    { name: "failFast", label: "failFast, optional", help: "The first failure ends the batch, unless it is optional.",
      make: (at) => ({ failFast: true, requests: [{ id: "extra", url: `${at}/fail/reset`, optional: true },
        { id: "needed", url: `${at}/fail/close` }, { id: "rest", url: `${at}/delay/5000` }] }) },
    { name: "deadline", label: "deadlineMs", help: "The reply leaves by the deadline, with what there is.",
      make: (at) => ({ deadlineMs: 400, urls: [`${at}/json`, `${at}/delay/200`, `${at}/delay/5000`] }) },
  ] },
  { label: "When it fails", templates: [
    { name: "retries", label: "retries", help: "Sent again after a failed connection, 429, 502, 503 or 504.",
      make: (at) => [{ id: "down", url: `${at}/status/503`, retries: 2 }, { id: "up", url: `${at}/json`, retries: 2 }] },
    { name: "hedge", label: "hedgeAfterMs", help: "No answer after 60 ms: a second attempt beside it, the first good answer wins.",
      make: (at) => [{ id: "hedged", url: `${at}/delay/5000`, hedgeAfterMs: 60, alternatives: [`${at}/delay/40`] }] },
    { name: "alternatives", label: "alternatives", help: "Other places for the same request, in order.",
      make: (at) => [{ id: "mirrored", url: `${at}/status/500`, alternatives: [`${at}/fail/close`, `${at}/json`] }] },
    { name: "fallback", label: "fallback", help: "An answer of one's own when all else failed.",
      make: (at) => [{ id: "price", url: `${at}/fail/close`, fallback: { status: 200, body: { price: null } } }] },
    { name: "expect", label: "expect", help: "Which replies count as good.",
      make: (at) => [{ url: `${at}/status/404`, expect: { status: ["2xx", 304] } },
        { url: `${at}/json`, expect: { contentType: "application/json", bodyContains: "demo" } }] },
    { name: "faults", label: "Failures of upstreams", help: "Every kind of failure becomes one result with a code.",
      make: (at) => ({ defaults: { timeoutMs: 500 }, urls: [`${at}/fail/close`, `${at}/fail/reset`, `${at}/fail/truncate`,
        `${at}/fail/hang`, `${at}/redirect/3`, "http://nowhere.invalid/", "not a url"] }) },
  ] },
  { label: "One after the other", templates: [
    { name: "references", label: "References", help: "A value of one reply in the request of another.",
      make: (at) => [{ id: "first", url: `${at}/json` },
        { id: "second", url: `${at}/echo?text={{first.body.text}}`, method: "POST",
          headers: { "x-answer": "{{first.body.answer}}" }, body: { list: "{{first.body.list}}" } }] },
    { name: "dependsOn", label: "dependsOn", help: "Waits for another request without needing a value of it.",
      make: (at) => [{ id: "login", url: `${at}/delay/120` }, { id: "stock", url: `${at}/delay/180` },
        { id: "order", url: `${at}/delay/90`, dependsOn: ["login", "stock"] }] },
    { name: "forEach", label: "forEach", help: "Once for each element of a list in another reply.",
      make: (at) => [{ id: "list", url: `${at}/json` },
        { id: "each", forEach: "{{list.body.list}}", url: `${at}/delay/{{item}}0` }] },
  ] },
  { label: "Less to send, less to read", templates: [
    { name: "select", label: "select, bodyMode", help: "Small answers for checks and probes.",
      make: (at) => [{ url: `${at}/json`, select: ["/answer", "/list/0"] }, { url: `${at}/json`, bodyMode: { firstBytes: 22 } },
        { url: `${at}/bytes/100000`, bodyMode: "sha256" }, { url: `${at}/status/404`, bodyMode: "none", responseHeaders: [] }] },
    { name: "coalesce", label: "coalesce", help: "Equal requests share one call upstream.",
      make: (at) => ({ coalesce: true, urls: [`${at}/delay/150`, `${at}/delay/150`, `${at}/delay/150`] }) },
    { name: "sharedBody", label: "sharedBody", help: "One body, many targets.",
      make: (at) => ({ sharedBody: { type: "order.paid" }, defaults: { method: "POST", body: { $shared: true } },
        urls: [`${at}/status/204`, `${at}/status/202`, `${at}/echo`] }) },
    { name: "sign", label: "sign", help: "Signed after Standard Webhooks; needs a secret “orders” in webhooks.secrets.",
      make: (at) => ({ defaults: { method: "POST", sign: { secret: "orders" } },
        requests: [{ url: `${at}/echo`, body: { type: "order.paid" } }] }) },
    { name: "stream", label: "Streams", help: "The console always reads a stream: each bar is drawn the moment its item ends.",
      make: (at) => Array.from({ length: 12 }, (_, i) => `${at}/delay/${100 + i * 150}`) },
  ] },
];

export const TEMPLATES = GROUPS.flatMap((group) => group.templates);
