// SPDX-License-Identifier: Apache-2.0
// Two runs beside each other, item by item.
import { el, setText } from "./dom.js";
import { ms } from "./format.js";
import { Grid } from "./grid.js";
import { drawBar, splitUrl } from "./waterfall.js";

const label = (row) => (row ? row.code || String(row.status || "") : "");

/** Pairs the rows of two runs by id; what only one has stands alone. */
export function pairRows(a, b) {
  const others = new Map(b.rows.map((row) => [row.id, row]));
  const list = a.rows.map((row) => pair(row, others.get(row.id)));
  const known = new Set(a.rows.map((row) => row.id));
  return list.concat(b.rows.filter((row) => !known.has(row.id)).map((row) => pair(undefined, row)));
}

function pair(a, b) {
  const isBoth = a && b && a.total >= 0 && b.total >= 0;
  return { a, b, id: (a ?? b).id, url: (a ?? b).url, method: (a ?? b).method,
    change: isBoth ? b.total - a.total : NaN, differs: !isBoth || label(a) !== label(b) };
}

export class Comparison {
  constructor(a, b) {
    Object.assign(this, { a, b });
    this.span = Math.max(a.span, b.span);
    this.key = "index";
    this.isDown = false;
    this.pairs = pairRows(a, b);
    this.grid = new Grid({
      label: `Run ${a.number} and run ${b.number}`,
      className: "comparison",
      columns: [
        { label: "Request", className: "c-url", sort: "index" },
        { label: `Run ${a.number}`, className: "c-status" },
        { label: `Run ${b.number}`, className: "c-status" },
        { label: "Change", className: "c-time", sort: "change" },
        { label: `Run ${a.number} above run ${b.number}`, className: "c-bar" },
      ],
      render: (cells, item, row) => this.#render(cells, item, row),
      onSort: (key) => this.sort(key),
    });
    this.grid.setItems(this.pairs);
  }

  sort(key) {
    this.isDown = this.key === key ? !this.isDown : true;
    this.key = key;
    const by = (item) => (Number.isNaN(item.change) ? -Infinity : item.change);
    const list = key === "index" ? this.pairs.slice() : this.pairs.slice().sort((x, y) => by(x) - by(y));
    if (this.isDown) list.reverse();
    this.grid.setSort(key, this.isDown);
    this.grid.setItems(list);
  }

  /** What can be said in one sentence. */
  get sentence() {
    const both = this.pairs.filter((item) => !Number.isNaN(item.change));
    const slower = both.filter((item) => item.change > 1).length;
    const faster = both.filter((item) => item.change < -1).length;
    const other = this.pairs.filter((item) => item.differs).length;
    return `${ms(this.a.elapsed)} → ${ms(this.b.elapsed)}: ${other} with another result, ${faster} faster and ${slower} slower by more than 1 ms`;
  }

  #render([request, first, second, change, bar], item, row) {
    if (row.item === item) return;
    row.item = item;
    setText(request, `${item.id}  ${splitUrl(item.url).path}`);
    request.title = item.url;
    setText(first, label(item.a));
    setText(second, label(item.b));
    second.classList.toggle("differs", item.differs);
    const sign = item.change > 0 ? "+" : item.change < 0 ? "−" : "±";
    setText(change, Number.isNaN(item.change) ? "" : sign + ms(Math.abs(item.change)));
    change.dataset.trend = item.change > 1 ? "slower" : item.change < -1 ? "faster" : "same";
    while (bar.children.length < 2) bar.append(el("div", { class: "half" }));
    [[item.a, first], [item.b, second]].forEach(([each, cell], index) => {
      const shown = each ?? { outcome: "pending" };
      cell.dataset.outcome = bar.children[index].dataset.outcome = shown.outcome;
      drawBar(bar.children[index], shown, this.span);
    });
  }
}
