// SPDX-License-Identifier: Apache-2.0
// The modules that know no page, called in one: the results come back and are judged here.
import assert from "node:assert/strict";

const units = {
  async "JSON faults are found where they are"(page) {
    const found = await page.evaluate(async () => {
      const { fault } = await import("/console/json_text.js");
      return ["{}", " [1, 2.5e-3, \"\\u00e9\", null] ", "{\"a\":1,}", "[1 2]", "{'a':1}", "[01]", "[\"a\nb\"]", "", "[1]]", "{\"a\" 1}", "nul", "[1,"]
        .map((text) => fault(text)?.at ?? -1);
    });
    assert.deepEqual(found, [-1, -1, 7, 3, 1, 2, 1, 0, 3, 5, 0, 3]);
  },

  async "what is called sound is what JSON.parse takes"(page) {
    const odd = await page.evaluate(async () => {
      const { fault, pretty } = await import("/console/json_text.js");
      const pieces = ["{", "}", "[", "]", ",", ":", "\"a\"", "\"\\n\"", "1", "-0.5e3", "true", "null", " ", "\n", "'", "\"", "01"];
      let seed = 7;
      const next = (n) => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) % n;
      const wrong = [];
      for (let i = 0; i < 20000; i++) {
        const text = Array.from({ length: 1 + next(9) }, () => pieces[next(pieces.length)]).join("");
        let isSound = true;
        try {
          JSON.parse(text);
        } catch {
          isSound = false;
        }
        if ((fault(text) === null) !== isSound) wrong.push(text);
        else if (isSound && JSON.stringify(JSON.parse(pretty(text))) !== JSON.stringify(JSON.parse(text))) wrong.push("pretty " + text);
      }
      return wrong;
    });
    assert.deepEqual(odd, []);
  },

  async "curl is told no file by a value, and no header goes because it is empty"(page) {
    const lines = await page.evaluate(async () => {
      const { batchCommand, requestCommand } = await import("/console/shell.js");
      const request = { method: "POST", url: "http://h/$(id)'`id`", headers: { "x-none": "" } };
      return [requestCommand(request, { encoding: "text", text: "@/etc/passwd" }), batchCommand("http://g", "@/etc/passwd")];
    });
    assert.equal(lines[0], "curl -sS --globoff -X POST -H 'x-none;' -H content-type: --data-raw @/etc/passwd --url 'http://h/$(id)'\\''`id`'");
    assert.match(lines[1], / --data-raw @\/etc\/passwd$/);
  },

  async "curl sends the body that the gateway sends"(page) {
    const lines = await page.evaluate(async () => {
      const { requestsOf } = await import("/console/batch_document.js");
      const { requestCommand } = await import("/console/shell.js");
      const text = `{"sharedBody": "AP8=", "sharedBodyEncoding": "base64", "defaults": {"method": "POST", "body": {"d": 1.10}},
        "requests": [{"url": "u", "body": {"n": 12345678901234567890}, "idempotencyKey": "k"}, "u", {"url": "u", "body": {"$shared": true}},
          {"url": "u", "body": "x", "bodyEncoding": "json", "headers": {"Content-Type": "a/b"}}, {"url": "u", "body": "x"}, {"url": "u", "body": null}]}`;
      const bodiless = requestsOf(["u"], '["u"]');
      return [...requestsOf(JSON.parse(text), text), ...bodiless].map((request) => requestCommand(request, request.body()));
    });
    const post = "curl -sS --globoff -X POST ";
    const json = "-H 'content-type: application/json' --data-raw ";
    assert.deepEqual(lines, [`${post}-H 'Idempotency-Key: k' ${json}'{"n": 12345678901234567890}' --url u`, `${post}${json}'{"d": 1.10}' --url u`,
      `printf %s AP8= | base64 -d | ${post}-H content-type: --data-binary @- --url u`, `${post}-H 'Content-Type: a/b' --data-raw '"x"' --url u`,
      `${post}-H content-type: --data-raw x --url u`, `${post}${json}null --url u`, "curl -sS --globoff --url u"]);
  },

  async "a batch without its text has no bodies"(page) {
    assert.deepEqual(await page.evaluate(async () => {
      const { requestsOf } = await import("/console/batch_document.js");
      return requestsOf({ requests: [{ url: "u", body: "x" }] }).map((request) => request.body());
    }), [null]);
  },

  async "pointers lead to the text of a value"(page) {
    const found = await page.evaluate(async () => {
      const { find } = await import("/console/json_text.js");
      const text = '{"a/b": [1, {"~": "x"}], "n": {"": 12345678901234567890}}';
      return ["", "/a~1b/1/~0", "/n/", "/a~1b/2", "/none", "/a~1b/x"].map((pointer) => {
        const at = find(text, pointer);
        return at && text.slice(at.start, at.end);
      });
    });
    assert.deepEqual(found.slice(1), ['"x"', "12345678901234567890", null, null, null]);
  },

  async "indented JSON keeps its numbers and doubled names"(page) {
    const text = await page.evaluate(async () => (await import("/console/json_text.js"))
      .pretty('{"big":12345678901234567890,"exact":1.10,"twice":1,"twice":[],"list":[' + "1111111111,".repeat(9) + "2]}"));
    for (const part of ["12345678901234567890", "1.10", '"twice": 1', '"twice": []', "\n    1111111111,\n"]) assert.ok(text.includes(part), part);
  },

  async "timing is asked for without touching the rest of the text"(page) {
    const found = await page.evaluate(async () => {
      const { withTiming } = await import("/console/batch_document.js");
      return ['["a"]', '{"urls": [1.10]}', '{"include": ["body"], "urls": []}', '{"urls": [], "include": ["timing"]}', "{}", "7"].map(withTiming);
    });
    const all = '"include": ["headers", "body", "timing"]';
    assert.deepEqual(found.map(({ text }) => text), [`{"requests": ["a"], ${all}}`, `{${all},"urls": [1.10]}`, '{"include": ["body","timing"], "urls": []}',
      '{"urls": [], "include": ["timing"]}', `{${all}}`, "7"]);
    assert.equal(found[0].prefix, "/requests");
  },

  async "lines are whole however they come"(page) {
    const lines = await page.evaluate(async () => {
      const { Lines } = await import("/console/ndjson.js");
      const cut = new Lines();
      const list = ["{\"a\":", "1}\n", "\n{\"b\":2}\n{\"c\"", ":3}"].flatMap((piece) => cut.push(piece));
      return [list, cut.rest];
    });
    assert.deepEqual(lines, [['{"a":1}', '{"b":2}'], '{"c":3}']);
  },

  async "percentiles are those of the time between two looks"(page) {
    const found = await page.evaluate(async () => {
      const { percentile } = await import("/console/live_rates.js");
      const before = [[10, 100], [20, 0], [100, 5], [null, 0]];
      const now = [[10, 100], [20, 10], [100, 15], [null, 0]];
      return [0.25, 0.5, 0.75, 1].map((part) => percentile(now, before, part)).concat(percentile(now, now, 0.5), percentile([[10, 0], [null, 3]], [[10, 0], [null, 0]], 0.99));
    });
    assert.deepEqual(found.slice(0, 4), [15, 20, 60, 100]);
    assert.ok(Number.isNaN(found[4]));
    assert.equal(found[5], 10, "beyond the last bound there is only that bound");
  },

  async "a restart is no negative rate"(page) {
    const sample = await page.evaluate(async () => {
      const { sampleOf } = await import("/console/live_rates.js");
      const look = (nowMs, n) => ({ nowMs, items: { total: n, inFlight: 1, queued: 0, byCode: { ok: n } }, batches: { total: n }, workers: [{ busyMs: n, loopLagMs: 1 }],
        latencyMs: { batch: [[1, n]], item: [[1, n]] }, connections: { clients: 1, upstream: 1 } });
      return [sampleOf(look(2000, 5), look(1000, 100)).items, sampleOf(look(2000, 150), look(1000, 100)).items, sampleOf(look(1000, 1), look(1000, 1))];
    });
    assert.deepEqual(sample, [0, 50, null]);
  },

  async "phases add up, tls within connect, and what was cut short is the rest"(page) {
    const found = await page.evaluate(async () => {
      const { pieces } = await import("/console/phases.js");
      return [{ start: 5, blocked: 1, dns: -1, connect: 10, ssl: 6, send: 1, wait: 20, receive: 2, total: 34 },
        { start: 0, blocked: 1, dns: -1, connect: -1, ssl: -1, send: -1, wait: -1, receive: -1, total: 500 },
        { start: 0, blocked: 0.1, dns: -1, connect: -1, ssl: -1, send: 0, wait: 0.3, receive: 0.1, total: 0.6 },
        { start: 0, blocked: 0.1, dns: -1, connect: -1, ssl: -1, send: -1, wait: -1, receive: -1, total: 0.2 }].map(pieces);
    });
    assert.deepEqual(found[0].map(({ name, to }) => [name, to]), [["blocked", 6], ["connect", 10], ["ssl", 16], ["send", 17], ["wait", 37], ["receive", 39]]);
    assert.deepEqual(found[1].map(({ name, to }) => [name, to]), [["blocked", 1], ["rest", 500]]);
    assert.deepEqual(found.slice(2).map((list) => list.map(({ name }) => name)), [["blocked", "wait", "receive"], ["blocked", "rest"]]);
  },

  async "rows are filtered by every word and sorted stably"(page) {
    const found = await page.evaluate(async () => {
      const { arrange } = await import("/console/row_order.js");
      const rows = [["a", "http://x/1", 200, "ok"], ["b", "http://y/1", 404, "client"], ["c", "http://x/2", 200, "ok"]]
        .map(([id, url, status, outcome], index) => ({ id, url, status, outcome, method: "GET", code: "", total: -index, index }));
      const ids = (order) => arrange(rows, order).map((row) => row.id).join("");
      return [ids({}), ids({ isDown: true }), ids({ key: "status", isDown: true }), ids({ key: "status" }), ids({ key: "total" }), ids({ filter: "x 200" }),
        ids({ filter: "GET /1" }), ids({ outcomes: new Set(["client"]) })];
    });
    assert.deepEqual(found, ["abc", "cba", "bac", "acb", "cba", "ac", "ab", "b"]);
  },
};

export const tests = Object.fromEntries(Object.entries(units).map(([name, act]) => [name, { shared: true, act }]));
