/** What states are called and how they are drawn: a shape, a word and a tone, never colour alone. */

import { h, svg } from "./dom.js";

const RUNS = {
  running: ["active", "Running"],
  planned: ["wait", "Planned"],
  waiting_approval: ["wait", "Needs approval"],
  waiting_tools: ["wait", "Waits for its client"],
  needs_input: ["wait", "Asks a question"],
  completed: ["done", "Completed"],
  incomplete: ["part", "Incomplete"],
  stopped: ["fail", "Stopped"],
  failed: ["fail", "Failed"],
  cancelled: ["skip", "Cancelled"],
};
const STEPS = {
  open: ["open", "Open"],
  active: ["active", "Working"],
  held: ["active", "Ready"],
  halted: ["part", "Not finished"],
  waiting: ["wait", "Needs approval"],
  done: ["done", "Done"],
  failed: ["fail", "Failed"],
  skipped: ["skip", "Skipped"],
};
const VERDICTS = {
  allow: ["done", "Allowed"],
  ask: ["wait", "A person decides"],
  redirect: ["part", "Redirected"],
  replan: ["part", "Plan again"],
  stop: ["fail", "Stopped"],
};

/** Statuses in which a run waits for a person or a client. */
export const WAITING = ["waiting_approval", "needs_input", "waiting_tools", "planned"];

/** Whether a run is at work. */
export const isActive = (status) => status === "running";

/** Whether a run that is not at work can be taken up again. */
export const canResume = (status) => !["running", "completed", "waiting_approval", "needs_input", "waiting_tools"].includes(status);

export const runWord = (status) => RUNS[status] ?? ["open", status];
export const stepWord = (status) => STEPS[status] ?? ["open", status];
export const verdictWord = (kind) => VERDICTS[kind] ?? ["open", kind];

const SHAPES = {
  note: () => [svg("circle", { cx: 8, cy: 8, r: 3, class: "full" })],
  open: () => [svg("circle", { cx: 8, cy: 8, r: 5.5, class: "stroke" })],
  active: () => [svg("circle", { cx: 8, cy: 8, r: 5.5, class: "track" }), svg("path", { d: "M8 2.5a5.5 5.5 0 0 1 5.5 5.5", class: "stroke turn" })],
  wait: () => [svg("path", { d: "M8 1.5 14.5 8 8 14.5 1.5 8Z", class: "full" }), svg("path", { d: "M8 5v3.6M8 10.6v.6", class: "cutout" })],
  done: () => [svg("circle", { cx: 8, cy: 8, r: 6.2, class: "full" }), svg("path", { d: "m5.2 8.2 2 2 3.7-4.2", class: "cutout" })],
  part: () => [svg("circle", { cx: 8, cy: 8, r: 5.5, class: "stroke" }), svg("path", { d: "M8 2.5a5.5 5.5 0 0 0 0 11Z", class: "full" })],
  fail: () => [svg("rect", { x: 2, y: 2, width: 12, height: 12, rx: 2.5, class: "full" }), svg("path", { d: "m5.6 5.6 4.8 4.8m0-4.8-4.8 4.8", class: "cutout" })],
  skip: () => [svg("circle", { cx: 8, cy: 8, r: 5.5, class: "stroke dashed" }), svg("path", { d: "M5.4 8h5.2", class: "stroke" })],
};

/** The shape of a tone; words stand beside it. */
export function glyph(tone) {
  return svg("svg", { viewBox: "0 0 16 16", class: `glyph tone-${tone}`, "aria-hidden": "true" }, SHAPES[tone]());
}

/** A shape with its word. */
export function badge([tone, word], extra = "") {
  return h("span", { class: `badge tone-${tone}` }, glyph(tone), h("span", {}, word, extra));
}
