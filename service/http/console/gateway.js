// SPDX-License-Identifier: Apache-2.0
// Talking to the gatherd this page came from, and to nobody else.
import { Lines } from "./ndjson.js";

let key = "";

export function setKey(value) {
  key = value;
}

function headers(more) {
  return { ...more, ...(key ? { authorization: "Bearer " + key } : {}) };
}

/** What the service answered instead of running the batch. */
export class Refusal extends Error {
  constructor(status, problem) {
    super(problem.detail || problem.title || "status " + status);
    this.status = status;
    this.problem = problem;
  }
}

async function refusal(reply) {
  const text = await reply.text();
  try {
    return new Refusal(reply.status, JSON.parse(text));
  } catch {
    return new Refusal(reply.status, { title: "The answer is no problem document", detail: text.slice(0, 200) });
  }
}

async function post(path, text, accept, signal) {
  const reply = await fetch(path, {
    method: "POST",
    headers: headers({ "content-type": "application/json", accept }),
    body: text,
    signal,
    cache: "no-store",
    credentials: "omit",
  });
  if (!reply.ok) throw await refusal(reply);
  return reply;
}

/** Runs a batch; onLines(list) as they come. Returns false when the stream was cut. */
export async function stream(text, onLines, signal) {
  const reply = await post("/v1/batch", text, "application/x-ndjson", signal);
  const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
  const lines = new Lines();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return lines.rest === "";
    const complete = lines.push(value);
    if (complete.length) onLines(complete);
  }
}

export async function explain(text, signal) {
  return (await post("/v1/explain", text, "application/json", signal)).json();
}

/** GET of a JSON document of operations. */
export async function look(path) {
  const reply = await fetch(path, { headers: headers({}), cache: "no-store", credentials: "omit" });
  if (!reply.ok) throw await refusal(reply);
  return reply.json();
}
