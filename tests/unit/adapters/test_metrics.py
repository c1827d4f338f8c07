"""Metrics are a fold over entries, with few labels and no secret in them."""

from datetime import UTC, datetime

import pytest
from prometheus_client.parser import text_string_to_metric_families

from adapters.traces.instruments import MOST_VALUES
from adapters.traces.metrics import MetricsSink
from orchestrator.core.chat import Usage
from orchestrator.core.events import (
    ApprovalGiven,
    CallProposed,
    CallSettled,
    DecisionFailed,
    Entry,
    ModelCalled,
    PlanMade,
    PlanRefused,
    ReplanAsked,
    RunEnded,
    RunResumed,
    RunStarted,
    StepClosed,
    ToolsDisclosed,
    ToolsSearched,
    VerdictGiven,
)
from orchestrator.core.plans import Plan
from orchestrator.core.redaction import REDACTED, Redactor
from orchestrator.core.runs import Proposal, RunRequest
from orchestrator.core.tools import ToolOutcome
from orchestrator.core.verdicts import ALLOW, Verdict

AT = datetime(2026, 2, 16, 12, 0, tzinfo=UTC)
KEY = "sk-0123456789abcdef"


def sink_after(*events, seconds=0.0, sink=None, run_id="r1"):
    sink = sink or MetricsSink()
    for number, event in enumerate(events, 1):
        sink.record(Entry(run_id=run_id, seq=number, at=AT, seconds=seconds, event=event))
    return sink


def value(sink, name, **labels):
    """One sample as a collector would read it."""
    text, _ = sink.render()
    families = list(text_string_to_metric_families(text.decode()))
    found = [
        sample.value
        for family in families
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    ]
    assert len(found) <= 1, found
    return found[0] if found else None


def settled(tool="web.look", *, reused="", **outcome):
    return CallSettled(
        id="p1.0",
        step="s1",
        parent=-1,
        tool=tool,
        fingerprint="f",
        reused=reused,
        outcome=ToolOutcome(**{"ok": True, **outcome}),
    )


def proposal(margin=None):
    return CallProposed(
        proposal=Proposal(
            id="p1",
            step="s1",
            tool="web.look",
            expressions={},
            calls=(),
            parents=(),
            effect="read",
            margin=margin,
        )
    )


def test_a_run_is_counted_when_it_begins_and_when_it_ends_with_its_seconds_of_work():
    request = RunRequest(goal="go")
    sink = sink_after(
        RunStarted(request=request), StepClosed(step="s1", status="done"), seconds=1.5
    )
    sink_after(RunEnded(status="completed"), seconds=1.0, sink=sink)
    assert value(sink, "ferryman_runs_started_total") == 1
    assert value(sink, "ferryman_runs_total", status="completed") == 1
    assert value(sink, "ferryman_run_duration_seconds_sum", status="completed") == 4.0


def test_a_stretch_after_a_rest_is_measured_on_its_own():
    sink = sink_after(RunEnded(status="waiting_approval"), seconds=5.0)
    sink_after(RunResumed(), RunEnded(status="completed"), seconds=1.0, sink=sink)
    assert value(sink, "ferryman_runs_resumed_total") == 1
    assert value(sink, "ferryman_run_duration_seconds_sum", status="completed") == 2.0


@pytest.mark.parametrize(
    ("event", "name", "labels"),
    [
        (PlanMade(plan=Plan(answer="done")), "plans_total", {"outcome": "made"}),
        (PlanRefused(problems=("x",)), "plans_total", {"outcome": "refused"}),
        (PlanRefused(problems=("x",), deflection=True), "plans_total", {"outcome": "deflection"}),
        (ReplanAsked(reason="x"), "replans_total", {}),
        (proposal(), "decisions_total", {"outcome": "proposed"}),
        (
            DecisionFailed(step="s1", code="unsure", reason="x"),
            "decisions_total",
            {"outcome": "unsure"},
        ),
        (ToolsSearched(step="s1", query="x"), "decisions_total", {"outcome": "searched"}),
        (VerdictGiven(proposal="p1", verdict=ALLOW), "verdicts_total", {"kind": "allow"}),
        (
            VerdictGiven(proposal="p1", verdict=Verdict(kind="redirect", code="repeated_call")),
            "verdicts_total",
            {"kind": "redirect", "code": "repeated_call"},
        ),
        (ApprovalGiven(digest="d", granted=True, by="x"), "approvals_total", {"word": "granted"}),
        (ApprovalGiven(digest="d", granted=False, by="x"), "approvals_total", {"word": "denied"}),
        (settled(), "tool_calls_total", {"namespace": "web", "outcome": "ok"}),
        (settled(reused="p0.0"), "tool_calls_total", {"namespace": "web", "outcome": "reused"}),
        (
            settled(ok=False, code="tool_timeout"),
            "tool_calls_total",
            {"namespace": "web", "outcome": "tool_timeout"},
        ),
        (
            settled("client.x", ok=False, code="whatever it likes"),
            "tool_calls_total",
            {"namespace": "client", "outcome": "failed"},
        ),
    ],
)
def test_each_event_is_counted(event, name, labels):
    assert value(sink_after(event), f"ferryman_{name}", **labels) == 1


