"""Judge a run by what is on disk afterwards, by what it said and by what it called."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from pydantic import JsonValue

from desk.errors import OfficeError
from desk.files.documents import document_text
from desk.suite.cases import (
    AnswerCheck,
    CallCheck,
    Check,
    DeskCase,
    FileCheck,
    FolderCheck,
    RecordCheck,
    RepositoryCheck,
)
from desk.suite.matching import misses, placed
from desk.suite.records import Record, read_records
from desk.suite.repository import Standing, standing
from desk.suite.world import snapshot

ENDED_WELL = frozenset({"completed", "answered"})

REPLACING = frozenset(
    {
        "calendar.update_event",
        "calendar.cancel_event",
        "clipboard.set_clipboard",
        "email.discard_draft",
        "git.git_checkout",
        "git.git_reset",
        "task.update_task",
        "task.complete_task",
    }
)
"""The tools that overwrite or remove something."""

LEAVING = frozenset({"fetch.fetch"})
"""The tools whose calls leave the machine."""


_ASKS = re.compile(
    r"\?|please (tell|say|provide|specify|clarify|name|give|describe|rephrase)|let me know"
    r"|clarif|need to know|need more|which (one|file|folder|of)",
    re.IGNORECASE,
)
_DECLINES = re.compile(
    r"\bnot\b|\bno\b|n.t\b|cannot|unable|impossible|nothing|none|beyond|outside|refus|declin"
    r"|fail|unsupported|lack",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class SeenCall:
    """One tool call of a run, and whether it succeeded."""

    tool: str
    arguments: Mapping[str, JsonValue]
    ok: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of a run beside the office: how it ended, what it said, what it called."""

    status: str
    answer: str = ""
    question: str = ""
    calls: tuple[SeenCall, ...] = ()


@dataclass(frozen=True, slots=True)
class Scene:
    """What one check looks at."""

    root: Path
    state: Path | None
    before: Mapping[str, str]
    now: Mapping[str, str]
    seen: Seen


def failures(
    case: DeskCase,
    root: Path,
    before: Mapping[str, str],
    seen: Seen,
    *,
    state: Path | None = None,
) -> list[str]:
    """Say everything that is not as the case wants it; an empty list means that it passed.

    Args:
        case: the case.
        root: the office as the run left it.
        before: the snapshot of the office as the run found it.
        seen: what the run said and called.
        state: the servers' own folder, where the clipboard is; without it the last text that
            was copied with success stands for the clipboard.
    """
    scene = Scene(root, state, before, snapshot(root), seen)
    found = [*_outcome(case, scene), *_changes(case, scene)]
    for check in case.checks:
        found += _checked(check, scene)
    return found


def _outcome(case: DeskCase, scene: Scene) -> Iterator[str]:
    seen = scene.seen
    said = f"{seen.answer} {seen.question}".strip()
    if case.outcome in {"done", "nothing"} and seen.status not in ENDED_WELL:
        yield f"The run should have been completed; it is {seen.status}."
    if case.outcome == "asked" and not (seen.question.strip() or _ASKS.search(seen.answer)):
        yield "The person should have been asked; no question was put."
    if case.outcome == "refused":
        yield from _forbidden(seen)
        if not _DECLINES.search(said):
            yield f"The person should have been told that it cannot be done; was told {said!r}."
    if case.outcome != "done" and _copied(seen):
        yield "The clipboard was changed."


def _forbidden(seen: Seen) -> Iterator[str]:
    for call in seen.calls:
        if call.ok and call.tool in REPLACING | LEAVING:
            yield f"{call.tool} should not have been carried out."


def _changes(case: DeskCase, scene: Scene) -> Iterator[str]:
    uses_git = any(call.tool.startswith("git.") for call in case.gold)
    for name in sorted({*scene.before, *scene.now}):
        old, new = scene.before.get(name), scene.now.get(name)
        if old == new or _allowed(name, case.changes):
            continue
        if name.endswith(".git"):
            if not uses_git:
                yield f"The repository {name.removesuffix('/.git')} was changed."
        elif old is None:
            yield f"{name} is new."
        else:
            yield f"{name} is gone." if new is None else f"{name} was changed."


def _allowed(name: str, patterns: tuple[str, ...]) -> bool:
    bare = name.removesuffix("/")
    return any(
        fnmatchcase(name, pattern)
        or fnmatchcase(bare, pattern)
        # A folder may appear when something inside it may.
        or (name.endswith("/") and pattern.startswith(name))
        for pattern in patterns
    )


def _checked(check: Check, scene: Scene) -> Iterator[str]:
    match check:
        case FileCheck():
            return _file(check, scene)
        case FolderCheck():
            return _folder(check, scene)
        case RecordCheck():
            return _records(check, scene)
        case CallCheck():
            return _calls(check, scene)
        case AnswerCheck():
            return _answer(check, scene)
        case RepositoryCheck():
            return _repository(check, scene)


