// SPDX-License-Identifier: Apache-2.0
// The batch somebody wrote: what the console adds to it before it is sent, and which
// requests are in it. Its text is changed in place, never written anew: every number and
// body goes out as it was typed.
import { elements, find } from "./json_text.js";

/** Asks for timing as well, which the bars are made of. Returns {text, prefix}: what is
 * sent, and what its pointers have in front that the text does not. */
export function withTiming(text) {
  const value = JSON.parse(text);
  if (Array.isArray(value))
    return { text: `{"requests": ${text.trim()}, "include": ["headers", "body", "timing"]}`,
      prefix: "/requests" };
  if (value === null || typeof value !== "object") return { text, prefix: "" };
  if (!("include" in value)) {
    const at = text.indexOf("{") + 1;
    const comma = Object.keys(value).length ? "," : "";
    return { text: text.slice(0, at) + '"include": ["headers", "body", "timing"]' + comma +
      text.slice(at), prefix: "" };
  }
  if (!Array.isArray(value.include) || value.include.includes("timing")) return { text, prefix: "" };
  const { start, end } = find(text, "/include");
  const include = JSON.stringify([...value.include, "timing"]);
  return { text: text.slice(0, start) + include + text.slice(end), prefix: "" };
}

/** A pointer of the server's, in the text that was typed. */
export function typedPointer(pointer, prefix) {
  return prefix && pointer.startsWith(prefix) ? pointer.slice(prefix.length) : pointer;
}

/** The requests of a batch in their order: {id, url, method, headers, idempotencyKey,
 * isForEach, body}; body() is what one sends, as makeBody says. `text` is what `value` was
 * read from; without it there are no bodies. */
export function requestsOf(value, text = "") {
  const field = Array.isArray(value) ? "" : value?.requests ? "/requests" : "/urls";
  const list = Array.isArray(value) ? value : value?.requests ?? value?.urls;
  if (!Array.isArray(list)) return [];
  const defaults = (!Array.isArray(value) && value.defaults) || {};
  const bodies = text ? bodiesOf(value, defaults, text, field) : () => null;
  return list.map((entry, index) => {
    const own = entry !== null && typeof entry === "object" ? entry : { url: entry };
    return {
      id: typeof own.id === "string" ? own.id : String(index),
      url: typeof own.url === "string" ? own.url : "",
      method: own.method ?? defaults.method ?? "GET",
      headers: { ...defaults.headers, ...own.headers },
      idempotencyKey: own.idempotencyKey,
      isForEach: typeof own.forEach === "string",
      body: () => bodies(own, index),
    };
  });
}

function once(make) {
  let made;
  return () => (made ??= make());
}

function rawAt(text, pointer) {
  const { start, end } = find(text, pointer);
  return text.slice(start, end);
}

/** {encoding, text}: "json" as it was typed, "text", or "base64" as it was typed. */
function makeBody(raw, encoding = raw.startsWith('"') ? "text" : "json") {
  return { encoding, text: encoding === "json" ? raw : String(JSON.parse(raw)) };
}

/** Looks through the text once, however many bodies are asked for. */
function bodiesOf(value, defaults, text, field) {
  const entries = once(() => elements(text, field));
  const byDefault = once(() => rawAt(text, "/defaults/body"));
  const shared = once(() => makeBody(rawAt(text, "/sharedBody"), value.sharedBodyEncoding));
  return (own, index) => {
    const isOwn = "body" in own;
    const body = isOwn ? own.body : defaults.body;
    if (body === undefined) return null;
    if (body?.$shared === true) return "sharedBody" in value ? shared() : null;
    const raw = () => {
      const { start, end } = entries()[index];
      return rawAt(text.slice(start, end), "/body");
    };
    return makeBody(isOwn ? raw() : byDefault(), own.bodyEncoding ?? defaults.bodyEncoding);
  };
}

/** A batch from a list of URLs, one a line; lines that begin with # are left out. */
export function fromList(text, options = {}) {
  const urls = text.split("\n").map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  return JSON.stringify({ urls, ...options });
}
