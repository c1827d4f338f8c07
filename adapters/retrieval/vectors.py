"""Vectors kept on disk, so that a text is embedded once for a model and never again."""

import hashlib
import os
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Encode = Callable[[Sequence[str]], Vectors]


class VectorCache:
    """The vectors of one model by the digest of their text; without a folder it keeps nothing.

    A file that cannot be read or written costs time and nothing else, so neither is an error.
    """

    def __init__(self, folder: Path | None, model: str, *, width: int) -> None:
        self._file = folder / f"vectors-{model[:32]}.npz" if folder else None
        self._width = width

    def vectors(self, texts: Sequence[str], encode: Encode) -> Vectors:
        """Give the vector of each text, asking `encode` for those that are not known."""
        keys = [hashlib.sha256(text.encode(errors="replace")).hexdigest() for text in texts]
        known = self._read()
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        if missing:
            known.update(zip(missing, encode(list(missing.values())), strict=True))
            self._write(known)
        found = [known[key] for key in keys]
        return np.vstack(found) if found else np.zeros((0, self._width), dtype=np.float32)

    def _read(self) -> dict[str, Vectors]:
        if self._file is None:
            return {}
        try:
            with self._file.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                keys, rows = stored["keys"].tolist(), stored["rows"]
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return {}
        if rows.dtype != np.float32 or rows.shape != (len(keys), self._width):
            return {}
        return dict(zip(keys, rows, strict=True))

    def _write(self, known: dict[str, Vectors]) -> None:
        """Replace the file in one step: another process may be reading it."""
        if self._file is None:
            return
        with suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self._file.parent, suffix=".partial")
            draft = Path(name)
            try:
                with os.fdopen(handle, "wb") as file:
                    np.savez(file, keys=np.array(list(known)), rows=np.vstack(list(known.values())))
                draft.replace(self._file)
            finally:
                draft.unlink(missing_ok=True)
