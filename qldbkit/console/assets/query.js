/* A PartiQL editor with its results. */

import { read, send } from "./api.js";
import { el, say, show } from "./dom.js";
import { head } from "./ledgers.js";
import { count, empty, link, refusal, row, table, value, whole } from "./parts.js";

const MOST_COLUMNS = 40;
const drafts = new Map();

export async function query({ names: [ledger], signal, about }) {
  const { items } = await read(["ledgers", ledger, "tables"], {}, signal);
  const results = el("section", { class: "stack", "aria-label": "Results" });
  const editor = el(
    "textarea",
    {
      id: "statement",
      spellcheck: "false",
      autocapitalize: "off",
      "aria-describedby": "statement-help",
      input: () => drafts.set(ledger, editor.value),
      keydown: (event) => {
        if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
          event.preventDefault();
          form.requestSubmit();
        }
      },
    },
    drafts.get(ledger) ?? "",
  );
  const button = el("button", { class: "main" }, "Run");
  const run = async (first) => {
    button.disabled = true;
    show(results, el("p", { class: "loading" }, "Running…"));
    await showResult(ledger, editor.value, first, results, run);
    button.disabled = false;
  };
  const form = el(
    "form",
    {
      submit: (event) => {
        event.preventDefault();
        if (!button.disabled) run(0);
      },
    },
    el("label", { for: "statement" }, "PartiQL"),
    editor,
    suggestions(items, editor, ledger),
    el(
      "div",
      { class: "line" },
      button,
      el("p", { id: "statement-help", class: "small soft" }, help(about)),
    ),
  );
  return { title: `Query · ${ledger}`, parts: [head(ledger, "Query"), form, results] };
}

function help({ writable }) {
  const keys = "Ctrl+Enter runs it.";
  return writable
    ? `${keys} A statement that writes is committed at once, as a block of the journal.`
    : `${keys} Only queries run here: the console is read-only. They leave no block in the journal.`;
}

function suggestions(items, editor, ledger) {
  const active = items.filter((each) => each.active);
  if (active.length === 0) return null;
  const choose = (name) => () => {
    editor.value = `SELECT * FROM ${name}`;
    drafts.set(ledger, editor.value);
    editor.focus();
  };
  return el(
    "div",
    { class: "chips", role: "group", "aria-label": "Begin with a table" },
    active.map(({ name }) => el("button", { type: "button", click: choose(name) }, name)),
  );
}

async function showResult(ledger, statement, first, results, run) {
  const began = performance.now();
  try {
    const found = await send(["ledgers", ledger, "statements"], { statement, first });
    const seconds = (performance.now() - began) / 1000;
    show(results, result(ledger, found, seconds, run));
    say(`${count(found.rows.length, "row")}`);
  } catch (error) {
    show(results, refusal(error));
  }
}

function result(ledger, found, seconds, run) {
  const { rows, first, next, reached, committed } = found;
  const body = el("div", {});
  const columns = columnsOf(rows);
  const views = [["Ion", () => whole(rows.map((each) => each.text).join("\n"))]];
  if (columns !== null) views.unshift(["Table", () => resultTable(columns, rows)]);
  return [
    committed !== null &&
      el(
        "p",
        { class: "notice good" },
        el("strong", {}, "Committed"),
        " as ",
        link(`block ${committed}`, ["ledgers", ledger, "journal", committed]),
        ".",
      ),
    el(
      "div",
      { class: "line" },
      el("h2", {}, rows.length === 0 ? "No rows" : rowNumbers(first, rows.length, next)),
      el("span", { class: "soft small" }, `${seconds.toFixed(3)} s`),
      rows.length > 0 &&
        el(
          "div",
          { class: "chips apart", role: "group", "aria-label": "Shown as" },
          choices(views, body),
        ),
    ),
    rows.length === 0 ? empty(el("p", {}, "The statement gave no rows.")) : body,
    reached &&
      el(
        "p",
        { class: "notice warn" },
        "There are more rows than the console shows. Narrow the statement with WHERE, or run it with ",
        el("code", {}, "qldbkit query"),
        ".",
      ),
    (first > 0 || (next !== null && !reached)) &&
      el(
        "nav",
        { class: "pager", "aria-label": "Pages of the result" },
        first > 0 && el("button", { type: "button", click: () => run(0) }, "First rows"),
        next !== null &&
          !reached &&
          el("button", { type: "button", click: () => run(next) }, "Next rows"),
        el("span", { class: "small soft" }, "Each page runs the query anew."),
      ),
  ];
}

function rowNumbers(first, length, next) {
  if (first === 0 && next === null) return count(length, "row");
  return `Rows ${(first + 1).toLocaleString("en")} to ${(first + length).toLocaleString("en")}`;
}

/** Buttons that choose how the rows are shown; the first one is chosen. */
function choices(views, body) {
  const buttons = views.map(([name, make]) =>
    el("button", { type: "button", click: (event) => choose(event.currentTarget, make) }, name),
  );
  const choose = (button, make) => {
    for (const each of buttons) each.setAttribute("aria-pressed", each === button);
    show(body, make());
  };
  choose(buttons[0], views[0][1]);
  return buttons;
}

/** The names of all fields; null where a row is no struct, has a name twice, or they are many. */
function columnsOf(rows) {
  const found = new Set();
  for (const { members } of rows) {
    if (members === null || new Set(members.map(([name]) => name)).size < members.length)
      return null;
    for (const [name] of members) found.add(name);
  }
  return found.size > 0 && found.size <= MOST_COLUMNS ? [...found] : null;
}

function resultTable(columns, rows) {
  const cells = ({ members }) => {
    const known = new Map(members);
    return row(
      ...columns.map((name) => (known.has(name) ? value(known.get(name), { class: "ion" }) : "")),
    );
  };
  const caption = "Values are Ion text; an empty cell has no such field.";
  return table(caption, columns, rows.map(cells), { class: "result" });
}
