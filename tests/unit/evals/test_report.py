"""What a report says of a run, told from hand-written journals."""

from datetime import UTC, datetime

import pytest

from orchestrator.core.chat import Usage
from orchestrator.core.events import (
    AnswerGiven,
    CallProposed,
    CallSettled,
    DecisionFailed,
    Entry,
    ModelCalled,
    ModelInfo,
    PlanMade,
    RunEnded,
    RunStarted,
    StepClosed,
    ToolsDisclosed,
    ToolsSearched,
    VerdictGiven,
)
from orchestrator.core.plans import Plan, PlanStep
from orchestrator.core.runs import Candidate, Proposal, RunRequest
from orchestrator.core.tools import ToolCall, ToolOutcome
from orchestrator.core.verdicts import ALLOW, Verdict
from orchestrator.evals.report import Report, build_report, checked, merged, shared_words

RENAME, READ, LIST = "filesystem.rename_file", "ocr.read", "filesystem.list_dir"
PLANNER = ModelInfo(role="planner", backend="embedded", model="small", sha256="ab", record="ADR-1")
STARTED = RunStarted(
    request=RunRequest(goal="tidy", seed=7),
    models=(PLANNER, PLANNER.model_copy(update={"role": "synthesizer"})),
    tools={RENAME: "1", LIST: "2", READ: "3"},
    unavailable={"git": "not there"},
)
PLAN = PlanMade(
    plan=Plan(
        steps=(
            PlanStep(id="s1", intent="list", namespace="filesystem"),
            PlanStep(id="s2", intent="read", namespace="ocr", over="s1"),
            PlanStep(id="s3", intent="rename", namespace="filesystem", over="s2"),
        )
    )
)


def journal(*events):
    return [
        Entry(run_id="r1", seq=seq, at=datetime(2026, 1, 1, tzinfo=UTC), seconds=0.5, event=event)
        for seq, event in enumerate(events, 1)
    ]


def proposed(tool, name="p1", step="s1", effect="read", count=1):
    calls = (ToolCall(tool=tool, arguments={}),) * count
    return CallProposed(
        proposal=Proposal(
            id=name,
            step=step,
            tool=tool,
            expressions={},
            calls=calls,
            parents=(-1,) * count,
            effect=effect,
        )
    )


def settled(tool, name="p1.0", step="s1", data=None, fingerprint=None, **fields):
    outcome = ToolOutcome(ok=fields.pop("ok", True), data=data, error=fields.pop("error", ""))
    return CallSettled(
        id=name,
        step=step,
        parent=-1,
        tool=tool,
        fingerprint=fingerprint or name,
        outcome=outcome,
        **fields,
    )


def renamed(old, new, name="p3.0", folder="/d"):
    data = {
        "old_path": f"{folder}/{old}",
        "new_path": f"{folder}/{new}",
        "old_name": old,
        "new_name": new,
    }
    return settled(RENAME, name, "s3", data)


def disclosed(count, distance=None):
    candidates = tuple(Candidate(tool=f"filesystem.t{n}") for n in range(count))
    return ToolsDisclosed(step="s1", candidates=candidates, distance=distance)


def test_an_empty_journal_is_a_run_that_has_not_begun():
    assert build_report([]) == Report()


def test_the_head_names_model_goal_seed_scope_and_what_is_unavailable():
    report = build_report(journal(STARTED))
    assert (report.run_id, report.goal, report.seed, report.status) == ("r1", "tidy", 7, "running")
    assert (report.backend, report.model.name, report.model.sha256) == ("embedded", "small", "ab")
    assert (report.scope.tools, report.scope.namespaces) == (3, 2)
    assert report.unavailable == {"git": "not there"}
    assert report.seconds == 0.5


def test_shown_max_counts_search_only_while_it_is_offered():
    searched = ToolsSearched(step="s1", query="other tools")
    plain = build_report(journal(STARTED, disclosed(8)))
    after_search = build_report(journal(STARTED, PLAN, disclosed(3), searched, disclosed(8)))
    assert (plain.shown_max, after_search.shown_max) == (9, 8)


def test_distances_are_summed_up_over_the_decisions_that_had_an_example():
    report = build_report(journal(disclosed(1, 100), disclosed(1), disclosed(1, 300)))
    assert report.decision_distance.max == 300
    assert report.decision_distance.median == 200
    assert build_report(journal(disclosed(1))).decision_distance is None


