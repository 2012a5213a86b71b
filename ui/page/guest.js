// An actor's component or a job's core module in the browser's own engine, for the replay to call.
//
// A fresh instance for each transition, out of the plan that the verifier made. What the actor asks of its host goes to
// the verifier, which notes it down or refuses it. Fuel is not measured: browsers have nothing like it.

import { AbiTrap, Crossing, bool, bytes, call, enumeration, list, lowered, option, record, result, u32, u64, variant } from "./abi.js";
import { Job, MEMORY } from "./job.js";
import { hostStopped, stopped } from "./traps.js";
import { Unknown, pack, toBytes, toText, unpack } from "./verifier.js";

const string = bytes;
const effectId = record(["seq", u64], ["n", u32]);
const effectRef = record(["chain", string], ["entry", string], ["n", u32]);
const about = enumeration(
  "busy", "failed", "lapsed", "late", "no-reply", "out-of-time", "paused", "refused", "restarted", "started",
  "stopped", "unknown",
);
const sender = variant(
  ["http"],
  ["did", string],
  ["actor", effectRef],
  ["timer", record(["set", effectId], ["due", u64])],
  ["reply", record(["to", effectId], ["chain", string], ["entry", string])],
  ["notice", record(["of", effectId], ["about", about], ["chain", option(string)], ["entry", option(string)])],
  ["parent", effectRef],
);
const context = record(["from", sender], ["at", u64], ["seq", u64]);
const outcome = record(["state", bytes], ["reply", option(bytes)]);
const policies = ["go-on", "pause", "restart", "restore", "stop", "escalate"];
const supervision = record(
  ["onFailure", enumeration(...policies)], ["failures", u32], ["within", u64], ["backoff", u64], ["maxBackoff", u64],
  ["maxRestarts", u32],
);
const child = record(
  ["component", option(string)], ["config", option(bytes)], ["name", option(string)], ["grants", list(string)],
  ["supervision", option(supervision)],
);

/** What an actor may call: parameters, result, and the fields that the verifier is given. */
const RUNTIME = {
  "ntwk:simple-actor/runtime": {
    log: [[string], null, (line) => [line]],
    send: [[string, bytes], null, (to, message) => [to, message]],
  },
  "troupe:actor/runtime@0.1.0": {
    log: [[enumeration("debug", "info", "warn", "error"), string], null, (level, line) => [line]],
    send: [[string, bytes], null, (to, message) => [to, message]],
    request: [[string, bytes, u64], effectId, (to, message, timeout) => [to, message, `${timeout}`]],
    "set-timer": [[u64, bytes], effectId, (after, message) => [`${after}`, message]],
    "set-cron": [[string, bytes], effectId, (cron, message) => [cron, message]],
    cancel: [[effectId], null, ({ seq, n }) => [`${seq}`, `${n}`]],
    spawn: [[child], effectId, childFields],
    stop: [[string], null, (name) => [name]],
    exit: [[string], null, (reason) => [reason]],
  },
};

const optional = ([is, value]) => pack(is === "some" ? [value] : []);

function childFields({ component, config, name, grants, supervision: [is, policy] }) {
  const items = is === "some"
    ? [policy.onFailure[0], ...["failures", "within", "backoff", "maxBackoff", "maxRestarts"].map((key) => `${policy[key]}`)]
    : [];
  return [optional(component), optional(config), optional(name), pack(grants), pack(items)];
}

const refusal = result(undefined, string);

/** The functions of an actor in each world: interface, parameters, result, and what is made of it. */
const EXPORTS = {
  "troupe:actor/handler@0.1.0": {
    init: [[context, option(bytes)], result(bytes, string)],
    "message-contract": [[context, bytes, bytes], refusal],
    handle: [[context, bytes, bytes], result(outcome, string)],
    "state-contract": [[bytes], refusal],
  },
  "troupe:actor/migration@0.1.0": { migrate: [[context, bytes], result(bytes, string)] },
  "ntwk:simple-actor/actor": {
    init: [[], bytes],
    "message-contract": [[bytes, bytes], bool],
    handle: [[bytes, bytes], bytes],
    "state-contract": [[bytes], bool],
  },
};

const NO_REASON = "no reason given: in this world a contract says yes or no";

/** Components and modules that are ready, and the instance that is in use. */
export class Guests {
  #ready = [];
  #instance = null;

  /** Answers what the verifier asks: a list in, a list out. */
  answer(verifier, bytes) {
    const [function_, ...rest] = unpack(bytes);
    const name = toText(function_);
    try {
      if (name === "load") return this.#load(toText(rest[0]), rest[1]);
      if (name === "load-module") return this.#keep({ job: new Job(rest[0], rest[1], unpack(rest[2]).map(toText)) });
      if (Object.hasOwn(MEMORY, name)) return MEMORY[name](this.#instance.memory, ...rest);
      const ready = this.#ready[Number(toText(rest[0]))];
      if (name === "open") {
        this.#instance = ready.job ? ready.job.open(verifier) : new Instance(verifier, ready, Number(toText(rest[1])));
        return this.#instance.start?.() ?? pack(["ok"]);
      }
      return this.#instance.call(name, rest.slice(1));
    } catch (error) {
      return stopped(error);
    }
  }

  #load(text, bytes) {
    const plan = JSON.parse(text);
    const modules = plan.modules.map(([from, to]) => new WebAssembly.Module(bytes.slice(from, to)));
    return this.#keep({ plan, modules });
  }

