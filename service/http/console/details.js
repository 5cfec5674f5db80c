// SPDX-License-Identifier: Apache-2.0
// Everything about one row: what came, when, and how to do it again.
import { el } from "./dom.js";
import { bodyText, bodyView } from "./body_view.js";
import { bytes, ms } from "./format.js";
import { find, pretty } from "./json_text.js";
import { PHASE_HELP, pieces } from "./phases.js";
import { Run } from "./run.js";
import { copy } from "./save.js";
import { requestCommand } from "./shell.js";

function section(title, ...content) {
  return el("section", { class: "detail" }, el("h3", {}, title), ...content);
}

function pairs(list) {
  return el("dl", { class: "pairs" }, ...list.flatMap(([name, value, title]) =>
    [el("dt", { title }, name), el("dd", {}, value)]));
}

function headerPairs(headers) {
  const list = Object.entries(headers ?? {}).flatMap(([name, value]) => [value].flat().map((each) => [name, String(each)]));
  return list.length ? pairs(list) : el("p", { class: "quiet" }, "None.");
}

function timingSection(row) {
  const { timing } = row;
  if (!timing) return section("Timing", el("p", { class: "quiet" }, "Not asked for: “include” has no “timing”."));
  const bars = pieces(timing).map(({ name, from, to }) => {
    const piece = el("i", { class: "p-" + name });
    piece.style.left = (from - timing.start) / Math.max(timing.total, 0.001) * 100 + "%";
    piece.style.width = (to - from) / Math.max(timing.total, 0.001) * 100 + "%";
    return el("div", { class: "phase" },
      el("span", { title: PHASE_HELP[name] }, name), el("span", { class: "c-bar" }, piece), el("span", { class: "n" }, ms(to - from)));
  });
  return section("Timing", el("div", { class: "phases" }, ...bars), pairs([
    ["started", ms(timing.start), "since the batch began"], ["total", ms(timing.total)], ["received", bytes(timing.bytes)],
    ["connection", timing.reused ? "reused" : "new"],
    ...(timing.httpVersion ? [["protocol", "HTTP/" + timing.httpVersion]] : []),
    ...(timing.remoteAddress ? [["address", timing.remoteAddress]] : [])]));
}

function attemptsSection(row) {
  if (!row.attempts) return null;
  const cell = (text, className) => el("td", { class: className }, text);
  return section("Attempts", el("table", { class: "attempts" },
    el("thead", {}, el("tr", {}, ...["#", "result", "started", "took", "where"].map((name) => el("th", { scope: "col" }, name)))),
    el("tbody", {}, ...row.attempts.map((attempt, index) => el("tr", {},
      cell(String(index + 1), "n"), cell([attempt.status, attempt.error].filter(Boolean).join(" ")),
      cell(ms(attempt.startMs), "n"), cell(ms(attempt.totalMs), "n"), cell(attempt.url ?? attempt.remoteAddress ?? "", "wrap"))))));
}

function button(label, onclick) {
  return el("button", { type: "button", onclick }, label);
}

function responseSections(row, response) {
  const { text, pointer } = Run.textOf(row);
  const raw = () => {
    const { start, end } = find(text, pointer);
    return text.slice(start, end);
  };
  const tools = [];
  if (response.body !== undefined) tools.push(button("Copy body", () => copy(bodyText(response, text, pointer), "Body")));
  tools.push(button("Copy response", () => copy(raw(), "Response")));
  return [
    section("Body", bodyView(response, text, pointer), el("p", { class: "tools" }, ...tools)),
    section("Response headers", headerPairs(response.headers)),
  ];
}

function requestSection(row) {
  const { request } = row;
  const body = request.body();
  const shown = body && el("pre", { class: "body", tabindex: 0, "aria-label": "Body of the request" },
    body.encoding === "json" ? pretty(body.text) : body.text);
  return section("Request", el("p", { class: "wrap mono" }, `${row.method} ${row.url}`), headerPairs(request.headers), shown,
    el("p", { class: "tools" }, button("Copy as curl", () => copy(requestCommand(request, body), "Command"))));
}

/** The content of the details of a row. */
export function detailsOf(row) {
  const response = Run.responseOf(row);
  const flags = [row.isCoalesced && "shared one call with another item", row.outcome === "fallback" && "the item's own fallback"]
    .filter(Boolean).join(", ");
  const result = row.outcome === "pending" ? "no response yet" : row.code ? `${row.status} ${row.code}` : String(row.status);
  return [
    el("p", { class: "result", "data-outcome": row.outcome }, el("b", {}, result), " ", row.total >= 0 ? ms(row.total) : "", flags && ` · ${flags}`),
    row.message ? el("p", { class: "message" }, row.message) : null,
    ...(response ? [timingSection(row), attemptsSection(row), ...responseSections(row, response)] : []),
    requestSection(row),
  ].filter(Boolean);
}
