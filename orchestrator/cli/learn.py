"""`ferryman learn`: let the user's own completed runs inform the shortlist and the examples."""

import argparse
import asyncio

from orchestrator.cli.output import add_common, add_json, progress, results, write_json
from orchestrator.cli.setup import UNSET

MOST_RUNS = 500


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--forget", action="store_true", help="remove what was learnt")
    add_json(parser)
    add_common(parser)


def execute(options: argparse.Namespace) -> int:
    """Learn from the newest runs, or forget."""
    from orchestrator.bootstrap import learn_from_journals, learnt_folder
    from orchestrator.learning import forget
    from orchestrator.settings import Settings

    settings = Settings.load(options.config, variables=UNSET)
    if options.forget:
        forget(learnt_folder(settings))
        results().print("Forgotten. The journals are untouched.")
        return 0
    progress().print(f"reading the newest {MOST_RUNS} runs", style="dim")
    found = asyncio.run(learn_from_journals(settings, most=MOST_RUNS))
    if options.json:
        write_json(found.model_dump(mode="json"))
        return 0
    results().print(
        f"Learnt from {found.runs} completed runs: how often {found.tools} tools are used, and"
        f" {len(found.examples)} worked examples.\n"
        f"It is kept in {found.folder}; later runs use it.",
        soft_wrap=True,
    )
    return 0
