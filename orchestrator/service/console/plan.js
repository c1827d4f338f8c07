/** The plan as a graph: steps as boxes in the lane of their namespace, arrows for what they need. */

import { fill, h, svg, unseen } from "./dom.js";
import { count, many } from "./format.js";
import { arrow, placed } from "./layout.js";
import { badge, stepWord } from "./words.js";

const LANE_PX = 168;
const GUTTER_PX = 28;
const KINDS = { over: "for each item", needs: "needs", only_if: "only if", then: "then" };

/** A plan's graph; `choose` is told the id of the step that a person wants to see. */
export class PlanGraph {
  #arrows = svg("svg", { class: "arrows", "aria-hidden": "true" });
  #steps = h("ol", { class: "steps" });
  #drawn = null;
  #key = "";

  constructor(choose) {
    this.#arrows.append(heads());
    this.element = h("div", { class: "graph" }, this.#arrows, this.#steps);
    this.choose = choose;
    new ResizeObserver(() => this.#draw()).observe(this.element);
  }

  /** Show the run's plan as far as it has come. */
  show(run) {
    const steps = [...run.steps.values()];
    const key = JSON.stringify(steps) + run.status;
    if (key === this.#key) return;
    this.#key = key;
    this.#drawn = { ...placed(steps.map((state) => state.step)), run, steps };
    fill(this.#steps, this.#lanes(), steps.map((state) => this.#box(state, run)));
    this.#draw();
  }

  #lanes() {
    return this.#drawn.lanes.map((lane, at) => h("li", { class: "lane", "aria-hidden": "true", style: { "--lane": at + 1 } }, lane));
  }

  #box(state, run) {
    const { step } = state;
    const { lane, row } = this.#drawn.places.get(step.id);
    const word = stepWord(shownStatus(state, run));
    const go = h("button", { class: "reach", type: "button", "data-key": `step-${step.id}`, on: { click: () => this.choose(step.id) } }, step.intent);
    return h(
      "li",
      { class: `step tone-${word[0]}`, "data-step": step.id, "data-status": state.status, style: { "--lane": lane + 1, "--row": row + 2 } },
      h("div", { class: "step-head" }, h("span", { class: "id" }, step.id), h("span", { class: "space" }, unseen("in the namespace "), step.namespace), badge(word)),
      h("p", { class: "intent" }, go),
      conditionOf(step),
      progressOf(state),
      state.note ? h("p", { class: "note" }, state.note) : null,
    );
  }

  #draw() {
    if (!this.#drawn) return;
    const { lanes, edges, places } = this.#drawn;
    const width = this.element.clientWidth;
    const compact = width < lanes.length * LANE_PX;
    this.element.classList.toggle("compact", compact);
    this.element.style.setProperty("--lanes", lanes.length);
    this.element.style.setProperty("--gutter", `${compact ? GUTTER_PX : 0}px`);
    const frame = this.element.getBoundingClientRect();
    const boxes = new Map([...this.#steps.querySelectorAll(".step")].map((box) => [box.dataset.step, within(box, frame)]));
    const order = [...places.keys()];
    const drawn = edges.map(({ from, to, kind }) => {
      const apart = compact ? order.indexOf(to) - order.indexOf(from) : places.get(to).row - places.get(from).row;
      return svg("path", { d: arrow(boxes.get(from), boxes.get(to), { compact, apart }), class: `edge ${kind}`, "marker-end": "url(#arrow-head)" });
    });
    this.#arrows.setAttribute("viewBox", `0 0 ${frame.width} ${frame.height}`);
    this.#arrows.replaceChildren(heads(), ...drawn);
  }
}

/** What a step that was cut off is: neither open nor at work. */
export function shownStatus(state, run) {
  const cut = run.status !== "running" && ["active", "held"].includes(state.status);
  return cut ? "halted" : state.status;
}

function heads() {
  const head = svg("marker", { id: "arrow-head", viewBox: "0 0 8 8", refX: 4, refY: 4, markerWidth: 10, markerHeight: 10, orient: "auto", markerUnits: "userSpaceOnUse" }, svg("path", { d: "M1 1l6 3-6 3Z" }));
  return svg("defs", {}, head);
}

function within(box, frame) {
  const { left, right, top, bottom } = box.getBoundingClientRect();
  return { left: left - frame.left, right: right - frame.left, top: top - frame.top, bottom: bottom - frame.top };
}

function written(condition) {
  return `${condition.field} ${condition.op} ${condition.value}`;
}

function conditionOf(step) {
  const told = [
    step.over ? `${KINDS.over} of ${step.over}` : "",
    step.where.length ? `where ${step.where.map(written).join(" and ")}` : "",
    step.take ? `the first ${count(step.take)}` : "",
    step.only_if.length ? `${KINDS.only_if} ${step.only_if.map((fact) => `${fact.step}.${written(fact.condition)}`).join(" and ")}` : "",
    step.wait_until.length ? `until ${step.wait_until.map(written).join(" and ")}` : "",
    step.needs?.length ? `needs ${step.needs.join(", ")}` : "",
  ].filter(Boolean);
  return told.length ? h("p", { class: "over" }, told.join(", ")) : null;
}

function told(state, done) {
  const all = many(state.expected, "call");
  return done < state.expected ? `${count(done)} of ${all}` : all;
}

function progressOf(state) {
  if (!state.expected) return null;
  const failed = state.failed ? `, ${count(state.failed)} failed` : "";
  const done = Math.min(state.settled, state.expected);
  if (state.status !== "active" || done === state.expected) return h("p", { class: "note" }, told(state, done) + failed);
  return h(
    "div",
    { class: "progress" },
    h("progress", { max: state.expected, value: done, "aria-label": `Calls of ${state.step.id}` }),
    h("span", {}, told(state, done) + failed),
  );
}
