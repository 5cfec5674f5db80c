// SPDX-License-Identifier: Apache-2.0
// The right side: the run that is shown, its rows, filters and details, and the runs
// before it.
import { Comparison } from "./compare.js";
import { detailsOf } from "./details.js";
import { announce, byId, el, perFrame, setText } from "./dom.js";
import { explainedDetails, Explanation } from "./explanation.js";
import { clock, count, ms, plural } from "./format.js";
import { archive } from "./har.js";
import { OUTCOMES } from "./outcome.js";
import { arrange } from "./row_order.js";
import { save } from "./save.js";
import { Waterfall } from "./waterfall.js";

const RUNS_MAX = 12; // kept to look back at and to compare with
const FRAME_MS = 50; // between two drawings of a running batch
const ARRANGE_MS = 250; // between two sortings of it

export class Results {
  constructor() {
    this.runs = [];
    this.runCount = 0;
    this.run = null;
    this.order = { filter: "", outcomes: new Set(), key: "index", isDown: false };
    this.waterfall = new Waterfall({ onOpen: (row) => this.open(row), onSort: (key) => this.#sort(key) });
    this.waterfall.grid.onMove = (row) => {
      if (!byId("details").hidden) this.open(row);
    };
    this.waterfall.grid.setSort("index", false);
    byId("grid-place").append(this.waterfall.element);
    this.chips = OUTCOMES.map((outcome) => this.#chip(outcome));
    byId("chips").append(...this.chips.map(({ button }) => button));
    byId("filter").addEventListener("input", () => {
      this.order.filter = byId("filter").value;
      this.arrange();
    });
    byId("details-close").addEventListener("click", () => this.close());
    byId("details").addEventListener("keydown", (event) => event.key === "Escape" && this.close());
    byId("run-select").addEventListener("change", () => {
      const run = this.#byNumber(byId("run-select").value);
      if (run) this.show(run);
    });
    byId("compare-select").addEventListener("change", () => this.#compare());
    byId("save-har").addEventListener("click", () => this.saveHar());
    this.changed = perFrame(() => this.#draw());
  }

  #chip({ name, label, help }) {
    const number = el("span", { class: "n" });
    const button = el("button", { type: "button", class: "chip", "data-outcome": name, "aria-pressed": "false", title: help,
      onclick: () => this.#toggle(name, button) }, el("i", { class: "dot" }), label, " ", number);
    return { name, button, number };
  }

  #toggle(name, button) {
    const { outcomes } = this.order;
    const isOn = !outcomes.delete(name) && Boolean(outcomes.add(name));
    button.setAttribute("aria-pressed", isOn);
    this.arrange();
  }

  #sort(key) {
    this.order.isDown = this.order.key === key ? !this.order.isDown : key !== "index" && key !== "url";
    this.order.key = key;
    this.waterfall.grid.setSort(key, this.order.isDown);
    this.arrange();
  }

  #byNumber(number) {
    return this.runs.find((run) => String(run.number) === String(number));
  }

  // ------------------------------------------------------------------ runs

  /** A run that begins. */
  add(run) {
    run.number = ++this.runCount;
    this.runs.unshift(run);
    this.runs.length = Math.min(this.runs.length, RUNS_MAX);
    this.show(run);
  }

  show(run) {
    this.run = run;
    this.close();
    this.#place(this.waterfall.element);
    this.waterfall.setRun(run);
    this.waterfall.grid.at = -1;
    this.arrange();
    this.#listRuns();
    clearTimeout(this.timer);
    this.#tick();
  }

  /** Draws on while the batch runs: bars grow also when nothing comes. */
  #tick() {
    this.changed();
    if (this.run?.isRunning) this.timer = setTimeout(() => this.#tick(), FRAME_MS);
  }

  finished(run) {
    this.#listRuns();
    if (run === this.run) {
      this.arrange();
      this.changed();
      announce(byId("verdict").textContent);
    }
  }

  #listRuns() {
    const options = this.runs.map((run) => el("option", { value: run.number },
      `Run ${run.number}, ${clock(run.startedAt)}, ${plural(run.rows.length, "item")}${run.isRunning ? "" : ", " + ms(run.elapsed)}`));
    byId("run-select").replaceChildren(...options);
    byId("run-select").value = this.run.number;
    const others = this.runs.filter((run) => run !== this.run && !run.isRunning);
    byId("compare-select").replaceChildren(el("option", { value: "" }, "Compare with …"),
      ...others.map((run) => el("option", { value: run.number }, `Run ${run.number}, ${clock(run.startedAt)}`)));
    byId("compare-select").disabled = others.length === 0 || this.run.isRunning;
    byId("save-har").disabled = this.run.isRunning;
  }

  #compare() {
    const other = this.#byNumber(byId("compare-select").value);
    if (!other) {
      this.show(this.run);
      return;
    }
    const [a, b] = [other, this.run].sort((x, y) => x.number - y.number);
    const comparison = new Comparison(a, b);
    this.close();
    byId("results").dataset.state = "compared";
    this.#place(comparison.grid.element);
    setText(byId("verdict"), comparison.sentence);
    announce(comparison.sentence);
  }

  explain(document, requests) {
    const explanation = new Explanation(document, requests, (item) => this.#openDetails(item.id, explainedDetails(item)));
    this.close();
    byId("results").dataset.state = "explained";
    if (this.run) {
      this.#listRuns();
      byId("run-select").prepend(el("option", { value: "" }, "Explanation")); // the way back is another choice
      byId("run-select").value = "";
    }
    this.#place(explanation.grid.element);
    setText(byId("verdict"), explanation.sentence);
    announce(explanation.sentence);
  }

  #place(element) {
    byId("empty").hidden = true;
    const isRun = element === this.waterfall.element;
    for (const id of ["toolbar", "legend"]) byId(id).hidden = !isRun;
    byId("run-tools").hidden = !this.run;
    byId("progress").hidden = !isRun;
    byId("grid-place").replaceChildren(element);
  }

  saveHar() {
    if (!this.run || this.run.isRunning) return;
    const version = byId("instance").dataset.version;
    save(`gatherd-run-${this.run.number}.har`, "application/json", JSON.stringify(archive(this.run, version), null, 1));
  }

  // --------------------------------------------------------------- drawing

  arrange() {
    if (!this.run) return;
    this.arrangedAt = performance.now();
    this.arrangedVersion = this.run.version;
    const rows = arrange(this.run.rows, this.order);
    this.waterfall.grid.setItems(rows);
    setText(byId("shown"), rows.length === this.run.rows.length ? "" : `${count(rows.length)} of ${count(this.run.rows.length)} shown`);
  }

  #draw() {
    const { run } = this;
    if (!run || !this.waterfall.element.isConnected) return;
    const isStale = this.arrangedVersion !== run.version;
    if (isStale && performance.now() - this.arrangedAt > ARRANGE_MS) this.arrange();
    this.waterfall.update();
    this.#drawSummary(run);
  }

