// SPDX-License-Identifier: Apache-2.0
// Everything without a mouse.
import assert from "node:assert/strict";
import { compose, ended, eventually, mixed, run } from "./stage.mjs";

const focused = (page) => page.evaluate(() => document.activeElement.id || document.activeElement.className || document.activeElement.tagName);

/** The element with the focus shows that it has it. */
const showsFocus = (page) => page.evaluate(() => {
  const seen = (element) => {
    const style = getComputedStyle(element);
    return (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== "none";
  };
  const at = document.activeElement;
  return seen(at) || seen(at.parentElement) || (at.nextElementSibling !== null && seen(at.nextElementSibling));
});

export const tests = {
  async "a batch is composed, run and read with keys alone"(page, stage) {
    await page.keyboard.press("e");
    assert.equal(await focused(page), "document");
    await page.keyboard.press("Control+A");
    await page.keyboard.insertText(JSON.stringify(mixed(stage.upstream)));
    await page.keyboard.press("Control+Enter");
    await ended(page);
    await page.keyboard.press("Escape");
    await page.keyboard.press("Tab");
    assert.notEqual(await focused(page), "document", "Escape, then Tab leaves the editor");
    await page.keyboard.press("r");
    assert.match(await focused(page), /waterfall/);
    for (const key of ["ArrowDown", "ArrowDown", "ArrowDown", "ArrowDown", "ArrowUp"]) await page.keyboard.press(key);
    await eventually(async () => {
      const active = await page.getAttribute(".waterfall", "aria-activedescendant");
      assert.equal(await page.getAttribute(`#${active}`, "aria-rowindex"), "4");
      assert.equal(await page.getAttribute(`#${active}`, "aria-selected"), "true");
    });
    await page.keyboard.press("Enter");
    assert.match(await page.textContent("#details-body"), /image\/png/);
    await page.keyboard.press("ArrowDown");
    assert.equal(await page.textContent("#details-title"), "missing", "the details follow the row");
    await page.keyboard.press("End");
    assert.equal(await page.textContent("#details-title"), "backed");
    await page.keyboard.press("Escape");
    assert.ok(await page.isHidden("#details"));
    await page.keyboard.press("/");
    assert.equal(await focused(page), "filter");
    await page.keyboard.type("fail");
    await eventually(async () => assert.equal(await page.textContent("#shown"), "2 of 7 shown"));
  },

  async "every stop of the Tab key is seen"(page, stage) {
    await compose(page, mixed(stage.upstream));
    await run(page);
    await page.keyboard.press("r");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.focus(".brand");
    const stops = [];
    for (let i = 0; i < 60; i++) {
      await page.keyboard.press("Tab");
      const name = await focused(page);
      if (name === "document") await page.keyboard.press("Escape");
      if (name === "BODY") break;
      assert.ok(await showsFocus(page), `${name} shows its focus`);
      stops.push(name);
    }
    for (const id of ["to-live", "template", "upstream", "document", "run", "explain", "run-select", "filter", "details-close", "details-body"])
      assert.ok(stops.includes(id), `${id} in ${stops}`);
  },

  async "the keys are listed, and letters in fields are letters"(page) {
    await page.keyboard.press("?");
    await page.waitForSelector("#help-dialog[open]");
    assert.match(await page.textContent("#shortcut-list"), /run the batch/);
    await page.keyboard.press("Escape");
    await page.waitForSelector("#help-dialog", { state: "hidden" });
    await page.keyboard.press("l");
    await page.waitForSelector("#live", { state: "visible" });
    await page.keyboard.press("b");
    await page.waitForSelector("#batch", { state: "visible" });
    await page.focus("#upstream");
    await page.keyboard.press("l");
    await page.waitForTimeout(100);
    assert.ok(await page.isVisible("#batch"));
  },

  async "Tab indents in the editor"(page) {
    await compose(page, "");
    await page.focus("#document");
    await page.keyboard.press("Tab");
    await page.keyboard.type("[]");
    assert.equal(await page.inputValue("#document"), "  []");
  },
};
