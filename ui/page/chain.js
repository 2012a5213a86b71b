// A chain as it is shown: entries by page, each with the name that this page computed, and its mark.

import { Checks, stateAt } from "./checks.js";
import { NodeLog } from "./log.js";
import { Wrong, toText } from "./verifier.js";
import { day } from "./dom.js";

export const PAGE = 256;
const KEPT_PAGES = 24;
const KEPT_BLOBS = 256;

const encoder = new TextEncoder();

/** A chain. `changed` is called whenever there is more to show. */
export class Chain {
  #pages = new Map();
  #fetching = new Map();
  #blobs = new Map();
  #states = new Map();
  #names = new Map();
  #following = null;

  constructor(source, verifier, actor, info, changed) {
    this.source = source;
    this.verifier = verifier;
    this.actor = actor;
    this.info = info;
    this.seq = info.seq;
    this.changed = changed;
    this.checks = new Checks(source.spec(actor), info.seq, () => {
      this.#sign();
      changed();
    });
  }

  end() {
    this.checks.end();
    this.follow(false);
  }

  /** The page of entries with this number. */
  async page(number) {
    const here = this.#pages.get(number);
    if (here) {
      this.#keep(here);
      return here;
    }
    let fetching = this.#fetching.get(number);
    if (!fetching) {
      fetching = this.#fetch(number).finally(() => this.#fetching.delete(number));
      this.#fetching.set(number, fetching);
    }
    return fetching;
  }

  /** The same, if it is here already. */
  pageHere(number) {
    return this.#pages.get(number) ?? null;
  }

