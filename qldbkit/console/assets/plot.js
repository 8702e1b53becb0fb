/* A curve over the last minutes. */

import { svg } from "./dom.js";

const HEIGHT = 176;
const EDGE = { left: 44, right: 10, top: 12, bottom: 24 };
const BREAK_SECONDS = 15;

/**
 * Draw a curve: samples of {at, value} (seconds since 1970), the newest last. Where nobody looked
 * for a while, it is interrupted.
 */
export function plot({ samples, seconds, now, width, name }) {
  const shown = samples.filter((each) => each.at >= now - seconds && each.value !== null);
  const most = roundedUp(Math.max(2, ...shown.map((each) => each.value)));
  const x = (at) =>
    EDGE.left + ((at - (now - seconds)) / seconds) * (width - EDGE.left - EDGE.right);
  const y = (value) => HEIGHT - EDGE.bottom - (value / most) * (HEIGHT - EDGE.top - EDGE.bottom);
  const lines = runs(shown).map((run) => run.map((each) => [x(each.at), y(each.value)]));
  return svg(
    "svg",
    {
      class: "plot",
      viewBox: `0 0 ${width} ${HEIGHT}`,
      role: "img",
      "aria-label": summary(name, shown, seconds),
    },
    [0, most / 2, most].map((value) => [
      svg("line", {
        class: "axis",
        x1: EDGE.left,
        x2: width - EDGE.right,
        y1: y(value),
        y2: y(value),
      }),
      svg(
        "text",
        { x: EDGE.left - 8, y: y(value) + 4, "text-anchor": "end" },
        value.toLocaleString("en"),
      ),
    ]),
    svg("text", { x: EDGE.left, y: HEIGHT - 6 }, `${seconds / 60} minutes ago`),
    svg("text", { x: width - EDGE.right, y: HEIGHT - 6, "text-anchor": "end" }, "now"),
    lines.filter((each) => each.length > 1).map((each) => curve(each, y(0))),
    lines.map((each) => svg("circle", { cx: each.at(-1)[0], cy: each.at(-1)[1], r: 3 })),
  );
}

function curve(points, base) {
  const line = points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" L");
  return [
    svg("path", {
      class: "under",
      d: `M${points[0][0].toFixed(1)},${base} L${line} L${points.at(-1)[0].toFixed(1)},${base} Z`,
    }),
    svg("path", { class: "curve", d: `M${line}` }),
  ];
}

/** Samples that follow each other closely. */
function runs(samples) {
  const found = [];
  for (const each of samples) {
    const last = found.at(-1)?.at(-1);
    if (last === undefined || each.at - last.at > BREAK_SECONDS) found.push([each]);
    else found.at(-1).push(each);
  }
  return found;
}

/** The next 2, 4 or 10 with zeros, so that the axis and its middle are whole numbers. */
function roundedUp(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 10].map((each) => each * power).find((each) => each >= value);
}

function summary(name, shown, seconds) {
  if (shown.length === 0) return `${name}: nothing was seen in the last ${seconds / 60} minutes`;
  const values = shown.map((each) => each.value);
  const highest = Math.max(...values).toLocaleString("en");
  return `${name} in the last ${seconds / 60} minutes: ${values.at(-1).toLocaleString("en")} now, ${highest} at most`;
}
