"""`ferryman resume`: go on with a run, with the tools it had."""

import argparse
import asyncio
from typing import TYPE_CHECKING

from orchestrator.cli.limits import add_limits, limited
from orchestrator.cli.output import add_common
from orchestrator.core.errors import SettingsError
from orchestrator.core.runs import Budget, RunState

if TYPE_CHECKING:
    from orchestrator.cli.carry import Errand


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("run", metavar="RUN|LAST", help="the run's id, its beginning, or LAST")
    word = parser.add_mutually_exclusive_group()
    word.add_argument("--yes", action="store_true", help="approve what stays inside the folder")
    word.add_argument("--no", action="store_true", help="refuse whatever would need an approval")
    given = parser.add_mutually_exclusive_group()
    given.add_argument(
        "--grant", action="store_true", help="allow exactly what the run waits to be allowed"
    )
    given.add_argument("--deny", action="store_true", help="refuse what the run waits for")
    parser.add_argument("--answer", default="", metavar="TEXT", help="answers the run's question")
    parser.add_argument("--json", metavar="FILE", help="write the report there; - is stdout")
    add_limits(parser)
    parser.add_argument("--quiet", action="store_true", help="no progress")
    add_common(parser)


def execute(options: argparse.Namespace) -> int:
    """Take the run up and say what came of it."""
    return asyncio.run(_resumed(options))


async def _resumed(options: argparse.Namespace) -> int:
    from orchestrator.bootstrap import read_run
    from orchestrator.cli.carry import carry
    from orchestrator.cli.errands import reported
    from orchestrator.cli.output import check_target, progress
    from orchestrator.cli.setup import UNSET, load, settings_for
    from orchestrator.cli.view import view_for
    from orchestrator.journal.fold import fold_entries
    from orchestrator.settings import Settings

    settings = Settings.load(options.config, variables=UNSET)
    check_target(options.json)
    state = fold_entries(await read_run(settings, options.run))
    errand = _errand(options, state)
    setup = load(state.run_id, settings)
    if options.config:
        setup = setup.model_copy(update={"config": str(options.config.absolute())})
    used, console = settings_for(setup), progress()
    view = view_for(console, quiet=options.quiet)
    entries = await carry(errand, used, view=view, console=console)
    return reported(entries, setup, used, target=options.json)


def _errand(options: argparse.Namespace, state: RunState) -> "Errand":
    """What the options say of a run; limits that they leave out stay as they are.

    Raises:
        SettingsError: A limit is none, or a word is given on a question that the run does not ask.
    """
    from orchestrator.cli.carry import Errand
    from orchestrator.cli.requests import word_of

    old = state.request.budget if state.request else Budget()
    new = limited(old, options)
    granted = True if options.grant else False if options.deny else None
    if granted is not None and state.status != "waiting_approval":
        raise SettingsError(
            f"Run {state.run_id} waits for no approval: it is {state.status.replace('_', ' ')}.",
            hint=f"Leave --{'grant' if granted else 'deny'} out.",
        )
    return Errand(
        run_id=state.run_id,
        approve=word_of(options),
        granted=granted,
        answer=options.answer,
        budget=new if new != old else None,
    )
