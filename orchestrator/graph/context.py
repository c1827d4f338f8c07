"""What the nodes may use: ports and facts, never part of the state."""

from collections.abc import Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import cached_property

from orchestrator.core.chat import ChatReply, ChatRequest, Constraint, Message, TextDelta
from orchestrator.core.errors import BackendProtocolError, ConstraintBroken, MalformedReply
from orchestrator.core.events import Event
from orchestrator.core.roles import Profile, Role
from orchestrator.core.runs import RunState
from orchestrator.core.tools import ToolSpec
from orchestrator.graph.state import GraphState
from orchestrator.journal.writer import Journal
from orchestrator.policy.catalogue import Catalogue
from orchestrator.policy.guards import GUARDS, Guard
from orchestrator.policy.permissions import DEFAULT_RULES, Rule
from orchestrator.ports.chat import ChatBackend
from orchestrator.ports.clock import Clock
from orchestrator.ports.tools import Toolset
from orchestrator.prompting.examples import Similarity, by_words
from orchestrator.prompting.library import Library

DeltaSink = Callable[[Role, str], None]
Warm = Callable[[Iterable[str]], None]
"""Has the tools of some namespaces get ready in the background; never fails."""
CHOICE_TOKENS = 48


@dataclass(frozen=True)
class Player:
    """A role as it is played: the backend that answers and what is known of its model."""

    backend: ChatBackend
    profile: Profile


@dataclass(frozen=True)
class RunContext:
    """The ports and facts of one run; `on_delta` sees text as it is generated."""

    roles: dict[Role, Player]
    toolset: Toolset
    catalogue: Catalogue
    library: Library
    journal: Journal
    clock: Clock
    rules: tuple[Rule, ...] = DEFAULT_RULES
    guards: tuple[Guard, ...] = GUARDS
    similarity: Similarity = by_words
    parallel_calls: int = 4
    approval_s: float = 0.0
    warm: Warm = lambda _namespaces: None
    on_delta: DeltaSink = field(default=lambda _role, _text: None)

    @cached_property
    def specs(self) -> dict[str, ToolSpec]:
        """The tools in scope by id."""
        return {spec.id: spec for spec in self.toolset.specs}

    @cached_property
    def namespaces(self) -> tuple[str, ...]:
        """The namespaces in scope, in the catalogue's order."""
        return tuple(dict.fromkeys(spec.namespace for spec in self.toolset.specs))

    @property
    def state(self) -> RunState:
        """The run as its journal tells it now."""
        return self.journal.state

    async def happened(self, *events: Event) -> GraphState:
        """Make events durable and give the state that follows from them."""
        return {"run": await self.journal.append(*events)}

    async def ask(
        self,
        role: Role,
        messages: tuple[Message, ...],
        *,
        constraint: Constraint | None = None,
        max_tokens: int = CHOICE_TOKENS,
        logprobs: bool = False,
        slot: str = "",
    ) -> ChatReply:
        """Ask a role's model and wait for its whole reply.

        `slot` names the conversation where it is not the role's only one.

        Raises:
            MalformedReply: The reply is not in the form that was asked for.
            BackendError: The backend did not answer as it should.
        """
        player = self.roles[role]
        request = ChatRequest(
            messages=messages,
            constraint=constraint,
            sampling=player.profile.sampling,
            max_tokens=max_tokens,
            logprobs=logprobs,
            slot=slot or role,
        )
        try:
            return await self._reply(role, request)
        except ConstraintBroken as error:
            raise MalformedReply(error.message, hint=error.hint) from error

    async def _reply(self, role: Role, request: ChatRequest) -> ChatReply:
        async with aclosing(self.roles[role].backend.stream(request)) as items:
            async for item in items:
                if not isinstance(item, TextDelta):
                    return item
                self.on_delta(role, item.text)
        raise BackendProtocolError(f"The {role}'s backend ended its stream without a reply.")
