"""The ``filesystem`` namespace: look at files and change their place, inside allowed folders."""

import hashlib
import os
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Annotated

from mcp.server.mcpserver import Context
from pydantic import Field

from desk.errors import OfficeError
from desk.files import trash
from desk.files.effects import Effects, Relocation, stage_name, staged_file
from desk.files.names import check_name, keep_extension
from desk.files.reading import TextPage, read_bytes, read_text, text_page
from desk.files.records import entries_of, matches, record_of, unreadable_names, walk
from desk.servers import shapes
from desk.servers.hosting import Setting, key_of, reads, serve, writes_once
from desk.servers.shapes import Limit, Offset

COPY_BYTES = 512 * 1024 * 1024
"""The largest file that copy_file takes."""

HASH_BYTES = 64 * 1024 * 1024
"""The largest file that find_duplicates compares."""


class Filesystem:
    """The tools over the allowed folders."""

    def __init__(self, setting: Setting) -> None:
        self._roots = setting.roots
        self._effects = Effects(setting.state)

    def close(self) -> None:
        """Close the journal of effects."""
        self._effects.close()

    @reads
    def list_dir(
        self,
        path: Annotated[str, Field(description="Absolute path of the folder to list")],
        limit: Limit = 2000,
        offset: Offset = 0,
        include_hidden: Annotated[bool, Field(description="Also list names with a dot")] = False,  # noqa: FBT002
    ) -> shapes.Listing:
        """List the files and folders directly inside a folder, sorted by name.

        Returns name, absolute path, kind, content type, size and modification time of every entry.
        Entries whose names are not valid UTF-8 are only counted, as unreadable_names.
        """
        folder = self._roots.folder(path)
        found = entries_of(folder, hidden=include_hidden)
        page = [record_of(entry) for entry in found[offset : offset + limit]]
        return shapes.Listing(
            path=str(folder),
            count=len(found),
            truncated=offset + len(page) < len(found),
            entries=page,
            unreadable_names=unreadable_names(folder),
        )

    @reads
    def search_files(
        self,
        path: Annotated[str, Field(description="Absolute path of the folder to search in")],
        pattern: Annotated[
            str, Field(description="Wildcards such as '*.png', or a part of the file name")
        ],
        limit: Limit = 2000,
        offset: Offset = 0,
    ) -> shapes.SearchResult:
        """Search a folder and its subfolders for files whose name matches a pattern.

        Matches names, not contents; upper and lower case are the same.
        """
        folder = self._roots.folder(path)
        found = [entry for entry in walk(folder) if matches(entry.name, pattern)]
        page = [record_of(entry) for entry in found[offset : offset + limit]]
        return shapes.SearchResult(
            path=str(folder),
            pattern=pattern,
            count=len(found),
            truncated=offset + len(page) < len(found),
            matches=page,
        )

    @reads
    def get_file_info(
        self, path: Annotated[str, Field(description="Absolute path of a file or folder")]
    ) -> shapes.FileInfo:
        """Get metadata of one file or folder: size, times, permissions and link target."""
        entry = self._roots.entry_or_root(path)
        status = entry.lstat()
        return shapes.FileInfo(
            **record_of(entry).model_dump(),
            permissions=oct(status.st_mode & 0o7777),
            link_target=str(entry.readlink()) if entry.is_symlink() else "",
        )

    @reads
    def directory_tree(
        self,
        path: Annotated[str, Field(description="Absolute path of the folder to show")],
        depth: Annotated[int, Field(ge=1, le=10, description="Levels of subfolders to show")] = 3,
    ) -> shapes.Tree:
        """Show a folder and its subfolders as an indented tree of names."""
        folder = self._roots.folder(path)
        every = (entry for entry in walk(folder) if _depth(entry, folder) < depth)
        shown = list(islice(every, shapes.TREE_LINES + 1))
        lines = ["  " * _depth(entry, folder) + _label(entry) for entry in shown]
        return shapes.Tree(
            path=str(folder),
            truncated=len(lines) > shapes.TREE_LINES,
            lines=lines[: shapes.TREE_LINES],
        )

    @reads
    def find_duplicates(
        self, path: Annotated[str, Field(description="Absolute path of the folder to examine")]
    ) -> shapes.Duplicates:
        """Find files with exactly the same content in a folder and its subfolders."""
        folder = self._roots.folder(path)
        by_size: dict[int, list[Path]] = {}
        for entry in walk(folder):
            if entry.is_file() and not entry.is_symlink():
                by_size.setdefault(entry.stat().st_size, []).append(entry)
        groups: dict[str, list[str]] = {}
        for size, same_size in by_size.items():
            if len(same_size) > 1 and size <= HASH_BYTES:
                for entry in same_size:
                    digest = hashlib.sha256(entry.read_bytes()).hexdigest()
                    groups.setdefault(digest, []).append(str(entry))
        found = sorted(group for group in groups.values() if len(group) > 1)
        return shapes.Duplicates(path=str(folder), count=len(found), groups=found)

    @reads
    def read_text_file(
        self,
        path: Annotated[str, Field(description="Absolute path of the text file")],
        offset: Annotated[int, Field(ge=0, description="First character to return")] = 0,
        limit: Annotated[int, Field(ge=1, le=100_000, description="Most characters to return")] = (
            20_000
        ),
    ) -> TextPage:
        """Read the content of a plain text file. Pictures and PDFs are refused."""
        file = self._roots.file(path)
        return text_page(str(file), read_text(file), offset, limit)

    @writes_once
    def write_file(
        self,
        path: Annotated[str, Field(description="Absolute path of the file to create")],
        content: Annotated[str, Field(max_length=5_000_000, description="Text to write")],
        context: Context,
    ) -> shapes.Written:
        """Create a text file. An existing file is never overwritten: the new one gets ' (2)'."""

        def plan(key: str) -> Relocation:
            target = self._roots.vacant(path)
            return Relocation.plan(staged_file(target.parent, key, content.encode()), target)

        done = self._once(context, plan, "write_file", path=path, content=content)
        return shapes.Written(
            path=done.destination,
            name=Path(done.destination).name,
            bytes_written=len(content.encode()),
        )

    @writes_once
    def move_file(
        self,
        source: Annotated[str, Field(description="Absolute path of the file or folder to move")],
        destination: Annotated[str, Field(description="Folder to move into, or full new path")],
        context: Context,
    ) -> shapes.Moved:
        """Move a file or folder to another folder. A taken name gets a suffix, no overwrite."""

        def plan(_: str) -> Relocation:
            entry = self._roots.entry(source)
            target = self._roots.target(destination, entry.name)
            return Relocation.plan(entry, _elsewhere(entry, target))

        done = self._once(context, plan, "move_file", source=source, destination=destination)
        return shapes.Moved(source=done.source, destination=done.destination)

    @writes_once
    def rename_file(
        self,
        path: Annotated[str, Field(description="Absolute path of the file to rename")],
        new_name: Annotated[
            str, Field(description="New file name without folder; the extension is kept if missing")
        ],
        context: Context,
    ) -> shapes.Renamed:
        """Rename a file or folder in place. A taken name gets a suffix -2, no overwrite."""

        def plan(_: str) -> Relocation:
            entry = self._roots.entry(path)
            name = check_name(new_name)
            if not entry.is_dir():
                name = check_name(keep_extension(name, entry.name))
            return Relocation.plan(entry, _elsewhere(entry, entry.with_name(name)), style="dash")

        done = self._once(context, plan, "rename_file", path=path, new_name=new_name)
        return shapes.Renamed(
            old_path=done.source,
            new_path=done.destination,
            old_name=Path(done.source).name,
            new_name=Path(done.destination).name,
        )

    @writes_once
    def copy_file(
        self,
        source: Annotated[str, Field(description="Absolute path of the file to copy")],
        destination: Annotated[str, Field(description="Folder to copy into, or full new path")],
        context: Context,
    ) -> shapes.Moved:
        """Copy a file. A taken name gets a suffix, no overwrite; the original stays."""

        def plan(key: str) -> Relocation:
            file = self._roots.file(source)
            target = self._roots.target(destination, file.name)
            content = read_bytes(file, most=COPY_BYTES)
            # A private file stays private: its copy opens to nobody new.
            mode = file.stat().st_mode & 0o777
            return Relocation.plan(staged_file(target.parent, key, content, mode=mode), target)

        done = self._once(context, plan, "copy_file", source=source, destination=destination)
        return shapes.Moved(source=source, destination=done.destination)

    @writes_once
    def create_dir(
        self,
        path: Annotated[str, Field(description="Absolute path of the folder to create")],
        context: Context,
    ) -> shapes.Created:
        """Create a folder, and those above it. If it exists already, nothing changes."""

        def plan(key: str) -> Relocation:
            target, top = self._roots.vacant_tree(path)
            if target.is_dir():
                return Relocation.plan(target, target)
            if os.path.lexists(target):
                raise OfficeError(
                    f"{path!r} already exists and is not a folder.", hint="Choose another name."
                )
            stage = top.parent / stage_name(key)
            (stage / target.relative_to(top)).mkdir(parents=True, exist_ok=True)
            return Relocation.plan(stage, top, style=None)

        done = self._once(context, plan, "create_dir", path=path)
        made = str(self._roots.folder(path))
        return shapes.Created(path=made, created=done.source != done.destination)

    @writes_once
    def trash(
        self,
        path: Annotated[str, Field(description="Absolute path of the file or folder to remove")],
        context: Context,
    ) -> shapes.Trashed:
        """Move a file or folder to the trash. Nothing is deleted; restore_from_trash undoes it."""

        def plan(key: str) -> Relocation:
            return trash.plan_trashing(self._roots, self._roots.entry(path), key)

        done = self._once(context, plan, "trash", path=path)
        return shapes.Trashed(
            original_path=done.source, trash_id=Path(done.destination).parent.name
        )

    @reads
    def list_trash(self) -> shapes.TrashListing:
        """List the files and folders in the trash with the ids that restore them."""
        items = [
            shapes.TrashRecord(
                trash_id=item.trash_id,
                name=item.name,
                original_path=item.original_path,
                trashed_at=item.trashed_at,
            )
            for item in trash.trashed(self._roots)
        ]
        return shapes.TrashListing(count=len(items), items=items)

    @writes_once
    def restore_from_trash(
        self,
        trash_id: Annotated[str, Field(description="Id of the entry, as list_trash shows it")],
        context: Context,
    ) -> shapes.Restored:
        """Put a trashed file or folder back where it was. A taken name gets a suffix."""

        def plan(_: str) -> Relocation:
            return trash.plan_restoring(self._roots, trash_id)

        done = self._once(context, plan, "restore_from_trash", trash_id=trash_id)
        trash.forget(done)
        return shapes.Restored(trash_id=trash_id, path=done.destination)

    def _once(
        self, context: Context, plan: Callable[[str], Relocation], tool: str, **arguments: str
    ) -> Relocation:
        return self._effects.once(key_of(context), {"tool": tool, **arguments}, plan)


def _elsewhere(entry: Path, target: Path) -> Path:
    if target == entry:
        raise OfficeError(
            f"{str(entry)!r} already has that name and place; nothing was changed.",
            hint="Give a different name or folder.",
        )
    return target


def _depth(entry: Path, folder: Path) -> int:
    return len(entry.relative_to(folder).parts) - 1


def _label(entry: Path) -> str:
    return f"{entry.name}/" if entry.is_dir() and not entry.is_symlink() else entry.name


if __name__ == "__main__":
    serve(
        "filesystem",
        "List, search, read, write, move, rename and trash files inside the allowed folders.",
        Filesystem,
    )
