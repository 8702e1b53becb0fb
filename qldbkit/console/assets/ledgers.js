/* The ledgers of the server, and the tables of one. */

import { read } from "./api.js";
import { el } from "./dom.js";
import {
  count,
  empty,
  facts,
  hash,
  link,
  moment,
  number,
  pager,
  row,
  table,
  tag,
  value,
} from "./parts.js";

const TABS = [
  ["Tables", []],
  ["Query", ["query"]],
  ["Journal", ["journal"]],
];

export async function ledgers({ asked, signal }) {
  const first = asked.get("from");
  const { items, next } = await read(["ledgers"], { from: first }, signal);
  const list = items.length === 0 && !first ? none() : ledgerTable(items);
  return {
    title: "Ledgers",
    parts: [
      el("h1", {}, "Ledgers"),
      list,
      pager([], {
        first: !first,
        next,
        parameter: "from",
        words: ["First ledgers", "More ledgers"],
      }),
    ],
  };
}

function none() {
  return empty(
    el("p", {}, "There is no ledger yet."),
    el(
      "p",
      {},
      "Make one with ",
      el("code", {}, "qldbkit ledgers --create NAME"),
      ", or restore one with ",
      el("code", {}, "qldbkit restore"),
      ".",
    ),
  );
}

function ledgerTable(items) {
  const heads = ["Ledger", ["Tables", "number"], ["Blocks", "number"], "Last written", "State"];
  return table(
    "The ledgers of this server",
    heads,
    items.map((each) =>
      row(
        el("th", { scope: "row" }, link(each.name, ["ledgers", each.name])),
        number(each.tables ?? 0, "Tables"),
        number(each.blocks ?? 0, "Blocks"),
        moment(each.written),
        tag(each.state.toLowerCase(), each.state === "ACTIVE" ? "good" : "warn"),
      ),
    ),
    { class: "stacked" },
  );
}

export async function tables({ names: [ledger], asked, signal }) {
  const first = asked.get("from");
  const [found, { items, next }] = await Promise.all([
    read(["ledgers", ledger], {}, signal),
    read(["ledgers", ledger, "tables"], { from: first }, signal),
  ]);
  const list =
    items.length === 0 && !first
      ? empty(
          el("p", {}, "This ledger has no table yet."),
          el("p", {}, el("code", {}, "CREATE TABLE"), " makes one."),
        )
      : tableTable(ledger, items);
  return {
    title: ledger,
    parts: [
      head(ledger, "Tables"),
      list,
      pager(["ledgers", ledger], {
        first: !first,
        next,
        parameter: "from",
        words: ["First tables", "More tables"],
      }),
      about(found),
    ],
  };
}

function tableTable(ledger, items) {
  return table(
    "Tables of this ledger, dropped ones last",
    ["Table", "Indexes", "Id", "State"],
    items.map((each) =>
      row(
        el("th", { scope: "row" }, link(each.name, ["ledgers", ledger, "tables", each.id])),
        el("td", { class: "wide", "data-name": "Indexes" }, indexes(each.indexes)),
        el("td", { "data-name": "Id" }, hash(each.id)),
        each.active ? tag("active", "good") : tag("dropped"),
      ),
    ),
    { class: "stacked" },
  );
}

function indexes(found) {
  if (found.length === 0) return el("span", { class: "soft" }, "none");
  return found.map(({ field, status }, at) => [
    at > 0 && ", ",
    value(field, { class: "inline" }),
    status !== "ONLINE" && ` (${status.toLowerCase()})`,
  ]);
}

function about(found) {
  return el(
    "section",
    { class: "panel", "aria-labelledby": "about" },
    el("h2", { id: "about" }, "The ledger"),
    facts([
      [
        "Digest",
        found.digest
          ? [hash(found.digest), ` over ${count(found.tip + 1, "block")}`]
          : found.noDigest,
      ],
      ["Ledger's id", hash(found.id)],
      ["Strand's id", hash(found.strandId)],
      ["Made", moment(found.created)],
      ["Permissions mode", found.permissionsMode],
      ["Deletion protection", found.deletionProtection ? "on" : "off"],
    ]),
  );
}

/** What stands above every page of a ledger: where one is, its name, and its tabs. */
export function head(ledger, here) {
  return el(
    "div",
    {},
    el(
      "nav",
      { class: "trail", "aria-label": "Where you are" },
      el("a", { href: "#/" }, "Ledgers"),
    ),
    el("h1", {}, ledger),
    el(
      "nav",
      { class: "tabs", "aria-label": `Ledger ${ledger}` },
      TABS.map(([text, below]) =>
        link(text, ["ledgers", ledger, ...below], {}, { "aria-current": text === here && "page" }),
      ),
    ),
  );
}

/** The way to a page below a ledger: names and texts from the ledger on. */
export function trail(ledger, ...further) {
  return el(
    "nav",
    { class: "trail", "aria-label": "Where you are" },
    el("a", { href: "#/" }, "Ledgers"),
    link(ledger, ["ledgers", ledger]),
    further.map(([text, names]) => link(text, ["ledgers", ledger, ...names])),
  );
}
