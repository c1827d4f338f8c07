"""`ferryman eval run`: the suites and arms of one call, with progress a person can watch."""

import argparse
import os
import platform
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from orchestrator.bootstrap import open_workbench
from orchestrator.cli.evaluations import check_suite, data_folder_of, suite_named, tables
from orchestrator.cli.output import progress
from orchestrator.cli.setup import UNSET
from orchestrator.core.errors import SettingsError
from orchestrator.core.fingerprints import digest
from orchestrator.evals.arms import Arm, arm_named
from orchestrator.evals.carrying import Limits
from orchestrator.evals.cases import Case, Suite
from orchestrator.evals.keeping import EvaluationFolder
from orchestrator.evals.records import Measured, Record
from orchestrator.evals.runner import Evaluation, evaluate
from orchestrator.evals.workbench import Workbench
from orchestrator.graph.going_on import definition
from orchestrator.runtime import Parts
from orchestrator.settings import Settings

LOOP_CONTEXT = 32_768
"""Tokens: room for every tool's schema and a conversation; the most that the default model has."""
WARM = 3
"""Conversations kept warm for each case at work: two of the planner, one of the synthesizer."""


async def measured(options: argparse.Namespace) -> int:
    """Carry a suite under each arm and print the tables."""
    if options.suite == "retrieval":
        from orchestrator.cli.retrieving import retrieved

        return retrieved(options)
    check_suite(options.suite)
    data_folder_of(options)
    if options.arms == "gold":
        from orchestrator.cli.replaying import replayed

        return await replayed(options)
    arms = [arm_named(name) for name in options.arms.split(",") if name]
    settings = settings_of(options)
    folder = EvaluationFolder(options.out or default_folder(settings, options.suite, options.model))
    await carried(arms, settings, folder, options)
    return tables([folder.path], as_json=options.json)


async def carried(
    arms: Sequence[Arm],
    settings: Settings,
    folder: EvaluationFolder,
    options: argparse.Namespace,
) -> None:
    """Carry the suite under each arm, the loops after the others: they need a longer context."""
    for loops in (False, True):
        group = [arm for arm in arms if (arm.kind != "ferryman") == loops]
        if not group:
            continue
        context = LOOP_CONTEXT if loops else 0
        slots = (2 if loops else WARM) * options.parallel
        async with open_workbench(
            settings, folder=folder.path, context_tokens=context, parallel=slots
        ) as workbench:
            suite = suite_named(options.suite, settings, workbench, data=data_folder_of(options))
            cases = chosen(suite, options)
            for arm in group:
                await carried_under(arm, suite, cases, folder, workbench, options)


def chosen(suite: Suite, options: argparse.Namespace) -> list[Case]:
    """The cases that the options leave, mixed.

    Raises:
        SettingsError: They leave none.
    """
    begins = tuple(filter(None, options.cases.split(",")))
    found = [
        case
        for case in suite.cases
        if (not begins or case.id.startswith(begins))
        and options.kind in {"", case.kind}
        and options.split in {None, case.split}
    ]
    if not found:
        raise SettingsError(
            f"No case of {suite.name} is left.", hint="Loosen --cases, --kind or --split."
        )
    if options.sample and options.sample < len(found):
        drawn = random.Random(options.seed).sample(found, options.sample)  # noqa: S311
        found = [case for case in found if case in drawn]
    return sorted(found, key=_order)


def _order(case: Case) -> str:
    """Cases come mixed, the same for every arm: what was carried before a stop is a fair sample."""
    return digest(["order", case.id])


