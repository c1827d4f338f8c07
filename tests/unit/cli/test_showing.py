"""What a person is shown while a run works and when it rests, from the events of a run."""

import io
import signal
from datetime import UTC, datetime

import pytest
from rich.console import Console

from orchestrator.cli.approval import ask, proposed
from orchestrator.cli.picture import Progress, activity, picture
from orchestrator.cli.summary import show, show_plan
from orchestrator.cli.view import LineView, LiveView, NoView, view_for
from orchestrator.core import events
from orchestrator.core.chat import Usage
from orchestrator.core.plans import Condition, Plan, PlanStep
from orchestrator.core.runs import Approval, Candidate, Proposal, RunRequest, RunState
from orchestrator.core.tools import ToolCall, ToolOutcome
from orchestrator.core.verdicts import Verdict
from orchestrator.evals.report import Calls, Distance, ModelUsed, Rename, Report, Tokens
from orchestrator.journal.fold import fold
from orchestrator.journal.sentences import sentence, shortened

WIDTH = 110
RENAMES = Proposal(
    id="p1",
    step="s2",
    tool="filesystem.rename_file",
    expressions={},
    calls=tuple(
        ToolCall(
            tool="filesystem.rename_file",
            arguments={"path": f"/d/{n}.png", "new_name": f"x{n}.png"},
        )
        for n in range(3)
    ),
    parents=(0, 1, 2),
    effect="local_write",
)
PLAN = Plan(
    steps=(
        PlanStep(id="s1", intent="list the files", namespace="filesystem"),
        PlanStep(
            id="s2",
            intent="rename each",
            namespace="filesystem",
            over="s1",
            where=(Condition(field="name", op="contains", value="shot"),),
            take=3,
        ),
    )
)
STARTED = events.RunStarted(
    request=RunRequest(goal="Rename the pictures."),
    tools={"filesystem.rename_file": "1", "ocr.read": "2"},
    unavailable={"git": "no program"},
)
ASKS = Verdict(kind="ask", reason="a local write")
REFUSES = Verdict(kind="redirect", reason="already done")


def settled(n, *, ok=True, reused=""):
    return events.CallSettled(
        id=f"p1.{n}",
        step="s2",
        parent=n,
        tool=RENAMES.tool,
        fingerprint=str(n),
        outcome=ToolOutcome(ok=ok, error="" if ok else "no such file", seconds=0.25),
        reused=reused,
    )


STORY = (
    STARTED,
    events.ModelCalled(
        role="planner",
        purpose="plan",
        reply="{}",
        usage=Usage(prompt=1000, cached=250, generated=7),
        seconds=2.0,
    ),
    events.PlanRefused(problems=("s1 is missing.",)),
    events.PlanMade(plan=PLAN),
    events.ToolsDisclosed(
        step="s1",
        candidates=tuple(Candidate(tool=f"filesystem.t{n}") for n in range(6)),
        distance=120,
    ),
    events.ModelCalled(role="planner", purpose="choose", step="s1", reply="x.y", margin=0.5),
    events.ToolsSearched(step="s1", query="rename a file"),
    events.DecisionFailed(step="s1", code="invalid_arguments", reason="no such path"),
    events.StepClosed(step="s1", status="done", note="one was skipped"),
    events.CallProposed(proposal=RENAMES),
    events.VerdictGiven(proposal="p1", verdict=REFUSES),
    events.CallProposed(proposal=RENAMES),
    events.VerdictGiven(proposal="p1", verdict=ASKS),
    events.ApprovalGiven(digest="d", granted=True, by="a person"),
    events.CallIntended(id="p1.0", step="s2", parent=0, call=RENAMES.calls[0]),
    settled(0),
    settled(1, ok=False),
    settled(2, reused="p1.0"),
    events.ReplanAsked(reason="two failed"),
    events.RunResumed(),
    events.StepClosed(step="s2", status="failed"),
    events.AnswerGiven(text="done"),
    events.RunEnded(status="incomplete", error="s2 failed"),
)


def told(view, story=STORY):
    state = RunState()
    for seq, event in enumerate(story, 1):
        entry = events.Entry(run_id="r1", seq=seq, at=datetime(2026, 1, 1, tzinfo=UTC), event=event)
        before, state = state, fold(state, entry)
        view.saw(before, entry, state)
    return state


