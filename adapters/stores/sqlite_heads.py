"""The queries that list runs, each of which reads one index from its newest end."""

# ruff: noqa: S608 - every part of these queries is a constant of this file
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from orchestrator.core.runs import RunStatus

_COLUMNS = """json_object('run_id', run_id, 'goal', goal, 'status', status, 'started', started,
    'last_seq', last_seq, 'tenant', tenant, 'thread', thread)"""
HEAD = f"SELECT {_COLUMNS} FROM runs WHERE run_id = ?"
NUMBER = "SELECT number FROM runs WHERE run_id = ? AND (? IS NULL OR tenant = ?)"


class Listing(NamedTuple):
    """A query and the values for its places."""

    query: str
    values: Mapping[str, Any]


def listing(
    limit: int,
    *,
    tenant: str | None = None,
    thread: str | None = None,
    statuses: Sequence[RunStatus] = (),
    before: int | None = None,
) -> Listing:
    """Say how the newest runs are found that fit everything given.

    Several statuses are listed one by one and merged: each of them is a range of an index,
    all of them together are not.

    Args:
        limit: How many runs at most.
        tenant: Whose runs; everybody's when left out.
        thread: The thread they belong to; any when left out.
        statuses: What they may have come to; anything when left out.
        before: The number below which they are; none when left out.
    """
    conditions = [
        *([] if tenant is None else ["tenant = :tenant"]),
        *([] if thread is None else ["thread = :thread"]),
        *([] if before is None else ["number < :before"]),
    ]
    wanted = list(dict.fromkeys(statuses))
    names = {f"status{at}": status for at, status in enumerate(wanted)}
    parts = [_newest([*conditions, f"status = :{name}"]) for name in names] or [_newest(conditions)]
    merged = " UNION ALL ".join(f"SELECT * FROM ({part})" for part in parts)
    values = {"limit": limit, "tenant": tenant, "thread": thread, "before": before, **names}
    return Listing(f"SELECT {_COLUMNS} FROM ({merged}) ORDER BY number DESC LIMIT :limit", values)


def _newest(conditions: Sequence[str]) -> str:
    where = f"WHERE {' AND '.join(conditions)} " if conditions else ""
    return f"SELECT * FROM runs {where}ORDER BY number DESC LIMIT :limit"
