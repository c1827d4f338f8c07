"""Toolsets in memory, for scenarios: what is called is recorded, what fails is an outcome.

desk = InMemoryFiles(["a.png", "b.txt"])
toolset = InMemoryToolset([*filesystem(desk), *ocr({"a.png": "Invoice 42"})])
await toolset.call(ToolCall(tool="ocr.extract_text_from_image", arguments={"path": "a.png"}))
assert toolset.called("ocr.extract_text_from_image") == [{"path": "a.png"}]
"""

import fnmatch
import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import anyio
import anyio.lowlevel

from adapters.tools.outcomes import failed, succeeded, unknown_tool
from orchestrator.core.errors import ToolError, ToolFailed, ToolTimeout
from orchestrator.core.tools import Effect, ToolCall, ToolOutcome, ToolSpec

Answer = Callable[..., Any]
"""Takes the call's arguments by name; returns data, raises a ToolError, or is async."""


class InMemoryToolset:
    """Tools given as pairs of a spec and what answers its calls; `calls` holds them in order."""

    def __init__(
        self,
        tools: Iterable[tuple[ToolSpec, Answer]],
        *,
        timeout_s: float = 5.0,
    ):
        self._timeout_s = timeout_s
        self._tools = {spec.id: (spec, answer) for spec, answer in tools}
        self.calls: list[ToolCall] = []

    @property
    def specs(self) -> Sequence[ToolSpec]:
        return tuple(spec for spec, _ in self._tools.values())

    def called(self, tool: str) -> list[dict[str, Any]]:
        """The arguments of every call of one tool, in order."""
        return [call.arguments for call in self.calls if call.tool == tool]

    async def call(self, call: ToolCall) -> ToolOutcome:
        await anyio.lowlevel.checkpoint()
        self.calls.append(call)
        if call.tool not in self._tools:
            return unknown_tool(call.tool, self._tools)
        try:
            with anyio.fail_after(self._timeout_s):
                return succeeded(await self._answer(call))
        except TimeoutError:
            return failed(ToolTimeout(f"{call.tool} did not answer in time."))
        except ToolError as error:
            return failed(error)

    async def _answer(self, call: ToolCall) -> Any:
        answer = self._tools[call.tool][1]
        try:
            inspect.signature(answer).bind(**call.arguments)
        except TypeError as error:
            raise ToolFailed(f"{call.tool}: {error}.") from error
        value = answer(**call.arguments)
        return await value if inspect.isawaitable(value) else value


def tool(
    tool_id: str,
    description: str,
    answer: Answer,
    *,
    effect: Effect = "read",
    idempotent: bool = False,
    output: dict[str, Any] | None = None,
    **parameters: str,
) -> tuple[ToolSpec, Answer]:
    """Make one tool; parameters are given as name="JSON type", or "JSON type?" if optional."""
    properties = {name: {"type": kind.rstrip("?")} for name, kind in parameters.items()}
    schema = {
        "type": "object",
        "properties": properties,
        "required": [name for name, kind in parameters.items() if not kind.endswith("?")],
        "additionalProperties": False,
    }
    spec = ToolSpec(
        id=tool_id,
        description=description,
        input_schema=schema,
        output_schema=output,
        effect=effect,
        idempotent=idempotent,
    )
    return spec, answer


ENTRIES = {
    "type": "object",
    "properties": {
        "entries": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "name": {"type": "string"},
                    "path": {"type": "string"},
                    "size": {"type": "integer"},
                },
                "required": ["name", "path", "size"],
            },
        }
    },
    "required": ["entries"],
}
TEXT = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
PATHS = {
    "type": "object",
    "properties": {"old_path": {"type": "string"}, "new_path": {"type": "string"}},
    "required": ["old_path", "new_path"],
}


class InMemoryFiles:
    """A folder that exists only here: content by path."""

    def __init__(self, files: dict[str, str] | Iterable[str]):
        self.content = dict(files) if isinstance(files, dict) else dict.fromkeys(files, "")

    def list_dir(self, path: str) -> dict[str, Any]:
        prefix = f"{path.rstrip('/')}/"
        inside = [name for name in sorted(self.content) if name.startswith(prefix)]
        if not inside:
            raise ToolFailed(f"No such folder: {path}")
        return {"entries": [self._entry(name) for name in inside]}

    def search_files(self, path: str, pattern: str) -> dict[str, Any]:
        names = [n for n in sorted(self.content) if n.startswith(f"{path.rstrip('/')}/")]
        found = [n for n in names if fnmatch.fnmatch(n.rpartition("/")[2], pattern)]
        return {"entries": [self._entry(name) for name in found]}

    def rename_file(self, path: str, new_name: str) -> dict[str, str]:
        if path not in self.content:
            raise ToolFailed(f"No such file: {path}")
        if not new_name or "/" in new_name:
            raise ToolFailed(f"{new_name!r} is not a file name.")
        target = f"{path.rpartition('/')[0]}/{new_name}"
        if target in self.content:
            raise ToolFailed(f"There is already a file {target}")
        self.content[target] = self.content.pop(path)
        return {"old_path": path, "new_path": target}

    def _entry(self, path: str) -> dict[str, Any]:
        return {"name": path.rpartition("/")[2], "path": path, "size": len(self.content[path])}


def filesystem(files: InMemoryFiles) -> list[tuple[ToolSpec, Answer]]:
    """The part of a filesystem server that scenarios need."""
    return [
        tool(
            "filesystem.list_dir",
            "List the entries of a folder with name, path and size.",
            files.list_dir,
            output=ENTRIES,
            path="string",
        ),
        tool(
            "filesystem.search_files",
            "Find files in a folder whose name matches a pattern such as *.png.",
            files.search_files,
            output=ENTRIES,
            path="string",
            pattern="string",
        ),
        tool(
            "filesystem.rename_file",
            "Give a file a new name in the same folder.",
            files.rename_file,
            effect="local_write",
            output=PATHS,
            path="string",
            new_name="string",
        ),
    ]


def ocr(texts: dict[str, str]) -> list[tuple[ToolSpec, Answer]]:
    """An OCR server that knows the text of each image by path."""

    def extract(path: str) -> dict[str, str]:
        if path not in texts:
            raise ToolFailed(f"{path} is not an image.")
        return {"text": texts[path]}

    description = "Read the text in an image file (PNG, JPEG)."
    return [tool("ocr.extract_text_from_image", description, extract, output=TEXT, path="string")]
