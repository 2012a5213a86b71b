// Values across the edge of a component: the canonical ABI, as far as the worlds of actors use it.
//
// A type is an object that knows its size, its alignment, the core types that it is flattened to, and how to write and
// read a value. Strings cross as bytes: whether they are UTF-8 is for whoever takes them.

/** What a value may not be. */
export class AbiTrap extends Error {}

const trap = (what) => {
  throw new AbiTrap(what);
};

const aligned = (at, to) => Math.ceil(at / to) * to;

/** An instance as values see it: its memory, and how it makes room. */
export class Crossing {
  constructor(memory, realloc) {
    this.memory = memory;
    this.realloc = realloc;
  }

  view() {
    return new DataView(this.memory.buffer);
  }

  bytes(at, length) {
    if (at + length > this.memory.buffer.byteLength) trap("a list reaches beyond the memory");
    return new Uint8Array(this.memory.buffer, at, length);
  }

  room(align, size) {
    const at = this.realloc(0, 0, align, size) >>> 0;
    if (at % align) trap("an address is not aligned");
    this.bytes(at, size);
    return at;
  }

  copy(value) {
    const at = this.room(1, value.length);
    this.bytes(at, value.length).set(value);
    return [at, value.length];
  }
}

function integer(size, core, get, set, convert) {
  return {
    size,
    align: size,
    flat: [core],
    load: (c, at) => convert(c.view()[get](at, true)),
    store: (c, at, value) => c.view()[set](at, value, true),
    lower: (c, value, out) => out.push(value),
    lift: (c, flat) => convert(flat.next().value),
  };
}

export const u8 = integer(1, "i32", "getUint8", "setUint8", (value) => value & 0xff);
export const u32 = integer(4, "i32", "getUint32", "setUint32", (value) => value >>> 0);
export const u64 = integer(8, "i64", "getBigUint64", "setBigUint64", (value) => BigInt.asUintN(64, value));
export const bool = {
  ...u8,
  load: (c, at) => c.view().getUint8(at) !== 0,
  lift: (c, flat) => flat.next().value !== 0,
};

/** `list<u8>`, and `string` as its bytes. */
export const bytes = {
  size: 8,
  align: 4,
  flat: ["i32", "i32"],
  load: (c, at) => c.bytes(c.view().getUint32(at, true), c.view().getUint32(at + 4, true)).slice(),
  store(c, at, value) {
    const [to, length] = c.copy(value);
    c.view().setUint32(at, to, true);
    c.view().setUint32(at + 4, length, true);
  },
  lower: (c, value, out) => out.push(...c.copy(value)),
  lift(c, flat) {
    const at = flat.next().value >>> 0;
    return c.bytes(at, flat.next().value >>> 0).slice();
  },
};

/** A list that is only ever read. */
export const list = (of) => {
  const read = (c, at, length) => {
    if (at % of.align) trap("a list is not aligned");
    c.bytes(at, length * of.size);
    return Array.from({ length }, (_, n) => of.load(c, at + n * of.size));
  };
  return {
    size: 8,
    align: 4,
    flat: ["i32", "i32"],
    load: (c, at) => read(c, c.view().getUint32(at, true), c.view().getUint32(at + 4, true)),
    lift: (c, flat) => read(c, flat.next().value >>> 0, flat.next().value >>> 0),
  };
};

/** A record: its fields in order, each a name and a type. */
export function record(...fields) {
  let at = 0;
  const align = Math.max(...fields.map(([, type]) => type.align));
  const placed = fields.map(([name, type]) => {
    const offset = aligned(at, type.align);
    at = offset + type.size;
    return [name, type, offset];
  });
  return {
    size: aligned(at, align),
    align,
    flat: fields.flatMap(([, type]) => type.flat),
    load: (c, from) => Object.fromEntries(placed.map(([name, type, offset]) => [name, type.load(c, from + offset)])),
    store(c, to, value) {
      for (const [name, type, offset] of placed) type.store(c, to + offset, value[name]);
    },
    lower(c, value, out) {
      for (const [name, type] of placed) type.lower(c, value[name], out);
    },
    lift: (c, flat) => Object.fromEntries(placed.map(([name, type]) => [name, type.lift(c, flat)])),
  };
}

