// One entry: what came, what it led to, and what of it this page has checked.

import { senderWords, stateName } from "./chain.js";
import { changeList, changes, shownBytes, whole } from "./diff.js";
import { brief, date, h, hash, number, parsed, replace, size, time, withCode } from "./dom.js";
import { causes } from "./causes.js";
import { fuelMark, mark } from "./marks.js";
import { kindWord } from "./timeline.js";

/** Ends what belongs to an entry that is shown no more. */
let shown = 0;

/** Whether states are shown whole; kept from one entry to the next. */
const WHOLE = { yes: false };

const CAUSES = "Each arrow is a name that this page computed. Whether the other chain is whole, its own page checks.";

/** What draws the marks of the entry in sight anew, as more is checked. */
let redraws = [];

/** A mark that is drawn anew as more is checked. */
function living(draw) {
  const place = h("span", { class: "marks" }, draw());
  redraws.push(() => replace(place, draw()));
  return place;
}

function section(title, marked, ...children) {
  return h("section", { class: "part" }, h("h3", {}, title, marked), ...children);
}

/** The mark of bytes under a name that an entry has: no better than that of the entry. */
function blobMark(chain, record, blob, givenBack) {
  if (blob.mark !== "checked") return mark(blob.mark, { words: blob.mark === "wrong" ? "not what the chain names" : true });
  return living(() => {
    const of = chain.markOf(record);
    // What goes into a run is not made by it, whatever the run came to.
    const ran = of === "run" || (of === "wrong" && !record.fault && chain.checks.replay.seq === record.seq);
    return mark(ran && !givenBack ? "checked" : of, { words: true });
  });
}

function fault(what) {
  return h("p", { class: "fault", title: what }, mark("wrong"), brief(what));
}

/** Draws an entry into an element. `go` shows another: an actor and a position. */
export async function showEntry(element, chain, record, go) {
  shown += 1;
  const mine = shown;
  const current = () => mine === shown;
  const { data } = record;
  const [from, wrong] = await Promise.all([data.from ? sender(chain, data, go) : null, diverged(chain, record)]);
  if (!current()) return;
  redraws = [];
  const head = living(() => mark(chain.markOf(record), { words: true }));
  const parts = h("div", { class: "parts" });
  element.drawMarks = () => current() && redraws.forEach((redraw) => redraw());
  replace(
    element,
    h(
      "header",
      { class: "entry-head" },
      h("h2", {}, h("span", { class: "seq" }, `#${number(record.seq)}`), " ", h("span", { class: `kind kind-${data.kind}` }, kindWord(data.kind))),
      head,
    ),
    h(
      "dl",
      { class: "facts" },
      fact("Time", h("time", { datetime: new Date(data.at).toISOString() }, `${date(data.at)} ${time(data.at)} UTC`)),
      fact("Name", hash(record.name, 16)),
      data.from ? fact("From", from) : null,
      data.error ? fact("Why", h("code", { class: "error" }, data.error)) : null,
      data.reason ? fact("Why", data.reason) : null,
      data.fuel !== undefined ? fact("Fuel", `${number(data.fuel)} `, fuelMark()) : null,
    ),
    record.fault || record.misplaced ? fault(record.fault ?? "it says another position than the one that it was asked for") : null,
    wrong,
    living(() => notRun(chain, record)),
    parts,
  );
  const draw = [drawMessage, drawState, drawReply, drawEffects, drawCalls, drawCauses, drawRules, drawText];
  const places = draw.map(() => h("div"));
  parts.append(...places);
  await Promise.all(
    draw.map(async (act, n) => {
      try {
        const drawn = await act(chain, record, go, current);
        if (drawn && current()) places[n].replaceWith(drawn);
      } catch (error) {
        if (current()) places[n].replaceWith(h("p", { class: "quiet" }, `${error.message}`));
      }
    }),
  );
}

const fact = (name, ...value) => h("div", {}, h("dt", {}, name), h("dd", {}, ...value));

function link(go, actor, key, ...words) {
  return h("button", { class: "link", type: "button", onclick: () => go(actor, key) }, ...words);
}

