// SPDX-License-Identifier: Apache-2.0
// One run of a batch: its rows, filled as the lines of the stream come in. It knows no page.
import { requestsOf } from "./batch_document.js";
import { outcomeOf } from "./outcome.js";

export class Run {
  /** `text` is the document that is sent. */
  constructor(text) {
    this.number = 0; // given by whoever keeps it
    this.text = text;
    this.startedAt = Date.now();
    this.began = performance.now();
    this.state = "running"; // done, cancelled, cut, refused
    this.summary = null;
    this.elapsed = 0;
    this.counts = { pending: 0 };
    this.lastEnd = 0;
    this.version = 0; // grows with every change
    this.rows = requestsOf(JSON.parse(text), text).map((request, index) => this.#row(request, index));
    this.byId = new Map(this.rows.map((row) => [row.id, row]));
  }

  #row(request, index) {
    this.counts.pending++;
    return { index, depth: 0, id: request.id, url: request.url, method: request.method, request,
      outcome: "pending", status: 0, code: "", start: 0, end: 0, total: -1, size: -1,
      timing: null, attempts: null, line: "", order: -1 };
  }

  /** One line of the stream. */
  add(line) {
    const response = JSON.parse(line);
    this.version++;
    if (!("id" in response)) {
      this.summary = response.summary;
      return;
    }
    const row = this.byId.get(response.id);
    if (!row || row.outcome !== "pending") return;
    this.#fill(row, response, line);
    if (response.responses) this.#addChildren(row, response);
  }

  #fill(row, response, line) {
    const { timing } = response;
    this.counts[row.outcome]--;
    row.outcome = outcomeOf(response);
    this.counts[row.outcome] = (this.counts[row.outcome] ?? 0) + 1;
    row.status = response.status;
    row.code = response.error?.code ?? "";
    row.message = response.error?.message ?? "";
    row.attempts = response.attempts ?? null;
    row.isCoalesced = response.coalesced === true;
    row.timing = timing ?? null;
    row.start = timing ? timing.start : 0;
    row.total = timing ? timing.total : this.now();
    row.end = row.start + row.total;
    row.size = timing ? timing.bytes : response.bodyBytes ?? -1;
    row.line = line;
    row.order = this.rows.length - this.counts.pending;
    this.lastEnd = Math.max(this.lastEnd, row.end);
  }

  /** A forEach's responses become rows below its own. Their text is the parent's. */
  #addChildren(parent, response) {
    const children = response.responses.map((each, index) => {
      const request = { ...parent.request, id: parent.id + "/" + each.id };
      const row = this.#row(request, parent.index);
      row.depth = 1;
      row.childOf = parent;
      row.childIndex = index;
      this.#fill(row, each, "");
      return row;
    });
    if (!response.timing && children.length) {
      parent.start = Math.min(...children.map((row) => row.start));
      parent.end = Math.max(...children.map((row) => row.end));
      parent.total = parent.end - parent.start;
    }
    this.rows.splice(this.rows.indexOf(parent) + 1, 0, ...children);
  }

  /** The response of a row, read anew: bodies are kept as the text they came in. */
  static responseOf(row) {
    if (row.childOf) return Run.responseOf(row.childOf)?.responses[row.childIndex] ?? null;
    return row.line ? JSON.parse(row.line) : null;
  }

  /** The text of the response, and the pointer to it in that text. */
  static textOf(row) {
    if (row.childOf) return { text: row.childOf.line, pointer: "/responses/" + row.childIndex };
    return { text: row.line, pointer: "" };
  }

  now() {
    return performance.now() - this.began;
  }

  finish(state) {
    this.version++;
    this.state = state;
    this.elapsed = this.summary?.elapsedMs ?? this.now();
  }

  get isRunning() {
    return this.state === "running";
  }

  get done() {
    return this.rows.length - this.counts.pending;
  }

  /** What the axis has to show, in milliseconds. */
  get span() {
    return Math.max(this.lastEnd, this.isRunning ? this.now() : 0, 1);
  }
}
