/** One decision: what could be chosen, what was, what the guard said, and what it came to. */

import { fold, h, unseen } from "./dom.js";
import { count, many, parted, seconds, share } from "./format.js";
import { argumentsOf, brief, pre, whole } from "./values.js";
import { badge, glyph, verdictWord } from "./words.js";

const TOP = 4;
const SOME_CALLS = 6;

/** The body of a decision's block in the timeline. */
export function decisionBody(decision) {
  return h(
    "dl",
    { class: "facts" },
    decision.looks.length ? row("Looked", decision.looks.map(look)) : null,
    row("Shortlist", shortlist(decision)),
    decision.proposal ? row("Chosen", chosen(decision)) : null,
    decision.notes.length ? row("Set back", decision.notes.map(setback)) : null,
    decision.verdicts.length ? row("Guard", decision.verdicts.map(verdict)) : null,
    decision.approvals.some((each) => !each.asked) ? row("Person", decision.approvals.filter((each) => !each.asked).map(word)) : null,
    decision.calls.size ? row("Calls", calls(decision)) : null,
    decision.models.length ? row("Model", models(decision.key, decision.models)) : null,
  );
}

function row(name, ...content) {
  return h("div", { class: "fact" }, h("dt", {}, name), h("dd", {}, ...content));
}

/** A tool id with its namespace set apart. */
export function toolName(tool) {
  const [namespace, name] = parted(tool);
  return h("code", { class: "tool" }, namespace ? h("span", { class: "ns" }, `${namespace}.`) : null, name);
}

function look({ tool, look: seen, ok }) {
  const found = ok ? many(seen.entries.length, "entry", "entries") : "nothing could be listed";
  return h("p", {}, toolName(tool), " in ", h("code", {}, seen.folder), `: ${found}`);
}

function shortlist(decision) {
  const all = decision.candidates;
  const picked = decision.proposal?.tool;
  const head = all.slice(0, TOP);
  const also = all.slice(TOP).find((candidate) => candidate.tool === picked);
  const shown = also ? [...head.slice(0, -1), also] : head;
  const rest = all.filter((candidate) => !shown.includes(candidate));
  const most = Math.max(0.0001, ...all.map((candidate) => candidate.score));
  const list = (items) => h("ol", { class: "shortlist" }, items.map((item) => candidateRow(item, picked, most)));
  return [
    all.length ? list(shown) : h("p", { class: "soft" }, "No tool fitted."),
    rest.length ? fold(`${decision.key}-more`, `${many(rest.length, "more tool")}`, () => list(rest), { cls: "quiet" }) : null,
  ];
}

function candidateRow({ tool, score, why }, picked, most) {
  const mine = tool === picked;
  return h(
    "li",
    { class: mine ? "candidate picked" : "candidate" },
    h("span", { class: "pick", "aria-hidden": "true" }, mine ? "▸" : ""),
    h("span", { class: "name" }, toolName(tool), mine ? unseen(" (chosen)") : null),
    h("span", { class: "bar", "aria-hidden": "true" }, h("span", { style: { width: `${(100 * score) / most}%` } })),
    h("span", { class: "score" }, unseen("score "), score.toFixed(2)),
    h("span", { class: "why" }, why),
  );
}

function chosen(decision) {
  const { proposal, margin, example, distance, from } = decision;
  const [namespace] = parted(proposal.tool);
  const bound = Object.entries(proposal.expressions);
  return [
    h("p", { class: "choice" }, toolName(proposal.tool), from && from !== namespace ? h("span", { class: "crossing" }, `${from} → ${namespace}`) : null),
    bound.length ? h("ul", { class: "bindings" }, bound.map(binding)) : null,
    h("p", { class: "soft measures" }, marginOf(margin), " · ", exampleOf(example, distance)),
  ];
}

function marginOf(margin) {
  if (margin === null || margin === undefined) return "no margin reported";
  return h("span", { class: "margin" }, h("span", {}, `margin ${margin.toFixed(2)} to the runner-up `), h("span", { class: "bar", "aria-hidden": "true" }, h("span", { style: { width: `${100 * margin}%` } })));
}

function exampleOf(example, distance) {
  if (!example) return "no worked example fits";
  return ["example ", h("code", {}, example), distance === null ? "" : `, ${many(distance, "token")} before the decision`];
}

/** An argument and what it is bound to: a reference to a result, or a value. */
export function binding([name, expression]) {
  const reference = typeof expression === "string" && expression.startsWith("$");
  return h("li", {}, h("span", { class: "soft" }, name), reference ? " ← " : " = ", h("code", { class: reference ? "ref" : "" }, reference ? expression : brief(expression)));
}

function setback(note) {
  const said = note.kind === "searched" ? `Looked for other tools: “${note.text}”` : note.text;
  return h("p", { class: "verdict" }, badge(["part", note.kind === "searched" ? "Search" : "Decide again"]), h("span", {}, said));
}

