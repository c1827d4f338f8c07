"""Scripts of runs: what a model calls, turn by turn, and what the world answers.

A corpus file is a YAML list of scripts, each with a `name`, a `story` and its `turns`; a loop
also has a `bound`: so many calls may be executed at most before it is stopped, replanned or
redirected. A turn is one of

    {do: web.page, with: {page: 3}, gives: {rows: []}}      a call and its result
    {do: web.page, with: {page: 3}, fails: not found}       a call and its error
    {search: words}                                         a search for other tools
    {say: words}                                            a reply that is no decision
    {turns: […]}                                            turns in a row

Any of them may be repeated with `times: 5`, or `for: {page: 50}` (page is 1 to 50) or
`for: {name: [a, b]}`, whose value stands for "{page}" in texts below it. `each` takes what
`for` takes and makes one turn of all its calls, a fan-out. `effect: local_write` says that a
call changes something; without it a call reads. `waits` takes what `for` takes too: the call
is made again by the run itself, with those results, until what `until` says holds.

`namespace` is what the plan's only step is about, so that calls elsewhere leave it open;
without it every turn that succeeds is a step of its own. A loop is also played as a single
step that never closes; benign work in both ways, unless it says `steps: each`. `steps: graph`
marks what the guards alone cannot see, such as replies without a call.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CORPORA = Path(__file__).parents[1] / "corpora"


@dataclass(frozen=True)
class Turn:
    """One reply of a model: its calls and their outcomes, or no call at all."""

    tool: str = ""
    calls: tuple[dict[str, Any], ...] = ()
    gives: tuple[Any, ...] = ()
    error: str = ""
    effect: str = "read"
    later: tuple[Any, ...] = ()
    until: str = ""
    search: str = ""
    say: str = ""

    @property
    def fan_out(self) -> bool:
        return len(self.calls) > 1


@dataclass(frozen=True)
class Script:
    """A named story; `bound` is None where nothing may be stopped."""

    name: str
    story: str
    turns: tuple[Turn, ...]
    namespace: str = ""
    bound: int | None = None
    graph_bound: int | None = None
    steps: str = "both"

    def __str__(self) -> str:
        return self.name

    @property
    def wins(self) -> int:
        """How many turns succeed, each of which closes a step of its own."""
        return sum(bool(turn.tool) and not turn.error for turn in self.turns)


def corpus(folder: str) -> list[Script]:
    """Every script of a folder of the corpora, in the order of its files."""
    files = sorted((CORPORA / folder).glob("*.yaml"))
    written = [item for path in files for item in yaml.safe_load(path.read_text("utf-8"))]
    return [read_script(item) for item in written]


def read_script(written: dict[str, Any]) -> Script:
    """Expand a script as it is written."""
    turns = tuple(expanded(written["turns"], {}))
    return Script(**{**written, "turns": turns})


def expanded(written: list[dict[str, Any]], names: dict[str, Any]) -> Iterator[Turn]:
    """Give the turns that a list of turns with shorthands stands for."""
    for item in written:
        for bound in _bindings(item.get("for", {}), names):
            for _ in range(item.get("times", 1)):
                if "turns" in item:
                    yield from expanded(item["turns"], bound)
                else:
                    yield _turn(item, bound)


def _bindings(over: dict[str, Any], names: dict[str, Any]) -> Iterator[dict[str, Any]]:
    ranges = [range(1, n + 1) if isinstance(n, int) else n for n in over.values()]
    for values in itertools.product(*ranges):
        yield {**names, **dict(zip(over, values, strict=True))}


def _turn(item: dict[str, Any], names: dict[str, Any]) -> Turn:
    if "do" not in item:
        return Turn(search=item.get("search", ""), say=item.get("say", ""))
    each = list(_bindings(item.get("each", {}), names))
    waits = list(_bindings(item.get("waits", {}), names))
    later = [filled(item.get("gives"), bound) for bound in waits[1:]]
    calls = tuple(filled(item.get("with", {}), bound) for bound in each)
    gives = tuple(filled(item.get("gives", {"ok": True}), {**waits[0], **bound}) for bound in each)
    return Turn(
        tool=filled(item["do"], names),
        calls=calls,
        gives=gives,
        error=filled(item.get("fails", ""), names),
        effect=item.get("effect", "read"),
        later=tuple(later),
        until=item.get("until", ""),
    )


def filled(value: Any, names: dict[str, Any]) -> Any:
    """Put names into the texts of a value; a text that is one name alone keeps its type."""
    if isinstance(value, dict):
        return {key: filled(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, names) for item in value]
    if not isinstance(value, str):
        return value
    alone = value.removeprefix("{").removesuffix("}")
    return names[alone] if value == f"{{{alone}}}" and alone in names else value.format(**names)
