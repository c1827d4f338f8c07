"""The control arms: the same model and tools in a loop without any help.

In both, nothing is filtered, guarded or constrained, and nobody is asked: a reply that holds a
tool call is carried out, one that holds none is the answer. They exist to be compared with.

`bare` is how the project found it: every tool stands in the system prompt as a JSON schema, the
workflow examples above them as recipes. `native` is the usual tool loop: the tools go into the
request's `tools` field and the model's own chat template writes them.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from pydantic import Field, JsonValue

from orchestrator.core.chat import (
    ChatReply,
    ChatRequest,
    Frozen,
    FunctionTool,
    Message,
    Usage,
)
from orchestrator.core.errors import BackendError, ContextOverflow, ContextTruncated
from orchestrator.core.fingerprints import call_fingerprint, result_digest, unfit
from orchestrator.core.tools import Effect, ToolCall, ToolOutcome
from orchestrator.evals.bare_prompts import Style, function_tool, opening
from orchestrator.evals.free_calls import Wanted, call_in
from orchestrator.graph.context import Player
from orchestrator.ports.chat import complete
from orchestrator.ports.clock import Clock
from orchestrator.ports.tools import Toolset
from orchestrator.prompting.library import Library
from orchestrator.prompting.render import compact

RESULT_CHARACTERS = 6000
REPLY_TOKENS = 512
ROUNDS = 10
DEADLINE_S = 900.0
PRIME_DEADLINE_S = 3600.0

BareStatus = Literal["answered", "out_of_rounds", "out_of_time", "context_overflow", "failed"]
"""How a bare run ended. `answered` says that the model stopped, not that the goal is met."""


class BareCall(Frozen):
    """A call that was executed, whatever came of it; `result` is the digest of its outcome."""

    round: int
    tool: str
    arguments: dict[str, JsonValue]
    effect: Effect
    ok: bool
    error: str = ""
    result: str
    fingerprint: str
    seconds: float = 0.0


class Round(Frozen):
    """One reply: its tokens, its seconds, and the tool that it wanted, if any."""

    usage: Usage
    seconds: float
    tool: str = ""


class BareEvent(Frozen):
    """What just happened, for whoever watches: a reply, a call, or the end."""

    kind: Literal["replied", "called", "ended"]
    round: int
    text: str = ""
    tool: str = ""
    ok: bool | None = None
    seconds: float = 0.0


class BareResult(Frozen):
    """What a bare run came to.

    `code` is that of the error that ended it. `shown_max` is how many tools each prompt held;
    `messages` is the whole conversation, by which the next turn of it goes on.
    """

    status: BareStatus
    reason: str = ""
    code: str = ""
    answer: str = ""
    rounds: int = 0
    calls: tuple[BareCall, ...] = ()
    identical_executed: int = 0
    tokens: Usage = Usage()
    seconds: float = Field(default=0.0, ge=0)
    shown_max: int = 0
    replies: tuple[Round, ...] = ()
    messages: tuple[Message, ...] = ()


async def run_bare(  # noqa: PLR0913 - the whole configuration of an experiment, by name
    *,
    goal: str,
    places: Mapping[str, str],
    toolset: Toolset,
    player: Player,
    library: Library,
    clock: Clock,
    rounds: int = ROUNDS,
    deadline_s: float = DEADLINE_S,
    reply_tokens: int = REPLY_TOKENS,
    style: Style = "bare",
    history: Sequence[Message] = (),
    on_event: Callable[[BareEvent], None] = lambda _event: None,
) -> BareResult:
    """Let the model choose freely until it calls nothing more, or a limit is reached.

    Args:
        goal: What the person asked for.
        places: Folders that the goal may speak of, by name.
        toolset: All tools in scope; whatever is called is executed, writes included.
        player: The model, with its profile's sampling.
        library: Where the workflow examples come from.
        clock: Measures `deadline_s` (seconds), which is checked between rounds.
        rounds: Replies at most.
        deadline_s: Seconds at most.
        reply_tokens: Tokens of one reply at most.
        style: How the tools are told.
        history: The conversation so far, where the goal is a further turn of it.
        on_event: Told of every reply and call.
    """
    loop = _Loop(toolset, player, clock=clock, deadline_s=deadline_s, on_event=on_event)
    loop.reply_tokens, loop.style = reply_tokens, style
    if style == "native":
        loop.tools = tuple(map(function_tool, toolset.specs))
    loop.messages = opening(goal, places, toolset, library, style, history)
    status, reason = await loop.until_it_ends(rounds)
    on_event(BareEvent(kind="ended", round=loop.round, text=reason, seconds=loop.elapsed))
    return BareResult(
        status=status,
        reason=reason,
        code=loop.code,
        answer=loop.answer,
        rounds=loop.round,
        calls=tuple(loop.calls),
        identical_executed=identical_executed(loop.calls),
        tokens=loop.tokens,
        seconds=loop.elapsed,
        shown_max=len(toolset.specs),
        replies=tuple(loop.replies),
        messages=tuple(loop.messages),
    )


async def prime(
    *, places: Mapping[str, str], toolset: Toolset, player: Player, library: Library, style: Style
) -> None:
    """Have the model read the front once, so that no case pays for what all of them share.

    On a laptop the schemas of 80 tools take minutes to read the first time.
    """
    request = ChatRequest(
        messages=tuple(opening("Hello.", places, toolset, library, style, ())),
        sampling=player.profile.sampling,
        max_tokens=1,
        slot=style,
        tools=tuple(map(function_tool, toolset.specs)) if style == "native" else (),
        deadline_s=PRIME_DEADLINE_S,
    )
    await complete(player.backend, request)


class _Loop:
    """The transcript and the counts of a bare run."""

    def __init__(
        self,
        toolset: Toolset,
        player: Player,
        *,
        clock: Clock,
        deadline_s: float,
        on_event: Callable[[BareEvent], None],
    ) -> None:
        self.messages: list[Message] = []
        self.calls: list[BareCall] = []
        self.tokens = Usage()
        self.round = 0
        self.answer = ""
        self.code = ""
        self.replies: list[Round] = []
        self.reply_tokens = REPLY_TOKENS
        self.style: Style = "bare"
        self.tools: tuple[FunctionTool, ...] = ()
        self._effects = {spec.id: spec.effect for spec in toolset.specs}
        self._toolset = toolset
        self._player = player
        self._clock = clock
        self._begun = clock.monotonic()
        self._deadline_s = deadline_s
        self._tell = on_event

    @property
    def elapsed(self) -> float:
        """Seconds since the run began."""
        return self._clock.monotonic() - self._begun

    async def until_it_ends(self, rounds: int) -> tuple[BareStatus, str]:
        """Go round after round; say how it ended and why."""
        while self.round < rounds:
            if self.elapsed >= self._deadline_s:
                return "out_of_time", f"The deadline of {self._deadline_s:g} s passed."
            try:
                reply = await self._ask()
            except (ContextOverflow, ContextTruncated) as error:
                self.code = error.code
                return "context_overflow", error.message
            except BackendError as error:
                self.code = error.code
                return "failed", error.message
            wanted = call_in(reply)
            self.replies.append(
                Round(usage=reply.usage, seconds=reply.seconds, tool=wanted.tool if wanted else "")
            )
            if wanted is None:
                return self._ended(reply)
            await self._carry_out(wanted)
        return "out_of_rounds", f"The model still called tools after {rounds} rounds."

    async def _ask(self) -> ChatReply:
        request = ChatRequest(
            messages=tuple(self.messages),
            sampling=self._player.profile.sampling,
            max_tokens=self.reply_tokens,
            slot=self.style,
            tools=self.tools,
            deadline_s=max(1.0, self._deadline_s - self.elapsed),
        )
        reply = await complete(self._player.backend, request)
        self.round += 1
        self.tokens += reply.usage
        self.messages.append(Message(role="assistant", content=_said(reply)))
        self._tell(
            BareEvent(kind="replied", round=self.round, text=reply.text, seconds=reply.seconds)
        )
        return reply

    def _ended(self, reply: ChatReply) -> tuple[BareStatus, str]:
        if reply.truncated:
            return "failed", f"The reply was cut at {self.reply_tokens} tokens, no call in it."
        self.answer = reply.text.strip()
        return "answered", "The model called no further tool."

    async def _carry_out(self, wanted: Wanted) -> None:
        begun = self._clock.monotonic()
        outcome = await self._outcome(wanted)
        seconds = self._clock.monotonic() - begun
        self.tokens += outcome.usage
        self.messages.append(Message(role="user", content=_result_words(outcome)))
        self._tell(
            BareEvent(
                kind="called", round=self.round, tool=wanted.tool, ok=outcome.ok, seconds=seconds
            )
        )

    async def _outcome(self, wanted: Wanted) -> ToolOutcome:
        if why := unfit([wanted.tool, wanted.arguments]):
            return ToolOutcome(ok=False, error=f"The call cannot be used: {why}.")
        key = f"bare:{len(self.calls)}"
        call = ToolCall(tool=wanted.tool, arguments=wanted.arguments, key=key)
        begun = self._clock.monotonic()
        outcome = await self._toolset.call(call)
        self.calls.append(
            BareCall(
                round=self.round,
                tool=call.tool,
                arguments=call.arguments,
                effect=self._effects.get(call.tool, "read"),
                ok=outcome.ok,
                error=outcome.error,
                result=result_digest(outcome.data if outcome.ok else outcome.error),
                fingerprint=call_fingerprint(call.tool, call.arguments),
                seconds=self._clock.monotonic() - begun,
            )
        )
        return outcome


def _said(reply: ChatReply) -> str:
    """A reply as the conversation keeps it; a call that the server took out goes back in."""
    written = [
        f'<tool_call>\n{{"name": "{c.name}", "arguments": {c.arguments or "{}"}}}\n</tool_call>'
        for c in reply.calls[:1]
    ]
    return "\n".join(filter(None, [reply.text, *written]))


def identical_executed(calls: Sequence[BareCall]) -> int:
    """Count calls that repeat an earlier one, result and all, with nothing written between."""
    count = 0
    unchanged: set[tuple[str, str]] = set()
    for call in calls:
        same = (call.fingerprint, call.result)
        count += same in unchanged
        if call.ok and call.effect != "read":
            unchanged.clear()
        unchanged.add(same)
    return count


def _result_words(outcome: ToolOutcome) -> str:
    said = compact(outcome.data) if outcome.ok else f"Error: {outcome.error}"
    return f"<tool_response>\n{said[:RESULT_CHARACTERS]}\n</tool_response>"
