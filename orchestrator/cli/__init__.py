"""The command line: one module a command, imported when it is asked for."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from typing_extensions import override

COMMANDS = {
    "run": "carry out a goal; without one, the sample office's screenshots are renamed",
    "resume": "go on with a run that rests, was cancelled, failed, or whose process died",
    "plan": "make a plan and do nothing",
    "serve": "offer it all over HTTP: the OpenAI API, runs to watch and approve, a page",
    "mcp": "be an MCP server over stdin and stdout: an MCP client has tasks carried out",
    "keys": "make, list and take back the keys of the service",
    "tools": "list the tools in scope, search them, explain a shortlist",
    "learn": "learn from your own completed runs: which tools follow which, worked examples",
    "models": "list, pull, find and verify the weights of the embedded models",
    "adr": "list, check and explain the decision records",
    "runs": "list the runs, show what one did, write its report",
    "eval": "measure a model on a suite, arm against arm, and report it",
    "audit": "verify that no journal was changed",
    "prompts": "lock the prompts' versions, or check them against the lock",
    "config": "check the configuration and name every problem at once",
    "graph": "print the graph of a run as a Mermaid diagram",
}

EPILOG = """exit codes:
  0  completed                   4  stopped by its budget or the loop breaker
  1  failed                      5  waits for an approval or an answer
  2  wrong usage or settings     130  cancelled
  3  done, but not completely"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code; everything it can raise ends in a message."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    asked = next((word for word in words if not word.startswith("-")), "")
    options = _parser(asked).parse_args(words)
    from orchestrator.cli.failures import reported

    return reported(options.execute, options)


def _parser(asked: str) -> argparse.ArgumentParser:
    """The parser, with the options of the one command that was asked for."""
    parser = argparse.ArgumentParser(
        prog="ferryman",
        description="Carries a task across tool namespaces on small local models.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, help="print the version and leave")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, about in COMMANDS.items():
        command = commands.add_parser(
            name, help=about, description=f"{about[0].upper()}{about[1:]}."
        )
        if name == asked:
            module = import_module(f"orchestrator.cli.{name}")
            command.set_defaults(execute=module.execute, verbose=False)
            module.configure(command)
    return parser


class _Version(argparse.Action):
    """Looks the version up only when it is asked for."""

    def __init__(self, **options: object) -> None:
        super().__init__(**{**options, "nargs": 0})  # type: ignore[arg-type]

    @override
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        """Print the installed version."""
        from importlib.metadata import version

        sys.stdout.write(f"ferryman {version('ferryman')}\n")
        parser.exit()
