"""`ferryman resume`: go on with a run, with the tools it had."""

import argparse
import asyncio

from orchestrator.cli.output import add_common


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("run", metavar="RUN|LAST", help="the run's id, its beginning, or LAST")
    word = parser.add_mutually_exclusive_group()
    word.add_argument("--yes", action="store_true", help="approve what stays inside the folder")
    word.add_argument("--no", action="store_true", help="refuse whatever would need an approval")
    parser.add_argument("--answer", default="", metavar="TEXT", help="answers the run's question")
    parser.add_argument("--json", metavar="FILE", help="write the report there; - is stdout")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    add_common(parser)


def execute(options: argparse.Namespace) -> int:
    """Take the run up and say what came of it."""
    return asyncio.run(_resumed(options))


async def _resumed(options: argparse.Namespace) -> int:
    from orchestrator.bootstrap import open_store
    from orchestrator.cli.carry import Approve, Errand, carry
    from orchestrator.cli.errands import reported
    from orchestrator.cli.output import progress
    from orchestrator.cli.setup import UNSET, load, settings_for
    from orchestrator.cli.view import view_for
    from orchestrator.settings import Settings

    settings = Settings.load(options.config, variables=UNSET)
    with open_store(settings) as store:
        run_id = await store.find(options.run)
    setup = load(run_id, settings)
    if options.config:
        setup = setup.model_copy(update={"config": str(options.config.absolute())})
    used, console = settings_for(setup), progress()
    approve: Approve = "yes" if options.yes else "no" if options.no else "ask"
    errand = Errand(run_id=run_id, approve=approve, answer=options.answer)
    view = view_for(console, quiet=options.quiet)
    entries = await carry(errand, used, view=view, console=console)
    return reported(entries, setup, used, target=options.json)
