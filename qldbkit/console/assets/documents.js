/* The documents of a table, and the history of one. */

import { read } from "./api.js";
import { el, show } from "./dom.js";
import { trail } from "./ledgers.js";
import {
  clipped,
  count,
  empty,
  hash,
  link,
  moment,
  number,
  pager,
  path,
  refusal,
  row,
  table,
  tag,
  whole,
} from "./parts.js";

const KINDS = {
  created: ["created", "good"],
  changed: ["changed", ""],
  deleted: ["deleted", "bad"],
  redacted: ["redacted", "warn"],
};

export async function documents({ names: [ledger, tableId], asked, signal }) {
  const before = asked.get("before");
  const place = ["ledgers", ledger, "tables", tableId];
  const found = await read([...place, "documents"], { before }, signal);
  return {
    title: `${found.table.name} · ${ledger}`,
    parts: [
      el("div", {}, trail(ledger), el("h1", {}, found.table.name)),
      !found.table.active &&
        el(
          "p",
          { class: "notice warn" },
          "This table was dropped. Its documents stay in the journal.",
        ),
      found.items.length === 0 && !before
        ? empty(
            el("p", {}, "This table holds no document."),
            el("p", {}, "What was deleted is in the journal still."),
          )
        : documentTable(place, found),
      pager(place, {
        first: !before,
        next: found.next,
        parameter: "before",
        words: ["Newest", "Older documents"],
      }),
    ],
  };
}

function documentTable(place, { table: { name }, items }) {
  return table(
    `Documents of ${name}, the one that was written last first`,
    ["Document", "Content", "Written", ["Version", "number"]],
    items.map((each) =>
      row(
        el("th", { scope: "row", class: "mono" }, link(each.id, [...place, "documents", each.id])),
        el("td", { class: "wide" }, clipped(each.data, { class: "ion" })),
        moment(each.written),
        number(each.version, "Version"),
      ),
    ),
    { class: "stacked" },
  );
}

export async function history({ names: [ledger, tableId, id], asked, signal }) {
  const until = asked.get("until");
  const place = ["ledgers", ledger, "tables", tableId, "documents", id];
  const found = await read(place, { until }, signal);
  const { name } = found.table;
  const order = until
    ? "Older versions"
    : `${count(found.versions[0].number + 1, "version")}, the newest first`;
  return {
    title: `${id} · ${name}`,
    parts: [
      el(
        "div",
        {},
        trail(ledger, [name, ["tables", tableId]]),
        el("h1", { class: "mono" }, id),
        el("p", { class: "soft" }, `A document of ${name}. ${order}.`),
      ),
      found.versions.map((each) => version(ledger, place, id, each)),
      pager(place, {
        first: !until,
        next: found.next,
        parameter: "until",
        words: ["Newest version", "Older versions"],
      }),
    ],
  };
}

function version(ledger, place, id, found) {
  const [kind, colour] = KINDS[found.kind];
  const heading = `version-${found.number}`;
  const block = ["ledgers", ledger, "journal", found.block];
  return el(
    "article",
    { class: "panel", "aria-labelledby": heading },
    el(
      "div",
      { class: "line" },
      el("h2", { id: heading }, `Version ${found.number}`),
      tag(kind, colour),
      moment(found.written),
      link(`block ${found.block}`, block),
      link(
        "Verify",
        [...block, "proof"],
        { document: id, table: place[3] },
        { class: "button apart" },
      ),
    ),
    changes(found),
    details(place, found),
    el(
      "p",
      { class: "small soft" },
      "Hash ",
      hash(found.hash),
      " · transaction ",
      hash(found.transaction),
    ),
  );
}

function changes(found) {
  if (found.kind === "deleted")
    return el("p", {}, "The document was deleted. Its earlier versions stay.");
  if (found.kind === "redacted")
    return el(
      "p",
      {},
      "The data of this version was redacted. Its hash stays, and proves that there was such data.",
    );
  if (found.changes.length === 0)
    return el("p", { class: "soft" }, "It was written again as it was.");
  return el(
    "div",
    {
      class: "scroll",
      role: "region",
      tabindex: 0,
      "aria-label": `What version ${found.number} changed`,
    },
    el(
      "table",
      { class: "changes" },
      el(
        "thead",
        {},
        el(
          "tr",
          {},
          ["Field", "Before", "After"].map((each) => el("th", { scope: "col" }, each)),
        ),
      ),
      el("tbody", {}, found.changes.map(change)),
    ),
  );
}

function change({ path: place, before, after }) {
  return el(
    "tr",
    {},
    el("th", { scope: "row" }, place ? path(place) : el("span", { class: "soft" }, "the whole")),
    el("td", {}, before && el("del", {}, unseen("before: "), clipped(before, { class: "ion" }))),
    el("td", {}, after && el("ins", {}, unseen("after: "), clipped(after, { class: "ion" }))),
  );
}

function unseen(text) {
  return el("span", { class: "unseen" }, text);
}

/** The whole document as this version had it, which is read when somebody opens it. */
function details(place, found) {
  const text = el("div", { class: "stack" });
  const load = async (event) => {
    if (!event.target.open || text.hasChildNodes()) return;
    show(text, el("p", { class: "loading" }, "Loading…"));
    try {
      const { data, metadata } = await read([...place, "revision"], { block: found.block });
      show(text, data && whole(data), el("h3", {}, "Metadata"), whole(metadata));
    } catch (error) {
      show(text, refusal(error));
    }
  };
  return el("details", { toggle: load }, el("summary", {}, `All of version ${found.number}`), text);
}
