/* A proof: the path from a block or a revision to a digest, all of which this page hashes itself. */

import { Refusal, read } from "./api.js";
import { el, say, show } from "./dom.js";
import { base64, bytes, canHash, dot, merkleRoot } from "./hashes.js";
import { IonError, Type, ionValue, utf8 } from "./ion.js";
import { ionHash } from "./ionhash.js";
import { ionText } from "./iontext.js";
import { trail } from "./ledgers.js";
import { count, hash, link, refusal, tag, whole } from "./parts.js";

const WHERE = {
  data: "in the revision",
  revisions: "in the block",
  entries: "in the block",
  previous: "in the chain",
  journal: "in the journal's tree",
};

export async function proof({ names: [ledger, at], asked, signal }) {
  const [id, tableId] = [asked.get("document"), asked.get("table")];
  const load = (tip) =>
    read(["ledgers", ledger, "blocks", at, "proof"], { document: id, tip }, signal);
  const path = el("div", { class: "stack" });
  const found = await load(null);
  show(path, await proven(found, found.digest, false));
  return {
    title: `Proof of block ${at} · ${ledger}`,
    parts: [
      el(
        "div",
        {},
        trail(ledger, ["Journal", ["journal"]], [`Block ${at}`, ["journal", at]]),
        el("h1", {}, id ? "Proof of a revision" : `Proof of block ${at}`),
        el(
          "p",
          { class: "soft" },
          id
            ? [
                `Version ${found.version} of document `,
                documentLink(ledger, tableId, id),
                `, which block ${at} committed.`,
              ]
            : "From the block's entries to the digest of the journal.",
        ),
      ),
      path,
      savedDigest(load, path),
    ],
  };
}

function documentLink(ledger, tableId, id) {
  if (!tableId) return el("code", {}, id);
  return link(id, ["ledgers", ledger, "tables", tableId, "documents", id], {}, { class: "mono" });
}

/** A form for a digest that was saved before: only that shows that nothing was changed since. */
function savedDigest(load, path) {
  const field = el("textarea", {
    id: "digest",
    spellcheck: "false",
    required: true,
    "aria-describedby": "digest-help",
  });
  const compare = async (event) => {
    event.preventDefault();
    try {
      const { digest, tip } = savedAnswer(field.value);
      const found = await load(tip);
      show(path, await proven(found, digest, true));
    } catch (error) {
      show(path, refusal(error));
    }
    path.scrollIntoView({ block: "nearest" });
  };
  return el(
    "form",
    { class: "panel", submit: compare },
    el("h2", {}, "Check against a digest that you saved"),
    el(
      "p",
      { id: "digest-help", class: "small soft" },
      "A ledger that was changed would also give a changed digest. One that you saved earlier, with ",
      el("code", {}, "qldbkit digest"),
      " or GetDigest, is the proof.",
    ),
    el("label", { for: "digest" }, "The saved answer"),
    field,
    el("p", {}, el("button", {}, "Check")),
  );
}