  async #fetch(number) {
    const lines = await this.source.lines(this.actor, number * PAGE, PAGE);
    return this.#keep({ number, entries: this.#read(lines, number * PAGE) });
  }

  /** Keeps a page as the one that was used last. */
  #keep(page) {
    this.#pages.delete(page.number);
    this.#pages.set(page.number, page);
    if (this.#pages.size > KEPT_PAGES) this.#pages.delete(this.#pages.keys().next().value);
    return page;
  }

  /** Entries with the names of their bytes. What is no entry, or does not follow, is marked. */
  #read(lines, from) {
    const texts = toText(lines).split("\n").filter(Boolean);
    const entries = [];
    let names = [];
    let fault = null;
    try {
      names = this.verifier.texts("window", lines);
    } catch (error) {
      if (!(error instanceof Wrong)) throw error;
      fault = error;
    }
    texts.forEach((text, n) => {
      const bytes = encoder.encode(text);
      const name = names[n] ?? this.verifier.name(bytes);
      let entry = { data: { kind: "?", seq: from + n, at: 0 } };
      try {
        entry = JSON.parse(text);
      } catch {
        fault ??= new Wrong(from + n, "it is not JSON");
      }
      const misplaced = entry.data.seq !== from + n;
      entries.push({ seq: from + n, name, data: entry.data, parent: entry.parent, text, misplaced });
    });
    if (fault) {
      const broken = entries.find((entry, n) => n > 0 && entry.parent !== entries[n - 1].name) ?? entries[0];
      if (broken) broken.fault = fault.message;
    }
    return entries;
  }

  /** The entry at a position; null if there is none. */
  async at(seq) {
    if (seq < 0 || seq > this.seq) return null;
    const page = await this.page(Math.floor(seq / PAGE));
    return page.entries[seq % PAGE] ?? null;
  }

  atHere(seq) {
    return this.pageHere(Math.floor(seq / PAGE))?.entries[seq % PAGE] ?? null;
  }

  /** The mark of an entry: what is shown must be what was checked. */
  markOf(record) {
    if (record.fault || record.misplaced) return "wrong";
    const mark = this.checks.markOf(record.seq);
    if (mark === "said" || mark === "wrong") return mark;
    const number = Math.floor(record.seq / PAGE);
    const entries = this.pageHere(number)?.entries ?? [];
    const anchor = this.checks.anchors.get(number);
    const { count, name } = this.checks.links;
    const last = anchor ? entries[PAGE - 1] : entries[(count - 1) % PAGE];
    const expected = anchor ?? (Math.floor((count - 1) / PAGE) === number ? name : null);
    if (!last || !expected) return "said";
    if (last.name !== expected) return "wrong";
    // There is nothing in these to be run.
    return ["genesis", "engine", "stop"].includes(record.data.kind) ? "checked" : mark;
  }

  /** The bytes under a name, compared with it: bytes, and a mark; or why there are none. */
  async blob(name, seq = null, actor = this.actor) {
    const key = `${actor} ${name}`;
    const known = this.#blobs.get(key);
    if (known) return known;
    const found = await this.source.blob(actor, name);
    if (found.bytes) {
      const got = this.verifier.name(found.bytes);
      found.mark = got === name ? "checked" : "wrong";
      if (got !== name) {
        found.what = `these bytes hash to ${got.slice(0, 12)}…, and the chain names ${name.slice(0, 12)}…`;
        if (actor === this.actor) this.checks.blobs = { state: "wrong", seq, what: `blobs: the bytes found for ${name} hash to ${got}` };
        this.changed();
      }
    } else {
      found.mark = found.redaction ? "erased" : "said";
    }
    this.#blobs.set(key, found);
    if (this.#blobs.size > KEPT_BLOBS) this.#blobs.delete(this.#blobs.keys().next().value);
    return found;
  }

  /** What an actor is called: by its name on the node, or by the beginning of its id. */
  async nameOf(actor) {
    if (!/^[0-9a-f]{64}$/.test(actor)) return actor;
    if (!this.#names.has(actor)) {
      const info = this.source.find ? this.source.find(actor) : Promise.resolve(null);
      this.#names.set(actor, info.then((found) => found?.name ?? `${actor.slice(0, 8)}…`));
    }
    return this.#names.get(actor);
  }

  /** The state that an entry led to, or failed in. */
  async stateOf(record) {
    const name = stateName(record.data);
    if (!name) return null;
    const found = await this.blob(name, record.seq);
    return { ...found, name };
  }

  /** The state at a position, made by running the actor again. */
  async runTo(seq) {
    if (!this.#states.has(seq)) {
      const state = stateAt(this.source.spec(this.actor), seq);
      state.catch(() => this.#states.delete(seq));
      this.#states.set(seq, state);
    }
    return this.#states.get(seq);
  }

  get isFollowing() {
    return this.#following !== null;
  }

  /** Follows the chain as it grows, or stops to. */
  follow(yes) {
    if (!yes) {
      this.#following?.abort();
      this.#following = null;
      return;
    }
    if (this.#following || !this.source.follow) return;
    const ending = new AbortController();
    this.#following = ending;
    const again = async () => {
      while (!ending.signal.aborted) {
        try {
          await this.source.follow(this.actor, this.seq + 1, ending.signal, (text) => this.#append(text));
        } catch (error) {
          if (ending.signal.aborted) return;
        }
        await new Promise((resolve) => setTimeout(resolve, 1000));
      }
    };
    again();
  }

  #append(text) {
    const seq = this.seq + 1;
    const number = Math.floor(seq / PAGE);
    const page = this.pageHere(number);
    // Each entry is held to the one before it as the page is; the worker looks at the whole chain.
    const [record] = this.#read(encoder.encode(text), seq);
    if (record.misplaced) return;
    if (page) {
      const before = page.entries[page.entries.length - 1];
      if (before && record.parent !== before.name) record.fault = "it does not name the entry before it";
      if (page.entries.length === seq % PAGE) page.entries.push(record);
    } else if (seq % PAGE === 0) {
      this.#keep({ number, entries: [record] });
    }
    this.seq = seq;
    this.checks.grown(seq);
    this.changed();
  }

  /** Looks for the node's signature over what was checked, once there is something checked. */
  async #sign() {
    const { checks } = this;
    if (checks.links.state !== "ok" || !this.source.proof) return;
    if (this.signing || (checks.signed.size ?? 0) >= checks.links.count) return;
    this.signing = true;
    try {
      const log = new NodeLog(this.source, this.verifier);
      const [{ key, witnesses }, proof] = await Promise.all([log.keys(), this.source.proof(this.actor)]);
      const [name, chain, size, leaves, root, ...cosigned] = this.verifier.texts("proof", proof, key, witnesses);
      const seen = await log.check({ key, size: Number(leaves), root, cosigned });
      const record = await this.at(Number(size) - 1);
      const same = record && chain === checks.links.chain && record.name === name && this.markOf(record) !== "wrong";
      checks.signed = same || Number(size) > checks.links.count
        ? { ...otherThanBefore(seen), size: Number(size), seen }
        : { state: "wrong", seq: Number(size) - 1, what: "the node signed another entry than the one that it shows" };
    } catch (error) {
      const state = error instanceof Wrong ? "wrong" : "unknown";
      checks.signed = { ...checks.signed, state, what: error.message, seq: null };
    }
    this.changed();
    // What is committed is signed within seconds.
    setTimeout(() => {
      this.signing = false;
      if (checks.signed.state === "unknown" || (checks.signed.size ?? 0) < checks.links.count) this.#sign();
    }, 3000);
  }
}

/** Whether the node's log is what this browser saw of it before, or goes on from there. */
const otherThanBefore = ({ before }) =>
  before.kind === "wrong"
    ? { state: "wrong", seq: null, what: `the node signed another log than this browser saw on ${day(before.at)}: ${before.what}` }
    : { state: "ok" };

/** The name of the state that an entry led to, or that it failed in. */
export const stateName = (data) => data.state ?? (data.kind === "failure" ? data.before : data.fork?.state ?? null);

/** Who sent an entry's message, in a few words. */
export function senderWords(data) {
  const { from } = data;
  if (!from) return data.kind === "genesis" && data["started-by"] ? "its parent" : "";
  switch (from.kind) {
    case "http":
      return "a client";
    case "did":
      return from.did;
    case "timer":
      return `its timer of #${from.seq}`;
    case "reply":
      return `a reply to #${from.seq}`;
    case "notice":
      return `a notice: ${from.about}`;
    case "parent":
      return "its parent";
    default:
      return "another actor";
  }
}
