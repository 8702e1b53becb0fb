/* The journal as a chain of blocks, and one block. */

import { read } from "./api.js";
import { el } from "./dom.js";
import { bytes, base64, canHash, dot } from "./hashes.js";
import { head, trail } from "./ledgers.js";
import {
  address,
  clipped,
  count,
  empty,
  facts,
  hash,
  link,
  moment,
  pager,
  row,
  table,
  value,
  whole,
} from "./parts.js";

const ENTRIES = {
  revisions: "the hashes of the revisions",
  transaction: "the transaction and its statements",
  redactions: "the redactions",
  internal: "internal to QLDB: carried along",
  nothing: "empty",
};

export async function journal({ names: [ledger], asked, signal }) {
  const before = asked.get("before");
  const { items, next } = await read(["ledgers", ledger, "blocks"], { before }, signal);
  const checked = await checkedChain(items);
  const place = ["ledgers", ledger, "journal"];
  return {
    title: `Journal · ${ledger}`,
    parts: [
      head(ledger, "Journal"),
      jump(place),
      items.length === 0
        ? empty(el("p", {}, "There are no blocks here."))
        : verdict(items, checked),
      el(
        "ol",
        { class: "chain", "aria-label": "Blocks, the latest first" },
        items.map((each, at) => chainLink(place, each, checked[at])),
      ),
      pager(place, {
        first: !before,
        next,
        parameter: "before",
        words: ["Latest blocks", "Older blocks"],
      }),
    ],
  };
}

/** A field that leads to a block by its number. */
function jump(place) {
  const field = el("input", { id: "number", type: "number", min: 0, step: 1, required: true });
  const go = (event) => {
    event.preventDefault();
    location.hash = address([...place, field.value]);
  };
  return el(
    "form",
    { class: "line", submit: go },
    el("label", { for: "number" }, "Go to block"),
    field,
    el("button", {}, "Go"),
  );
}

/**
 * For each block, whether its hash is that of its entries and the block before (null where this
 * page cannot hash), and whether the block below it is the one that it names (null for the last).
 */
function checkedChain(items) {
  return Promise.all(
    items.map(async (each, at) => {
      const below = items[at + 1];
      const isNext = below !== undefined && below.block === each.block - 1;
      return {
        hashed: await isHashed(each),
        linked: isNext ? each.previousHash === below.hash : null,
      };
    }),
  );
}

async function isHashed({ entriesHash, previousHash, hash: expected }) {
  if (!canHash) return null;
  return base64(await dot(bytes(entriesHash), bytes(previousHash))) === expected;
}

function verdict(items, checked) {
  const wrong = items.filter(
    (_, at) => checked[at].hashed === false || checked[at].linked === false,
  );
  if (wrong.length > 0) {
    return el(
      "p",
      { class: "notice bad", role: "alert" },
      el("strong", {}, "The chain is broken"),
      ` at block ${wrong.map((each) => each.block).join(", ")}.`,
    );
  }
  const blocks = items.length === 1 ? "this block" : `these ${items.length} blocks`;
  if (!canHash)
    return el(
      "p",
      { class: "small soft" },
      `The hashes of ${blocks} name each other. This page cannot hash them again, because it came over plain HTTP from another machine.`,
    );
  return el(
    "p",
    { class: "small soft" },
    `Your browser has hashed ${blocks} again: each hash is that of its entries and of the block before.`,
  );
}

function chainLink(place, found, { hashed, linked }) {
  const state = hashed === false || linked === false ? "broken" : linked ? "linked" : null;
  return el(
    "li",
    { class: state },
    el(
      "article",
      { class: "panel block", "aria-labelledby": `block-${found.block}` },
      el(
        "div",
        { class: "line" },
        el(
          "h2",
          { id: `block-${found.block}` },
          link(`Block ${found.block}`, [...place, found.block]),
        ),
        moment(found.written),
        link(
          "Verify",
          [...place, found.block, "proof"],
          {},
          { class: "button apart", "aria-label": `Verify block ${found.block}` },
        ),
      ),
      statementLine(found),
      el(
        "p",
        { class: "small soft" },
        "Hash ",
        hash(found.hash),
        " · previous ",
        hash(found.previousHash),
      ),
    ),
  );
}

