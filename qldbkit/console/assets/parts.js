/* Parts that several pages share: hashes, times, notices, tables, pagers. */

import { el } from "./dom.js";

const SHOWN = 6;
/* Control characters but tab and line feed, and those that are not seen or set the direction */
const UNSEEN =
  /([\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff])/u;

/** The address of a page of this console; parameters without a value are left out. */
export function address(names, parameters = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== null && value !== undefined) query.set(name, value);
  }
  return `#/${names.map(encodeURIComponent).join("/")}${query.size ? `?${query}` : ""}`;
}

export function link(text, names, parameters, attributes) {
  return el("a", { href: address(names, parameters), ...attributes }, text);
}

/** A hash or an id in short; its whole text is in its title, and shown while it has the focus. */
export function hash(text) {
  if (!text) return el("span", { class: "soft" }, "none");
  const short =
    text.length > 2 * SHOWN + 1 ? `${text.slice(0, SHOWN)}…${text.slice(-SHOWN)}` : text;
  return el(
    "span",
    { class: "hash", tabindex: 0, title: text },
    el("span", { class: "short", "aria-hidden": "true" }, short),
    el("span", { class: "full" }, text),
  );
}

/**
 * A text of somebody else's: by itself, so that its direction turns nothing around it, and with
 * every character that is not seen, or turns what follows, shown by its code.
 */
export function value(text, attributes = {}) {
  return el("span", { ...attributes, class: `value ${attributes.class ?? ""}`.trim() }, seen(text));
}

/** Where a value is in a document, which a line may end in at a field or between words. */
export function path(text) {
  const parts = text.split(/(?<=\.)|(?=\[)|(?<=[a-z])(?=[A-Z])/u);
  return el(
    "span",
    { class: "value" },
    parts.map((part) => [el("wbr"), seen(part)]),
  );
}

/** A long text of somebody else's, in a box of its own. */
export function whole(text) {
  return el("pre", { class: "whole", tabindex: 0 }, seen(text));
}

function seen(text) {
  return text.split(UNSEEN).map((part) => (UNSEEN.test(part) ? control(part) : part));
}

function control(character) {
  const code = character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
  return el("span", { class: "control" }, `U+${code}`);
}

/** A text that the server may have cut. */
export function clipped({ text, clipped: goesOn }, attributes) {
  return value(goesOn ? `${text}…` : text, attributes);
}

/** A moment that is given as ISO 8601 or Ion text; both name the same in UTC. */
export function moment(text) {
  if (!text) return el("span", { class: "soft" }, "never");
  const shown = text.replace("T", " ").replace(/(Z|[+-]00:00)$/, " UTC");
  return el("time", { datetime: text }, shown);
}

/** A moment that is given in seconds since 1970. */
export function second(seconds) {
  return moment(seconds ? new Date(seconds * 1000).toISOString().replace(/\.\d+Z$/, "Z") : null);
}

export function count(number, one, many = `${one}s`) {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}

/** What went wrong, as the server says it, with what to do about it. */
export function refusal(error, retry = null) {
  return el(
    "div",
    { class: "notice bad", role: "alert" },
    el("p", {}, el("strong", {}, "That did not work. "), value(error.message.replace(/\.?$/, "."))),
    error.hint && el("p", {}, `What may help: ${error.hint}.`),
    retry && el("p", {}, el("button", { type: "button", click: retry }, "Try again")),
  );
}

export function empty(...children) {
  return el("div", { class: "empty" }, ...children);
}

/** A table in a box of its own, so that a wide one does not make the page wide. */
export function table(caption, heads, rows, attributes = {}) {
  return el(
    "div",
    { class: "scroll", role: "region", "aria-label": caption, tabindex: 0 },
    el(
      "table",
      attributes,
      el("caption", {}, el("span", {}, caption)),
      el("thead", {}, el("tr", {}, heads.map(head))),
      el("tbody", {}, rows),
    ),
  );
}

function head(text) {
  const [name, kind] = Array.isArray(text) ? text : [text, null];
  return el("th", { scope: "col", class: kind }, name);
}

export function row(...cells) {
  return el(
    "tr",
    {},
    cells.map((each) => (each?.matches?.("td, th") ? each : el("td", {}, each))),
  );
}

/** A cell with a number; its name is shown where the columns are stacked on a narrow screen. */
export function number(amount, name = null) {
  return el("td", { class: "number", "data-name": name }, amount.toLocaleString("en"));
}

/** Facts by their names; those without a value are left out. */
export function facts(pairs) {
  const there = pairs.filter(([, fact]) => fact !== null && fact !== undefined);
  return el(
    "dl",
    { class: "facts" },
    there.map(([name, fact]) => [el("dt", {}, name), el("dd", {}, fact)]),
  );
}

/** Links to the first page and to the next one. */
export function pager(names, { first, next, parameter, words, parameters = {} }) {
  if (first && next === null) return null;
  return el(
    "nav",
    { class: "pager", "aria-label": "Pages" },
    !first && link(words[0], names, parameters, { class: "button" }),
    next !== null &&
      link(words[1], names, { ...parameters, [parameter]: next }, { class: "button" }),
  );
}

export function tag(text, kind = "") {
  return el("span", { class: `tag ${kind}`.trim() }, text);
}
