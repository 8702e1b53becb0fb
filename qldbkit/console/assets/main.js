/* The console: which address shows which page. */

import { keepToken, read, takeToken } from "./api.js";
import { el, say, show } from "./dom.js";
import { block, journal } from "./journal.js";
import { documents, history } from "./documents.js";
import { ledgers, tables } from "./ledgers.js";
import { refusal } from "./parts.js";
import { proof } from "./proof.js";
import { query } from "./query.js";
import { replay } from "./replay.js";

const PAGES = [
  [/^$/, ledgers],
  [/^replay$/, replay],
  [/^ledgers\/([^/]+)$/, tables],
  [/^ledgers\/([^/]+)\/query$/, query],
  [/^ledgers\/([^/]+)\/journal$/, journal],
  [/^ledgers\/([^/]+)\/journal\/(\d+)$/, block],
  [/^ledgers\/([^/]+)\/journal\/(\d+)\/proof$/, proof],
  [/^ledgers\/([^/]+)\/tables\/([^/]+)$/, documents],
  [/^ledgers\/([^/]+)\/tables\/([^/]+)\/documents\/([^/]+)$/, history],
];

const main = document.getElementById("main");
let leaving = new AbortController();
let about = null;

async function go() {
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  const [path, asked = ""] = location.hash.replace(/^#?\/?/, "").split("?");
  main.setAttribute("aria-busy", "true");
  show(main, el("p", { class: "loading" }, "Loading…"));
  try {
    about ??= await read(["about"], {}, signal);
    frame(path);
    const page = await pageAt(path, new URLSearchParams(asked), signal);
    if (!signal.aborted) arrive(page);
  } catch (error) {
    if (signal.aborted) return;
    if (error.status === 401) askForToken(error);
    else fail(error);
  } finally {
    if (!signal.aborted) main.removeAttribute("aria-busy");
  }
}

async function pageAt(path, asked, signal) {
  for (const [pattern, page] of PAGES) {
    const names = decoded(pattern.exec(path));
    if (names !== null) return page({ names, asked, signal, about });
  }
  return { title: "Not found", parts: [el("h1", {}, "There is no such page"), home()] };
}

/** The names in an address; null for one that was mistyped. */
function decoded(found) {
  try {
    return found && found.slice(1).map(decodeURIComponent);
  } catch {
    return null;
  }
}

/** Show a page that has come, and move the focus to its heading. */
function arrive({ title, parts }) {
  document.title = `${title} · qldbkit`;
  show(main, parts);
  const heading = main.querySelector("h1");
  heading?.setAttribute("tabindex", "-1");
  heading?.focus({ preventScroll: true });
  scrollTo(0, 0);
}

function fail(error) {
  document.title = "Error · qldbkit";
  const status = error.status === undefined ? unexpected(error) : error;
  show(main, el("h1", {}, "This page cannot be shown"), refusal(status, go), home());
}

function unexpected(error) {
  console.error(error);
  return { message: "the page itself failed; the browser's console tells where" };
}

function home() {
  return el("p", {}, el("a", { href: "#/" }, "All ledgers"));
}

function frame(path) {
  const areas = [["#/", "Ledgers", !path.startsWith("replay")]];
  if (about.replay) areas.push(["#/replay", "Replay", path.startsWith("replay")]);
  show(
    document.getElementById("areas"),
    areas.map(([href, text, here]) => el("a", { href, "aria-current": here && "page" }, text)),
  );
  const mode = document.getElementById("mode");
  mode.classList.toggle("writes", about.writable);
  show(mode, about.writable ? "May write" : "Read-only");
}

function askForToken(error) {
  document.title = "Open the console · qldbkit";
  const field = el("input", {
    id: "token",
    name: "token",
    autocomplete: "off",
    spellcheck: "false",
    required: true,
    "aria-describedby": "token-help",
  });
  const open = (event) => {
    event.preventDefault();
    keepToken(field.value);
    go();
  };
  show(
    main,
    el("h1", {}, "Open the console"),
    el(
      "form",
      { class: "panel", submit: open },
      el("label", { for: "token" }, "Address or token"),
      field,
      el(
        "p",
        { id: "token-help", class: "small soft" },
        "The server printed the console's address when it started; each start has a token of its own.",
      ),
      el("p", {}, el("button", { class: "main" }, "Open")),
    ),
  );
  say(error.message);
  field.focus();
}

document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  (main.querySelector("h1") ?? main).focus();
});
addEventListener("hashchange", () => {
  takeToken();
  go();
});
takeToken();
go();
