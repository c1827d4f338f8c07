"""The records of an office as plain fields: read for the checks, added for a case."""

import json
import mailbox
from collections.abc import Iterable, Mapping
from contextlib import closing
from email.message import EmailMessage, Message
from pathlib import Path
from typing import Any

from desk.errors import OfficeError
from desk.suite.cases import Records

Record = dict[str, Any]

LEDGERS: Mapping[str, str] = {
    "tasks": "Tasks/tasks.json",
    "events": "Calendar/events.json",
    "contacts": "Contacts/contacts.json",
}
"""The kinds that are kept as a JSON list, and where."""

_BOXES = {"mail": "Mail/inbox.mbox", "drafts": "Mail/drafts.mbox"}
_CLIPBOARD = "clipboard/clipboard.json"
_PLAIN: dict[str, Record] = {
    "tasks": {"due": "", "priority": "normal", "status": "open", "notes": ""},
    "events": {"location": "", "attendees": [], "notes": ""},
    "contacts": {"email": "", "phone": "", "company": ""},
    "clipboard": {"copied_at": "2026-02-10T09:00:00+00:00"},
    "mail": {"sender": "Marta Lindholm <marta@example.com>", "to": "Office <office@example.com>"},
    "drafts": {"sender": "Office <office@example.com>", "to": "marta@example.com"},
}
_ENDING = "\n"


def read_records(root: Path, kind: Records, state: Path | None = None) -> list[Record]:
    """Read every record of a kind from an office.

    The clipboard is kept in the servers' state folder, not in the office: without `state` it is
    empty.
    """
    if kind in LEDGERS:
        return items_in(root / LEDGERS[kind])
    if kind in _BOXES:
        return _messages(root / _BOXES[kind])
    if kind == "notes":
        return [_note(path) for path in sorted((root / "Notes").rglob("*.md"))]
    # The clipboard holds one text; those before it are its history.
    return items_in(state / _CLIPBOARD)[-1:] if state else []


def add_records(
    root: Path,
    kind: Records,
    records: Iterable[Record],
    *,
    state: Path | None = None,
    alone: bool = False,
) -> None:
    """Add records of a kind to an office; `alone` takes those away that were there before.

    Raises:
        OfficeError: A text for the clipboard, but no state folder to keep it in.
    """
    if kind in _BOXES:
        _add_messages(root / _BOXES[kind], kind, records, alone=alone)
    elif kind == "notes":
        _add_notes(root / "Notes", records, alone=alone)
    elif kind in LEDGERS:
        _add_items(root / LEDGERS[kind], kind, records, alone=alone)
    elif state is None:
        raise OfficeError("A case sets the clipboard, but no state folder was named.")
    else:
        _add_items(state / _CLIPBOARD, kind, records, alone=alone)


def items_in(path: Path) -> list[Record]:
    """Read the records of one JSON file; none when it is not there."""
    if not path.is_file():
        return []
    items: list[Record] = json.loads(path.read_text(encoding="utf-8"))["items"]
    return items


def _add_items(path: Path, kind: Records, records: Iterable[Record], *, alone: bool) -> None:
    items = [] if alone else items_in(path)
    for record in records:
        known = {item.get("id") for item in items}
        number = next(n for n in range(1, 9999) if f"{kind[0]}{n}" not in known)
        named = {} if kind == "clipboard" else {"id": f"{kind[0]}{number}"}
        items.append(named | _PLAIN[kind] | record)
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"items": items}, indent=2, ensure_ascii=False) + _ENDING
    path.write_text(text, encoding="utf-8")


def _messages(path: Path) -> list[Record]:
    if not path.is_file():
        return []
    with closing(mailbox.mbox(path)) as box:
        return [_fields(message) for message in box]


def _fields(message: Message) -> Record:
    heads = {name: str(message.get(name, "")) for name in ("From", "To", "Subject", "Date")}
    content = message.get_payload(decode=True)
    return {
        "id": str(message.get("Message-ID", "")),
        "sender": heads["From"],
        "to": heads["To"],
        "subject": heads["Subject"],
        "date": heads["Date"],
        "text": content.decode(errors="replace") if isinstance(content, bytes) else "",
    }


def _add_messages(path: Path, kind: Records, records: Iterable[Record], *, alone: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if alone:
        path.unlink(missing_ok=True)
    with closing(mailbox.mbox(path)) as box:
        for record in records:
            box.add(_entry(_PLAIN[kind] | record, len(box) + 1))
        box.flush()
    path.touch()


def _entry(record: Record, number: int) -> mailbox.mboxMessage:
    message = EmailMessage()
    day = 5 + number % 20
    message["From"], message["To"] = record["sender"], record["to"]
    message["Subject"] = record.get("subject", "Hello")
    message["Date"] = record.get("date", f"{day:02d} Feb 2026 09:00:00 +0000")
    message["Message-ID"] = record.get("id", f"<case.{number}@example.com>")
    message.set_content(record.get("text", "Hello."))
    entry = mailbox.mboxMessage(message)
    entry.set_from("office@example.com", (2026, 2, day, 9, 0, 0, 0, 0, 0))
    return entry


def _note(path: Path) -> Record:
    text = path.read_text(encoding="utf-8", errors="replace")
    first = next((line for line in text.splitlines() if line.startswith("# ")), "")
    return {"title": first.removeprefix("# ").strip() or path.stem, "name": path.name, "text": text}


def _add_notes(folder: Path, records: Iterable[Record], *, alone: bool) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if alone:
        for path in folder.rglob("*.md"):
            path.unlink()
    for record in records:
        title = record["title"]
        path = folder / f"{title}.md"
        path.write_text(f"# {title}\n\n{record.get('text', '')}\n", encoding="utf-8")
