"""CSV tables and SQLite databases as columns and rows of JSON values."""

import csv
import operator
import sqlite3
import statistics
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from desk.errors import OfficeError
from desk.files.reading import read_text

Cell = str | int | float | bool | None

QUERY_SECONDS = 10
"""How long one query may run."""

_TESTS: dict[str, Callable[[str, str], bool]] = {
    "equals": operator.eq,
    "not_equals": operator.ne,
    "contains": operator.contains,
}
_ORDERS: dict[str, Callable[[float, float], bool]] = {
    "greater_than": operator.gt,
    "less_than": operator.lt,
}


@dataclass(frozen=True, slots=True)
class Table:
    """A header and its rows, all of the same width."""

    columns: list[str]
    rows: list[list[str]]

    def column(self, name: str) -> int:
        """Return the place of a column, or say which columns there are."""
        if name not in self.columns:
            raise OfficeError(
                f"There is no column {name!r}.", hint=f"Columns: {', '.join(self.columns)}."
            )
        return self.columns.index(name)


def read_table(path: Path) -> Table:
    """Read a CSV file with a header; the separator is recognised."""
    text = read_text(path)
    if not text.strip():
        raise OfficeError(f"{str(path)!r} is an empty table.")
    try:
        dialect: type[csv.Dialect] = csv.Sniffer().sniff(text[:4096], delimiters=",;\t|")
    except csv.Error:
        dialect = csv.excel
    try:
        rows = [row for row in csv.reader(text.splitlines(), dialect) if row]
    except csv.Error as error:
        raise OfficeError(f"{str(path)!r} is not a readable CSV table: {error}.") from error
    width = len(rows[0])
    return Table(rows[0], [(row + [""] * width)[:width] for row in rows[1:]])


def keep_rows(table: Table, column: str, test: str, value: str) -> list[list[str]]:
    """Return the rows whose cell passes a test; order tests compare numbers."""
    place = table.column(column)
    if test in _TESTS:
        check = _TESTS[test]
        return [row for row in table.rows if check(row[place].casefold(), value.casefold())]
    limit = number(value)
    if limit is None:
        raise OfficeError(f"{value!r} is not a number.", hint=f"{test} compares numbers.")
    order = _ORDERS[test]
    cells = ((row, number(row[place])) for row in table.rows)
    return [row for row, cell in cells if cell is not None and order(cell, limit)]


def number(text: str) -> float | None:
    """Read a cell as a number, if it is one."""
    try:
        return float(text)
    except ValueError:
        return None


def figures(cells: list[str]) -> dict[str, float] | None:
    """Summarise a column of numbers; None if any cell is not a number."""
    numbers = [value for cell in cells if cell and (value := number(cell)) is not None]
    if not numbers or len(numbers) < len([cell for cell in cells if cell]):
        return None
    return {
        "minimum": min(numbers),
        "maximum": max(numbers),
        "mean": round(statistics.fmean(numbers), 4),
        "total": round(sum(numbers), 4),
    }


def quoted(name: str) -> str:
    """Quote an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


@contextmanager
def read_only(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a SQLite database that the query cannot change and cannot hold for long."""
    if not path.read_bytes()[:16].startswith(b"SQLite format 3"):
        raise OfficeError(f"{str(path)!r} is not a SQLite database.")
    uri = f"{path.as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, check_same_thread=False)) as database:
        database.execute("PRAGMA query_only=ON")
        database.set_authorizer(_no_attach)
        watch = threading.Timer(QUERY_SECONDS, database.interrupt)
        watch.start()
        try:
            yield database
        except sqlite3.Error as error:
            raise OfficeError(
                f"The database refused: {error}.", hint="See describe_table."
            ) from error
        finally:
            watch.cancel()
            watch.join()


def _no_attach(action: int, *_: str | None) -> int:
    # ATTACH would open files outside the allowed folders.
    return sqlite3.SQLITE_DENY if action == sqlite3.SQLITE_ATTACH else sqlite3.SQLITE_OK


def json_cell(value: object) -> Cell:
    """Turn a database value into a JSON value; binary values become their length."""
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    return value if isinstance(value, str | int | float | bool) else None
