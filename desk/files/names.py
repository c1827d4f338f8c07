"""File names as values: what a sound name is, and the next free one when a name is taken."""

import re
from collections.abc import Iterator
from pathlib import PurePath
from typing import Literal

from desk.errors import OfficeError

PRIVATE_PREFIX = ".ferryman-"
"""Names with this start belong to the server: staged files and the trash."""

NAME_BYTES = 255
"""The longest file name Linux and macOS file systems take, in bytes."""

ClashStyle = Literal["dash", "parentheses"]

FileType = Literal[
    "image", "text", "pdf", "spreadsheet", "document", "audio", "video", "archive", "other"
]

_EXTENSION = re.compile(r"\.[A-Za-z][A-Za-z0-9]{0,4}\Z|\.7z\Z|\.mp[34]\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_TYPES: dict[FileType, str] = {
    "image": "png jpg jpeg gif bmp webp tif tiff heic svg",
    "text": "txt md markdown rst log json yaml yml toml ini html xml ics eml mbox py js ts sh",
    "pdf": "pdf",
    "spreadsheet": "csv tsv xls xlsx ods",
    "document": "doc docx odt rtf pptx odp",
    "audio": "mp3 wav flac ogg m4a aac",
    "video": "mp4 mkv mov avi webm",
    "archive": "zip tar gz tgz bz2 xz 7z rar",
}
_TYPE_OF: dict[str, FileType] = {
    f".{ending}": kind for kind, endings in _TYPES.items() for ending in endings.split()
}


def type_of(name: str) -> FileType:
    """Classify a file by its extension: image, text, pdf, spreadsheet … or other."""
    return _TYPE_OF.get(PurePath(name).suffix.lower(), "other")


def check_name(name: str) -> str:
    """Return a file name that is safe to create, or say why it is not one."""
    name = name.strip()
    if not name:
        raise OfficeError("The new name is empty.", hint="Give a file name such as 'report.txt'.")
    if "/" in name:
        raise OfficeError(
            f"The name {name!r} contains a slash.", hint="Give a name only; to move, use move_file."
        )
    if _CONTROL.search(name):
        raise OfficeError(f"The name {name!r} contains a control character.")
    if name.startswith("."):
        raise OfficeError(f"The name {name!r} starts with a dot, which would hide the file.")
    if len(name.encode()) > NAME_BYTES:
        raise OfficeError(
            f"The name {name[:40]!r}… is longer than {NAME_BYTES} bytes.",
            hint="Give a shorter one.",
        )
    return name


def keep_extension(new_name: str, old_name: str) -> str:
    """Give a new name the old extension when it brings none of its own."""
    if _EXTENSION.search(new_name):
        return new_name
    return new_name + PurePath(old_name).suffix


def candidates(name: str, style: ClashStyle) -> Iterator[str]:
    """Yield a name and then its numbered variants: ``a-2.png`` or ``a (2).png``, and so on."""
    yield name
    stem, extension = split_extension(name)
    number = 2
    while True:
        mark = f"-{number}" if style == "dash" else f" ({number})"
        yield _shortened(stem, NAME_BYTES - len((mark + extension).encode())) + mark + extension
        number += 1


def split_extension(name: str) -> tuple[str, str]:
    """Split ``a.tar.gz`` into ``a`` and ``.tar.gz``; a name without extension keeps all."""
    path = PurePath(name)
    extension = path.suffix
    if PurePath(path.stem).suffix == ".tar":
        extension = ".tar" + extension
    return name.removesuffix(extension), extension


def _shortened(stem: str, limit: int) -> str:
    return stem.encode()[:limit].decode(errors="ignore")
