// The page: which view is shown, keys, the theme, and a token if a node wants one.

import { actorsView, bundleCard } from "./actors.js";
import { ActorView } from "./actor.js";
import { CommonsView } from "./commons.js";
import { announce, h, replace } from "./dom.js";
import { bundleWithin, isAlone, verifierWithin } from "./files.js";
import { legend } from "./marks.js";
import { BundleSource, NodeSource, NotAnswered, TokenNeeded } from "./source.js";
import { Verifier } from "./verifier.js";

const main = document.querySelector("#main");
const path = document.querySelector("#path");
const tools = document.querySelector("#tools");

const base = new URL("../", location.href.split("#")[0]).href;
const node = new NodeSource(base, null);
let bundle = null;
let view = null;
let endView = () => {};
/** The checks; what comes from the node comes while they load. */
const loading = Verifier.load(null, verifierWithin);
let verifier = null;

function theme(next) {
  const root = document.documentElement;
  if (next) root.dataset.theme = next;
  return root.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
}

tools.append(
  h("button", { type: "button", class: "icon", title: "Light or dark (t)", "aria-label": "Light or dark", onclick: () => theme(theme() === "dark" ? "light" : "dark") }, "◐"),
  h("button", { type: "button", class: "icon", title: "Keys and marks (?)", "aria-label": "Keys and marks", onclick: help }, "?"),
);

const KEYS = [
  ["← →", "one entry back, one forward"],
  ["⇧ ← →", "ten entries"],
  ["Home End", "the first entry, the last"],
  ["/", "search"],
  ["f", "follow live, or not"],
  ["g", "plots, or none"],
  ["w", "the whole state, or what changed"],
  ["u", "up to the actors"],
  ["t", "light or dark"],
];

function help() {
  const dialog = h(
    "dialog",
    { class: "help", "aria-label": "Keys and marks" },
    h("h2", {}, "Keys"),
    h("dl", { class: "keys" }, KEYS.map(([key, words]) => [h("dt", {}, key.split(" ").map((one) => h("kbd", {}, one))), h("dd", {}, words)])),
    h("h2", {}, "Marks"),
    legend(),
    h("form", { method: "dialog" }, h("button", { type: "submit", autofocus: true }, "Close")),
  );
  show(dialog);
}

function show(dialog) {
  document.body.append(dialog);
  dialog.addEventListener("close", () => dialog.remove());
  // Forms may not be sent anywhere; this one only closes.
  dialog.querySelector("form")?.addEventListener("submit", (event) => {
    event.preventDefault();
    dialog.close();
  });
  dialog.showModal();
}

/** Asks for a token, or says what went wrong. */
function needToken(error) {
  if (!(error instanceof TokenNeeded)) {
    const what = error instanceof NotAnswered ? error.message : `the node does not answer: ${error.message}`;
    replace(main, h("div", { class: "message" }, h("h1", {}, "Nothing to show"), h("p", {}, what), h("p", {}, h("a", { href: "#/" }, isAlone ? "To the beginning" : "To the actors")), bundleCard(openBundle)));
    return;
  }
  if (document.querySelector("dialog.token")) return;
  const input = h("input", { type: "password", autocomplete: "off", id: "token", placeholder: "troupe_…", required: true });
  const dialog = h(
    "dialog",
    { class: "token", "aria-label": "A token" },
    h("h2", {}, "This node wants a token"),
    h("p", {}, error.message),
    h("form", { method: "dialog" }, h("label", { for: "token" }, "A token with the scope ", h("code", {}, "read")), input, h("button", { type: "submit" }, "Go on")),
    h("p", { class: "quiet" }, "It is kept in this page's memory, and is gone when you close it."),
  );
  show(dialog);
  dialog.addEventListener("close", () => {
    if (!input.value) return;
    node.token = input.value.trim();
    route();
  });
}

async function openBundle(file) {
  replace(main, h("div", { class: "message" }, h("h1", {}, "Reading"), h("p", {}, file.name), h("progress", { max: 1 })));
  const progress = main.querySelector("progress");
  try {
    verifier = await loading;
    const source = await BundleSource.open(file, verifier, (part) => (progress.value = part));
    bundle = { source, name: file.name };
    if (location.hash.startsWith("#/bundle:")) await route();
    else location.hash = "#/bundle:";
  } catch (error) {
    needToken(new NotAnswered(0, error.message));
  }
}

