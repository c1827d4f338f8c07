"""Writes the generated parts of the documentation: `python scripts/reference.py`.

A part stands between `<!-- begin NAME -->` and `<!-- end NAME -->` in README.md or docs/. Every
table is made from the code it describes; what code cannot say, a word on a field, stands in
`reference_words.py`, and a field without one stops the script. A test compares both.
"""

# ruff: noqa: SLF001 - argparse tells what a parser knows in private attributes only
import argparse
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from adapters.backends.profiles import get_profile, profile_names
from adapters.backends.weights_catalogue import built_in
from adapters.registry import FACTORIES, EmbeddedOptions, FileOptions, ServerOptions
from adapters.tools.mcp_config import McpServerConfig
from orchestrator.cli import COMMANDS
from orchestrator.cli.failures import _BY_ERROR, exit_code
from orchestrator.core import errors, events
from orchestrator.core.roles import Profile
from orchestrator.core.runs import FINAL, Budget, RunStatus
from orchestrator.evals.arms import ARMS
from orchestrator.evals.report import Report
from orchestrator.graph.build import mermaid
from orchestrator.policy.permissions import DEFAULT_RULES
from orchestrator.settings import ConfigFile, Settings
from scripts.reference_words import (
    BUDGET,
    CONFIG,
    OPTIONS,
    REPORT,
    SERVER,
    SETTINGS,
    STATUSES,
    SWITCHES,
)

ROOT = Path(__file__).resolve().parents[1]
FILES = ("README.md", "docs/reference.md", "docs/architecture.md")
COMMON = {"--config", "--verbose"}
_PART = re.compile(
    r"(?P<head><!-- begin (?P<name>[\w-]+) -->\n).*?(?P<tail><!-- end (?P=name) -->)", re.DOTALL
)


