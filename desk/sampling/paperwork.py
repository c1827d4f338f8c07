"""Furnish an office: every folder the servers of the catalogue work on."""

import json
import mailbox
from collections.abc import Mapping, Sequence
from email.message import EmailMessage
from pathlib import Path
from random import Random

from desk.sampling import papers
from desk.sampling.screens import draw_screen
from desk.sampling.stories import CITIES, PEOPLE, VENDORS, tell


def furnish(root: Path, random: Random) -> None:
    """Write the files beside the screenshots, on the Desktop and in the other folders."""
    _desktop(root / "Desktop", random)
    _documents(root / "Documents", random)
    _mail(root / "Mail", random)
    _records(root, random)
    _notes(root / "Notes", random)
    data = root / "Data"
    data.mkdir()
    header = ("day", "city", "product", "quantity", "price")
    papers.write_table(data / "sales.csv", header, papers.sales(random))
    papers.write_database(data / "office.db", random)
    papers.write_repository(root / "Projects" / "website")


def _desktop(desktop: Path, random: Random) -> None:
    city = random.choice(CITIES)
    (desktop / "notes.txt").write_text(f"Call {random.choice(PEOPLE)} about {city}.\n")
    (desktop / "todo.md").write_text("# To do\n\n- [ ] water the plants\n- [x] book the train\n")
    budget = [("rent", 1200), ("food", random.randrange(300, 500)), ("travel", 150)]
    papers.write_table(desktop / "budget.csv", ("item", "eur"), [*budget])
    papers.write_docx(
        desktop / f"Letter to {random.choice(VENDORS)}.docx",
        [
            "Dear Sir or Madam,",
            f"Please deliver the order to our office in {city}.",
            "Kind regards",
        ],
    )
    old = desktop / "Old project"
    old.mkdir()
    (old / "plan (draft).txt").write_text("1. Ask for offers\n2. Compare\n3. Decide\n")
    (old / "log.txt").write_text("Started in January.\n")


def _documents(documents: Path, random: Random) -> None:
    documents.mkdir()
    vendor = random.choice(VENDORS)
    (documents / "meeting minutes.md").write_text(
        f"# Meeting with {vendor}\n\n## Decisions\n\n- Order 40 chairs\n- Meet again in May\n"
    )
    papers.write_docx(
        documents / "Service contract.docx",
        [f"Service contract with {vendor}", "The contract runs for twelve months.", "Signed"],
    )
    picture = documents / "scan.png"
    draw_screen(tell(random, 1)[0], picture, random)
    papers.write_scan(documents / "scan.pdf", picture)
    picture.unlink()


def _mail(mail: Path, random: Random) -> None:
    mail.mkdir()
    inbox = mailbox.mbox(mail / "inbox.mbox")
    for number, sender in enumerate(random.sample(PEOPLE, 4), start=1):
        message = EmailMessage()
        message["From"] = f"{sender} <{sender.lower()}@example.com>"
        message["To"] = "Office <office@example.com>"
        message["Subject"] = random.choice(("Offer", "Question", "Delivery", "Lunch"))
        message["Date"] = f"{number:02d} Feb 2026 09:00:00 +0000"
        message["Message-ID"] = f"<{number}.{random.randrange(10**6)}@example.com>"
        message.set_content(f"Hello,\n\nthis is about {random.choice(VENDORS)}.\n\n{sender}\n")
        entry = mailbox.mboxMessage(message)
        entry.set_from(message["From"].split()[-1].strip("<>"), (2026, 2, number, 9, 0, 0, 0, 0, 0))
        inbox.add(entry)
    inbox.close()
    (mail / "drafts.mbox").touch()


def _records(root: Path, random: Random) -> None:
    contacts = [
        {
            "id": f"c{number}",
            "name": f"{name} Lindholm",
            "email": f"{name.lower()}@example.com",
            "phone": f"+47 555 {random.randrange(1000, 9999)}",
            "company": random.choice(VENDORS),
        }
        for number, name in enumerate(PEOPLE, start=1)
    ]
    _write_records(root / "Contacts" / "contacts.json", contacts)
    titles = random.sample(("Pay the rent", "Order paper", "Prepare slides", "Fix the printer"), 3)
    tasks = [
        {
            "id": f"t{number}",
            "title": title,
            "due": f"2026-03-{random.randrange(1, 28):02d}",
            "priority": random.choice(("low", "normal", "high")),
            "status": "open",
            "notes": "",
        }
        for number, title in enumerate(titles, start=1)
    ]
    _write_records(root / "Tasks" / "tasks.json", tasks)
    events = [
        {
            "id": f"e{day}",
            "title": random.choice(("Budget review", "Design workshop", "Team lunch")),
            "start": f"2026-03-{day:02d}T{9 + day % 6:02d}:00",
            "end": f"2026-03-{day:02d}T{10 + day % 6:02d}:00",
            "location": f"Room {random.choice(CITIES)}",
            "attendees": random.sample(PEOPLE, 2),
            "notes": "",
        }
        for day in (2, 4, 5)
    ]
    _write_records(root / "Calendar" / "events.json", events)


def _write_records(path: Path, items: Sequence[Mapping[str, object]]) -> None:
    path.parent.mkdir()
    path.write_text(json.dumps({"items": [*items]}, indent=2) + "\n", encoding="utf-8")


def _notes(notes: Path, random: Random) -> None:
    notes.mkdir()
    for vendor in random.sample(VENDORS, 3):
        (notes / f"{vendor}.md").write_text(
            f"# {vendor}\n\nSupplier in {random.choice(CITIES)}."
            f" Our contact is {random.choice(PEOPLE)}."
            f" Pays within {random.randrange(10, 40)} days.\n"
        )
    (notes / "Office wifi.md").write_text("# Office wifi\n\nThe guest network is called harbor.\n")
