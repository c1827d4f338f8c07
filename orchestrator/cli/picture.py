"""The live picture of a run: the plan, what is going on, the shortlist, the guard, the cost."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from time import monotonic

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from orchestrator.core import events
from orchestrator.core.roles import Role
from orchestrator.core.runs import Proposal, RunState, StepState
from orchestrator.journal.sentences import sentence, shortened, shortlist_line

MARKS = {"done": ("✔", "green"), "failed": ("✘", "red"), "skipped": ("-", "yellow")}
NOTICES = 3
HEARD = 400
BAR = 18
_NOTABLE = (
    events.PlanRefused,
    events.DecisionFailed,
    events.ToolsSearched,
    events.VerdictGiven,
    events.ReplanAsked,
)
_AFTER_EVENT: dict[type, str] = {
    events.RunStarted: "loading the model and planning",
    events.ReplanAsked: "planning again",
    events.PlanRefused: "planning again",
}
_AFTER_REPLY = {
    "plan": "checking the plan",
    "replan": "checking the plan",
    "search": "looking for other tools",
    "arguments": "asking the guard",
    "answer": "checking the answer",
}


@dataclass
class Progress:
    """What the picture shows: the run's state, and what is going on since when."""

    state: RunState = field(default_factory=RunState)
    activity: str = ""
    since: float = field(default_factory=monotonic)
    began: float = field(default_factory=monotonic)
    shown: str = ""
    scope: int = 0
    margin: float | None = None
    notices: deque[str] = field(default_factory=lambda: deque(maxlen=NOTICES))
    heard: str = ""
    speaker: Role = "planner"
    spinner: Spinner = field(default_factory=lambda: Spinner("dots", style="cyan"))

    def now(self, what: str) -> None:
        """Something else begins."""
        self.activity, self.since, self.heard = what, monotonic(), ""

    def hear(self, role: Role, text: str) -> None:
        """A model says more."""
        self.heard = (self.heard + text if self.speaker == role else text)[-HEARD:]
        self.speaker = role

    def take(self, before: RunState, event: events.Event, after: RunState) -> None:
        """An event happened."""
        self.state = after
        if isinstance(event, events.RunStarted):
            self.scope = len(event.tools)
        if isinstance(event, events.ToolsDisclosed):
            self._disclosed(event)
        if isinstance(event, events.ModelCalled) and event.purpose == "choose":
            self.margin = event.margin
        if _is_notable(event) and (said := sentence(before, event, after)):
            self.notices.append(said)
        if what := activity(before, event, after):
            self.now(what)

    def _disclosed(self, event: events.ToolsDisclosed) -> None:
        self.shown, self.margin = shortlist_line(event, self.scope), None
        if event.distance is not None:
            self.shown = f"example {event.distance} tokens back · {self.shown}"


def _is_notable(event: events.Event) -> bool:
    """Whether a person would want to know; a question is put to them anyway."""
    asks = isinstance(event, events.VerdictGiven) and event.verdict.kind == "ask"
    return isinstance(event, _NOTABLE) and not asks


def activity(before: RunState, event: events.Event, after: RunState) -> str:
    """What is going on once an event has happened; "" when still the same."""
    if isinstance(event, events.CallSettled | events.CallIntended):
        return _calling(before, event, after)
    if isinstance(event, events.PlanMade | events.StepClosed):
        return _next_step(after)
    if isinstance(event, events.ModelCalled):
        chosen = f"writing the arguments of {event.reply}"
        return chosen if event.purpose == "choose" else _AFTER_REPLY.get(event.purpose, "")
    if isinstance(event, events.ToolsDisclosed):
        return f"choosing a tool for {event.step}"
    return _AFTER_EVENT.get(type(event), "")


def _calling(
    before: RunState, event: events.CallSettled | events.CallIntended, after: RunState
) -> str:
    proposal = after.proposal_of(event.id)
    if proposal is None or (before.intended and len(before.settled) == len(after.settled)):
        return ""
    return f"{proposal.tool} {_done(after, proposal)} of {len(proposal.calls)}"


