// One chain: what the page has checked of it, its entries, the one that is chosen, and the way through time.

import { Chain, PAGE } from "./chain.js";
import { announce, brief, h, hash, number, parsed, replace, s, throttled, withCode } from "./dom.js";
import { showEntry } from "./entry.js";
import { mark } from "./marks.js";
import { plots } from "./plots.js";
import { keyButton, logWords } from "./signed.js";
import { Timeline } from "./timeline.js";
import { toText } from "./verifier.js";

const FILTERS = [
  ["all", "All"],
  ["message", "Messages"],
  ["failure", "Failures"],
  ["effects", "With effects"],
  ["other", "Other"],
];
const MAX_FOUND = 2000;

/** The view of a chain. */
export class ActorView {
  #selected = -1;
  #filter = "all";
  #searching = 0;
  #slid = null;

  constructor({ main, source, verifier, actor, info, go }) {
    this.actor = actor;
    this.go = go;
    const changed = throttled(() => this.#update(), 60);
    this.chain = new Chain(source, verifier, actor, info, changed);
    this.timeline = new Timeline(this.chain, (seq) => go(actor, seq));
    this.entry = h("article", { class: "entry", "aria-label": "Entry" });
    this.verdict = h("section", { class: "verdict", "aria-label": "What this page has checked" });
    this.found = h("p", { class: "found quiet", role: "status" });
    this.plots = h("section", { class: "plots-place", "aria-label": "Plots" });
    this.plots.hidden = true;
    this.slider = h("input", { type: "range", min: 0, max: info.seq, step: 1, "aria-label": "Position in time" });
    this.slider.addEventListener("input", () => this.#slide());
    this.position = h("output", { class: "position" });
    const search = h("input", { type: "search", id: "search", placeholder: "Search: text, #position or a name", "aria-label": "Search in the chain" });
    search.addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.search(search.value);
    });
    search.addEventListener("search", () => search.value || this.search(""));
    this.chips = h("div", { class: "chips", role: "group", "aria-label": "Which entries" }, FILTERS.map(([value, words]) =>
      h("button", { type: "button", value, "aria-pressed": value === "all", onclick: () => this.filter(value) }, words)));
    this.live = source.follow
      ? h("button", { type: "button", class: "live", "aria-pressed": "false", onclick: () => this.follow() }, h("span", { class: "dot", "aria-hidden": "true" }), "Follow live")
      : null;
    const step = (by, words, path) => h("button", { type: "button", class: "icon", title: words, "aria-label": words, onclick: () => this.step(by) },
      s("svg", { viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true" }, s("path", { d: path })));
    replace(
    main,
      h(
        "div",
        { class: "chain" },
        this.verdict,
        this.plots,
        h(
          "section",
          { class: "entries", "aria-label": "Entries" },
          h("div", { class: "find" }, search, this.live),
          this.chips,
          this.found,
          this.timeline.element,
        ),
        this.entry,
        h(
          "nav",
          { class: "travel", "aria-label": "Through time" },
          step(-Infinity, "The first entry (Home)", "M3 3v10M13 3L6 8l7 5z"),
          step(-1, "One entry back (←)", "M11 3L5 8l6 5z"),
          this.slider,
          step(1, "One entry forward (→)", "M5 3l6 5-6 5z"),
          step(Infinity, "The last entry (End)", "M13 3v10M3 3l7 5-7 5z"),
          this.position,
        ),
      ),
    );
    this.#update();
  }

  end() {
    this.chain.end();
    this.#searching += 1;
  }

  /** Shows the entry at a position or with a name. */
  async find(key) {
    if (/^\d+$/.test(key)) return this.select(Number(key));
    const bytes = await this.chain.source.entry(this.actor, key);
    if (!bytes) return this.select(this.chain.seq);
    const { data } = JSON.parse(toText(bytes));
    return this.select(data.seq);
  }

  async select(wanted) {
    const seq = Math.max(0, Math.min(this.chain.seq, wanted));
    if (seq === this.#selected && this.record) return;
    this.#selected = seq;
    this.timeline.select(seq);
    this.slider.value = seq;
    this.#place();
    const record = await this.chain.at(seq).catch((error) => {
      replace(this.entry, h("p", { class: "message" }, error.message));
      return null;
    });
    this.chain.checks.begin();
    if (!record || seq !== this.#selected) return;
    this.record = record;
    announce(`entry ${seq}, ${record.data.kind}, ${this.chain.markOf(record)}`);
    await showEntry(this.entry, this.chain, record, this.go);
  }

  step(by) {
    this.go(this.actor, Math.max(0, Math.min(this.chain.seq, this.#selected + by)));
  }

  #slide() {
    clearTimeout(this.#slid);
    const seq = Number(this.slider.value);
    this.position.textContent = `${number(seq)} of ${number(this.chain.seq)}`;
    this.#slid = setTimeout(() => this.go(this.actor, seq), 25);
  }

  #place() {
    const { seq } = this.chain;
    this.slider.max = seq;
    this.slider.value = this.#selected;
    this.slider.setAttribute("aria-valuetext", `entry ${this.#selected} of ${seq}`);
    this.slider.style.setProperty("--part", `${(100 * Math.max(0, this.#selected)) / Math.max(1, seq)}%`);
    this.position.textContent = `${number(Math.max(0, this.#selected))} of ${number(seq)}`;
  }

  key(event) {
    const by = event.shiftKey ? 10 : 1;
    const act = {
      ArrowLeft: () => this.step(-by),
      ArrowRight: () => this.step(by),
      Home: () => this.step(-Infinity),
      End: () => this.step(Infinity),
      f: () => this.follow(),
      g: () => this.showPlots(),
      w: () => this.entry.querySelector(".choice button[aria-pressed=false]")?.click(),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  follow() {
    if (!this.live) return;
    this.chain.follow(!this.chain.isFollowing);
    this.live.setAttribute("aria-pressed", this.chain.isFollowing);
    announce(this.chain.isFollowing ? "following live" : "not following");
  }

  async showPlots() {
    this.plots.hidden = !this.plots.hidden;
    this.#update();
    if (this.plots.hidden) return;
    replace(this.plots, h("p", { class: "quiet" }, "Reading…"));
    replace(this.plots, await plots(this.chain, this.go));
  }

  #update() {
    const before = Number(this.slider.max);
    const grown = this.chain.seq - before;
    if (grown > 0) {
      const atEnd = this.#selected === before;
      this.timeline.grown(grown);
      if (atEnd && this.chain.isFollowing) this.go(this.actor, this.chain.seq);
    }
    this.#place();
    this.timeline.update();
    this.entry.drawMarks?.();
    this.#drawVerdict();
    const fault = this.chain.checks.fault;
    if (fault && fault.what !== this.told) {
      this.told = fault.what;
      announce(`wrong: ${fault.what}`);
      // What a divergence shows belongs to the entry that is in sight.
      if (this.record && this.record.seq === fault.seq) showEntry(this.entry, this.chain, this.record, this.go);
    }
  }

  #drawVerdict() {
    const { checks, info } = this.chain;
    const { links, replay, signed } = checks;
    const fault = checks.fault;
    const ended = links.state === "ok" && replay.state === "ok";
    const left = replay.left + replay.trust;
    const done = ended && left === 0;
    const kind = fault ? "wrong" : done ? "run" : links.state === "ok" ? "checked" : "said";
    const sentence = fault
      ? h("span", {}, "False", fault.seq !== null && fault.seq !== undefined ? [" at ", h("button", { type: "button", class: "link", onclick: () => this.go(this.actor, fault.seq) }, `#${number(fault.seq)}`)] : null)
      : done
        ? "Checked and run again, here"
        : ended
          ? `Checked here; run again but for ${entries(left)}`
          : links.state === "ok"
          ? replay.state === "running" ? "Checked here; running it again" : "Checked here; not run again"
          : links.state === "unknown" ? "Could not be checked" : "Checking";
    const cells = [
      cell(links.state === "wrong" ? "wrong" : links.state === "ok" ? "checked" : "said", "Names and links",
        links.state === "wrong" ? stoppedAt(links) : links.state === "unknown" ? links.what : `${number(links.count)} of ${number(checks.total)}`, progress(links, checks.total)),
      cell(replay.state === "wrong" ? "wrong" : done ? "run" : ended && replay.left ? "erased" : "said", "Run again", this.#replayWords(), progress(replay, checks.total)),
      this.chain.source.proof
        ? cell(signed.state === "wrong" ? "wrong" : signed.state === "ok" ? "checked" : "said", "Signed by the node",
          signed.state === "ok" ? [`as far as #${number(signed.size - 1)}, by `, keyButton(signed.seen.key), ...logWords(signed.seen)] : signed.state === "wrong" ? stoppedAt(signed) : signed.what ?? "not looked at yet")
        : cell("said", "Signed", "a bundle has no signature: compare the head"),
    ];
    if (replay.state === "idle" && links.state === "ok") {
      cells[1].append(h("button", { type: "button", class: "small", onclick: () => checks.run() }, "Run it again here"));
    }
    const pressed = !this.plots.hidden;
    const old = this.verdict.querySelector(":focus")?.dataset.name;
    this.verdict.dataset.kind = kind;
    replace(
    this.verdict,
      h(
        "div",
        { class: "sentence" },
        mark(kind),
        h("div", {}, h("strong", {}, sentence), h("span", { class: "identity" }, info.status, " · ", hash(info.actor, 10), h("span", { class: "world" }, " · ", info.world))),
        h("button", { type: "button", class: "small", data: { name: "plots" }, "aria-pressed": pressed, onclick: () => this.showPlots() }, "Plots"),
      ),
      fault ? h("p", { class: "fault" }, brief(fault.what)) : null,
      h("div", { class: "cells" }, cells),
    );
    if (old) this.verdict.querySelector(`[data-name=${old}]`)?.focus();
  }

  #replayWords() {
    const { checks } = this.chain;
    const { replay, gaps } = checks;
    const trust = replay.trust ? `; ${number(replay.trust)} failure${replay.trust > 1 ? "s" : ""} by limits that browsers do not have taken on trust` : "";
    switch (replay.state) {
      case "ok": {
        const same = `every state, reply and effect came out the same${trust}`;
        if (!replay.left) return same;
        const first = gaps[0].first;
        const at = h("button", { type: "button", class: "link", onclick: () => this.go(this.actor, first) }, `#${number(first)}`);
        return [`but for ${entries(replay.left)}, ${replay.left === 1 ? "at" : "the first at"} `, at, `, whose bytes were taken back, ${same}`];
      }
      case "idle":
        return "not asked for yet";
      case "unknown":
        return ["not here: ", withCode(replay.what)];
      case "wrong":
        return stoppedAt(replay);
      default:
        return `${number(replay.count)} of ${number(checks.total)}`;
    }
  }

  /** Shows only entries of a kind. */
  async filter(value) {
    this.#filter = value;
    for (const chip of this.chips.children) chip.setAttribute("aria-pressed", chip.value === value);
    document.querySelector("#search").value = "";
    if (value === "all") return this.#showAll();
    const fits = {
      message: ({ data }) => data.kind === "message",
      failure: ({ data }) => data.kind === "failure",
      effects: ({ data }) => (data.effects ?? []).length > 0,
      other: ({ data }) => data.kind !== "message" && data.kind !== "failure",
    }[value];
    await this.#scan(async (records) => records.filter(fits));
  }

  #showAll() {
    this.#searching += 1;
    this.found.textContent = "";
    this.timeline.filter(null);
  }

  /** Searches: a position, a name, or text in messages and entries. */
  async search(text) {
    const wanted = text.trim();
    for (const chip of this.chips.children) chip.setAttribute("aria-pressed", chip.value === "all");
    if (!wanted) return this.#showAll();
    if (/^#?\d+$/.test(wanted)) return this.go(this.actor, Math.min(this.chain.seq, Number(wanted.replace("#", ""))));
    if (/^[0-9a-f]{64}$/.test(wanted)) {
      const entry = await this.chain.source.entry(this.actor, wanted).catch(() => null);
      if (entry) return this.find(wanted);
    }
    const lower = wanted.toLowerCase();
    const holds = async (record) => {
      if (record.text.toLowerCase().includes(lower)) return true;
      if (!record.data.message) return false;
      const blob = await this.chain.blob(record.data.message, record.seq);
      return Boolean(blob.bytes && parsed(blob.bytes).text?.toLowerCase().includes(lower));
    };
    await this.#scan(async (records) => {
      const held = await Promise.all(records.map(holds));
      return records.filter((_, n) => held[n]);
    });
  }

  /** Goes through the chain from its end, and shows what fits as it is found. */
  async #scan(pick) {
    this.#searching += 1;
    const mine = this.#searching;
    const positions = [];
    this.timeline.filter(positions);
    for (let page = Math.floor(this.chain.seq / PAGE); page >= 0 && positions.length < MAX_FOUND; page -= 1) {
      const { entries } = await this.chain.page(page);
      const fitting = await pick(entries);
      if (mine !== this.#searching) return;
      positions.push(...fitting.map((record) => record.seq).reverse());
      this.found.textContent = `${number(positions.length)} found, looked from #${number(page * PAGE)} on`;
      this.timeline.update();
    }
    this.found.textContent = `${number(positions.length)} found`;
  }
}

function cell(kind, title, words, bar = null) {
  return h("div", { class: `cell cell-${kind}` }, mark(kind), h("div", { class: "cell-words" }, h("h2", {}, title), h("p", {}, words)), bar);
}

const stoppedAt = ({ seq }) => (seq === null || seq === undefined ? "not what it should be" : `not what it should be at #${number(seq)}`);

function progress(stage, total) {
  if (stage.state !== "running") return null;
  return h("progress", { max: total, value: stage.count, "aria-label": "checked so far" });
}

const entries = (count) => (count === 1 ? "one entry" : `${number(count)} entries`);
