"""Earlier turns of a conversation, told to a model as what was said and never as what to do.

The planner reads a person's turns. Of the answers it reads only which files they named: an answer
was made from what files say, and whoever chooses tools does not read that. The synthesizer, which
has no tools, reads both. What is told is bounded and keeps the newest turns.
"""

import re
from collections.abc import Callable, Iterable, Sequence

from orchestrator.core.chat import Message
from orchestrator.prompting.transcript import CHARACTERS_PER_TOKEN, tokens

MOST_TOKENS = 600
"""What all turns may take together: a fifth of the planner's own front with its examples, so that
a long chat costs a small model neither its plan nor seconds of reading."""
TURN_TOKENS = 150
"""What one turn may take: more than people type, less than what they paste."""
NAMES = 12
NAME_CHARACTERS = 120
READ_CHARACTERS = 20_000
CUT = " …"
LEFT_OUT = "(Earlier turns are left out.)"
_NAME = re.compile(
    r"[`'\"\u201c\u2018]"
    r"(?P<quoted>[\w~/][\w/.+()-]*(?: [\w(][\w/.+()-]*){0,5}\.\w{2,5})"
    r"[`'\"\u201d\u2019]"
    r"|(?P<path>(?<![\w@:/.])~?(?:/[\w.+-]+){2,}/?)"
    r"|(?P<file>(?<![\w@/.-])\w[\w+-]*(?:\.[\w+-]+)*\.[A-Za-z][A-Za-z0-9]{1,4}(?![\w@/]))"
)

Told = Callable[[Message], str]


def before_goal(history: Sequence[Message]) -> str:
    """What the planner reads before a goal that continues a conversation; "" where none does."""
    return _all(
        history,
        _for_planner,
        "Said earlier in this conversation, the oldest first. Where the goal points to something of"
        " it, the steps name it.",
    )


def after_goal(history: Sequence[Message]) -> str:
    """What the synthesizer reads after such a goal; "" where there is nothing."""
    told = _all(history, _in_full, "Said earlier in this conversation, the oldest first:")
    return f"\n\n{told.rstrip()}" if told else ""


def names_in(text: str) -> list[str]:
    """The files and folders that a text names, in its order, each once."""
    found = (next(filter(None, match.groups())) for match in _NAME.finditer(text[:READ_CHARACTERS]))
    return list(dict.fromkeys(name for name in found if len(name) <= NAME_CHARACTERS))[:NAMES]


def _all(history: Sequence[Message], told: Told, head: str) -> str:
    lines = [line for turn in history if (line := told(turn))]
    kept = _newest(lines)
    if not kept:
        return ""
    mark = [LEFT_OUT] if len(kept) < len(lines) else []
    return "\n".join([head, *mark, *kept]) + "\n\n"


def _newest(lines: Sequence[str]) -> list[str]:
    room, kept = MOST_TOKENS, list[str]()
    for line in reversed(lines):
        room -= tokens(line)
        if room < 0:
            break
        kept.append(line)
    return kept[::-1]


def _for_planner(turn: Message) -> str:
    if turn.role == "user":
        return _line("Person", turn.content)
    names = names_in(turn.content) if turn.role == "assistant" else []
    return _line("Answer", f"about {_joined(names)}") if names else ""


def _in_full(turn: Message) -> str:
    speakers = {"user": "Person", "assistant": "Answer"}
    return _line(speakers[turn.role], turn.content) if turn.role in speakers else ""


def _joined(names: Iterable[str]) -> str:
    return ", ".join(names)


def _line(speaker: str, text: str) -> str:
    """A turn on one line of its own, so that no part of it can pass for another one."""
    plain = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    most = round(TURN_TOKENS * CHARACTERS_PER_TOKEN)
    return f"{speaker}: {plain if len(plain) <= most else plain[:most] + CUT}" if plain else ""
