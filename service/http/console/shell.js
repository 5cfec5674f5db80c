// SPDX-License-Identifier: Apache-2.0
// Command lines of curl. Whatever is in the values, a POSIX shell takes each for one word, and
// curl as it is: --data-raw, because the others take "@name" for a file to be sent.

export function quote(word) {
  if (/^[A-Za-z0-9_\/:.,@%+=-]+$/.test(word)) return word;
  return "'" + word.replaceAll("'", "'\\''") + "'";
}

/** The batch itself, to this gatherd. */
export function batchCommand(origin, text, { hasKey = false, isStreamed = true } = {}) {
  const words = ["curl", "-sN", origin + "/v1/batch", "-H", "content-type: application/json"];
  if (isStreamed) words.push("-H", "accept: application/x-ndjson");
  if (hasKey) words.push("-H", "authorization: Bearer KEY");
  words.push("--data-raw", text);
  return words.map(quote).join(" ");
}

/** What curl would say of itself is taken back; bytes that no command line holds come by
 * the standard input. */
function bodyWords({ encoding, text }, hasType) {
  const type = hasType ? [] : ["-H", encoding === "json" ? "content-type: application/json" : "content-type:"];
  return encoding === "base64" ? [...type, "--data-binary", "@-"] : [...type, "--data-raw", text];
}

/** One request, straight to its upstream; `body` is what it sends, or null. */
export function requestCommand({ method, url, headers = {}, idempotencyKey }, body) {
  const words = ["curl", "-sS", "--globoff"];
  if (method === "HEAD") words.push("-I");
  else if (method !== "GET") words.push("-X", method);
  for (const [name, value] of Object.entries(headers)) {
    for (const each of [value].flat()) words.push("-H", each === "" ? `${name};` : `${name}: ${each}`);
  }
  if (idempotencyKey !== undefined) words.push("-H", `Idempotency-Key: ${idempotencyKey}`);
  const hasType = Object.keys(headers).some((name) => name.toLowerCase() === "content-type");
  if (body) words.push(...bodyWords(body, hasType));
  words.push("--url", url);
  const pipe = body?.encoding === "base64" ? `printf %s ${quote(body.text)} | base64 -d | ` : "";
  return pipe + words.map(quote).join(" ");
}
