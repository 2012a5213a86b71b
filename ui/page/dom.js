// Elements, and how values are written for people.

const namespace = document.querySelector("svg").namespaceURI;

function fill(element, props, children) {
  for (const [key, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null) continue;
    if (key.startsWith("aria-")) element.setAttribute(key, value);
    else if (value === false) continue;
    else if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key === "class") element.setAttribute("class", value);
    else if (key === "data") Object.assign(element.dataset, value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...there(children));
  return element;
}

const there = (children) => children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);

/** Replaces what is in an element. */
export const replace = (element, ...children) => element.replaceChildren(...there(children));

/** An element with attributes, listeners (`onclick`) and children. Text stays text. */
export const h = (tag, props, ...children) => fill(document.createElement(tag), props, children);

/** The same in a drawing. */
export const s = (tag, props, ...children) => fill(document.createElementNS(namespace, tag), props, children);

const whole = new Intl.NumberFormat("en");

/** A number with its thousands set apart. */
export const number = (value) => whole.format(value);

/** A time in UTC. */
export const time = (at) => new Date(at).toISOString().slice(11, 23);
/** A day and a time, as precise as a person needs it. */
export const day = (at) => `${new Date(at).toISOString().slice(0, 16).replace("T", " ")} UTC`;
export const date = (at) => new Date(at).toISOString().slice(0, 10);

/** So many bytes. */
export function size(bytes) {
  if (bytes < 1024) return `${Math.round(bytes)} B`;
  const units = ["KiB", "MiB", "GiB"];
  let value = bytes / 1024;
  let unit = 0;
  while (value >= 1024 && unit < 2) [value, unit] = [value / 1024, unit + 1];
  return `${value.toFixed(1)} ${units[unit]}`;
}

/** A number short enough for an axis. */
export function short(value) {
  if (value >= 1e9) return `${+(value / 1e9).toFixed(1)}G`;
  if (value >= 1e6) return `${+(value / 1e6).toFixed(1)}M`;
  if (value >= 1e4) return `${Math.round(value / 1e3)}k`;
  if (value >= 1e3) return `${+(value / 1e3).toFixed(1)}k`;
  return `${Math.round(value)}`;
}

/** A name, the beginning of it, with all of it to copy. */
export function hash(name, length = 12) {
  const label = `${name}, click to copy`;
  const button = h("button", { class: "hash", type: "button", title: label, "aria-label": label }, name.slice(0, length), "…");
  button.addEventListener("click", async () => {
    await navigator.clipboard?.writeText(name).catch(() => {});
    announce("copied");
  });
  return button;
}

/** A sentence in which what stands between backticks is code. */
export const withCode = (text) => text.split("`").map((part, n) => (n % 2 ? h("code", {}, part) : part));

/** A sentence with the names in it cut short. */
export const brief = (text) => text.replace(/[0-9a-f]{64}/g, (name) => `${name.slice(0, 12)}…`);

/** Tells whoever does not see the page what has changed. */
export function announce(text) {
  document.querySelector("#live").textContent = text;
}

/** Keeps integers that a browser's numbers are too coarse for, where the browser says what was written. */
function exact(_, value, context) {
  const coarse = typeof value === "number" && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? "");
  return coarse ? BigInt(context.source) : value;
}

/** JSON of a value, with such integers. */
export function written(value) {
  const raw = (text) => (JSON.rawJSON ? JSON.rawJSON(text) : text);
  return JSON.stringify(value, (_, item) => (typeof item === "bigint" ? raw(`${item}`) : item));
}

/** Bytes as a value where they are JSON, else as text, else as nothing. */
export function parsed(bytes) {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    try {
      return { value: JSON.parse(text, exact), text };
    } catch {
      return { text };
    }
  } catch {
    return {};
  }
}

/** The beginning of bytes, in one line: JSON without what only programs need of it. */
export function preview(bytes, length = 160) {
  const { value, text } = parsed(bytes);
  if (text === undefined) return `${size(bytes.length)} of binary data`;
  if (value === null || typeof value !== "object") return text.slice(0, length);
  const plain = written(value).slice(0, 4 * length);
  const words = plain.replace(/"([^"\\]*)":/g, "$1: ").replace(/"([^"\\]*)"/g, "$1").replace(/,(?=\S)/g, ", ");
  return words.replace(/^\{|\}$/g, "").slice(0, length);
}

/** Calls a function at most once in so many milliseconds, and once after the last call. */
export function throttled(act, every = 100) {
  let timer = null;
  return () => {
    timer ??= setTimeout(() => {
      timer = null;
      act();
    }, every);
  };
}
