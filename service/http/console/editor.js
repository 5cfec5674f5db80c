// SPDX-License-Identifier: Apache-2.0
// A text area for JSON: line numbers, marks on the lines with faults, Tab indents (Escape,
// then Tab leaves it, as everywhere).
import { el, perFrame, setText } from "./dom.js";
import { place } from "./json_text.js";

const NUMBERED_MAX = 20000; // lines; beyond, a column of numbers costs more than it gives

export class Editor {
  constructor(area, gutter, onChange) {
    Object.assign(this, { area, gutter, onChange });
    this.marked = new Set();
    this.lineCount = 0;
    this.leaves = false;
    const drawn = perFrame(() => this.#drawGutter());
    area.addEventListener("input", () => {
      drawn();
      this.onChange();
    });
    area.addEventListener("scroll", () => (gutter.scrollTop = area.scrollTop), { passive: true });
    area.addEventListener("keydown", (event) => this.#onKey(event));
    this.drawn = drawn;
  }

  get text() {
    return this.area.value;
  }

  set text(value) {
    this.area.value = value;
    this.area.scrollTop = 0;
    this.mark([]);
    this.onChange();
  }

  /** Marks the lines in which these places of the text are. */
  mark(places) {
    this.marked = new Set(places.map((at) => place(this.text, at).line));
    this.lineCount = -1;
    this.drawn();
  }

  goTo(start, end = start) {
    this.area.focus();
    this.area.setSelectionRange(start, end);
    const lineHeight = parseFloat(getComputedStyle(this.area).lineHeight);
    this.area.scrollTop = Math.max(0, (place(this.text, start).line - 4) * lineHeight);
  }

  #drawGutter() {
    let lines = 1;
    for (let at = this.text.indexOf("\n"); at >= 0; at = this.text.indexOf("\n", at + 1)) lines++;
    lines = Math.min(lines, NUMBERED_MAX);
    if (lines === this.lineCount) return;
    this.lineCount = lines;
    if (this.marked.size === 0) {
      setText(this.gutter, Array.from({ length: lines }, (_, i) => i + 1).join("\n"));
    } else {
      this.gutter.replaceChildren(...Array.from({ length: lines }, (_, i) =>
        this.marked.has(i + 1) ? el("mark", {}, `${i + 1}\n`) : `${i + 1}\n`));
    }
    this.gutter.scrollTop = this.area.scrollTop;
  }

  #onKey(event) {
    if (event.key === "Escape") {
      this.leaves = true;
      return;
    }
    if (event.key === "Tab" && !event.shiftKey && !this.leaves && !event.ctrlKey) {
      event.preventDefault();
      this.area.setRangeText("  ", this.area.selectionStart, this.area.selectionEnd, "end");
      this.area.dispatchEvent(new Event("input"));
    }
    this.leaves = false;
  }
}