/** What there is without a node: a bundle to open. */
function alone() {
  crumbs();
  replace(main, h("div", { class: "alone" }, h("h1", {}, "See a chain, and check it here"), bundleCard(openBundle), h("section", { class: "card" }, h("h2", {}, "The marks"), legend())));
}

function crumbs(...items) {
  replace(path, ...items.flatMap((item) => [h("span", { class: "sep", "aria-hidden": "true" }, "/"), item]));
}

/** Shows another place of the chain, or of another actor: by position or by name. */
async function go(actor, key) {
  if (view && (actor === view.actor || actor === view.chain.info.actor) && typeof key === "number") {
    history.replaceState(null, "", `#/${view.actor}/${key}`);
    return view.select(key);
  }
  location.hash = `#/${actor}/${key}`;
}

async function route() {
  const [, actor, key] = location.hash.split("/");
  document.querySelector("dialog[open]")?.close();
  if (view && actor && actor === view.actor && key) return view.find(key);
  endView();
  view = null;
  endView = () => {};
  if (!actor) {
    document.title = "Troupe";
    if (isAlone) return alone();
    crumbs(h("span", {}, new URL(base).host));
    endView = actorsView(main, node, { openBundle, needToken, loading });
    return;
  }
  try {
    const isBundle = actor === "bundle:";
    if (isAlone && !isBundle) return alone();
    if (actor === "commons:") return await commons(key);
    if (isBundle && !bundle) {
      replace(main, h("div", { class: "message" }, bundleCard(openBundle)));
      return;
    }
    const source = isBundle ? bundle.source : node;
    const info = isBundle ? await infoOf(bundle) : await node.info(actor);
    verifier = await loading;
    const label = isBundle ? bundle.name : (info.name ?? info.actor.slice(0, 12));
    document.title = `${label} · Troupe`;
    crumbs(h("a", { href: "#/" }, isBundle ? "file" : new URL(base).host), h("span", { "aria-current": "page" }, label));
    view = new ActorView({ main, source, verifier, actor, info, go });
    endView = () => view?.end();
    await view.find(key ?? `${info.seq}`);
  } catch (error) {
    needToken(error);
  }
}

/** Shows the commons of the node. */
async function commons(section) {
  verifier = await loading;
  document.title = "The commons · Troupe";
  crumbs(h("a", { href: "#/" }, new URL(base).host), h("span", { "aria-current": "page" }, "the commons"));
  view = new CommonsView({ main, source: node, needToken });
  endView = () => view?.end();
  await view.find(section);
}

/** What a bundle says of itself: of its genesis and its head. */
async function infoOf({ source, name }) {
  const genesis = await source.entry(null, "0");
  if (!genesis) throw new NotAnswered(0, "the bundle has no entries");
  const { data } = JSON.parse(new TextDecoder().decode(genesis));
  return {
    actor: verifier.name(genesis),
    name,
    status: "file",
    component: data["component-hash"] ?? data.machine,
    world: data.world,
    head: source.bundle.head,
    seq: source.bundle.entries.length - 1,
    limits: data.limits,
    engine: data.engine,
  };
}

addEventListener("keydown", (event) => {
  const typing = event.target.matches?.("input:not([type=range]), textarea, select");
  if (event.key === "Escape" && typing) event.target.blur();
  if (typing || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const act = {
    t: () => theme(theme() === "dark" ? "light" : "dark"),
    "?": help,
    u: () => (location.hash = "#/"),
    "/": () => document.querySelector("#search")?.focus(),
  }[event.key];
  if (act) {
    event.preventDefault();
    act();
  } else {
    view?.key(event);
  }
});
addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("dropping");
});
addEventListener("dragleave", (event) => event.relatedTarget || document.body.classList.remove("dropping"));
addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dropping");
  const [file] = event.dataTransfer.files;
  if (file) openBundle(file);
});
addEventListener("hashchange", route);

try {
  if (bundleWithin && !location.hash.startsWith("#/bundle:")) history.replaceState(null, "", "#/bundle:");
  if (bundleWithin) await openBundle(new File([bundleWithin.bytes], bundleWithin.name));
  else await route();
  verifier = await loading;
} catch (error) {
  announce("the page could not start");
  replace(main, h("div", { class: "message" }, h("h1", {}, "This page could not start"), h("p", {}, `${error.message}`)));
}