/** A variant: its cases in order, each a name and a type or nothing. A value is `[name, payload]`. */
export function variant(...cases) {
  const types = cases.map(([, type]) => type).filter(Boolean);
  const align = Math.max(1, ...types.map((type) => type.align));
  const offset = aligned(1, align);
  const joined = [];
  for (const type of types) {
    type.flat.forEach((core, n) => (joined[n] = joined[n] === undefined || joined[n] === core ? core : "i64"));
  }
  const caseAt = (index) => cases[index] ?? trap("a variant has no such case");
  const indexOf = (name) => cases.findIndex(([other]) => other === name);
  return {
    size: aligned(offset + Math.max(0, ...types.map((type) => type.size)), align),
    align,
    flat: ["i32", ...joined],
    load(c, at) {
      const [name, type] = caseAt(c.view().getUint8(at));
      return [name, type?.load(c, at + offset)];
    },
    store(c, at, [name, value]) {
      const index = indexOf(name);
      c.view().setUint8(at, index);
      cases[index][1]?.store(c, at + offset, value);
    },
    lower(c, [name, value], out) {
      const index = indexOf(name);
      const type = cases[index][1];
      const payload = [];
      type?.lower(c, value, payload);
      out.push(index);
      joined.forEach((core, n) => out.push(core === "i64" ? BigInt(payload[n] ?? 0) : (payload[n] ?? 0)));
    },
    lift(c, flat) {
      const [name, type] = caseAt(flat.next().value >>> 0);
      const payload = joined.map(() => flat.next().value);
      const narrowed = (type?.flat ?? []).map((core, n) =>
        core === "i32" ? Number(BigInt.asUintN(32, BigInt(payload[n]))) : payload[n],
      );
      return [name, type?.lift(c, narrowed.values())];
    },
  };
}

export const enumeration = (...names) => variant(...names.map((name) => [name]));
export const option = (type) => variant(["none"], ["some", type]);
export const result = (ok, err) => variant(["ok", ok], ["err", err]);

/** As many core values as a function takes directly; with more they are written to memory. */
const MAX_FLAT = 16;

const tuple = (types) => record(...types.map((type, n) => [n, type]));

/** Calls a function of a guest. */
export function call(c, core, params, type, values) {
  const all = tuple(params);
  let flat = [];
  if (all.flat.length > MAX_FLAT) {
    const at = c.room(all.align, all.size);
    all.store(c, at, values);
    flat = [at];
  } else {
    all.lower(c, values, flat);
  }
  const returned = core(...flat);
  if (type.flat.length === 1) return [type.lift(c, [returned].values()), [returned]];
  const at = returned >>> 0;
  if (at % type.align) trap("an address is not aligned");
  c.bytes(at, type.size);
  return [type.load(c, at), [returned]];
}

/** Makes a core function of one of the host's, for a guest to call. `crossing` is asked when it is called. */
export function lowered(crossing, params, type, act) {
  const all = params.length ? tuple(params) : null;
  return (...flat) => {
    const c = crossing();
    let values = {};
    if (all && all.flat.length > MAX_FLAT) {
      const at = flat[0] >>> 0;
      if (at % all.align) trap("an address is not aligned");
      c.bytes(at, all.size);
      values = all.load(c, at);
    } else if (all) {
      values = all.lift(c, flat.values());
    }
    const value = act(...params.map((_, n) => values[n]));
    if (!type) return undefined;
    if (type.flat.length === 1) {
      const out = [];
      type.lower(c, value, out);
      return out[0];
    }
    const at = flat[flat.length - 1] >>> 0;
    if (at % type.align) trap("an address is not aligned");
    c.bytes(at, type.size);
    type.store(c, at, value);
    return undefined;
  };
}
