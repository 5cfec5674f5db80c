// SPDX-License-Identifier: Apache-2.0
// The batch somebody wrote: what the console adds to it before it is sent, and which
// requests are in it. Its text is changed in place, never written anew: every number and
// body goes out as it was typed.
import { find } from "./json_text.js";

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

/** The requests of a batch in their order: {id, url, method, headers, body, isTemplate}. */
export function requestsOf(value) {
  const list = Array.isArray(value) ? value : value?.requests ?? value?.urls;
  if (!Array.isArray(list)) return [];
  const defaults = (!Array.isArray(value) && value.defaults) || {};
  return list.map((entry, index) => {
    const own = entry !== null && typeof entry === "object" ? entry : { url: entry };
    return {
      id: typeof own.id === "string" ? own.id : String(index),
      url: typeof own.url === "string" ? own.url : "",
      method: own.method ?? defaults.method ?? "GET",
      headers: { ...defaults.headers, ...own.headers },
      body: own.body ?? defaults.body,
      isForEach: typeof own.forEach === "string",
    };
  });
}

/** A batch from a list of URLs, one a line; lines that begin with # are left out. */
export function fromList(text, options = {}) {
  const urls = text.split("\n").map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  return JSON.stringify({ urls, ...options });
}
