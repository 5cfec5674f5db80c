// SPDX-License-Identifier: Apache-2.0
// What axe-core says in light and dark, the width of a phone, the switch of the colours.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { compose, mixed, openRow, run } from "./stage.mjs";

const require = createRequire(import.meta.url);
const AXE = require.resolve("axe-core/axe.min.js");
const PHONE = { viewport: { width: 375, height: 740 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true };

/** axe is put in by the debugger, past the page's policy; nothing serious may be found. */
async function assertAccessible(page, where) {
  const { readFileSync } = await import("node:fs");
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(readFileSync(AXE, "utf8"));
  const found = await page.evaluate(async () => (await window.axe.run(document, { resultTypes: ["violations"] })).violations
    .filter(({ impact }) => ["serious", "critical"].includes(impact))
    .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.slice(0, 3).map((node) => node.html.slice(0, 120) + " " + node.failureSummary).join(" | ")}`));
  assert.deepEqual(found, [], where);
}

async function assertFits(page, where) {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth ? []
    : [...document.querySelectorAll("body *")].filter((each) => each.getBoundingClientRect().right > innerWidth + 1).map((each) => each.tagName + "#" + each.id + "." + each.className).slice(0, 5));
  assert.deepEqual(wide, [], where);
}

async function lookEverywhere(page, stage, name) {
  await assertAccessible(page, "empty");
  await compose(page, mixed(stage.upstream));
  await run(page);
  await openRow(page, 2);
  await page.waitForSelector("#details canvas");
  await assertAccessible(page, "results with details");
  await page.click("#explain");
  await page.waitForSelector(".explanation");
  await assertAccessible(page, "explanation");
  for (const dialog of ["help", "key"]) {
    await page.click(`#${dialog}-button`);
    await assertAccessible(page, dialog);
    await stage.shot(page, `${dialog}-${name}`);
    await page.keyboard.press("Escape");
  }
  await page.click("#to-live");
  await page.waitForFunction(() => document.querySelectorAll("#origins tbody tr").length > 0);
  await assertAccessible(page, "live");
}

export const tests = {
  "axe finds nothing serious in light": { options: { colorScheme: "light" }, act: (page, stage) => lookEverywhere(page, stage, "light") },
  "axe finds nothing serious in dark": { options: { colorScheme: "dark" }, act: (page, stage) => lookEverywhere(page, stage, "dark") },

  "a phone's width is enough": { options: PHONE, async act(page, stage) {
    await assertFits(page, "empty");
    await stage.shot(page, "phone-empty");
    await compose(page, mixed(stage.upstream));
    await run(page);
    await assertFits(page, "results");
    await page.locator("#results").scrollIntoViewIfNeeded();
    await page.evaluate(() => document.querySelector("#results").scrollIntoView());
    await stage.shot(page, "phone-results");
    await openRow(page, 2);
    await assertFits(page, "details");
    await stage.shot(page, "phone-details");
    await page.click("#details-close");
    await page.click("#explain");
    await page.waitForSelector(".explanation");
    await assertFits(page, "explanation");
    await page.click("#to-live");
    await page.waitForTimeout(1300);
    await assertFits(page, "live");
    await stage.shot(page, "phone-live");
  } },

  "the switch goes through the colours and stays": { options: { colorScheme: "light" }, async act(page) {
    const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await ground();
    await page.click("#theme-button");
    assert.equal(await ground(), light);
    await page.click("#theme-button");
    const dark = await ground();
    assert.notEqual(dark, light);
    await page.reload();
    await page.waitForSelector("html[data-ready]");
    assert.equal(await ground(), dark);
    await page.emulateMedia({ colorScheme: "dark" });
    await page.click("#theme-button");
    assert.equal(await ground(), dark, "as the system");
  } },
};
