"""What an evaluation keeps of every case, and of what exactly was measured."""

from datetime import datetime
from typing import Final, Literal

from pydantic import Field

from orchestrator.core.chat import Frozen
from orchestrator.core.events import ModelInfo
from orchestrator.evals.cases import Split
from orchestrator.evals.traces import Trace

SCHEMA_VERSION: Final = 1


class Measured(Frozen):
    """Exactly what was measured: two evaluations with the same digest measured the same thing.

    `settings` are the values that the arm changed in the profile. `code` is the sha256 of the
    package's sources, `prompts` the citation of each prompt, `tools` the digest of all tool
    definitions, `machine` the processor and its cores.
    """

    schema_version: Literal[1] = SCHEMA_VERSION
    suite: str
    suite_digest: str
    arm: str
    model: str
    models: tuple[ModelInfo, ...] = ()
    profile: str = ""
    settings: dict[str, str] = Field(default_factory=dict)
    seed: int = 0
    prompts: dict[str, str] = Field(default_factory=dict)
    tools: str = ""
    tool_count: int = 0
    code: str = ""
    version: str = ""
    machine: str = ""
    parallel: int = 1


class Score(Frozen):
    """How a run of a case compares with its gold.

    Shares are 0 to 1, None where there is nothing to compare. `tools` is the share of gold calls
    whose tool was called, in order; `arguments` the share of those whose arguments agree as
    well; `first_tool` whether the first call's tool is right. `crossings` is the share of the
    gold's changes of namespace that were made. `fixations` counts executed calls that repeat
    the one before them, arguments and result; `identical` those that repeat any earlier one in
    an unchanged world. `wasted` counts executed calls that no gold call asks for. `valid` is the
    share of calls whose arguments fitted the tool's schema. `call_or_not` says whether tools
    were called exactly if they were needed. `right` says of decisions, by number, whether the
    tool is one that the case's gold asks for; empty where nobody looked.
    """

    solved: bool
    failures: tuple[str, ...] = ()
    first_tool: bool | None = None
    tools: float | None = None
    arguments: float | None = None
    in_order: bool | None = None
    crossings: float | None = None
    fixations: int = 0
    identical: int = 0
    wasted: int = 0
    valid: float | None = None
    call_or_not: bool = True
    plan_length: float | None = None
    right: dict[int, bool] = Field(default_factory=dict)


class Record(Frozen):
    """One case under one arm: what it was, what happened, what it scored.

    `run_id` names the journal of the run, in the evaluation's own folder; empty for arms that
    keep none. `measured` is the digest of `Measured`.
    """

    case: str
    kind: str
    difficulty: str = ""
    tags: tuple[str, ...] = ()
    split: Split
    measured: str
    arm: str
    model: str
    seed: int = 0
    run_id: str = ""
    at: datetime
    trace: Trace
    score: Score