def table(head: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    """Lay rows out as a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in lines
    )


def first_line(thing: Any) -> str:
    """Give the first paragraph of a docstring on one line, code marks as Markdown has them."""
    return " ".join((thing.__doc__ or "").partition("\n\n")[0].split())


def commands() -> str:
    """Every command with its actions and arguments, as the parser knows them."""
    return "\n\n".join(_command(name, about) for name, about in COMMANDS.items())


def _command(name: str, about: str) -> str:
    parser = argparse.ArgumentParser(prog=f"ferryman {name}")
    import_module(f"orchestrator.cli.{name}").configure(parser)
    head = f"### `ferryman {name}`\n\n{about[0].upper()}{about[1:]}."
    actions = _actions(parser)
    told = [head, _action_table(actions)] if actions else [head]
    parsers = [action for action, _ in actions] or [parser]
    rows = dict.fromkeys(row for each in parsers for row in _arguments(each))
    if rows:
        told.append(table(("Argument", "Meaning", "Default"), iter(rows)))
    return "\n\n".join(told)


def _actions(parser: argparse.ArgumentParser) -> list[tuple[argparse.ArgumentParser, str]]:
    found = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    return [
        (group.choices[choice.dest], choice.help or "")
        for group in found
        for choice in group._choices_actions
    ]


def _action_table(actions: Sequence[tuple[argparse.ArgumentParser, str]]) -> str:
    rows = (
        (" ".join([f"`{parser.prog}`", *(f"`{written}`" for written, _ in _own(parser))]), about)
        for parser, about in actions
    )
    return table(("Action", "Meaning"), rows)


def _own(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.Action]]:
    for action in parser._actions:
        hidden = isinstance(action, argparse._HelpAction | argparse._SubParsersAction)
        if not hidden and not COMMON & {*action.option_strings}:
            yield _written(action), action


def _arguments(parser: argparse.ArgumentParser) -> Iterator[tuple[str, str, str]]:
    for written, action in _own(parser):
        yield f"`{written}`", action.help or "", _default(action)


def _written(action: argparse.Action) -> str:
    if not action.option_strings:
        shown = str(action.metavar or action.dest)
        return f"[{shown}]" if action.nargs in {"?", "*"} else shown
    value = "" if action.nargs == 0 else f" {action.metavar or action.dest.upper()}"
    return ", ".join(action.option_strings) + value


def _default(action: argparse.Action) -> str:
    none = ("None", "False", "", "[]", "()", argparse.SUPPRESS)
    return "" if str(action.default) in none else f"`{action.default}`"


def fields(model: type[BaseModel], abouts: Mapping[str, str]) -> str:
    """The fields of a model with their defaults."""
    rows = (
        (f"`{name}`", abouts[name], _plain(field.get_default(call_default_factory=True)))
        for name, field in model.model_fields.items()
    )
    return table(("Key", "Meaning", "Default"), rows)


def _plain(value: Any) -> str:
    if value is None or value is PydanticUndefined or isinstance(value, BaseModel):
        return ""
    return "" if value in ((), {}, "") else f"`{value}`"


def settings() -> str:
    """The variables of the environment."""
    skipped = ("config", "telemetry")
    known = ["config", *(n for n in Settings.model_fields if not n.startswith(skipped))]
    rows = ((f"`FERRYMAN_{name.upper()}`", SETTINGS[name]) for name in known)
    return table(("Variable", "Meaning"), rows)


def rules() -> str:
    """The rules that apply where the operator's own say nothing."""
    rows = ((f"`{r.tool}`", f"`{r.effect}`", f"`{r.decision}`") for r in DEFAULT_RULES)
    return table(("Tool", "Effect", "Decision"), rows)


def error_codes() -> str:
    """The error tree, each leaf and branch by its code."""
    rows = (
        (f"`{kind.code}`", first_line(kind), kind.default_hint, str(_code_of(kind)))
        for kind in _tree(errors.OrchestratorError)
    )
    return table(("Code", "Meaning", "Hint, unless the message has its own", "Exit"), rows)


def _tree(kind: type[errors.OrchestratorError]) -> Iterator[type[errors.OrchestratorError]]:
    if kind.__module__ == errors.__name__:
        yield kind
        for leaf in kind.__subclasses__():
            yield from _tree(leaf)


def _code_of(kind: type[errors.OrchestratorError]) -> int:
    return next((code for branch, code in _BY_ERROR if issubclass(kind, branch)), 1)


def statuses() -> str:
    """What a run can be, and the exit code of a command that leaves it so."""
    rows = (
        (f"`{name}`", STATUSES[name], "no" if name in FINAL else "yes", str(exit_code(name)))
        for name in get_args(RunStatus)
    )
    return table(("Status", "Meaning", "Resumes", "Exit"), rows)


def event_types() -> str:
    """The events of the journal with their fields."""
    kinds = get_args(get_args(events.Event)[0])
    rows = (
        (
            f"`{kind.model_fields['type'].default}`",
            first_line(kind),
            ", ".join(f"`{name}`" for name in kind.model_fields if name != "type"),
        )
        for kind in kinds
    )
    return table(("Event", "Meaning", "Fields"), rows)


def profiles() -> str:
    """The model families whose facts are known."""
    rows = (
        (
            f"`{p.name}`",
            str(p.context_tokens),
            str(p.shortlist_k or "all"),
            f"{p.low_margin:g}",
            f"{p.sampling.temperature:g}",
            str(p.example_distance_tokens),
        )
        for p in map(get_profile, profile_names())
    )
    head = (
        "Profile",
        "Context",
        "Shortlist",
        "Low margin",
        "Temperature",
        "Example drifts at most",
    )
    return table(head, rows)


def arms() -> str:
    """The arms of an evaluation."""
    rows = ((f"`{arm.name}`", arm.about) for arm in ARMS.values())
    return table(("Arm", "What is different"), rows)


def backends() -> str:
    """The backends that a record may name, and their options."""
    kinds: Mapping[str, type[BaseModel]] = {
        "embedded": EmbeddedOptions,
        "scripted": FileOptions,
        "recorded": FileOptions,
    }
    return "\n\n".join(
        f"**`{name}`**\n\n{fields(kinds.get(name, ServerOptions), OPTIONS)}" for name in FACTORIES
    )


def models() -> str:
    """The weights that can be pulled by name."""
    rows = (
        (f"`{m.name}`", f"{m.bytes / 1e6:,.0f} MB", m.licence, m.about, f"`{m.files[0].sha256}`")
        for m in built_in().models
    )
    return table(("Name", "Size", "Licence", "What it is for", "sha256 of its weights"), rows)


def graph() -> str:
    """The graph as it is compiled."""
    return f"```mermaid\n{mermaid().strip()}\n```"


PARTS: Mapping[str, Callable[[], str]] = {
    "arms": arms,
    "backends": backends,
    "budget": lambda: fields(Budget, BUDGET),
    "commands": commands,
    "config": lambda: fields(ConfigFile, CONFIG),
    "errors": error_codes,
    "events": event_types,
    "graph": graph,
    "models": models,
    "profiles": profiles,
    "report": lambda: fields(Report, REPORT),
    "rules": rules,
    "server": lambda: fields(McpServerConfig, SERVER),
    "settings": settings,
    "statuses": statuses,
    "switches": lambda: fields(Profile, SWITCHES),
}


def filled(text: str) -> str:
    """The text with every generated part made anew."""
    return _PART.sub(lambda m: f"{m['head']}{PARTS[m['name']]()}\n{m['tail']}", text)


def main() -> None:
    """Write the parts into the files."""
    for name in FILES:
        path = ROOT / name
        text = path.read_text(encoding="utf-8")
        path.write_text(filled(text), encoding="utf-8")
        print(f"{name}: {', '.join(m['name'] for m in _PART.finditer(text)) or 'nothing'}")


if __name__ == "__main__":
    main()