/** The digest and its block's number in GetDigest's answer. */
function savedAnswer(text) {
  const hint =
    'it looks like {"Digest": "…", "DigestTipAddress": {"IonText": "{strandId: …, sequenceNo: 14}"}}';
  try {
    const answer = JSON.parse(text);
    const tip = /sequenceNo["']?\s*:\s*(\d+)/.exec(answer.DigestTipAddress.IonText)[1];
    if (bytes(answer.Digest).length !== 32) throw new RangeError("no SHA-256");
    return { digest: answer.Digest, tip };
  } catch {
    throw new Refusal(0, { message: "this is no answer of GetDigest", hint });
  }
}

/** The path with a verdict: each step is hashed here, and the last has to be the digest. */
async function proven(found, digest, saved) {
  const { checked, fault } = await hashedHere(found);
  const last = found.steps.at(-1)?.result ?? found.start;
  const reached = checked === null ? last : checked.at(-1).result;
  const sound = fault === null && reached === digest;
  const goal = `${saved ? "The saved digest" : "The digest"} over ${count(found.tip + 1, "block")}`;
  return [
    verdict(found, { sound, saved, fault, here: checked !== null }),
    el(
      "section",
      { class: "panel", "aria-labelledby": "path" },
      el("h2", { id: "path" }, "The path to the digest"),
      el(
        "ol",
        { class: "path" },
        start(found, checked),
        found.steps.map((each, at) => step(found, each, at, checked)),
        el(
          "li",
          { class: sound ? "sound" : "broken" },
          el("h3", {}, goal),
          el("p", {}, hash(digest)),
        ),
      ),
    ),
  ];
}

/** The path as this page hashes it, null if it cannot; and what is wrong with what was given. */
async function hashedHere(found) {
  try {
    if (found.document !== null && idIn(found.metadata) !== found.document) {
      return { checked: null, fault: "what the ledger gave is a revision of another document" };
    }
    return { checked: canHash ? await checkedPath(found) : null, fault: null };
  } catch (error) {
    if (!(error instanceof IonError)) throw error;
    return { checked: null, fault: error.message };
  }
}

function idIn(metadata) {
  const [, id] = ionValue(bytes(metadata)).fields?.find(([name]) => name === "id") ?? [];
  return id?.type === Type.STRING && !id.isNull ? utf8(id.body) : null;
}

/** What each step is combined with and comes to; of a revision from its own bytes on. */
async function checkedPath({ start: first, entries, metadata, data, steps }) {
  let now =
    entries === null ? await ionHash(bytes(metadata)) : await merkleRoot(entries.map(bytes));
  const found = [{ result: base64(now) }];
  for (const [at, each] of steps.entries()) {
    const own = at === 0 && entries === null && data !== null;
    const beside = own ? await ionHash(bytes(data)) : bytes(each.hash);
    now = await dot(now, beside);
    found.push({ hash: base64(beside), result: base64(now) });
  }
  return found;
}

function verdict(found, { sound, saved, fault, here }) {
  const steps = `${count(found.steps.length, "step")} ${found.steps.length === 1 ? "leads" : "lead"}`;
  const led = sound
    ? `${steps} to the ${saved ? "digest that you saved" : "ledger's digest"}.`
    : `The path does not lead to the ${saved ? "digest that you saved: the journal was changed since, or the digest is another ledger's" : "digest"}.`;
  const told = fault === null ? led : `${fault.charAt(0).toUpperCase()}${fault.slice(1)}.`;
  const [word, kind] = sound ? ["Proven. ", "good"] : ["Not proven. ", "bad"];
  say(`${word}${told}`);
  return el(
    "p",
    { class: `notice ${kind}`, role: sound ? null : "alert" },
    el("strong", {}, word),
    fault === null ? `${told} ${hasher(found, here)}` : told,
  );
}

/** Who has hashed what. */
function hasher(found, here) {
  if (!here) {
    return "The server has hashed all of it; your browser cannot, because the page came over plain HTTP from another machine.";
  }
  if (found.document === null) return "Your browser has hashed every step again.";
  if (found.data !== null) {
    return "Your browser has hashed the document, its metadata, and every step.";
  }
  return isRedacted(found)
    ? "Your browser has hashed the metadata and every step. The document was redacted: its hash is what the journal has kept of it."
    : "Your browser has hashed the metadata, and every step. This version deleted the document.";
}

function isRedacted({ data, steps }) {
  return data === null && steps[0]?.kind === "data";
}

function start({ start: text, entries, block, metadata }, checked) {
  const of =
    entries === null
      ? "The hash of the revision's metadata"
      : `The hash of the ${count(entries.length, "entry", "entries")} of block ${block}`;
  return el(
    "li",
    { class: mark(checked, 0, text) },
    el("h3", {}, of),
    el("p", {}, hash(checked?.[0].result ?? text)),
    entries === null && hashed("The metadata", metadata),
  );
}

/** The bytes that were hashed, as this page reads them; written when somebody opens it. */
function hashed(name, ion) {
  const text = el("div", {});
  const write = (event) => {
    if (!event.target.open || text.hasChildNodes()) return;
    try {
      show(text, whole(ionText(bytes(ion))));
    } catch (error) {
      show(text, refusal(error));
    }
  };
  return el(
    "details",
    { toggle: write },
    el("summary", {}, `${name}, as it was hashed`),
    text,
  );
}

function step(found, each, at, checked) {
  return el(
    "li",
    { class: mark(checked, at + 1, each.result) },
    el("h3", {}, `Combined with ${meaning(found, each)}`, tag(WHERE[each.kind])),
    el("p", {}, hash(checked?.[at + 1].hash ?? each.hash)),
    at === 0 && found.data && hashed("The document", found.data),
    el(
      "p",
      { class: "small soft" },
      `That gives ${result(found, at)} `,
      hash(checked?.[at + 1].result ?? each.result),
    ),
  );
}

function mark(checked, at, expected) {
  if (checked === null) return null;
  return checked[at].result === expected ? "sound" : "broken";
}

function meaning({ block }, { kind, first, last }) {
  if (kind === "journal")
    return `the hash of ${first === last ? `block ${first}` : `blocks ${first} to ${last}`}`;
  return {
    data: "the hash of the document",
    revisions: "the hash of other revisions of the transaction",
    entries: `the hash of other entries of block ${block}`,
    previous: `the hash of block ${block - 1}`,
  }[kind];
}

/** What the path has come to behind a step: the hash of what it covers by then. */
function result({ steps, block }, at) {
  const { kind } = steps[at];
  const following = steps[at + 1]?.kind;
  if (kind === "journal") {
    const passed = steps.slice(0, at + 1).filter((each) => each.kind === "journal");
    const first = Math.min(block, ...passed.map((each) => each.first));
    const last = Math.max(block, ...passed.map((each) => each.last));
    return `the hash of blocks ${first} to ${last}`;
  }
  if (following === "journal" || following === undefined) return `the hash of block ${block}`;
  if (following === "previous") return "the hash of the block's entries";
  if (kind === "data") return "the hash of the revision";
  return "the hash";
}
