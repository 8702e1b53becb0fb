/* How the replay stands, live. */

import { read } from "./api.js";
import { el, say, show } from "./dom.js";
import { count, empty, hash, link, refusal, row, second, table, tag, value } from "./parts.js";
import { plot } from "./plot.js";

const EVERY_MILLISECONDS = 2000;
const MINUTES = [5, 15, 60];
const RECENT_SECONDS = 120;

export async function replay({ signal }) {
  const samples = [];
  const state = el("div", { class: "panel" });
  const curves = el("div", { class: "panel" });
  const lists = el("div", { class: "panel" });
  const chosen = { minutes: MINUTES[0], seen: null };
  const draw = () => drawCurves(curves, samples, chosen);
  const look = async () => {
    const seen = await read(["replay"], { since: Math.floor(samples.at(-1)?.at ?? 0) }, signal);
    keep(samples, seen.samples);
    chosen.seen = seen;
    drawState(state, seen);
    drawLists(lists, seen);
    draw();
  };
  await look();
  follow(look, state, signal);
  const redraw = new ResizeObserver(draw);
  redraw.observe(curves);
  signal.addEventListener("abort", () => redraw.disconnect());
  return {
    title: "Replay",
    parts: [
      el("h1", {}, "Replay"),
      state,
      el(
        "section",
        { "aria-labelledby": "over-time" },
        el(
          "div",
          { class: "line" },
          el("h2", { id: "over-time" }, "Over time"),
          period(chosen, draw),
        ),
      ),
      curves,
      lists,
    ],
  };
}

/** Look again and again while the page is shown; an answer that does not come is said. */
function follow(look, state, signal) {
  const again = async () => {
    if (signal.aborted) return;
    try {
      if (!document.hidden) await look();
    } catch (error) {
      if (signal.aborted) return;
      show(state, refusal(error));
    }
    setTimeout(again, EVERY_MILLISECONDS);
  };
  setTimeout(again, EVERY_MILLISECONDS);
}

function keep(samples, further) {
  const last = samples.at(-1)?.at ?? 0;
  samples.push(...further.filter((each) => each.at > last));
  const oldest = Date.now() / 1000 - MINUTES.at(-1) * 60;
  while (samples.length > 0 && samples[0].at < oldest) samples.shift();
}

function period(chosen, draw) {
  const choose = (event) => {
    chosen.minutes = Number(event.target.value);
    draw();
  };
  return el(
    "p",
    { class: "apart" },
    el("label", { for: "minutes" }, "Shown: "),
    el(
      "select",
      { id: "minutes", change: choose },
      MINUTES.map((each) => el("option", { value: each }, `${each} minutes`)),
    ),
  );
}

function drawState(state, { status, unknown, hint, at }) {
  if (status === null) {
    show(state, empty(el("p", {}, value(unknown)), hint && el("p", {}, hint)));
    return;
  }
  const summary = health(status, at);
  announce(state, summary.textContent);
  show(
    state,
    summary,
    status.strands.map((each) => strand(status, each)),
    el(
      "p",
      { class: "small soft" },
      "From ",
      ledger(status.source),
      " to ",
      ledger(status.destination),
      ". Seen ",
      second(at),
      status.clock_at ? ["; the clock ran last ", second(status.clock_at)] : "; the clock has not run yet",
      ".",
    ),
  );
}

/** Have it said when it changes, not every two seconds. */
function announce(state, sentence) {
  if (state.dataset.said !== sentence) say(sentence);
  state.dataset.said = sentence;
}

function ledger(name) {
  return name === null ? "an unknown source" : link(name, ["ledgers", name]);
}

function health(status, at) {
  if (!status.healthy) {
    return el(
      "div",
      { class: "notice bad" },
      el("p", {}, el("strong", {}, "Something waits for a person. "), waitsFor(status)),
      status.held_by.map((each) => el("p", { class: "small" }, value(`Held by ${each}`))),
    );
  }
  if (status.source_unknown !== null) {
    return el(
      "p",
      { class: "notice warn" },
      el("strong", {}, "The source cannot be asked: "),
      value(status.source_unknown),
    );
  }
  if (status.strands.length > 0 && status.strands.every((each) => each.blocks_behind === 0)) {
    return el("p", { class: "notice good" }, el("strong", {}, "The destination has everything."));
  }
  if (status.failure !== null && at - status.failure.at < RECENT_SECONDS) {
    return el(
      "p",
      { class: "notice warn" },
      el("strong", {}, "It is behind, and a run has failed. "),
      value(status.failure.reason),
    );
  }
  const waits = status.strands.length > 0 ? "It is catching up." : "It waits for a first block.";
  return el("p", { class: "notice" }, el("strong", {}, waits));
}

