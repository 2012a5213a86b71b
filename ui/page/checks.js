// How far this page has checked a chain: the worker's word, and what the marks follow from.

import { startWorker, verifierWithin } from "./files.js";
import { Wrong } from "./verifier.js";

const PATIENCE = 20_000;
/** Chains that are not longer are run again without being asked to. */
export const RUN_UNASKED = 20_000;
/** Stretches of entries that were not run again, of which it is kept where they are. */
const MAX_GAPS = 1000;
/** Sizes of states that are kept to be drawn. */
const MAX_SIZES = 4096;

/** The checks of one chain. `changed` is called whenever there is more. */
export class Checks {
  links = { state: "running", count: 0, name: null, chain: null };
  replay = { state: "idle", count: 0, trust: 0, left: 0 };
  /** Entries that could not be run again, since what they need was taken back: first, last, and why. */
  gaps = [];
  /** Entries whose failure was taken on trust, since it depends on the engine: first and last. */
  trusted = [];
  signed = { state: "none" };
  /** What was shown and is not what the chain names. */
  blobs = { state: "none" };
  /** Of each page of 256 entries that was checked, the last one's name. */
  anchors = new Map();
  /** Sizes of states, as run again: seq and bytes. */
  sizes = [];
  #worker = null;
  /** Questions that the worker has not answered yet, by number. */
  #asked = new Map();
  #questions = 0;
  #spec;
  #changed;
  #upto;
  #watch;
  #heard = 0;
  #ended = false;

  constructor(spec, seq, changed) {
    this.#spec = spec;
    this.#changed = changed;
    this.#upto = seq;
  }

  /** Begins, once: after what is to be seen first. */
  begin() {
    if (this.#worker || this.#ended) return;
    this.#start({ replay: this.#upto <= RUN_UNASKED });
    this.#watch = setInterval(() => this.#look(), 1000);
  }

  #start({ replay }) {
    this.#worker = startWorker();
    this.#worker.onmessage = ({ data }) => this.#take(data);
    this.#worker.onerror = (event) => this.#take({ stage: "links", kind: "unknown", what: event.message ?? "the worker failed" });
    if (replay) this.replay.state = "running";
    this.#heard = performance.now();
    this.#worker.postMessage({ verifier: verifierWithin, spec: this.#spec, upto: this.#upto, replay });
  }

  /** The chain has grown to this position. */
  grown(seq) {
    if (seq <= this.#upto) return;
    this.#upto = seq;
    if (this.links.state === "ok") this.links.state = "running";
    if (this.replay.state === "ok") this.replay.state = "running";
    this.#heard = performance.now();
    this.#worker?.postMessage({ upto: seq });
  }

  get total() {
    return this.#upto + 1;
  }

  run() {
    this.replay.state = "running";
    this.#heard = performance.now();
    this.#worker.postMessage({ replay: true });
    this.#changed();
  }

  /** A list of a commons, as a node answers it, of the state that was come to here. */
  async commons(list, at, limit, after) {
    const [page] = await this.#ask("commons", list, `${at}`, `${limit}`, after);
    return JSON.parse(page);
  }

  /** Whether the run of a job came to what its receipt says; a `Wrong` says what it did not. */
  async isRunOf(spec, result) {
    await this.#ask("run", JSON.stringify(spec), JSON.stringify(result));
  }

  #ask(...ask) {
    const { promise, resolve, reject } = Promise.withResolvers();
    this.#asked.set((this.#questions += 1), { resolve, reject });
    this.#worker.postMessage({ ask, id: this.#questions });
    return promise;
  }

