"""The folder of an evaluation: a record a line, and what exactly was measured."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from orchestrator.core.errors import SettingsError
from orchestrator.core.fingerprints import digest
from orchestrator.evals.records import Measured, Record

RECORDS, MEASURED = "records.jsonl", "measured.json"


class EvaluationFolder:
    """Keeps records so that an evaluation that was stopped goes on where it was.

    Raises:
        SettingsError: The folder cannot be written, or a file of it is damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SettingsError(f"{path} cannot be written: {error.strerror}.") from error

    def begin(self, measured: Measured) -> str:
        """Write down what is measured and give its digest; records of it may follow."""
        _cut_torn_line(self.path / RECORDS)
        name = measured_digest(measured)
        known = {key: value.model_dump(mode="json") for key, value in self.measured().items()}
        # What was begun last stands last, also where it was begun before.
        known.pop(name, None)
        known[name] = measured.model_dump(mode="json")
        text = json.dumps(known, indent=1, ensure_ascii=False)
        whole = self.path / f".{MEASURED}"
        whole.write_text(text + "\n", encoding="utf-8")
        whole.replace(self.path / MEASURED)
        return name

    def measured(self) -> dict[str, Measured]:
        """Everything that was measured here, by its digest."""
        file = self.path / MEASURED
        if not file.is_file():
            return {}
        try:
            found = json.loads(file.read_text(encoding="utf-8"))
            return {key: Measured.model_validate(value) for key, value in found.items()}
        except (ValueError, AttributeError) as error:
            raise SettingsError(f"{file} is damaged: {error}.", hint="Move it away.") from error

    def add(self, record: Record) -> None:
        """Append a record; it is on disk when this returns."""
        line = record.model_dump_json() + "\n"
        with (self.path / RECORDS).open("ab", buffering=0) as file:
            file.write(line.encode())
            os.fsync(file.fileno())

    def records(self) -> list[Record]:
        """Every record, the newest of a case under the same measurement only.

        A torn last line, left by a killed process, is passed over: its case is carried again.
        """
        file = self.path / RECORDS
        if not file.is_file():
            return []
        # Not `splitlines`: an answer may hold other characters that it takes for line ends.
        *lines, _torn = file.read_bytes().split(b"\n")
        found: dict[tuple[str, str], Record] = {}
        for number, line in enumerate(lines, start=1):
            record = _read(line, f"{file}:{number}")
            found[record.measured, record.case] = record
        return list(found.values())


def _read(line: bytes, where: str) -> Record:
    try:
        return Record.model_validate_json(line)
    except ValidationError as error:
        raise SettingsError(f"{where} is damaged.", hint="Take the line out and go on.") from error


def _cut_torn_line(file: Path) -> None:
    """Take away what a killed process left behind the last whole line."""
    if not file.is_file():
        return
    written = file.read_bytes()
    if not written.endswith(b"\n"):
        os.truncate(file, written.rfind(b"\n") + 1)


def measured_digest(measured: Measured) -> str:
    """The name of a measurement: what ran and on what it ran, the machine left out."""
    same = measured.model_dump(mode="json", exclude={"machine", "parallel"})
    return digest(same)[:16]


def latest(
    records: Sequence[Record], measured: dict[str, Measured]
) -> tuple[list[Record], dict[str, Measured]]:
    """Keep, of each suite, arm, model and seed, the measurement that was begun last."""
    last = {(m.suite, m.arm, m.model, m.seed): name for name, m in measured.items()}
    kept = set(last.values())
    return (
        [record for record in records if record.measured in kept],
        {name: m for name, m in measured.items() if name in kept},
    )
