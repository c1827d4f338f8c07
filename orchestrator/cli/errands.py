"""What the run commands share: prepare a run, carry it, report it."""

import argparse
import sys
from pathlib import Path

from orchestrator.cli.carry import Errand, carry
from orchestrator.cli.failures import exit_code, write_error
from orchestrator.cli.hints import hint_for
from orchestrator.cli.office import checked_on_disk, furnished, listing, new_folder
from orchestrator.cli.output import check_target, progress, results, write_json
from orchestrator.cli.requests import draft_of, request_of
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
    """Prepare a new run, carry it, and give its journal with what it was started with.

    Whatever the options alone can have wrong is found before anything is made.
    """
    run_id = new_run_id()
    settings = Settings.load(options.config, variables=UNSET)
    draft = draft_of(options, settings.config.budget)
    check_target(options.json)
    setup = prepared(options, settings, run_id=run_id, view=view)
    used = settings_for(setup)
    save(setup, settings)
    errand = Errand(run_id=run_id, request=request_of(draft, setup), plan_only=plan_only)
    return await carry(errand, used, view=view, console=progress()), setup, used


def prepared(
    options: argparse.Namespace, settings: Settings, *, run_id: str, view: View
) -> RunSetup:
    """Find or make the folder that a run works in; a goal for servers of one's own needs none."""
    common = {
        "config": str(settings.config_path.absolute()) if settings.config_path else "",
        "embedded_model": options.model,
    }
    if needs_no_folder(options, settings):
        made = RunSetup(
            run_id=run_id,
            office="",
            servers_state=str(state_of(Path(common["config"]), settings)),
            seed=options.seed,
            places=settings.config.places,
        )
    elif options.path is None:
        view.doing("making the sample office")
        made = furnished(
            settings,
            seed=options.seed,
            run_id=run_id,
            demo=options.goal is None,
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


def needs_no_folder(options: argparse.Namespace, settings: Settings) -> bool:
    """Whether the servers of the config file are all that a goal is to be carried out with."""
    own = bool(settings.config.mcpServers)
    return own and options.path is None and options.goal is not None


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
    hint = hint_for(report.status, state)
    sys.stdout.flush()
    if report.status == "planned":
        sys.stderr.write(f"hint: {hint}\n")
        return
    message = state.error or f"{len(report.missing)} things are missing."
    write_error(report.error_code or report.status, message, hint)
