// SPDX-License-Identifier: Apache-2.0
// What /v1/explain says of a batch: a row for each item.
import { el, setText } from "./dom.js";
import { ms } from "./format.js";
import { Grid } from "./grid.js";
import { layout } from "./json_text.js";
import { copy } from "./save.js";
import { splitUrl } from "./waterfall.js";

export class Explanation {
  constructor(document, requests, onOpen) {
    this.batch = document.batch;
    this.items = document.items.map((item, index) => ({ ...item, url: requests[index]?.url ?? "" }));
    this.grid = new Grid({
      label: "What the batch would do",
      className: "explanation",
      columns: [
        { label: "Request", className: "c-url" },
        { label: "Policy", className: "c-status" },
        { label: "By rule", className: "c-rule" },
        { label: "Timeout", className: "c-time" },
        { label: "Retries", className: "c-size" },
      ],
      render: (cells, item, row) => this.#render(cells, item, row),
      onOpen,
    });
    this.grid.onMove = onOpen;
    this.grid.setItems(this.items);
  }

  get sentence() {
    const refused = this.items.filter((item) => item.policy.verdict === "refused").length;
    return `Nothing was sent. ${this.items.length} items, ${refused} refused by the egress policy, deadline ${ms(this.batch.deadlineMs)}` +
      (this.batch.egressMode === "report" ? "; the policy only reports" : "");
  }

  #render([request, policy, rule, timeout, retries], item, row) {
    if (row.item === item) return;
    row.item = item;
    row.dataset.outcome = { allowed: "ok", refused: "error" }[item.policy.verdict] ?? "pending";
    setText(request, `${item.id}  ${item.method} ${splitUrl(item.url).path}`);
    request.title = item.url;
    setText(policy, item.policy.code ?? item.policy.verdict);
    setText(rule, item.policy.rule ?? item.policy.detail ?? "");
    setText(timeout, ms(item.limits.timeoutMs));
    setText(retries, String(item.retries));
  }
}

/** The details of one explained item. */
export function explainedDetails(item) {
  const { url, curl, ...rest } = item;
  const nodes = [el("p", { class: "wrap mono" }, `${item.method} ${url}`)];
  if (item.policy.detail) nodes.push(el("p", { class: "message" }, item.policy.detail));
  if (curl) nodes.push(el("section", { class: "detail" }, el("h3", {}, "The same request by curl"),
    el("pre", { class: "body soft", tabindex: 0, "aria-label": "Command line" }, curl),
    el("p", { class: "tools" }, el("button", { type: "button", onclick: () => copy(curl, "Command") }, "Copy as curl"))));
  nodes.push(el("section", { class: "detail" }, el("h3", {}, "All of it"),
    el("pre", { class: "body", tabindex: 0, "aria-label": "Explanation" }, layout(rest))));
  return nodes;
}
