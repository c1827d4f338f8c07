"""What is lost and what happens twice when the process is killed, wherever that is.

    python -m benchmarks.kill_matrix [--cases N] [--seeds N] [--json]

A case is a run of some seed whose process is killed (SIGKILL) at one place: before or after an
append to the journal, a payload, a tool's effect, amid a model's reply, while a person is asked.
Another process takes the run up; in every third case it is killed as well, and a third one does.
Each effect is a line in a file, on the disk before the tool returns. Beside it stands the control:
the same tools in a plain LangGraph graph with its own checkpointer, killed at each of its places.

Exit code 1: Ferryman lost a run, did something twice, or kept an unknown outcome to itself.
"""

import argparse
import asyncio
import json
import os
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from time import perf_counter
from typing import Any

# One thread: a process that is forked must not have others.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("LANGSMITH_TRACING", "false")

from rich.console import Console
from rich.table import Table

from benchmarks.kill_effects import Hooks
from benchmarks.kill_lives import Case, Lives, Outcome, Side, control_life
from benchmarks.kill_stories import Story

SEEDS = 5
ROOT = Path(__file__).resolve().parents[1]
_SECOND_DEATHS = 3
_SPREAD = 37


def main(words: Sequence[str] | None = None) -> int:
    """Run the matrix and print what became of it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kill_matrix")
    parser.add_argument("--cases", type=int, default=0, help="at most N a side; all when left out")
    parser.add_argument("--seeds", type=int, default=SEEDS, help=f"runs to kill ({SEEDS})")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args(words)
    found = dict(_measured(options.seeds, options.cases))
    if options.json:
        sys.stdout.write(json.dumps(_as_json(found), indent=2) + "\n")
    else:
        _print(found)
    bad = [outcome for outcome in found["ferryman"][0] if _is_bad(outcome)]
    for outcome in bad:
        sys.stderr.write(f"{outcome}\n")
    return 1 if bad else 0


def _measured(seeds: int, most: int) -> Iterator[tuple[Side, tuple[list[Outcome], float]]]:
    with Lives({"ferryman": _our_life(), "langgraph": control_life}) as lives:
        for side in lives.live:
            began = perf_counter()
            cases = _cases(lives, side, seeds)
            chosen = _spread(cases, most) if most else cases
            outcomes = [lives.outcome(case) for case in chosen]
            yield side, ([o for o in outcomes if o.deaths], perf_counter() - began)


def _our_life() -> Any:
    """Load everything once, in the process that is forked."""
    from benchmarks import kill_control, kill_ours  # noqa: F401 - both are wanted loaded

    warm = kill_ours.Warm(ROOT / "prompts")

    def live(told: Story, folder: Path, hooks: Hooks) -> dict[str, Any]:
        return asyncio.run(kill_ours.Process(told, folder, hooks, warm).told())

    return live


def _cases(lives: Lives, side: Side, seeds: int) -> list[Case]:
    """A case for every place of every seed's run."""
    cases: list[Case] = []
    for seed in range(seeds):
        for place, name in enumerate(lives.places(side, seed), 1):
            # Any place will do for the second death, so long as it differs from case to case.
            again = 1 + len(cases) % _SPREAD if len(cases) % _SECOND_DEATHS == 0 else 0
            cases.append(Case(side, seed, place, name, again))
    return cases


def _spread(cases: Sequence[Case], most: int) -> list[Case]:
    """At most that many cases, of every kind of place as many as of any other."""
    kinds: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        kinds[case.name].append(case)
    turns = [(at, case) for kind in kinds.values() for at, case in enumerate(_far_apart(kind))]
    return [case for _, case in sorted(turns, key=lambda turn: turn[0])[:most]]


def _far_apart(cases: list[Case]) -> list[Case]:
    return [case for offset in range(7) for case in cases[offset::7]]


def _is_bad(outcome: Outcome) -> bool:
    kept_quiet = outcome.unknown > outcome.asked
    return outcome.lost or kept_quiet or outcome.twice > 0 or outcome.unwritten > 0


def _sums(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    return {
        "cases": len(outcomes),
        "deaths": sum(o.deaths for o in outcomes),
        "effects": sum(o.effects for o in outcomes),
        "runs_lost": sum(o.lost for o in outcomes),
        "runs_with_an_effect_twice": sum(o.twice > 0 for o in outcomes),
        "effects_twice": sum(o.twice for o in outcomes),
        "effects_missing": sum(o.missing for o in outcomes),
        "unknown_outcomes": sum(o.unknown for o in outcomes),
        "put_to_a_person": sum(o.asked for o in outcomes),
        "taken_for_finished": sum(o.misread for o in outcomes),
    }


def _as_json(found: dict[Side, tuple[list[Outcome], float]]) -> dict[str, Any]:
    return {
        side: {
            **_sums(outcomes),
            "seconds": round(seconds, 1),
            "places": {name: len(group) for name, group in _by_place(outcomes).items()},
            "bad": [asdict(outcome) for outcome in outcomes if _is_bad(outcome)][:20],
        }
        for side, (outcomes, seconds) in found.items()
    }


def _by_place(outcomes: Sequence[Outcome]) -> dict[str, list[Outcome]]:
    places: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        places[outcome.case.name].append(outcome)
    return places


_SAID = {
    "cases": "runs killed",
    "deaths": "processes killed",
    "effects": "effects that were to happen once",
    "runs_lost": "runs lost",
    "effects_missing": "effects that never happened",
    "runs_with_an_effect_twice": "runs with an effect that happened twice",
    "effects_twice": "effects that happened twice",
    "unknown_outcomes": "outcomes that nobody knew",
    "put_to_a_person": "of these, put to a person",
    "taken_for_finished": "runs that looked finished and were not (`next` was empty)",
}


def _print(found: dict[Side, tuple[list[Outcome], float]]) -> None:
    console = Console(width=100 if not sys.stdout.isatty() else None)
    table = Table(title="Killed at every place", title_justify="left")
    table.add_column("")
    table.add_column("Ferryman", justify="right")
    table.add_column("LangGraph, checkpointer alone", justify="right")
    sums = {side: _sums(outcomes) for side, (outcomes, _) in found.items()}
    for key, said in _SAID.items():
        unknown = key in {"unknown_outcomes", "put_to_a_person"}
        control = "-" if unknown else f"{sums['langgraph'][key]:,}"
        ours = "-" if key == "taken_for_finished" else f"{sums['ferryman'][key]:,}"
        table.add_row(said, ours, control)
    seconds = [f"{taken:.0f} s" for _, taken in found.values()]
    table.add_row("time", *seconds)
    console.print(table)
    console.print(_places(found["ferryman"][0], "Where Ferryman was killed"))
    console.print(_places(found["langgraph"][0], "Where the control was killed"))


def _places(outcomes: Sequence[Outcome], title: str) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("place")
    for name in ("runs", "lost", "twice", "unknown", "asked"):
        table.add_column(name, justify="right")
    for place, group in sorted(_by_place(outcomes).items()):
        told = _sums(group)
        keys = ("cases", "runs_lost", "runs_with_an_effect_twice", "unknown_outcomes")
        table.add_row(place, *(str(told[key]) for key in keys), str(told["put_to_a_person"]))
    return table


if __name__ == "__main__":
    sys.exit(main())
