/** What a run wants of a person: a yes or no to exact calls, an answer, a word to begin. */

import { toolName } from "./decision.js";
import { busy, fill, fold, h, setBusy } from "./dom.js";
import { count, many, moment, until } from "./format.js";
import { brief, legible, pre, whole } from "./values.js";
import { glyph } from "./words.js";

const ROWS = 12;
const EDIT = "Edit the arguments";
const EFFECTS = {
  read: "reads only",
  local_write: "changes things on this machine",
  destructive: "cannot be undone",
  egress: "is seen outside of this machine",
};

/** A panel that asks something; `act` does what was decided and may throw. */
function panel(title, note, body, actions, act) {
  const said = h("p", { class: "refusal", role: "alert" });
  const buttons = actions.map(({ word, doing, kind, run }) =>
    h("button", { type: "button", class: kind, "data-key": `attention-${word}`, on: { click: (event) => press(event.currentTarget, doing, run) } }, word),
  );
  async function press(button, doing, run) {
    if (busy(button)) return;
    const word = button.textContent;
    fill(said);
    buttons.forEach((each) => setBusy(each, true));
    button.textContent = doing;
    try {
      await act(run);
    } catch (error) {
      fill(said, error.message, error.hint ? ` ${error.hint}` : "");
      button.textContent = word;
      buttons.forEach((each) => setBusy(each, false));
    }
  }
  return h(
    "section",
    { class: "attention", "aria-labelledby": "attention-title" },
    h("h2", { id: "attention-title", tabindex: "-1" }, glyph("wait"), h("span", {}, title)),
    note,
    body,
    h("div", { class: "actions" }, buttons),
    said,
  );
}

/** Ask for a yes or no to exactly these calls. */
export function approvalPanel(approval, { approve, deny }) {
  const { proposal } = approval;
  const unknown = approval.verdict?.code === "tool_outcome_unknown";
  const table = new CallTable(proposal);
  const calls = many(proposal.calls.length, "call");
  const note = h(
    "div",
    { class: "about" },
    h("p", {}, toolName(proposal.tool), ` ${EFFECTS[proposal.effect] ?? proposal.effect}.`, expiry(approval.expires)),
    h("p", { class: "soft" }, "The guard: ", approval.reason),
  );
  const edit = h("button", { type: "button", class: "plain-button", on: { click: () => label(table.toggle()) } }, EDIT);
  const label = (editing) => {
    edit.textContent = editing ? "Leave the arguments as they were" : EDIT;
    made.querySelector(".primary").textContent = editing ? "Approve as edited" : yes;
  };
  const yes = unknown ? "Do it again" : `Approve ${calls}`;
  const body = h("div", { class: "asked" }, table.element, originsOf(approval.provenance), previewOf(approval.preview), unknown ? null : edit, h("p", { class: "soft bound" }, "Bound to ", h("code", { title: approval.digest }, approval.digest.slice(0, 12)), ": a yes is for these calls and no others."));
  const actions = [
    { word: yes, doing: "Approving …", kind: "primary", run: () => approve(approval.digest, table.edited()) },
    { word: "Deny", doing: "Denying …", kind: "danger", run: () => deny(approval.digest) },
  ];
  const title = unknown ? "Nobody knows whether this was done" : `May ${calls} of ${proposal.tool} go ahead?`;
  const made = panel(title, note, body, actions, (run) => run());
  return made;
}

function expiry(at) {
  if (!at) return null;
  const left = until(at);
  return h("span", { title: moment(at) }, left ? ` The question expires ${left}.` : " The question has expired.");
}

/** Where each argument is from, in the service's words. */
function originsOf(provenance) {
  const told = Object.entries(provenance ?? {});
  if (!told.length) return null;
  return h("dl", { class: "origins" }, told.map(([name, said]) => h("div", {}, h("dt", {}, name), h("dd", {}, said))));
}

function previewOf(preview) {
  if (!preview?.length) return null;
  const text = preview.join("\n");
  return fold("approval-preview", "What it would do", () => pre(text), { cls: "quiet" });
}

/** Every call of a proposal in a row, its arguments in columns; editable when asked for. */
class CallTable {
  #editing = false;
  #all = false;
  #fields = new Map();

