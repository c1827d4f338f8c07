"""What the guard says of a proposed call."""

from typing import Literal

from pydantic import Field

from orchestrator.core.chat import Frozen

LOOP_CODES = frozenset({"repeated_call", "namespace_fixation"})
"""Codes of the loop breaker's redirects, which climb a ladder of their own."""


class Verdict(Frozen):
    """Whether a proposal may run, and if not, what happens instead.

    - `allow`: carry it out.
    - `ask`: a person decides.
    - `redirect`: it is not carried out; `mask` is hidden from the next decision.
    - `replan`: the plan is rewritten with this reason.
    - `stop`: the run ends with `code`.

    `reuse` maps an index of the proposal's calls to the id of a settled call that answers it.
    """

    kind: Literal["allow", "ask", "redirect", "replan", "stop"]
    reason: str = ""
    code: str = ""
    mask: tuple[str, ...] = ()
    reuse: dict[int, str] = Field(default_factory=dict)
    close_namespace: str = ""


ALLOW = Verdict(kind="allow")
