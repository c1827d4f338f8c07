"""What a query says about the tool it needs: its words without the values, and words like them."""

import re
from collections.abc import Callable

from orchestrator.policy.synonyms import NEIGHBOURS

_QUOTED = re.compile(r'"[^"]*"|“[^”]*”|(?<!\w)\'[^\']*\'(?!\w)')
_MAIL = re.compile(r"\b[\w.+-]+@[\w-]+\.[\w.]+\b")
_URL = re.compile(r"\b(?:https?://|www\.)\S+|\b[\w-]+\.(?:com|org|net|io|gov|edu)\b", re.IGNORECASE)
_FILE = re.compile(r"(?<!\w)[\w./~\\-]*[\w-]\.([A-Za-z][A-Za-z0-9]{1,4})\b(?!\.\w)")
_FOLDER = re.compile(r"(?<!\w)~?/[\w.~/-]+")
_WORD = re.compile(r"[^\W\d_]+")
_SENTENCE = re.compile(r"(?<=[.!?;])\s+|\n+")
_SENTENCES = 8
_LEAST_WORDS = 2
_PHRASE = 3


def essence(query: str) -> str:
    """Put kinds in the place of values: `a/b.pdf` becomes `pdf file`, an address `url`.

    Names of files draw a query towards tools that happen to share a word with them, while what
    kind of thing is named does say something. Quoted phrases of three words and more are content,
    not topics, and go. A query that would have nothing left stays as it is.
    """
    text = _QUOTED.sub(_topic, query)
    text = _MAIL.sub("email address", text)
    text = _URL.sub("url", text)
    text = _FILE.sub(lambda found: f"{found[1].lower()} file", text)
    text = " ".join(_FOLDER.sub("folder", text).split())
    return text if len(_WORD.findall(text)) >= _LEAST_WORDS else query


def sentences(query: str) -> tuple[str, ...]:
    """Part a query into the sentences that say something, at most eight of them."""
    parts = (part.strip() for part in _SENTENCE.split(query))
    return tuple(part for part in parts if len(_WORD.findall(part)) >= _PHRASE)[:_SENTENCES]


def related(query: str) -> str:
    """List the everyday synonyms of a query's words that the query itself does not use."""
    asked = [word.lower() for word in _WORD.findall(query)]
    own = {form for word in asked for form in _forms(word)}
    found = dict.fromkeys(
        other for word in asked for form in _forms(word) for other in NEIGHBOURS.get(form, ())
    )
    return " ".join(word for word in found if word not in own)


def _topic(quoted: re.Match[str]) -> str:
    return quoted[0] if len(quoted[0].split()) < _PHRASE else " "


_Fold = Callable[[str], tuple[str, ...]]
_ENDINGS: tuple[tuple[str, _Fold], ...] = (
    ("ies", lambda stem: (f"{stem}y",)),
    ("es", lambda stem: (stem, f"{stem}e")),
    ("s", lambda stem: (stem,)),
    ("ing", lambda stem: (stem, f"{stem}e", _single(stem))),
    ("ed", lambda stem: (stem, f"{stem}e", _single(stem))),
)


def _forms(word: str) -> tuple[str, ...]:
    """Give a word and what it may be an inflection of, as `copy` for `copies`."""
    found = [word]
    for ending, fold in _ENDINGS:
        stem = word.removesuffix(ending)
        if stem != word and len(stem) >= _PHRASE:
            found += fold(stem)
    return tuple(dict.fromkeys(found))


def _single(stem: str) -> str:
    """Undouble the last letter: `planning` is of `plan`."""
    return stem[:-1] if stem[-1:] == stem[-2:-1] else stem
