"""What the user's own completed runs have taught, kept beside the journal: priors and examples."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from orchestrator.core.chat import Frozen
from orchestrator.core.errors import SettingsError
from orchestrator.core.events import Entry
from orchestrator.journal.fold import fold_entries
from orchestrator.policy.handles import handles, shape
from orchestrator.policy.priors import NOTHING_LEARNT, Priors, learn
from orchestrator.prompting.harvest import example_yaml, harvest
from orchestrator.prompting.library import Library, WorkflowExample, load_examples

MOST_EXAMPLES = 200
_PRIORS, _EXAMPLES = "priors.json", "examples"


class Learnt(Frozen):
    """What was learnt: from how many completed runs, about how many tools, which examples."""

    runs: int
    tools: int
    examples: tuple[str, ...]
    folder: str


def learn_from(runs: Sequence[Sequence[Entry]], folder: Path) -> Learnt:
    """Write down what completed runs teach; what was learnt before is replaced.

    Examples keep the goal and the form of each decision; what tools returned never enters them.

    Raises:
        SettingsError: The folder cannot be written.
    """
    states = [fold_entries(entries) for entries in runs]
    completed = [state for state in states if state.status == "completed"]
    priors = learn(completed)
    found: list[WorkflowExample] = []
    for entries, state in zip(runs, states, strict=True):
        example = harvest(entries, {name: shape(h) for name, h in handles(state).items()})
        if example is not None and example.goal not in {each.goal for each in found}:
            found.append(example)
    try:
        forget(folder)
        (folder / _EXAMPLES).mkdir(parents=True)
        (folder / _PRIORS).write_text(priors.model_dump_json(), encoding="utf-8")
        for example in found[:MOST_EXAMPLES]:
            path = folder / _EXAMPLES / f"{example.name}.yaml"
            path.write_text(example_yaml(example), encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"{folder} cannot be written: {error.strerror}.") from error
    return Learnt(
        runs=len(completed),
        tools=len(priors.uses),
        examples=tuple(example.name for example in found[:MOST_EXAMPLES]),
        folder=str(folder),
    )


def forget(folder: Path) -> None:
    """Remove everything that was learnt; the journals it was learnt from stay."""
    shutil.rmtree(folder, ignore_errors=True)


def learnt_priors(folder: Path) -> Priors:
    """The priors that were learnt, or those of a fresh machine.

    Raises:
        SettingsError: The file is damaged.
    """
    path = folder / _PRIORS
    if not path.is_file():
        return NOTHING_LEARNT
    try:
        return Priors.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise SettingsError(
            f"{path} is damaged.", hint="Run `ferryman learn` again, or `ferryman learn --forget`."
        ) from error


def with_learnt_examples(library: Library, folder: Path) -> Library:
    """The library with the examples that were learnt, if any."""
    return library.with_examples(load_examples(folder / _EXAMPLES))
