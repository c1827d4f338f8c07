/** One run, live: its head, its figures, what it wants of a person, its plan and its timeline. */

import { Refused, ask, follow } from "./api.js";
import { approvalPanel, clientPanel, plannedPanel, questionPanel } from "./attention.js";
import { busy, fill, h, setBusy } from "./dom.js";
import { moment, when } from "./format.js";
import { emptyRun, take } from "./fold.js";
import { PlanGraph } from "./plan.js";
import { Timeline, dials, statusBadge } from "./timeline.js";
import { WAITING, canResume, isActive, runWord, stepWord } from "./words.js";

const LOOK_AGAIN_MS = 4000;
const PATIENCE_MS = 3000;

/** The page of a run; `hooks` are `announce(text)`, `line(state, again, said)` and `changed()`. */
export class RunView {
  #run;
  #hooks;
  #over = new AbortController();
  #following = false;
  #drawing = 0;
  #asked = "";
  #told = "";
  #writing = null;
  #heardAt = Date.now();
  #timers = [];

  constructor(id, hooks) {
    this.id = id;
    this.#hooks = hooks;
    this.#run = emptyRun(id);
    this.timeline = new Timeline();
    this.graph = new PlanGraph((step) => this.timeline.reach(step) || hooks.announce(`Nothing has been done for ${step} yet.`));
    this.head = h("header", { class: "run-head" }, h("p", { class: "loading" }, "Reading the journal …"));
    this.dials = h("dl", { class: "dials", "aria-label": "Figures" });
    this.attention = h("div", { class: "attention-slot" });
    this.outcome = h("div", {});
    this.planBox = section("Plan", "plan-title", this.graph.element);
    this.timelineBox = section("Timeline", "timeline-title", this.timeline.element);
    this.body = h("div", { class: "run-body", hidden: true }, this.dials, this.attention, this.outcome, this.planBox, this.timelineBox);
    this.element = h("article", { class: "run", "aria-busy": "true" }, this.head, this.body);
    this.#timers.push(setInterval(() => this.#tick(), 1000));
    this.#timers.push(setInterval(() => this.#lookAgain(), LOOK_AGAIN_MS));
    this.#follow();
  }

