// SPDX-License-Identifier: Apache-2.0
// From two looks at the counters to what happened between them. Counters of /-/live only
// grow; one that does not began anew, and counts as 0.

const grown = (now, before) => Math.max(0, (now ?? 0) - (before ?? 0));

/** The value below which `part` (0 to 1) of the observations between two looks lie, in ms;
 * NaN: there were none. Within a bucket it is taken for even. */
export function percentile(now, before, part) {
  const list = now.map(([bound, count], index) => ({ bound, count: grown(count, before[index]?.[1]) }));
  const total = list.reduce((sum, { count }) => sum + count, 0);
  if (total === 0) return NaN;
  let rest = part * total;
  let from = 0;
  for (const { bound, count } of list) {
    if (count > 0 && rest <= count) return bound === null ? from : from + (bound - from) * rest / count;
    rest -= count;
    if (bound !== null) from = bound;
  }
  return from;
}

/** What a poll tells against the one before: rates a second, percentiles, gauges. */
export function sampleOf(now, before) {
  const seconds = (now.nowMs - before.nowMs) / 1000;
  if (!(seconds > 0)) return null;
  const per = (a, b) => grown(a, b) / seconds;
  const failures = (items) => Object.entries(items.byCode).reduce((sum, [code, n]) => sum + (code === "ok" ? 0 : n), 0);
  const busy = now.workers.reduce((sum, worker, i) => sum + grown(worker.busyMs, before.workers[i]?.busyMs), 0);
  const three = (kind) => [0.5, 0.95, 0.99].map((part) => percentile(now.latencyMs[kind], before.latencyMs[kind], part));
  return {
    at: now.nowMs,
    items: per(now.items.total, before.items.total),
    failed: per(failures(now.items), failures(before.items)),
    batches: per(now.batches.total, before.batches.total),
    inFlight: now.items.inFlight,
    queued: now.items.queued,
    batch: three("batch"),
    item: three("item"),
    lag: Math.max(0, ...now.workers.map((worker) => worker.loopLagMs ?? 0)),
    busy: busy / seconds / 10 / Math.max(1, now.workers.length),
    clients: now.connections.clients,
    upstream: now.connections.upstream,
  };
}

/** Rows of the origins: counters become rates. */
export function originsOf(now, before) {
  const seconds = (now.nowMs - before.nowMs) / 1000;
  const known = new Map(before.origins.map((origin) => [origin.origin, origin]));
  return now.origins.map((origin) => {
    const was = known.get(origin.origin);
    return { ...origin, rate: was ? grown(origin.total, was.total) / seconds : NaN,
      failing: was ? grown(origin.failed, was.failed) / seconds : NaN };
  });
}

/** [code, a second], the busiest first. */
export function codesOf(now, before) {
  const seconds = (now.nowMs - before.nowMs) / 1000;
  return Object.entries(now.items.byCode)
    .map(([code, total]) => ({ code, total, rate: grown(total, before.items.byCode[code]) / seconds }))
    .sort((a, b) => b.total - a.total);
}
