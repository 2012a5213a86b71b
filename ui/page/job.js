// A job's core module in the browser's own engine: a fresh instance for each run.
//
// The verifier wrote the bounds of the chain into the module, and three exports: whether the limit of memory denied a
// growth, whether one failed that was allowed, and what was its start function. What the guest asks of its host goes to
// the verifier, which answers by the table of the host ABI, and asks back for the guest's memory.

import { hostStopped, stopped } from "./traps.js";
import { Unknown, pack, toText } from "./verifier.js";

/** What the verifier may do with a guest's memory. */
export const MEMORY = {
  size: (memory) => pack(["ok", `${memory.buffer.byteLength}`]),
  read: (memory, from, to) => pack(["ok", new Uint8Array(memory.buffer).slice(Number(toText(from)), Number(toText(to)))]),
  write(memory, at, bytes) {
    new Uint8Array(memory.buffer).set(bytes, Number(toText(at)));
    return pack(["ok", ""]);
  },
};

/** A module that is ready to be run: as it is, with bounds in it, and names of functions, each with what it returns. */
export class Job {
  #module;
  #imports;

  constructor(bytes, bounded, imports) {
    // What is not valid as it is may be with the bounds in it.
    if (!WebAssembly.validate(bytes)) throw new Unknown("it is no module that this browser knows: use `troupe verify`");
    this.#module = new WebAssembly.Module(bounded);
    this.#imports = imports;
  }

  open(verifier) {
    const icn = {};
    for (let n = 0; n < this.#imports.length; n += 2) {
      const [name, returns] = this.#imports.slice(n, n + 2);
      icn[name] = (...args) => {
        const answer = verifier.texts("call", name, ...args.map(String));
        hostStopped(answer);
        return returns === "i64" ? BigInt(answer[0]) : Number(answer[0]);
      };
    }
    return new Run(new WebAssembly.Instance(this.#module, { icn }));
  }
}

/** One run of a module. */
class Run {
  #exports;

  constructor(instance) {
    this.#exports = instance.exports;
  }

  get memory() {
    return this.#exports.memory;
  }

  /** Runs what was the start function, if there is one. */
  start() {
    return this.#ending(() => this.#exports["troupe:start"]?.());
  }

  call(name) {
    return this.#ending(() => this.#exports[name]());
  }

  /** What a call came to. A trap after the limit denied memory is the limit's doing. */
  #ending(act) {
    let answer;
    let denied = false;
    try {
      const value = act();
      answer = pack(value === undefined ? ["ok"] : ["ok", `${value}`]);
    } catch (error) {
      answer = stopped(error);
      denied = this.#exports["troupe:denied"].value !== 0;
    }
    if (this.#exports["troupe:exhausted"].value !== 0) return pack(["abort", "this browser has too little memory for it"]);
    return denied ? pack(["trap", "memory", "it was denied memory, and trapped"]) : answer;
  }
}
