"""The ``email`` namespace: read a local mailbox and write drafts; nothing is ever sent."""

import email.utils
import fcntl
import mailbox
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage, Message
from pathlib import Path
from typing import Annotated, Literal
from uuid import uuid4

from mcp.server.mcpserver import Context
from pydantic import BaseModel, Field

from desk.errors import OfficeError
from desk.servers.hosting import Setting, key_of, reads, replaces_once, serve, writes_once

KEY_HEADER = "X-Ferryman-Key"
"""Carries the idempotency key inside the draft, so that both are written in one step."""

Folder = Annotated[Literal["inbox", "drafts"], Field(description="Which mailbox")]
MessageId = Annotated[str, Field(description="Id of the message, as the lists show it")]


class Summary(BaseModel):
    """The head of a message."""

    id: str
    sender: str
    to: str
    subject: str
    date: str


class Summaries(BaseModel):
    """Messages in the order of the mailbox."""

    folder: str
    count: int
    messages: list[Summary]


class FullMessage(Summary):
    """A message with its text."""

    text: str


class Mail:
    """The tools over two mbox files."""

    def __init__(self, setting: Setting) -> None:
        self._folder = setting.roots.folders[0] / "Mail"
        self._lock = setting.state / "mail.lock"
        self._guard = threading.Lock()

    @reads
    def list_messages(self, folder: Folder = "inbox") -> Summaries:
        """List the messages of a mailbox: sender, subject and date."""
        return self._where(folder, "")

    @reads
    def search_messages(
        self,
        query: Annotated[str, Field(min_length=1, description="Words in sender, subject or text")],
        folder: Folder = "inbox",
    ) -> Summaries:
        """Search the messages of a mailbox for a text in the sender, subject or body."""
        return self._where(folder, query.casefold())

    @reads
    def read_message(self, message_id: MessageId, folder: Folder = "inbox") -> FullMessage:
        """Read one e-mail message with its whole text."""
        with self._open(folder) as box:
            message = _find(box, message_id)[1]
            return FullMessage(**_summary(message).model_dump(), text=_text(message))

    @writes_once
    def draft_email(
        self,
        to: Annotated[str, Field(description="Mail address of the recipient")],
        subject: Annotated[str, Field(description="Subject line")],
        body: Annotated[str, Field(max_length=1_000_000, description="Text of the message")],
        context: Context,
    ) -> Summary:
        """Write an e-mail and save it as a draft. It is not sent."""
        if "@" not in email.utils.parseaddr(to)[1]:
            raise OfficeError(f"{to!r} is not a mail address.", hint="Write name@example.com.")
        if "\n" in subject or "\r" in subject:
            raise OfficeError("The subject has a line break.", hint="Write it in one line.")
        key = key_of(context) or uuid4().hex
        with self._open("drafts", create=True) as box:
            for known in box:
                if known[KEY_HEADER] == key:
                    return _summary(known)
            draft = mailbox.mboxMessage(_draft(to, subject, body, key))
            draft.set_from("office@example.com", True)  # noqa: FBT003
            box.add(draft)
            box.flush()
            return _summary(draft)

    @replaces_once
    def discard_draft(self, message_id: MessageId) -> Summaries:
        """Throw away one draft and return the drafts that are left."""
        with self._open("drafts") as box:
            place = next((key for key, item in box.items() if item["Message-ID"] == message_id), "")
            # A repetition finds nothing left to throw away, which is what was asked.
            if place != "":
                box.remove(place)
                box.flush()
        return self._where("drafts", "")

    def _where(self, folder: Literal["inbox", "drafts"], query: str) -> Summaries:
        with self._open(folder) as box:
            found = [_summary(item) for item in box if query in _searchable(item)]
        return Summaries(folder=folder, count=len(found), messages=found)

    @contextmanager
    def _open(self, folder: str, *, create: bool = False) -> Iterator["mailbox.mbox"]:
        path = self._folder / f"{folder}.mbox"
        with self._guard, self._lock.open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            if create:
                self._folder.mkdir(exist_ok=True)
            elif not path.exists():
                # Looking at an office without mail must not make a mailbox.
                path = Path(os.devnull)
            box = mailbox.mbox(path)
            try:
                yield box
            finally:
                box.close()


def _draft(to: str, subject: str, body: str, key: str) -> EmailMessage:
    draft = EmailMessage()
    draft["From"] = "Office <office@example.com>"
    draft["To"] = to
    draft["Subject"] = subject
    draft["Date"] = email.utils.formatdate(localtime=False)
    draft["Message-ID"] = email.utils.make_msgid(domain="example.com")
    draft[KEY_HEADER] = key
    draft.set_content(body)
    return draft


def _find(box: "mailbox.mbox", message_id: str) -> tuple[str, "mailbox.mboxMessage"]:
    for place, message in box.items():
        if message["Message-ID"] == message_id:
            return place, message
    raise OfficeError(
        f"There is no message with the id {message_id!r}.", hint="See list_messages for the ids."
    )


def _summary(message: Message) -> Summary:
    heads = {name: str(message.get(name, "")) for name in ("From", "To", "Subject", "Date")}
    return Summary(
        id=str(message.get("Message-ID", "")),
        sender=heads["From"],
        to=heads["To"],
        subject=heads["Subject"],
        date=heads["Date"],
    )


def _text(message: Message) -> str:
    parts = [part for part in message.walk() if part.get_content_type() == "text/plain"]
    texts = []
    for part in parts:
        content = part.get_payload(decode=True)
        if isinstance(content, bytes):
            charset = part.get_content_charset() or "utf-8"
            texts.append(content.decode(charset, errors="replace"))
    return "\n".join(texts)


def _searchable(message: Message) -> str:
    return f"{message.get('From', '')} {message.get('Subject', '')} {_text(message)}".casefold()


if __name__ == "__main__":
    serve("email", "Read the local mailbox and write drafts. Nothing is sent.", Mail)
