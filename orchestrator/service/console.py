"""Serves the console: one page, its modules and its style, all from this package.

The page holds no data of its own; what it shows it asks of the native API, with the person's key.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

router = APIRouter(include_in_schema=False)

PAGE = "index.html"
TYPES: Mapping[str, str] = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_POLICY = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "form-action 'none'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    # No string becomes markup or code in this page, whatever a tool has said.
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
)
CONTENT_POLICY = "; ".join(_POLICY)
_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    # Kept, but asked about each time: an upgraded service is never shown with an old page.
    "Cache-Control": "no-cache",
}


@dataclass(frozen=True)
class StaticFile:
    """A file of the page as it is sent; `tag` changes whenever its bytes do."""

    body: bytes
    media_type: str
    tag: str


@cache
def static_files() -> Mapping[str, StaticFile]:
    """Every file of the page by its name, read once from the installed package."""
    folder = files("orchestrator.service") / "console"
    found = {each.name: each.read_bytes() for each in folder.iterdir() if _suffix(each.name)}
    return {name: _static(name, body) for name, body in found.items()}


@router.get("/")
async def page(request: Request) -> Response:
    """The console."""
    return _sent(static_files()[PAGE], request)


@router.get("/console/{name}")
async def part(name: str, request: Request) -> Response:
    """A module, the style, or the mark of the console."""
    found = static_files().get(name)
    if found is None:
        raise HTTPException(404)
    return _sent(found, request)


def _sent(file: StaticFile, request: Request) -> Response:
    headers = {**_HEADERS, "ETag": file.tag}
    known = request.headers.get("if-none-match", "")
    if file.tag in {tag.strip().removeprefix("W/") for tag in known.split(",")}:
        return Response(status_code=304, headers=headers)
    return Response(file.body, media_type=file.media_type, headers=headers)


def _static(name: str, body: bytes) -> StaticFile:
    tag = hashlib.sha256(body).hexdigest()[:20]
    return StaticFile(body=body, media_type=TYPES[_suffix(name)], tag=f'"{tag}"')


def _suffix(name: str) -> str:
    """The file's ending if it is one that is served, else nothing."""
    return next((ending for ending in TYPES if name.endswith(ending)), "")
