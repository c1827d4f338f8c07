/**
 * A run as the page shows it: the fold of its journal's entries.
 *
 * `blocks` are the moments of the timeline in their order. A decision's block gathers everything
 * from its shortlist to its step's end; its `rev` grows with every entry that changes it.
 */

/** A run of which nothing is known yet. */
export function emptyRun(id) {
  return {
    id,
    seq: 0,
    status: "",
    request: null,
    models: [],
    toolCount: 0,
    unavailable: {},
    plan: null,
    steps: new Map(),
    blocks: [],
    doing: "",
    startedAt: null,
    lastAt: null,
    question: "",
    approval: null,
    answer: null,
    error: "",
    code: "",
    totals: { prompt: 0, cached: 0, generated: 0, modelCalls: 0, toolCalls: 0, reused: 0, identical: 0, seconds: 0 },
    memory: { pending: [], looks: [], proposals: new Map(), byStep: new Map(), made: new Set(), namespace: "" },
  };
}

/** Take in the next entry; an unknown kind of event changes nothing but the run's place. */
export function take(run, entry) {
  if (entry.seq <= run.seq) return run;
  run.seq = entry.seq;
  run.lastAt = entry.at;
  run.startedAt ??= entry.at;
  run.totals.seconds += entry.seconds || 0;
  TAKES[entry.event.type]?.(run, entry.event, entry);
  return run;
}

function block(run, kind, entry, fields = {}) {
  const made = { key: `${kind}-${entry.seq}`, kind, at: entry.at, clock: run.totals.seconds, rev: 1, ...fields };
  run.blocks.push(made);
  return made;
}

function touch(found) {
  if (found) found.rev += 1;
  return found;
}

function claimed(run, name) {
  const found = run.memory[name];
  run.memory[name] = [];
  return found;
}

function decisionOf(run, step) {
  return run.memory.byStep.get(step);
}

function ownerOf(run, callId) {
  return run.memory.proposals.get(callId.slice(0, callId.lastIndexOf(".")));
}

function setStep(run, id, status, fields = {}) {
  const step = run.steps.get(id);
  if (step) Object.assign(step, { status, ...fields });
}

function spend(run, usage, calls = 1) {
  run.totals.prompt += usage.prompt;
  run.totals.cached += usage.cached;
  run.totals.generated += usage.generated;
  run.totals.modelCalls += calls;
}

function newSteps(run, plan, kept) {
  const before = run.steps;
  run.steps = new Map(
    plan.steps.map((step) => {
      const old = kept.includes(step.id) ? before.get(step.id) : null;
      return [step.id, old ?? { step, status: "open", note: "", why: "", settled: 0, failed: 0, expected: 0 }];
    }),
  );
}

function reopen(run) {
  for (const step of run.steps.values()) if (step.status === "failed") step.status = "open";
}

