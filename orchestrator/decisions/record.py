"""What a decision record says: MADR 4 front matter, plus the keys that bind roles to models."""

import re
from datetime import date
from typing import Annotated

from pydantic import Field, StringConstraints

from orchestrator.core.chat import Frozen
from orchestrator.core.roles import Binding, Role

FILE_NAME = re.compile(r"(?P<number>\d{4})-[a-z0-9]+(?:-[a-z0-9]+)+\.md")
SUPERSEDED = "superseded by "
REQUIRED_SECTIONS = (
    "Context and Problem Statement",
    "Considered Options",
    "Decision Outcome",
)

RecordId = Annotated[str, StringConstraints(pattern=r"^ADR-\d{4}$")]
Status = Annotated[
    str,
    StringConstraints(
        pattern=r"^(proposed|accepted|rejected|deprecated|superseded by ADR-\d{4})$",
    ),
]
Name = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]


class BindingClaim(Frozen):
    """One role given to one model behind one backend; it counts once its record is accepted."""

    role: Role
    backend: Name
    model: Name
    profile: Name
    options: dict[str, str | int | float | bool] = Field(default_factory=dict)


class Confirmation(Frozen):
    """How the decision can be shown to hold: an eval suite, and the least score of each metric.

    Floors are shares between 0 and 1. No floors means that nothing is measured yet.
    """

    suite: Name
    floors: dict[str, Annotated[float, Field(ge=0, le=1)]] = Field(default_factory=dict)


class Evidence(Frozen):
    """The eval report that a record rests on, fixed by its digest."""

    report: Name
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class FrontMatter(Frozen):
    """The part of a record that the program reads: MADR 4 keys first, ours after them."""

    status: Status
    date: date
    decision_makers: tuple[Name, ...] = Field(alias="decision-makers", min_length=1)
    consulted: tuple[Name, ...] = ()
    informed: tuple[Name, ...] = ()
    binds: tuple[BindingClaim, ...] = ()
    rejects: tuple[Name, ...] = ()
    confirmation: Confirmation | None = None
    evidence: Evidence | None = None
    supersedes: tuple[RecordId, ...] = ()


class DecisionRecord(Frozen):
    """One file of the `adr/` folder, read; `sections` holds the text under each `##` heading."""

    file: Annotated[str, StringConstraints(pattern=f"^{FILE_NAME.pattern}$")]
    title: Name
    front: FrontMatter
    sections: dict[str, str]

    @property
    def number(self) -> int:
        """Place of the record in the sequence, from its file name."""
        return int(self.file[:4])

    @property
    def id(self) -> str:
        """Name by which other records and messages refer to this one."""
        return f"ADR-{self.file[:4]}"

    @property
    def accepted(self) -> bool:
        """Whether the record is in force."""
        return self.front.status == "accepted"

    @property
    def successor(self) -> str | None:
        """Id of the record that replaced this one, None while it stands."""
        status = self.front.status
        return status.removeprefix(SUPERSEDED) if status.startswith(SUPERSEDED) else None

    def bindings(self) -> tuple[Binding, ...]:
        """Give the record's claims as the bindings that a run would carry."""
        return tuple(Binding(record=self.id, **claim.model_dump()) for claim in self.front.binds)
