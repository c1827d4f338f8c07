"""What a proposal would do, in lines that a person reads before saying yes.

Everything shown is bounded and made legible: a name of a file cannot hide a line break, reverse
the direction of the writing, or push what matters out of sight.
"""

import difflib
import json
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from pydantic import JsonValue

from orchestrator.core.chat import Frozen
from orchestrator.core.fingerprints import call_fingerprint
from orchestrator.core.runs import Proposal, RunState
from orchestrator.core.tools import Effect, ToolCall, split_name

LISTED = 20
LINE = 160
VALUE = 60
DETAILED = 2
"""Calls whose text is shown; the others of a fan-out are counted."""
DETAIL_LINES = 24
COMPARED_LINES = 400
"""Lines of a text that are compared: comparing takes the square of them."""
_PAIRS = (
    ("path", "new_name"),
    ("path", "new_path"),
    ("path", "destination"),
    ("source", "destination"),
    ("src", "dst"),
    ("old_path", "new_path"),
    ("old_name", "new_name"),
)
_PATHS = ("path", "file", "file_path", "filename")
_TEXTS = ("content", "text", "body", "message", "new_text")
_WORDS: Mapping[Effect, str] = {
    "read": "reads",
    "local_write": "changes something on this machine",
    "destructive": "cannot be undone",
    "egress": "leaves this machine",
}


class Preview(Frozen):
    """A proposal as a person reads it: a line a call, and the texts of the first ones.

    `more` is how many calls have no line of their own.
    """

    title: str
    lines: tuple[str, ...]
    more: int = 0
    details: tuple[str, ...] = ()

    @property
    def told(self) -> list[str]:
        """All of it, line by line."""
        rest = [f"… and {self.more} more"] if self.more else []
        return [self.title, *self.lines, *rest, *self.details]


def preview(state: RunState, proposal: Proposal) -> Preview:
    """What the calls of a proposal would do."""
    count = len(proposal.calls)
    calls = f"{count} call{'' if count == 1 else 's'}"
    shown = proposal.calls[:LISTED]
    places = state.request.places if state.request else {}
    return Preview(
        title=_cut(f"{proposal.tool}: {calls}, {_WORDS[proposal.effect]}"),
        lines=tuple(_cut(_line(call, places)) for call in shown),
        more=count - len(shown),
        details=tuple(
            line for call in proposal.calls[:DETAILED] for line in _details(state, call, places)
        ),
    )


def legible(text: str) -> str:
    """A text on one line, with everything that is not seen written out."""
    return "".join(each if each.isprintable() else _written_out(each) for each in text)


def _written_out(character: str) -> str:
    return {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(character, f"\\u{{{ord(character):x}}}")


def _line(call: ToolCall, places: Mapping[str, str]) -> str:
    arguments = call.arguments
    for old, new in _PAIRS:
        before, after = arguments.get(old), arguments.get(new)
        if isinstance(before, str) and isinstance(after, str):
            return f"{_verb(call)} {_moved(before, after, places)}{_rest(call, (old, new))}"
    path = next((name for name in _PATHS if isinstance(arguments.get(name), str)), "")
    where = f" {_shown(str(arguments[path]), places)}" if path else ""
    return f"{_verb(call)}{where}{_rest(call, (path,))}"


def _verb(call: ToolCall) -> str:
    name = split_name(call.tool)[1] if "." in call.tool.strip(".") else call.tool
    words = name.replace("_", " ").replace("-", " ")
    named = any(name in call.arguments for name in (*_PATHS, "source", "src", "old_path"))
    return legible(words.split(" ")[0] or words) if named else legible(words)


def _moved(before: str, after: str, places: Mapping[str, str]) -> str:
    """From where to where; what has no ending may be a folder to move into, and is told in full."""
    old, new = PurePosixPath(before), PurePosixPath(after)
    beside = new.parent == PurePosixPath() or (new.parent == old.parent and new.suffix)
    if beside and old.parent != PurePosixPath():
        return f"{legible(old.name)} -> {legible(new.name)} in {_shown(str(old.parent), places)}"
    return f"{_shown(before, places)} -> {_shown(after, places)}"


def _shown(path: str, places: Mapping[str, str]) -> str:
    """A path by the place that it is in, as the person calls it."""
    for name, folder in sorted(places.items(), key=lambda place: -len(place[1])):
        root = folder.rstrip("/")
        if root and (path == root or path.startswith(f"{root}/")):
            return legible(name + path[len(root) :])
    return legible(path)


def _rest(call: ToolCall, told: Iterable[str]) -> str:
    """The arguments that were not told yet, each with the beginning of its value."""
    others = {name: value for name, value in call.arguments.items() if name not in told}
    said = ", ".join(f"{legible(name)[:VALUE]}={_value(value)}" for name, value in others.items())
    return f" ({said})" if said else ""


def _value(value: JsonValue) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    plain = legible(text[: VALUE + 1])
    return plain if len(plain) <= VALUE else f"{plain[: VALUE - 1]}…"


def _cut(line: str) -> str:
    return line if len(line) <= LINE else f"{line[: LINE - 1]}…"


def _details(state: RunState, call: ToolCall, places: Mapping[str, str]) -> list[str]:
    """The text that a call carries: compared with what was read at its path, else its beginning."""
    name, text = _text(call)
    if len(text) <= VALUE and "\n" not in text:
        return []
    path = next((call.arguments[key] for key in _PATHS if key in call.arguments), None)
    before = _as_read(state, path) if isinstance(path, str) and not _adds(call) else None
    if before is None:
        return _head(f"{name}:", text.splitlines())
    lines = difflib.unified_diff(
        before.splitlines()[:COMPARED_LINES],
        text.splitlines()[:COMPARED_LINES],
        f"{_shown(str(path), places)} as it was read",
        "as it would be",
        n=2,
        lineterm="",
    )
    return _head("", list(lines)) or ["The text is the one that was read."]


def _adds(call: ToolCall) -> bool:
    return _verb(call).startswith(("append", "add"))


def _text(call: ToolCall) -> tuple[str, str]:
    for name in _TEXTS:
        value = call.arguments.get(name)
        if isinstance(value, str):
            return name, value
    return "", ""


def _head(title: str, lines: list[str]) -> list[str]:
    more = len(lines) - DETAIL_LINES
    rest = [f"… and {more} more lines"] if more > 0 else []
    head = [title] if title else []
    return [*head, *(_cut(legible(line[: 2 * LINE])) for line in lines[:DETAIL_LINES]), *rest]


def _as_read(state: RunState, path: str) -> str | None:
    """What the run read at a path last, if nothing was written since that could have changed it."""
    readers = {call.tool for call in state.settled if call.effect == "read"}
    asked = {call_fingerprint(tool, {name: path}) for tool in readers for name in _PATHS}
    for call in reversed(state.settled):
        found = call.outcome.data
        if call.world != state.writes or not call.outcome.ok or not isinstance(found, dict):
            continue
        texts = [found[name] for name in _TEXTS if name in found]
        about = call.fingerprint in asked or path in (found.get(name) for name in _PATHS)
        if about and texts and isinstance(texts[0], str):
            return texts[0]
    return None
