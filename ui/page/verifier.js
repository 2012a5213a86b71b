// The project's own checks, compiled to WebAssembly: names, links, replay, proofs. Built from `ui/verifier`.
//
// Everything crosses as lists of byte strings: each its length in four bytes, little-endian, and its bytes.

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Bytes of a text, or the bytes given. */
export const toBytes = (item) => (typeof item === "string" ? encoder.encode(item) : item);

/** The text of bytes; what is not UTF-8 is replaced. */
export const toText = (bytes) => decoder.decode(bytes);

/** Writes a list. */
export function pack(items) {
  const parts = items.map(toBytes);
  const out = new Uint8Array(parts.reduce((sum, part) => sum + 4 + part.length, 0));
  const view = new DataView(out.buffer);
  let at = 0;
  for (const part of parts) {
    view.setUint32(at, part.length, true);
    out.set(part, at + 4);
    at += 4 + part.length;
  }
  return out;
}

/** Reads a list. */
export function unpack(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const items = [];
  for (let at = 0; at < bytes.length; ) {
    const length = view.getUint32(at, true);
    items.push(bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return items;
}

/** Something is wrong with what was checked: at `seq`, if that can be told. */
export class Wrong extends Error {
  constructor(seq, what, instead) {
    super(what);
    this.seq = seq;
    this.instead = instead;
  }
}

/** It could not be checked; that says nothing about what was to be checked. */
export class Unknown extends Error {}

/** The checks. */
export class Verifier {
  #exports;
  /** Set once a call did not return: what the module was about to do, it never did. */
  #isBroken = false;

  /** Starts them; `guest` answers calls of an actor's code: a list in, a list out. `within` is the module, if it is at hand. */
  static async load(guest, within) {
    const verifier = new Verifier();
    let answer = new Uint8Array();
    const memory = () => new Uint8Array(verifier.#exports.memory.buffer);
    const page = {
      guest(list, length) {
        answer = guest ? guest(verifier, memory().slice(list, list + length)) : pack(["abort", "nothing runs here"]);
        return answer.length;
      },
      take(to) {
        memory().set(answer, to);
      },
    };
    const { instance } = within
      ? await WebAssembly.instantiate(within, { page })
      : await WebAssembly.instantiateStreaming(fetch(new URL("verifier.wasm", import.meta.url)), { page });
    verifier.#exports = instance.exports;
    return verifier;
  }

  /** Does an operation; answers the items after `ok`. */
  ask(...items) {
    const { memory } = this.#exports;
    const list = pack(items);
    // Memory may move whenever the module runs, so that each view is made anew.
    const at = this.#call("input", list.length);
    new Uint8Array(memory.buffer).set(list, at);
    const length = this.#call("call");
    const from = this.#call("output");
    const [verdict, ...rest] = unpack(new Uint8Array(memory.buffer).slice(from, from + length));
    switch (toText(verdict)) {
      case "ok":
        return rest;
      case "wrong":
        throw new Wrong(rest[0].length ? Number(toText(rest[0])) : null, toText(rest[1]), rest[2]);
      default:
        throw new Unknown(toText(rest[0] ?? encoder.encode("no answer")));
    }
  }

  /** A guest may use the stack up before it calls, so that the checks themselves do not return: then nothing is known. */
  #call(name, ...args) {
    if (!this.#isBroken) {
      try {
        return this.#exports[name](...args);
      } catch {
        this.#isBroken = true;
      }
    }
    throw new Unknown("the checks of this page were interrupted: use `troupe verify`");
  }

  /** The same, with the answer as texts. */
  texts(...items) {
    return this.ask(...items).map(toText);
  }

  /** The name of bytes. */
  name(bytes) {
    return this.texts("hash", bytes)[0];
  }
}
