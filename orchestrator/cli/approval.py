"""Puts a proposal before a person: exactly what would be done, and yes or no."""

import json
import select
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Literal

from pydantic import JsonValue
from rich.console import Console
from rich.table import Table
from rich.text import Text

from orchestrator.cli.hints import unknown_outcome
from orchestrator.cli.output import table
from orchestrator.core.runs import Proposal, RunState
from orchestrator.journal.sentences import shortened

Word = Literal["yes", "no", "all", "later"]

MOST_ROWS = 40
_VALUE = 60
_OLD_NEW = (("path", "new_name"), ("source", "destination"), ("old_path", "new_path"))
_WORDS: Mapping[str, Word] = {
    "y": "yes",
    "yes": "yes",
    "n": "no",
    "no": "no",
    "a": "all",
    "all": "all",
    "l": "later",
    "later": "later",
}
_PROMPT = "Do this? [y]es, [n]o, [a]ll of this run, [l]ater: "
_AGAIN = "Was it not done, and shall it be done again? [y]es, [n]o, [l]ater: "


def on_a_terminal() -> bool:
    """Whether a person can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def typed(prompt: str) -> str:
    """Show a prompt on stderr and give the line that a person types.

    A signal that comes after the prompt and before the wait is heard too: `input` would see it
    only once a line is there.
    """
    sys.stderr.write(prompt)
    sys.stderr.flush()
    ears, bell = socket.socketpair()
    with ears, bell:
        bell.settimeout(0)
        before = signal.set_wakeup_fd(bell.fileno(), warn_on_full_buffer=False)
        try:
            while sys.stdin not in select.select([sys.stdin, ears], [], [])[0]:
                ears.recv(1)
        finally:
            signal.set_wakeup_fd(before)
    return input()


def ask(console: Console, state: RunState, read: Callable[[str], str] = typed) -> Word:
    """Show the proposal and wait for a word; the end of the input means later.

    Raises:
        KeyboardInterrupt: The person pressed Ctrl-C.
    """
    proposal = state.proposal
    if proposal is None:
        return "later"
    console.print()
    console.print(proposed(proposal))
    if state.approval and state.approval.reason:
        console.print(Text(f"  {state.approval.reason}", style="yellow"))
    prompt = _AGAIN if unknown_outcome(state) else _PROMPT
    while True:
        word = _WORDS.get(_line(read, prompt).strip().lower())
        if word is not None:
            return word


def _line(read: Callable[[str], str], prompt: str) -> str:
    # The event loop's handler would swallow the Ctrl-C that has to end the wait for a line.
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return read(prompt)
    except EOFError:
        return "later"
    finally:
        signal.signal(signal.SIGINT, handler)


def proposed(proposal: Proposal) -> Table:
    """Every call of a proposal in a row: old and new for a rename, else its arguments."""
    count = len(proposal.calls)
    title = f"{proposal.tool}: {count} {proposal.effect.replace('_', ' ')} call"
    title += "s" if count != 1 else ""
    pair = next(
        (
            pair
            for pair in _OLD_NEW
            if all(pair[0] in c.arguments and pair[1] in c.arguments for c in proposal.calls)
        ),
        None,
    )
    if pair is not None:
        made = table("from", "to", title=title)
        rows = [_old_new(call.arguments, pair) for call in proposal.calls]
    else:
        names = list(dict.fromkeys(name for call in proposal.calls for name in call.arguments))
        made = table(*names, title=title) if names else table("no arguments", title=title)
        rows = [[_written(call.arguments.get(name)) for name in names] for call in proposal.calls]
    for row in rows[:MOST_ROWS]:
        made.add_row(*map(Text, row))
    if count > MOST_ROWS:
        made.add_row(Text(f"… and {count - MOST_ROWS} more", style="dim"))
    return made


def _old_new(arguments: Mapping[str, JsonValue], pair: tuple[str, str]) -> list[str]:
    old, new = PurePath(str(arguments[pair[0]])), PurePath(str(arguments[pair[1]]))
    same_folder = new.parent in {old.parent, PurePath()}
    return [str(old), new.name if same_folder else str(new)]


def _written(value: JsonValue) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return shortened(text, _VALUE)
