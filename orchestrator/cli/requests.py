"""From the options of a command to the request of a run."""

import argparse
from typing import Literal

from orchestrator.cli.office import GOAL
from orchestrator.cli.setup import RunSetup
from orchestrator.core.runs import Budget, RunRequest


def request_of(options: argparse.Namespace, setup: RunSetup, budget: Budget) -> RunRequest:
    """The request that the options ask for."""
    return RunRequest(
        goal=options.goal or GOAL,
        places=setup.places,
        budget=_limited(budget, options),
        approve=_word(options, demo=setup.demo),
        seed=setup.seed,
    )


def _word(options: argparse.Namespace, *, demo: bool) -> Literal["ask", "yes", "no"]:
    """What is said beforehand: nobody needs to be asked about files made for the occasion."""
    if getattr(options, "no", False):
        return "no"
    return "yes" if getattr(options, "yes", False) or demo else "ask"


def _limited(budget: Budget, options: argparse.Namespace) -> Budget:
    limits = {name: getattr(options, f"max_{name}", None) for name in Budget.model_fields}
    given = {name: value for name, value in limits.items() if value is not None}
    return Budget.model_validate({**budget.model_dump(), **given})