function waitsFor({ quarantined, held_by: held }) {
  const found = [
    quarantined > 0 && `${count(quarantined, "record")} in quarantine`,
    held.length > 0 && `${count(held.length, "block")} held`,
  ];
  return `${found.filter(Boolean).join(", ")}.`;
}

function strand(status, found) {
  const tip = found.blocks_behind === null ? null : found.applied + found.blocks_behind;
  return [
    el(
      "dl",
      { class: "tiles" },
      tile("Source's tip", block(tip), tip === null ? "not known" : null),
      tile(
        "Applied",
        found.applied < 0 ? "nothing yet" : block(found.applied),
        found.blocks_behind === null ? null : `${count(found.blocks_behind, "block")} behind`,
      ),
      tile(
        "Behind",
        `${found.seconds_behind.toLocaleString("en", { maximumFractionDigits: 1 })} s`,
        null,
      ),
      tile(
        "Buffered",
        found.waiting.toLocaleString("en"),
        found.next_waiting === null ? "blocks wait" : `blocks, from ${found.next_waiting} on`,
      ),
      tile("Gaps", found.gaps.length.toLocaleString("en"), "passed over", found.gaps.length > 0),
      tile(
        "Quarantine",
        status.quarantined.toLocaleString("en"),
        "records",
        status.quarantined > 0,
      ),
    ),
    el("p", { class: "small soft" }, "Strand ", hash(found.strand_id)),
  ];
}

function block(number) {
  return number === null ? "–" : `block ${number.toLocaleString("en")}`;
}

function tile(name, text, note, bad = false) {
  return el(
    "div",
    { class: bad ? "tile bad" : "tile" },
    el("dt", {}, name),
    el("dd", {}, text, note && el("small", {}, note)),
  );
}

function drawCurves(curves, samples, { minutes, seen }) {
  const width = Math.max(280, Math.floor(curves.clientWidth) - 32);
  const common = { seconds: minutes * 60, now: seen?.at ?? Date.now() / 1000, width };
  const of = (field) => samples.map((each) => ({ at: each.at, value: each[field] }));
  const drawn = [
    ["Seconds behind", "seconds_behind"],
    ["Blocks behind", "blocks_behind"],
    ["Blocks in the settling buffer", "waiting"],
  ].map(([name, field]) => [el("h3", {}, name), plot({ ...common, name, samples: of(field) })]);
  show(
    curves,
    drawn,
    el(
      "p",
      { class: "small soft" },
      "It is looked at while this page is open; where nobody looked, the curve is interrupted.",
    ),
  );
}

function drawLists(lists, { status, quarantine }) {
  if (status === null) {
    show(lists, el("p", { class: "soft" }, "No gaps and no quarantine are known."));
    return;
  }
  const gaps = status.strands.flatMap((each) => each.gaps);
  show(
    lists,
    el("h2", {}, "Gaps"),
    gaps.length === 0
      ? el("p", { class: "soft" }, "No block was passed over.")
      : table(
          "Blocks that were passed over and are still missing",
          ["From block", "To block", "Passed"],
          gaps.map((each) => row(each.first, each.last, second(each.passed_at))),
        ),
    el("h2", {}, "Quarantine"),
    quarantine.length === 0
      ? el("p", { class: "soft" }, "Nothing is in quarantine.")
      : quarantineTable(status, quarantine),
    failure(status.failure),
  );
}

function quarantineTable({ quarantined }, entries) {
  const first =
    entries.length < quarantined
      ? `The first ${entries.length} of ${quarantined} records`
      : "Records that were set aside";
  return [
    table(
      first,
      ["Position", "Reason", "Tried last", ["Tries", "number"], ["Bytes", "number"]],
      entries.map((each) =>
        row(
          value(each.position, { class: "ion" }),
          value(each.reason),
          second(each.at),
          each.attempts,
          each.size,
        ),
      ),
    ),
    el(
      "p",
      { class: "small soft" },
      el("code", {}, "qldbkit quarantine"),
      " shows a record, feeds it again or gives it up.",
    ),
  ];
}

function failure(found) {
  if (found === null) return null;
  return el(
    "p",
    { class: "small" },
    tag("last error", "warn"),
    " ",
    second(found.at),
    ": ",
    value(`${found.errorClass}: ${found.reason}`),
  );
}