  constructor(proposal) {
    this.proposal = proposal;
    this.names = [...new Set(proposal.calls.flatMap((call) => Object.keys(call.arguments)))];
    this.element = h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "The exact calls" });
    this.#draw();
  }

  /** Go into or out of editing; say which. */
  toggle() {
    this.#editing = !this.#editing;
    this.#all ||= this.#editing;
    this.#draw();
    this.element.querySelector("textarea")?.focus();
    return this.#editing;
  }

  /** The arguments as they were changed, or nothing where none was. */
  edited() {
    if (!this.#editing) return undefined;
    const calls = this.proposal.calls.map((call, at) => ({ ...call.arguments, ...this.#read(call, at) }));
    const same = JSON.stringify(calls) === JSON.stringify(this.proposal.calls.map((call) => call.arguments));
    return same ? undefined : calls;
  }

  #read(call, at) {
    const read = this.names.filter((name) => this.#fields.has(`${at} ${name}`)).map((name) => [name, this.#value(call, at, name)]);
    return Object.fromEntries(read);
  }

  #value(call, at, name) {
    const field = this.#fields.get(`${at} ${name}`);
    if (typeof call.arguments[name] === "string") return field.value;
    try {
      return JSON.parse(field.value);
    } catch {
      field.focus();
      throw new Error(`${name} of call ${at + 1} is not JSON.`);
    }
  }

  #draw() {
    const { calls } = this.proposal;
    const shown = this.#all ? calls : calls.slice(0, ROWS);
    const head = this.names.map((name) => h("th", { scope: "col", role: "columnheader" }, name, this.#origin(name)));
    const more = calls.length - shown.length;
    fill(
      this.element,
      h("table", { role: "table" }, h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, h("th", { scope: "col", role: "columnheader", class: "number" }, "#"), head)), h("tbody", { role: "rowgroup" }, shown.map((call, at) => this.#row(call, at)))),
      more > 0 ? h("button", { type: "button", class: "plain-button", on: { click: () => this.#showAll() } }, `Show the other ${count(more)}`) : null,
      this.names.length ? null : h("p", { class: "soft" }, "The call has no arguments."),
    );
  }

  #showAll() {
    this.#all = true;
    this.#draw();
    this.element.focus();
  }

  #origin(name) {
    const expression = this.proposal.expressions[name];
    if (typeof expression !== "string" || !expression.startsWith("$")) return h("span", { class: "origin" }, "said by the planner");
    return h("span", { class: "origin" }, "from ", h("code", {}, expression));
  }

  // On a narrow window rows become blocks, which would take the roles of a table from them.
  #row(call, at) {
    const cell = (name) => h("td", { role: "cell", "data-name": name }, this.#cell(call, at, name));
    return h("tr", { role: "row" }, h("th", { scope: "row", role: "rowheader", class: "number" }, at + 1), this.names.map(cell));
  }

  #cell(call, at, name) {
    const value = call.arguments[name];
    if (value === undefined) return h("span", { class: "soft" }, "–");
    if (!this.#editing) return valueCell(`cell-${at}-${name}`, value);
    const text = typeof value === "string" ? value : JSON.stringify(value);
    const field = h("textarea", { rows: text.length > 60 ? 3 : 1, "aria-label": `${name} of call ${at + 1}`, spellcheck: "false", value: text });
    this.#fields.set(`${at} ${name}`, field);
    return field;
  }
}

function valueCell(key, value) {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  if (text.length <= 160) return h("bdi", { class: "cell" }, legible(text));
  return fold(key, brief(value, 60), () => whole(key, value), { cls: "quiet" });
}

/** Ask the question that the plan puts. */
export function questionPanel(question, answer) {
  const box = h("textarea", { id: "answer-box", rows: 3, required: true, maxlength: 8000 });
  const body = h("div", { class: "field" }, h("label", { for: "answer-box" }, "Your answer"), box);
  const send = () => {
    if (box.value.trim()) return answer(box.value.trim());
    box.focus();
    throw new Error("The answer is empty.");
  };
  return panel("Ferryman asks before it plans", h("blockquote", {}, question), body, [{ word: "Answer", doing: "Sending …", kind: "primary", run: send }], (run) => run());
}

/** A plan that was asked for by itself: carry it out, or leave it. */
export function plannedPanel(resume) {
  const note = h("p", { class: "about" }, "Nothing has been done yet. Look at the plan below, then have it carried out.");
  return panel("The plan is made", note, null, [{ word: "Carry it out", doing: "Starting …", kind: "primary", run: resume }], (run) => run());
}

/** A run that waits for the program that started it. */
export function clientPanel(run) {
  return h(
    "section",
    { class: "attention", "aria-labelledby": "attention-title" },
    h("h2", { id: "attention-title", tabindex: "-1" }, glyph("wait"), h("span", {}, "It waits for its client")),
    h("p", { class: "about" }, "The program that started this run has to carry out calls of its own and give their results.", run.error ? ` ${run.error}` : ""),
  );
}

