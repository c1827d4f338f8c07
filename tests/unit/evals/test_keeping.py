"""What was measured stays: a line a record, whatever became of the process that wrote it."""

import json
from datetime import timedelta

import pytest

from orchestrator.core.errors import SettingsError
from orchestrator.evals.keeping import MEASURED, RECORDS, EvaluationFolder, latest, measured_digest
from orchestrator.evals.traces import Trace


@pytest.fixture
def folder(tmp_path):
    return EvaluationFolder(tmp_path / "deep" / "evaluation")


def test_records_are_read_back_as_they_were_added(folder, maker):
    records = [maker.record("one"), maker.record("two", solved=False)]
    for record in records:
        folder.add(record)
    assert folder.records() == records
    assert EvaluationFolder(folder.path).records() == records


def test_an_empty_folder_holds_nothing(folder):
    assert (folder.records(), folder.measured()) == ([], {})


def test_the_newest_record_of_a_case_under_a_measurement_wins(folder, maker):
    first = maker.record("one")
    again = first.model_copy(update={"at": first.at + timedelta(1)})
    other = maker.record("one", measured="another")
    for record in (first, other, again):
        folder.add(record)
    assert folder.records() == [again, other]


@pytest.mark.parametrize("left", [1, 40, -1])
def test_a_torn_last_line_is_passed_over_and_the_next_record_is_whole(folder, maker, left):
    whole = maker.record("one", trace=Trace(status="completed", answer="Käse"))
    folder.add(whole)
    folder.add(whole.model_copy(update={"case": "two"}))
    lines = (folder.path / RECORDS).read_bytes()
    first = lines.index(b"\n") + 1
    (folder.path / RECORDS).write_bytes(lines[: first + left] if left > 0 else lines[:left])
    assert [record.case for record in folder.records()] == ["one"]
    folder.begin(maker.measured("ferryman"))
    folder.add(maker.record("three"))
    assert [record.case for record in folder.records()] == ["one", "three"]


def test_a_line_torn_within_a_letter_is_passed_over(folder, maker):
    folder.add(maker.record("one"))
    with (folder.path / RECORDS).open("ab") as file:
        file.write('{"case": "ä'.encode()[:-1])
    assert [record.case for record in folder.records()] == ["one"]


def test_an_answer_may_hold_every_kind_of_line_end(folder, maker):
    answer = "a\u2028b\x85c\u2029d\ne\rf\x0bg"
    record = maker.record("one", trace=Trace(status="completed", answer=answer))
    folder.add(record)
    folder.add(maker.record("two"))
    assert folder.records()[0] == record


@pytest.mark.parametrize("line", [b'{"case": "x"}', b"not JSON", b"\xff\xfe", b""])
def test_a_damaged_line_in_the_middle_is_named(folder, maker, line):
    folder.add(maker.record("one"))
    with (folder.path / RECORDS).open("ab") as file:
        file.write(line + b"\n")
    folder.add(maker.record("two"))
    with pytest.raises(SettingsError, match=r"records\.jsonl:2 is damaged") as raised:
        folder.records()
    assert raised.value.hint == "Take the line out and go on."


def test_what_was_measured_is_read_back_by_its_digest(folder, maker):
    bare, ours = maker.measured("bare"), maker.measured("ferryman")
    names = [folder.begin(bare), folder.begin(ours), folder.begin(bare)]
    assert names == [measured_digest(bare), measured_digest(ours), measured_digest(bare)]
    assert folder.measured() == {names[0]: bare, names[1]: ours}
    assert sorted(path.name for path in folder.path.iterdir()) == [MEASURED]


def test_a_measurement_is_the_same_on_another_machine(maker):
    here, there = (maker.measured("bare", machine=m, parallel=len(m)) for m in ("a", "other"))
    assert measured_digest(here) == measured_digest(there)
    assert measured_digest(here) != measured_digest(maker.measured("bare", code="d" * 64))


@pytest.mark.parametrize("text", ["[1]", "{", '{"x": {"suite": 1}}'])
def test_damage_to_what_was_measured_is_named(folder, text):
    (folder.path / MEASURED).write_text(text)
    with pytest.raises(SettingsError, match=r"measured\.json is damaged"):
        folder.measured()


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="cannot be written"):
        EvaluationFolder(tmp_path / "file" / "evaluation")


def test_the_measurement_begun_last_counts_for_each_suite_arm_model_and_seed(folder, maker):
    old, new = maker.measured("ferryman", code="a"), maker.measured("ferryman", code="b")
    others = [
        maker.measured("bare"),
        maker.measured("ferryman", seed=1),
        maker.measured("ferryman", suite="nestful"),
        maker.measured("ferryman", model="other-1b"),
    ]
    names = [folder.begin(each) for each in (old, new, *others)]
    for name in names:
        folder.add(maker.record("one", measured=name))
    records, measured = latest(folder.records(), folder.measured())
    assert [record.measured for record in records] == names[1:] == list(measured)


def test_an_older_measurement_that_is_begun_again_is_the_last(folder, maker):
    old, new = maker.measured("ferryman", code="a"), maker.measured("ferryman", code="b")
    for each in (old, new, old):
        folder.begin(each)
    assert list(latest([], folder.measured())[1].values()) == [old]
    assert len(json.loads((folder.path / MEASURED).read_text())) == 2