async function sender(chain, data, go) {
  const { from } = data;
  const other = from.chain ? `${await chain.nameOf(from.chain)}: ` : "";
  const words = from.kind === "actor" ? await chain.nameOf(from.chain) : `${other}${senderWords(data)}`;
  if (from.kind === "timer") return link(go, chain.actor, from.seq, words);
  if (["actor", "parent", "reply"].includes(from.kind) || (from.kind === "notice" && from.chain && from.entry)) {
    return link(go, from.chain, from.entry, words);
  }
  return from.seq === undefined ? words : link(go, chain.actor, from.seq, words);
}

/** Why this page has not run it again: what it needs was taken back, or no browser can. */
function notRun(chain, record) {
  const why = chain.checks.whyNotRun(record.seq);
  return why === null ? null : h("p", { class: "quiet not-run" }, "Not run again here: ", withCode(why));
}

/** What running it again came to, where that is not what the chain says. */
async function diverged(chain, record) {
  const { replay, links } = chain.checks;
  if (links.state === "wrong" && links.seq === record.seq) return fault(links.what);
  if (replay.state !== "wrong" || replay.seq !== record.seq) return null;
  if (!replay.instead) return fault(replay.what);
  const got = parsed(replay.instead).value;
  const state = await chain.stateOf(record);
  const says = state?.bytes && replay.what.includes("`state`") ? parsed(state.bytes).value : undefined;
  const drawn = got !== undefined && says !== undefined
    ? [h("h4", {}, "What the chain says, and what this page got"), changeList(says, got)]
    : [h("h4", {}, "This page got instead"), shownBytes(replay.instead)];
  return h("div", {}, fault(replay.what), h("div", { class: "instead" }, drawn));
}

async function drawMessage(chain, record) {
  if (!record.data.message) return null;
  const blob = await chain.blob(record.data.message, record.seq);
  return section("Message", blobMark(chain, record, blob, false), body(blob));
}

const body = (blob) => (blob.bytes ? [blob.what ? fault(blob.what) : null, shownBytes(blob.bytes)] : h("p", { class: "quiet" }, blob.missing));

async function drawReply(chain, record) {
  if (!record.data.reply) return null;
  const blob = await chain.blob(record.data.reply, record.seq);
  return section("Reply", blobMark(chain, record, blob, true), body(blob));
}

/** The bytes of the state after an entry: from the source, or made here. */
async function stateBytes(chain, record) {
  const blob = await chain.stateOf(record);
  if (blob && !blob.bytes && record.seq < chain.checks.replay.count) {
    const bytes = await chain.runTo(record.seq).catch(() => null);
    if (bytes) return { bytes, mark: "checked", name: blob.name, made: true };
  }
  return blob;
}

async function drawState(chain, record) {
  if (!stateName(record.data)) return null;
  const blob = await stateBytes(chain, record);
  const before = record.seq > 1 ? await chain.at(record.seq - 1) : null;
  const name = stateName(record.data);
  const same = before && stateName(before.data) === name;
  const marked = blobMark(chain, record, blob, record.data.kind !== "failure" && record.data.kind !== "genesis");
  const view = h("div");
  const title = h("span", {}, "State ", blob.bytes ? h("small", {}, size(blob.bytes.length)) : null);
  if (!blob.bytes) {
    const ask = h("button", { type: "button", class: "small", onclick: async () => {
      ask.disabled = true;
      ask.textContent = "Running…";
      try {
        replace(view, shownBytes(await chain.runTo(record.seq)));
      } catch (error) {
        replace(view, h("p", { class: "quiet" }, error.message));
      }
    } }, "Run as far as here");
    view.append(h("p", { class: "quiet" }, blob.missing, " "), ask);
    return section(title, marked, view);
  }
  const after = parsed(blob.bytes);
  const old = before && !same ? await stateBytes(chain, before) : null;
  const was = old?.bytes ? parsed(old.bytes) : null;
  const both = was && was.value !== undefined && after.value !== undefined;
  const draw = () => {
    const found = both ? changes(was.value, after.value) : [];
    if (WHOLE.yes || !before) replace(view, after.value === undefined ? shownBytes(blob.bytes) : whole(after.value, found));
    else if (same) replace(view, h("p", { class: "quiet" }, "The same as before."));
    else replace(view, both ? changeList(was.value, after.value) : shownBytes(blob.bytes));
    for (const button of choice.children) button.setAttribute("aria-pressed", (button.value === "whole") === WHOLE.yes);
  };
  const pick = (value, words) => h("button", { type: "button", value, onclick: () => {
    WHOLE.yes = value === "whole";
    draw();
  } }, words);
  const choice = h("div", { class: "choice", role: "group", "aria-label": "How the state is shown" }, pick("changes", "What changed"), pick("whole", "Whole"));
  draw();
  const note = blob.what ? fault(blob.what) : blob.made ? h("p", { class: "quiet" }, "The source does not hold this state: it was made here.") : null;
  return section(title, [marked, before ? choice : null], note, view);
}