async def carried_under(  # noqa: PLR0917
    arm: Arm,
    suite: Suite,
    cases: Sequence[Case],
    folder: EvaluationFolder,
    workbench: Workbench,
    options: argparse.Namespace,
) -> None:
    """Carry the cases under one arm, watched."""
    evaluation = Evaluation(
        suite=suite,
        arm=arm,
        cases=cases,
        folder=folder,
        workbench=workbench,
        measured=_measuring(suite, arm, workbench, options),
        worlds=folder.path / "worlds",
        seed=options.seed,
        parallel=options.parallel,
        # Cases that are carried side by side wait for each other.
        limits=Limits(seconds=Limits().seconds * options.parallel),
    )
    with _watched(progress(), arm.name, quiet=options.quiet) as (on_begin, on_record):
        await evaluate(evaluation, on_begin=on_begin, on_record=on_record)


def _measuring(
    suite: Suite, arm: Arm, workbench: Workbench, options: argparse.Namespace
) -> Callable[[Parts], Measured]:
    def measure(parts: Parts) -> Measured:
        specs = parts.toolset.specs
        return Measured(
            suite=suite.name,
            suite_digest=suite.digest,
            arm=arm.name,
            model=workbench.models[0].model,
            models=workbench.models,
            profile=parts.roles["planner"].profile.name,
            settings={name: str(value) for name, value in arm.profile.items()},
            seed=options.seed,
            prompts=workbench.library.citations,
            tools=digest({spec.id: definition(spec) for spec in specs})[:16],
            tool_count=len(specs),
            code=code_digest(),
            version=version("ferryman") if _installed() else "",
            machine=f"{platform.machine()}, {os.cpu_count()} cores",
            parallel=options.parallel,
        )

    return measure


@cache
def code_digest() -> str:
    """The sha256 of the package's own sources, by which a measurement knows its code.

    Read once: what changes on disk while this process works is not what works in it.
    """
    import orchestrator

    root = Path(orchestrator.__file__).parent
    files = sorted([*root.rglob("*.py"), *root.parent.glob("adapters/**/*.py")])
    return digest([[str(f.relative_to(root.parent)), f.read_text("utf-8")] for f in files])[:16]


def _installed() -> bool:
    from importlib.metadata import PackageNotFoundError

    try:
        version("ferryman")
    except PackageNotFoundError:
        return False
    return True


@contextmanager
def _watched(
    console: Console, arm: str, *, quiet: bool
) -> Iterator[tuple[Callable[[int, int], None], Callable[[Record], None]]]:
    """A bar with what is left, and a line for each case where nobody sees a bar move."""
    if quiet:
        yield (lambda _done, _all: None), (lambda _record: None)
        return
    columns = (
        TextColumn("[bold]{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[solved]} solved"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[last]}", markup=False),
    )
    solved = 0
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(arm, total=None, solved=0, last="")

        def begin(done: int, of: int) -> None:
            bar.update(task, completed=done, total=of)
            if not console.is_terminal:
                console.print(f"{arm}: {of} cases, {done} of them done before")

        def record(made: Record) -> None:
            nonlocal solved
            solved += made.score.solved
            bar.update(task, advance=1, solved=solved, last=_line(made))
            if not console.is_terminal:
                console.print(f"{arm}: {_line(made)}", markup=False)

        yield begin, record


def _line(record: Record) -> str:
    word = "solved" if record.score.solved else "failed"
    why = f": {record.score.failures[0]}" if record.score.failures else ""
    return f"{word} {record.case} ({record.trace.seconds:.0f} s){why}"[:150]


def settings_of(options: argparse.Namespace) -> Settings:
    """The operator's settings, with the model that the options name."""
    settings = Settings.load(options.config, variables=UNSET)
    if options.model:
        settings = settings.model_copy(update={"embedded_model": options.model})
    return settings


def default_folder(settings: Settings, name: str, model: str) -> Path:
    """Where an evaluation of a model is kept that was given no folder."""
    return settings.state_dir / "evals" / f"{name}-{Path(model).stem if model else 'default'}"


async def tuned(options: argparse.Namespace) -> int:
    """Find the best profile of a model on the tuned half of the desk suite."""
    from orchestrator.cli.tuning import tune_profile

    return await tune_profile(options)