  #keep(ready) {
    this.#ready.push(ready);
    return pack(["ok", `${this.#ready.length - 1}`]);
  }
}

class Instance {
  #verifier;
  #made = [];
  #exports;
  #memoryLimit;
  #mayLeave = true;

  constructor(verifier, { plan, modules }, memoryLimit) {
    this.#verifier = verifier;
    this.#exports = plan.exports;
    this.#memoryLimit = memoryLimit;
    for (const step of plan.instances) {
      if (step.exports) {
        const items = Object.entries(step.exports).map(([name, item]) => [name, this.#item(item)]);
        this.#made.push(Object.fromEntries(items));
      } else {
        const imports = Object.entries(step.with).map(([name, index]) => [name, this.#made[index]]);
        this.#made.push(new WebAssembly.Instance(modules[step.module], Object.fromEntries(imports)).exports);
      }
    }
  }

  /** An item of a plan: an export of an instance, or a function of the host. */
  #item(item) {
    if (!item.lower) return this.#made[item.of][item.name];
    const [params, type, fields] = RUNTIME[item.interface][item.lower];
    return lowered(() => this.#crossing(item), params, type, (...values) => {
      if (!this.#mayLeave) throw new AbiTrap("a call out of the component while values cross into it");
      const answer = this.#verifier.texts("effect", item.lower, ...fields(...values));
      hostStopped(answer);
      return { seq: BigInt(answer[0]), n: Number(answer[1]) };
    });
  }

  #crossing({ memory, realloc }) {
    const make = realloc && this.#item(realloc);
    const guarded = (...sizes) => {
      this.#mayLeave = false;
      const at = make(...sizes);
      this.#mayLeave = true;
      return at;
    };
    return new Crossing(memory ? this.#item(memory) : new WebAssembly.Memory({ initial: 0 }), guarded);
  }

  call(name, args) {
    const [interface_] = Object.keys(EXPORTS).filter((key) => EXPORTS[key][name] && this.#exports[key]);
    const lifted = interface_ && this.#exports[interface_][name];
    if (!lifted) return pack(["none"]);
    const [params, type] = EXPORTS[interface_][name];
    const simple = interface_ === "ntwk:simple-actor/actor";
    const values = simple ? args.slice(args.length - params.length) : values_(name, args);
    const value = this.#within(this.#crossing(lifted), (c) => {
      const [value, core] = call(c, this.#item(lifted.core), params, type, values);
      if (lifted.after) {
        this.#mayLeave = false;
        this.#item(lifted.after)(...core);
        this.#mayLeave = true;
      }
      return value;
    });
    return simple ? simpleAnswer(value) : answer(name, value);
  }

  /** Does something, returned or trapped, within the limit of memory: a node would have denied more, and what came then, nobody knows. */
  #within(c, act) {
    try {
      return act(c);
    } finally {
      if (c.memory.buffer.byteLength > this.#memoryLimit) {
        throw new Unknown("it needs more memory than its limit here: use `troupe verify`");
      }
    }
  }
}

/** Arguments as values: a context comes first, but for `state-contract`. */
function values_(name, args) {
  if (name === "state-contract") return args;
  const [first, ...rest] = args;
  if (name === "init") {
    const [config] = unpack(rest[0]);
    return [readContext(first), config ? ["some", config] : ["none"]];
  }
  return [readContext(first), ...rest];
}

function readContext(bytes) {
  const [at, seq, kind, ...fields] = unpack(bytes);
  const number = (item) => BigInt(toText(item));
  const small = (item) => Number(toText(item));
  const maybe = (item) => {
    const [value] = unpack(item);
    return value ? ["some", value] : ["none"];
  };
  const [a, b, c, d, e] = fields;
  const id = () => ({ seq: number(a), n: small(b) });
  const payload = {
    http: () => undefined,
    did: () => a,
    actor: () => ({ chain: a, entry: b, n: small(c) }),
    timer: () => ({ set: id(), due: number(c) }),
    reply: () => ({ to: id(), chain: c, entry: d }),
    notice: () => ({ of: id(), about: [toText(c)], chain: maybe(d), entry: maybe(e) }),
    parent: () => ({ chain: a, entry: b, n: small(c) }),
  };
  return { at: number(at), seq: number(seq), from: [toText(kind), payload[toText(kind)]()] };
}

function simpleAnswer(value) {
  if (value === true) return pack(["ok"]);
  if (value === false) return pack(["err", NO_REASON]);
  return pack(["ok", value]);
}

function answer(name, [is, value]) {
  if (is === "err") {
    try {
      return pack(["err", new TextDecoder("utf-8", { fatal: true }).decode(value)]);
    } catch {
      throw new AbiTrap("a string is not UTF-8");
    }
  }
  if (name === "handle") {
    const [replied, reply] = value.reply;
    return pack(replied === "some" ? ["ok", value.state, reply] : ["ok", value.state]);
  }
  return pack(value === undefined ? ["ok"] : ["ok", toBytes(value)]);
}
