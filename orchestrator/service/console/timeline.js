/** The timeline: every moment of a run in order, made anew only where something changed. */

import { decisionBody, models } from "./decision.js";
import { fill, h, swap, unseen } from "./dom.js";
import { count, many, moment, seconds } from "./format.js";
import { badge, glyph, runWord } from "./words.js";
import { pre } from "./values.js";

const LAST = 600;

/** The moments of a run; `show` brings the page up to its last entry. */
export class Timeline {
  #list = h("ol", { class: "timeline", "aria-label": "What happened" });
  #drawn = new Map();
  #now = h("div", { class: "now", hidden: true });

  constructor() {
    this.element = h("div", {}, this.#list, this.#now);
  }

  /** Bring the page up to a run's last entry, and to what a model is `writing` now. */
  show(run, writing = null) {
    for (const moment of run.blocks) {
      const drawn = this.#drawn.get(moment.key);
      const state = `${moment.rev} ${run.status === "running"}`;
      if (drawn?.state === state) continue;
      const made = momentOf(moment, run);
      if (drawn) swap(drawn.element, made);
      else this.#list.append(made);
      this.#drawn.set(moment.key, { state, element: made });
    }
    this.#now.hidden = !run.doing;
    if (run.doing) this.#showNow(run.doing, writing);
  }

  // The glyph stays the same element, so that it turns on without a jerk.
  #showNow(doing, writing) {
    if (!this.#now.hasChildNodes()) this.#now.append(glyph("active"), h("div", { class: "doing" }));
    const written = writing ? h("p", { class: "writing" }, writing.text.slice(-LAST)) : null;
    fill(this.#now.lastChild, h("p", {}, `${sentence(doing)} …`), written);
  }

  /** Bring the last decision about a step into view. */
  reach(step) {
    const found = [...this.#list.querySelectorAll(`[data-about="${CSS.escape(step)}"]`)].at(-1);
    if (!found) return false;
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    found.scrollIntoView({ behavior: calm ? "auto" : "smooth", block: "start" });
    found.querySelector("h3")?.focus({ preventScroll: true });
    return true;
  }
}

function sentence(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function momentOf(block, run) {
  const [tone, title, body] = KINDS[block.kind](block, run);
  return h(
    "li",
    { class: `moment kind-${block.kind} tone-${tone}`, "data-about": block.step ?? null },
    h("time", { class: "clock", datetime: block.at, title: moment(block.at) }, clock(block.clock)),
    h("span", { class: "mark" }, glyph(tone)),
    h("div", { class: "told" }, h("h3", { tabindex: "-1" }, title), body),
  );
}

function clock(value) {
  const minutes = Math.floor(value / 60);
  const rest = (value % 60).toFixed(1).padStart(4, "0");
  return `${minutes}:${rest}`;
}

const KINDS = {
  started: (block) => [
    "note",
    "Started",
    h(
      "div",
      {},
      h("p", { class: "soft" }, `${many(Object.keys(block.tools).length, "tool")} in scope · `, APPROVE[block.approve] ?? block.approve),
      block.models.length ? h("ul", { class: "plain soft" }, block.models.map((model) => h("li", {}, `${model.role}: `, h("code", {}, model.model), ` on ${model.backend}`, model.record ? `, by ${model.record}` : ""))) : null,
      Object.entries(block.unavailable).map(([space, why]) => h("p", { class: "bad" }, h("code", {}, space), ` is not available: ${why}`)),
    ),
  ],

  plan: (block) => [
    "note",
    planTitle(block),
    h(
      "div",
      {},
      block.reason ? h("p", {}, block.reason) : null,
      block.plan.question ? h("blockquote", {}, block.plan.question) : null,
      changed("Without", block.dropped),
      changed("New", block.added),
      changed("Kept", block.kept),
      block.models.length ? models(block.key, block.models) : null,
    ),
  ],

  refused: (block) => [
    "part",
    block.deflection ? "Sent back: there is work left" : "A plan was refused",
    h("div", {}, h("ul", { class: "plain" }, block.problems.map((problem) => h("li", {}, problem))), block.models.length ? models(block.key, block.models) : null),
  ],

  decision: (block, run) => [decisionTone(block, run), decisionTitle(block, run), h("div", {}, decisionBody(block), block.closed?.note ? h("p", { class: "note" }, block.closed.note) : null)],

  closed: (block) => [STEP_TONES[block.status], [h("span", { class: "id" }, block.step), ` ${block.intent}`], h("p", { class: "soft" }, sentence(block.status), block.why ? `: ${WHY[block.why] ?? block.why}` : "", block.note ? `. ${block.note}` : "")],

  replan: (block) => ["part", "The plan cannot go on as it is", h("p", {}, block.reason)],

  resumed: (block) => ["note", "Taken up again", h("p", { class: "soft" }, APPROVE[block.approve] ?? block.approve, block.budget ? " · with a new budget" : "")],

  answered: (block) => ["note", "You answered", h("blockquote", {}, block.text)],

  note: (block) => ["part", block.text ?? "A decision came to nothing", block.notes?.length ? h("ul", { class: "plain" }, block.notes.map((note) => h("li", {}, note.text))) : null],

  answer: (block) => [
    "done",
    "Answer",
    h(
      "div",
      {},
      h("p", { class: "answer-text" }, block.text),
      block.refused.length ? h("div", { class: "refused" }, h("p", { class: "soft" }, `${many(block.refused.length, "sentence was", "sentences were")} taken out, because the journal does not hold what they claim:`), block.refused.map((text) => pre(text))) : null,
      block.by === "journal" ? h("p", { class: "soft" }, "Written from the journal, without a model.") : null,
      block.models.length ? models(block.key, block.models) : null,
    ),
  ],

  ended: (block) => {
    const [tone, word] = runWord(block.status);
    if (RESTS[block.status]) return [tone, RESTS[block.status], null];
    return [tone, word, block.error ? h("p", {}, block.error, block.code ? [" ", h("code", { class: "code" }, block.code)] : null) : null];
  },
};

export const APPROVE = {
  ask: "A person is asked before anything is changed",
  yes: "Changes on this machine go ahead without asking",
  no: "Nothing that would have to be asked for is done",
};
const RESTS = {
  waiting_approval: "Rests until a person decides",
  needs_input: "Rests until the question is answered",
  waiting_tools: "Rests until its client has made its calls",
  planned: "Rests with its plan",
};
const STEP_TONES = { done: "done", failed: "fail", skipped: "skip" };
const WHY = { no_items: "there was nothing to do it for", condition: "its condition did not hold" };

function planTitle({ plan, again }) {
  if (plan.question) return "A question before there is a plan";
  if (plan.answer) return "Answered without a tool";
  return `${again ? "A new plan" : "A plan"} of ${many(plan.steps.length, "step")}`;
}

function changed(name, ids) {
  return ids?.length ? h("p", { class: "soft" }, `${name}: ${ids.join(", ")}`) : null;
}

function decisionTone(block, run) {
  if (block.closed) return STEP_TONES[block.closed.status];
  const last = block.verdicts.at(-1)?.kind;
  if (last === "stop") return "fail";
  if (last === "redirect" || last === "replan") return "part";
  if (block.approvals.at(-1)?.asked) return "wait";
  return run.status === "running" && !block.notes.length ? "active" : "part";
}

function decisionTitle(block, run) {
  const intent = run.steps.get(block.step)?.step.intent ?? "";
  return [h("span", { class: "id" }, block.step), " ", intent];
}

/** The figures of a run, as the instrument's dials. */
export function dials(run, extra = 0) {
  const { totals } = run;
  return [
    dial("Prompt tokens", count(totals.prompt)),
    dial("From cache", totals.prompt ? `${Math.round((100 * totals.cached) / totals.prompt)}%` : "–", totals.prompt ? totals.cached / totals.prompt : null),
    dial("Generated", count(totals.generated)),
    dial("Model calls", count(totals.modelCalls)),
    dial("Tool calls", count(totals.toolCalls)),
    dial("Identical calls", count(totals.identical), null, totals.reused ? `${count(totals.reused)} answered from what was known` : ""),
    dial("Work", seconds(totals.seconds + extra)),
  ];
}

function dial(name, value, part = null, hint = "") {
  return h(
    "div",
    { class: "dial", title: hint || null },
    h("dt", {}, name),
    h("dd", {}, value, hint ? unseen(`, ${hint}`) : null),
    part === null ? null : h("span", { class: "gauge", "aria-hidden": "true" }, h("span", { style: { width: `${100 * part}%` } })),
  );
}

/** A run's status as a badge. */
export function statusBadge(status) {
  return badge(runWord(status));
}
