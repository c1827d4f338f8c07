"""`ferryman eval run bfcl-multi-turn --arms gold`: the gold calls through the graph, no model."""

import argparse

from rich.progress import track

from orchestrator.bootstrap import open_workbench
from orchestrator.cli.evaluations import data_folder_of, suite_named
from orchestrator.cli.measuring import chosen, default_folder, settings_of
from orchestrator.cli.output import progress, results, table, write_json
from orchestrator.core.errors import SettingsError
from orchestrator.evals.external.bfcl_multi_turn import BfclMultiTurn
from orchestrator.evals.external.gold_replay import replay_through_graph

ARM = "gold"
"""No arm of a model: a script that knows the gold calls plans and decides."""


async def replayed(options: argparse.Namespace) -> int:
    """Carry the gold calls of every case through the graph and tell what they came to.

    Raises:
        SettingsError: The suite has no gold calls that can be executed.
    """
    settings = settings_of(options)
    folder = options.out or default_folder(settings, options.suite, ARM)
    async with open_workbench(settings, folder=folder) as workbench:
        suite = suite_named(options.suite, settings, workbench, data=data_folder_of(options))
        if not isinstance(suite, BfclMultiTurn):
            raise SettingsError(
                f"The arm 'gold' replays bfcl-multi-turn, not {suite.name}.",
                hint="The gold calls of `desk` are replayed by its tests.",
            )
        cases = chosen(suite, options)
        watched = track(cases, "gold", console=progress(), disable=options.quiet)
        replay = await replay_through_graph(suite, watched, workbench.parts)
    told = {
        "suite": suite.name,
        "arm": "gold, a script: no model",
        "cases": replay.cases,
        "solved": replay.solved,
        "runs": replay.runs,
        "calls": replay.calls,
        "calls not as in the gold": len(replay.changed),
        "tools that had to be searched for": len(replay.searched),
    }
    if options.json:
        write_json({**told, "failures": replay.failures})
    else:
        made = table("", "", title="Gold calls through the graph")
        for name, value in told.items():
            made.add_row(name, str(value))
        for case, problems in replay.failures.items():
            made.add_row(case, "; ".join(problems))
        results().print(made)
    return 1 if replay.failures else 0