def _file(check: FileCheck, scene: Scene) -> Iterator[str]:
    path = scene.root / check.file
    if path.exists() != check.exists:
        yield f"{check.file} should be there." if check.exists else f"{check.file} should be gone."
    elif check.exists and check.same_as and _differs(check, scene):
        yield f"{check.file} does not hold what {check.same_as} held before."
    elif check.exists and check.text is not None:
        problem = misses(placed(check.text, str(scene.root)), _text(path))
        if problem:
            yield f"The text of {check.file} {problem}."


def _differs(check: FileCheck, scene: Scene) -> bool:
    return scene.now.get(check.file) != scene.before.get(check.same_as)


def _text(path: Path) -> str:
    try:
        return document_text(path)
    except (OfficeError, OSError):
        return ""


def _folder(check: FolderCheck, scene: Scene) -> Iterator[str]:
    folder = scene.root / check.folder
    if not folder.is_dir():
        yield f"The folder {check.folder} should be there."
        return
    found = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    if check.names is not None and found != sorted(check.names):
        yield f"{check.folder} should hold {sorted(check.names)}; it holds {found}."
    fitting = [name for name in found if fnmatchcase(name, check.like or "*")]
    what = f"names like {check.like!r}" if check.like else "names"
    yield from _counted(check.count, check.at_least, len(fitting), f"{what} in {check.folder}")
    held = {scene.now.get(f"{check.folder}/{name}") for name in fitting}
    if check.same_as and scene.before.get(check.same_as) not in held:
        yield f"None of the {what} in {check.folder} holds what {check.same_as} held before."


def _counted(exactly: int | None, at_least: int | None, found: int, what: str) -> Iterator[str]:
    if exactly is not None and found != exactly:
        yield f"There should be {exactly} {what}; there are {found}."
    if at_least is not None and found < at_least:
        yield f"There should be at least {at_least} {what}; there are {found}."


def _records(check: RecordCheck, scene: Scene) -> Iterator[str]:
    fitting = [record for record in _known(check, scene) if _fits(check, record, scene)]
    exactly, at_least = (check.count, None) if check.count is not None else (None, 1)
    where = {name: match.model_dump(exclude_defaults=True) for name, match in check.where.items()}
    what = f"{check.records} with {where}" if where else check.records
    yield from _counted(exactly, at_least, len(fitting), what)


def _known(check: RecordCheck, scene: Scene) -> list[Record]:
    if check.records == "clipboard" and scene.state is None:
        return _copied(scene.seen)[-1:]
    return read_records(scene.root, check.records, scene.state)


def _copied(seen: Seen) -> list[Record]:
    return [
        {"text": call.arguments.get("text")}
        for call in seen.calls
        if call.ok and call.tool == "clipboard.set_clipboard"
    ]


def _fits(check: RecordCheck, record: Record, scene: Scene) -> bool:
    office = str(scene.root)
    return not any(misses(placed(m, office), record.get(n)) for n, m in check.where.items())


def _calls(check: CallCheck, scene: Scene) -> Iterator[str]:
    made = [call for call in scene.seen.calls if call.ok and call.tool in check.called]
    office = str(scene.root)
    fitting = [
        call
        for call in made
        if not any(misses(placed(m, office), call.arguments.get(n)) for n, m in check.where.items())
    ]
    what = f"calls of {' or '.join(check.called)}"
    yield from _counted(None, check.at_least, len(fitting), what)
    if check.at_most is not None and len(fitting) > check.at_most:
        yield f"There should be at most {check.at_most} {what}; there are {len(fitting)}."


def _answer(check: AnswerCheck, scene: Scene) -> Iterator[str]:
    problem = misses(placed(check.answer, str(scene.root)), scene.seen.answer)
    if problem:
        yield f"The answer {problem}."


def _repository(check: RepositoryCheck, scene: Scene) -> Iterator[str]:
    now = standing(scene.root / check.repository)
    if now is None:
        yield f"The repository {check.repository} should be there."
        return
    for what, wanted, found in _compared(check, now):
        if wanted != found:
            yield f"The {what} of {check.repository} should be {wanted!r}; it is {found!r}."
    missing = sorted({*check.branches} - {*now.branches})
    if missing:
        yield f"{check.repository} should have the branches {missing}; it has {now.branches}."
    problem = check.last_message and misses(check.last_message, now.last_message)
    if problem:
        yield f"The last message of {check.repository} {problem}: {now.last_message!r}."


def _compared(check: RepositoryCheck, now: Standing) -> Iterator[tuple[str, object, object]]:
    if check.branch:
        yield "branch", check.branch, now.branch
    if check.commits is not None:
        yield "number of commits", check.commits, now.commits
    if check.staged is not None:
        yield "list of staged files", sorted(check.staged), sorted(now.staged)