def _next_step(after: RunState) -> str:
    waiting = next((step for step in after.steps if step.status == "open"), None)
    return f"looking at {waiting.step.id}" if waiting else "writing the answer"


def _done(state: RunState, proposal: Proposal) -> int:
    prefix = f"{proposal.id}."
    return sum(call.id.startswith(prefix) for call in state.settled)


def picture(progress: Progress, width: int) -> RenderableType:
    """Draw the run as it stands."""
    return Group(*_parts(progress, width))


def _parts(progress: Progress, width: int) -> Iterator[RenderableType]:
    state = progress.state
    if state.request:
        goal = shortened(state.request.goal, max(20, width - 16))
        yield Text.assemble(("  Ferryman ", "bold cyan"), (goal, "bold"))
    if state.steps:
        yield Text()
        yield _plan(state, width)
        yield Text()
    if progress.activity:
        yield _going_on(progress)
        if progress.heard:
            yield Text(f"    {shortened(progress.heard[-width * 2 :], width - 6)}", style="dim")
    if progress.shown:
        sure = "" if progress.margin is None else f"margin {progress.margin:.2f} · "
        yield Text(f"  {shortened(sure + progress.shown, width - 4)}", style="dim")
    for notice in progress.notices:
        yield Text(f"  ! {shortened(notice, width - 6)}", style="yellow")
    if state.model_calls:
        yield _cost(progress)


def _plan(state: RunState, width: int) -> Table:
    rows = Table.grid(padding=(0, 1))
    for _ in range(3):
        rows.add_column(no_wrap=True)
    rows.add_column(overflow="ellipsis", no_wrap=True, max_width=max(20, width - 52))
    rows.add_column(no_wrap=True)
    working = state.proposal.step if state.proposal else ""
    current = next((step.step.id for step in state.steps if step.status == "open"), "")
    for step in state.steps:
        mark, style = MARKS.get(step.status, ("·", "dim"))
        here = step.step.id == current
        rows.add_row(
            Text(f"  {'▸' if here else mark}", style="bold cyan" if here else style),
            Text(step.step.id, style="bold" if here else ""),
            Text(step.step.namespace, style="magenta"),
            Text(step.step.intent, style="" if here or step.status != "open" else "dim"),
            _how_far(state, step, working=step.step.id == working),
        )
    return rows


def _how_far(state: RunState, step: StepState, *, working: bool) -> RenderableType:
    if working and state.proposal and len(state.proposal.calls) > 1:
        done, total = _done(state, state.proposal), len(state.proposal.calls)
        row = Table.grid(padding=(0, 1))
        row.add_row(ProgressBar(total=total, completed=done, width=BAR), f"{done}/{total}")
        return row
    if step.status == "open":
        return Text()
    count = len(step.calls)
    return Text(f"{count} call{'s' if count != 1 else ''}", style="dim")


def _going_on(progress: Progress) -> Table:
    row = Table.grid(padding=(0, 1))
    row.add_row(
        Text(" "),
        progress.spinner,
        Text(progress.activity),
        Text(f"{monotonic() - progress.since:.0f} s", style="dim"),
    )
    return row


def _cost(progress: Progress) -> Text:
    state, usage = progress.state, progress.state.usage
    seconds = int(monotonic() - progress.began)
    share = f", {usage.cached / usage.prompt:.0%} cached" if usage.prompt else ""
    parts = [
        f"{seconds // 60}:{seconds % 60:02d}",
        f"{state.model_calls} model calls",
        f"{usage.prompt:,} prompt tokens{share}",
        f"{usage.generated:,} generated",
        f"{sum(not call.reused for call in state.settled)} tool calls",
    ]
    return Text(f"  {' · '.join(parts)}", style="cyan")