def drawn(*parts):
    console = Console(file=io.StringIO(), width=WIDTH)
    for part in parts:
        console.print(part)
    return console.file.getvalue()


def test_a_log_tells_the_run_line_by_line():
    lines = []
    view = LineView(lines.append)
    view.doing("starting 2 servers")
    view.heard("planner", "{")
    told(view)
    view.rest()
    log = "".join(lines)
    for said in (
        "starting 2 servers",
        "started with 2 tools in 2 namespaces; unavailable: git",
        "1 model calls, 1,000 prompt tokens (250 cached), 7 generated",
        "plan refused: s1 is missing.",
        "s2 filesystem: rename each (for each of s1 where name contains shot)",
        "6 tools shown: filesystem.t0, filesystem.t1, filesystem.t2, filesystem.t3 and 2 more",
        "example 120 tokens back",
        "s1 searches for other tools: rename a file",
        "s1 invalid_arguments: no such path",
        "guard: redirect filesystem.rename_file: already done",
        "guard: ask filesystem.rename_file: a local write",
        "approved by a person",
        "filesystem.rename_file 1/3: 0.2 s",
        "2/3: failed: no such file",
        "3/3: from what is known",
        "the plan cannot go on: two failed",
        "resumed after entry 19",
        "incomplete: s2 failed",
    ):
        assert said in log


def test_a_plan_that_answers_or_asks_at_once_is_told():
    for plan, said in ((Plan(answer="42"), "answer at once"), (Plan(question="?"), "ask the user")):
        assert said in sentence(RunState(), events.PlanMade(plan=plan), RunState())


def test_an_allowed_call_is_not_worth_a_line():
    given = events.VerdictGiven(proposal="p1", verdict=Verdict(kind="allow"))
    assert sentence(RunState(), given, RunState()) == ""


def test_the_picture_shows_plan_progress_shortlist_guard_and_cost():
    view = LiveView(Console(file=io.StringIO(), width=WIDTH))
    told(view, STORY[:16])
    view.heard("synthesizer", "the name is")
    view.heard("synthesizer", " invoice")
    frame = drawn(picture(view._progress, WIDTH))
    view.rest()
    for said in (
        "Rename the pictures.",
        "✔ s1",
        "▸ s2",
        "1/3",
        "filesystem.rename_file 1 of 3",
        "the name is invoice",
        "6 of 2 tools shown",
        "margin 0.50",
        "! guard: redirect filesystem.rename_file: already done",
        "1,000 prompt tokens, 25% cached",
    ):
        assert said in frame
    assert "guard: ask" not in frame


def test_a_picture_of_nothing_is_empty():
    assert drawn(picture(Progress(), WIDTH)) == ""


def test_the_last_frame_shows_how_each_step_ended():
    progress = Progress(state=told(NoView()))
    frame = drawn(picture(progress, WIDTH))
    assert "✔ s1" in frame
    assert "✘ s2" in frame


def test_every_part_of_a_run_has_a_name_for_what_is_going_on():
    state, names = RunState(), []
    for event in STORY:
        before, state = state, fold(state, event)
        names.append(activity(before, event, state))
    assert names[0] == "loading the model and planning"
    assert "choosing a tool for s1" in names
    assert "writing the arguments of x.y" in names
    assert "planning again" in names
    assert "writing the answer" in names


@pytest.mark.parametrize(
    ("quiet", "terminal", "kind"),
    [(True, True, NoView), (False, True, LiveView), (False, False, LineView)],
)
def test_progress_fits_where_it_is_shown(quiet, terminal, kind):
    console = Console(file=io.StringIO(), force_terminal=terminal)
    assert isinstance(view_for(console, quiet=quiet), kind)


def test_nothing_is_shown_when_nothing_is_wanted():
    view = NoView()
    view.doing("x")
    view.heard("planner", "x")
    told(view)
    view.rest()


def test_a_rename_is_put_before_a_person_as_old_and_new():
    frame = drawn(proposed(RENAMES))
    assert "filesystem.rename_file: 3 local write calls" in frame
    assert "/d/0.png" in frame
    assert "x0.png" in frame


