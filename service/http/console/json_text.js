// SPDX-License-Identifier: Apache-2.0
// JSON as text: where a fault is, where a value stands, and how it looks indented. Numbers
// keep their digits and objects their doubled names, which JSON.parse would lose.

class Fault extends Error {
  constructor(at, message) {
    super(message);
    this.at = at;
  }
}

const SPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const WORD = /true|false|null/y;

function match(pattern, text, at) {
  pattern.lastIndex = at;
  const found = pattern.exec(text);
  return found ? pattern.lastIndex : -1;
}

const space = (text, at) => match(SPACE, text, at);

function stringEnd(text, at) {
  const end = match(STRING, text, at);
  if (end >= 0) return end;
  if (text[at] !== '"') throw new Fault(at, "a name in double quotes is expected here");
  throw new Fault(at, "the string has no end, or holds a raw control character or a bad escape");
}

function scalarEnd(text, at) {
  const c = text[at];
  if (c === '"') return stringEnd(text, at);
  const end = match(c === "-" || (c >= "0" && c <= "9") ? NUMBER : WORD, text, at);
  if (end >= 0) return end;
  if (c === undefined) throw new Fault(at, "the document ends too early");
  if (c === "'") throw new Fault(at, "strings have double quotes");
  throw new Fault(at, "a value is expected here");
}

/** Tells `visit` of every token: (kind, start, end), kinds: { } [ ] , : name value. Throws
 * a Fault. */
function tokens(text, at, visit) {
  const open = [];
  at = space(text, at);
  for (;;) {
    // A value begins here.
    const c = text[at];
    if (c === "{" || c === "[") {
      open.push(c);
      visit(c, at, at + 1);
      at = space(text, at + 1);
      const close = c === "{" ? "}" : "]";
      if (text[at] !== close) {
        if (c === "{") at = name(text, at, visit);
        continue;
      }
    } else {
      const end = scalarEnd(text, at);
      visit("value", at, end);
      at = end;
    }
    // A value ended, or an empty list is about to.
    for (;;) {
      if (open.length === 0) return at;
      at = space(text, at);
      const close = open[open.length - 1] === "{" ? "}" : "]";
      if (text[at] === close) {
        visit(close, at, at + 1);
        open.pop();
        at++;
        continue;
      }
      if (text[at] !== ",")
        throw new Fault(at, text[at] === undefined ? "the document ends too early"
          : `"," or "${close}" is expected here`);
      visit(",", at, at + 1);
      at = space(text, at + 1);
      if (text[at] === close) throw new Fault(at, "no comma belongs before the end");
      if (close === "}") at = name(text, at, visit);
      break;
    }
  }
}

function name(text, at, visit) {
  const end = stringEnd(text, at);
  visit("name", at, end);
  at = space(text, end);
  if (text[at] !== ":") throw new Fault(at, '":" is expected here');
  visit(":", at, at + 1);
  return space(text, at + 1);
}

/** The first fault as {at, message}, or null. */
export function fault(text) {
  try {
    const end = space(text, tokens(text, 0, () => {}));
    if (end < text.length) throw new Fault(end, "nothing belongs behind the document");
    return null;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { at: error.at, message: error.message };
  }
}

/** Where the value at `pointer` (RFC 6901) stands, as {start, end}; or null. The text has
 * no fault. */
export function find(text, pointer) {
  const steps = pointer.split("/").slice(1)
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
  let at = space(text, 0);
  for (const step of steps) {
    at = child(text, at, step);
    if (at < 0) return null;
  }
  return { start: at, end: tokens(text, at, () => {}) };
}

/** Where each value of the list at `pointer` stands, as {start, end}. */
export function elements(text, pointer) {
  const list = [];
  let at = find(text, pointer)?.start ?? -1;
  if (text[at] !== "[") return list;
  at = space(text, at + 1);
  while (text[at] !== "]") {
    const end = tokens(text, at, () => {});
    list.push({ start: at, end });
    at = space(text, end);
    if (text[at] === ",") at = space(text, at + 1);
  }
  return list;
}

function child(text, at, step) {
  const isObject = text[at] === "{";
  if (!isObject && text[at] !== "[") return -1;
  at = space(text, at + 1);
  for (let index = 0; text[at] !== "}" && text[at] !== "]"; index++) {
    let own = String(index);
    if (isObject) {
      const end = stringEnd(text, at);
      own = JSON.parse(text.slice(at, end));
      at = space(text, space(text, end) + 1);
    }
    if (own === step) return at;
    at = space(text, tokens(text, at, () => {}));
    if (text[at] === ",") at = space(text, at + 1);
  }
  return -1;
}

const SHORT = 72; // what fits into a line stays in one

/** The same document, indented; small lists and objects in one line. Of a text that is no
 * JSON, the text. */
export function pretty(text) {
  let out = "";
  let depth = 0;
  const stack = [];
  const line = () => "\n" + "  ".repeat(depth);
  try {
    const ends = closings(text);
    tokens(text, 0, (kind, start, end) => {
      const inline = stack.length > 0 && stack[stack.length - 1];
      switch (kind) {
        case "{":
        case "[": {
          const close = ends.get(start);
          const isInline = inline || close.size <= SHORT;
          stack.push(isInline);
          out += kind;
          if (close.isEmpty) break;
          depth++;
          if (!isInline) out += line();
          break;
        }
        case "}":
        case "]":
          stack.pop();
          if (out[out.length - 1] !== (kind === "}" ? "{" : "[")) {
            depth--;
            if (!inline) out += line();
          }
          out += kind;
          break;
        case ",":
          out += inline ? ", " : "," + line();
          break;
        case ":":
          out += ": ";
          break;
        default:
          out += text.slice(start, end);
      }
    });
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return text;
  }
  return out;
}

/** For each opening bracket: whether nothing is in it, and how long it is in one line. */
function closings(text) {
  const ends = new Map();
  const open = [];
  let length = 0;
  tokens(text, 0, (kind, start, end) => {
    if (kind === "{" || kind === "[") open.push({ start, from: length, count: 0 });
    length += end - start + (kind === "," || kind === ":" ? 1 : 0);
    if (kind === "}" || kind === "]") {
      const { start: at, from, count } = open.pop();
      ends.set(at, { size: length - from, isEmpty: count === 0 });
    } else if (kind !== "{" && kind !== "[" && open.length) {
      open[open.length - 1].count++;
    }
    if (open.length > 1 && (kind === "{" || kind === "[")) open[open.length - 2].count++;
  });
  return ends;
}

/** The line (from 1) and column (from 1) of a place in a text. */
export function place(text, at) {
  const before = text.slice(0, at);
  const line = before.split("\n").length;
  return { line, column: at - before.lastIndexOf("\n") };
}

/** A value as text: small things in one line. */
export function layout(value) {
  return pretty(JSON.stringify(value));
}
