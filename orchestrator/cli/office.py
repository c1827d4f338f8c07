"""The sample office of `ferryman run` without a folder: made fresh, watched, checked on disk."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestrator.cli.setup import RunSetup, digests, places_of, state_of, state_written
from orchestrator.core.errors import SettingsError
from orchestrator.evals.report import Report, checked
from orchestrator.settings import Settings

GOAL = "Look at the screenshots on my Desktop, read each one, and rename it after what it shows."


def furnished(settings: Settings, *, seed: int, run_id: str, demo: bool, root: Path) -> RunSetup:
    """Make an office in a new folder and say how a run works in it.

    Raises:
        SettingsError: Its parts are not installed, or the folder cannot be written.
    """
    with _explained():
        from desk.samples import make_office

        office = make_office(root, seed=seed)
    shots = {str(s.path.relative_to(root)): " ".join(s.words) for s in office.screenshots}
    places = {name: path for name, path in places_of(root).items() if path != str(root)}
    return RunSetup(
        run_id=run_id,
        office=str(root),
        servers_state=str(state_of(root, settings)),
        demo=demo,
        seed=seed,
        places=places,
        expected=tuple(shots) if demo else (),
        words=shots if demo else {},
        before=digests(root) if demo else {},
    )


def make_bare(root: Path) -> None:
    """Make an office without screenshots, in which every server of the sample office starts."""
    with _explained():
        from desk.samples import make_office

        make_office(root, seed=1, screenshots=0)


def new_folder(settings: Settings, seed: int) -> Path:
    """Create the first free folder `office-SEED-N` of the state folder.

    Raises:
        SettingsError: The state folder cannot be written.
    """
    with state_written(settings):
        settings.state_dir.mkdir(parents=True, exist_ok=True)
        number = 1
        while True:
            root = settings.state_dir / f"office-{seed}-{number}"
            try:
                root.mkdir()
            except FileExistsError:
                number += 1
            else:
                return root


def checked_on_disk(report: Report, setup: RunSetup) -> Report:
    """The report with what is really in the sample office now."""
    if not setup.demo:
        return report
    after = digests(Path(setup.office))
    return checked(report, before=setup.before, after=after, expected=setup.expected)


def listing(setup: RunSetup, folder: str = "Desktop") -> list[tuple[str, str]]:
    """The names of a folder's files before and after, in one row where the content is the same.

    A file that is gone has no second name, a new one no first.
    """
    now = digests(Path(setup.office))
    before = _inside(setup.before, folder)
    after = {digest: name for name, digest in _inside(now, folder).items()}
    rows = [(name, after.pop(digest, "")) for name, digest in before.items()]
    return [*rows, *(("", name) for name in after.values())]


def _inside(found: dict[str, str], folder: str) -> dict[str, str]:
    parent = Path(folder)
    return {Path(p).name: digest for p, digest in found.items() if Path(p).parent == parent}


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise SettingsError(
            f"The sample office is not installed: {error}.",
            hint="Install it with `pip install 'ferryman[desk]'`, or give --path a folder.",
        ) from error
    except OSError as error:
        raise SettingsError(
            f"The sample office could not be made: {error}.", hint="Make room for it and try again."
        ) from error
