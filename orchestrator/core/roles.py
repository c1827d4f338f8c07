"""Roles, and what is known of the models and backends that play them."""

from typing import Literal

from pydantic import Field

from orchestrator.core.chat import Frozen, Sampling

Role = Literal["planner", "synthesizer"]
ROLES: tuple[Role, ...] = ("planner", "synthesizer")


class CapabilityCard(Frozen):
    """What a backend really does with a request, whatever its API accepts.

    `constraint` names the request field that forces a reply's form: `structured_outputs`
    (vLLM), `grammar` (llama.cpp), or the portable `response_format`. `parallel` is how many
    requests it answers at once; with `lanes`, those of one conversation one after another, each on
    the prompt cache that knows its beginning.
    """

    constraint: Literal["structured_outputs", "grammar", "response_format"] = "response_format"
    logprobs: bool = False
    cached_tokens: bool = False
    parallel: int = Field(default=1, gt=0)
    lanes: bool = False


class Profile(Frozen):
    """Facts of a model family that the run adapts to; every one is data, measured by an eval.

    An arm of an evaluation is a profile with one of them changed.

    Limits: `shortlist_k` is how many tools a decision may choose from, None for all of them.
    `context_tokens` bounds one transcript. `example_distance_tokens` is how far behind the
    decision a worked example may drift before it is shown again.

    What a decision is shown: `examples` puts the worked decision right before the real one, or
    all of them at the very beginning, or leaves them out; `plan_examples` is how many worked
    plans stand before the goal. `generated_examples` makes a worked decision out of a tool's
    schema where none of its namespace is written.
    `contrast` says of two siblings that are close in the ranking what each is not for.
    `transcript` is one that all of a run is appended to, or a short one for each step. `gate`
    offers only what the plan lock would let pass. `detours` says when a decision may leave the
    step's namespace: at once, and then it may search for tools too, or only after one has failed;
    the tool that is the closest of all is offered in any case.

    `mends_plans` reads the plans of a small model as what they mean, where that is plain.
    `literals` says whether names, titles and addresses may be written that stand neither in the
    goal nor in a result.

    How a decision is made: `stages` is two (the tool, then its arguments) or one reply with both.
    `references` points to results by name; without it a step that is carried out once is offered
    the paths, names and numbers themselves. `repairs` is how often arguments that do not fit are
    asked for again, with the reason. `looks` lists the folders that a step speaks of, so that a
    file is chosen among those that are there. `parallel_steps` asks the planner which steps each
    one needs, so that reads which need nothing of each other are made together. Below
    `low_margin` the first stage is unsure: it is asked once more among the step's own tools, or
    the one of them that the step's words are closest to is taken. What is asked again and still
    below `abstain_margin` is no decision. Where no tool comes closer in meaning to a step's
    intent than `abstain_similarity`, a cosine, nothing is chosen at all: the step fails.
    """

    name: str
    context_tokens: int = Field(default=8192, gt=0)
    sampling: Sampling = Sampling()
    shortlist_k: int | None = Field(default=8, gt=0, le=12)
    plan_tokens: int = Field(default=700, gt=0)
    argument_tokens: int = Field(default=256, gt=0)
    answer_tokens: int = Field(default=220, gt=0)
    example_distance_tokens: int = Field(default=600, gt=0)
    low_margin: float = Field(default=0.03, ge=0, le=1)
    when_unsure: Literal["ask again", "closest"] = "ask again"
    abstain_margin: float = Field(default=0.0, ge=0, le=1)
    abstain_similarity: float = Field(default=0.0, ge=0, le=1)
    examples: Literal["near", "far", "none"] = "near"
    plan_examples: int = Field(default=3, ge=0)
    generated_examples: bool = False
    contrast: bool = False
    transcript: Literal["append", "step"] = "append"
    gate: bool = True
    detours: Literal["at once", "after a failure"] = "at once"
    mends_plans: bool = False
    literals: Literal["free", "from the goal"] = "free"
    stages: Literal[1, 2] = 2
    references: bool = True
    repairs: int = Field(default=1, ge=0)
    looks: bool = True
    parallel_steps: bool = False


class Binding(Frozen):
    """Which backend, model and profile play a role, and which decision record says so."""

    role: Role
    backend: str
    model: str
    profile: str
    record: str
    options: dict[str, str | int | float | bool] = Field(default_factory=dict)


class ModelIdentity(Frozen):
    """What exactly answered: a name, and the digest of the weights where they can be read."""

    name: str
    sha256: str = ""
    backend: str = ""
