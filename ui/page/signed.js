// What a node signed, as it is shown: by which key, who cosigned it, and whether it goes on from what was seen before.

import { announce, day, h, number, replace } from "./dom.js";
import { NodeLog, believe, believed } from "./log.js";
import { mark } from "./marks.js";

const NAMED = "The signature fits. Whose key that is, only the node says: compare it with one from somebody you believe.";
const GIVEN = "The signature fits, and you said that you believe this key.";

/** A key, short, with all of it to copy. */
export function keyButton(key) {
  const [name] = key.split("+");
  const button = h("button", { type: "button", class: "hash", title: `${key}, click to copy`, "aria-label": `the key of ${name}, click to copy` }, name);
  button.addEventListener("click", async () => {
    await navigator.clipboard?.writeText(key).catch(() => {});
    announce("copied");
  });
  return button;
}

const whose = (isBelieved) => mark(isBelieved ? "checked" : "said", { title: isBelieved ? GIVEN : NAMED });

/** Who cosigned it, and what this browser saw before, in a line. */
export function logWords({ witnesses, before }) {
  const names = witnesses.map(({ key, isBelieved }) => [h("span", { title: isBelieved ? GIVEN : NAMED }, key.split("+")[0]), isBelieved ? "" : " (as the node names it)"]);
  const cosigned = names.length ? ["; cosigned by ", ...names.flatMap((name, n) => (n ? [", ", ...name] : name))] : [];
  return [...cosigned, before.kind === "first" ? "" : ["; ", beforeWords(before)]];
}

function beforeWords({ kind, size, at, key, what }) {
  switch (kind) {
    case "first":
      return "this browser has not seen it before";
    case "same":
      return `the same as this browser saw on ${day(at)}`;
    case "grown":
      return `it goes on from what this browser saw on ${day(at)}, when it had ${number(size)}`;
    case "other":
      return `another key signed here when this browser saw it on ${day(at)}: ${key.split("+")[0]}`;
    case "wrong":
      return `it is not what this browser saw on ${day(at)}: ${what}`;
    default:
      return `not compared with what this browser saw on ${day(at)}: ${what}`;
  }
}

const BEFORE = { first: "said", same: "checked", grown: "checked", other: "said", wrong: "wrong" };

const fact = (name, ...value) => h("div", {}, h("dt", {}, name), h("dd", {}, ...value));

/** The log of a node, checked here. */
export function logCard(source, loading) {
  const facts = h("div", { class: "log-facts" }, h("p", { class: "quiet" }, "Looking…"));
  const card = h("section", { class: "card log", "aria-label": "What it signed" }, h("h2", {}, "What it signed"), facts, keysForm(loading, () => look()));
  const look = async () => {
    try {
      const log = new NodeLog(source, await loading);
      draw(facts, await log.look(), () => {
        log.forget();
        return look();
      });
    } catch (error) {
      replace(facts, h("p", { class: "quiet" }, error.message));
    }
  };
  look();
  return card;
}

function draw(place, { key, isBelieved, size, root, witnesses, before }, forget) {
  const cosigned = witnesses.map((witness) => h("div", {}, whose(witness.isBelieved), " ", keyButton(witness.key), h("small", {}, `on ${day(witness.at)}`)));
  replace(
    place,
    h(
      "dl",
      { class: "facts narrow" },
      fact("Signed by", whose(isBelieved), " ", keyButton(key)),
      fact("Leaves", mark("checked"), " ", h("span", { title: `root ${root}` }, number(size))),
      fact("Cosigned by", cosigned.length ? cosigned : h("span", { class: "quiet" }, "no witness that is known here")),
      fact("Since your last visit", mark(BEFORE[before.kind] ?? "said"), " ", beforeWords(before)),
    ),
    before.kind === "other" ? h("button", { type: "button", class: "small", onclick: forget }, "It is another node now") : null,
  );
}

/** Where the reader says which keys they believe. */
function keysForm(loading, changed) {
  const area = h("textarea", { id: "keys", rows: 3, wrap: "off", spellcheck: "false", autocomplete: "off", placeholder: "NAME+1a2b3c4d+AbCd…" }, believed().join("\n"));
  const said = h("p", { class: "quiet", role: "status" });
  const save = async () => {
    try {
      believe(await loading, area.value);
      said.textContent = "Kept in this browser.";
      changed();
    } catch (error) {
      said.textContent = error.message;
    }
  };
  return h(
    "details",
    { class: "keys-form" },
    h("summary", {}, "Keys that you believe"),
    h("label", { for: "keys" }, "Keys of nodes and witnesses that somebody you believe gave you, one a line"),
    area,
    h("button", { type: "button", class: "small", onclick: save }, "Keep"),
    said,
  );
}
