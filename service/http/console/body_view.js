// SPDX-License-Identifier: Apache-2.0
// A body as it can be shown without harm: JSON indented, text as text, bytes as hex, and
// pictures of the kinds that are pixels only, decoded and painted, never loaded.
import { el } from "./dom.js";
import { bytes } from "./format.js";
import { find, pretty } from "./json_text.js";

const SHOWN_MAX = 200000; // characters; "Show all" shows the rest
const HEX_MAX = 4096; // bytes
const PICTURES = /^image\/(png|jpeg|gif|webp|avif|bmp)\b/i;

/** `text` is the response as it came, `pointer` where in it the response is. */
export function bodyText(response, text, pointer) {
  if (response.bodyEncoding !== "json") return response.body;
  const { start, end } = find(text, pointer + "/body");
  return text.slice(start, end);
}

export function bodyView(response, text, pointer) {
  if (response.body === undefined) return el("p", { class: "quiet" }, emptyReason(response));
  if (response.bodyEncoding === "base64") return binaryView(response);
  const raw = bodyText(response, text, pointer);
  const shown = response.bodyEncoding === "json" ? pretty(raw) : raw;
  return longText(shown, response.bodyEncoding === "json" ? "JSON" : "text");
}

function emptyReason(response) {
  if (response.bodySha256) return `sha256 ${response.bodySha256}, ${bytes(response.bodyBytes)}`;
  if (response.bodyBytes !== undefined) return `${bytes(response.bodyBytes)}, not shown (bodyMode)`;
  return response.bodySelected === false ? "No JSON, so nothing was selected." : "No body.";
}

function longText(text, kind) {
  const pre = el("pre", { class: "body", tabindex: 0, "aria-label": "Body as " + kind }, text.slice(0, SHOWN_MAX));
  if (text.length <= SHOWN_MAX) return pre;
  const more = el("button", { type: "button", onclick: () => {
    pre.textContent = text;
    more.remove();
  } }, `Show all ${text.length.toLocaleString("en")} characters`);
  return el("div", {}, pre, more);
}

function decode(base64) {
  return Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
}

function binaryView(response) {
  const data = decode(response.body);
  const type = [response.headers?.["content-type"] ?? ""].flat()[0];
  const box = el("div", {}, el("p", { class: "quiet" }, `${type || "bytes"}, ${bytes(data.length)}`));
  if (PICTURES.test(type)) paint(box, data, type);
  box.append(el("pre", { class: "body hex", tabindex: 0, "aria-label": "Body as hex" }, hex(data)));
  return box;
}

/** Decoding makes pixels of it and nothing else: no address is loaded, no script can be in
 * it, and what is no picture is refused. */
async function paint(box, data, type) {
  try {
    const picture = await createImageBitmap(new Blob([data], { type }));
    const most = Math.min(1, 480 / picture.width, 320 / picture.height);
    const scale = Math.max(most, Math.min(8, 64 / Math.max(picture.width, picture.height)));
    const canvas = el("canvas", { class: "picture", role: "img",
      "aria-label": `Picture, ${picture.width} × ${picture.height}`,
      width: Math.round(picture.width * scale), height: Math.round(picture.height * scale) });
    const context = canvas.getContext("2d");
    context.imageSmoothingEnabled = scale < 1;
    context.drawImage(picture, 0, 0, canvas.width, canvas.height);
    box.firstChild.after(canvas);
  } catch {
    box.firstChild.after(el("p", { class: "quiet" }, "It says it is a picture, but it is none."));
  }
}

export function hex(data) {
  const lines = [];
  const shown = Math.min(data.length, HEX_MAX);
  for (let at = 0; at < shown; at += 16) {
    const part = data.subarray(at, Math.min(at + 16, shown));
    const pairs = Array.from(part, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const text = Array.from(part, (byte) => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : ".")).join("");
    lines.push(`${at.toString(16).padStart(6, "0")}  ${pairs.padEnd(47)}  ${text}`);
  }
  if (shown < data.length) lines.push(`… ${data.length - shown} more bytes`);
  return lines.join("\n");
}
