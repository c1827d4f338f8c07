"""Reading text in pictures: a local engine with its models inside the package, no network."""

import logging
import os
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from desk.errors import OfficeError
from desk.files.reading import read_bytes

IMAGE_BYTES = 64 * 1024 * 1024
"""The largest picture file the engine opens."""

IMAGE_PIXELS = 80_000_000
"""Pictures with more pixels are refused before they are decoded."""

LONG_SIDE = 2000
"""Pictures are scaled down to this many pixels on their longer side."""

DECORATION = " ●•○◦■□"
"""Marks at the ends of a run that are buttons and bullets of a window, not text."""

MODELS = min(2, os.cpu_count() or 1)
"""Pictures read at the same time. One thread each: two threads on one picture mostly wait."""


@dataclass(frozen=True, slots=True)
class Word:
    """One recognised run of text and where it stands, in pixels of the picture as read."""

    text: str
    confidence: float
    left: int
    top: int
    right: int
    bottom: int


@dataclass(frozen=True, slots=True)
class Reading:
    """What stands in a picture, in reading order."""

    lines: tuple[tuple[Word, ...], ...]
    width: int
    height: int

    @property
    def text(self) -> str:
        """The lines of text, joined by line breaks."""
        return "\n".join(" ".join(word.text for word in line) for line in self.lines)

    @property
    def confidence(self) -> float:
        """The mean confidence of all words, 0 when there are none."""
        words = [word.confidence for line in self.lines for word in line]
        return round(sum(words) / len(words), 3) if words else 0.0


class OcrEngine:
    """Loads a recognition model at the first picture, and another when two are read at once."""

    def __init__(self) -> None:
        self._places = threading.BoundedSemaphore(MODELS)
        self._idle: queue.LifoQueue[Any] = queue.LifoQueue()

    def read_file(self, path: Path) -> Reading:
        """Read the text of a picture file."""
        return self.read(read_bytes(path, most=IMAGE_BYTES), str(path))

    def read(self, content: bytes, name: str) -> Reading:
        """Read the text of an encoded picture; ``name`` is for the error message."""
        pixels = _pixels(content, name)
        with self._model() as model:
            found = model(pixels)
        height, width = pixels.shape[:2]
        if found.boxes is None:
            return Reading((), width, height)
        words = [_word(*part) for part in zip(found.boxes, found.txts, found.scores, strict=True)]
        return Reading(in_reading_order([word for word in words if word.text]), width, height)

    @contextmanager
    def _model(self) -> Iterator[Any]:
        with self._places:
            try:
                model = self._idle.get_nowait()
            except queue.Empty:
                model = _load_model()
            try:
                yield model
            finally:
                self._idle.put(model)


def _load_model() -> Any:
    try:
        import cv2
        from rapidocr import RapidOCR
    except ImportError as error:
        raise OfficeError(
            "The OCR engine is not installed.",
            hint="Install it with: pip install 'ferryman[desk]'.",
        ) from error
    logging.getLogger("RapidOCR").setLevel(logging.ERROR)
    cv2.setNumThreads(1)
    return RapidOCR(
        params={
            "Global.log_level": "error",
            "Global.max_side_len": LONG_SIDE,
            "Global.use_cls": False,
            "Det.limit_type": "max",
            "Det.limit_side_len": LONG_SIDE,
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )


def in_reading_order(words: list[Word]) -> tuple[tuple[Word, ...], ...]:
    """Group words into lines by their vertical overlap, top to bottom and left to right."""
    lines: list[list[Word]] = []
    for word in sorted(words, key=lambda word: (word.top + word.bottom, word.left)):
        if lines and _same_line(lines[-1], word):
            lines[-1].append(word)
        else:
            lines.append([word])
    return tuple(tuple(sorted(line, key=lambda word: word.left)) for line in lines)


def _same_line(line: list[Word], word: Word) -> bool:
    first = line[0]
    middle = (word.top + word.bottom) / 2
    return first.top < middle < first.bottom and abs(_middle(first) - middle) < _height(first) / 2


def _middle(word: Word) -> float:
    return (word.top + word.bottom) / 2


def _height(word: Word) -> int:
    return word.bottom - word.top


def _word(box: Any, text: str, score: float) -> Word:
    across = [int(point[0]) for point in box]
    down = [int(point[1]) for point in box]
    return Word(
        text.strip(DECORATION), float(score), min(across), min(down), max(across), max(down)
    )


def _pixels(content: bytes, name: str) -> Any:
    import numpy as np
    from PIL import Image, UnidentifiedImageError

    # The limit is ours, checked on the size the file declares, before anything is decoded.
    Image.MAX_IMAGE_PIXELS = None
    try:
        with Image.open(BytesIO(content)) as picture:
            if picture.width * picture.height > IMAGE_PIXELS:
                raise OfficeError(
                    f"{name!r} has more than {IMAGE_PIXELS} pixels.", hint="Scale it down first."
                )
            picture.draft("RGB", (LONG_SIDE, LONG_SIDE))
            plain = picture.convert("RGB")
    except UnidentifiedImageError as error:
        raise OfficeError(
            f"{name!r} is not a picture.", hint="Give a PNG, JPEG, WebP, BMP, GIF or TIFF file."
        ) from error
    except (OSError, SyntaxError, ValueError) as error:
        raise OfficeError(
            f"{name!r} is a damaged picture and cannot be decoded.", hint="Open it in a viewer."
        ) from error
    plain.thumbnail((LONG_SIDE, LONG_SIDE))
    # The engine reads arrays as BGR.
    return np.asarray(plain)[:, :, ::-1].copy()
