"""`ferryman graph`: the picture of a run, drawn from the graph itself."""

import argparse
import sys


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare nothing: there is one picture."""
    parser.add_argument("--verbose", action="store_true", help="show tracebacks and details")


def execute(_: argparse.Namespace) -> int:
    """Print the Mermaid diagram."""
    from orchestrator.graph.build import mermaid

    sys.stdout.write(mermaid())
    return 0
