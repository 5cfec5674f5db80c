// SPDX-License-Identifier: Apache-2.0
// Out of the page: to the clipboard, to a file.
import { announce, el } from "./dom.js";

/** The clipboard belongs to secure pages; on others the browser copies a selection. */
export async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = el("textarea", { class: "off-screen", "aria-hidden": "true" });
    area.value = text;
    document.body.append(area);
    const held = document.activeElement;
    area.select();
    document.execCommand("copy");
    area.remove();
    held?.focus();
  }
  toast(what + " copied");
}

export function save(name, type, text) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = el("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
  toast(name + " saved");
}

let timer = 0;

export function toast(text) {
  const box = document.getElementById("toast");
  box.textContent = text;
  box.hidden = false;
  announce(text);
  clearTimeout(timer);
  timer = setTimeout(() => (box.hidden = true), 2500);
}
