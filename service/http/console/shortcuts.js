// SPDX-License-Identifier: Apache-2.0
// The keyboard. Single letters work outside of text fields only.
import { byId, el } from "./dom.js";

/** actions: [{keys: "Ctrl+Enter", label, run(event), inText?: true}] */
export function setUpShortcuts(actions) {
  byId("shortcut-list").append(...actions.flatMap(({ keys, label }) =>
    [el("dt", {}, ...keys.split("+").map((key) => el("kbd", {}, key))), el("dd", {}, label)]));
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || document.querySelector("dialog[open]")) return;
    const isText = event.target.matches("textarea, input:not([type=checkbox], [type=radio]), select");
    const action = actions.find((each) => fits(each.keys, event) && (!isText || each.inText));
    if (!action?.run) return;
    event.preventDefault();
    action.run(event);
  });
}

function fits(keys, event) {
  const parts = keys.split("+");
  const wantsControl = parts.length > 1 && parts[0] === "Ctrl";
  const key = parts[parts.length - 1];
  if (event.altKey || (event.ctrlKey || event.metaKey) !== wantsControl) return false;
  return event.key === key || event.key === { Esc: "Escape" }[key];
}
