// SPDX-License-Identifier: Apache-2.0
// Writing a batch: templates, the check of its JSON, what the service refuses, explain, curl.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { clipboard, compose, ended, mixed, openRow, rows, run, verdict } from "./stage.mjs";

const selected = (page) => page.$eval("#document", (area) => area.value.slice(area.selectionStart, area.selectionEnd));
const shell = (command) => execFileSync("sh", ["-c", command], { encoding: "utf8", env: { ...process.env, no_proxy: "*" } });

export const tests = {
  async "one click runs the example"(page, stage) {
    assert.match(await page.textContent("#empty"), /Run the example/);
    await stage.shot(page, "empty");
    await page.click("#run-example");
    await ended(page);
    await stage.shot(page, "example");
    assert.equal((await rows(page)).length, 11);
    assert.match(await verdict(page), /^Incomplete: 10 ok, 1 failed, /);
  },

  async "a fault in the JSON is told while it is typed, and nothing is sent"(page) {
    let sent = 0;
    page.on("request", (request) => (sent += request.method() === "POST"));
    await compose(page, '{"urls": [\n  "http://a/"\n  "http://b/"]}');
    await page.waitForSelector("#document-state.bad");
    assert.equal(await page.textContent("#document-state"), 'line 3, column 3: "," or "]" is expected here');
    assert.equal(await page.textContent("#document-lines mark"), "3\n");
    await page.click("#run");
    assert.equal(await page.$eval("#document", (area) => area.selectionStart), 27);
    assert.equal(sent, 0);
    await compose(page, '["http://a/", "http://b/"]');
    await page.waitForSelector("#document-state:not(.bad)");
    assert.match(await page.textContent("#document-state"), /^2 requests, /);
  },

  "what the service refuses is shown at its place": { options: { allowed: ["400"] }, async act(page, stage) {
    await compose(page, '{"requests": [\n  {"url": "http://a/"},\n  {"url": "http://b/", "timeoutMs": 0},\n  {"uri": "http://c/"}]}');
    await page.click("#run");
    await page.waitForSelector("#problems:not([hidden])");
    const text = await page.textContent("#problems");
    assert.match(text, /400 The batch is not valid/);
    assert.match(text, /line 3 \/requests\/1\/timeoutMs: must be an integer/);
    assert.match(text, /line 4 \/requests\/2\/uri: unknown field; did you mean "url"\?/);
    assert.deepEqual(await page.$$eval("#document-lines mark", (list) => list.map((mark) => mark.textContent.trim())), ["3", "4"]);
    assert.equal(await selected(page), "0");
    await page.click("#problems button >> nth=1");
    assert.equal(await selected(page), '"http://c/"');
    await stage.shot(page, "refused");
  } },

  "an array's faults have the pointers of the array": { options: { allowed: ["400"] }, async act(page) {
    await compose(page, '["http://a/", {"url": "http://b/", "retries": 9}]');
    await page.click("#run");
    await page.waitForSelector("#problems:not([hidden])");
    assert.match(await page.textContent("#problems"), /line 1 \/1\/retries: /);
    assert.equal(await selected(page), "9");
  } },

  async "a list of URLs is a batch"(page, stage) {
    await page.click("text=List of URLs");
    await page.fill("#list", `# two\n${stage.upstream}/json\n\n  ${stage.upstream}/text  \n`);
    await page.fill("#list-deadline", "2000");
    await page.selectOption("#list-bodies", "sha256");
    await run(page);
    assert.deepEqual((await rows(page)).map(({ path, result }) => [path, result]), [["/json", "200"], ["/text", "200"]]);
    assert.match(await (await openRow(page, 0)).textContent(), /sha256 [0-9a-f]{64}/);
  },

  async "explain tells what would happen and sends nothing"(page, stage) {
    await compose(page, { requests: [`${stage.upstream}/json`, "http://user:secret@a.example/", "gopher://a/"] });
    await page.click("#explain");
    await page.waitForSelector(".explanation");
    assert.match(await verdict(page), /^Nothing was sent. 3 items, 2 refused by the egress policy/);
    const results = await page.$$eval(".explanation .grid-rows .c-status", (list) => list.map((cell) => cell.textContent));
    assert.deepEqual(results.slice(0, 3), ["allowed", "bad_url", "blocked_url"]);
    await page.click(".explanation .grid-rows .grid-row >> nth=0");
    assert.match(await page.textContent("#details-body"), /curl --silent.*\/json/);
    await stage.shot(page, "explain");
    await run(page);
    await page.click("#explain");
    await page.waitForSelector(".explanation");
    await page.selectOption("#run-select", "1");
    assert.equal((await rows(page)).length, 3, "back to the run");
  },

  async "the batch as curl does what the console does"(page, stage) {
    await compose(page, { requests: [{ id: "it's", url: `${stage.upstream}/echo?q=$HOME\`id\``.replaceAll("`", "%60"), method: "POST", body: "a'b\"c $(id) \\ é" }] });
    await page.click("#copy-batch");
    await page.waitForSelector("#toast:not([hidden])");
    const lines = shell(await clipboard(page)).trim().split("\n").map((line) => JSON.parse(line));
    assert.equal(lines[0].id, "it's");
    assert.equal(lines[0].body.body, "a'b\"c $(id) \\ é");
    assert.ok(lines[0].timing, "with what the console adds");
    assert.equal(lines[1].summary.complete, true);
  },

  async "a request as curl asks the upstream itself"(page, stage) {
    await compose(page, { requests: [{ url: `${stage.upstream}/echo?a=1&b='`.replace("'", "%27"), method: "PUT", headers: { "x-odd": "it's $HOME `id`", accept: ["a/b", "c/d"] }, body: { n: 1 } }] });
    await run(page);
    await openRow(page, 0);
    await page.click("text=Copy as curl >> nth=-1");
    const echoed = JSON.parse(shell(await clipboard(page)));
    assert.equal(echoed.method, "PUT");
    assert.equal(echoed.headers["x-odd"], "it's $HOME `id`");
    assert.equal(echoed.headers["content-type"], "application/json");
    assert.equal(echoed.body, '{"n":1}');
  },

  async "what was written is there after a reload"(page, stage) {
    await compose(page, mixed(stage.upstream));
    await page.waitForFunction(() => [...Object.values(sessionStorage), ...Object.values(localStorage)].some((kept) => kept.includes("backed")));
    await page.reload();
    await page.waitForSelector("html[data-ready]");
    assert.deepEqual(JSON.parse(await page.inputValue("#document")), mixed(stage.upstream));
  },

  "a key is asked for, sent, and kept nowhere": { options: { allowed: ["401"] }, async act(first, stage) {
    const key = "gd_" + "0123456789abcdef".repeat(3);
    const { createHash } = await import("node:crypto");
    const sha256 = createHash("sha256").update(key).digest("hex");
    const origin = await stage.gatherd(`auth: {mode: keys, keys: [{name: console, sha256: "${sha256}"}]}\n`);
    const page = await stage.open({ origin, allowed: ["401"] });
    await page.click("#run");
    await page.waitForSelector("#key-dialog[open]");
    await page.fill("#key-field", key);
    await page.keyboard.press("Enter");
    await page.waitForSelector("#key-dialog:not([open])", { state: "attached" });
    await run(page);
    assert.match(await verdict(page), /10 ok/);
    const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, [...document.querySelectorAll("input")].map((field) => field.value)]));
    assert.ok(!kept.includes(key), kept);
    await page.click("#copy-batch");
    assert.match(await clipboard(page), /authorization: Bearer KEY/);
    await page.click("#key-button");
    await page.fill("#key-field", key);
    await page.check("#key-keep");
    await page.click("#key-dialog .primary");
    await page.waitForFunction((value) => sessionStorage.getItem("key") === value, key);
    page.assertClean();
    await page.context().close();
  } },
};
