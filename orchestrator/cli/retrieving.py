"""`ferryman eval run retrieval`: how often the right tool is in the shortlist; no model answers."""

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from orchestrator.bootstrap import measuring_retrievers
from orchestrator.cli.evaluations import data_folder_of
from orchestrator.cli.output import progress, results, write_json
from orchestrator.cli.setup import UNSET
from orchestrator.core.errors import SettingsError
from orchestrator.evals.retrieval import retrieval_table, run_retrieval
from orchestrator.settings import Settings


def retrieved(options: argparse.Namespace) -> int:
    """Measure every ranking on every labelled set of the data folder and print the table.

    Raises:
        SettingsError: No folder was named, or it holds no labelled set.
    """
    data = data_folder_of(options)
    if data is None:
        raise SettingsError(
            "The retrieval suite needs the folder of its data.", hint="Give it with --data DIR."
        )
    wanted = tuple(filter(None, options.cases.split(","))) or None
    settings = Settings.load(options.config, variables=UNSET)
    with _watched(quiet=options.quiet) as told:
        report = run_retrieval(data, measuring_retrievers(settings), sets=wanted, on_progress=told)
    if not report.sets:
        raise SettingsError(f"{data} holds no labelled set.", hint="See the reference for files.")
    if options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)
        write_json(report.model_dump(mode="json"), str(Path(options.out, "retrieval.json")))
    if options.json:
        write_json(report.model_dump(mode="json"))
    else:
        results().print(retrieval_table(report))
    return 0


@contextmanager
def _watched(*, quiet: bool) -> Iterator[Callable[[str, int, int], None]]:
    """A bar for each set, or a line for each where nobody sees a bar move."""
    console = progress()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, disable=quiet or not console.is_terminal) as bar:
        tasks: dict[str, object] = {}

        def told(title: str, done: int, total: int) -> None:
            if title not in tasks:
                tasks[title] = bar.add_task(title, total=total)
                if not quiet and not console.is_terminal:
                    console.print(f"{title}: {total} queries")
            bar.update(tasks[title], completed=done)  # type: ignore[arg-type]

        yield told
