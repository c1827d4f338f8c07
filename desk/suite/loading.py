"""Read the cases of the suite from their files, and say which files those were."""

import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from desk.errors import OfficeError
from desk.suite.cases import DeskCase

FOLDER = Path(__file__).parent
PARTS = ("single", "chains")
"""Single steps, and chains of steps: each a folder of YAML files."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The safe loader in C where PyYAML has it: ten times as fast."""


@cache
def load_cases(part: str | None = None, *, folder: Path = FOLDER) -> tuple[DeskCase, ...]:
    """Read and check every case of a part of the suite, or of all parts.

    Raises:
        OfficeError: There is no such part, a file or a case in it is not sound, or an id stands
            twice.
    """
    places: dict[str, Path] = {}
    found = []
    for path in _files(part, folder):
        for case in _cases_in(path):
            if case.id in places:
                raise OfficeError(
                    f"{path}: the id {case.id!r} stands in {places[case.id].name} already.",
                    hint="Give every case an id of its own.",
                )
            places[case.id] = path
            found.append(case)
    return tuple(found)


@cache
def suite_digest(*, folder: Path = FOLDER) -> str:
    """Tell one state of the suite from another: the sha256 of its files in their order."""
    digest = hashlib.sha256()
    for path in _files(None, folder):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _files(part: str | None, folder: Path) -> list[Path]:
    if part is not None and part not in PARTS:
        raise OfficeError(
            f"The suite has no part {part!r}.", hint=f"Its parts are {' and '.join(PARTS)}."
        )
    parts = PARTS if part is None else (part,)
    return [path for name in parts for path in sorted((folder / name).glob("*.yaml"))]


def _cases_in(path: Path) -> Iterator[DeskCase]:
    try:
        listed = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506
    except yaml.YAMLError as error:
        raise OfficeError(f"{path} is not YAML: {error}.") from error
    if not isinstance(listed, list):
        raise OfficeError(f"{path} is not a list of cases.")
    for number, data in enumerate(listed, start=1):
        yield _case(path, number, data)


def _case(path: Path, number: int, data: Any) -> DeskCase:
    try:
        return DeskCase.model_validate(data)
    except ValidationError as error:
        name = data.get("id") if isinstance(data, dict) else None
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise OfficeError(
            f"{path}: case {name or number} is not sound: {where}: {first['msg']}."
        ) from error
