"""A case of the desk suite: a goal, the office it is set in, and what must be true afterwards."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

Difficulty = Literal["easy", "medium", "hard"]
Outcome = Literal["done", "asked", "refused", "nothing"]
"""What a right run comes to.

`done`: the goal is met. `asked`: it cannot be met without a word from the person, who is asked.
`refused`: it must not or cannot be met; the person is told and nothing is changed. `nothing`:
it is met already, or there is nothing that it applies to; nothing is changed.
"""

Records = Literal["tasks", "events", "contacts", "mail", "drafts", "notes", "clipboard"]
CROSSING_FREE = "text"
"""The built-in namespace: no server, and no namespace that a run could fail to reach."""


class Value(BaseModel):
    """A value: immutable, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Match(Value):
    """What a value must be like: every field that is given must hold; text is compared loosely.

    Loosely: without case, and with white space folded. `pattern` is a regular expression that
    is searched for without case.
    """

    equals: JsonValue = None
    contains: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    pattern: str = ""


def _as_match(value: Any) -> Any:
    """A bare value stands for equality, a list of texts for `contains` all of them."""
    if isinstance(value, (Match, dict)):
        return value
    if isinstance(value, list):
        return {"contains": value}
    return {"equals": value}


class FileCheck(Value):
    """A file of the office (path relative to it) afterwards.

    `same_as` names the file of the office as it was before whose bytes it must hold.
    """

    file: str
    exists: bool = True
    text: Match | None = None
    same_as: str = ""


class FolderCheck(Value):
    """The names in a folder afterwards: exactly `names`, or `count` names that match `like`.

    `same_as` names the file of the office as it was before whose bytes one of the names that
    match `like` must hold: for a file whose new name is the model's own.
    """

    folder: str
    names: tuple[str, ...] | None = None
    like: str = ""
    count: int | None = None
    at_least: int | None = None
    same_as: str = ""


class RecordCheck(Value):
    """How many records of a kind there are whose fields match; at least one when not said."""

    records: Records
    where: dict[str, Match] = Field(default_factory=dict)
    count: int | None = None

    @model_validator(mode="before")
    @classmethod
    def _bare_values(cls, data: Any) -> Any:
        if isinstance(data, dict) and isinstance(data.get("where"), dict):
            return {**data, "where": {k: _as_match(v) for k, v in data["where"].items()}}
        return data


class CallCheck(Value):
    """That one of these tools was executed with success, with arguments that match.

    For reading: what was read leaves no trace on disk.
    """

    called: tuple[str, ...]
    where: dict[str, Match] = Field(default_factory=dict)
    at_least: int = 1
    at_most: int | None = None

    @model_validator(mode="before")
    @classmethod
    def _bare_values(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        called = data.get("called")
        where = data.get("where") or {}
        return {
            **data,
            "called": [called] if isinstance(called, str) else called,
            "where": {k: _as_match(v) for k, v in where.items()},
        }


class AnswerCheck(Value):
    """What the answer must say."""

    answer: Match

    @model_validator(mode="before")
    @classmethod
    def _bare_values(cls, data: Any) -> Any:
        if isinstance(data, dict) and "answer" in data:
            return {**data, "answer": _as_match(data["answer"])}
        return data


class RepositoryCheck(Value):
    """The repository of the office afterwards: branch, last message, clean or not."""

    repository: str = "Projects/website"
    branch: str = ""
    branches: tuple[str, ...] = ()
    last_message: Match | None = None
    commits: int | None = None
    staged: tuple[str, ...] | None = None


Check = Annotated[
    FileCheck | FolderCheck | RecordCheck | CallCheck | AnswerCheck | RepositoryCheck,
    Field(union_mode="left_to_right"),
]


class Overlay(Value):
    """What a case adds to the common office before it begins.

    Paths are relative to the office. `images` maps a path to the lines that its picture shows.
    `records` adds records of a kind; missing fields get plain values. `removed` takes files or
    folders away. `tables` maps a path to CSV rows, header first.
    """

    files: dict[str, str] = Field(default_factory=dict)
    images: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    tables: dict[str, tuple[tuple[str | int | float, ...], ...]] = Field(default_factory=dict)
    records: dict[Records, tuple[dict[str, Any], ...]] = Field(default_factory=dict)
    only_records: bool = False
    removed: tuple[str, ...] = ()


class GoldCall(Value):
    """One call of a right solution, as the suite's own replay makes it.

    `{office}` in a text stands for the office's folder, `{s2.field}` for a field of the second
    gold call's result (dots go deeper, digits index lists). `also` names tools that would be as
    right. The values of `free` arguments are the model's own: a name, a text.
    """

    tool: str
    arguments: dict[str, JsonValue] = Field(default_factory=dict)
    also: tuple[str, ...] = ()
    free: tuple[str, ...] = ()


class DeskCase(Value):
    """One case. `changes` are patterns of office paths that may differ; all else must not.

    A case with one gold call is a single step, one with more a chain. `steps` are the steps of
    a right plan, a fan-out counting as one; it is the number of gold calls when left out.
    """

    id: str = Field(pattern=r"^[a-z0-9-]+$")
    goal: str = Field(min_length=5)
    difficulty: Difficulty = "easy"
    tags: tuple[str, ...] = ()
    outcome: Outcome = "done"
    office: Overlay = Overlay()
    gold: tuple[GoldCall, ...] = ()
    steps: int | None = None
    checks: tuple[Check, ...] = ()
    changes: tuple[str, ...] = ()

    @property
    def namespaces(self) -> tuple[str, ...]:
        """The namespaces of the gold calls in their order, repeats merged, `text` left out."""
        spaces = [call.tool.partition(".")[0] for call in self.gold]
        spaces = [space for space in spaces if space != CROSSING_FREE]
        return tuple(s for i, s in enumerate(spaces) if i == 0 or spaces[i - 1] != s)
