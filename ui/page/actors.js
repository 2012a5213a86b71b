// The actors of a node: what each has done, what it does now, and where to look closer.

import { h, number, replace, short, size } from "./dom.js";
import { legend } from "./marks.js";
import { spark } from "./plots.js";
import { logCard } from "./signed.js";

const EVERY = 2000;
const VALUES = 30;

/** The list of actors, and what one can do without a node. Answers how to end it. */
export function actorsView(main, source, { openBundle, needToken, loading }) {
  const body = h("tbody");
  const node = h("dl", { class: "facts node" });
  const rates = new Map();
  const more = h("button", { type: "button", class: "small" }, "More actors");
  more.hidden = true;
  let next = null;
  let timer = null;
  let ended = false;
  const search = h("input", { type: "search", placeholder: "Find an actor by name or id", "aria-label": "Find an actor", id: "search" });
  // Asked for once the node has answered: it may want a token first.
  const signed = h("div", { class: "signed-place" });
  const commons = h("div");
  const table = h(
    "table",
    { class: "actors" },
    h("thead", {}, h("tr", {}, ["Actor", "Status", "Entries", "Handled", "Failed", "Fuel", "Waiting", "Messages a second"].map((name, n) => h("th", { scope: "col", class: n > 1 ? "num" : null }, name)))),
    body,
  );
  replace(
    main,
    h(
      "div",
      { class: "home" },
      h(
        "section",
        { class: "list" },
        h("div", { class: "list-head" }, h("h1", {}, "Actors"), search),
        h("div", { class: "scroll" }, table),
        more,
      ),
      h("aside", {}, h("section", { class: "card" }, h("h2", {}, "This node"), node), commons, signed, bundleCard(openBundle), h("section", { class: "card" }, h("h2", {}, "The marks"), legend())),
    ),
  );

  const row = (actor) => {
    const label = actor.name ?? actor.actor.slice(0, 12);
    const rate = h("td", { class: "num rate" });
    const cells = ["seq", "handled", "failed", "fuel", "waiting"].map((key) => h("td", { class: "num", data: { key } }));
    const status = h("td", {}, h("span", { class: `status status-${actor.status}` }, actor.status));
    const element = h(
      "tr",
      { data: { text: `${actor.name ?? ""} ${actor.actor}` } },
      h("th", { scope: "row" }, h("a", { href: `#/${actor.name ?? actor.actor}` }, label), actor.name ? h("code", { class: "id" }, actor.actor.slice(0, 10)) : null),
      status,
      cells,
      rate,
    );
    rates.set(actor.actor, { element, rate, values: [], last: null });
    show(actor);
    return element;
  };

  const show = (actor) => {
    const known = rates.get(actor.actor);
    if (!known) return;
    for (const cell of known.element.querySelectorAll("[data-key]")) {
      const value = actor[cell.dataset.key];
      if (value === undefined) continue;
      cell.textContent = cell.dataset.key === "fuel" ? short(value) : number(cell.dataset.key === "seq" ? value + 1 : value);
      if (cell.dataset.key === "failed") cell.classList.toggle("bad", value > 0);
    }
  };

  const load = async () => {
    const answer = await source.actors(next);
    next = answer.next;
    more.hidden = !next;
    body.append(...answer.actors.map(row));
    if (!body.children.length) body.append(h("tr", {}, h("td", { colspan: 8, class: "quiet" }, "There is no actor yet: `troupe start COMPONENT --name NAME` begins one.")));
    filter();
  };

  const filter = () => {
    const text = search.value.trim().toLowerCase();
    for (const element of body.children) element.hidden = text !== "" && !element.dataset.text?.toLowerCase().includes(text);
  };

  const look = async () => {
    const { actors, node: of } = await source.top();
    const busy = new Map(actors.map((actor) => [actor.actor, actor]));
    for (const [id, known] of rates) {
      const now = busy.get(id);
      if (now) show(now);
      const handled = now?.handled ?? known.last ?? 0;
      known.values.push(known.last === null ? 0 : ((handled - known.last) * 1000) / EVERY);
      known.last = handled;
      if (known.values.length > VALUES) known.values.shift();
      const rate = known.values[known.values.length - 1];
      replace(known.rate, spark(known.values, `${short(rate)} messages a second`), h("span", {}, rate >= 0.5 ? short(rate) : "·"));
    }
    const facts = [
      ["Version", of.version],
      ["Actors", `${number(of.actors)}, ${number(of["in-memory"])} in memory`],
      ["Accepted", number(of.accepted)],
      ["Rejected", number(of.rejected)],
      ["Failed", number(of.failed)],
      ["Fuel", short(of.fuel)],
      ["Memory of actors", size(of.memory)],
    ];
    replace(node, ...facts.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
  };

  // Whoever has none is not asked for it: a browser notes each answer that is an error.
  const showCommons = async () => {
    if (await source.find("commons")) replace(commons, commonsCard(await source.commons("")));
  };

  const tick = async () => {
    try {
      await look();
    } catch (error) {
      if (!ended) needToken(error);
    }
    if (!ended) timer = setTimeout(tick, EVERY);
  };
  search.addEventListener("input", filter);
  more.addEventListener("click", () => load().catch(needToken));
  load().then(() => {
    if (ended) return;
    replace(signed, logCard(source, loading));
    showCommons().catch(() => {});
    tick();
  }, (error) => ended || needToken(error));
  return () => {
    ended = true;
    clearTimeout(timer);
  };
}

/** The commons of the node, if it has one. */
function commonsCard({ name, active, issued }) {
  const facts = [["Members", number(active)], ["Issued", `${number(issued)} mana`]];
  return h(
    "section",
    { class: "card" },
    h("h2", {}, "Its commons: ", h("a", { href: "#/commons:" }, name)),
    h("dl", { class: "facts node" }, facts.map(([term, value]) => h("div", {}, h("dt", {}, term), h("dd", {}, value)))),
  );
}

/** Where a bundle is dropped. */
export function bundleCard(openBundle) {
  const input = h("input", { type: "file", accept: ".car", id: "bundle", class: "visually-hidden" });
  input.addEventListener("change", () => input.files.length && openBundle(input.files[0]));
  const card = h(
    "section",
    { class: "card drop" },
    h("h2", {}, "A bundle"),
    h("p", {}, "A chain as one file, from ", h("code", {}, "troupe export PLACE FILE.car"), ". It is read here and sent nowhere."),
    input,
    h("label", { for: "bundle", class: "button" }, "Open a file"),
    h("span", { class: "quiet" }, " or drop it anywhere"),
  );
  return card;
}
