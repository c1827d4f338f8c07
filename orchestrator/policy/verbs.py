"""What the words of a step or goal say of it: that it changes, looks, reads or makes something."""

import re

ENGLISH = re.compile(r"\b(?:the|an?|my|our|and|of|is|has|have|to)\b", re.IGNORECASE)
"""Words without which a text is in another language than these rules."""
_NAMES = re.compile(r"\b(renam\w*|titles?|names?)\b", re.IGNORECASE)
_ACTS = re.compile(
    r"\b(renam\w*|mov\w+|cop(?:y|ies)|delet\w*|trash\w*|send\w*|creat\w*|writ\w+|sav\w+|draft\w*"
    r"|add|schedul\w*|sort\w*|organi[sz]\w*|convert\w*|merg\w+|put|clean\w*)\b",
    re.IGNORECASE,
)
MAKES = re.compile(
    r"\W*(?:add|create|write|save|draft|book|schedule|put|make|start)\b", re.IGNORECASE
)
"""How a step begins that makes something new."""
_FIRST = r"\W*(?:(?:then|and|please|also|now|just|kindly|(?:could|can|would|will) you),? )*"
_ACTS_FIRST = re.compile(
    _FIRST + r"(?:rename|move|copy|delete|trash|remove|create|make|write|save"
    r"|draft|add|schedule|book|convert|merge|join|mark|update|put|cancel|commit|stage|switch"
    r"|restore|complete|discard|change|tick|throw|file|give|keep|send|forward|reply|enter|prepare"
    r"|replace|postpone|insert|(?:name|call|label) (?:it|them|the|each|every|all|this|that)"
    r"|(?:archive|bin|store|start|set|record) (?:it|them|an?|the|my|each))\b",
    re.IGNORECASE,
)
CHANGES = re.compile(
    r"\W*(?:add(?! up\b)|book|schedule|put(?! together\b)|enter|delete|tick|complete|cancel"
    r"|commit)\b",
    re.IGNORECASE,
)
"""How a step begins that no tool which makes words can carry out."""
_LOOKS_FIRST = re.compile(
    _FIRST + r"(?:find|list|look|search|read|show|count|check(?! ?out)|see|tell)"
    r"\b",
    re.IGNORECASE,
)
_SPOKEN_OF: tuple[tuple[re.Pattern[str], re.Pattern[str]], ...] = (
    (
        re.compile(r"copy_"),
        re.compile(r"\bcop(?:y|ies|ied|ying)\b|duplicat|back-?up|\bspare\b|\btoo\b", re.IGNORECASE),
    ),
    (
        re.compile(r"(?:discard|delete|trash|cancel|remove|drop|clear)(?:_|$)"),
        re.compile(
            r"\b(?:discard|delet|trash|cancel|remov|drop|clear|throw|dump|bin\b|rid\b|off\b|away\b"
            r"|erase|clean|undo|take out|no longer)",
            re.IGNORECASE,
        ),
    ),
    (
        re.compile(r"restore_"),
        re.compile(r"\b(?:restor|recover|undelet|trash|bin\b|back\b)", re.IGNORECASE),
    ),
    (
        re.compile(r"(?:update|complete)_"),
        re.compile(
            r"^(?!\W*(?:add|create|make|book|draft|write|schedule)\b"
            r"(?!.*\b(?:to|into|longer|shorter|for)\b))",
            re.IGNORECASE,
        ),
    ),
    (
        re.compile(r"write_"),
        re.compile(
            r"\b(?:writ|sav|creat|mak|start|add|draft|content|text|say|export|stor|not(?:e|ing)|jot"
            r"|record|new\b|updat|keep|put\b.*\bin(?:to)?\b)",
            re.IGNORECASE,
        ),
    ),
    (
        re.compile(r"convert_"),
        re.compile(
            r"\b(?:convert|turn|export|translat|transform|format|version|web page)"
            r"|(?<!\.)\b(?:pdf|html|docx|markdown|txt|json|csv|o'clock|time)\b"
            r"|\.(\w{2,4})\b.*\.(?!\1)\w{2,4}\b",
            re.IGNORECASE,
        ),
    ),
    (
        re.compile(r"(?:merge|join)_"),
        re.compile(
            r"\b(?:merg|join|combin|concat|together|append|one|single)|\.\w{2,4}\b.*\.\w{2,4}\b",
            re.IGNORECASE,
        ),
    ),
    (
        re.compile(r"(?:create|make)_(?:dir|folder)"),
        re.compile(r"folder|director|^(?!.*\bfile\b)", re.IGNORECASE),
    ),
)
"""Tools by how their names begin, and what a step says that means one of them."""
_QUOTED = re.compile(r"[\"\u201c][^\"\u201d]*[\"\u201d]|\S*/\S+")
"""What is named, not said: quoted words and paths."""
_TELLING = re.compile(r"[^\W_]{4,}")
_STEM = 5
_READS = re.compile(r"\b(read|extract|text)\b", re.IGNORECASE)


def asks_to_act(goal: str) -> bool:
    """Whether a goal speaks of changing something, which no answer in words can do."""
    return _ACTS.search(goal) is not None


def makes_a_name(intent: str) -> bool:
    """Whether a step is about a name or a title, which are short."""
    return _NAMES.search(intent) is not None


def acts(intent: str) -> bool:
    """Whether a step is there to change something: its first word says so."""
    return _ACTS_FIRST.match(intent) is not None


def looks(intent: str) -> bool:
    """Whether a step is only there to find something out: its first word, and no other, says so."""
    return _LOOKS_FIRST.match(intent) is not None and not asks_to_act(_QUOTED.sub(" ", intent))


def unasked(tool: str, intent: str, goal: str = "") -> bool:
    """Whether a tool writes, copies, takes away or restores, and a step does not speak of that.

    To put a thing somewhere is to move it; "draft a mail" and `discard_draft` share a word, and a
    small model takes it for the whole. A step whose verb is not known may mean anything, but not
    to copy what neither it nor the goal speaks of copying.
    """
    copies, copied = _SPOKEN_OF[0]
    if ENGLISH.search(goal) and copies.match(tool) and not copied.search(f"{intent}\n{goal}"):
        return True
    return acts(intent) and any(
        named.match(tool) and not said.search(intent) for named, said in _SPOKEN_OF
    )


def reads(intent: str) -> bool:
    """Whether a step reads a text."""
    return _READS.search(intent) is not None


def stems(text: str) -> set[str]:
    """The words of a text that say something, by their first letters: photo and photos are one."""
    return {word[:_STEM] for word in _TELLING.findall(text.lower())}
