// A bundle: the CAR file that `troupe export` writes, read without a server. The format is in docs/spec/chain.md.
//
// The file stays where it is; what is kept is where each entry and each blob begins. Names are not believed here: whoever
// gets bytes compares them with the name that they asked for.

const HEADER = 59;
const CID = [0x01, 0x55, 0x1e, 0x20];
const CHUNK = 4 << 20;
/** Chunks that are kept once they were read. */
const KEPT_CHUNK = 1 << 20;
const KEPT_CHUNKS = 6;
/** The most sections of a file that are read. */
const MAX_SECTIONS = 1 << 24;

const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** Reads a file from the front, a chunk at a time. */
class Reader {
  #file;
  #chunk = new Uint8Array();
  #from = 0;

  constructor(file) {
    this.#file = file;
  }

  async bytes(at, length) {
    if (at + length > this.#file.size) throw new Error("the file ends in the middle of a section");
    if (at < this.#from || at + length > this.#from + this.#chunk.length) {
      const end = Math.min(this.#file.size, at + Math.max(length, CHUNK));
      this.#chunk = new Uint8Array(await this.#file.slice(at, end).arrayBuffer());
      this.#from = at;
    }
    return this.#chunk.subarray(at - this.#from, at - this.#from + length);
  }
}

/** A bundle that has been looked through. */
export class Bundle {
  /** Of each entry: where it begins, and how long it is. */
  entries = [];
  #blobs = new Map();
  #chunks = new Map();
  #file;
  head;
  /** The first blob whose bytes are not what it is named: at which entry, and what was found. */
  fault = null;

  /** Looks through a file. `nameOf` names bytes, and `blobsOf` says which blobs an entry names. */
  static async open(file, nameOf, blobsOf, progress = () => {}) {
    const bundle = new Bundle();
    bundle.#file = file;
    const reader = new Reader(file);
    if (file.size < HEADER) throw new Error("this is no bundle: it is too short");
    const header = await reader.bytes(0, HEADER);
    if (header[0] !== 0x3a || hex(header.subarray(2, 8)) !== "65726f6f7473") {
      throw new Error("this is no bundle: `troupe export PLACE FILE.car` writes one");
    }
    bundle.head = hex(header.subarray(18, 50));
    let pending = new Set();
    for (let at = HEADER, count = 0; at < file.size; count += 1) {
      if (count > MAX_SECTIONS) throw new Error("the bundle has too many sections: use `troupe verify`");
      const [length, digits] = await varint(reader, at, file.size);
      const start = at + digits;
      const cid = await reader.bytes(start, 36);
      if (CID.some((byte, n) => cid[n] !== byte)) throw new Error(`byte ${start}: not the name of a section`);
      const name = hex(cid.subarray(4));
      const place = [start + 36, length - 36];
      const bytes = await reader.bytes(...place);
      if (pending.delete(name)) {
        bundle.#blobs.set(name, place);
        const found = nameOf(bytes);
        const seq = bundle.entries.length - 1;
        if (found !== name) bundle.fault ??= { seq, what: `blobs: at seq ${seq}, the bytes found for ${name} hash to ${found}` };
      } else {
        pending = new Set(named(blobsOf, bytes, start).filter((blob) => !bundle.#blobs.has(blob)));
        bundle.entries.push(place);
      }
      at = start + length;
      if (count % 1000 === 0) progress(at / file.size);
    }
    return bundle;
  }

  /** Reads a part; of what lies around it the last few chunks are kept. */
  async #read([at, length]) {
    const number = Math.floor(at / KEPT_CHUNK);
    const from = number * KEPT_CHUNK;
    if (at + length > from + 2 * KEPT_CHUNK) return new Uint8Array(await this.#file.slice(at, at + length).arrayBuffer());
    let chunk = this.#chunks.get(number);
    if (!chunk) {
      // Twice as long, so that what begins in it ends in it.
      chunk = this.#file.slice(from, from + 2 * KEPT_CHUNK).arrayBuffer();
      this.#chunks.set(number, chunk);
      if (this.#chunks.size > KEPT_CHUNKS) this.#chunks.delete(this.#chunks.keys().next().value);
    }
    return new Uint8Array(await chunk, at - from, length).slice();
  }

  /** The bytes found under a name; null if there are none. */
  async blob(name) {
    const place = this.#blobs.get(name);
    return place ? this.#read(place) : null;
  }

  /** Entries as lines. */
  async lines(from, limit) {
    const places = this.entries.slice(from, from + limit);
    const parts = [];
    for (const place of places) parts.push(await this.#read(place), new Uint8Array([10]));
    return new Uint8Array(await new Blob(parts).arrayBuffer());
  }
}

function named(blobsOf, entry, at) {
  try {
    return blobsOf(entry);
  } catch {
    throw new Error(`byte ${at}: neither an entry nor a blob that the entry before names: the bundle was changed or is broken`);
  }
}

async function varint(reader, at, size) {
  let value = 0;
  for (let n = 0; n < 5; n += 1) {
    if (at + n >= size) break;
    const [byte] = await reader.bytes(at + n, 1);
    value += (byte & 0x7f) * 2 ** (7 * n);
    if (byte < 0x80) {
      if (value < 36) break;
      return [value, n + 1];
    }
  }
  throw new Error(`byte ${at}: not the length of a section`);
}
