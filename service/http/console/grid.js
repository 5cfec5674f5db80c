// SPDX-License-Identifier: Apache-2.0
// A table of any length: only the rows in view are in the document, and a frame writes only
// what differs. One tab stop; arrows, Page Up/Down, Home and End move, Enter opens.
import { el, perFrame } from "./dom.js";

const OVERSCAN = 6;
const ROW_HEIGHT = 28; // px, until it is known

export class Grid {
  /**
   * columns: [{name, label, className, sort?: key, header?: Element}]
   * render(cells, item, index): fills the row's cells, which are kept and used again.
   */
  constructor({ label, columns, render, onOpen, onSort, className = "" }) {
    Object.assign(this, { columns, render, onOpen, onSort });
    this.items = [];
    this.at = -1; // the row the keyboard is on
    this.pool = [];
    this.rowHeight = ROW_HEIGHT;
    this.update = perFrame(() => this.#draw());
    this.heads = columns.map((column) => this.#head(column));
    this.spacer = el("div", { class: "grid-rows", role: "rowgroup" });
    this.element = el("div", { class: "grid " + className, role: "grid", "aria-label": label, tabindex: 0,
      "aria-colcount": columns.length },
      el("div", { class: "grid-head", role: "rowgroup" },
        el("div", { class: "grid-row", role: "row", "aria-rowindex": 1 }, ...this.heads)),
      this.spacer);
    this.element.addEventListener("scroll", this.update, { passive: true });
    this.element.addEventListener("keydown", (event) => this.#onKey(event));
    this.element.addEventListener("click", (event) => this.#onClick(event));
    // The height of a row depends on the width only; asking for it in each frame would cost
    // a layout each time.
    new ResizeObserver(() => {
      this.rowHeight = parseFloat(getComputedStyle(this.element).getPropertyValue("--row")) || ROW_HEIGHT;
      this.update();
    }).observe(this.element);
  }

  #head(column) {
    const content = column.sort
      ? el("button", { type: "button", class: "sort", tabindex: -1, onclick: () => this.onSort(column.sort) }, column.label)
      : column.header ?? column.label;
    return el("div", { role: "columnheader", class: "cell " + column.className }, content);
  }

  setSort(key, isDown) {
    this.columns.forEach((column, index) => {
      if (!column.sort) return;
      const state = column.sort !== key ? "none" : isDown ? "descending" : "ascending";
      this.heads[index].setAttribute("aria-sort", state);
    });
  }

  setItems(items) {
    const held = this.items[this.at];
    this.items = items;
    if (held && this.items[this.at] !== held) this.at = items.indexOf(held);
    this.update();
  }

  #draw() {
    const height = this.rowHeight;
    const { scrollTop, clientHeight } = this.element;
    const first = Math.max(0, Math.floor(scrollTop / height) - OVERSCAN);
    const last = Math.min(this.items.length, Math.ceil((scrollTop + clientHeight) / height) + OVERSCAN);
    if (this.length !== this.items.length || this.height !== height) {
      this.length = this.items.length;
      this.height = height;
      this.spacer.style.height = this.items.length * height + "px";
      this.element.setAttribute("aria-rowcount", this.items.length + 1);
    }
    while (this.pool.length < last - first) this.#addRow();
    // Row i has always the same element while it is in view.
    for (let i = 0; i < this.pool.length; i++) {
      const index = first + ((i - first) % this.pool.length + this.pool.length) % this.pool.length;
      this.#place(this.pool[i], index < last ? index : -1, height);
    }
    if (this.at >= first && this.at < last) this.element.setAttribute("aria-activedescendant", this.#rowId(this.at));
    else this.element.removeAttribute("aria-activedescendant");
  }

  #rowId(index) {
    this.name ??= "grid" + Math.random().toString(36).slice(2, 8);
    return this.name + "-" + index;
  }

  #addRow() {
    const cells = this.columns.map((column) => el("div", { role: "gridcell", class: "cell " + column.className }));
    const row = el("div", { class: "grid-row", role: "row", hidden: true }, ...cells);
    this.pool.push({ row, cells, index: -1, top: -1 });
    this.spacer.append(row);
  }

  #place(slot, index, height) {
    const { row, cells } = slot;
    if (index < 0) {
      if (slot.index >= 0) row.hidden = true;
      slot.index = -1;
      return;
    }
    if (slot.index !== index) {
      if (slot.index < 0) row.hidden = false;
      slot.index = index;
      row.id = this.#rowId(index);
      row.setAttribute("aria-rowindex", index + 2);
    }
    if (slot.top !== index * height) {
      slot.top = index * height;
      row.style.transform = `translateY(${slot.top}px)`;
    }
    const isAt = index === this.at;
    if (slot.isAt !== isAt) {
      slot.isAt = isAt;
      row.setAttribute("aria-selected", isAt);
    }
    this.render(cells, this.items[index], row);
  }

  /** Puts the keyboard on a row and brings it into view. */
  moveTo(index) {
    if (this.items.length === 0) return;
    this.at = Math.max(0, Math.min(this.items.length - 1, index));
    const height = this.rowHeight;
    const headHeight = this.element.firstChild.offsetHeight;
    const room = this.element.clientHeight - headHeight;
    const top = this.at * height;
    if (top < this.element.scrollTop) this.element.scrollTop = top;
    else if (top + height > this.element.scrollTop + room) this.element.scrollTop = top + height - room;
    this.update();
    this.onMove?.(this.items[this.at]);
  }

  #onKey(event) {
    if (event.target !== this.element || event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor(this.element.clientHeight / this.rowHeight) - 2);
    const to = { ArrowDown: this.at + 1, ArrowUp: this.at - 1, PageDown: this.at + page, PageUp: this.at - page,
      Home: 0, End: this.items.length - 1 }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      this.moveTo(to);
    } else if ((event.key === "Enter" || event.key === " ") && this.items[this.at]) {
      event.preventDefault();
      this.onOpen?.(this.items[this.at]);
    }
  }

  #onClick(event) {
    const slot = this.pool.find(({ row }) => row.contains(event.target));
    if (!slot || slot.index < 0) return;
    this.moveTo(slot.index);
    this.onOpen?.(this.items[slot.index]);
  }
}

