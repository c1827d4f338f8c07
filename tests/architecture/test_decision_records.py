"""The shipped decision records hold together, and the figures they state add up."""

import re
from pathlib import Path

import pytest

from orchestrator.core.errors import DecisionRecordError
from orchestrator.core.roles import ROLES
from orchestrator.decisions.reader import NOT_RECORDS, read, read_folder
from orchestrator.decisions.resolve import index, resolve

ADR = Path(__file__).parents[2] / "adr"
RECORDS = read_folder(ADR)


def test_every_role_is_bound_by_an_accepted_record():
    assert set(resolve(RECORDS)) == set(ROLES)


def test_the_index_is_the_one_that_the_records_give():
    assert (ADR / "README.md").read_text(encoding="utf-8") == index(RECORDS)


def test_the_folder_holds_nothing_but_records_their_index_and_the_template():
    others = {file.name for file in ADR.iterdir()} - {record.file for record in RECORDS}
    assert others == NOT_RECORDS


def test_the_template_is_a_record_once_it_has_a_name():
    template = (ADR / "template.md").read_text(encoding="utf-8")
    (record,) = read([("9999-name-decision.md", template)])
    assert record.front.status == "proposed"


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.id)
def test_a_record_stays_short_and_names_its_consequences(record):
    lines = (ADR / record.file).read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 60
    outcome = record.sections["Decision Outcome"]
    assert "### Consequences" in outcome
    assert "* Bad:" in outcome
    assert "### Confirmation" in outcome


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.id)
def test_a_record_refers_only_to_records_and_files_that_exist(record):
    text = (ADR / record.file).read_text(encoding="utf-8")
    known = {other.id for other in RECORDS}
    assert set(re.findall(r"ADR-\d{4}", text)) <= known
    for path in re.findall(r"`((?:deploy|orchestrator|adapters|prompts)/[\w./-]+\.\w+)`", text):
        assert (ADR.parent / path).exists(), path


def test_the_rejected_build_cannot_be_bound_again_by_a_new_record():
    text = (ADR / "0002-bind-planner-to-qwen-coder.md").read_text(encoding="utf-8")
    tempted = text.replace("model: qwen2.5-coder-1.5b-instruct", "model: Qwen/Qwen3-30B-A3B")
    (swapped,) = read([("0002-bind-planner-to-qwen-coder.md", tempted)])
    others = [record for record in RECORDS if record.number != 2]
    with pytest.raises(DecisionRecordError, match="which ADR-0004 rejects"):
        resolve([swapped, *others])


def test_accepting_the_proposed_record_needs_status_lines_only():
    texts = {record.file: (ADR / record.file).read_text(encoding="utf-8") for record in RECORDS}
    for record in RECORDS:
        if record.id in {"ADR-0002", "ADR-0003"}:
            old, new = "status: accepted", "status: superseded by ADR-0005"
        elif record.id == "ADR-0005":
            old, new = "status: proposed", "status: accepted"
        else:
            continue
        texts[record.file] = texts[record.file].replace(old, new)
    assert {binding.backend for binding in resolve(read(texts.items())).values()} == {"vllm"}


def table(record_id):
    text = next(record for record in RECORDS if record.id == record_id).sections["Decision Outcome"]
    rows = (line.strip("|").split("|") for line in text.splitlines() if line.startswith("| "))
    return {cells[0].strip(): [cell.strip() for cell in cells[1:]] for cells in rows}


def number(text):
    return float(re.match(r"[\d.,]+", text).group().replace(",", ""))


@pytest.mark.parametrize(
    ("row", "value", "within"),
    [
        ("Resident", 30.5 * 4.5 / 8, 0.1),
        ("Read for a token", 3.3 * 4.5 / 8, 0.01),
        ("Ceiling at 644.6 GB/s", 644.6 / 1.9, 1),
        ("KV for a token, bf16", 2 * 48 * 4 * 128 * 2, 0),
        ("Crossover", 1.9e9 / (2 * 48 * 4 * 128 * 2) / 1000, 0.1),
    ],
)
def test_the_footprint_record_adds_up(row, value, within):
    stated = table("ADR-0006")[row][1]
    assert number(stated) == pytest.approx(value, abs=within)


def test_the_experts_read_by_a_batch_add_up():
    outcome = next(r for r in RECORDS if r.id == "ADR-0006").sections["Decision Outcome"]
    stated = re.search(r"experts: (\d+), (\d+) and (\d+)\s+for B = 1, 8, 16", outcome).groups()
    computed = [round(128 * (1 - (1 - 8 / 128) ** batch)) for batch in (1, 8, 16)]
    assert [int(figure) for figure in stated] == computed


@pytest.mark.parametrize(
    ("metric", "hits", "of"), [("single_step", 29, 30), ("usable_plans", 8, 10)]
)
def test_the_planner_floors_are_the_lower_wilson_bounds_that_the_record_claims(metric, hits, of):
    z, share = 1.96, hits / of
    spread = z * (share * (1 - share) / of + z * z / (4 * of * of)) ** 0.5
    lower = (share + z * z / (2 * of) - spread) / (1 + z * z / of)
    planner = next(record for record in RECORDS if record.id == "ADR-0002")
    assert planner.front.confirmation.floors[metric] == pytest.approx(lower, abs=0.005)
