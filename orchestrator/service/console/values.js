/** Values of arguments and results: short in a line, whole when they are opened. */

import { fold, h } from "./dom.js";
import { bytes, count, cut, shortened } from "./format.js";

const MOST = 2000;
// Control characters, and those that are not seen or that turn the direction of writing.
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

/** A text in which nothing hides: what is not seen, or turns the writing, is written out. */
export function legible(text) {
  return text.replace(UNSEEN, (each) => `\\u{${each.codePointAt(0).toString(16)}}`);
}

/** A value in a few characters of one line. */
export function brief(value, most = 48) {
  if (typeof value === "string") return `“${shortened(legible(value).replace(/\s+/g, " "), most)}”`;
  if (value === null || typeof value !== "object") return String(value);
  if (Array.isArray(value)) return value.length ? `${count(value.length)} items` : "none";
  return briefFields(value, most);
}

function briefFields(value, most) {
  const fields = Object.entries(value);
  if (fields.length === 1) return `${fields[0][0]}: ${brief(fields[0][1], most)}`;
  const told = fields.slice(0, 3).map(([name, field]) => `${name}: ${brief(field, Math.ceil(most / 2))}`);
  return cut(told.join(", ") + (fields.length > 3 ? ", …" : ""), most * 2);
}

/** A value as it is, large ones folded away. */
export function whole(key, value) {
  const text = typeof value === "string" ? value : JSON.stringify(value, null, 2);
  if (text === undefined) return h("p", { class: "soft" }, "Nothing.");
  if (text.length <= MOST) return pre(text);
  return [
    pre(`${text.slice(0, MOST)}\n…`),
    fold(`${key}-all`, `Show all of it (${bytes(text.length)})`, () => pre(text), { cls: "quiet" }),
  ];
}

/** Text in a box that scrolls when it is long. */
export function pre(text) {
  return h("pre", { class: "value", tabindex: "0", dir: "auto" }, legible(text));
}

/** Arguments as a list of names and values. */
export function argumentsOf(call) {
  const named = Object.entries(call.arguments ?? {});
  if (!named.length) return h("span", { class: "soft" }, "no arguments");
  return named.map(([name, value], at) => [
    at ? h("span", { class: "soft" }, ", ") : null,
    h("span", { class: "soft" }, `${name} `),
    h("span", {}, brief(value)),
  ]);
}