function verdict(given) {
  const reused = Object.keys(given.reuse ?? {}).length;
  const told = [
    given.reason,
    given.mask?.length ? `Not offered next: ${given.mask.join(", ")}.` : "",
    given.close_namespace ? `The namespace ${given.close_namespace} is closed for a turn.` : "",
    reused ? `${many(reused, "call is", "calls are")} answered from what is known.` : "",
    given.held ? "Carried out together with the next steps." : "",
  ].filter(Boolean);
  return h("p", { class: "verdict" }, badge(verdictWord(given.kind)), told.length ? h("span", {}, told.join(" ")) : null, given.code && given.code !== given.kind ? h("code", { class: "code" }, given.code) : null);
}

function word(given) {
  return h("p", { class: "verdict" }, badge(given.granted ? ["done", "Approved"] : ["fail", "Denied"]), h("span", { class: "soft" }, given.by ? `by ${given.by}` : ""));
}

function calls(decision) {
  const all = [...decision.calls.values()];
  const list = (items) => h("ul", { class: "calls" }, items.map((call) => h("li", {}, callRow(call))));
  if (all.length <= SOME_CALLS) return list(all);
  return [
    h("p", { class: "soft" }, tally(all)),
    list(all.slice(0, SOME_CALLS - 2)),
    fold(`${decision.key}-calls`, `The other ${many(all.length - SOME_CALLS + 2, "call")}`, () => list(all.slice(SOME_CALLS - 2)), { cls: "quiet" }),
  ];
}

function tally(all) {
  const settled = all.filter((call) => call.outcome);
  const failed = settled.filter((call) => !call.outcome.ok).length;
  const open = all.length - settled.length;
  return [many(all.length, "call"), failed ? `${count(failed)} failed` : "", open ? `${count(open)} under way` : ""].filter(Boolean).join(", ");
}

function callRow(call) {
  const { outcome, reused, poll } = call;
  const tone = !outcome ? "active" : outcome.ok ? "done" : "fail";
  const said = !outcome ? "under way" : outcome.ok ? "succeeded" : "failed";
  const summary = [
    glyph(tone),
    unseen(`${said}: `),
    h("span", { class: "args" }, argumentsOf(call.call)),
    h("span", { class: "arrow", "aria-hidden": "true" }, "→"),
    h("span", { class: "result" }, resultOf(outcome)),
    h("span", { class: "tag" }, [reused ? "known already" : "", poll ? `asked ${poll + 1} times` : "", outcome?.seconds ? seconds(outcome.seconds) : ""].filter(Boolean).join(" · ")),
  ];
  return fold(`call-${call.id}`, summary, () => callWhole(call), { cls: "call" });
}

function resultOf(outcome) {
  if (!outcome) return h("span", { class: "soft" }, "under way");
  return outcome.ok ? brief(outcome.data) : outcome.error;
}

function callWhole({ id, call, outcome, reused }) {
  return [
    h("p", { class: "part" }, "Arguments of ", toolName(call.tool)),
    whole(`${id}-arguments`, call.arguments),
    outcome ? h("p", { class: "part" }, outcome.ok ? "Result" : `Failed (${outcome.code || "no code"})`) : null,
    outcome ? whole(`${id}-result`, outcome.ok ? outcome.data : outcome.error) : null,
    reused ? h("p", { class: "soft" }, `Answered from the call ${reused}; nothing was executed.`) : null,
  ];
}

/** What models were asked, with their tokens; the words themselves are folded away. */
export function models(key, called) {
  const sum = (field) => called.reduce((total, each) => total + each.usage[field], 0);
  const took = called.reduce((total, each) => total + each.seconds, 0);
  const summary = `${many(called.length, "call")} · ${count(sum("prompt"))} tokens in, ${share(sum("cached"), sum("prompt"))} from cache · ${count(sum("generated"))} out${took ? ` · ${seconds(took)}` : ""}`;
  return fold(`${key}-models`, summary, () => called.map((each, at) => modelCall(`${key}-model-${at}`, each)), { cls: "quiet" });
}

function modelCall(key, each) {
  const { usage } = each;
  return h(
    "div",
    { class: "model-call" },
    h("p", { class: "part" }, h("strong", {}, `${each.role}: ${each.purpose}`), ` · ${count(usage.prompt)} in, ${share(usage.cached, usage.prompt)} from cache · ${count(usage.generated)} out · ${seconds(each.seconds)}`),
    each.reply ? pre(each.reply) : null,
    each.appended.length ? fold(`${key}-said`, `What was added to its transcript (${many(each.appended.length, "message")})`, () => each.appended.map((message, at) => [h("p", { class: "part soft" }, message.role), whole(`${key}-said-${at}`, message.content)]), { cls: "quiet" }) : null,
  );
}
