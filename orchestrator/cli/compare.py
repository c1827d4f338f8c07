"""`ferryman run --bare`: the same goal, model and tools in a bare loop, side by side."""

import argparse
from collections.abc import Callable
from pathlib import Path, PurePath

from rich.text import Text

from orchestrator.bootstrap import open_orchestrator
from orchestrator.cli.errands import needs_no_folder, prepared, started
from orchestrator.cli.failures import exit_code
from orchestrator.cli.office import checked_on_disk
from orchestrator.cli.output import progress, results, table, write_json
from orchestrator.cli.requests import draft_of, request_of
from orchestrator.cli.setup import UNSET, RunSetup, digests, settings_for
from orchestrator.cli.view import LineView, View, view_for
from orchestrator.core.errors import SettingsError
from orchestrator.core.events import ModelInfo
from orchestrator.core.runs import RunRequest, RunStatus
from orchestrator.core.tools import split_name
from orchestrator.evals.bare import BareEvent, BareResult, run_bare
from orchestrator.evals.report import (
    Calls,
    ModelUsed,
    Rename,
    Report,
    Scope,
    Tokens,
    build_report,
    merged,
    shared_words,
)
from orchestrator.journal.sentences import shortened
from orchestrator.runtime import Orchestrator, new_run_id
from orchestrator.settings import Settings

CONTEXT_TOKENS = 32_768
"""Room for every tool's schema and ten rounds: the most that the default model was made for."""

_STATUS: dict[str, RunStatus] = {
    "answered": "completed",
    "out_of_rounds": "stopped",
    "out_of_time": "stopped",
}


async def both(options: argparse.Namespace) -> int:
    """Run both arms on two copies of one office and print what each came to.

    Raises:
        SettingsError: A folder or servers of the user's own are named: the bare loop asks nobody.
    """
    own = Settings.load(options.config, variables=UNSET)
    if options.path is not None or needs_no_folder(options, own):
        raise SettingsError(
            "--bare works on sample offices only: the bare loop renames without asking.",
            hint="Leave --path out, and the GOAL too where the config file names servers.",
        )
    view = view_for(progress(), quiet=options.quiet)
    entries, setup, _ = await started(options, view=view)
    ours = checked_on_disk(build_report(entries), setup)
    theirs = await _bare(options, LineView() if not options.quiet else view)
    found = {"ferryman": ours, "bare": theirs}
    if options.json is not None:
        dumped = {name: report.model_dump(mode="json") for name, report in found.items()}
        write_json(dumped, options.json)
    if options.json != "-":
        _show(found)
    return exit_code(ours.status)


async def _bare(options: argparse.Namespace, view: View) -> Report:
    settings = Settings.load(options.config, variables=UNSET)
    draft = draft_of(options, settings.config.budget)
    setup = prepared(options, settings, run_id=new_run_id(), view=view)
    used = settings_for(setup)
    request = request_of(draft, setup)
    view.doing("bare loop: starting the same tools")
    async with open_orchestrator(used, context_tokens=CONTEXT_TOKENS) as orchestrator:
        parts = orchestrator.parts
        result = await run_bare(
            goal=request.goal,
            places=request.places,
            toolset=parts.toolset,
            player=parts.roles["planner"],
            library=parts.library,
            clock=parts.clock,
            on_event=_teller(view),
        )
        return _reported(result, request, setup, orchestrator)


def _teller(view: View) -> Callable[[BareEvent], None]:
    def tell(event: BareEvent) -> None:
        what = f"{event.tool} {'answered' if event.ok else 'failed'}" if event.tool else event.text
        said = f"{event.kind}: {shortened(what)} ({event.seconds:.1f} s)"
        view.doing(f"bare loop, round {event.round}: {said}")

    return tell


def _reported(
    result: BareResult, request: RunRequest, setup: RunSetup, orchestrator: Orchestrator
) -> Report:
    """The bare run in the schema of a report; its renames are what is found on disk."""
    parts = orchestrator.parts
    planner = next(
        (m for m in parts.models if m.role == "planner"),
        ModelInfo(role="planner", backend="", model=""),
    )
    spaces = tuple(split_name(call.tool)[0] for call in result.calls if call.ok)
    report = Report(
        run_id=setup.run_id,
        status=_STATUS.get(result.status, "failed"),
        goal=request.goal,
        answer=result.answer,
        error="" if result.status == "answered" else result.reason,
        error_code="" if result.status == "answered" else result.status,
        backend=planner.backend,
        model=ModelUsed(name=planner.model, sha256=planner.sha256),
        models=(planner,),
        seed=request.seed,
        scope=Scope(
            tools=len(parts.toolset.specs),
            namespaces=len({spec.namespace for spec in parts.toolset.specs}),
        ),
        shown_max=result.shown_max,
        decisions=result.rounds,
        model_calls=result.rounds,
        calls=Calls(
            executed=len(result.calls),
            identical_executed=result.identical_executed,
            failed=sum(not call.ok for call in result.calls),
        ),
        tokens=Tokens(**result.tokens.model_dump()),
        namespaces_used=tuple(dict.fromkeys(spaces)),
        crossings=merged(spaces),
        renames=tuple(_renames(setup)),
        seconds=round(result.seconds, 3),
    )
    return checked_on_disk(report, setup)


def _renames(setup: RunSetup) -> list[Rename]:
    now = {digest: path for path, digest in digests(Path(setup.office)).items()}
    pairs = ((PurePath(old), PurePath(now.get(setup.before[old], old))) for old in setup.expected)
    return [
        Rename(
            old=old.name,
            new=new.name,
            folder=str(Path(setup.office, new.parent)),
            because=shared_words(new.stem, setup.words.get(str(old), "")),
        )
        for old, new in pairs
        if old.name != new.name
    ]


def _show(found: dict[str, Report]) -> None:
    made = table("", *found, title="The same goal, model and tools")
    for name, tell in _ROWS.items():
        made.add_row(Text(name, style="cyan"), *(Text(tell(report)) for report in found.values()))
    results().print(made)


_ROWS: dict[str, Callable[[Report], str]] = {
    "status": lambda r: f"{r.status}{f': {r.error}' if r.error else ''}",
    "renamed by content": lambda r: f"{sum(bool(rename.because) for rename in r.renames)}",
    "missing": lambda r: "\n".join(r.missing) or "nothing",
    "answer": lambda r: r.answer or "none",
    "tools to choose from": lambda r: str(r.shown_max),
    "decisions": lambda r: str(r.decisions),
    "model calls": lambda r: str(r.model_calls),
    "prompt tokens": lambda r: f"{r.tokens.prompt:,} ({r.tokens.cached:,} cached)",
    "generated tokens": lambda r: f"{r.tokens.generated:,}",
    "calls executed": lambda r: f"{r.calls.executed} ({r.calls.failed} failed)",
    "identical calls": lambda r: str(r.calls.identical_executed),
    "namespaces": lambda r: " → ".join(r.crossings) or "none",
    "other files": lambda r: {None: "", True: "untouched", False: "changed"}[r.untouched],
    "seconds": lambda r: f"{r.seconds:.1f}",
}
