"""Reading decision records: what a good file gives, and what a bad one is told."""

import datetime as dt
import textwrap

import pytest

from orchestrator.core.errors import DecisionRecordError
from orchestrator.core.roles import Binding
from orchestrator.decisions.reader import read, read_folder

FRONT = """\
status: accepted
date: 2026-11-21
decision-makers: [Ada, Grace]
consulted: [Edsger]
informed: []
binds:
  - {role: planner, backend: vllm, model: Big, profile: big, options: {parallel: 4, fast: true}}
rejects: [Small]
confirmation: {suite: planner, floors: {single_step: 0.8}}
evidence: {report: planner.json, sha256: %s}
supersedes: [ADR-0001]
""" % ("ab" * 32)

BODY = """\
# Use the big model

## Context and Problem Statement

Something must be chosen.

## Considered Options

* Big

## Decision Outcome

Chosen: Big.

### Consequences

* Good: `# not a title`

```sh
# a comment, not a title
## nor a section
```
"""

NAME = "0002-use-big-model.md"


def text(front=FRONT, body=BODY):
    return f"---\n{front}---\n\n{body}"


def complaint(content, name=NAME):
    with pytest.raises(DecisionRecordError) as caught:
        read([(name, content)])
    return caught.value.message


def test_a_record_is_read_whole():
    (record,) = read([(NAME, text())])
    assert (record.number, record.id, record.title) == (2, "ADR-0002", "Use the big model")
    assert record.accepted
    assert record.successor is None
    assert record.front.date == dt.date(2026, 11, 21)
    assert record.front.decision_makers == ("Ada", "Grace")
    assert record.front.confirmation.floors == {"single_step": 0.8}
    assert record.front.evidence.report == "planner.json"
    assert record.bindings() == (
        Binding(
            role="planner",
            backend="vllm",
            model="Big",
            profile="big",
            record="ADR-0002",
            options={"parallel": 4, "fast": True},
        ),
    )


def test_code_blocks_are_neither_titles_nor_sections():
    (record,) = read([(NAME, text())])
    assert list(record.sections) == [
        "Context and Problem Statement",
        "Considered Options",
        "Decision Outcome",
    ]
    assert "## nor a section" in record.sections["Decision Outcome"]


def test_only_the_first_title_counts_and_a_byte_order_mark_is_harmless():
    (record,) = read([(NAME, "\ufeff" + text(body=BODY + "\n# Another\n"))])
    assert record.title == "Use the big model"


def test_a_successor_is_read_from_the_status():
    front = FRONT.replace("status: accepted", "status: superseded by ADR-0012")
    (record,) = read([(NAME, text(front))])
    assert record.successor == "ADR-0012"
    assert not record.accepted


def test_records_come_in_the_order_of_their_numbers():
    records = read([("0010-use-ten.md", text()), ("0009-use-nine.md", text())])
    assert [record.number for record in records] == [9, 10]


@pytest.mark.parametrize(
    "name", ["2-use-big.md", "0002-Use-Big.md", "0002-big.md", "0002_use_big.md", "notes.md"]
)
def test_a_file_name_in_another_form_is_refused(name):
    assert f"{name}: the name must be NNNN-verb-phrase.md" in complaint(text(), name)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "the first line must be '---'"),
        ("# Title\n", "the first line must be '---'"),
        ("---\nstatus: accepted\n", "no closing '---' line"),
        (text(front="- a list\n"), "front matter: Input should be"),
        (text(front=""), "front matter: Input should be"),
        (text(front="status: [unclosed\n"), "the front matter is not YAML"),
        (text(front="status: \x00\n"), "the front matter is not YAML"),
        (text(FRONT.replace("2026-11-21", "2026-13-45")), "the front matter is not YAML: month"),
        (text(FRONT + "status: rejected\n"), "the key 'status' is given twice (line 13)"),
        (text(FRONT.replace("role: planner,", "role: planner, role: synthesizer,")), "given twice"),
        (text(FRONT + "owner: me\n"), "owner: Extra inputs are not permitted"),
        (text(FRONT.replace("status: accepted", "status: done")), "status: String should match"),
        (text(FRONT.replace("ab" * 32, "abc")), "evidence.sha256: String should match"),
        (text(FRONT.replace("0.8", "80")), "confirmation.floors.single_step: Input should be less"),
        (text(FRONT.replace("[Ada, Grace]", "[]")), "decision-makers: Tuple should have"),
        (text(FRONT.replace("role: planner", "role: pilot")), "binds.0.role: Input should be"),
        (text(body=BODY.replace("# Use", "Use")), "the title is missing"),
        (text(body=BODY.replace("Chosen: Big.", "").split("###")[0]), "'## Decision Outcome'"),
        (text(body=BODY.replace("## Considered Options", "## Options")), "'## Considered Options'"),
    ],
)
def test_a_broken_file_is_told_what_is_wrong_with_it(content, expected):
    message = complaint(content)
    assert expected in message
    assert NAME in message


def test_every_broken_file_is_named_at_once():
    with pytest.raises(DecisionRecordError) as caught:
        read([("notes.md", ""), (NAME, ""), ("0003-use-it.md", text("a: 1\n"))])
    for name in ("notes.md", NAME, "0003-use-it.md"):
        assert f"- {name}: " in caught.value.message
    assert caught.value.code == "decision_record"


def test_a_folder_is_read_without_its_index_and_template(tmp_path):
    (tmp_path / "README.md").write_text("# Decision records\n", encoding="utf-8")
    (tmp_path / "template.md").write_text(textwrap.dedent("---\n---\n"), encoding="utf-8")
    (tmp_path / "notes.txt").write_text("not a record", encoding="utf-8")
    (tmp_path / NAME).write_text(text(), encoding="utf-8")
    assert [record.file for record in read_folder(tmp_path)] == [NAME]


def test_a_file_that_is_not_text_is_named_like_any_other(tmp_path):
    (tmp_path / NAME).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DecisionRecordError, match=NAME):
        read_folder(tmp_path)


def test_a_missing_folder_is_an_error_that_names_it(tmp_path):
    with pytest.raises(DecisionRecordError, match=r"no folder of decision records at .*absent"):
        read_folder(tmp_path / "absent")