def test_margins_and_distances_are_observed_where_there_are_any():
    sink = sink_after(
        proposal(0.75),
        proposal(),
        ToolsDisclosed(step="s1", candidates=(), distance=12),
        ToolsDisclosed(step="s1", candidates=()),
    )
    assert value(sink, "ferryman_decision_margin_sum") == 0.75
    assert value(sink, "ferryman_decision_margin_count") == 1
    assert value(sink, "ferryman_decision_distance_tokens_sum") == 12
    assert value(sink, "ferryman_decision_distance_tokens_count") == 1


def test_tokens_are_counted_by_role_also_those_that_a_tool_has_spent():
    usage = Usage(prompt=100, cached=80, generated=5)
    sink = sink_after(
        ModelCalled(role="planner", purpose="plan", usage=usage, seconds=2.0),
        settled("text.extract", usage=usage, seconds=0.5),
        settled("text.extract", usage=usage, reused="p0.0"),
    )
    for role in ("planner", "synthesizer"):
        assert value(sink, "ferryman_prompt_tokens_total", role=role) == 100
        assert value(sink, "ferryman_cached_tokens_total", role=role) == 80
        assert value(sink, "ferryman_generated_tokens_total", role=role) == 5
        assert value(sink, "ferryman_prompt_cached_ratio_sum", role=role) == 0.8
    assert value(sink, "ferryman_model_call_duration_seconds_sum", purpose="plan") == 2.0
    assert value(sink, "ferryman_tool_call_duration_seconds_count", namespace="text") == 1


def test_a_queue_tells_its_load_when_it_is_asked_and_its_waits_as_they_end():
    sink = MetricsSink()
    load = [1, 2, 3]
    sink.watch("embedded", lambda: tuple(load))
    sink.waited("embedded")("planner", 1.5)
    load[1] = 7
    assert value(sink, "ferryman_backend_running_requests", backend="embedded") == 1
    assert value(sink, "ferryman_backend_queued_requests", backend="embedded") == 7
    assert value(sink, "ferryman_backend_slots", backend="embedded") == 3
    waited = value(
        sink, "ferryman_backend_queue_wait_seconds_sum", backend="embedded", role="planner"
    )
    assert waited == 1.5


def test_the_runs_of_the_moment_are_told_as_they_are_given():
    sink = MetricsSink()
    text, kind = sink.render({"running": 2, "waiting_approval": 10})
    assert 'ferryman_current_runs{status="waiting_approval"} 10.0' in text.decode()
    assert kind.startswith("text/plain")


def test_a_label_that_grows_without_end_is_told_as_other():
    sink = sink_after(*(settled(f"n{number}.x") for number in range(MOST_VALUES + 5)))
    assert value(sink, "ferryman_tool_calls_total", namespace="other", outcome="ok") == 5


def test_a_label_loses_its_secrets():
    sink = MetricsSink(redactor=Redactor.of([KEY]))
    sink_after(settled(f"x{KEY}.look"), sink=sink)
    assert value(sink, "ferryman_tool_calls_total", namespace=f"x{REDACTED}") == 1
    assert KEY not in sink.render()[0].decode()


def test_there_are_no_times_of_creation():
    text, _ = sink_after(RunStarted(request=RunRequest(goal="go"))).render()
    assert "_created" not in text.decode()


def test_sinks_do_not_share_their_numbers():
    sink_after(ReplanAsked(reason="x"))
    assert value(MetricsSink(), "ferryman_replans_total") == 0