def test_a_move_to_another_folder_shows_the_whole_path():
    call = ToolCall(
        tool="filesystem.move_file", arguments={"source": "/d/a.png", "destination": "/e/a.png"}
    )
    frame = drawn(proposed(RENAMES.model_copy(update={"calls": (call,)})))
    assert "/e/a.png" in frame


def test_any_other_call_is_put_as_its_arguments_and_long_lists_are_cut():
    call = ToolCall(tool="mail.send", arguments={"to": ["ana@x.org"], "body": "word " * 50})
    none = ToolCall(tool="mail.send", arguments={"to": "bob"})
    many = RENAMES.model_copy(update={"calls": (none, *(call,) * 60)})
    frame = drawn(proposed(many))
    assert '["ana@x.org"]' in frame
    assert "… and 21 more" in frame
    bare = ToolCall(tool="clock.reset", arguments={})
    assert "no arguments" in drawn(proposed(RENAMES.model_copy(update={"calls": (bare,)})))


ASKED = RunState(
    proposal=RENAMES, approval=Approval(proposal="p1", digest="d", reason="a local write")
)


@pytest.mark.parametrize(
    ("typed", "word"),
    [("y", "yes"), ("NO", "no"), ("a", "all"), (" later ", "later"), ("what\ny", "yes")],
)
def test_a_person_is_asked_until_the_answer_is_one(typed, word):
    lines = iter(typed.split("\n"))
    console = Console(file=io.StringIO(), width=WIDTH)
    before = signal.getsignal(signal.SIGINT)
    assert ask(console, ASKED, lambda _: next(lines)) == word
    assert "a local write" in console.file.getvalue()
    assert signal.getsignal(signal.SIGINT) is before


def test_the_end_of_the_input_and_an_empty_question_mean_later():
    def ended(_):
        raise EOFError

    console = Console(file=io.StringIO())
    assert ask(console, ASKED, ended) == "later"
    assert ask(console, RunState(), ended) == "later"


REPORT = Report(
    run_id="r1",
    status="incomplete",
    answer="Two of three were renamed.",
    error="one failed",
    backend="embedded",
    model=ModelUsed(name="small", sha256="0123456789abcdef"),
    shown_max=9,
    replans=1,
    calls=Calls(executed=5, failed=1, refused=2, from_cache=3),
    tokens=Tokens(prompt=1000, cached=500, generated=20),
    crossings=("filesystem", "ocr"),
    renames=(Rename(old="a.png", new="acme.png", because=("acme",)),),
    missing=("b.png was not renamed.",),
    untouched=False,
    unavailable={"git": "no program"},
    decision_distance=Distance(max=300, median=150),
    seconds=12.3,
)


def shown(report, **options):
    console = Console(file=io.StringIO(), width=WIDTH)
    show(console, report, **options)
    return console.file.getvalue()


def test_the_summary_says_what_was_done_what_is_missing_and_what_it_cost(tmp_path):
    text = shown(REPORT, journal=tmp_path)
    for said in (
        "Two of three were renamed.",
        "acme.png",
        "b.png was not renamed.",
        "incomplete: one failed",
        "small on embedded (sha256 0123456789ab…)",
        "at most 9 to choose from at any decision",
        "filesystem → ocr",
        "1 new plan",
        "500 of them cached (50%)",
        "5, 1 of them failed; 0 identical",
        "2 refused, 3 answered from cache",
        "median 150, at most 300 tokens",
        "NOT all untouched",
        "git: no program",
        "12.3 s",
    ):
        assert said in text


def test_a_folder_is_shown_before_and_after_with_the_changed_files_first():
    listing = [("kept.txt", "kept.txt"), ("a.png", "acme.png"), ("", "new.txt")]
    text = shown(REPORT, listing=listing)
    assert text.index("acme.png") < text.index("kept.txt")
    assert "new.txt" in text


def test_a_plan_is_shown_as_a_table_and_an_answer_as_itself():
    console = Console(file=io.StringIO(), width=WIDTH)
    for plan in (PLAN, Plan(answer="42"), Plan(question="Which one?"), None):
        show_plan(console, RunState(plan=plan))
    text = console.file.getvalue()
    assert "name contains shot (first 3)" in text
    assert "42" in text
    assert "Which one?" in text


def test_a_long_text_is_cut_to_one_line():
    assert shortened("a  b\nc") == "a b c"
    assert shortened("x" * 20, 10) == f"{'x' * 9}…"
