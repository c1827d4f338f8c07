"""`ferryman eval tune-profile`: try one value after the other and propose the best profile."""

import argparse
from collections.abc import Sequence

from orchestrator.bootstrap import open_workbench
from orchestrator.cli.evaluations import suite_named
from orchestrator.cli.measuring import WARM, carried_under, chosen, default_folder, settings_of
from orchestrator.cli.output import results, table, write_json
from orchestrator.evals.arms import Arm
from orchestrator.evals.cases import Case
from orchestrator.evals.keeping import EvaluationFolder, measured_digest
from orchestrator.evals.records import Record
from orchestrator.evals.tuning import Tuned, tune


async def tune_profile(options: argparse.Namespace) -> int:
    """Measure on the tuned half only, so that the other half can still confirm what is found."""
    options.suite, options.split, options.cases, options.kind = "desk", "tuned", "", ""
    options.parallel = 1
    settings = settings_of(options)
    folder = EvaluationFolder(options.out or default_folder(settings, "tune", options.model))
    async with open_workbench(settings, folder=folder.path, parallel=WARM) as workbench:
        suite = suite_named("desk", settings, workbench, data=None)
        cases = chosen(suite, options)
        current = workbench.roles["planner"].profile.model_dump()

        async def measure(arm: Arm) -> Sequence[Record]:
            await carried_under(arm, suite, cases, folder, workbench, options)
            return _records(folder, arm, cases)

        found = await tune(measure, current)
    if options.json:
        write_json(found.model_dump(mode="json"))
    else:
        _show(found)
    return 0


def _records(folder: EvaluationFolder, arm: Arm, cases: Sequence[Case]) -> list[Record]:
    """What the arm came to on these cases; an earlier search may have left more in the folder."""
    last = next(m for m in reversed(folder.measured().values()) if m.arm == arm.name)
    name = measured_digest(last)
    asked = {case.id for case in cases}
    return [
        record for record in folder.records() if record.measured == name and record.case in asked
    ]


def _show(found: Tuned) -> None:
    made = table("setting", "solved", "prompt tokens", "kept", title="Trials, in their order")
    for trial in found.trials:
        named = ", ".join(f"{name}={value}" for name, value in trial.settings.items())
        solved = f"{trial.solved} of {trial.cases}"
        kept = "yes" if trial.kept else ""
        made.add_row(named or "as it is", solved, f"{trial.prompt_tokens:,}", kept)
    results().print(made)
    best = ", ".join(f"{name}={value!r}" for name, value in found.best.items())
    results().print(f"Best: {best or 'the profile as it is'}. Confirm it on the held-out half.")
