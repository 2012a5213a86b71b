// The commons of a node: members and balances, jobs, proposals, parameters. The node says them at once; then this page
// replays the commons' chain, comes to every one of them by itself, and compares.

import { Checks } from "./checks.js";
import { announce, brief, day, h, hash, number, replace, throttled, withCode } from "./dom.js";
import { fuelMark, mark } from "./marks.js";
import { Following } from "./running.js";
import { Wrong } from "./verifier.js";

const EVERY = 2000;
const LIMIT = 200;
/** How often a list is read that changes while it is read. */
const ATTEMPTS = 3;

/** Each section: what it is called, where the node lists it, and how it is drawn. */
const SECTIONS = {
  members: ["Members", "members", membersTable],
  jobs: ["Jobs", "jobs", jobsTable],
  proposals: ["Proposals", "proposals", proposalsList],
  parameters: ["Parameters", "parameters", parametersList],
};

/** The view of a commons. */
export class CommonsView {
  actor = "commons:";
  #source;
  #needToken;
  #main;
  #section = null;
  #overview = null;
  #checks = null;
  #timer = null;
  #ended = false;
  /** What the node listed, and the position of the entry that it is after. */
  #listed = null;
  /** The list that was compared, and what came of it. */
  #compared = { listed: undefined, wrong: new Set(), isShort: false };
  /** Runs of jobs that were asked for, by chain. */
  #runs = new Map();
  /** Jobs that are followed while they run, by id. */
  #followed = new Map();

