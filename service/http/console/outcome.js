// SPDX-License-Identifier: Apache-2.0
// What became of an item, in one word and one colour. "error" is there if and only if
// gatherd made the status up.

export const OUTCOMES = [
  { name: "ok", label: "ok", help: "the upstream answered below 400" },
  { name: "client", label: "4xx", help: "the upstream answered 4xx" },
  { name: "server", label: "5xx", help: "the upstream answered 5xx" },
  { name: "fallback", label: "fallback", help: "the item's own fallback" },
  { name: "error", label: "error", help: "no answer that counts: see the code" },
  { name: "cancelled", label: "cancelled", help: "not needed any more" },
  { name: "pending", label: "pending", help: "no response yet" },
];

export function outcomeOf(response) {
  if (response.error) return response.error.code === "cancelled" ? "cancelled" : "error";
  if (response.fallback) return "fallback";
  if (response.status >= 500) return "server";
  return response.status >= 400 ? "client" : "ok";
}
