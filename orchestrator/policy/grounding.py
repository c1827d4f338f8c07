"""Looking before pointing: the files of the folders that a step speaks of, offered by name.

A goal says "the sales table in Data"; no model can know that it is `sales.csv`. The run lists the
folder itself, once, with whatever tool of its scope lists folders, and the decision chooses among
what is really there. Names are all that is read of a file, and only short plain ones are offered.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from orchestrator.core.runs import Look, Seen
from orchestrator.core.tools import ToolSpec
from orchestrator.policy.references import FOLDER, Reference
from orchestrator.policy.spoken import is_folder, names_given

MOST_FOLDERS = 3
MOST_PLACES = 16
"""Folders that are looked into where none is spoken of."""
"""Folders that are looked into for one decision."""
MOST_FILES = 12
"""Files that are offered for one parameter; as many as a decision has tools to choose from."""

_PLAIN = re.compile(r"[\w\u00c0-\u024f][\w\u00c0-\u024f .,()&+'-]{0,79}")
_WORD = re.compile(r"[a-z\u00c0-\u024f]{3,}|\d+")
_SEPARATED = re.compile(r"[^a-z0-9\u00c0-\u024f]+")
_TITLE = 4
"""Letters of a name without its ending that are enough to be recognized by."""
_TO = re.compile(r"\b(?:to|into)(?: the)?(?: folder)? $")
_IMAGES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".heic")
_TYPES: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = (
    (re.compile(r"\bcsv\b"), (".csv", ".tsv")),
    (re.compile(r"\bsqlite\b|\bdatabase\b"), (".db", ".sqlite", ".sqlite3")),
    (re.compile(r"\bpdf\b"), (".pdf",)),
    (re.compile(r"\b(?:image|picture|screenshot|photo)s?\b"), _IMAGES),
    (re.compile(r"\bword\b"), (".docx",)),
    (re.compile(r"\bmarkdown\b"), (".md",)),
    (
        re.compile(r"\bplain text\b|\btext file\b"),
        (".txt", ".md", ".log", ".json", ".html", ".vtt"),
    ),
)
"""What a description says of the files that a tool takes, and the endings these have."""
_FILES = re.compile(
    r"\b(?:files?|documents?|csv|pdfs?|images?|pictures?|tables?|databases?|notes?|texts?)\b",
    re.IGNORECASE,
)
_LISTS = re.compile(r"\W*(?:list|look at|see|show)\b", re.IGNORECASE)
_IN_PARTICULAR = re.compile(
    r"\b(?:named|called|contain\w*|with|about|duplicate\w*|tree|subfolders?|trash)\b", re.IGNORECASE
)
_FOLDERS_TOO = re.compile(r"\bfolders?\b|\bdirector(?:y|ies)\b", re.IGNORECASE)


def lister(specs: Iterable[ToolSpec]) -> tuple[str, str] | None:
    """The tool that lists a folder, and its parameter: reads, needs only a path, gives files.

    Told by its schemas: the one required parameter is a path of a folder, and its result has a
    list of records with `name` and `path`.
    """
    for spec in specs:
        required = spec.input_schema.get("required", ())
        if spec.effect == "read" and len(required) == 1 and _gives_files(spec.output_schema):
            about = spec.input_schema["properties"][required[0]].get("description", "")
            if "path" in required[0] and _FOLDERS_TOO.search(about):
                return spec.id, required[0]
    return None


def lists_a_folder(intent: str, places: Iterable[str]) -> bool:
    """Whether an intent is to list what is in a folder of the run, not some of it."""
    plain = _LISTS.match(intent) and not _IN_PARTICULAR.search(intent)
    return bool(plain) and bool(folders_spoken_of(intent, places))


def folders_spoken_of(said: str, places: Iterable[str]) -> list[str]:
    """The folders that a text speaks of, as references; a folder in one of them goes before it."""
    found: list[str] = []
    for place in places:
        name = re.escape(place)
        if re.search(rf"(?<![\w/]){name}(?!\w)", said, re.IGNORECASE) is None:
            continue
        for inner in re.findall(rf"(?<![\w/]){name}/([\w\-.()/]+)", said):
            path = PurePosixPath(inner.rstrip(".)/"))
            deeper = str(path) if is_folder(str(path)) else str(path.parent)
            found += [f"{FOLDER}{place}/{deeper}"] if deeper != "." else []
        found.append(f"{FOLDER}{place}")
    return list(dict.fromkeys(found))[:MOST_FOLDERS]


def folders_to_look_in(goal: str, places: Sequence[str]) -> list[str]:
    """The folders that a goal speaks of; all where it speaks of none: no path is to be guessed."""
    return folders_spoken_of(goal, places) or [FOLDER + place for place in places[:MOST_PLACES]]


def unlooked(folders: Sequence[str], looks: Mapping[str, Look], world: int) -> list[str]:
    """Of some folders, those not looked into since the run last changed something."""
    return [name for name in folders if name not in looks or looks[name].world != world]


def entries_of(data: Any) -> tuple[Seen, ...]:
    """The files and folders of a listing, whatever its list is called; odd names are left out."""
    lists = [value for value in data.values() if isinstance(value, list)] if data else []
    rows = [row for rows in lists for row in rows if isinstance(row, dict)]
    return tuple(
        Seen(name=row["name"], folder=row.get("kind") == "folder")
        for row in rows
        if isinstance(row.get("name"), str) and _PLAIN.fullmatch(row["name"])
    )


def seen_files(folders: Sequence[str], looks: Mapping[str, Look]) -> list[Reference]:
    """What is in those folders, as references."""
    return [
        Reference(text=f"{folder}/{entry.name}", kind=_kind(entry), seen=True)
        for folder in folders
        if folder in looks
        for entry in looks[folder].entries
    ]


def about_files(spec: ToolSpec, schema: Mapping[str, Any]) -> str:
    """What a tool says of the files it takes: of the parameter, and what it does at all."""
    return f"{schema.get('description', '')}. {spec.description.partition('. ')[0]}"


def among_seen(
    offered: Sequence[Reference], kinds: Collection[str], about: str, said: str
) -> list[Reference]:
    """What is offered, with only those of the seen files that a parameter may mean.

    A parameter that takes names or new paths too is pointed to no seen file, only to a folder.
    Where folders were looked into and the tool speaks of files, the folders themselves are no
    choice any more.
    """
    seen = [reference for reference in offered if reference.seen and reference.kind in kinds]
    others = [reference for reference in offered if not reference.seen]
    if "name" in kinds or not {"path", "image path"} & set(kinds):
        return [*others, *(reference for reference in seen if reference.kind == "folder")]
    files = fitting_files(seen, about, said)
    if seen and _FILES.search(about) and not _FOLDERS_TOO.search(about):
        others = [reference for reference in others if reference.kind != "folder"]
    return [*files, *others]


def fitting_files(found: Sequence[Reference], about: str, said: str) -> list[Reference]:
    """Of the files that were seen, those a parameter may mean, the likeliest first.

    `said` is the step's intent and, on the next line, the goal. Only the types that the description
    speaks of, where there are any; only those that the intent names, else those that the goal
    names, where they name any; then by the words that a name shares with what is said. None where
    the intent names a file and the description speaks of others.
    """
    about = about.lower()
    every = found if _FOLDERS_TOO.search(about) else [r for r in found if r.kind != "folder"]
    endings = tuple(end for sign, ends in _TYPES if sign.search(about) for end in ends)
    files = [r for r in every if r.text.lower().endswith(endings)] or every if endings else every
    intent, _, goal = said.partition("\n")
    files = _from_there(files, intent)
    called = next(
        (some for call in (_called, _titled) for w in (intent, goal) if (some := call(files, w))),
        [],
    )
    if not called and any(" " in _title(r) or _called([r], intent) for r in _named(every, intent)):
        return []
    words = set(_WORD.findall(said.lower()))
    ranked = sorted(files, key=lambda r: -len(words & set(_WORD.findall(_name(r).lower()))))
    return (called or ranked)[:MOST_FILES]


def _called(files: Sequence[Reference], words: str) -> list[Reference]:
    """The files that words call by their whole name, in quotation marks or as it stands."""
    given = {name.lower() for name in names_given(words)}
    return [r for r in files if _name(r).lower() in given or _stands_in(_name(r), words)]


def _titled(files: Sequence[Reference], words: str) -> list[Reference]:
    """The files that words call by their name without its ending: the travel policy.

    A name that is only a part of another that was said is not meant by it.
    """
    said = f" {_plain_words(words)} "
    found = {r: f" {title} " for r in files if len(title := _title(r)) >= _TITLE}
    called = {r: title for r, title in found.items() if title in said}
    return [r for r, t in called.items() if not any(t in o and t != o for o in called.values())]


def _named(files: Sequence[Reference], words: str) -> list[Reference]:
    return [*_called(files, words), *_titled(files, words)]


def _title(reference: Reference) -> str:
    return _plain_words(PurePosixPath(_name(reference)).stem) if reference.kind != "folder" else ""


def _plain_words(text: str) -> str:
    return " ".join(_SEPARATED.split(text.lower())).strip()


def _from_there(files: Sequence[Reference], intent: str) -> list[Reference]:
    """What is taken to a folder is not taken from it, where there are others to take."""
    others = [r for r in files if not _TO.search(intent.partition(_inside(r))[0])]
    return others or list(files)


def _inside(reference: Reference) -> str:
    """The folder that a file is in, as a person writes it."""
    return reference.text.removeprefix(FOLDER).rpartition("/")[0]


def _stands_in(name: str, words: str) -> bool:
    pattern = rf"(?<![\w.()-]){re.escape(name)}(?![\w-])"
    return "." in name and re.search(pattern, words, re.IGNORECASE) is not None


def meant_folders(offered: Sequence[Reference], *said: str) -> list[Reference]:
    """Of the folders, keep those that the step's intent names, else those of the goal, else all."""
    folders = [r for r in offered if r.text.startswith(FOLDER) and not r.seen]
    others = [reference for reference in offered if reference not in folders]
    for words in said:
        named = [folder for folder in folders if _speaks_of(words, folder.text)]
        if named:
            return [*others, *named]
    return [*others, *folders]


def _speaks_of(words: str, folder: str) -> bool:
    name = re.escape(folder.removeprefix(FOLDER))
    return re.search(rf"(?<!\w){name}(?!\w)", words, re.IGNORECASE) is not None


def _name(reference: Reference) -> str:
    return reference.text.rpartition("/")[2]


def _kind(entry: Seen) -> Any:
    if entry.folder:
        return "folder"
    return "image path" if entry.name.lower().endswith(_IMAGES) else "path"


def _gives_files(schema: Mapping[str, Any] | None) -> bool:
    """Whether a result has a list of records that each have a name and a path."""
    defs = (schema or {}).get("$defs", {})
    for prop in (schema or {}).get("properties", {}).values():
        items = prop.get("items", {})
        record = defs.get(str(items.get("$ref", "")).rpartition("/")[2], items)
        if {"name", "path"} <= set(record.get("properties", ())):
            return True
    return False