  constructor({ main, source, needToken }) {
    this.#main = main;
    this.#source = source;
    // A view that has ended shows nothing any more.
    this.#needToken = (error) => this.#ended || needToken(error);
    this.head = h("section", { class: "commons-head" });
    this.tabs = h("nav", { class: "chips", "aria-label": "What of the commons" });
    this.verdict = h("p", { class: "commons-verdict" });
    this.body = h("section", { class: "commons-body" });
    this.more = h("button", { type: "button", class: "small", onclick: () => this.#load(true).catch(this.#needToken) }, "More");
    this.more.hidden = true;
    // What a worker that has ended cannot say is not compared.
    this.changed = throttled(() => this.#compare().catch(() => {}).then(() => this.#draw()), 200);
    replace(main, h("div", { class: "commons" }, this.head, this.tabs, this.verdict, this.body, this.more));
  }

  /** Shows a section. */
  async find(section) {
    this.#section = Object.hasOwn(SECTIONS, section ?? "") ? section : "members";
    this.#listed = null;
    // What was said of another section is not said of this one.
    delete this.verdict.dataset.kind;
    replace(this.verdict);
    replace(this.body);
    this.more.hidden = true;
    const link = ([key, [words]]) => h("a", { class: "button", href: `#/commons:/${key}`, "aria-current": key === this.#section ? "page" : null }, words);
    const held = this.tabs.contains(document.activeElement);
    replace(this.tabs, Object.entries(SECTIONS).map(link));
    if (held) this.tabs.querySelector("[aria-current]").focus();
    clearTimeout(this.#timer);
    await this.#tick().catch(this.#needToken);
  }

  end() {
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#checks?.end();
    for (const { checks } of this.#runs.values()) checks.end();
    for (const following of this.#followed.values()) following.end();
  }

  /** No key moves anything here. */
  key() {}

  async #tick() {
    const before = this.#overview?.seq;
    this.#overview = await this.#source.commons("");
    if (this.#ended) return;
    const { seq, chain } = this.#overview;
    if (!this.#checks) {
      this.#checks = new Checks(this.#source.spec(chain), seq, this.changed);
      this.#checks.begin();
    }
    this.#checks.grown(seq);
    if (seq !== before || !this.#listed) await this.#load(false);
    clearTimeout(this.#timer);
    if (!this.#ended) this.#timer = setTimeout(() => this.#tick().catch(this.#needToken), EVERY);
  }

  /** Reads the list, at once or `on` from its end. */
  async #load(on) {
    const section = this.#section;
    const [, path] = SECTIONS[section];
    const length = this.#listed?.items.length ?? 0;
    const listed = await this.#read(path, on ? length + LIMIT : Math.max(LIMIT, length));
    if (this.#ended || section !== this.#section) return;
    this.#listed = listed;
    this.#checks.grown(listed.seq ?? 0);
    this.more.hidden = !listed.next;
    this.changed();
    this.#draw();
  }

  /** So many records that are all after one entry; where that does not come about, `seq` is null. */
  async #read(path, size) {
    for (let attempt = 1; ; attempt += 1) {
      const listed = { items: [], next: null, seq: null, at: null };
      const pages = [];
      do {
        const query = new URLSearchParams({ limit: Math.min(LIMIT, size - listed.items.length) });
        if (listed.next) query.set("after", listed.next);
        const page = await this.#source.commons(`/${path}${path === "parameters" ? "" : `?${query}`}`);
        pages.push(page);
        listed.items.push(...page.items);
        listed.next = page.next ?? null;
      } while (listed.next && listed.items.length < size);
      // Balances grow with time, so that a list of several pages has several; each is compared with its own.
      listed.pages = pages.map(({ items, at }) => ({ length: items.length, at }));
      if (pages.every(({ seq }) => seq === pages[0].seq)) return { ...listed, seq: pages[0].seq };
      if (attempt === ATTEMPTS) return listed;
    }
  }

  /** Compares what the node listed with what this page came to, once it has come as far. */
  async #compare() {
    const listed = this.#listed;
    if (!listed || listed.seq === null || this.#compared.listed === listed) return;
    const isThere = () => this.#checks?.replay.state === "ok" && this.#checks.replay.count === listed.seq + 1;
    if (!isThere()) return;
    const [, path] = SECTIONS[this.#section];
    const own = [];
    let after = "";
    for (const { length, at } of listed.pages) {
      const page = await this.#checks.commons(path, at, Math.max(1, length), after);
      own.push(...page.items);
      after = page.next ?? "";
    }
    if (!isThere()) return;
    const text = (item) => JSON.stringify(inOrder(item ?? null));
    const wrong = new Set(listed.items.filter((item, n) => text(item) !== text(own[n])));
    const isShort = listed.items.length < own.length || (after !== "") !== (listed.next !== null);
    this.#compared = { listed, wrong, isShort };
    announce(wrong.size || isShort ? "the node says something else than its chain" : "every number was computed here");
  }

  /** The mark of an item, or of all. */
  markOf(item) {
    if (this.#compared.listed !== this.#listed) return this.#checks?.fault ? "wrong" : "said";
    if (item) return this.#compared.wrong.has(item) ? "wrong" : "run";
    return this.#compared.wrong.size || this.#compared.isShort ? "wrong" : "run";
  }

  #draw() {
    if (!this.#overview || !this.#listed || this.#ended) return;
    const { name, chain, active, issued, fees, escrow, frozen, seq, at } = this.#overview;
    const facts = [
      ["Members", number(active)],
      ["Issued", `${number(issued)} mana`],
      ["Held", `${number(escrow)} mana`],
      ["Fees", `${number(fees)} mana`],
      ["Entries", number(seq + 1)],
      ["As of", day(at)],
    ];
    replace(
      this.head,
      h("h1", {}, name, frozen ? h("span", { class: "status status-paused" }, "frozen") : null),
      h("p", { class: "quiet" }, "Its chain, ", h("a", { href: `#/${chain}` }, "entry by entry"), ": ", hash(chain)),
      h("dl", { class: "facts commons-facts" }, facts.map(([term, value]) => h("div", {}, h("dt", {}, term), h("dd", {}, value)))),
    );
    this.verdict.dataset.kind = this.markOf();
    replace(this.verdict, ...this.#words());
    const [, , draw] = SECTIONS[this.#section];
    const open = new Set([...this.body.querySelectorAll("details[open]")].map((details) => details.dataset.id));
    const held = document.activeElement?.closest(".commons-body summary")?.parentElement.dataset.id;
    replace(this.body, this.#listed.items.length ? draw(this.#listed.items, this) : h("p", { class: "quiet" }, "There is none yet."));
    for (const details of this.body.querySelectorAll("details")) {
      details.open = open.has(details.dataset.id);
      if (details.dataset.id === held) details.querySelector("summary").focus();
    }
  }

  #words() {
    const { replay, links, fault } = this.#checks;
    const kind = this.markOf();
    if (fault) return [mark("wrong"), ` The chain is not what it should be${fault.seq === undefined ? "" : ` at entry ${fault.seq}`}: ${fault.what}`];
    if (kind === "wrong") return [mark("wrong"), " The node says something else than its own chain comes to: what is marked."];
    if (kind === "run") return [mark("run"), ` This page ran all ${number(replay.count)} entries of the commons again, and came to every number below.`];
    if (replay.state === "idle") {
      const button = h("button", { type: "button", class: "small", onclick: () => this.#checks.run() }, "Compute all of it here");
      return [mark("said"), ` The node says so. The chain has ${number(links.count)} entries. `, button];
    }
    if (replay.state === "unknown") return [mark("said"), " The node says so; this page could not compute it: ", withCode(replay.what)];
    return [mark("said"), ` The node says so. This page has computed ${number(replay.count)} of ${number(this.#checks.total)} entries.`];
  }

  /** Shows what a job does while it runs. */
  followJob(id) {
    const following = new Following(this.#source, id, throttled(() => this.#draw(), 200));
    this.#followed.set(id, following);
    following.begin();
    this.#draw();
  }

  /** The job as it is followed; undefined if nobody asked for it. */
  followed(id) {
    return this.#followed.get(id);
  }

  /** Runs the chain of a job again, here. */
  replayJob(spec, result) {
    const run = { told: null };
    const changed = throttled(() => {
      if (run.checks.replay.state === "ok" && !run.asked) run.asked = this.#compareRun(run, spec, result);
      this.#draw();
    }, 100);
    run.checks = new Checks(this.#source.spec(result.chain), result.size - 1, changed);
    this.#runs.set(result.chain, run);
    run.checks.begin();
    this.#draw();
  }

  /** Compares what the run came to with the receipt. */
  async #compareRun(run, spec, result) {
    try {
      await run.checks.isRunOf(spec, result);
      run.told = runWords(run.checks.replay, result);
    } catch (error) {
      run.told = error instanceof Wrong ? ["wrong", `not what the receipt says: ${error.message}`] : ["said", error.message];
    }
    this.#draw();
  }

  /** What came of that: a mark and words; null if nobody asked for it. */
  cameTo(result) {
    const run = this.#runs.get(result.chain);
    if (!run) return null;
    const { links, replay, fault } = run.checks;
    if (fault) return ["wrong", `not what the receipt says: ${fault.what}`];
    const isWhole = links.state === "ok" && links.count === result.size;
    if (isWhole && links.name !== result.entry) return ["wrong", `the chain ends with ${links.name.slice(0, 12)}…, not with what the receipt says`];
    if (run.told) return run.told;
    if (replay.state !== "unknown") return ["said", "running…"];
    return isWhole ? ["checked", `linked as the receipt says, and not run: ${replay.what}`] : ["said", links.what ?? replay.what];
  }
}

/** What is said of a run that was replayed and that its receipt fits. */
function runWords({ trust, left }, { chain, from }) {
  if (trust) return ["checked", `linked as the receipt says. It failed by a limit that browsers do not have: \`troupe verify ${chain.slice(0, 12)}\` runs it`];
  if (left) return ["checked", "linked as the receipt says. What it takes to run all of it was taken back"];
  if (from) return ["checked", `its last part was run again here. What another executor did before it, \`troupe verify ${chain.slice(0, 12)}\` replays`];
  return ["run", "run again here, and came to what the receipt says"];
}

/** A value whose text does not depend on the order of its members. */
function inOrder(value) {
  if (Array.isArray(value)) return value.map(inOrder);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, inOrder(value[key])]));
}

/** The head of a column that shows by itself what it is. */
const unseen = (words) => [h("span", { class: "visually-hidden" }, words)];

const table = (class_, heads, rows) =>
  h("div", { class: "scroll" }, h("table", { class: class_ }, h("thead", {}, h("tr", {}, heads.map(([words, num]) => h("th", { scope: "col", class: num ? "num" : null }, words)))), h("tbody", {}, rows)));

function membersTable(members, view) {
  const row = (member) =>
    h(
      "tr",
      {},
      h("td", {}, mark(view.markOf(member))),
      h("th", { scope: "row" }, hash(member.id, 10), h("code", { class: "id" }, member.did.replace(/^did:key:/, "").slice(0, 14), "…")),
      h("td", {}, h("span", { class: `status status-${member.status === "active" ? "running" : "paused"}` }, member.status)),
      h("td", { class: "num" }, number(member.balance)),
      h("td", { class: "num" }, number(member.budget)),
      h("td", { class: "num" }, number(member.reputation)),
      h("td", { class: "num" }, number(member.number)),
      h("td", {}, member.delegate ? hash(member.delegate, 10) : ""),
    );
  const heads = [unseen("Mark"), ["Member"], ["Status"], ["Mana", true], ["Budget", true], ["Reputation", true], ["Commands", true], ["Delegates to"]];
  return table("actors", heads, members.map(row));
}

const PHASES = { settled: "running", executed: "running", assigned: "running", open: "paused", disputed: "failed", expired: "stopped", cancelled: "stopped" };
const only = (tagged) => Object.entries(tagged)[0];

function jobsTable(jobs, view) {
  return h("div", { class: "commons-list" }, jobs.map((job) => jobCard(job, view)));
}

function jobCard(job, view) {
  const [phase, of] = only(job.phase);
  const { spec } = job;
  const facts = [
    ["Component", hash(spec.component)],
    spec.inputs.length > 1 ? ["Inputs", `${number(spec.inputs.length)}, in order`] : ["Input", hash(spec.inputs[0])],
    ["Submitter", hash(job.submitter)],
    ["Price", `${number(spec.price)} mana${spec.replicas > 1 ? ` each, ${spec.quorum} of ${spec.replicas} agree` : ""}`],
    ["Fuel", `at most ${number(spec.limits.fuel)}${spec.inputs.length > 1 ? " for each input" : ""}`],
    ["Deadline", day(spec.deadline)],
  ];
  if (job.tried?.length) facts.push(["Not finished by", job.tried.map((executor) => hash(executor, 10))]);
  if (of.paid !== undefined) facts.push(["Paid", `${number(of.paid)} mana`]);
  const slots = (of.slots ?? []).map((slot) => slotRow(slot, spec, view));
  return h(
    "details",
    { class: "card commons-card", data: { id: job.id } },
    h("summary", {}, mark(view.markOf(job)), hash(job.id), h("span", { class: `status status-${PHASES[phase]}` }, phase)),
    h("dl", { class: "facts" }, facts.map(([term, value]) => h("div", {}, h("dt", {}, term), h("dd", {}, value)))),
    of.bids?.length ? h("p", {}, `${of.bids.length} bid${of.bids.length > 1 ? "s" : ""}`) : null,
    running(job.id, phase, view),
    slots.length ? table("actors", [["Executor"], ["Result"], ["Fuel", true], ["Run"], unseen("Replayed here")], slots) : null,
  );
}

/** What a job does while it runs, or how to see it. */
function running(id, phase, view) {
  const following = view.followed(id);
  if (following) return following.draw();
  if (phase !== "open" && phase !== "assigned") return null;
  return h("p", {}, h("button", { type: "button", class: "small", onclick: () => view.followJob(id) }, "Follow it"));
}

function slotRow({ executor, abandoned, result }, spec, view) {
  const words = result?.error ?? (result?.output ? hash(result.output) : abandoned ? "given up" : "waited for");
  const came = result && view.cameTo(result);
  const replayed = came
    ? [mark(came[0]), " ", withCode(brief(came[1]))]
    : result && h("button", { type: "button", class: "small", onclick: () => view.replayJob(spec, result) }, "Replay it here");
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, hash(executor, 10)),
    h("td", {}, words),
    h("td", { class: "num" }, result ? [number(result.fuel), came ? [" ", fuelMark()] : null] : ""),
    h("td", {}, result ? h("a", { href: `#/${result.chain}` }, `${number(result.size)} entries`) : ""),
    h("td", { class: "came" }, replayed),
  );
}

function proposalsList(proposals, view) {
  return h("div", { class: "commons-list" }, proposals.map((proposal) => proposalCard(proposal, view)));
}

const STAGES = { open: "running", passed: "running", executed: "running", draft: "paused", rejected: "stopped", vetoed: "failed", failed: "failed" };
const percent = (millionths) => `${+(millionths / 10_000).toFixed(2)} %`;

/** An action as a person reads it: `parameter: name job-fee, value 2`. */
function inWords(action) {
  const [kind, fields] = only(action);
  const words = Object.entries(fields).map(([name, value]) => `${name} ${/^[0-9a-f]{64}$/.test(value) ? `${value.slice(0, 12)}…` : value}`);
  return words.length ? `${kind}: ${words.join(", ")}` : kind;
}

function proposalCard(proposal, view) {
  const [stage, of] = only(proposal.stage);
  const { motion, tally } = proposal;
  const { terms } = of;
  const cast = Object.values(tally).reduce((sum, count) => sum + count, 0);
  const choices = motion.options?.length ? Object.keys(tally) : ["yes", "no", "abstain"];
  const bar = (choice) => {
    const count = tally[choice] ?? 0;
    const meter = h("meter", { min: 0, max: Math.max(1, terms?.electorate ?? cast), value: count, "aria-label": `${choice}: ${count}` });
    return h("div", { class: "ballots" }, h("span", {}, choice.replaceAll(">", " › ")), meter, h("span", { class: "num" }, number(count)));
  };
  const facts = [
    ["Proposer", hash(proposal.proposer)],
    ["Quorum", percent(motion.quorum)],
    ["Threshold", `more than ${percent(motion.threshold)} yes`],
    terms && ["Electorate", `${number(terms.electorate)}, ${number(cast)} voted`],
    terms && ["Closes", day(terms.closes)],
    terms && ["Takes effect", `from ${day(terms.closes + terms.timelock)} on`],
    of.winner && ["Chosen", of.winner],
    of.reason && ["Reason", of.reason],
  ];
  return h(
    "article",
    { class: "card commons-card" },
    h("h2", {}, mark(view.markOf(proposal)), inWords(motion.action), h("span", { class: `status status-${STAGES[stage]}` }, stage)),
    hash(proposal.id),
    choices.map(bar),
    h("dl", { class: "facts" }, facts.filter(Boolean).map(([term, value]) => h("div", {}, h("dt", {}, term), h("dd", {}, value)))),
  );
}

function parametersList(parameters, view) {
  const since = ({ from }) => (from ? `since ${day(from)}` : "from the start");
  const row = (parameter) =>
    h(
      "tr",
      {},
      h("td", {}, mark(view.markOf(parameter))),
      h("th", { scope: "row" }, h("code", {}, parameter.name), h("p", { class: "quiet effect" }, parameter.effect)),
      h("td", { class: "num" }, number(parameter.value), h("span", { class: "quiet" }, ` ${parameter.unit}`)),
      h("td", { class: "num quiet" }, `${number(parameter.min)} to ${number(parameter.max)}`),
      h(
        "td",
        {},
        h("ol", { class: "history" }, [
          parameter.history.map((value) => h("li", {}, number(value.value), " ", h("span", { class: "quiet" }, since(value)))),
          (parameter.coming ?? []).map((value) => h("li", { class: "coming" }, number(value.value), " ", h("span", { class: "quiet" }, `from ${day(value.from)} on`))),
        ]),
      ),
    );
  return table("actors parameters", [unseen("Mark"), ["Parameter"], ["Value", true], ["Bounds", true], ["History"]], parameters.map(row));
}