  /** Leave the run: nothing is followed any more. */
  close() {
    this.#over.abort();
    this.#timers.forEach(clearInterval);
    cancelAnimationFrame(this.#drawing);
  }

  /** A list of runs says how far this one is: follow it where there is more to see. */
  heard(head) {
    if (head.last_seq > this.#run.seq) this.#follow();
  }

  async #follow() {
    if (this.#following || this.#over.signal.aborted) return;
    this.#following = true;
    try {
      await follow(this.id, {
        after: this.#run.seq,
        signal: this.#over.signal,
        line: (...state) => this.#line(...state),
        entry: (entry) => this.#took(entry),
        delta: (piece) => this.#heard(piece),
      });
    } catch (error) {
      if (!this.#over.signal.aborted) this.#cannot(error);
    } finally {
      this.#following = false;
      if (!this.#over.signal.aborted) this.#draw();
    }
  }

  #took(entry) {
    take(this.#run, entry);
    this.#writing = null;
    this.#heardAt = Date.now();
    this.#say(entry.event);
    if (["run_ended", "run_resumed"].includes(entry.event.type)) this.#hooks.changed();
    this.#drawing ||= requestAnimationFrame(() => this.#draw());
  }

  #heard({ role, text }) {
    this.#writing = { role, text: (this.#writing?.role === role ? this.#writing.text : "") + text };
    this.#drawing ||= requestAnimationFrame(() => this.#draw());
  }

  #line(state, again, said) {
    this.#hooks.line(state, again, said);
    this.element.setAttribute("aria-busy", String(state !== "rest" && !this.#run.seq));
  }

  #cannot(error) {
    this.#hooks.line("rest");
    const gone = error instanceof Refused && error.status === 404;
    fill(
      this.head,
      h("h1", { tabindex: "-1" }, gone ? "There is no such run" : "This run cannot be shown"),
      h("p", {}, gone ? `Nothing is known of ${this.id}. It may have been removed, or it belongs to somebody else.` : error.message),
      error.hint && !gone ? h("p", { class: "soft" }, error.hint) : null,
      h("p", {}, h("a", { href: "#/" }, "All runs")),
    );
    this.body.hidden = true;
  }

  /** A run at rest can be taken up by somebody else: look now and then. */
  #lookAgain() {
    if (!document.hidden && WAITING.includes(this.#run.status)) this.#follow();
  }

  #draw() {
    this.#drawing = 0;
    const run = this.#run;
    if (!run.seq) return;
    this.body.hidden = false;
    this.element.setAttribute("aria-busy", "false");
    this.#drawHead(run);
    this.#tick();
    this.#drawOutcome(run);
    this.planBox.hidden = run.steps.size === 0;
    this.graph.show(run);
    this.timeline.show(run, this.#writing);
    this.#drawAttention(run);
    document.title = `${titleMark(run.status)}${run.request.goal.slice(0, 60)} – Ferryman`;
  }

  #drawHead(run) {
    const key = `${run.status} ${run.seq > 0}`;
    if (this.head.dataset.state === key) return;
    const first = !this.head.dataset.state;
    this.head.dataset.state = key;
    const held = this.head.contains(document.activeElement);
    const folders = Object.entries(run.request.places);
    fill(
      this.head,
      h("p", { class: "back" }, h("a", { href: "#/" }, "All runs")),
      h("h1", { tabindex: "-1" }, run.request.goal),
      h(
        "div",
        { class: "run-line" },
        statusBadge(run.status),
        h("span", { class: "soft" }, "started ", h("time", { datetime: run.startedAt, title: moment(run.startedAt) }, when(run.startedAt))),
        h("code", { class: "soft", title: `The run's id: ${this.id}` }, this.id.slice(0, 12)),
        h("div", { class: "run-actions" }, this.#actions(run)),
      ),
      folders.length ? h("p", { class: "soft places" }, folders.map(([name, path]) => h("span", {}, `${name}: `, h("code", {}, path)))) : null,
      h("p", { class: "refusal", role: "alert" }),
    );
    if (first || held) this.head.querySelector("h1").focus({ preventScroll: true });
  }

  #actions(run) {
    const button = (word, kind, act) => h("button", { type: "button", class: kind, on: { click: (event) => this.#press(event.currentTarget, act) } }, word);
    return [
      canResume(run.status) && run.status !== "planned" ? button("Resume", "secondary", () => this.#post("resume", {})) : null,
      isActive(run.status) ? button("Cancel run", "secondary", () => this.#post("cancel")) : null,
    ];
  }

  async #press(button, act) {
    if (busy(button)) return;
    const said = this.head.querySelector(".refusal");
    setBusy(button, true);
    fill(said);
    try {
      await act();
    } catch (error) {
      fill(said, error.message, error.hint ? ` ${error.hint}` : "");
    } finally {
      setBusy(button, false);
    }
  }

  /** Send a word about the run, then see what comes of it. */
  async #post(what, body) {
    await ask("POST", `v1/runs/${encodeURIComponent(this.id)}/${what}`, body ?? {});
    this.#hooks.changed();
    await this.#afterwards();
  }

  async #afterwards() {
    const before = this.#run.seq;
    if (!this.#following) await Promise.race([this.#follow(), new Promise((go) => setTimeout(go, 400))]);
    if (this.#run.seq === before && !this.#following) this.#follow();
  }

  #drawOutcome(run) {
    const key = `${run.answer?.text ?? ""} ${run.status} ${run.error}`;
    if (this.outcome.dataset.state === key) return;
    this.outcome.dataset.state = key;
    const [tone] = runWord(run.status);
    const wrong = run.error && tone !== "wait" && run.status !== "running";
    fill(
      this.outcome,
      wrong ? h("div", { class: `outcome tone-${tone}` }, h("h2", {}, runWord(run.status)[1]), h("p", {}, run.error), run.code ? h("p", { class: "soft" }, h("code", {}, run.code)) : null) : null,
      run.answer ? h("div", { class: "outcome tone-answer" }, h("h2", {}, "Answer"), h("p", { class: "answer-text" }, run.answer.text)) : null,
    );
  }

  #drawAttention(run) {
    const wanted = wantedOf(run);
    if (wanted === this.#asked) return;
    this.#asked = wanted;
    this.#fillAttention(run, wanted).catch(() => {});
  }

  async #fillAttention(run, wanted) {
    const [kind] = wanted.split(" ");
    if (kind === "approval") {
      const signal = AbortSignal.timeout(PATIENCE_MS);
      const more = await ask("GET", `v1/runs/${encodeURIComponent(this.id)}`, undefined, { signal }).catch(() => ({}));
      if (wanted === this.#asked) this.#put(this.#approval({ ...run.approval, ...enriched(run.approval, more.approval ?? {}) }));
    } else if (kind === "question") {
      this.#put(questionPanel(run.question || run.error, (text) => this.#post("answer", { text })));
    } else if (kind === "planned") {
      this.#put(plannedPanel(() => this.#post("resume", {})));
    } else this.#put(kind === "tools" ? clientPanel(run) : null);
  }

  /** Put a panel in the place of the last one; whoever was in that one is not left nowhere. */
  #put(panel) {
    const held = this.attention.contains(document.activeElement);
    fill(this.attention, panel);
    if (held) (panel ?? this.head).querySelector("h1, h2").focus({ preventScroll: true });
  }

  #approval(approval) {
    return approvalPanel(approval, {
      approve: (digest, edited) => this.#post("approve", edited ? { digest, edited } : { digest }),
      deny: (digest) => this.#post("deny", { digest }),
    });
  }

  #tick() {
    const run = this.#run;
    if (!run.seq) return;
    const extra = isActive(run.status) ? (Date.now() - this.#heardAt) / 1000 : 0;
    fill(this.dials, dials(run, extra));
  }

  /** Tell a screen reader what matters, and only that. */
  #say(event) {
    const said = spoken(event, this.#run);
    if (said && said !== this.#told) this.#hooks.announce(said);
    this.#told = said || this.#told;
  }
}

function section(title, id, content) {
  return h("section", { class: "part-box", "aria-labelledby": id }, h("h2", { id }, title), content);
}

function titleMark(status) {
  if (WAITING.includes(status)) return "● ";
  return isActive(status) ? "▸ " : "";
}

function wantedOf(run) {
  if (run.status === "waiting_approval" && run.approval?.proposal) return `approval ${run.approval.digest}`;
  if (run.status === "needs_input") return `question ${run.question}`;
  if (run.status === "planned") return "planned";
  return run.status === "waiting_tools" ? `tools ${run.seq}` : "";
}

/** What the service knows beyond the journal's entry: when it expires, origins, a preview. */
function enriched(own, more) {
  if (more.digest && more.digest !== own.digest) return {};
  const { expires = own.expires, provenance, preview } = more;
  return { expires, provenance, preview };
}

function spoken(event, run) {
  if (event.type === "step_closed") return `Step ${event.step}: ${stepWord(event.status)[1]}.`;
  if (event.type === "plan_made" && event.plan.steps.length) return `A plan of ${event.plan.steps.length} steps.`;
  if (event.type === "approval_asked") return `Waiting for your approval of ${run.approval?.proposal?.tool ?? "a call"}.`;
  if (event.type === "run_ended") return `The run: ${runWord(event.status)[1]}.`;
  return "";
}
