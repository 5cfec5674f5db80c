// SPDX-License-Identifier: Apache-2.0
// Which rows of a run are shown, and in which order.

const BY = {
  index: () => 0,
  url: (a, b) => (a.url < b.url ? -1 : a.url > b.url ? 1 : 0),
  status: (a, b) => a.status - b.status || (a.code < b.code ? -1 : a.code > b.code ? 1 : 0),
  total: (a, b) => a.total - b.total,
  size: (a, b) => a.size - b.size,
  start: (a, b) => a.start - b.start,
};

export function matches(row, words, outcomes) {
  if (outcomes.size && !outcomes.has(row.outcome)) return false;
  if (words.length === 0) return true;
  const text = `${row.id} ${row.method} ${row.url} ${row.status || ""} ${row.code}`.toLowerCase();
  return words.every((word) => text.includes(word));
}

/** `rows` filtered and sorted into a new list; rows that are equal keep their order. */
export function arrange(rows, { filter = "", outcomes = new Set(), key = "index", isDown = false }) {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  const list = words.length || outcomes.size ? rows.filter((row) => matches(row, words, outcomes)) : rows.slice();
  if (key !== "index") list.sort((a, b) => (isDown ? BY[key](b, a) : BY[key](a, b)));
  else if (isDown) list.reverse();
  return list;
}
