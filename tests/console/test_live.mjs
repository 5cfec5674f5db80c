// SPDX-License-Identifier: Apache-2.0
// The live page: its figures move under load, it rests when nobody looks, it says when it
// cannot know.
import assert from "node:assert/strict";
import { eventually } from "./stage.mjs";

const figure = (page, chart, index = 0) => page.textContent(`#charts .chart:nth-child(${chart}) .figure:nth-child(${index + 1}) b`);
const number = (text) => parseFloat(text.replaceAll(",", "")) || 0;

/** Sends batches, one behind the other, until told to stop. */
function load(stage) {
  let isOn = true;
  const body = JSON.stringify({ urls: Array.from({ length: 60 }, (_, i) => `${stage.upstream}/delay/${i * 5}`).concat(`${stage.upstream}/fail/close`), include: [] });
  const ended = (async () => {
    while (isOn) await (await fetch(stage.origin + "/v1/batch", { method: "POST", headers: { "content-type": "application/json" }, body })).text();
  })();
  return () => {
    isOn = false;
    return ended;
  };
}

export const tests = {
  "figures move under load": { options: { path: "/console#live" }, async act(page, stage) {
    const stop = load(stage);
    try {
      await page.waitForFunction(() => parseFloat(document.querySelector("#charts .figure b").textContent) > 0, null, { timeout: 20000 });
      const first = await figure(page, 1);
      await eventually(async () => assert.notEqual(await figure(page, 1), first, "items a second"), 15000);
      await eventually(async () => assert.ok(number(await figure(page, 1)) > 20, "items a second"));
      assert.ok(number(await figure(page, 4)) > 1, "p99 of items, in ms");
      assert.ok(Number.isFinite(number(await figure(page, 5))), "the longest turn");
      await eventually(async () => {
        const points = await page.getAttribute("#charts .chart:first-child polyline", "points");
        assert.ok(points.split(" ").length >= 3, points);
      });
      await eventually(async () => {
        const origins = await page.$$eval("#origins tbody tr", (list) => list.map((row) => [...row.cells].map((cell) => cell.textContent)));
        const own = origins.find(([origin]) => origin === stage.upstream);
        assert.ok(own, JSON.stringify(origins));
        assert.ok(number(own[2]) > 20, "calls a second");
        assert.equal(own[1], "off");
      });
      assert.ok((await page.$$("#workers tbody tr")).length === 2);
      assert.match(await page.textContent("#codes"), /empty_reply/);
      assert.match(await page.textContent("#instance"), /ready/);
      await stage.shot(page, "live");
    } finally {
      await stop();
    }
  } },

  async "nobody looks, nobody asks"(page) {
    let asked = 0;
    await page.click("#to-live");
    await page.waitForTimeout(400);
    await page.click("#to-batch");
    await page.waitForTimeout(200);
    page.on("request", (request) => (asked += request.url().endsWith("/-/live")));
    await page.waitForTimeout(2500);
    assert.ok(asked <= 1, `${asked} times`);
  },

  "a service that is gone is told, and is seen when it is back": { options: { allowed: ["Failed to load", "503"] }, async act(page) {
    await page.click("#to-live");
    await page.waitForSelector("#facts dd");
    await page.route("**/-/live", (route) => route.abort());
    await page.waitForSelector("#live-fault:not([hidden])");
    assert.match(await page.textContent("#live-fault"), /cannot be reached/);
    await page.unroute("**/-/live");
    await page.waitForSelector("#live-fault", { state: "hidden" });
  } },
};