function statementLine({ statement, statementCount, revisionCount, redactionCount }) {
  if (statementCount === 0)
    return el("p", { class: "soft" }, "Written by the ledger itself, without a statement.");
  const sums = [
    statementCount > 1 && count(statementCount, "statement"),
    revisionCount > 0 && count(revisionCount, "revision"),
    redactionCount > 0 && count(redactionCount, "redaction"),
  ].filter(Boolean);
  return el(
    "p",
    { class: "line" },
    clipped(statement, { class: "statement mono" }),
    sums.length > 0 && el("span", { class: "soft small" }, sums.join(", ")),
  );
}

export async function block({ names: [ledger, at], asked, signal }) {
  const first = asked.get("from");
  const found = await read(["ledgers", ledger, "blocks", at], { from: first }, signal);
  const place = ["ledgers", ledger, "journal", found.block];
  return {
    title: `Block ${found.block} · ${ledger}`,
    parts: [
      el(
        "div",
        { class: "line" },
        el(
          "div",
          {},
          trail(ledger, ["Journal", ["journal"]]),
          el("h1", {}, `Block ${found.block}`),
        ),
        link("Verify", [...place, "proof"], {}, { class: "button main apart" }),
      ),
      neighbours(ledger, found),
      el(
        "section",
        { class: "panel", "aria-label": "Hashes" },
        facts([
          ["Written", moment(found.written)],
          ["Transaction", hash(found.transaction)],
          ["Strand", hash(found.strandId)],
          ["Block's hash", hash(found.hash)],
          ["Previous block's hash", hash(found.previousHash)],
          ["Hash of the entries", hash(found.entriesHash)],
        ]),
      ),
      statements(found),
      revisions(ledger, place, found, first),
      table(
        "What the hash of the entries is made of",
        ["Hash", "It is of"],
        found.entries.map((each) => row(hash(each.hash), ENTRIES[each.of])),
      ),
    ],
  };
}

function neighbours(ledger, { block: at, latest }) {
  return el(
    "nav",
    { class: "pager", "aria-label": "Neighbouring blocks" },
    at > 0 &&
      link(
        `Block ${at - 1}`,
        ["ledgers", ledger, "journal", at - 1],
        {},
        { class: "button", rel: "prev" },
      ),
    at < latest &&
      link(
        `Block ${at + 1}`,
        ["ledgers", ledger, "journal", at + 1],
        {},
        { class: "button", rel: "next" },
      ),
  );
}

function statements({ statements: shown, statementCount }) {
  if (statementCount === 0) return null;
  return el(
    "section",
    { class: "panel", "aria-labelledby": "statements" },
    el("h2", { id: "statements" }, count(statementCount, "statement")),
    shown.map(({ text, clipped: goesOn }) => whole(goesOn ? `${text}…` : text)),
    shown.length < statementCount &&
      el("p", { class: "soft" }, `The first ${shown.length} are shown.`),
    el(
      "p",
      { class: "small soft" },
      "QLDB journals statements without the values of their parameters; those are in the revisions.",
    ),
  );
}

function revisions(ledger, place, { revisionCount, items, next }, first) {
  if (revisionCount === 0) return null;
  return [
    table(
      count(revisionCount, "revision"),
      ["Document", "Table", "Hash", ""],
      items.map((each) => revision(ledger, place, each)),
      { class: "stacked" },
    ),
    pager(place, {
      first: !first,
      next,
      parameter: "from",
      words: ["First revisions", "More revisions"],
    }),
  ];
}

function revision(ledger, place, { document: id, table: name, tableId, hash: text }) {
  if (id === null)
    return row(rowHead({ class: "soft" }, "internal to QLDB"), "", hash(text), "");
  const shown =
    tableId === null ? id : link(id, ["ledgers", ledger, "tables", tableId, "documents", id]);
  return row(
    rowHead({ class: "mono" }, shown),
    el("td", { class: "wide" }, name === null ? "" : value(name)),
    el("td", { "data-name": "Hash" }, hash(text)),
    link("Verify", [...place, "proof"], { document: id, table: tableId }, { class: "button" }),
  );
}

function rowHead(attributes, ...children) {
  return el("th", { scope: "row", ...attributes }, children);
}
