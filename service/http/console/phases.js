// SPDX-License-Identifier: Apache-2.0
// The phases of an item as pieces of a bar. In the HAR format, which gatherd follows, ssl is
// a part of connect; -1 is a phase that did not happen.

export const PHASES = ["blocked", "dns", "connect", "ssl", "send", "wait", "receive"];

export const PHASE_HELP = {
  blocked: "waiting for its turn or a free connection",
  dns: "looking the name up",
  connect: "opening the connection",
  ssl: "TLS handshake",
  send: "sending the request",
  wait: "waiting for the first byte",
  receive: "receiving the reply",
  rest: "the phase it ended in",
};

/** [{name, from, to}], in milliseconds since the batch began. A phase that a clock or a
 * failure cut short has no time of its own: it is the "rest" up to the item's end. */
export function pieces(timing) {
  const list = [];
  let at = timing.start;
  for (const name of PHASES) {
    let took = timing[name];
    if (name === "connect" && timing.ssl > 0) took -= timing.ssl;
    if (!(took > 0)) continue;
    list.push({ name, from: at, to: at + took });
    at += took;
  }
  const end = timing.start + timing.total;
  const least = timing.receive >= 0 ? Math.max(0.5, timing.total * 0.02) : 0;
  if (end - at > least) list.push({ name: "rest", from: at, to: end });
  return list;
}

/** Attempts before and beside the one the timing is of: [{from, to}]. */
export function otherAttempts(timing, attempts) {
  if (!attempts || !timing) return [];
  let shown = attempts.findLastIndex((attempt) => Math.abs(attempt.totalMs - timing.total) < 0.002);
  if (shown < 0) shown = attempts.length - 1;
  const began = timing.start - attempts[shown].startMs;
  return attempts.filter((_, index) => index !== shown)
    .map(({ startMs, totalMs }) => ({ from: began + startMs, to: began + startMs + totalMs }));
}
