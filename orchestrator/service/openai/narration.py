"""What a caller is told while a run works, and what it cost: a fold over the run's entries."""

from dataclasses import dataclass, field

from orchestrator.core import events
from orchestrator.core.chat import Usage
from orchestrator.core.events import Entry
from orchestrator.core.runs import RunState
from orchestrator.journal.fold import fold
from orchestrator.journal.sentences import sentence

_TOLD = (
    events.PlanMade,
    events.PlanRefused,
    events.VerdictGiven,
    events.ApprovalGiven,
    events.DecisionFailed,
    events.ToolsSearched,
    events.CallSettled,
    events.StepClosed,
    events.ReplanAsked,
)
"""What a person who waits wants to know; decisions and tokens are for the log."""


@dataclass
class Narration:
    """Follows a run from a state on: the state it has come to, and what this stretch has spent.

    `reasoning` are the tokens that the planner generated; the rest of what was generated is
    text that the synthesizer wrote.
    """

    state: RunState = field(default_factory=RunState)
    reasoning: int = 0

    def __post_init__(self) -> None:
        self._before = self.state.usage

    @property
    def usage(self) -> Usage:
        """The tokens of every model call since then."""
        now, before = self.state.usage, self._before
        return Usage(
            prompt=now.prompt - before.prompt,
            cached=now.cached - before.cached,
            generated=now.generated - before.generated,
        )

    def take(self, entry: Entry) -> str:
        """Take in an entry and give a line about it, or "" where there is nothing to say."""
        before, event = self.state, entry.event
        self.state = fold(before, entry)
        if isinstance(event, events.ModelCalled) and event.role == "planner":
            self.reasoning += event.usage.generated
        return sentence(before, event, self.state) if isinstance(event, _TOLD) else ""
