// SPDX-License-Identifier: Apache-2.0
// A run as an archive in the HAR 1.2 format, for the tools that show such.
import { bodyText } from "./body_view.js";
import { Run } from "./run.js";

function headerList(headers = {}) {
  return Object.entries(headers).flatMap(([name, value]) =>
    [value].flat().map((each) => ({ name, value: String(each) })));
}

/** The format wants an absolute URL, also where a batch had none. */
function urlOf(text) {
  try {
    return new URL(text).href;
  } catch {
    return "about:invalid#" + encodeURIComponent(text);
  }
}

function queryList(url) {
  try {
    return [...new URL(url).searchParams].map(([name, value]) => ({ name, value }));
  } catch {
    return [];
  }
}

const TYPES = { json: "application/json", text: "text/plain", base64: "application/octet-stream" };

function postData(request, body) {
  const type = Object.entries(request.headers).find(([name]) => name.toLowerCase() === "content-type")?.[1];
  return { mimeType: type ? String(type) : TYPES[body.encoding], text: body.text,
    ...(body.encoding === "base64" ? { comment: "text is in base64" } : {}) };
}

function sizeOf({ encoding, text }) {
  return encoding === "base64" ? atob(text).length : new TextEncoder().encode(text).length;
}

function contentOf(row, response) {
  const type = [response.headers?.["content-type"] ?? "application/octet-stream"].flat()[0];
  const size = response.timing?.bytes ?? response.bodyBytes ?? 0;
  if (response.body === undefined) return { size, mimeType: type };
  if (response.bodyEncoding === "base64") return { size, mimeType: type, text: response.body, encoding: "base64" };
  const { text, pointer } = Run.textOf(row);
  return { size, mimeType: type, text: bodyText(response, text, pointer) };
}

/** send, wait and receive must be there; the others may be -1. */
function timingsOf(timing) {
  const least = (value) => Math.max(0, value ?? 0);
  return { blocked: timing?.blocked ?? -1, dns: timing?.dns ?? -1, connect: timing?.connect ?? -1,
    ssl: timing?.ssl ?? -1, send: least(timing?.send), wait: least(timing?.wait), receive: least(timing?.receive) };
}

/** The format has the phases add up to the time; of what was cut short they are less. */
function timeOf(row, timings) {
  const { ssl, ...phases } = timings; // ssl is within connect
  return Math.max(0, row.total, Object.values(phases).reduce((sum, took) => sum + Math.max(0, took), 0));
}

function entry(row, run) {
  const response = Run.responseOf(row);
  const { timing } = response;
  const version = timing?.httpVersion ? "HTTP/" + timing.httpVersion : "HTTP/1.1";
  const body = row.request.body();
  const timings = timingsOf(timing);
  return {
    startedDateTime: new Date(run.startedAt + (timing?.start ?? 0)).toISOString(),
    time: timeOf(row, timings),
    request: { method: row.method, url: urlOf(row.url), httpVersion: version, cookies: [],
      headers: headerList(row.request.headers), queryString: queryList(row.url),
      ...(body ? { postData: postData(row.request, body) } : {}), headersSize: -1, bodySize: body ? sizeOf(body) : 0 },
    // Where gatherd made the status up, nothing came: HAR has 0 for that.
    response: { status: response.error ? 0 : response.status, statusText: response.error?.code ?? "",
      httpVersion: version, cookies: [], headers: headerList(response.headers), content: contentOf(row, response),
      redirectURL: [response.headers?.location ?? ""].flat()[0], headersSize: -1, bodySize: timing?.bytes ?? -1 },
    cache: {},
    timings,
    ...(timing?.remoteAddress ? { serverIPAddress: addressOf(timing.remoteAddress) } : {}),
    comment: `id ${row.id}` + (response.error ? `: ${response.error.message}` : ""),
  };
}

function addressOf(remote) {
  return remote.slice(0, remote.lastIndexOf(":")).replace(/^\[|\]$/g, "");
}

export function archive(run, version) {
  return { log: { version: "1.2", creator: { name: "gatherd console", version: version || "0" }, pages: [],
    entries: run.rows.filter((row) => row.outcome !== "pending").map((row) => entry(row, run)) } };
}
