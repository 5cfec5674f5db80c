// SPDX-License-Identifier: Apache-2.0
// The rows of a run with their phases as bars over one axis.
import { el, setText } from "./dom.js";
import { bytes, ms } from "./format.js";
import { Grid } from "./grid.js";
import { otherAttempts, pieces } from "./phases.js";

const TICKS = 4;

export class Waterfall {
  constructor({ onOpen, onSort }) {
    this.run = null;
    this.span = 1;
    this.ticks = Array.from({ length: TICKS }, () => el("span", { class: "tick" }));
    const axis = el("span", { class: "axis", "aria-hidden": "true" }, ...this.ticks);
    this.grid = new Grid({
      label: "Responses",
      className: "waterfall",
      columns: [
        { label: "#", className: "c-index", sort: "index" },
        { label: "Request", className: "c-url", sort: "url" },
        { label: "Result", className: "c-status", sort: "status" },
        { label: "Time", className: "c-time", sort: "total" },
        { label: "Size", className: "c-size", sort: "size" },
        { label: "Phases", className: "c-bar", header: axis },
      ],
      render: (cells, row, element) => this.#render(cells, row, element),
      onOpen,
      onSort,
    });
    this.element = this.grid.element;
  }

  setRun(run) {
    this.run = run;
    this.span = 0;
    this.update();
  }

  /** The axis jumps by a fifth while a batch runs, instead of moving all the time. */
  #fitSpan() {
    if (!this.run) return;
    const needed = this.run.span;
    if (!this.run.isRunning) this.span = needed;
    else if (needed > this.span) this.span = needed * 1.2;
    this.ticks.forEach((tick, index) => setText(tick, index ? ms(this.span * index / TICKS) : "0"));
  }

  update() {
    this.#fitSpan();
    this.grid.update();
  }

  #render([index, url, status, time, size, bar], row, element) {
    if (element.row === row && element.outcome === row.outcome && element.span === this.span &&
        row.outcome !== "pending") return;
    if (element.row !== row || element.outcome !== row.outcome) {
      element.row = row;
      element.outcome = row.outcome;
      element.dataset.outcome = row.outcome;
      element.dataset.depth = row.depth;
      setText(index, row.depth ? "" : String(row.index));
      this.#renderRequest(url, row);
      setText(status, row.outcome === "pending" ? "" : row.code || String(row.status));
      status.title = row.message ?? "";
      setText(time, row.total < 0 ? "" : ms(row.total));
      setText(size, row.size < 0 ? "" : bytes(row.size));
    }
    element.span = this.span;
    drawBar(bar, row, this.span, this.run);
  }

  #renderRequest(cell, row) {
    if (!cell.firstChild) cell.append(...["method", "id", "path", "host"].map((name) => el("span", { class: name })));
    const [method, id, path, host] = cell.children;
    setText(method, row.method === "GET" ? "" : row.method);
    setText(id, row.id === String(row.index) && !row.depth ? "" : row.id);
    const parts = splitUrl(row.url);
    setText(path, parts.path);
    setText(host, parts.host);
    cell.title = row.method + " " + row.url;
  }
}

/** Where it goes and what it asks there: the path tells more, so it comes first. */
export function splitUrl(url) {
  const parts = /^https?:\/\/([^/?#]*)(.*)$/.exec(url);
  return parts ? { host: parts[1], path: parts[2] || "/" } : { host: "", path: url };
}

/** Places the pieces of a row's bar; elements are used again. */
export function drawBar(bar, row, span, run) {
  const list = [];
  if (row.outcome === "pending") {
    if (run?.isRunning) list.push({ name: "pending", from: 0, to: run.now() });
  } else if (row.timing) {
    for (const other of otherAttempts(row.timing, row.attempts)) list.push({ name: "attempt", ...other });
    list.push(...pieces(row.timing));
  } else {
    list.push({ name: "whole", from: row.start, to: row.end });
  }
  while (bar.children.length < list.length) bar.append(el("i"));
  for (let i = 0; i < bar.children.length; i++) {
    const piece = bar.children[i];
    const part = list[i];
    piece.className = part ? "p-" + part.name : "p-none";
    if (!part) continue;
    const left = part.from / span * 100;
    piece.style.left = left + "%";
    piece.style.width = Math.max(0, Math.min(100 - left, (part.to - part.from) / span * 100)) + "%";
  }
}
