// SPDX-License-Identifier: Apache-2.0
// Numbers for people. All figures of one kind have the same number of digits, so that they
// line up in a column.

const NONE = "–";

/** Milliseconds: 0.42 ms, 12.3 ms, 1.20 s */
export function ms(value) {
  if (!Number.isFinite(value) || value < 0) return NONE;
  if (value >= 100000) return (value / 1000).toFixed(0) + " s";
  if (value >= 1000) return (value / 1000).toFixed(2) + " s";
  if (value >= 100) return value.toFixed(0) + " ms";
  return value.toFixed(value >= 10 ? 1 : 2) + " ms";
}

export function bytes(value) {
  if (!Number.isFinite(value) || value < 0) return NONE;
  if (value < 1024) return value + " B";
  const units = ["KiB", "MiB", "GiB", "TiB"];
  let unit = -1;
  do {
    value /= 1024;
    unit++;
  } while (value >= 1024 && unit < units.length - 1);
  return value.toFixed(value >= 100 ? 0 : 1) + " " + units[unit];
}

const grouped = new Intl.NumberFormat("en");

export function count(value) {
  return Number.isFinite(value) ? grouped.format(value) : NONE;
}

/** A rate or a gauge: three digits that matter. */
export function rate(value) {
  if (!Number.isFinite(value)) return NONE;
  if (value >= 1000) return grouped.format(Math.round(value));
  return value.toFixed(value === 0 || value >= 100 ? 0 : 1);
}

export function plural(number, one, many = one + "s") {
  return count(number) + " " + (number === 1 ? one : many);
}

export function clock(time) {
  const two = (n) => String(n).padStart(2, "0");
  const date = new Date(time);
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":");
}

export function duration(milliseconds) {
  const s = Math.floor(milliseconds / 1000);
  if (s < 60) return s + " s";
  if (s < 3600) return Math.floor(s / 60) + " min " + (s % 60) + " s";
  if (s < 86400) return Math.floor(s / 3600) + " h " + Math.floor((s % 3600) / 60) + " min";
  return Math.floor(s / 86400) + " d " + Math.floor((s % 86400) / 3600) + " h";
}