const TAKES = {
  run_started(run, event, entry) {
    run.request = event.request;
    run.models = event.models;
    run.toolCount = Object.keys(event.tools).length;
    run.unavailable = event.unavailable;
    run.status = "running";
    run.doing = "making a plan";
    block(run, "started", entry, { models: event.models, tools: event.tools, unavailable: event.unavailable, approve: event.request.approve });
  },

  run_resumed(run, event, entry) {
    if (run.status === "incomplete") reopen(run);
    run.status = "running";
    run.error = "";
    run.code = "";
    run.answer = null;
    run.doing = "going on";
    block(run, "resumed", entry, { approve: event.approve, budget: event.budget });
  },

  question_answered(run, event, entry) {
    run.question = "";
    run.doing = "planning with your answer";
    block(run, "answered", entry, { text: event.text });
  },

  model_called(run, event) {
    spend(run, event.usage);
    const decision = event.step ? decisionOf(run, event.step) : null;
    if (decision && !decision.closed) {
      touch(decision).models.push(event);
      if (event.margin !== null && decision.margin === null) decision.margin = event.margin;
      if (event.purpose === "choose") run.doing = `finding the arguments for ${event.step}`;
    } else run.memory.pending.push(event);
  },

  transcript_renewed(run, _event, entry) {
    block(run, "note", entry, { text: "The planner's transcript had grown too long and was begun anew." });
  },

  plan_made(run, event, entry) {
    const again = run.plan !== null;
    run.plan = event.plan;
    run.question = event.plan.question;
    newSteps(run, event.plan, event.kept);
    run.doing = "choosing the first tool";
    block(run, "plan", entry, { ...event, again, models: claimed(run, "pending") });
  },

  plan_refused(run, event, entry) {
    block(run, "refused", entry, { problems: event.problems, deflection: event.deflection, models: claimed(run, "pending") });
  },

  tools_disclosed(run, event, entry) {
    const decision = block(run, "decision", entry, {
      ...event,
      models: claimed(run, "pending"),
      looks: claimed(run, "looks"),
      proposal: null,
      from: "",
      margin: null,
      verdicts: [],
      notes: [],
      approvals: [],
      calls: new Map(),
      closed: null,
    });
    run.memory.byStep.set(event.step, decision);
    setStep(run, event.step, "active");
    run.doing = `choosing a tool for ${event.step}`;
  },

  call_proposed(run, event) {
    const { proposal } = event;
    let decision = decisionOf(run, proposal.step);
    if (!decision) return;
    decision = touch(decision);
    decision.proposal = proposal;
    decision.margin = proposal.margin ?? decision.margin;
    decision.from = run.memory.namespace;
    run.memory.namespace = proposal.tool.split(".")[0];
    run.memory.proposals.set(proposal.id, decision);
    setStep(run, proposal.step, "active", { expected: proposal.calls.length, settled: 0, failed: 0 });
    run.doing = `asking the guard about ${proposal.tool}`;
  },

  decision_failed(run, event, entry) {
    const decision = touch(decisionOf(run, event.step)) ?? block(run, "note", entry, { notes: [] });
    decision.notes.push({ kind: "failed", text: event.reason, code: event.code });
    run.doing = `deciding ${event.step} again`;
  },

  tools_searched(run, event) {
    touch(decisionOf(run, event.step))?.notes.push({ kind: "searched", text: event.query });
    run.doing = `looking for other tools for ${event.step}`;
  },

  folder_looked_into(run, event) {
    run.memory.looks.push(event);
    run.totals.toolCalls += 1;
    run.doing = "looking into a folder";
  },

  verdict_given(run, event) {
    const decision = touch(run.memory.proposals.get(event.proposal));
    if (!decision) return;
    decision.verdicts.push({ ...event.verdict, held: event.held });
    if (event.held) setStep(run, decision.step, "held");
    if (event.verdict.kind === "allow") run.doing = `calling ${decision.proposal.tool}`;
    if (event.verdict.kind === "replan") run.doing = "planning again";
  },

  approval_asked(run, event) {
    const decision = touch(run.memory.proposals.get(event.approval.proposal));
    run.approval = { ...event.approval, proposal: decision?.proposal ?? null, verdict: decision?.verdicts.at(-1) };
    decision?.approvals.push({ asked: true, ...event.approval });
    if (decision) setStep(run, decision.step, "waiting");
  },

  approval_given(run, event, entry) {
    const about = run.approval?.proposal;
    const decision = about ? touch(run.memory.proposals.get(about.id)) : null;
    const given = { asked: false, granted: event.granted, by: event.by, at: entry.at };
    if (decision) {
      decision.approvals.push(given);
      setStep(run, decision.step, "active");
    }
    run.approval = null;
  },

  call_intended(run, event) {
    const decision = touch(ownerOf(run, event.id));
    decision?.calls.set(event.id, { id: event.id, call: event.call, outcome: null, reused: "", poll: 0 });
    run.doing = `calling ${event.call.tool}`;
  },

  call_settled(run, event) {
    const decision = touch(ownerOf(run, event.id));
    const call = decision?.calls.get(event.id) ?? { id: event.id, call: callOf(decision, event) };
    decision?.calls.set(event.id, { ...call, outcome: event.outcome, reused: event.reused, poll: event.poll });
    spend(run, event.outcome.usage, event.outcome.model_calls);
    countCall(run, event);
    const step = run.steps.get(event.step);
    if (step && !event.poll) {
      step.settled += 1;
      step.failed += event.outcome.ok ? 0 : 1;
    }
  },

  step_closed(run, event, entry) {
    setStep(run, event.step, event.status, { note: event.note, why: event.why });
    const decision = decisionOf(run, event.step);
    if (decision && !decision.closed) touch(decision).closed = event;
    else block(run, "closed", entry, { ...event, intent: run.steps.get(event.step)?.step.intent ?? "" });
    run.doing = "going to the next step";
  },

  replan_asked(run, event, entry) {
    block(run, "replan", entry, { reason: event.reason });
    run.doing = "planning again";
  },

  answer_given(run, event, entry) {
    run.answer = event;
    block(run, "answer", entry, { ...event, models: claimed(run, "pending") });
  },

  run_ended(run, event, entry) {
    run.status = event.status;
    run.error = event.error;
    run.code = event.code;
    run.doing = "";
    if (event.status !== "waiting_approval") run.approval = null;
    block(run, "ended", entry, { status: event.status, error: event.error, code: event.code });
  },
};

function callOf(decision, event) {
  const index = Number(event.id.slice(event.id.lastIndexOf(".") + 1));
  return decision?.proposal?.calls[index] ?? { tool: event.tool, arguments: {} };
}

function countCall(run, event) {
  if (event.reused) {
    run.totals.reused += 1;
    return;
  }
  run.totals.toolCalls += 1;
  if (event.poll) return;
  if (run.memory.made.has(event.fingerprint)) run.totals.identical += 1;
  run.memory.made.add(event.fingerprint);
}