def test_a_decision_is_a_proposal_a_search_or_a_failure_to_propose():
    failed = DecisionFailed(step="s1", code="invalid_arguments", reason="no")
    searched = ToolsSearched(step="s1", query="other")
    report = build_report(journal(STARTED, PLAN, searched, failed, proposed(LIST), failed))
    assert report.decisions == 3


def test_a_held_act_that_failed_is_no_further_decision():
    held = [proposed(LIST), VerdictGiven(proposal="p1", verdict=ALLOW, held=True)]
    failed = DecisionFailed(step="s1", code="tool_failed", reason="it is away")
    report = build_report(journal(STARTED, PLAN, *held, failed, proposed(READ, "p2", "s2")))
    assert report.decisions == 2


def test_tokens_and_calls_of_models_are_added_up():
    called = ModelCalled(
        role="planner", purpose="plan", usage=Usage(prompt=10, cached=4, generated=2)
    )
    report = build_report(journal(STARTED, called, called))
    assert report.model_calls == 2
    assert report.tokens.model_dump() == {"prompt": 20, "cached": 8, "generated": 4}


@pytest.mark.parametrize(
    ("kind", "refused"), [("allow", 0), ("ask", 0), ("redirect", 3), ("replan", 3), ("stop", 3)]
)
def test_refused_counts_the_calls_that_the_guard_turned_down(kind, refused):
    verdict = VerdictGiven(proposal="p1", verdict=Verdict(kind=kind, reason="again"))
    report = build_report(journal(STARTED, PLAN, proposed(LIST, count=3), verdict))
    assert report.calls.refused == refused


def test_a_call_answered_from_the_cache_is_not_executed():
    first, again = settled(LIST), settled(LIST, "p2.0", reused="p1.0", fingerprint="p1.0")
    report = build_report(
        journal(STARTED, PLAN, proposed(LIST), first, proposed(LIST, "p2"), again)
    )
    assert (report.calls.executed, report.calls.from_cache) == (1, 1)
    assert report.calls.identical_executed == 0


def test_a_call_made_twice_is_identical_unless_something_was_written_between():
    first = [proposed(LIST), settled(LIST, fingerprint="same")]
    again = [proposed(LIST, "p3"), settled(LIST, "p3.0", fingerprint="same")]
    write = [
        proposed(RENAME, "p2", effect="local_write"),
        settled(RENAME, "p2.0", fingerprint="other"),
    ]
    assert build_report(journal(STARTED, *first, *again)).calls.identical_executed == 1
    assert build_report(journal(STARTED, *first, *write, *again)).calls.identical_executed == 0


def test_a_failed_call_is_executed_but_uses_no_namespace():
    report = build_report(journal(STARTED, PLAN, proposed(LIST), settled(LIST, ok=False)))
    assert (report.calls.executed, report.calls.failed) == (1, 1)
    assert report.namespaces_used == ()


def test_crossings_merge_neighbours_and_keep_the_order():
    report = build_report(
        journal(
            STARTED,
            PLAN,
            *(proposed(LIST), settled(LIST)),
            *(proposed(READ, "p2", "s2"), settled(READ, "p2.0", "s2"), settled(READ, "p2.1", "s2")),
            *(proposed(RENAME, "p3", "s3"), renamed("a.png", "b.png")),
        )
    )
    assert report.namespaces_used == ("filesystem", "ocr")
    assert report.crossings == ("filesystem", "ocr", "filesystem")
    assert merged(()) == ()


def test_a_rename_tells_which_words_of_the_new_name_stand_in_what_was_read():
    read = settled(READ, "p2.0", "s2", {"path": "/d/a.png", "text": "INVOICE\nNo. 42 from Acme"})
    report = build_report(
        journal(
            STARTED,
            PLAN,
            *(proposed(READ, "p2", "s2"), read),
            *(proposed(RENAME, "p3", "s3"), renamed("a.png", "acme-invoice-blue.png")),
        )
    )
    [rename] = report.renames
    assert (rename.old, rename.new, rename.folder) == ("a.png", "acme-invoice-blue.png", "/d")
    assert rename.because == ("acme", "invoice")
    assert rename.confirmed is None


