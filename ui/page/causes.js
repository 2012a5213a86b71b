// Who caused what, across actors: where a message came from, and what it led to, as a picture.

import { PAGE, senderWords } from "./chain.js";
import { h, preview, s, time } from "./dom.js";
import { toText } from "./verifier.js";

const MAX_UP = 6;
const MAX_DOWN = 3;
const MAX_NODES = 28;
/** How many pages of another chain are looked through for what a message led to. */
const MAX_PAGES = 3;

/** Finds causes and consequences of an entry, and draws them; null if there are none. */
export async function causes(chain, record, go, current) {
  if (!chain.source.find) return null;
  const trace = new Trace(chain);
  const start = await trace.add(chain.actor, record.seq, record.name, record.data, true);
  await trace.up(start, 0);
  if (!current()) return null;
  await trace.down(start, 0);
  if (!current() || trace.nodes.length < 2) return null;
  return draw(trace, go);
}

class Trace {
  nodes = [];
  edges = [];
  #byKey = new Map();
  #infos = new Map();

  constructor(chain) {
    this.chain = chain;
    this.source = chain.source;
  }

  async info(actor) {
    if (!this.#infos.has(actor)) this.#infos.set(actor, this.source.find(actor));
    return this.#infos.get(actor);
  }

  async add(actor, seq, name, data, isStart = false) {
    const info = await this.info(actor);
    const id = info?.actor ?? actor;
    const key = `${id} ${seq}`;
    if (this.#byKey.has(key)) return this.#byKey.get(key);
    if (this.nodes.length >= MAX_NODES) return null;
    const node = { actor: id, label: info?.name ?? id.slice(0, 8), seq, name, data, isStart, words: "" };
    this.#byKey.set(key, node);
    this.nodes.push(node);
    if (data.message && this.source.blob) {
      const blob = await this.chain.blob(data.message, seq, id).catch(() => null);
      if (blob?.bytes) node.words = preview(blob.bytes, 44);
    }
    return node;
  }

  async #entry(actor, key) {
    const bytes = await this.source.entry(actor, key).catch(() => null);
    if (!bytes) return null;
    const { data } = JSON.parse(toText(bytes));
    return { name: this.chain.verifier.name(bytes), data };
  }

  #edge(from, to, words) {
    if (from && to && !this.edges.some((edge) => edge.from === from && edge.to === to)) this.edges.push({ from, to, words });
  }

  /** What led to an entry. */
  async up(node, depth) {
    const from = node.data.from ?? (node.data["started-by"] ? { kind: "parent", ...node.data["started-by"] } : null);
    if (!from || depth >= MAX_UP) return;
    const place = ["actor", "parent", "reply"].includes(from.kind) || (from.kind === "notice" && from.chain && from.entry)
      ? [from.chain, from.entry]
      : from.seq !== undefined
        ? [node.actor, from.seq]
        : null;
    if (!place) return;
    const found = await this.#entry(...place);
    if (!found || found.name !== place[1] && typeof place[1] === "string") return;
    const cause = await this.add(place[0], found.data.seq, found.name, found.data);
    if (!cause) return;
    this.#edge(cause, node, from.kind === "actor" ? "send" : from.kind);
    await this.up(cause, depth + 1);
  }

  /** What an entry led to. */
  async down(node, depth) {
    if (depth >= MAX_DOWN) return;
    const effects = node.data.effects ?? [];
    for (const [n, effect] of effects.entries()) {
      const [[kind, fields]] = Object.entries(effect);
      if (!["send", "request", "timer"].includes(kind) || this.nodes.length >= MAX_NODES) continue;
      const found = kind === "timer" ? await this.#timer(node, n) : await this.#received(node, n, fields.to);
      if (!found) continue;
      const next = await this.add(found.actor, found.data.seq, found.name, found.data);
      if (!next) continue;
      this.#edge(node, next, kind);
      await this.down(next, depth + 1);
    }
    if (node.data.from?.kind === "actor" && node.data.reply) {
      const found = await this.#search(node.data.from.chain, node.data.at, (from) => from?.kind === "reply" && from.entry === node.name);
      if (!found) return;
      const next = await this.add(found.actor, found.data.seq, found.name, found.data);
      this.#edge(node, next, "reply");
      if (next) await this.down(next, depth + 1);
    }
  }

