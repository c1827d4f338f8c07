"""Reads decision records from text; every file that cannot be read is named in one error."""

from collections.abc import Hashable, Iterable
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails
from typing_extensions import override

from orchestrator.core.errors import DecisionRecordError
from orchestrator.decisions.record import (
    FILE_NAME,
    REQUIRED_SECTIONS,
    DecisionRecord,
    FrontMatter,
)

NOT_RECORDS = frozenset({"README.md", "template.md"})
_FENCE = "---"
_CODE = ("```", "~~~")


class _StrictLoader(yaml.SafeLoader):
    """A repeated key would silently drop the first value, and with it a binding."""

    @override
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            name = str(key.value)
            if name in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"the key {name!r} is given twice", problem_mark=key.start_mark
                )
            seen.add(name)
        return super().construct_mapping(node, deep=deep)


def read_folder(folder: Path) -> tuple[DecisionRecord, ...]:
    """Read every record of an `adr/` folder, ordered by number.

    Raises:
        DecisionRecordError: The folder is missing or a file in it is no valid record.
    """
    if not folder.is_dir():
        raise DecisionRecordError(
            f"There is no folder of decision records at {folder}.",
            hint="Point the setting for decision records at a folder of NNNN-verb-phrase.md files.",
        )
    files = (file for file in sorted(folder.glob("*.md")) if file.name not in NOT_RECORDS)
    return read((file.name, file.read_bytes().decode("utf-8", "replace")) for file in files)


def read(files: Iterable[tuple[str, str]]) -> tuple[DecisionRecord, ...]:
    """Turn (file name, text) pairs into records, ordered by number.

    Raises:
        DecisionRecordError: At least one file is no valid record; the message lists them all.
    """
    records: list[DecisionRecord] = []
    problems: list[str] = []
    for name, text in files:
        try:
            records.append(_record(name, text))
        except _Unreadable as unreadable:
            problems += [f"{name}: {reason}" for reason in unreadable.reasons]
    if problems:
        raise DecisionRecordError(listed("Decision records cannot be read", problems))
    return tuple(sorted(records, key=lambda record: record.file))


def listed(headline: str, problems: Iterable[str]) -> str:
    """Lay out problems below a headline, one a line, so that none hides another."""
    return "\n".join([f"{headline}:", *(f"  - {problem}" for problem in problems)])


class _Unreadable(Exception):
    """Everything that is wrong with one file."""

    def __init__(self, *reasons: str) -> None:
        super().__init__(*reasons)
        self.reasons = reasons


def _record(name: str, text: str) -> DecisionRecord:
    if not FILE_NAME.fullmatch(name):
        raise _Unreadable("the name must be NNNN-verb-phrase.md, in lower case with hyphens")
    front, body = _split(text)
    title, sections = _outline(body)
    missing = [
        f"the section '## {section}' is missing or empty"
        for section in REQUIRED_SECTIONS
        if not sections.get(section)
    ]
    if not title:
        missing.insert(0, "the title is missing: one line that begins with '# '")
    if missing:
        raise _Unreadable(*missing)
    return DecisionRecord(file=name, title=title, front=_front_matter(front), sections=sections)


def _split(text: str) -> tuple[str, list[str]]:
    lines = text.removeprefix("\ufeff").splitlines()
    if not lines or lines[0].rstrip() != _FENCE:
        raise _Unreadable("the first line must be '---', the start of the front matter")
    for position, line in enumerate(lines[1:], start=1):
        if line.rstrip() == _FENCE:
            return "\n".join(lines[1:position]), lines[position + 1 :]
    raise _Unreadable("the front matter has no closing '---' line")


def _front_matter(text: str) -> FrontMatter:
    try:
        return FrontMatter.model_validate(yaml.load(text, Loader=_StrictLoader))  # noqa: S506 - a SafeLoader
    except ValidationError as error:
        raise _Unreadable(*(_complaint(detail) for detail in error.errors())) from error
    # PyYAML lets the plain ValueError of an impossible date through.
    except (yaml.YAMLError, ValueError) as error:
        raise _Unreadable(f"the front matter is not YAML: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error)
    # The front matter starts on the file's second line, marks count from zero.
    return f"{problem} (line {mark.line + 2})" if mark else str(problem)


def _complaint(detail: ErrorDetails) -> str:
    where = ".".join(str(part) for part in detail["loc"]) or "front matter"
    return f"{where}: {detail['msg']}, got {detail['input']!r:.80}"


def _outline(lines: list[str]) -> tuple[str, dict[str, str]]:
    """Find the title and the text below each second-level heading, blind to code blocks."""
    title, heading, in_code = "", "", False
    sections: dict[str, list[str]] = {}
    for line in lines:
        in_code ^= line.startswith(_CODE)
        if not in_code and line.startswith("# "):
            title = title or line[2:].strip()
        elif not in_code and line.startswith("## "):
            heading = line[3:].strip()
        else:
            sections.setdefault(heading, []).append(line)
    return title, {name: "\n".join(text).strip() for name, text in sections.items() if name}