async function drawEffects(chain, record, go) {
  const effects = record.data.effects ?? [];
  if (!effects.length) return null;
  const rows = await Promise.all(
    effects.map(async (effect, n) => {
      const [[kind, fields]] = Object.entries(effect);
      const payload = fields.message ?? fields.config;
      const blob = payload ? await chain.blob(payload, record.seq) : null;
      return h(
        "li",
        {},
        h("div", { class: "effect-head" }, h("span", { class: "tag" }, kind), " ", await effectWords(chain, kind, fields), h("span", { class: "n" }, `n ${n}`)),
        blob ? body(blob) : null,
      );
    }),
  );
  return section("Effects", living(() => mark(chain.markOf(record), { words: true })), h("ol", { class: "effects-list" }, rows));
}

/** What an effect asks for. */
async function effectWords(chain, kind, fields) {
  switch (kind) {
    case "send":
      return `to ${await chain.nameOf(fields.to)}`;
    case "request":
      return `to ${await chain.nameOf(fields.to)}, within ${number(fields.timeout)} ms`;
    case "timer":
      return `after ${number(fields.after)} ms`;
    case "cron":
      return `at ${fields.cron}`;
    case "cancel":
      return `of #${fields.seq}, n ${fields.n}`;
    case "spawn":
      return fields.name ?? "a child";
    case "stop":
      return chain.nameOf(fields.child);
    default:
      return fields.reason ?? "";
  }
}

async function drawCalls(chain, record) {
  const calls = record.data.calls ?? [];
  if (!calls.length) return null;
  const rows = await Promise.all(
    calls.map(async (call) => {
      const [input, output] = await Promise.all([chain.blob(call.in, record.seq), chain.blob(call.out, record.seq)]);
      return h("li", {}, h("div", { class: "effect-head" }, h("span", { class: "tag" }, call.fn)), h("h4", {}, "Asked"), body(input), h("h4", {}, "Answered"), body(output));
    }),
  );
  const note = "What came from outside is recorded: that it was really answered so, nobody can check.";
  return section("Calls to the outside", mark("said", { words: true }), h("p", { class: "quiet" }, note), h("ol", { class: "effects-list" }, rows));
}

async function drawCauses(chain, record, go, current) {
  const drawn = await causes(chain, record, go, current);
  return drawn ? section("Who caused what", mark("checked", { words: "each names the other", title: CAUSES }), drawn) : null;
}

async function drawRules(chain, record) {
  const { data } = record;
  if (data.kind !== "genesis" && data.kind !== "upgrade") return null;
  const rows = (of) => Object.entries(of ?? {}).map(([name, value]) => fact(name, typeof value === "number" ? number(value) : `${value}`));
  const config = data.config ? await chain.blob(data.config, record.seq) : null;
  return section(
    "Rules",
    living(() => mark(chain.markOf(record), { words: true })),
    h(
      "dl",
      { class: "facts" },
      fact("World", data.world),
      data["component-hash"] ? fact("Component", hash(data["component-hash"], 16)) : null,
      data.grants ? fact("Grants", data.grants.join(", ")) : null,
    ),
    h("details", {}, h("summary", {}, "Limits and engine"), h("dl", { class: "facts narrow" }, rows(data.limits), rows(data.engine))),
    config ? [h("h4", {}, "Config"), body(config)] : null,
  );
}

async function drawText(chain, record) {
  return h("details", { class: "part raw" }, h("summary", {}, "The entry's bytes, which its name is the BLAKE3 hash of"), h("pre", {}, record.text));
}
