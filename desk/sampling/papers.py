"""The other files of a desk: notes, a budget, a letter, a scan, a project under git."""

import csv
import os
import shutil
import sqlite3
import subprocess
from io import StringIO
from pathlib import Path
from random import Random
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from PIL import Image

from desk.sampling.stories import CITIES, PEOPLE, VENDORS

_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
_COMMIT_TIME = "2026-02-01T10:00:00+0000"

_TYPES = (
    f'{_XML}<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels" '
    'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/word/document.xml" ContentType="{_MAIN_TYPE}"/></Types>'
)
_RELATIONS = (
    f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
    f'Type="{_OFFICE}/officeDocument" Target="word/document.xml"/></Relationships>'
)


def write_docx(path: Path, paragraphs: list[str]) -> None:
    """Write a minimal Word document; the paragraphs hold no XML characters."""
    body = "".join(f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>" for text in paragraphs)
    document = f'{_XML}<w:document xmlns:w="{_WORD}"><w:body>{body}</w:body></w:document>'
    parts = {
        "[Content_Types].xml": _TYPES,
        "_rels/.rels": _RELATIONS,
        "word/document.xml": document,
    }
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(ZipInfo(name, (2026, 1, 1, 0, 0, 0)), content)


def write_scan(path: Path, picture: Path) -> None:
    """Write a PDF that holds only a picture, as a scanner does."""
    with Image.open(picture) as image:
        image.convert("RGB").save(path, format="PDF", creationDate=None, modDate=None)


def write_table(path: Path, header: tuple[str, ...], rows: list[tuple[object, ...]]) -> None:
    """Write a CSV file."""
    sink = StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    path.write_text(sink.getvalue(), encoding="utf-8")


def sales(random: Random) -> list[tuple[object, ...]]:
    """Make the rows of a small sales table: day, city, product, quantity, price."""
    products = ("desk", "lamp", "chair", "shelf")
    return [
        (
            f"2026-0{random.randrange(1, 7)}-{random.randrange(1, 29):02d}",
            random.choice(CITIES),
            random.choice(products),
            random.randrange(1, 12),
            round(random.uniform(15, 420), 2),
        )
        for _ in range(40)
    ]


def write_database(path: Path, random: Random) -> None:
    """Write a SQLite database with sales and suppliers."""
    database = sqlite3.connect(path)
    with database:
        database.execute(
            "CREATE TABLE sales (day TEXT, city TEXT, product TEXT, quantity INTEGER, price REAL)"
        )
        database.executemany("INSERT INTO sales VALUES (?, ?, ?, ?, ?)", sales(random))
        database.execute("CREATE TABLE suppliers (name TEXT, contact TEXT)")
        pairs = [(vendor, random.choice(PEOPLE)) for vendor in VENDORS]
        database.executemany("INSERT INTO suppliers VALUES (?, ?)", pairs)
    database.close()


def write_repository(folder: Path) -> None:
    """Make a small git repository; without git installed only its files are written."""
    folder.mkdir(parents=True)
    (folder / "index.html").write_text("<h1>Harbor Foods</h1>\n")
    (folder / "README.md").write_text("# Website\n\nThe public page of Harbor Foods.\n")
    git = shutil.which("git")
    if git is None:
        return
    who = {"NAME": "Marta Lindholm", "EMAIL": "marta@example.com", "DATE": _COMMIT_TIME}
    identity = {f"GIT_{role}_{key}": who[key] for role in ("AUTHOR", "COMMITTER") for key in who}
    quiet = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    environment = {"PATH": os.environ.get("PATH", ""), "HOME": str(folder), **identity, **quiet}
    for command in (
        ["init", "-q", "-b", "main"],
        ["add", "."],
        ["commit", "-q", "-m", "Add the first page"],
    ):
        subprocess.run([git, *command], cwd=folder, env=environment, check=True)  # noqa: S603
    (folder / "index.html").write_text("<h1>Harbor Foods</h1>\n<p>Open daily.</p>\n")
