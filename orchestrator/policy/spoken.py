"""What a goal says of arguments: the files and names it gives, the options it speaks of.

A model that may only point to what the run has seen must still be able to name what a person
named: a quoted file, a folder inside a folder, a path that is to be made.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from orchestrator.core.tools import ToolSpec
from orchestrator.policy.references import FOLDER

_FILE = re.compile(r"(?:(?<=[a-z,] )[A-Z][\w\-]* )?[\w\-]+(?:\.[\w\-]+)*\.[A-Za-z0-9]{1,5}\b")
_QUOTED = re.compile(r"[\"\u201c\u201e]([^\"\u201c\u201d\u201e\n]{1,80})[\"\u201c\u201d]")
_WORDS_GIVEN = re.compile(r"[\"\u201c\u201e]([^\"\u201c\u201d\u201e]{1,400})[\"\u201c\u201d]")
_SENTENCE = re.compile(r"[!?]$|(?:\S+\s+){6,}")
_WORD = re.compile(r"[a-z]{3,}")
_TELLING, _DESCRIBING = 4, 5
_EMPTY = frozenset({"empty", "which", "absolute", "return", "string", "value", "optional"})
_DATE = re.compile(
    r"\b(?:january|february|march|april|may|june|july|august|september|october|november|december"
    r"|monday|tuesday|wednesday|thursday|friday|saturday|sunday|today|tomorrow|yesterday)\b"
    r"|\b\d{4}-\d\d-\d\d\b",
    re.IGNORECASE,
)
_ISO = re.compile(r"\bISO 8601\b|\bYYYY-MM-DD\b|^Date\b")
_ONE_DAY = re.compile(r"\b(?:day|date)\b", re.IGNORECASE)
_EXAMPLE = re.compile(r"\d{4}-\d\d-\d\dT?")
_SIGNS: tuple[tuple[re.Pattern[str], re.Pattern[str]], ...] = (
    (_DATE, re.compile(r"\b(?:date|day|iso 8601|due)\b")),
    (re.compile(r"\w@\w"), re.compile(r"mail")),
    (re.compile(r"\+?\d[\d ]{6,}\d"), re.compile(r"phone")),
    (re.compile(r"\b(?:hour|minute)s?\b"), re.compile(r"\b(?:minutes|duration|hours)\b")),
)
"""Signs in a goal, and the words of a parameter that they speak of."""
_CHANGING = re.compile(r"^(?:update|edit|change|modify)_")
_PART = r"[A-Za-z0-9\u00c0-\u024f][A-Za-z0-9\u00c0-\u024f _.,()&+-]{0,60}"


def quoted(said: str) -> list[str]:
    """What stands in quotation marks and is a name, not a sentence."""
    return [name.strip() for name in _QUOTED.findall(said) if not _SENTENCE.search(name.strip())]


def quotes(said: str) -> list[str]:
    """All that stands in quotation marks, sentences too, as it stands there."""
    return [found.strip() for found in _WORDS_GIVEN.findall(said) if found.strip()]


def destination_spoken_of(intent: str, folders: Sequence[str]) -> str:
    """The folder, or path in one, that an intent says something goes to; "" where it says none."""
    names = "|".join(re.escape(folder.removeprefix(FOLDER)) for folder in folders)
    pattern = rf"\b(?:to|into|under)\s+(?:the )?(?:folder )?((?:{names})(?:/[\w()-]+)*)(?![\w./])"
    found = re.findall(pattern, _QUOTED.sub(" ", intent).rstrip(".")) if names else []
    return f"{FOLDER}{found[-1]}" if found else ""


def files_named(said: str) -> list[str]:
    """The names of files in a text, the longest reading first: `Old plan.md`, then `plan.md`."""
    found: list[str] = []
    for name in _FILE.findall(_QUOTED.sub(" ", said)):
        found += [name, name.rpartition(" ")[2]]
    return list(dict.fromkeys(name for name in found if PurePosixPath(name).suffix))


def names_given(said: str) -> list[str]:
    """What a text calls things: quoted names and the names of files."""
    return list(dict.fromkeys([*quoted(said), *files_named(said)]))


def paths_named(said: str, folders: Sequence[str]) -> list[str]:
    """The files and folders that a text names, as references under the folders of the run.

    `Documents/Archive` is one in Documents; a bare name may be in any of the folders.
    """
    found: list[str] = []
    for folder in folders:
        place = re.escape(folder.removeprefix(FOLDER))
        inside = re.findall(rf"(?<![\w/]){place}/([\w\-.()]+(?:/[\w\-.()]+)*)", said)
        found += [f"{folder}/{path.rstrip('.)')}" for path in inside]
    for name in names_given(said):
        place, slash, inner = name.partition("/")
        if slash and FOLDER + place in folders:
            found.append(f"{FOLDER}{place}/{inner}")
        elif not slash and FOLDER + name.partition(" ")[0] not in folders:
            found += [f"{folder}/{name}" for folder in folders]
    return list(dict.fromkeys(found))


def is_folder(reference: str) -> bool:
    """Whether a named path looks like a folder: it ends in no file type."""
    return not PurePosixPath(reference.rpartition("/")[2]).suffix


def path_inside(folders: Sequence[str]) -> dict[str, Any]:
    """The form of a path that is written by a model: inside one of the folders, never out of it."""
    names = "|".join(re.escape(folder.removeprefix(FOLDER)) for folder in folders)
    return {"type": "string", "pattern": rf"^\$folder\.({names})(/{_PART}){{1,3}}$"}


def is_date(schema: Mapping[str, Any]) -> bool:
    """Whether a text is a date or a moment, as its description says."""
    about = str(schema.get("description", ""))
    return schema.get("type", "string") == "string" and _ISO.search(about) is not None


def date_pattern(schema: Mapping[str, Any]) -> str:
    """The form of a date: with a time of day if the example has one, without if a day is meant."""
    about = str(schema.get("description", ""))
    day = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
    if "T" in "".join(_EXAMPLE.findall(about)):
        return f"^{day}T[0-9]{{2}}:[0-9]{{2}}$"
    return f"^{day}$" if _ONE_DAY.search(about) else f"^{day}(T[0-9]{{2}}:[0-9]{{2}})?$"


def options_spoken_of(
    spec: ToolSpec, properties: Mapping[str, Any], said: str, *, guess: bool = True
) -> list[str]:
    """The optional parameters that a goal or intent speaks of.

    By name, by one of the values they may have, or by a sign such as a date. Of a tool that
    changes a record, by the words of its description too; if nothing is spoken of, all of them,
    since without any it would change nothing; without `guess`, none then.
    """
    required = spec.input_schema.get("required", ())
    optional = [name for name in properties if name not in required]
    spoken = [name for name in optional if _spoken_of(spec, name, properties[name], said)]
    if guess and not spoken and _CHANGING.match(spec.name):
        return optional
    return spoken


def _spoken_of(spec: ToolSpec, name: str, schema: Mapping[str, Any], said: str) -> bool:
    lower = said.lower()
    words = set(_WORD.findall(lower))
    telling = {word for word in _WORD.findall(name.lower()) if len(word) >= _TELLING}
    if words & (telling | {name.lower()}):
        return True
    stems = {word.rstrip("s") for word in words}
    if any(str(value).lower().rstrip("s") in stems for value in schema.get("enum", ())):
        return True
    about = f"{name} {schema.get('description', '')}".lower()
    # "january.txt" is no date.
    if _DATE.search(lower) and not _DATE.search(_FILE.sub(" ", said)):
        lower = _FILE.sub(" ", said).lower()
    if any(sign.search(lower) and meant.search(about) for sign, meant in _SIGNS):
        return True
    described = {word for word in _WORD.findall(about) if len(word) >= _DESCRIBING} - _EMPTY
    return spec.effect != "read" and bool(words & described)