def test_a_move_within_a_folder_is_a_rename_and_a_copy_is_none():
    pair = {"source": "/d/a.png", "destination": "/d/b.png"}
    away = {"source": "/d/a.png", "destination": "/e/a.png"}
    rows = [
        settled("filesystem.move_file", "p1.0", data=pair),
        settled("filesystem.copy_file", "p1.1", data=pair),
        settled("filesystem.move_file", "p1.2", data=away),
        settled("filesystem.move_file", "p1.3", data=pair, ok=False),
    ]
    report = build_report(journal(STARTED, PLAN, *rows))
    assert [(rename.old, rename.new) for rename in report.renames] == [("a.png", "b.png")]


def test_words_are_shared_whatever_the_case_and_the_gaps_of_the_text():
    assert shared_words("summittelecom-invoice-of-märz", "Summit Telecom: INVOICE MÄRZ") == (
        "summittelecom",
        "invoice",
        "märz",
    )


def test_steps_that_are_open_failed_or_only_partly_done_are_missing():
    report = build_report(
        journal(
            STARTED,
            PLAN,
            *(proposed(LIST), settled(LIST), StepClosed(step="s1", status="done", note="1 failed")),
            StepClosed(step="s2", status="failed", note="no image"),
            RunEnded(status="stopped", error="enough", code="loop_detected"),
        )
    )
    assert report.missing == (
        "s1 (list): 1 failed",
        "s2 (read): no image",
        "s3 (rename): not done.",
    )
    assert [(step.status, step.calls) for step in report.steps] == [
        ("done", 1),
        ("failed", 0),
        ("open", 0),
    ]
    assert (report.status, report.error, report.error_code) == (
        "stopped",
        "enough",
        "loop_detected",
    )


def done_report(new="acme-invoice.png", **fields):
    read = settled(READ, "p2.0", "s2", {"path": "/d/a.png", "text": "Acme invoice"})
    made = build_report(
        journal(
            STARTED,
            *(proposed(READ, "p2", "s2"), VerdictGiven(proposal="p2", verdict=ALLOW), read),
            *(proposed(RENAME, "p3", "s3"), renamed("a.png", new)),
            AnswerGiven(text="done"),
            RunEnded(status=fields.pop("status", "completed")),
        )
    )
    return made.model_copy(update=fields)


BEFORE = {"d/a.png": "picture", "d/b.txt": "text"}


def test_what_is_on_disk_confirms_a_complete_run():
    after = {"d/acme-invoice.png": "picture", "d/b.txt": "text"}
    report = checked(done_report(), before=BEFORE, after=after, expected=["d/a.png"])
    assert report.status == "completed"
    assert report.renames[0].confirmed is True
    assert report.untouched is True
    assert report.missing == ()


@pytest.mark.parametrize(
    ("after", "problem"),
    [
        ({"d/a.png": "picture"}, "d/a.png was not renamed."),
        ({}, "d/a.png is gone: no file has its content any more."),
        (
            {"d/other.png": "picture"},
            "d/a.png was renamed to other.png, which has no word of what was read of it.",
        ),
    ],
)
def test_a_run_that_thinks_itself_complete_is_incomplete_when_the_disk_says_so(after, problem):
    report = checked(
        done_report(), before=BEFORE, after={**after, "d/b.txt": "text"}, expected=["d/a.png"]
    )
    assert report.status == "incomplete"
    assert report.missing == (problem,)
    assert report.renames[0].confirmed is False


def test_a_run_that_was_stopped_stays_stopped_whatever_is_missing():
    report = checked(
        done_report(status="stopped"), before=BEFORE, after=BEFORE, expected=["d/a.png"]
    )
    assert report.status == "stopped"


@pytest.mark.parametrize("text", ["changed", None])
def test_another_file_that_is_changed_or_gone_is_not_untouched(text):
    after = {"d/acme-invoice.png": "picture", **({"d/b.txt": text} if text else {})}
    report = checked(done_report(), before=BEFORE, after=after, expected=["d/a.png"])
    assert report.untouched is False


def test_the_schema_has_every_key_that_readers_were_promised():
    promised = {
        *("status", "backend", "model", "seed", "scope", "shown_max", "decisions", "calls"),
        *("tokens", "namespaces_used", "renames", "seconds", "schema_version"),
    }
    assert promised <= set(Report.model_json_schema()["properties"])
    assert Report.model_validate_json(done_report().model_dump_json()) == done_report()
