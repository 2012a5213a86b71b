// Where chains come from: a node over HTTP, or a bundle. Nothing that comes from either is believed.

import { Bundle } from "./bundle.js";

/** A node wants a token. */
export class TokenNeeded extends Error {}

/** The node did not answer as asked. */
export class NotAnswered extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

/** The most bytes of a blob that are shown or run with. */
const MAX_BLOB = 64 << 20;
/** How long the list of actors is good for, in milliseconds. */
const LIST_FOR = 5000;

/** A node. */
export class NodeSource {
  #list = null;
  #listed = 0;

  constructor(base, token) {
    this.base = base;
    this.token = token;
  }

  /** What a worker needs to have the same. */
  spec(actor) {
    return { kind: "node", base: this.base, token: this.token, actor };
  }

  async fetch(path, options = {}) {
    const headers = this.token ? { authorization: `Bearer ${this.token}` } : {};
    const response = await fetch(new URL(path, this.base), { ...options, headers: { ...headers, ...options.headers } });
    if (response.ok) return response;
    if (response.status === 401 || response.status === 403) throw new TokenNeeded(await reason(response));
    throw new NotAnswered(response.status, await reason(response));
  }

  async #json(path) {
    return (await this.fetch(path)).json();
  }

  async #text(path) {
    return (await this.fetch(path)).text();
  }

  actors(after) {
    return this.#json(`actors?limit=200${after ? `&after=${after}` : ""}`);
  }

  top() {
    return this.#json("top");
  }

  info(actor) {
    return this.#json(`actors/${actor}`);
  }

  /** An actor of the node, by name or id, as its list has it; null if it has none such. */
  async find(actor) {
    if (!this.#list || performance.now() - this.#listed > LIST_FOR) {
      this.#list = this.#json("actors?limit=1000&all=true").catch(() => ({ actors: [] }));
      this.#listed = performance.now();
    }
    const { actors, next } = await this.#list;
    const known = actors.find((one) => one.actor === actor || one.name === actor);
    return known ?? (next ? this.info(actor).catch(() => null) : null);
  }

  async lines(actor, from, limit) {
    const response = await this.fetch(`actors/${actor}/chain?from=${from}&limit=${limit}`);
    return new Uint8Array(await response.arrayBuffer());
  }

  /** One entry by position or name; null if there is none. */
  async entry(actor, key) {
    try {
      return new Uint8Array(await (await this.fetch(`actors/${actor}/chain/${key}`)).arrayBuffer());
    } catch (error) {
      if (error instanceof NotAnswered && error.status === 404) return null;
      throw error;
    }
  }

  /** The bytes found under a name, or why there are none. */
  async blob(actor, name) {
    try {
      const response = await this.fetch(`actors/${actor}/blobs/${name}`);
      if (Number(response.headers.get("content-length") ?? 0) > MAX_BLOB) return { missing: "it is too large to be shown" };
      return { bytes: new Uint8Array(await response.arrayBuffer()) };
    } catch (error) {
      if (!(error instanceof NotAnswered)) throw error;
      return { missing: error.message, erased: error.status === 410 };
    }
  }

  key() {
    return this.#text("key");
  }

  proof(actor) {
    return this.#text(`actors/${actor}/proof`);
  }

  /** Calls back with each entry as it is committed, from a position on; stops when the signal says so. */
  async follow(actor, from, signal, entry) {
    const response = await this.fetch(`actors/${actor}/events?from=${from}`, { signal });
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const events = (rest + value).split("\n\n");
      rest = events.pop();
      for (const event of events) {
        const data = event.split("\n").find((line) => line.startsWith("data: "));
        if (data && !event.startsWith("event: dropped")) entry(data.slice(6));
      }
    }
  }
}

async function reason(response) {
  const text = await response.text().catch(() => "");
  try {
    return JSON.parse(text).detail ?? text;
  } catch {
    return text.slice(0, 200) || `status ${response.status}`;
  }
}

/** A bundle. */
export class BundleSource {
  constructor(file, bundle) {
    this.file = file;
    this.bundle = bundle;
  }

  static async open(file, verifier, progress) {
    const blobsOf = (entry) => verifier.texts("blobs", entry).filter((_, index) => index % 2);
    return new BundleSource(file, await Bundle.open(file, (bytes) => verifier.name(bytes), blobsOf, progress));
  }

  spec() {
    return { kind: "bundle", file: this.file };
  }

  async lines(_, from, limit) {
    return this.bundle.lines(from, limit);
  }

  async blob(_, name) {
    const bytes = await this.bundle.blob(name);
    return bytes ? { bytes } : { missing: "the bundle does not have it" };
  }

  async entry(_, key) {
    const lines = /^\d{1,9}$/.test(key) ? await this.bundle.lines(Number(key), 1) : new Uint8Array();
    return lines.length ? lines.subarray(0, -1) : null;
  }
}

/** Makes a source of what `spec` said. */
export async function sourceOf(spec, verifier) {
  return spec.kind === "node" ? new NodeSource(spec.base, spec.token) : BundleSource.open(spec.file, verifier);
}
