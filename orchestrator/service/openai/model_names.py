"""The model names that are served, and what asking under one of them means."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from orchestrator.core.chat import Message
from orchestrator.core.errors import Forbidden, RunNotFound
from orchestrator.core.runs import Budget, RunRequest
from orchestrator.core.tools import ToolSpec
from orchestrator.service.context import Service
from orchestrator.service.gate.keys import Caller
from orchestrator.settings import ServedModel


class ModelNotFound(RunNotFound):
    """No model of that name is served."""

    code = "model_not_found"
    default_hint = "`GET /v1/models` lists the names that are served."


MODEL_KEY = "ferryman_model"
"""Where a run keeps the name it was asked for under, in its metadata."""


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What a caller asks for under a model name; limits it leaves out are those of the name.

    `tokens` may be generated, by both roles together; `calls` of tools may be made.
    """

    model: str
    goal: str
    history: tuple[Message, ...] = ()
    tools: tuple[ToolSpec, ...] = ()
    tokens: int | None = None
    calls: int | None = None
    seed: int = 0
    thread: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


def served(service: Service, name: str) -> ServedModel:
    """What is served under a name.

    Raises:
        ModelNotFound: Nothing is.
    """
    model = service.models.get(name)
    if model is None:
        raise ModelNotFound(f"The model {name[:80]!r} does not exist here.", param="model")
    return model


def check_may_ask(service: Service, caller: Caller, name: str) -> None:
    """See that a name is served, and that this caller may ask for it.

    Raises:
        ModelNotFound: Nothing is.
        Forbidden: The name grants approvals beforehand, which the caller's key may not.
    """
    model = served(service, name)
    if model.approve == "yes" and not caller.may("approve"):
        raise Forbidden(f"The model {name!r} needs a key with the scope 'approve'.")


def request_of(service: Service, caller: Caller, wish: Wish) -> RunRequest:
    """The run that a wish under a model name comes to."""
    model = served(service, wish.model)
    places = service.places if model.places is None else model.places
    return RunRequest(
        goal=wish.goal,
        places=dict(places),
        budget=_budget(model.budget or service.budget, wish),
        approve=model.approve,
        thread=wish.thread,
        seed=wish.seed,
        tenant=caller.tenant,
        history=wish.history,
        tools=wish.tools,
        metadata={**wish.metadata, MODEL_KEY: wish.model},
    )


def _budget(budget: Budget, wish: Wish) -> Budget:
    narrower: dict[str, int] = {}
    if wish.tokens is not None:
        narrower["generated_tokens"] = min(wish.tokens, budget.generated_tokens)
    if wish.calls is not None:
        narrower["tool_calls"] = min(wish.calls, budget.tool_calls)
    return budget.model_copy(update=narrower)
