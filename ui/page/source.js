// Where chains come from: a node over HTTP, or a bundle. Nothing that comes from either is believed.

import { Bundle } from "./bundle.js";

/** A node wants a token. */
export class TokenNeeded extends Error {}

/** The node did not answer as asked. */
export class NotAnswered extends Error {
  constructor(status, detail, problem = {}) {
    super(detail);
    this.status = status;
    this.problem = problem;
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
    const [detail, problem] = await reason(response);
    if (response.status === 401 || response.status === 403) throw new TokenNeeded(detail);
    throw new NotAnswered(response.status, detail, problem);
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

  /** What a path below `/commons` answers. */
  commons(path) {
    return this.#json(`commons${path}`);
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
      const { code, at, detail } = error.problem;
      if (code !== "erased" && code !== "withheld") return { missing: error.message };
      return takenBack({ at: at ?? 0, kind: code, name, reason: detail });
    }
  }

  key() {
    return this.#text("key");
  }

  /** The keys of the witnesses that the node asks; an older node does not say. */
  witnesses() {
    return this.#text("witnesses").catch((error) => {
      if (error instanceof NotAnswered) return "";
      throw error;
    });
  }

  async checkpoint() {
    return new Uint8Array(await (await this.fetch("checkpoint")).arrayBuffer());
  }

  consistency(from, to) {
    return this.#json(`proof/consistency?from=${from}&to=${to}`);
  }

  proof(actor) {
    return this.#text(`actors/${actor}/proof`);
  }

  /** Calls back with each entry as it is committed, from a position on; stops when the signal says so. */
  follow(actor, from, signal, entry) {
    return this.#events(`actors/${actor}/events?from=${from}`, signal, (kind, data) => kind === "dropped" || entry(data));
  }

  /** Calls back with what becomes of a job, until it has ended; stops when the signal says so. */
  followJob(job, signal, take) {
    return this.#events(`commons/jobs/${job}/events`, signal, (kind, data) => take(kind, JSON.parse(data)));
  }

  /** Calls back with the kind and the data of each event. */
  async #events(path, signal, take) {
    const response = await this.fetch(path, { signal });
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const events = (rest + value).split("\n\n");
      rest = events.pop();
      for (const event of events) {
        const field = (name) => event.split("\n").find((line) => line.startsWith(name))?.slice(name.length);
        const data = field("data: ");
        if (data !== undefined) take(field("event: "), data);
      }
    }
  }
}

/** Why a node refused: in words, and its problem as an object. */
async function reason(response) {
  const text = await response.text().catch(() => "");
  try {
    const problem = JSON.parse(text);
    return [problem.detail ?? text, problem];
  } catch {
    return [text.slice(0, 200) || `status ${response.status}`, {}];
  }
}

/** What there is of a blob that was redacted: whoever hands out the chain says why, and nothing signs that. */
const takenBack = (redaction) => ({ missing: `${redaction.kind}: ${redaction.reason}`, redaction });

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
    if (bytes) return { bytes };
    const redaction = this.bundle.redaction(name);
    return redaction ? takenBack(redaction) : { missing: "the bundle does not have it" };
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
