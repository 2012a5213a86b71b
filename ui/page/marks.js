// The marks: what was checked in this page, what a server merely says, and what is wrong.

import { h, s } from "./dom.js";

/** Each mark: what it means, in short and in full. */
export const MARKS = {
  run: ["run again here", "Checked, and run again: this page ran the actor's code and came to the same."],
  checked: ["checked here", "The name fits the bytes and the chain's links: this page computed it."],
  said: ["only said", "Whoever hands out the chain says so. This page has not checked it, or cannot."],
  erased: ["taken back", "The bytes were erased or are withheld, as whoever hands out the chain says; the name that the chain has of them stays."],
  wrong: ["wrong", "This page computed something else."],
};

const PATHS = {
  run: () => [s("circle", { cx: 8, cy: 8, r: 7, class: "solid" }), s("path", { d: "M4.8 8.3l2.2 2.2 4.3-4.8", class: "cut" })],
  checked: () => [s("circle", { cx: 8, cy: 8, r: 6.4, class: "ring" }), s("path", { d: "M5 8.2l2.1 2.1 4-4.4", class: "line" })],
  said: () => [s("circle", { cx: 8, cy: 8, r: 6, class: "dashed" })],
  erased: () => [s("circle", { cx: 8, cy: 8, r: 6, class: "dashed" }), s("path", { d: "M4 12L12 4", class: "line" })],
  wrong: () => [s("path", { d: "M8 .8L15.4 14.6H.6z", class: "solid" }), s("path", { d: "M8 5.6v4.2M8 12.2v.6", class: "cut" })],
};

/** A mark; with `words`, its meaning stands beside it. */
export function mark(kind, { words = false, title } = {}) {
  const [name, full] = MARKS[kind];
  const picture = s("svg", { viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true" }, PATHS[kind]());
  const props = { class: `mark mark-${kind}`, title: title ?? full };
  if (words) return h("span", props, picture, h("span", {}, typeof words === "string" ? words : name));
  return h("span", { ...props, role: "img", "aria-label": name }, picture);
}

/** The mark of fuel, wherever it stands. */
export const fuelMark = () => mark("said", { title: "Browsers do not measure fuel: `troupe verify` does." });

/** All marks with what they mean. */
export function legend() {
  const items = Object.keys(MARKS).map((kind) => [h("dt", {}, mark(kind, { words: true })), h("dd", {}, MARKS[kind][1])]);
  return h("dl", { class: "legend" }, items);
}
