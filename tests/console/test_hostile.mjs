// SPDX-License-Identifier: Apache-2.0
// Whatever upstreams and batches hold, it is text on the page and nothing else.
import assert from "node:assert/strict";
import { MARKUP } from "./hostile_upstream.mjs";
import { compose, eventually, openRow, run } from "./stage.mjs";

const ID = `"><img src=x onerror="window.hacked=1">`;

/** Nothing ran, and the page has no element it did not make. */
async function assertHarmless(page) {
  const found = await page.evaluate(() => ({ hacked: window.hacked ?? {}.hacked ?? null, location: location.pathname,
    odd: [...document.querySelectorAll("main script, main img, main iframe, main object, main link, main style, main a[href^=javascript], main [onerror], main [onload]")].map((each) => each.outerHTML) }));
  assert.deepEqual(found, { hacked: null, location: "/console", odd: [] });
}

export const tests = {
  async "hostile bodies, headers, ids and URLs are text"(page, stage) {
    const at = stage.hostile.origin;
    const paths = ["html", "text", "json", "proto", "svg", "not-a-png", "bytes"];
    await compose(page, { requests: [...paths.map((path, i) => ({ id: ID + i, url: `${at}/${path}?q=%3Cscript%3E` })),
      { id: MARKUP.slice(0, 100), url: `javascript:alert(1)//<img src=x onerror=window.hacked=1>`, headers: { "x-y": "<b>" } },
      { id: "__proto__", url: `${at}/html` }, { id: "constructor", url: `${at}/html` }] });
    await run(page);
    assert.equal((await page.$$(".waterfall .grid-rows .grid-row:not([hidden])")).length, 10);
    for (let i = 0; i < 10; i++) {
      const body = await openRow(page, i);
      await eventually(async () => {
        const text = await body.textContent();
        if (i === 0) assert.ok(text.includes(MARKUP), "the body as it came");
        if (i < 7) assert.ok(text.includes("window.hacked=1"), "the header as it came");
        if (i < 7) assert.equal(await page.textContent("#details-title"), ID + i);
      });
      if (i === 4) assert.ok(!(await page.$("#details canvas")), "SVG is not painted");
      await assertHarmless(page);
    }
    await openRow(page, 5);
    await page.waitForSelector("text=it is none");
    await openRow(page, 6);
    assert.match(await page.textContent("#details .hex"), /^000000 {2}ff fe fd/);
    await stage.shot(page, "hostile");
  },

  async "hostile answers of the service itself are text as well"(page) {
    await page.route("**/v1/batch", (route) => route.fulfill({ status: 400, contentType: "application/problem+json",
      body: JSON.stringify({ title: MARKUP, detail: MARKUP, status: 400, requestId: MARKUP, errors: [{ pointer: "/" + MARKUP, detail: MARKUP }] }) }));
    await compose(page, ["http://a/"]);
    await page.click("#run");
    await page.waitForSelector("#problems:not([hidden])");
    assert.ok((await page.textContent("#problems")).includes(MARKUP));
    await assertHarmless(page);
  },

  async "no string can become markup, by anybody's mistake"(page) {
    const refused = await page.evaluate(() => ["innerHTML", "outerHTML"].map((sink) => {
      try {
        document.querySelector("#empty")[sink] = "<b>x</b>";
        return false;
      } catch (error) {
        return error instanceof TypeError;
      }
    }));
    assert.deepEqual(refused, [true, true]);
  },
};
tests["hostile answers of the service itself are text as well"] = { options: { allowed: ["400"] }, act: tests["hostile answers of the service itself are text as well"] };
tests["no string can become markup, by anybody's mistake"] = { options: { allowed: ["policy violated: require-trusted-types-for", "TrustedHTML"] },
  act: tests["no string can become markup, by anybody's mistake"] };
