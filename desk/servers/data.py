"""The ``data`` namespace: CSV tables and SQLite databases of the office."""

import json
from pathlib import Path
from typing import Annotated, Literal

from mcp.server.mcpserver import Context
from pydantic import BaseModel, Field

from desk.errors import OfficeError
from desk.files.effects import Effects, Relocation, staged_file
from desk.files.tables import (
    Cell,
    figures,
    json_cell,
    keep_rows,
    quoted,
    read_only,
    read_table,
)
from desk.servers.hosting import Setting, key_of, reads, serve, writes_once

ROWS = 500

CsvPath = Annotated[str, Field(description="Absolute path of a CSV file with a header row")]
DatabasePath = Annotated[str, Field(description="Absolute path of a SQLite database file")]
RowLimit = Annotated[int, Field(ge=1, le=ROWS, description="Most rows to return")]


class Rows(BaseModel):
    """Columns and rows of a table."""

    path: str
    columns: list[str]
    count: Annotated[int, Field(description="Number of rows found")]
    truncated: bool
    rows: list[list[Cell]]


class ColumnSummary(BaseModel):
    """One column in figures."""

    name: str
    type: Literal["number", "text"]
    distinct: int
    empty: int
    figures: Annotated[dict[str, float], Field(description="Minimum, maximum, mean and total")]


class TableSummary(BaseModel):
    """A table in figures."""

    path: str
    rows: int
    columns: list[ColumnSummary]


class TableNames(BaseModel):
    """The tables of a database."""

    path: str
    count: int
    tables: list[str]


class Column(BaseModel):
    """One column of a database table."""

    name: str
    type: str


class TableDescription(BaseModel):
    """The columns and the size of a database table."""

    path: str
    table: str
    rows: int
    columns: list[Column]


class Converted(BaseModel):
    """The file that was written."""

    path: str
    rows: int


class Data:
    """The tools over tables and databases."""

    def __init__(self, setting: Setting) -> None:
        self._roots = setting.roots
        self._effects = Effects(setting.state)

    def close(self) -> None:
        """Close the journal of effects."""
        self._effects.close()

    @reads
    def read_csv(self, path: CsvPath, limit: RowLimit = 50) -> Rows:
        """Read the columns and the first rows of a CSV table."""
        file = self._roots.file(path)
        table = read_table(file)
        return _rows(file, table.columns, [[*row] for row in table.rows], limit)

    @reads
    def summarize_csv(self, path: CsvPath) -> TableSummary:
        """Summarise every column of a CSV table: type, distinct values, minimum, maximum, mean."""
        file = self._roots.file(path)
        table = read_table(file)
        columns = []
        for place, name in enumerate(table.columns):
            cells = [row[place] for row in table.rows]
            numbers = figures(cells)
            columns.append(
                ColumnSummary(
                    name=name,
                    type="text" if numbers is None else "number",
                    distinct=len(set(cells)),
                    empty=cells.count(""),
                    figures=numbers or {},
                )
            )
        return TableSummary(path=str(file), rows=len(table.rows), columns=columns)

    @reads
    def filter_csv(
        self,
        path: CsvPath,
        column: Annotated[str, Field(description="Column to test")],
        test: Annotated[
            Literal["equals", "not_equals", "contains", "greater_than", "less_than"],
            Field(description="How the cell is compared with the value"),
        ],
        value: Annotated[str, Field(description="Value to compare with")],
        limit: RowLimit = 50,
    ) -> Rows:
        """Return the rows of a CSV table whose value in one column passes a test."""
        file = self._roots.file(path)
        table = read_table(file)
        found = keep_rows(table, column, test, value)
        return _rows(file, table.columns, [[*row] for row in found], limit)

    @writes_once
    def csv_to_json(self, path: CsvPath, context: Context) -> Converted:
        """Convert a CSV table to a JSON file beside it: a list of objects."""
        file = self._roots.file(path)
        table = read_table(file)
        records = [dict(zip(table.columns, row, strict=True)) for row in table.rows]

        def plan(key: str) -> Relocation:
            content = json.dumps(records, indent=2, ensure_ascii=False).encode()
            return Relocation.plan(
                staged_file(file.parent, key, content), file.with_suffix(".json")
            )

        done = self._effects.once(key_of(context), {"tool": "csv_to_json", "path": path}, plan)
        return Converted(path=done.destination, rows=len(records))

    @reads
    def list_tables(self, path: DatabasePath) -> TableNames:
        """List the tables of a SQLite database."""
        file = self._roots.file(path)
        with read_only(file) as database:
            names = [
                str(row[0])
                for row in database.execute(
                    "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') ORDER BY name"
                )
            ]
        return TableNames(path=str(file), count=len(names), tables=names)

    @reads
    def describe_table(
        self, path: DatabasePath, table: Annotated[str, Field(description="Name of the table")]
    ) -> TableDescription:
        """Describe a table of a SQLite database: its columns, their types, the number of rows."""
        names = self.list_tables(path).tables
        if table not in names:
            raise OfficeError(f"There is no table {table!r}.", hint=f"Tables: {', '.join(names)}.")
        file = self._roots.file(path)
        with read_only(file) as database:
            found = database.execute(f"PRAGMA table_info({quoted(table)})").fetchall()
            count = database.execute(f"SELECT count(*) FROM {quoted(table)}").fetchone()[0]  # noqa: S608
        columns = [Column(name=row[1], type=row[2]) for row in found]
        return TableDescription(path=str(file), table=table, rows=count, columns=columns)

    @reads
    def query_database(
        self,
        path: DatabasePath,
        query: Annotated[str, Field(min_length=1, description="One SQL SELECT statement")],
        limit: RowLimit = 100,
    ) -> Rows:
        """Run an SQL SELECT query on a SQLite database. Statements that change data are refused."""
        file = self._roots.file(path)
        with read_only(file) as database:
            cursor = database.execute(query)
            columns = [str(column[0]) for column in cursor.description or ()]
            found = cursor.fetchmany(limit + 1)
        return _rows(file, columns, [[json_cell(cell) for cell in row] for row in found], limit)


def _rows(file: Path, columns: list[str], found: list[list[Cell]], limit: int) -> Rows:
    return Rows(
        path=str(file),
        columns=columns,
        count=len(found),
        truncated=len(found) > limit,
        rows=found[:limit],
    )


if __name__ == "__main__":
    serve("data", "Read, filter and query CSV tables and SQLite databases.", Data)
