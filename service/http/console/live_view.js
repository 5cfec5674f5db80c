// SPDX-License-Identifier: Apache-2.0
// The live page: asks /-/live each second while it is looked at, and draws what changed.
import { Chart } from "./chart.js";
import { byId, el, setText } from "./dom.js";
import { bytes, count, duration, ms, rate } from "./format.js";
import { look, Refusal } from "./gateway.js";
import { codesOf, originsOf, sampleOf } from "./live_rates.js";

const POLL_MS = 1000;
const SAMPLES_MAX = 300; // five minutes
const CIRCUITS = { off: "off", closed: "closed", open: "open", half_open: "half open" };

const percentiles = (kind) => ["p50", "p95", "p99"].map((label, index) =>
  ({ label, className: "s" + (3 - index), value: (sample) => sample[kind][index] })).reverse();

export class LiveView {
  constructor(onDocument) {
    this.onDocument = onDocument;
    this.samples = [];
    this.last = null;
    this.sort = { key: "rate", isDown: true };
    this.charts = [
      new Chart("Throughput", [{ label: "items/s", className: "s1", value: (s) => s.items },
        { label: "failed/s", className: "s-bad", value: (s) => s.failed }, { label: "batches/s", className: "s2", value: (s) => s.batches }], rate),
      new Chart("Under way", [{ label: "in flight", className: "s1", value: (s) => s.inFlight },
        { label: "queued", className: "s-bad", value: (s) => s.queued }], count),
      new Chart("Batches take", percentiles("batch"), ms),
      new Chart("Items take", percentiles("item"), ms),
      new Chart("Event loop", [{ label: "longest turn", className: "s1", value: (s) => s.lag }], ms),
      new Chart("Connections", [{ label: "clients", className: "s1", value: (s) => s.clients },
        { label: "upstream", className: "s2", value: (s) => s.upstream }], count),
    ];
    byId("charts").append(...this.charts.map(({ element }) => element));
    for (const button of document.querySelectorAll("#origins button")) {
      button.addEventListener("click", () => this.#sortBy(button.dataset.key));
    }
    document.addEventListener("visibilitychange", () => this.#schedule(0));
  }

  /** While it is shown it asks each second; else not at all. */
  show(isShown) {
    this.isShown = isShown;
    this.#schedule(0);
  }

  #schedule(delay) {
    clearTimeout(this.timer);
    if (this.isShown && !document.hidden) this.timer = setTimeout(() => this.#poll(), delay);
  }

  async #poll() {
    const began = performance.now();
    try {
      this.#take(await look("/-/live"));
      this.#say("");
    } catch (error) {
      this.#say(error instanceof Refusal ? `/-/live: ${error.message}` : `The service cannot be reached: ${error.message}`);
    }
    this.#schedule(Math.max(100, POLL_MS - (performance.now() - began)));
  }

  #say(text) {
    setText(byId("live-fault"), text);
    byId("live-fault").hidden = text === "";
    byId("live").classList.toggle("is-stale", text !== "");
  }

  #take(now) {
    const before = this.last;
    if (before && before.startedAtMs !== now.startedAtMs) this.samples = []; // another process
    else if (before) this.#sample(now, before);
    this.last = now;
    this.onDocument(now);
    this.#drawFacts(now);
    this.#drawWorkers(now, before);
    this.#drawCodes(now, before ?? now);
    this.#drawOrigins(now, before ?? now);
  }

  #sample(now, before) {
    const sample = sampleOf(now, before);
    if (!sample) return;
    this.samples.push(sample);
    if (this.samples.length > SAMPLES_MAX) this.samples.shift();
    for (const chart of this.charts) chart.draw(this.samples);
  }

  #drawFacts(now) {
    const { memory, batches, circuits, process } = now;
    const facts = [
      ["up", duration(now.uptimeMs)], ["configuration", `no. ${now.configuration.generation}`],
      ["batches", count(batches.total)], ["batches now", count(batches.inFlight)],
      ["partial", count(batches.partial)], ["refused", count(batches.refused)], ["clients gone", count(batches.gone)],
      ["items", count(now.items.total)], ["memory, resident", bytes(process?.residentBytes)],
      [`replies, of ${bytes(memory?.replyBudget)}`, bytes(memory?.replyBytes)],
      [`requests, of ${bytes(memory?.requestBudget)}`, bytes(memory?.requestBytes)],
      ["circuits open, half open", circuits ? `${count(circuits.open)}, ${count(circuits.halfOpen)}` : "–"],
    ];
    const list = byId("facts");
    while (list.children.length < facts.length) list.append(el("div", {}, el("dt"), el("dd", { class: "n" })));
    facts.forEach(([name, value], index) => {
      setText(list.children[index].firstChild, name);
      setText(list.children[index].lastChild, value);
    });
  }

  #drawWorkers(now, before) {
    const seconds = before ? (now.nowMs - before.nowMs) / 1000 : NaN;
    fillTable(byId("workers"), now.workers, (worker, index) => {
      const busy = (worker.busyMs - before?.workers[index]?.busyMs) / seconds / 10;
      return [String(index), worker.missing ? "no answer" : Number.isFinite(busy) ? Math.min(100, busy).toFixed(0) + " %" : "–",
        ms(worker.loopLagMs), count(worker.inFlight), count(worker.queued), count(worker.clients ?? NaN)];
    }, (row, worker) => (row.dataset.level = worker.missing || worker.loopLagMs > 100 ? "bad" : ""));
  }

  #drawCodes(now, before) {
    fillTable(byId("codes"), codesOf(now, before), ({ code, total, rate: perSecond }) => [code, rate(perSecond), count(total)],
      (row, { code, rate: perSecond }) => (row.dataset.level = code !== "ok" && perSecond > 0 ? "bad" : ""));
  }

  #sortBy(key) {
    this.sort = { key, isDown: this.sort.key === key ? !this.sort.isDown : key !== "origin" };
    if (this.last) this.#drawOrigins(this.last, this.before ?? this.last);
  }

  #drawOrigins(now, before) {
    const { key, isDown } = this.sort;
    for (const button of document.querySelectorAll("#origins button")) {
      button.closest("th").setAttribute("aria-sort", button.dataset.key !== key ? "none" : isDown ? "descending" : "ascending");
    }
    this.before = before;
    const of = (origin) => origin[key] ?? -1;
    const order = (a, b) => (of(a) < of(b) ? -1 : of(a) > of(b) ? 1 : 0);
    const list = originsOf(now, before).sort((a, b) => (isDown ? order(b, a) : order(a, b)));
    fillTable(byId("origins"), list, (origin) => [origin.origin, CIRCUITS[origin.circuit] ?? origin.circuit,
      rate(origin.rate), rate(origin.failing), count(origin.inFlight), count(origin.waiting), ms(origin.meanMs ?? NaN), count(origin.total)],
    (row, origin) => (row.dataset.circuit = origin.circuit));
    byId("no-origins").hidden = list.length > 0;
    setText(byId("origins-left"), now.originsLeftOff > 0 ? `${count(now.originsLeftOff)} more origins are not shown.` : "");
  }
}

/** Writes a table's body, its rows used again. */
function fillTable(table, list, cellsOf, decorate) {
  const body = table.tBodies[0];
  while (body.rows.length > list.length) body.deleteRow(-1);
  list.forEach((item, index) => {
    const row = body.rows[index] ?? body.insertRow();
    cellsOf(item, index).forEach((text, place) => {
      const cell = row.cells[place] ?? row.insertCell();
      if (place > 0) cell.className = "n";
      setText(cell, text);
    });
    decorate(row, item);
  });
}
