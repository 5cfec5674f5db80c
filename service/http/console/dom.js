// SPDX-License-Identifier: Apache-2.0
// Making elements. Text only ever becomes text: nothing here, nor anywhere in the console,
// takes markup from a string, and the page's policy (trusted types) forbids it too.

/** el("td", {class: "n", title: "…", onclick: f}, "text", node, …) */
export function el(tag, properties = {}, ...children) {
  return fill(document.createElement(tag), properties, children);
}

const SVG = "http://www.w3.org/2000/svg";

export function svg(tag, properties = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), properties, children);
}

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export const byId = (id) => document.getElementById(id);

/** Sets the text only where it differs: writing the same again costs a layout. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** One call of f per frame, however often it is asked for; also while the page is hidden,
 * where there are no frames. */
export function perFrame(f) {
  let asked = false;
  const run = () => {
    asked = false;
    f();
  };
  return () => {
    if (asked) return;
    asked = true;
    if (document.hidden) setTimeout(run, 100);
    else requestAnimationFrame(run);
  };
}

/** Says something to screen readers, once. */
export function announce(text) {
  byId("announcer").textContent = text;
}
