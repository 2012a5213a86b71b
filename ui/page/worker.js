// The long checks, beside the page: every link from genesis on, and then the actor run again, message by message.
//
// Memory stays flat: a chunk of entries at a time, the state that the replay has come to, and what the page is told.

import { Guests } from "./guest.js";
import { sourceOf } from "./source.js";
import { Unknown, Verifier, Wrong } from "./verifier.js";

const LINKS_CHUNK = 4096;
const REPLAY_CHUNK = 256;
const FETCHES = 12;
const TELL_EVERY = 80;
/** What replay gives back by itself. */
const GIVEN_BACK = new Set(["state", "reply", "effects.message", "effects.config", "calls.in"]);

let source;
let actor;
let verifier;
let upto = -1;
let wantsReplay = false;
let links = 0;
let replayed = 0;
/** Failures that another engine's limits led to. */
let trust = 0;
/** Whether the state is known where the replay stands: what led to it may have been taken back. */
let isLost = false;
let wake = () => {};
/** Blobs that come again and again, such as the same message: only the last few. */
const recent = new Map();

onmessage = async ({ data }) => {
  if (data.upto !== undefined) upto = Math.max(upto, data.upto);
  if (data.replay) wantsReplay = true;
  if (data.ask) return asked(data);
  if (!data.spec) return wake();
  try {
    const guests = new Guests();
    verifier = await Verifier.load((of, list) => guests.answer(of, list), data.verifier);
    source = await sourceOf(data.spec, verifier);
    actor = data.spec.actor;
    if (data.stateAt !== undefined) return await stateAt(data.stateAt);
    verifier.ask("links-begin");
    for (;;) {
      if (links <= upto) await checkLinks();
      else if (wantsReplay && replayed <= upto) await replay();
      else await new Promise((resolve) => (wake = resolve));
    }
  } catch (error) {
    tellFault("links", error);
  }
};

function tellFault(stage, error) {
  const kind = error instanceof Wrong ? "wrong" : "unknown";
  const seq = error.seq ?? (stage === "replay" ? replayed : null);
  postMessage({ stage, kind, seq, what: error.message, instead: error.instead, count: replayed });
}

const lineList = (bytes) => {
  const list = [];
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(10, at);
    list.push(bytes.subarray(at, end));
    at = end + 1;
  }
  return list;
};

async function checkLinks() {
  const bytes = await source.lines(actor, links, Math.min(LINKS_CHUNK, upto + 1 - links));
  if (!bytes.length) throw new Wrong(links, `the source says that there is an entry ${links}, and gives none`);
  const [count, name, chain, ...anchors] = verifier.texts("links", bytes);
  links = Number(count);
  if (links > upto && source.bundle && source.bundle.head !== name) {
    throw new Wrong(links - 1, `structure: the last entry is ${name}, but the head should be ${source.bundle.head}`);
  }
  postMessage({ stage: "links", kind: "progress", count: links, name, chain, anchors });
}

/** A blob as the verifier takes it: its name and its bytes, or a redaction. */
async function blob(name) {
  const known = recent.get(name);
  if (known) return [name, known];
  const { bytes, missing, redaction } = await source.blob(actor, name);
  if (redaction) {
    const { at, kind, reason } = redaction;
    return ["redacted", JSON.stringify({ at, kind, name, reason })];
  }
  if (!bytes) throw new Unknown(`the blob ${name.slice(0, 12)}… is missing: ${missing}`);
  recent.set(name, bytes);
  if (recent.size > 64) recent.delete(recent.keys().next().value);
  return [name, bytes];
}

/** An entry's blobs that replay needs, and the name of the state that it led to, to go on from if they are not there. */
async function needed(entry) {
  const fields = verifier.texts("blobs", entry);
  const blobs = [];
  let state = null;
  for (let n = 0; n < fields.length; n += 2) {
    if (fields[n] === "state") state = fields[n + 1];
    if (!GIVEN_BACK.has(fields[n])) blobs.push(...(await blob(fields[n + 1])));
  }
  return { blobs, state };
}

/** The same with the state itself, where the entry cannot be run and the replay goes on from there, if it is to be had. */
async function enough({ blobs, state }) {
  if (!state || !(isLost || blobs.includes("redacted"))) return blobs;
  return [...blobs, ...(await blob(state).catch(() => []))];
}

/** Runs a chunk again. */
async function replay() {
  const fault = source.bundle?.fault;
  const limit = Math.min(REPLAY_CHUNK - (replayed % REPLAY_CHUNK), links - replayed);
  try {
    if (fault) throw new Wrong(fault.seq, fault.what);
    await replayChunk(await source.lines(actor, replayed, limit), () => false);
  } catch (error) {
    wantsReplay = false;
    tellFault("replay", error);
  }
}

/** Starts so many at a time, in order. */
function limited(tasks) {
  const started = tasks.map(() => Promise.withResolvers());
  let next = 0;
  const work = async () => {
    while (next < tasks.length) {
      const n = next++;
      await tasks[n]().then(started[n].resolve, started[n].reject);
    }
  };
  for (let n = 0; n < FETCHES; n += 1) work();
  // Whoever waits for one is told; the others may fail unheard.
  for (const { promise } of started) promise.catch(() => {});
  return started.map(({ promise }) => promise);
}

async function replayChunk(bytes, last) {
  const entries = lineList(bytes);
  const names = verifier.texts("window", bytes);
  const found = limited(entries.map((entry) => () => needed(entry)));
  let told = performance.now();
  let sizes = [];
  let gaps = [];
  let trusted = [];
  for (let n = 0; n < entries.length; n += 1) {
    const blobs = await enough(await found[n]);
    if (replayed === 0) {
      verifier.ask("replay-begin", entries[n], ...blobs);
    } else {
      const [state, length, onTrust, why] = verifier.texts("replay", entries[n], ...blobs);
      isLost = !state;
      if (state) sizes.push([replayed, Number(length)]);
      if (why) gaps.push([replayed, why]);
      if (Number(onTrust) > trust) trusted.push(replayed);
      trust = Number(onTrust);
    }
    if (last(replayed)) return;
    replayed += 1;
    const ends = n === entries.length - 1;
    if (ends || performance.now() - told > TELL_EVERY) {
      postMessage({ stage: "replay", kind: "progress", count: replayed, name: ends ? names[n] : null, sizes, gaps, trusted, trust });
      [told, sizes, gaps, trusted] = [performance.now(), [], [], []];
    }
  }
}

/** Answers a question about the state that the replay has come to. */
function asked({ ask, id }) {
  const told = { stage: "answer", id };
  try {
    postMessage({ ...told, answer: verifier.texts(...ask) });
  } catch (error) {
    postMessage({ ...told, what: error.message, isWrong: error instanceof Wrong });
  }
}

/** Runs everything again as far as a position, for the state there. */
async function stateAt(seq) {
  try {
    let done = false;
    while (!done) {
      const bytes = await source.lines(actor, replayed, REPLAY_CHUNK);
      if (!bytes.length) throw new Unknown("the chain is not so long");
      await replayChunk(bytes, (at) => (done = at === seq));
    }
    postMessage({ stage: "state", kind: "done", state: verifier.ask("state")[0] });
  } catch (error) {
    tellFault("state", error);
  }
}
