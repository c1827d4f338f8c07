"""The results of the filesystem tools, as clients see them in the output schemas."""

from typing import Annotated

from pydantic import BaseModel, Field

from desk.files.records import FileRecord

TREE_LINES = 500
"""The most lines that directory_tree returns."""

Limit = Annotated[int, Field(ge=1, le=2000, description="Most entries to return")]
Offset = Annotated[int, Field(ge=0, description="Entries to skip from the start")]
Count = Annotated[int, Field(description="How many there are in all, also beyond this page")]
Truncated = Annotated[bool, Field(description="Whether more follow; ask again with an offset")]
AbsolutePath = Annotated[str, Field(description="Absolute path")]


class Listing(BaseModel):
    """The entries of a folder."""

    path: AbsolutePath
    count: Count
    truncated: Truncated
    entries: list[FileRecord]
    unreadable_names: Annotated[
        int, Field(description="Entries left out because their names are not valid UTF-8")
    ]


class SearchResult(BaseModel):
    """The files whose name matches."""

    path: AbsolutePath
    pattern: str
    count: Count
    truncated: Truncated
    matches: list[FileRecord]


class FileInfo(FileRecord):
    """All metadata of one entry."""

    permissions: Annotated[str, Field(description="Permission bits, octal")]
    link_target: Annotated[str, Field(description="Where a link leads, else empty")]


class Tree(BaseModel):
    """A folder as indented lines."""

    path: AbsolutePath
    truncated: Truncated
    lines: list[str]


class Duplicates(BaseModel):
    """Groups of files with the same content."""

    path: AbsolutePath
    count: Annotated[int, Field(description="Number of groups")]
    groups: list[list[str]]


class Written(BaseModel):
    """The file that was created."""

    path: AbsolutePath
    name: str
    bytes_written: int


class Moved(BaseModel):
    """Where an entry came from and where it is now."""

    source: AbsolutePath
    destination: AbsolutePath


class Renamed(BaseModel):
    """The old and the new name of an entry."""

    old_path: AbsolutePath
    new_path: AbsolutePath
    old_name: str
    new_name: str


class Created(BaseModel):
    """The folder, and whether it is new."""

    path: AbsolutePath
    created: bool


class Trashed(BaseModel):
    """The id that brings a trashed entry back."""

    original_path: AbsolutePath
    trash_id: str


class TrashRecord(Trashed):
    """One entry of the trash."""

    name: str
    trashed_at: str


class TrashListing(BaseModel):
    """What is in the trash."""

    count: int
    items: list[TrashRecord]


class Restored(BaseModel):
    """Where a restored entry is now."""

    trash_id: str
    path: AbsolutePath
