// The chain as a list, newest first: as many rows as are in sight, however long it is.

import { PAGE, senderWords } from "./chain.js";
import { date, h, number, preview, time } from "./dom.js";
import { mark } from "./marks.js";

const ROW = 30;
/** Browsers draw nothing that is much taller. */
const MAX_HEIGHT = 12_000_000;

const KINDS = {
  genesis: "begins",
  init: "first state",
  message: "message",
  failure: "failed",
  upgrade: "upgrade",
  engine: "engine",
  stop: "stops",
};

/** The word for a kind of entry. */
export const kindWord = (kind) => KINDS[kind] ?? kind;

/** The list. `choose` is called with the position that was chosen. */
export class Timeline {
  #rows = new Map();
  #selected = -1;
  #chain;
  #choose;
  /** The positions that are shown, newest first; null for all. */
  #only = null;
  #frame = 0;

  constructor(chain, choose) {
    this.#chain = chain;
    this.#choose = choose;
    this.layer = h("div", { class: "layer" });
    this.spacer = h("div", { class: "spacer" }, this.layer);
    this.element = h(
      "div",
      { class: "timeline", role: "listbox", tabindex: 0, "aria-label": "Entries, newest first", onscroll: () => this.#soon() },
      this.spacer,
    );
    this.element.addEventListener("click", (event) => {
      const row = event.target.closest("[data-seq]");
      if (row) this.#choose(Number(row.dataset.seq));
    });
    this.element.addEventListener("keydown", (event) => this.#key(event));
    new ResizeObserver(() => this.#soon()).observe(this.element);
  }

  get #count() {
    return this.#only ? this.#only.length : this.#chain.seq + 1;
  }

  #seqAt(index) {
    return this.#only ? this.#only[index] : this.#chain.seq - index;
  }

  #indexOf(seq) {
    return this.#only ? this.#only.indexOf(seq) : this.#chain.seq - seq;
  }

  /** Shows only these positions; null shows all. */
  filter(only) {
    this.#only = only;
    this.element.scrollTop = 0;
    this.#rows.clear();
    this.layer.replaceChildren();
    this.update();
  }

  /** Something changed: what is in sight is drawn again. */
  update() {
    for (const row of this.#rows.values()) row.mark?.();
    this.#soon();
  }

  /** The chain has grown; who looks at older entries keeps seeing them. */
  grown(by) {
    if (!this.#only && this.element.scrollTop > ROW) this.element.scrollTop += by * ROW * this.#scale();
    this.#soon();
  }

  select(seq) {
    const before = this.#selected;
    this.#selected = seq;
    for (const one of [before, seq]) this.#rows.get(one)?.element.setAttribute("aria-selected", one === seq);
    this.element.setAttribute("aria-activedescendant", `row-${seq}`);
    this.#show(this.#indexOf(seq));
  }

  #scale() {
    return Math.min(1, MAX_HEIGHT / (this.#count * ROW));
  }

  /** Makes the list as tall as it is long; answers by how much it is taller than drawn. */
  #height() {
    const scale = this.#scale();
    this.spacer.style.height = `${Math.max(this.#count * ROW * scale, this.element.clientHeight)}px`;
    return scale;
  }

  /** Scrolls as far as it takes to have a row in sight. */
  #show(index) {
    if (index < 0) return;
    const scale = this.#height();
    const top = index * ROW * scale;
    const { scrollTop, clientHeight } = this.element;
    if (top < scrollTop || top > scrollTop + (clientHeight - ROW) * scale) {
      this.element.scrollTop = Math.max(0, top - (clientHeight / 2) * scale);
    }
    this.#soon();
  }

  #soon() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#draw();
    });
  }

  #draw() {
    const scale = this.#height();
    const height = this.element.clientHeight;
    const from = this.element.scrollTop / scale / ROW;
    const first = Math.max(0, Math.floor(from) - 2);
    const last = Math.min(this.#count - 1, Math.ceil(from + height / ROW) + 2);
    const wanted = new Set();
    for (let index = first; index <= last; index += 1) {
      const seq = this.#seqAt(index);
      wanted.add(seq);
      let row = this.#rows.get(seq);
      if (!row) {
        row = this.#row(seq);
        this.#rows.set(seq, row);
        this.layer.append(row.element);
      }
      row.element.setAttribute("aria-setsize", this.#count);
      row.element.setAttribute("aria-posinset", index + 1);
      row.element.style.transform = `translateY(${Math.round((index - from) * ROW)}px)`;
    }
    for (const [seq, row] of this.#rows) {
      if (wanted.has(seq)) continue;
      row.element.remove();
      this.#rows.delete(seq);
    }
  }

  #row(seq) {
    const element = h("div", {
      class: "row",
      role: "option",
      id: `row-${seq}`,
      "aria-selected": seq === this.#selected,
      data: { seq },
    });
    element.append(h("span", { class: "seq" }, number(seq)));
    const row = { element };
    const here = this.#chain.atHere(seq);
    if (here) {
      this.#fill(row, here);
      return row;
    }
    const fetching = this.#chain.page(Math.floor(seq / PAGE));
    fetching
      .then((page) => {
        const record = page.entries[seq % PAGE];
        if (record && this.#rows.get(seq) === row) this.#fill(row, record);
      })
      .catch(() => element.append(h("span", { class: "quiet" }, "not answered")));
    return row;
  }

  #fill(row, record) {
    const { data } = record;
    const marked = h("span", { class: "marked" });
    let shown = null;
    row.mark = () => {
      const kind = this.#chain.markOf(record);
      if (kind === shown) return;
      shown = kind;
      marked.replaceChildren(mark(kind));
    };
    row.mark();
    row.element.dataset.kind = data.kind;
    const what = h("span", { class: "what" });
    const effects = (data.effects ?? []).length;
    row.element.replaceChildren(
      marked,
      h("span", { class: "seq" }, number(record.seq)),
      h("time", { class: "at", datetime: new Date(data.at).toISOString(), title: `${date(data.at)} ${time(data.at)} UTC` }, time(data.at)),
      h("span", { class: `kind kind-${data.kind}` }, data.kind === "failure" ? data.error : kindWord(data.kind)),
      what,
      effects ? h("span", { class: "effects", title: `${effects} effects` }, `↗${effects}`) : h("span"),
    );
    const words = senderWords(data);
    if (data.message) {
      what.textContent = words;
      this.#chain.blob(data.message, record.seq).then((blob) => {
        if (blob.bytes) what.textContent = preview(blob.bytes);
        else what.textContent = blob.erased ? "erased" : "the message is missing";
      }, () => {});
    } else {
      what.textContent = data.reason ?? data.world ?? words;
    }
  }

  #key(event) {
    const by = { ArrowDown: 1, ArrowUp: -1, PageDown: 12, PageUp: -12, Home: -Infinity, End: Infinity }[event.key];
    if (by === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    const index = Math.min(this.#count - 1, Math.max(0, this.#indexOf(this.#selected) + by));
    this.#choose(this.#seqAt(index));
  }
}
