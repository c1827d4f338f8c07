"""`ferryman run`: carry out a goal, by default the main job on a fresh sample office."""

import argparse
import asyncio
from pathlib import Path

from orchestrator.cli.limits import add_limits
from orchestrator.cli.output import PATH_HELP, add_common


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("goal", nargs="?", metavar="GOAL", help="what is to be done, in words")
    parser.add_argument("--path", type=Path, metavar="DIR", help=PATH_HELP)
    parser.add_argument("--seed", type=int, default=1, help="which sample office is made")
    word = parser.add_mutually_exclusive_group()
    word.add_argument("--yes", action="store_true", help="approve what stays inside the folder")
    word.add_argument("--no", action="store_true", help="refuse whatever would need an approval")
    parser.add_argument("--json", metavar="FILE", help="write the report there; - is stdout")
    parser.add_argument(
        "--bare",
        action="store_true",
        help="also let a bare loop (all tools in the prompt, no guard) do it, and compare",
    )
    parser.add_argument("--model", default="", metavar="NAME|FILE", help="other embedded weights")
    add_limits(parser)
    parser.add_argument("--quiet", action="store_true", help="no progress")
    add_common(parser)


def execute(options: argparse.Namespace) -> int:
    """Carry the goal out and say what came of it."""
    from orchestrator.cli.errands import begun

    if options.bare:
        from orchestrator.cli.compare import both

        return asyncio.run(both(options))
    return asyncio.run(begun(options))