  #received(node, n, to) {
    return this.#search(to, node.data.at, (from) => from?.kind === "actor" && from.entry === node.name && from.n === n);
  }

  #timer(node, n) {
    return this.#search(node.actor, node.data.at, (from) => from?.kind === "timer" && from.seq === node.seq && from.n === n);
  }

  /** Looks for the entry of a chain, from a time on, whose sender fits. */
  async #search(actor, at, fits) {
    const info = await this.info(actor);
    if (!info) return null;
    let [low, high] = [0, info.seq];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const found = await this.#entry(info.actor, middle);
      if (!found) return null;
      if (found.data.at < at) low = middle + 1;
      else high = middle;
    }
    for (let page = 0; page < MAX_PAGES; page += 1) {
      const from = low + page * PAGE;
      if (from > info.seq) return null;
      const lines = toText(await this.source.lines(info.actor, from, PAGE)).split("\n").filter(Boolean);
      for (const line of lines) {
        const { data } = JSON.parse(line);
        if (fits(data.from)) return { actor: info.actor, data, name: this.chain.verifier.name(line) };
      }
    }
    return null;
  }
}

const LANE = 190;
const STEP = 62;
const WIDE = 164;
const HIGH = 42;

function draw({ nodes, edges }, go) {
  const sorted = [...nodes].sort((a, b) => a.data.at - b.data.at || a.actor === b.actor && a.seq - b.seq || 0);
  // Causes come first, also within a millisecond.
  for (let pass = 0; pass < sorted.length; pass += 1) {
    for (const { from, to } of edges) {
      const [a, b] = [sorted.indexOf(from), sorted.indexOf(to)];
      if (a > b) sorted.splice(b, 0, ...sorted.splice(a, 1));
    }
  }
  const lanes = [...new Set(sorted.map((node) => node.actor))];
  const place = (node) => ({ x: lanes.indexOf(node.actor) * LANE + 12, y: sorted.indexOf(node) * STEP + 40 });
  const width = lanes.length * LANE + 12;
  const height = sorted.length * STEP + 44;
  const labels = lanes.map((lane, n) => [
    s("text", { x: n * LANE + 12 + WIDE / 2, y: 18, class: "lane" }, sorted.find((node) => node.actor === lane).label),
    s("line", { x1: n * LANE + 12 + WIDE / 2, x2: n * LANE + 12 + WIDE / 2, y1: 28, y2: height, class: "life" }),
  ]);
  const arrows = edges.map(({ from, to, words }) => {
    const [a, b] = [place(from), place(to)];
    const same = a.x === b.x;
    const right = b.x > a.x;
    const x1 = same ? a.x + WIDE : right ? a.x + WIDE : a.x;
    const x2 = same ? b.x + WIDE : right ? b.x : b.x + WIDE;
    const [y1, y2] = [a.y + HIGH / 2, b.y + HIGH / 2];
    const bend = same ? 26 : 0;
    const middle = (x1 + x2) / 2;
    const path = same ? `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 + bend} ${y2} ${x2} ${y2}` : `M${x1} ${y1}C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}`;
    return [
      s("path", { d: path, class: "arrow", "marker-end": "url(#tip)" }),
      s("text", { x: middle + (same ? 22 : 0), y: (y1 + y2) / 2 - 4, class: "why" }, words),
    ];
  });
  const boxes = sorted.map((node) => {
    const { x, y } = place(node);
    const words = node.words || senderWords(node.data) || node.data.kind;
    const open = () => go(node.actor, node.seq);
    const label = `${node.label} #${node.seq}, ${node.data.kind}, ${words}`;
    return s(
      "g",
      {
        class: `node${node.isStart ? " here" : ""}${node.data.kind === "failure" ? " failed" : ""}`,
        tabindex: 0,
        role: "link",
        "aria-label": label,
        onclick: open,
        onkeydown: (event) => event.key === "Enter" && open(),
      },
      s("title", {}, label),
      s("rect", { x, y, width: WIDE, height: HIGH, rx: 7 }),
      s("text", { x: x + 10, y: y + 17, class: "id" }, `#${node.seq}`),
      s("text", { x: x + WIDE - 10, y: y + 17, class: "when" }, time(node.data.at)),
      s("text", { x: x + 10, y: y + 33, class: "what" }, words.length > 23 ? `${words.slice(0, 22)}…` : words),
    );
  });
  const tip = s("marker", { id: "tip", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" }, s("path", { d: "M0 0L8 4L0 8z" }));
  const picture = s(
    "svg",
    { viewBox: `0 0 ${width} ${height}`, width, height, class: "causes", role: "group", "aria-label": "Who caused what" },
    s("defs", {}, tip),
    labels,
    arrows,
    boxes,
  );
  return h("div", { class: "causes-scroll", tabindex: 0, role: "group", "aria-label": "Picture of causes" }, picture);
}
