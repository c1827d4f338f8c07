"""Log lines: every event has one, and none holds what a file says."""

import io
import json
from datetime import UTC, datetime

from adapters.traces.logs import LogSink
from orchestrator.core.events import CallSettled, Entry, RunEnded, VerdictGiven
from orchestrator.core.tools import ToolOutcome
from orchestrator.core.verdicts import Verdict

AT = datetime(2026, 2, 16, 12, 0, tzinfo=UTC)


def line_of(event):
    stream = io.StringIO()
    LogSink(stream).record(Entry(run_id="r1", seq=3, at=AT, event=event))
    (line,) = stream.getvalue().splitlines()
    return json.loads(line)


def test_a_line_says_what_happened_in_which_run():
    line = line_of(RunEnded(status="stopped", error="too long", code="budget_exceeded"))
    assert line["event"] == "run_ended"
    assert (line["run"], line["seq"], line["status"]) == ("r1", 3, "stopped")
    assert line["at"] == "2026-02-16T12:00:00+00:00"


def test_a_result_is_told_by_its_success_only():
    outcome = ToolOutcome(ok=False, error="canary", code="tool_failed", data={"text": "canary"})
    settled = CallSettled(
        id="p1.0", step="s1", parent=-1, tool="a.b", fingerprint="f", outcome=outcome
    )
    line = line_of(settled)
    assert "canary" not in json.dumps(line)
    assert (line["tool"], line["ok"], line["failure"]) == ("a.b", False, "tool_failed")


def test_a_verdict_is_told_by_its_kind_and_code():
    verdict = Verdict(kind="redirect", code="repeated_call", reason="canary")
    line = line_of(VerdictGiven(proposal="p1", verdict=verdict))
    assert (line["verdict"], line["code"]) == ("redirect", "repeated_call")
    assert "canary" not in json.dumps(line)