  #drawSummary(run) {
    byId("results").dataset.state = run.isRunning ? "running" : run.summary?.complete ? "complete" : "incomplete";
    setText(byId("verdict"), verdict(run));
    const total = run.rows.length || 1;
    const bar = byId("progress");
    bar.setAttribute("aria-valuenow", Math.round(run.done / total * 100));
    for (const part of bar.children) part.style.width = (run.counts[part.dataset.outcome] ?? 0) / total * 100 + "%";
    for (const { name, button, number } of this.chips) {
      const many = run.counts[name] ?? 0;
      setText(number, count(many));
      button.hidden = many === 0 && !this.order.outcomes.has(name);
    }
  }

  // --------------------------------------------------------------- details

  open(row) {
    this.#openDetails(row.id, detailsOf(row));
  }

  #openDetails(title, nodes) {
    setText(byId("details-title"), title);
    byId("details-body").replaceChildren(...nodes);
    byId("details-body").scrollTop = 0;
    byId("details").hidden = false;
    byId("results").classList.add("has-details");
  }

  close() {
    if (byId("details").hidden) return;
    const hadFocus = byId("details").contains(document.activeElement);
    byId("details").hidden = true;
    byId("results").classList.remove("has-details");
    if (hadFocus) byId("grid-place").firstElementChild?.focus();
  }
}

function verdict(run) {
  const done = `${count(run.done)} of ${count(run.rows.length)}`;
  if (run.isRunning) return `Running: ${done}, ${ms(run.now())}`;
  if (run.state === "cancelled") return `Cancelled after ${done}, ${ms(run.elapsed)}`;
  if (run.state === "cut") return `The stream was cut after ${done}, ${ms(run.elapsed)}`;
  const { ok, failed, complete } = run.summary;
  return `${complete ? "Complete" : "Incomplete"}: ${count(ok)} ok, ${count(failed)} failed, ${ms(run.elapsed)}`;
}
