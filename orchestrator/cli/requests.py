"""From the options of a command to the request of a run."""

import argparse

from pydantic import ValidationError

from orchestrator.cli.limits import limited
from orchestrator.cli.office import GOAL
from orchestrator.cli.setup import RunSetup
from orchestrator.core.errors import SettingsError
from orchestrator.core.runs import Approve, Budget, RunRequest


def draft_of(options: argparse.Namespace, budget: Budget) -> RunRequest:
    """The request as far as the options alone say it: read before anything is made for it.

    Raises:
        SettingsError: The goal or a limit cannot be used.
    """
    limits = limited(budget, options)
    goal = GOAL if options.goal is None else options.goal
    try:
        return RunRequest(goal=goal, budget=limits, approve=word_of(options), seed=options.seed)
    except ValidationError as error:
        raise _unusable(goal, error) from error


def _unusable(goal: str, error: ValidationError) -> SettingsError:
    """Say what is wrong with a goal without repeating it."""
    first = error.errors()[0]
    if first["type"] == "string_too_short":
        return SettingsError("The goal is empty.", hint="Say in words what is to be done.")
    if first["type"] != "string_too_long":
        return SettingsError("The goal is no text in UTF-8.", hint="Write it in UTF-8.")
    most = first["ctx"]["max_length"]
    return SettingsError(
        f"The goal has {len(goal):,} characters; at most {most:,} are taken.",
        hint="Say shortly what is to be done, and put what is long into a file of the folder.",
    )


def request_of(draft: RunRequest, setup: RunSetup) -> RunRequest:
    """The request with the folder it works in; nobody is asked about files made for the run."""
    approve: Approve = "yes" if setup.demo and draft.approve == "ask" else draft.approve
    return draft.model_copy(update={"places": setup.places, "approve": approve})


def word_of(options: argparse.Namespace) -> Approve:
    """What is said beforehand where the policy asks."""
    if getattr(options, "no", False):
        return "no"
    return "yes" if getattr(options, "yes", False) else "ask"
