// SPDX-License-Identifier: Apache-2.0
// Reading what came: filters, details, comparison, the archive.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { clipboard, compose, eventually, mixed, openRow, rows, run, verdict } from "./stage.mjs";

const require = createRequire(import.meta.url);

async function validHar() {
  const Ajv = require("ajv");
  const ajv = new Ajv({ schemaId: "auto", allErrors: true });
  ajv.addMetaSchema(require("ajv/lib/refs/json-schema-draft-06.json"));
  for (const schema of Object.values(require("har-schema"))) ajv.addSchema(schema);
  const validate = ajv.getSchema("har.json#");
  return (document) => assert.ok(validate(document), JSON.stringify(validate.errors?.slice(0, 5)));
}

export const tests = {
  async "outcomes and words filter the rows, heads sort them"(page, stage) {
    await compose(page, mixed(stage.upstream));
    await run(page);
    await page.click('.chip[data-outcome="server"]');
    await eventually(async () => assert.deepEqual((await rows(page)).map((row) => row.id), ["down"]));
    assert.equal(await page.textContent("#shown"), "1 of 7 shown");
    await page.click('.chip[data-outcome="fallback"]');
    await eventually(async () => assert.deepEqual((await rows(page)).map((row) => row.id), ["down", "backed"]));
    await page.click('.chip[data-outcome="server"]');
    await page.click('.chip[data-outcome="fallback"]');
    await page.fill("#filter", "fail close");
    await eventually(async () => assert.deepEqual((await rows(page)).map((row) => row.id), ["broken", "backed"]));
    await page.fill("#filter", "");
    await page.click(".waterfall .c-status button");
    await eventually(async () => {
      const results = (await rows(page)).map((row) => row.result);
      assert.deepEqual([results[0], results.at(-1), results.length], ["503", "200", 7]);
    });
    assert.equal(await page.getAttribute(".waterfall .grid-head .c-status", "aria-sort"), "descending");
  },

  async "details show JSON, text, pictures, and why it failed"(page, stage) {
    await compose(page, mixed(stage.upstream));
    await run(page);
    let body = await openRow(page, 0);
    assert.match(await body.textContent(), /"name": "gatherd demo"/);
    assert.match(await body.textContent(), /content-type\s*application\/json/);
    assert.match(await body.textContent(), /address\s*127\.0\.0\.1:/);
    await stage.shot(page, "details");
    body = await openRow(page, 1);
    assert.match(await body.textContent(), /grüße|text/i);
    await openRow(page, 2);
    await page.waitForSelector("#details canvas.picture");
    assert.match(await page.getAttribute("#details canvas", "aria-label"), /8 × 8/);
    assert.match(await page.textContent("#details .hex"), /^000000 {2}89 50 4e 47/);
    body = await openRow(page, 5);
    assert.match(await body.textContent(), /502 empty_reply/);
    await page.click("#details-close");
    assert.ok(await page.isHidden("#details"));
  },

  async "numbers keep their digits on the way to the reader"(page, stage) {
    await compose(page, [`${stage.hostile.origin}/numbers`]);
    await run(page);
    const text = await (await openRow(page, 0)).textContent();
    for (const part of ["12345678901234567890", "1.10", '"twice": 1', '"twice": 2']) assert.ok(text.includes(part), part);
    await page.click("text=Copy body");
    assert.match(await clipboard(page), /^\{"big":12345678901234567890,"exact":1\.10,"twice":1,"twice":2\}$/);
  },

  async "a long body is shown in part, and whole on demand"(page, stage) {
    await compose(page, [`${stage.hostile.origin}/long`]);
    await run(page);
    await openRow(page, 0);
    assert.equal((await page.textContent("#details pre.body")).length, 200000);
    await page.click("text=Show all");
    assert.equal((await page.textContent("#details pre.body")).length, 720000);
  },

  async "two runs stand beside each other"(page, stage) {
    const at = stage.upstream;
    await compose(page, { requests: [{ id: "a", url: `${at}/delay/10` }, { id: "b", url: `${at}/status/200` }, { id: "gone", url: `${at}/json` }] });
    await run(page);
    await compose(page, { requests: [{ id: "a", url: `${at}/delay/600` }, { id: "b", url: `${at}/status/503` }, { id: "new", url: `${at}/json` }] });
    await run(page);
    await page.selectOption("#compare-select", { index: 1 });
    await page.waitForSelector(".comparison");
    const list = await eventually(async () => {
      const found = await page.$$eval(".comparison .grid-rows .grid-row:not([hidden])", (all) => all.map((row) =>
        [...row.querySelectorAll(".cell")].slice(0, 4).map((cell) => cell.textContent)));
      assert.deepEqual(found.map((cells) => cells.slice(1, 3)), [["200", "200"], ["200", "503"], ["200", ""], ["", "200"]]);
      return found;
    });
    assert.ok(parseFloat(list[0][3]) > 60, list[0][3]);
    assert.match(await verdict(page), /3 with another result/);
    await stage.shot(page, "compare");
    await page.selectOption("#compare-select", "");
    await page.waitForSelector(".waterfall");
  },

  async "an older run can be looked at again"(page, stage) {
    await compose(page, [`${stage.upstream}/json`]);
    await run(page);
    await compose(page, [`${stage.upstream}/text`, `${stage.upstream}/text`]);
    await run(page);
    await page.selectOption("#run-select", "1");
    await eventually(async () => assert.deepEqual((await rows(page)).map((row) => row.path), ["/json"]));
  },

  async "the archive is HAR 1.2 and has everything"(page, stage) {
    await compose(page, { requests: [...mixed(stage.upstream).requests,
      { id: "post", url: `${stage.upstream}/echo?a=1&b=%20`, method: "POST", headers: { "x-a": ["1", "2"] }, body: { q: "é" } },
      { id: "digits", url: `${stage.hostile.origin}/numbers` }, { id: "bytes", url: `${stage.upstream}/echo`, method: "POST", body: "AP8=", bodyEncoding: "base64" },
      { id: "nowhere", url: "not a url" }, { id: "list", url: `${stage.upstream}/json` },
      { id: "each", forEach: "{{list.body.list}}", url: `${stage.upstream}/delay/{{item}}` }] });
    await run(page);
    const [file] = await Promise.all([page.waitForEvent("download"), page.click("#save-har")]);
    assert.match(file.suggestedFilename(), /^gatherd-run-1\.har$/);
    const document = JSON.parse(readFileSync(await file.path(), "utf8"));
    (await validHar())(document);
    const { entries, version } = document.log;
    assert.equal(version, "1.2");
    assert.equal(entries.length, 16, "the children of forEach are there too");
    const of = (id) => entries.find((entry) => entry.comment.startsWith(`id ${id}`));
    assert.equal(of("post").request.postData.text, '{"q":"é"}');
    assert.deepEqual(of("post").request.headers, [{ name: "x-a", value: "1" }, { name: "x-a", value: "2" }]);
    assert.deepEqual(of("post").request.queryString, [{ name: "a", value: "1" }, { name: "b", value: " " }]);
    assert.equal(of("digits").response.content.text, '{"big":12345678901234567890,"exact":1.10,"twice":1,"twice":2}');
    assert.deepEqual(of("bytes").request.postData, { mimeType: "application/octet-stream", text: "AP8=", comment: "text is in base64" });
    assert.equal(of("bytes").request.bodySize, 2);
    assert.equal(of("2").response.content.encoding, "base64");
    assert.equal(of("broken").response.status, 0);
    for (const { time, timings } of entries) {
      const sum = ["blocked", "dns", "connect", "send", "wait", "receive"].reduce((all, name) => all + Math.max(0, timings[name]), 0);
      assert.ok(sum <= time + 1e-6, `${sum} of ${time}`);
    }
  },
};
