// What a job does while it runs: how far it is, and the lines that its code writes.
//
// The node says it, and nothing here is checked: a line is no part of a chain, and may be of an entry that never is
// committed. What is committed the page checks elsewhere.

import { h, hash, number } from "./dom.js";
import { mark } from "./marks.js";

/** How many lines are kept, the last ones. */
const MAX_LINES = 50;

/** One job that is followed until it has ended, or until nobody looks any more. */
export class Following {
  #source;
  #job;
  #changed;
  #abort = new AbortController();
  #lines = [];
  /** How far each executor is. */
  #done = new Map();
  #words = "";

  constructor(source, job, changed) {
    this.#source = source;
    this.#job = job;
    this.#changed = changed;
  }

  async begin() {
    try {
      await this.#source.followJob(this.#job, this.#abort.signal, (kind, data) => this.#take(kind, data));
    } catch (error) {
      this.#words = error.message;
    }
    this.#changed();
  }

  end() {
    this.#abort.abort();
  }

  #take(kind, data) {
    if (kind === "line") this.#lines.push(data.line);
    else if (kind === "missed") this.#lines.push(`… ${number(data.lines)} lines came too fast`);
    else if (kind === "progress") this.#done.set(data.executor, `${number(data.done)} of ${number(data.of)}`);
    else if (kind === "dropped") this.#words = data.reason;
    else return;
    this.#lines.splice(0, this.#lines.length - MAX_LINES);
    this.#changed();
  }

  draw() {
    const done = [...this.#done].map(([executor, words]) => h("div", {}, h("dt", {}, hash(executor, 10)), h("dd", {}, `${words} inputs`)));
    return h(
      "div",
      { class: "job-running" },
      h("p", {}, mark("said"), " The node says so while it runs; a line is no part of a chain."),
      done.length ? h("dl", { class: "facts" }, done) : null,
      this.#lines.length ? h("pre", { "aria-label": "What it writes" }, this.#lines.join("\n")) : null,
      this.#words ? h("p", {}, `It broke off: ${this.#words}.`) : null,
    );
  }
}
