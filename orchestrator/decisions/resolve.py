"""Decides which record binds which role, and refuses a set of records that contradict itself."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from orchestrator.core.chat import Frozen
from orchestrator.core.errors import DecisionRecordError
from orchestrator.core.roles import ROLES, Binding, Role
from orchestrator.decisions.reader import listed
from orchestrator.decisions.record import Confirmation, DecisionRecord, Evidence

_INDEX_HEAD = (
    "# Decision records",
    "",
    "Generated from the records and compared by a test; `template.md` starts a new record.",
    "",
    "| Record | Decision | Status | Date | Binds |",
    "|---|---|---|---|---|",
)


class Candidate(Frozen):
    """A binding that another record proposes for a role, or once gave it."""

    record: str
    title: str
    status: str
    backend: str
    model: str


class Rejection(Frozen):
    """A model that an accepted record keeps from every role."""

    model: str
    record: str
    title: str


class Explanation(Frozen):
    """Why a role is played by its model, with everything that was weighed against it."""

    binding: Binding
    title: str
    file: str
    date: str
    confirmation: Confirmation | None
    evidence: Evidence | None
    outcome: str
    others: tuple[Candidate, ...]
    rejected: tuple[Rejection, ...]


def resolve(records: Sequence[DecisionRecord]) -> dict[Role, Binding]:
    """Give every role the one binding that is accepted for it.

    Raises:
        DecisionRecordError: The records contradict each other or leave a role open; the message
            lists every problem with the files concerned.
    """
    found = problems(records)
    if found:
        raise DecisionRecordError(listed("The decision records do not fit together", found))
    return {binding.role: binding for record in _accepted(records) for binding in record.bindings()}


def problems(records: Sequence[DecisionRecord]) -> tuple[str, ...]:
    """List everything that keeps a set of records from being used, empty when it fits."""
    checks = (_numbering, _succession, _role_coverage, _rejected_bindings)
    return tuple(problem for check in checks for problem in check(records))


def explain(records: Sequence[DecisionRecord], role: Role) -> Explanation:
    """Tell why a role is played by its model.

    Raises:
        DecisionRecordError: The records do not resolve.
    """
    binding = resolve(records)[role]
    record = next(record for record in records if record.id == binding.record)
    return Explanation(
        binding=binding,
        title=record.title,
        file=record.file,
        date=record.front.date.isoformat(),
        confirmation=record.front.confirmation,
        evidence=record.front.evidence,
        outcome=record.sections["Decision Outcome"],
        others=tuple(_candidates(records, role=role, chosen=binding.record)),
        rejected=rejections(records),
    )


def rejections(records: Iterable[DecisionRecord]) -> tuple[Rejection, ...]:
    """List the models that no role may be bound to while the rejecting record is in force."""
    return tuple(
        Rejection(model=model, record=record.id, title=record.title)
        for record in _accepted(records)
        for model in record.front.rejects
    )


def index(records: Iterable[DecisionRecord]) -> str:
    """Write the text of `adr/README.md`, one row a record."""
    rows = (
        f"| [{record.id}]({record.file}) | {record.title} | {record.front.status} "
        f"| {record.front.date.isoformat()} | {_claims(record)} |"
        for record in sorted(records, key=lambda record: record.file)
    )
    return "\n".join([*_INDEX_HEAD, *rows, ""])


def _claims(record: DecisionRecord) -> str:
    return ", ".join(f"{claim.role}: {claim.model}" for claim in record.front.binds)


def _accepted(records: Iterable[DecisionRecord]) -> Iterator[DecisionRecord]:
    return (record for record in records if record.accepted)


def _candidates(
    records: Iterable[DecisionRecord], *, role: Role, chosen: str
) -> Iterator[Candidate]:
    return (
        Candidate(
            record=record.id,
            title=record.title,
            status=record.front.status,
            backend=claim.backend,
            model=claim.model,
        )
        for record in records
        for claim in record.front.binds
        if claim.role == role and record.id != chosen
    )


def _numbering(records: Sequence[DecisionRecord]) -> Iterator[str]:
    files: dict[int, list[str]] = {}
    for record in records:
        files.setdefault(record.number, []).append(record.file)
    for number, names in sorted(files.items()):
        if len(names) > 1:
            yield f"{' and '.join(names)} share the number {number:04d}"
    for number in range(1, max(files, default=0)):
        if number not in files:
            yield f"the number {number:04d} is missing: numbers have no gaps"
    if 0 in files:
        yield f"{files[0][0]}: numbers start at 0001"


def _succession(records: Sequence[DecisionRecord]) -> Iterator[str]:
    by_id = {record.id: record for record in records}
    for record in records:
        yield from _successor_names_it_back(record, by_id)
        yield from _predecessors_stand_down(record, by_id)


def _successor_names_it_back(
    record: DecisionRecord, by_id: dict[str, DecisionRecord]
) -> Iterator[str]:
    if record.successor is None:
        return
    heir = by_id.get(record.successor)
    if heir is None:
        yield f"{record.file}: it is superseded by {record.successor}, which does not exist"
    elif record.id not in heir.front.supersedes:
        yield f"{heir.file}: it must list {record.id} under 'supersedes', as {record.file} says"
    elif heir.front.status in {"proposed", "rejected"}:
        yield f"{record.file}: it is superseded by {heir.id}, which is only {heir.front.status}"


def _predecessors_stand_down(
    record: DecisionRecord, by_id: dict[str, DecisionRecord]
) -> Iterator[str]:
    for older in record.front.supersedes:
        if older not in by_id:
            yield f"{record.file}: it supersedes {older}, which does not exist"
        elif record.accepted and by_id[older].successor != record.id:
            yield (
                f"{by_id[older].file}: its status must be 'superseded by {record.id}', "
                f"because {record.file} is accepted and supersedes it"
            )


def _role_coverage(records: Sequence[DecisionRecord]) -> Iterator[str]:
    claims = Counter(
        (claim.role, record.file) for record in _accepted(records) for claim in record.front.binds
    )
    for role in ROLES:
        files = [file for claimed, file in claims if claimed == role]
        if not files:
            yield f"no accepted record binds the role {role}"
        elif len(files) > 1:
            yield f"{' and '.join(files)} both bind the role {role}: exactly one may be accepted"
        elif claims[role, files[0]] > 1:
            yield f"{files[0]}: it binds the role {role} more than once"


def _rejected_bindings(records: Sequence[DecisionRecord]) -> Iterator[str]:
    rejected = {_build(rejection.model): rejection for rejection in rejections(records)}
    for record in _accepted(records):
        for claim in record.front.binds:
            rejection = rejected.get(_build(claim.model))
            if rejection:
                yield (
                    f"{record.file}: it binds the role {claim.role} to {claim.model}, which "
                    f"{rejection.record} rejects; supersede {rejection.record} to allow it"
                )


def _build(model: str) -> str:
    """Reduce a model's name to its build: hubs differ in publisher and letter case."""
    return model.rsplit("/", maxsplit=1)[-1].casefold()
