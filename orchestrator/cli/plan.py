"""`ferryman plan`: what would be done, without doing it."""

import argparse
import asyncio
from pathlib import Path

from orchestrator.cli.output import PATH_HELP, add_common


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("goal", metavar="GOAL", help="what is to be done, in words")
    parser.add_argument("--path", type=Path, metavar="DIR", help=PATH_HELP)
    parser.add_argument("--seed", type=int, default=1, help="which sample office is made")
    parser.add_argument("--model", default="", metavar="NAME|FILE", help="other embedded weights")
    parser.add_argument("--json", metavar="FILE", help="write the plan there; - is stdout")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    add_common(parser)


def execute(options: argparse.Namespace) -> int:
    """Make the plan, print it, and say how to carry it out."""
    from orchestrator.cli.errands import planned

    return asyncio.run(planned(options))