  #takeAnswer({ id, answer, what, isWrong }) {
    const { resolve, reject } = this.#asked.get(id);
    this.#asked.delete(id);
    if (answer) resolve(answer);
    else reject(isWrong ? new Wrong(null, what) : new Error(what));
  }

  end() {
    this.#ended = true;
    clearInterval(this.#watch);
    this.#worker?.terminate();
  }

  /** Code that does not return is stopped: there is no fuel here that would run out. */
  #look() {
    const running = this.replay.state === "running" && this.links.state === "ok";
    if (!running || performance.now() - this.#heard < PATIENCE) return;
    this.#worker.terminate();
    const what = `the actor's code did not return within ${PATIENCE / 1000} s here: use \`troupe verify\``;
    this.#take({ stage: "replay", kind: "unknown", seq: this.replay.count, what });
    this.#start({ replay: false });
  }

  #take(told) {
    if (this.#ended) return;
    this.#heard = performance.now();
    if (told.stage === "answer") return this.#takeAnswer(told);
    if (told.stage === "links") this.#takeLinks(told);
    else this.#takeReplay(told);
    this.#changed();
  }

  #takeLinks({ kind, count, name, chain, anchors = [], seq, what }) {
    if (kind !== "progress") {
      this.links = { ...this.links, state: kind, seq, what };
      if (this.replay.state !== "ok") this.replay = { ...this.replay, state: "unknown", what: "the links come first" };
      return;
    }
    for (let n = 0; n < anchors.length; n += 2) this.anchors.set(Math.floor(Number(anchors[n]) / 256), anchors[n + 1]);
    this.links = { state: count > this.#upto ? "ok" : "running", count, name, chain };
  }

  #takeReplay({ kind, count, sizes, gaps, trusted, trust, seq, what, instead, name }) {
    if (kind !== "progress") {
      this.replay = { ...this.replay, state: kind, seq, what, instead, count: count ?? this.replay.count };
      return;
    }
    if (name && count === this.links.count && name !== this.links.name) {
      return this.#takeReplay({ kind: "wrong", seq: count - 1, what: "the server gave other entries than before" });
    }
    this.sizes.push(...sizes);
    if (this.sizes.length > MAX_SIZES) this.sizes = this.sizes.filter((_, n) => n % 2);
    for (const [at, why] of gaps) note(this.gaps, at, why);
    for (const at of trusted) note(this.trusted, at, "it failed by a limit that browsers do not have, which is taken on trust");
    const left = this.replay.left + gaps.length;
    this.replay = { state: count > this.#upto ? "ok" : "running", count, trust, left };
  }

  /** Why an entry was not run again; null if it was, or will be. */
  whyNotRun(seq) {
    return reasonAt(this.gaps, seq, this.replay.count) ?? reasonAt(this.trusted, seq, this.replay.count);
  }

  /** What is wrong, if something is. */
  get fault() {
    for (const stage of [this.links, this.blobs, this.replay, this.signed]) if (stage.state === "wrong") return stage;
    return null;
  }

  /** The mark of an entry that fits what was checked: of its place in the chain, and of what came of it. */
  markOf(seq) {
    if (this.links.state === "wrong" && (this.links.seq ?? 0) <= seq) return this.links.seq === seq ? "wrong" : "said";
    if (this.replay.state === "wrong" && this.replay.seq === seq) return "wrong";
    if (seq < this.replay.count && this.whyNotRun(seq) === null) return "run";
    return seq < this.links.count ? "checked" : "said";
  }
}

/** Adds an entry to stretches of entries. */
function note(stretches, seq, why) {
  const last = stretches.at(-1);
  if (last && last.last === seq - 1) last.last = seq;
  else if (stretches.length < MAX_GAPS) stretches.push({ first: seq, last: seq, why });
}

/** Why an entry is in one of the stretches; null if it is in none. `count` entries were looked at. */
function reasonAt(stretches, seq, count) {
  const found = stretches.find(({ first, last }) => first <= seq && seq <= last);
  if (found) return found.why;
  const isBeyond = stretches.length === MAX_GAPS && seq > stretches.at(-1).last && seq < count;
  return isBeyond ? "there are too many such entries to keep each of them in mind" : null;
}

/** Runs a chain again as far as a position, for the state there. */
export function stateAt(spec, seq) {
  return new Promise((resolve, reject) => {
    const worker = startWorker();
    const timer = setTimeout(() => end(() => reject(new Error("that took too long here"))), 60_000);
    const end = (act) => {
      clearTimeout(timer);
      worker.terminate();
      act();
    };
    worker.onmessage = ({ data }) => {
      if (data.stage !== "state") return;
      end(() => (data.kind === "done" ? resolve(data.state) : reject(new Error(data.what))));
    };
    worker.postMessage({ verifier: verifierWithin, spec, stateAt: seq });
  });
}
