// SPDX-License-Identifier: Apache-2.0
// The left side: writing a batch. Checks the JSON while it is typed, and shows the faults
// the service finds at the place each of them is about.
import { fromList, requestsOf, typedPointer, withTiming } from "./batch_document.js";
import { byId, el, setText } from "./dom.js";
import { Editor } from "./editor.js";
import { bytes, plural } from "./format.js";
import { fault, find, layout, place, pretty } from "./json_text.js";
import { GROUPS, TEMPLATES } from "./templates.js";

const CHECK_AFTER_MS = 150;

export class Composer {
  constructor() {
    this.editor = new Editor(byId("document"), byId("document-lines"), () => this.#onEdit());
    this.state = byId("document-state");
    this.problems = byId("problems");
    this.template = byId("template");
    this.upstream = byId("upstream");
    this.upstream.value = sessionStorage.getItem("upstream") ?? guessUpstream();
    this.template.append(...GROUPS.map((group) => el("optgroup", { label: group.label },
      ...group.templates.map(({ name, label }) => el("option", { value: name }, label)))));
    this.template.addEventListener("change", () => this.useTemplate(this.template.value));
    this.upstream.addEventListener("change", () => {
      sessionStorage.setItem("upstream", this.upstream.value);
      if (this.isUntouched) this.useTemplate(this.template.value);
    });
    for (const radio of document.getElementsByName("form")) radio.addEventListener("change", () => this.#changeForm(radio.value));
    byId("list").addEventListener("input", () => this.#showState());
    byId("format").addEventListener("click", () => this.format());
    const held = sessionStorage.getItem("document");
    if (held) this.#setText(held);
    else this.useTemplate("example");
  }

  get isList() {
    return byId("form-list").checked;
  }

  useTemplate(name) {
    const template = TEMPLATES.find((each) => each.name === name);
    if (!template) return;
    this.template.value = name;
    setText(byId("template-help"), template.help);
    byId("form-json").checked = true;
    this.#changeForm("json");
    this.#setText(layout(template.make(this.upstream.value.replace(/\/+$/, ""))));
    this.isUntouched = true;
  }

  #setText(text) {
    this.editor.text = text;
    this.#check();
  }

  #changeForm(form) {
    byId("json-form").hidden = form !== "json";
    byId("list-form").hidden = form !== "list";
    this.#check();
  }

  #onEdit() {
    this.isUntouched = false;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#check(), CHECK_AFTER_MS);
  }

  #check() {
    clearTimeout(this.timer);
    const text = this.editor.text;
    try {
      sessionStorage.setItem("document", text);
    } catch {
      // Too large to be kept: it is only lost with the tab.
    }
    this.#showProblems([]);
    this.fault = text.trim() === "" ? { at: 0, message: "the batch is empty" } : fault(text);
    this.editor.mark(this.fault ? [this.fault.at] : []);
    this.#showState();
  }

  #showState() {
    const isBad = !this.isList && this.fault;
    this.state.classList.toggle("bad", Boolean(isBad));
    byId("document").setAttribute("aria-invalid", Boolean(isBad));
    if (isBad) {
      const { line, column } = place(this.editor.text, this.fault.at);
      setText(this.state, `line ${line}, column ${column}: ${this.fault.message}`);
      return;
    }
    const text = this.#typed();
    setText(this.state, `${plural(requestsOf(JSON.parse(text)).length, "request")}, ${bytes(new Blob([text]).size)}`);
  }

  #typed() {
    if (!this.isList) return this.editor.text;
    const number = (id) => parseInt(byId(id).value, 10);
    const options = {};
    if (number("list-deadline") > 0) options.deadlineMs = number("list-deadline");
    if (number("list-concurrency") > 0) options.concurrency = number("list-concurrency");
    const defaults = {};
    if (number("list-retries") > 0) defaults.retries = number("list-retries");
    if (byId("list-bodies").value !== "full") defaults.bodyMode = byId("list-bodies").value;
    if (Object.keys(defaults).length) options.defaults = defaults;
    return fromList(byId("list").value, options);
  }

  /** The batch as it is sent: {text, typed, prefix}; null while it is no JSON, with the
   * keyboard at the fault. */
  take() {
    this.#check();
    if (!this.isList && this.fault) {
      this.editor.goTo(this.fault.at);
      return null;
    }
    this.#showProblems([]);
    const typed = this.#typed();
    if (!byId("with-timing").checked) return { text: typed, prefix: "" };
    return withTiming(typed);
  }

  format() {
    if (!this.isList && !this.fault) this.#setText(pretty(this.editor.text));
  }

  /** Shows why the service did not take it. */
  refuse(refusal, prefix) {
    const { problem } = refusal;
    const errors = (problem.errors ?? []).map((error) => {
      const pointer = typedPointer(error.pointer, prefix);
      return { pointer, detail: error.detail, where: this.isList ? null : nearest(this.editor.text, pointer) };
    });
    const title = `${refusal.status} ${problem.title ?? ""}`.trim();
    this.#showProblems([el("p", {}, el("b", {}, title)), el("p", {}, problem.detail ?? ""),
      problem.requestId ? el("p", { class: "quiet" }, `request ${problem.requestId}`) : null,
      el("ul", {}, ...errors.map((error) => this.#problemEntry(error)))]);
    this.editor.mark(errors.filter((error) => error.where).map((error) => error.where.start));
    if (errors[0]?.where) this.editor.goTo(errors[0].where.start, errors[0].where.end);
  }

  #problemEntry({ pointer, detail, where }) {
    const label = `${pointer || "the batch"}: ${detail}`;
    if (!where) return el("li", {}, label);
    const { line } = place(this.editor.text, where.start);
    return el("li", {}, el("button", { type: "button", class: "link", onclick: () => this.editor.goTo(where.start, where.end) },
      `line ${line}`), " ", label);
  }

  fail(message) {
    this.#showProblems([el("p", {}, el("b", {}, "No answer")), el("p", {}, message)]);
  }

  #showProblems(nodes) {
    this.problems.replaceChildren(...nodes.filter(Boolean));
    this.problems.hidden = nodes.length === 0;
  }
}

/** Where a pointer leads to, or the last step of it that is there. */
function nearest(text, pointer) {
  for (let at = pointer; ; at = at.slice(0, at.lastIndexOf("/"))) {
    const found = find(text, at);
    if (found || at === "") return found;
  }
}

/** The quick start has its demo on the port behind its own. */
function guessUpstream() {
  const port = parseInt(location.port || "8080", 10) + 1;
  return `http://127.0.0.1:${port}`;
}
