// The log of a node: what it signed, who cosigned that, and whether it goes on from what this browser saw before.
//
// What is kept between visits, in the browser's own storage: the last checkpoint of each node, and keys that the reader
// believes. Nothing of it is secret, and nothing of it comes from a node without its signature.

import { NotAnswered } from "./source.js";
import { Unknown, Wrong } from "./verifier.js";

const SEEN = "troupe.seen ";
const BELIEVED = "troupe.keys";
/** The most keys that a reader gives. */
const MAX_KEYS = 100;

/** The browser may have no storage for this page: then nothing is remembered. */
const storage = {
  get(key) {
    try {
      return localStorage.getItem(key);
    } catch {
      return null;
    }
  },
  set(key, value) {
    try {
      localStorage.setItem(key, value);
    } catch {
      // The next visit begins anew.
    }
  },
};

/** Of each node, what was kept of it when this page was opened. */
const visited = new Map();

const keysIn = (text) => text.split("\n").map((line) => line.trim()).filter(Boolean);

/** The keys that the reader believes. */
export const believed = () => keysIn(storage.get(BELIEVED) ?? "");

/** Keeps the keys that the reader believes; says which line is none. */
export function believe(verifier, text) {
  const keys = keysIn(text);
  if (keys.length > MAX_KEYS) throw new Unknown(`at most ${MAX_KEYS} keys`);
  for (const key of keys) verifier.ask("key", key);
  storage.set(BELIEVED, keys.join("\n"));
}

/** The node's log, as far as it is to be believed. */
export class NodeLog {
  #source;
  #verifier;

  constructor(source, verifier) {
    this.#source = source;
    this.#verifier = verifier;
  }

  /** Who signs and who cosigns: as the node says, and as the reader believes. */
  async keys() {
    const [key, witnesses] = await Promise.all([this.#source.key(), this.#source.witnesses()]);
    return { key: key.trim(), witnesses: [...new Set([...believed(), ...keysIn(witnesses)])].join("\n") };
  }

  /** The node's newest checkpoint, checked. */
  async look() {
    const { key, witnesses } = await this.keys();
    const note = await this.#source.checkpoint();
    const [, size, root, ...cosigned] = this.#verifier.texts("checkpoint", note, key, witnesses);
    return this.check({ key, size: Number(size), root, cosigned });
  }

  /** A checkpoint that the key has signed: whom that key and those of its witnesses belong to, and what was seen before. */
  async check({ key, size, root, cosigned }) {
    const known = new Set(believed());
    const witnesses = [];
    for (let n = 0; n < cosigned.length; n += 2) {
      witnesses.push({ key: cosigned[n], at: Number(cosigned[n + 1]) * 1000, isBelieved: known.has(cosigned[n]) });
    }
    return { key, isBelieved: known.has(key), size, root, witnesses, before: await this.#compare(key, size, root) };
  }

  /** Compares with what this browser saw last of the node, and keeps what goes on from it. */
  async #compare(key, size, root) {
    const place = SEEN + this.#source.base;
    const seen = parsed(storage.get(place));
    if (!visited.has(place)) visited.set(place, seen);
    const keep = () => storage.set(place, JSON.stringify({ key, size, root, at: Date.now() }));
    if (!seen) {
      keep();
      return { kind: "first" };
    }
    // Since then each look went on from the one before it.
    const last = visited.get(place) ?? seen;
    const before = { size: last.size, at: last.at };
    if (seen.key !== key) return { ...before, kind: "other", key: seen.key };
    try {
      await this.#goesOn(seen, { size, root });
    } catch (error) {
      if (!(error instanceof Wrong)) return { ...before, kind: "unknown", what: error.message };
      return { ...before, kind: "wrong", what: error.message };
    }
    // What was looked at a moment ago, in another place, may be newer than this.
    if (size >= seen.size) keep();
    if (!visited.get(place)) return { kind: "first" };
    return { ...before, kind: size > last.size ? "grown" : "same" };
  }

  /** Shows that of what was seen and what is shown now, one goes on from the other. */
  async #goesOn(seen, now) {
    const [older, newer] = seen.size <= now.size ? [seen, now] : [now, seen];
    const hashes = older.size === newer.size ? [] : await this.#proof(older.size, newer.size, newer === seen);
    this.#verifier.ask("consistency", `${older.size}`, older.root, `${newer.size}`, newer.root, hashes.map((hash) => `${hash}\n`).join(""));
  }

  async #proof(from, to, wasSeen) {
    try {
      return (await this.#source.consistency(from, to)).hashes;
    } catch (error) {
      if (wasSeen && error instanceof NotAnswered && error.status === 404) {
        throw new Wrong(null, `it had ${to} leaves then, and has no more than ${from} now`);
      }
      throw error;
    }
  }

  /** Forgets what was seen of the node before. */
  forget() {
    storage.set(SEEN + this.#source.base, "null");
    visited.delete(SEEN + this.#source.base);
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
