// Plots of a chain: rates, fuel, sizes and failures. Drawn from entries as the page has them.

import { PAGE } from "./chain.js";
import { date, h, number, s, short, size, time } from "./dom.js";
import { mark } from "./marks.js";

const WIDE = 560;
const HIGH = 150;
const LEFT = 74;
const BOTTOM = 20;
/** Pages that are read: all of a short chain, and of a long one some from everywhere. */
const MAX_PAGES = 12;
const BUCKETS = 70;

/** Draws the plots of a chain. */
export async function plots(chain, go) {
  const last = Math.floor(chain.seq / PAGE);
  const numbers = new Set();
  const count = Math.min(MAX_PAGES, last + 1);
  for (let n = 0; n < count; n += 1) numbers.add(Math.round((n * last) / Math.max(1, count - 1)));
  const pages = await Promise.all([...numbers].map((n) => chain.page(n)));
  const records = pages.flatMap((page) => page.entries);
  const all = records.length > chain.seq;
  const run = records.filter((record) => record.data.fuel !== undefined);
  const failures = records.filter((record) => record.data.kind === "failure");
  const from = all ? "" : `${number(records.length)} of ${number(chain.seq + 1)} entries, from everywhere`;
  const open = (seq) => go(chain.actor, seq);
  return h(
    "div",
    { class: "plots" },
    from ? h("p", { class: "quiet" }, from) : null,
    figure("Messages over time", "said", bars(records.filter((record) => record.data.message), "message")),
    figure("Failures over time", "said", failures.length ? bars(failures, "failure", records) : h("p", { class: "quiet empty" }, "None.")),
    figure("Fuel of each entry", "said", scatter(run.map((record) => [record.seq, record.data.fuel, record.data.kind === "failure"]), short, open)),
    figure(
      "Size of the state",
      "run",
      chain.checks.sizes.length
        ? scatter(chain.checks.sizes.map(([seq, bytes]) => [seq, bytes, false]), size, open, true)
        : h("p", { class: "quiet empty" }, "Known once it was run again here."),
    ),
  );
}

function figure(title, kind, drawing) {
  return h("figure", {}, h("figcaption", {}, title, mark(kind)), drawing);
}

function frame(label, ...children) {
  return s("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, class: "plot", role: "img", "aria-label": label }, ...children);
}

function axis(most, write) {
  return [0, most / 2, most].map((value) => {
    const y = HIGH - BOTTOM - (value / most) * (HIGH - BOTTOM - 12);
    return [
      s("line", { x1: LEFT, x2: WIDE - 4, y1: y, y2: y, class: "grid" }),
      s("text", { x: LEFT - 6, y: y + 3.5, class: "tick end" }, write(value)),
    ];
  });
}

function bars(records, kind, span = records) {
  if (!records.length) return h("p", { class: "quiet empty" }, "None.");
  const times = span.map((record) => record.data.at);
  const first = Math.min(...times);
  const width = Math.max(1, Math.max(...times) - first);
  const counts = new Array(BUCKETS).fill(0);
  for (const record of records) counts[Math.min(BUCKETS - 1, Math.floor(((record.data.at - first) / width) * BUCKETS))] += 1;
  const most = Math.max(...counts);
  const step = (WIDE - LEFT - 4) / BUCKETS;
  const drawn = counts.map((count, n) => {
    const high = (count / most) * (HIGH - BOTTOM - 12);
    return count ? s("rect", { x: LEFT + n * step + 0.5, y: HIGH - BOTTOM - high, width: step - 1, height: high, class: `bar ${kind}` }) : null;
  });
  const label = `${number(records.length)} from ${date(first)} ${time(first)} on, at most ${number(most)} in ${Math.max(1, Math.round(width / BUCKETS))} ms`;
  const when = (at) => (width > 86_400_000 ? date(at) : time(at).slice(0, 8));
  return frame(
    label,
    axis(most, (value) => (Number.isInteger(value) || most > 4 ? short(value) : "")),
    drawn,
    s("text", { x: LEFT, y: HIGH - 5, class: "tick" }, when(first)),
    s("text", { x: WIDE - 4, y: HIGH - 5, class: "tick end" }, when(first + width)),
  );
}

function scatter(points, write, open, joined = false) {
  if (!points.length) return h("p", { class: "quiet empty" }, "None.");
  const most = Math.max(1, ...points.map(([, value]) => value));
  const first = points[0][0];
  const width = Math.max(1, points[points.length - 1][0] - first);
  const x = (seq) => LEFT + ((seq - first) / width) * (WIDE - LEFT - 8);
  const y = (value) => HIGH - BOTTOM - (value / most) * (HIGH - BOTTOM - 12);
  const label = `from #${number(first)} to #${number(first + width)}, at most ${write(most)}`;
  const dots = joined
    ? s("path", { d: points.map(([seq, value], n) => `${n ? "L" : "M"}${x(seq).toFixed(1)} ${y(value).toFixed(1)}`).join(""), class: "curve" })
    : points.map(([seq, value, failed]) => s("circle", { cx: x(seq).toFixed(1), cy: y(value).toFixed(1), r: failed ? 3 : 1.7, class: failed ? "dot failure" : "dot" }));
  const drawing = frame(
    label,
    axis(most, write),
    dots,
    s("text", { x: LEFT, y: HIGH - 5, class: "tick" }, `#${number(first)}`),
    s("text", { x: WIDE - 4, y: HIGH - 5, class: "tick end" }, `#${number(first + width)}`),
  );
  drawing.addEventListener("click", (event) => {
    const box = drawing.getBoundingClientRect();
    const at = (((event.clientX - box.left) / box.width) * WIDE - LEFT) / (WIDE - LEFT - 8);
    const seq = first + Math.round(Math.min(1, Math.max(0, at)) * width);
    const nearest = points.reduce((best, point) => (Math.abs(point[0] - seq) < Math.abs(best[0] - seq) ? point : best));
    open(nearest[0]);
  });
  return drawing;
}

/** A line of a few values, as small as a word. */
export function spark(values, label) {
  const most = Math.max(1, ...values);
  const step = 96 / Math.max(1, values.length - 1);
  const points = values.map((value, n) => `${(n * step + 2).toFixed(1)},${(20 - (value / most) * 17).toFixed(1)}`).join(" ");
  return s("svg", { viewBox: "0 0 100 22", width: 100, height: 22, class: "spark", role: "img", "aria-label": label }, s("polyline", { points }));
}
