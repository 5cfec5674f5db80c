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

/** One request, straight to its upstream. */
export function requestCommand({ method, url, headers = {}, body }) {
  const words = ["curl", "-sS", "--globoff"];
  if (method === "HEAD") words.push("-I");
  else if (method !== "GET") words.push("-X", method);
  for (const [name, value] of Object.entries(headers)) {
    for (const each of [value].flat()) words.push("-H", each === "" ? `${name};` : `${name}: ${each}`);
  }
  if (body !== undefined) {
    const isText = typeof body === "string";
    const hasType = Object.keys(headers).some((name) => name.toLowerCase() === "content-type");
    if (!isText && !hasType) words.push("-H", "content-type: application/json");
    words.push("--data-raw", isText ? body : JSON.stringify(body));
  }
  words.push("--url", url);
  return words.map(quote).join(" ");
}
