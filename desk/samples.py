"""Make a sample office on disk: a Desktop full of screenshots, and the files around it.

Run as ``python -m desk.samples DIR [--seed N] [--count N] [--json]``. The same seed makes the same
office. What each screenshot shows is returned (and printed), never written into the office.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from desk.errors import OfficeError
from desk.sampling.paperwork import furnish
from desk.sampling.screens import draw_photo, draw_screen
from desk.sampling.stories import tell

FEWEST, MOST = 6, 12
"""Screenshots on a Desktop whose count is left to the seed."""

UPPER_LIMIT = 2000


@dataclass(frozen=True, slots=True)
class Screenshot:
    """What one screenshot shows: the ground truth to judge a new name by."""

    path: Path
    kind: str
    title: str
    keywords: tuple[str, ...]
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Office:
    """A sample office: where it is, what its screenshots show, what must stay untouched."""

    root: Path
    seed: int
    screenshots: tuple[Screenshot, ...]
    others: tuple[Path, ...]

    @property
    def desktop(self) -> Path:
        """The folder of the screenshots."""
        return self.root / "Desktop"


def make_office(root: Path, *, seed: int, screenshots: int | None = None) -> Office:
    """Make an office in a folder that is new or empty.

    Args:
        root: the folder; created with its parents.
        seed: decides every text, theme, name and, if not given, the count.
        screenshots: how many; 6 to 12 by the seed when None.

    Raises:
        OfficeError: the folder already holds something, or the count is out of range.
    """
    random = Random(seed)  # noqa: S311
    count = count_of(seed) if screenshots is None else screenshots
    if not 0 <= count <= UPPER_LIMIT:
        raise OfficeError(f"{count} screenshots is not between 0 and {UPPER_LIMIT}.")
    root = root.expanduser().absolute()
    if root.is_file() or (root.is_dir() and any(root.iterdir())):
        raise OfficeError(f"{str(root)!r} is not empty.", hint="Give a new folder.")
    desktop = root / "Desktop"
    desktop.mkdir(parents=True)
    made = _take_screenshots(desktop, count, random)
    draw_photo(desktop / f"IMG_{random.randrange(1000, 9999)}.jpg", random)
    furnish(root, random)
    shots = {shot.path for shot in made}
    others = sorted(path for path in desktop.rglob("*") if path.is_file() and path not in shots)
    return Office(root=root, seed=seed, screenshots=tuple(made), others=tuple(others))


def count_of(seed: int) -> int:
    """Choose how many screenshots a seed makes when nobody says."""
    return Random(seed).randint(FEWEST, MOST)  # noqa: S311


def _take_screenshots(desktop: Path, count: int, random: Random) -> list[Screenshot]:
    moment = datetime(2026, random.randrange(1, 7), random.randrange(1, 28), 8, tzinfo=UTC)
    made = []
    for story in tell(random, count):
        moment += timedelta(seconds=random.randrange(400, 90_000))
        path = desktop / f"Screenshot {moment:%Y-%m-%d} at {moment:%H.%M.%S}.png"
        draw_screen(story, path, random)
        os.utime(path, (moment.timestamp(), moment.timestamp()))
        made.append(Screenshot(path, story.kind, story.title, story.keywords, story.words))
    return made


def manifest(office: Office) -> dict[str, object]:
    """Describe an office as JSON values."""
    return {
        "root": str(office.root),
        "desktop": str(office.desktop),
        "seed": office.seed,
        "screenshots": [{**asdict(shot), "path": str(shot.path)} for shot in office.screenshots],
        "others": [str(path) for path in office.others],
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Make an office from the command line and print what is in it."""
    parser = argparse.ArgumentParser(prog="python -m desk.samples", description=main.__doc__)
    parser.add_argument("directory", type=Path, help="a new or empty folder")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, help=f"screenshots; {FEWEST} to {MOST} by the seed")
    parser.add_argument("--json", action="store_true", help="print the manifest as JSON")
    options = parser.parse_args(arguments)
    try:
        office = make_office(options.directory, seed=options.seed, screenshots=options.count)
    except (OfficeError, OSError) as error:
        sys.stderr.write(f"samples: {error}\n")
        return 2
    if options.json:
        sys.stdout.write(json.dumps(manifest(office), indent=2) + "\n")
    else:
        lines = [f"{shot.path.name}: {shot.title}" for shot in office.screenshots]
        sys.stdout.write("\n".join([f"Office in {office.root}", *lines]) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
