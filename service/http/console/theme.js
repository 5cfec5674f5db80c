// SPDX-License-Identifier: Apache-2.0
// Light, dark, or as the system has it. Loaded before the page is drawn.

const ORDER = ["auto", "light", "dark"];

export const theme = () => localStorage.getItem("theme") ?? "auto";

function apply() {
  const chosen = theme();
  if (chosen === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = chosen;
}

export function nextTheme() {
  localStorage.setItem("theme", ORDER[(ORDER.indexOf(theme()) + 1) % ORDER.length]);
  apply();
  return theme();
}

apply();
