"""Weights from elsewhere: one file of a model hub's repository, or a file at hand."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import httpx

from orchestrator.core.errors import ModelFileError

HUB = "https://huggingface.co"
_PREFIX = "hf:"
_BLOCK = 1 << 20
# owner, repository, file
_PIECES = 3


def is_hub(source: str) -> bool:
    """Tell a hub address from a path."""
    return source.startswith(_PREFIX)


def file_name(source: str) -> str:
    """Give the name of the file that a source ends in."""
    return source.rsplit("/", 1)[-1]


def hub_url(source: str) -> str:
    """Turn `hf:OWNER/REPO/FILE` into the address of the file.

    Raises:
        ModelFileError: The source has another shape.
    """
    pieces = source.removeprefix(_PREFIX).split("/")
    if len(pieces) < _PIECES or not all(pieces):
        raise ModelFileError(
            f"{source!r} names no file of a hub repository.",
            hint="Write it as hf:OWNER/REPO/FILE.gguf.",
        )
    return f"{HUB}/{pieces[0]}/{pieces[1]}/resolve/main/{'/'.join(pieces[2:])}"


def download(
    url: str,
    target: Path,
    *,
    advance: Callable[[int, int], None],
    transport: httpx.BaseTransport | None = None,
) -> None:
    """Fetch a file, going on after the bytes that `target` already has.

    `advance` is told the bytes there are and the bytes there will be (0 when unknown).

    Raises:
        ModelFileError: The hub is out of reach or refuses.
    """
    have = target.stat().st_size if target.exists() else 0
    headers = {"Range": f"bytes={have}-"} if have else {}
    try:
        with (
            httpx.Client(transport=transport, follow_redirects=True, timeout=60.0) as client,
            client.stream("GET", url, headers=headers) as response,
        ):
            if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
                return
            response.raise_for_status()
            _write(response, target, have, advance)
    except httpx.HTTPError as error:
        raise ModelFileError(
            f"{url} could not be fetched: {error}",
            hint="Check the network and pull again: it resumes where it stopped.",
        ) from error


def _write(
    response: httpx.Response, target: Path, have: int, advance: Callable[[int, int], None]
) -> None:
    resumed = response.status_code == httpx.codes.PARTIAL_CONTENT
    done = have if resumed else 0
    length = int(response.headers.get("Content-Length", 0))
    total = done + length if length else 0
    with target.open("ab" if resumed else "wb") as file:
        for block in response.iter_bytes(_BLOCK):
            file.write(block)
            done += len(block)
            advance(done, total)


def take_over(source: Path, target: Path) -> None:
    """Bring a file at hand to the store: linked where the disk allows it, else copied.

    Raises:
        ModelFileError: There is no such file.
    """
    if not source.is_file():
        raise ModelFileError(f"There is no file {source}.", hint="Give the path of a file.")
    target.unlink(missing_ok=True)
    try:
        os.link(source.resolve(), target)
    except OSError:
        shutil.copyfile(source, target)
