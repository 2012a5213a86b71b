// What differs between two values, as a person reads it: one line for each place that changed, and the whole with its
// lines marked.

import { h, parsed, size, written } from "./dom.js";

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
const isInside = (value) => value !== null && typeof value === "object";
const MAX_CHANGES = 400;

/** The places where two values differ: path, before and after; what is not there is undefined. */
export function changes(before, after, path = [], found = []) {
  if (found.length >= MAX_CHANGES || same(before, after)) return found;
  if (isObject(before) && isObject(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
      changes(before[key], after[key], [...path, key], found);
    }
  } else if (Array.isArray(before) && Array.isArray(after)) {
    for (const [n, old, fresh] of aligned(before, after)) changes(old, fresh, [...path, n], found);
  } else {
    found.push({ path, before, after });
  }
  return found;
}

/** Lists that are longer are compared place by place. */
const MAX_ALIGNED = 400;

/** The places where two lists differ: position, before, after. What both have in order is left out. */
function aligned(before, after) {
  let head = 0;
  while (head < before.length && head < after.length && same(before[head], after[head])) head += 1;
  let tail = 0;
  const rest = Math.min(before.length, after.length) - head;
  while (tail < rest && same(before[before.length - 1 - tail], after[after.length - 1 - tail])) tail += 1;
  const [old, fresh] = [before.slice(head, before.length - tail), after.slice(head, after.length - tail)];
  const differing = [];
  if (old.length > MAX_ALIGNED || fresh.length > MAX_ALIGNED) {
    for (let n = 0; n < Math.max(old.length, fresh.length); n += 1) differing.push([head + n, old[n], fresh[n]]);
    return differing;
  }
  const kept = longestCommon(old, fresh);
  let [i, j] = [0, 0];
  for (const [x, y] of [...kept, [old.length, fresh.length]]) {
    // Between what is kept, what goes and what comes are paired as far as they reach.
    while (i < x && j < y) differing.push([head + j, old[i++], fresh[j++]]);
    while (i < x) differing.push([head + i, old[i++], undefined]);
    while (j < y) differing.push([head + j, undefined, fresh[j++]]);
    [i, j] = [x + 1, y + 1];
  }
  return differing;
}

/** The longest common subsequence, as pairs of positions. */
function longestCommon(a, b) {
  const [left, right] = [a, b].map((items) => items.map((item) => written(item)));
  const wide = b.length + 1;
  const lengths = new Uint16Array((a.length + 1) * wide);
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      lengths[i * wide + j] = left[i] === right[j]
        ? lengths[(i + 1) * wide + j + 1] + 1
        : Math.max(lengths[(i + 1) * wide + j], lengths[i * wide + j + 1]);
    }
  }
  const pairs = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    if (left[i] === right[j]) pairs.push([i++, j++]);
    else if (lengths[(i + 1) * wide + j] >= lengths[i * wide + j + 1]) i += 1;
    else j += 1;
  }
  return pairs;
}

function same(a, b) {
  if (a === b) return true;
  if (!isInside(a) || !isInside(b)) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && same(a[key], b[key]));
}

const cut = (value, limit = 200) => {
  const text = written(value);
  return text.length > limit ? `${text.slice(0, limit)}…` : text;
};

/** A value in colours. */
function coloured(value, limit) {
  const kind = value === null ? "null" : typeof value;
  return h("code", { class: `v v-${kind}` }, cut(value, limit));
}

function difference(before, after) {
  if (typeof before !== "number" || typeof after !== "number") return null;
  const by = after - before;
  const text = Number.isInteger(by) ? by : +by.toPrecision(6);
  return h("span", { class: "by" }, by > 0 ? `+${text}` : `−${Math.abs(text)}`);
}

/** The changes from one state to the next. */
export function changeList(before, after) {
  const found = changes(before, after);
  if (!found.length) return h("p", { class: "quiet" }, "Nothing changed.");
  const rows = found.map((change) => {
    const gone = change.after === undefined;
    const fresh = change.before === undefined;
    const path = change.path.length ? change.path.map((part) => h("span", {}, `${part}`)) : [h("span", {}, "all of it")];
    return h(
      "li",
      { class: gone ? "gone" : fresh ? "fresh" : "changed" },
      h("span", { class: "place" }, path),
      h(
        "span",
        { class: "values" },
        fresh ? null : h("del", {}, coloured(change.before)),
        fresh || gone ? null : h("span", { class: "to", "aria-label": "became" }, "→"),
        gone ? null : h("ins", {}, coloured(change.after)),
        difference(change.before, change.after),
      ),
    );
  });
  const more = found.length >= MAX_CHANGES ? h("li", { class: "quiet" }, "and more") : null;
  return h("ul", { class: "changes" }, rows, more);
}

/** A value, line by line; places that changed are marked. */
export function whole(value, changed = []) {
  const paths = new Map(changed.map((change) => [JSON.stringify(change.path), change]));
  const lines = [];
  const line = (depth, path, ...content) => {
    const is = paths.has(JSON.stringify(path)) ? " marked" : "";
    const element = h("div", { class: `line${is}` }, ...content);
    element.style.setProperty("--depth", depth);
    lines.push(element);
  };
  const label = (key) => (key === null ? null : [h("span", { class: "key" }, key), ": "]);
  const walk = (item, key, depth, path, comma) => {
    const [open, close, entries] = Array.isArray(item)
      ? ["[", "]", item.map((inner, n) => [n, inner, null])]
      : isObject(item)
        ? ["{", "}", Object.entries(item).map(([name, inner]) => [name, inner, `"${name}"`])]
        : [null];
    if (!open || !entries.length || (written(item).length < 60 && !entries.some(([, inner]) => isInside(inner)))) {
      line(depth, path, label(key), coloured(item, 2000), comma);
      return;
    }
    line(depth, path, label(key), open);
    entries.forEach(([name, inner, shown], n) => walk(inner, shown, depth + 1, [...path, name], n < entries.length - 1 ? "," : ""));
    line(depth, null, close, comma);
  };
  walk(value, null, 0, [], "");
  const shown = lines.slice(0, 3000);
  if (lines.length > shown.length) shown.push(h("div", { class: "line quiet" }, `${lines.length - shown.length} more lines`));
  return h("div", { class: "json", tabindex: 0, role: "group", "aria-label": "JSON" }, shown);
}

/** Bytes as JSON, as text, or as how many they are. */
export function shownBytes(bytes) {
  const { value, text } = parsed(bytes);
  if (value !== undefined) return whole(value);
  if (text !== undefined) return h("pre", { class: "json" }, text.slice(0, 20000));
  return h("p", { class: "quiet" }, `${size(bytes.length)}, not text`);
}
