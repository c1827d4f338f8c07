"""What the run commands share: prepare a run, carry it, report it."""

import argparse
import sys

from orchestrator.cli.carry import Errand, carry
from orchestrator.cli.failures import exit_code, write_error
from orchestrator.cli.office import checked_on_disk, furnished, listing, new_folder
from orchestrator.cli.output import progress, results, write_json
from orchestrator.cli.requests import request_of
from orchestrator.cli.setup import UNSET, RunSetup, places_of, save, settings_for, state_of
from orchestrator.cli.summary import show, show_plan
from orchestrator.cli.view import View, view_for
from orchestrator.core.events import Entry
from orchestrator.core.runs import RunState
from orchestrator.evals.report import Report, build_report
from orchestrator.journal.fold import fold_entries
from orchestrator.runtime import new_run_id
from orchestrator.settings import Settings


async def begun(options: argparse.Namespace) -> int:
    """Start a run from the options of `run` and report it."""
    view = view_for(progress(), quiet=options.quiet)
    entries, setup, used = await started(options, view=view)
    return reported(entries, setup, used, target=options.json)


async def planned(options: argparse.Namespace) -> int:
    """Start a run from the options of `plan`, let it rest once it has a plan, print that."""
    view = view_for(progress(), quiet=options.quiet)
    entries, _, _ = await started(options, view=view, plan_only=True)
    state = fold_entries(entries)
    if options.json is not None:
        found = state.plan.model_dump(mode="json") if state.plan else None
        about = {"run_id": state.run_id, "status": state.status, "error": state.error}
        write_json({**about, "plan": found}, options.json)
    if options.json != "-":
        show_plan(results(), state)
    _hint(build_report(entries), state)
    return exit_code(state.status)


async def started(
    options: argparse.Namespace, *, view: View, plan_only: bool = False
) -> tuple[list[Entry], RunSetup, Settings]:
    """Prepare a new run, carry it, and give its journal with what it was started with."""
    run_id = new_run_id()
    settings = Settings.load(options.config, variables=UNSET)
    setup = prepared(options, settings, run_id=run_id, view=view)
    used = settings_for(setup)
    request = request_of(options, setup, used.config.budget)
    save(setup, settings)
    errand = Errand(run_id=run_id, request=request, plan_only=plan_only)
    return await carry(errand, used, view=view, console=progress()), setup, used


def prepared(
    options: argparse.Namespace, settings: Settings, *, run_id: str, view: View
) -> RunSetup:
    """Find or make the folder that a run works in."""
    common = {
        "config": str(options.config.absolute()) if options.config else "",
        "embedded_model": options.model,
    }
    if options.path is None:
        view.doing("making the sample office")
        made = furnished(
            settings,
            seed=options.seed,
            run_id=run_id,
            demo=not options.goal,
            root=new_folder(settings, options.seed),
        )
        view.doing(f"made the sample office in {made.office}")
    else:
        folder = options.path.expanduser().absolute()
        made = RunSetup(
            run_id=run_id,
            office=str(folder),
            servers_state=str(state_of(folder, settings)),
            seed=options.seed,
            places={**places_of(folder), **settings.config.places},
        )
    return made.model_copy(update=common)


def reported(
    entries: list[Entry], setup: RunSetup, settings: Settings, *, target: str | None
) -> int:
    """Print what a run came to, write its report, and give the exit code."""
    report = checked_on_disk(build_report(entries), setup)
    # With the JSON on stdout, people read on stderr.
    console = progress() if target == "-" else results()
    rows = listing(setup) if setup.demo else []
    show(console, report, listing=rows, journal=settings.state_dir / "journal.db")
    if target is not None:
        write_json(report.model_dump(mode="json"), target)
    _hint(report, fold_entries(entries))
    return exit_code(report.status)


def _hint(report: Report, state: RunState) -> None:
    """What can be done about a run that did not get through."""
    if report.status == "completed":
        return
    again = f"ferryman resume {report.run_id}"
    hints = {
        "planned": f"`{again}` carries the plan out.",
        "waiting_approval": f"`{again} --yes` approves it, `{again}` shows it first.",
        "needs_input": f"`{again} --answer TEXT` answers it.",
        "cancelled": f"`{again}` goes on where it was.",
        "failed": f"`{again}` tries again from where it was.",
        "incomplete": f"`ferryman runs show {report.run_id}` tells what was done.",
        "stopped": f"`ferryman runs show {report.run_id}` tells what was done; `{again}` goes on.",
    }
    sys.stdout.flush()
    if report.status == "planned":
        sys.stderr.write(f"hint: {hints['planned']}\n")
        return
    message = state.error or f"{len(report.missing)} things are missing."
    write_error(report.error_code or report.status, message, hints[report.status])
