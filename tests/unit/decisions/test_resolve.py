"""Resolving decision records: one accepted binding a role, and no contradictions."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from orchestrator.core.errors import DecisionRecordError
from orchestrator.decisions.record import DecisionRecord
from orchestrator.decisions.resolve import explain, index, problems, rejections, resolve

SECTIONS = {
    "Context and Problem Statement": "Why.",
    "Considered Options": "* This",
    "Decision Outcome": "Chosen: this.",
}


def claim(role, model="qwen"):
    return {"role": role, "backend": "embedded", "model": model, "profile": "qwen"}


def record(number, status="accepted", name="use-this", **front):
    base = {"status": status, "date": "2026-11-21", "decision-makers": ["Ada"]}
    return DecisionRecord(
        file=f"{number:04d}-{name}.md",
        title=f"Use number {number}",
        front=base | front,
        sections=SECTIONS,
    )


PLANNER = record(1, binds=[claim("planner")])
SYNTHESIZER = record(2, binds=[claim("synthesizer", "llama")])
PAIR = (PLANNER, SYNTHESIZER)


def test_each_role_gets_its_accepted_binding():
    bindings = resolve(PAIR)
    assert {role: (b.model, b.record) for role, b in bindings.items()} == {
        "planner": ("qwen", "ADR-0001"),
        "synthesizer": ("llama", "ADR-0002"),
    }


def test_one_record_may_bind_both_roles():
    both = record(1, binds=[claim("planner"), claim("synthesizer")])
    assert {b.record for b in resolve([both]).values()} == {"ADR-0001"}


def test_a_proposed_binding_binds_nothing():
    proposed = record(3, "proposed", binds=[claim("planner", "big")], supersedes=["ADR-0001"])
    assert resolve([*PAIR, proposed])["planner"].model == "qwen"


def test_accepting_a_successor_swaps_the_model():
    old = record(1, "superseded by ADR-0003", binds=[claim("planner")])
    new = record(3, binds=[claim("planner", "big")], supersedes=["ADR-0001"])
    assert resolve([old, SYNTHESIZER, new])["planner"].model == "big"


def test_a_deprecated_successor_gives_the_role_back():
    withdrawn = record(3, "deprecated", binds=[claim("planner", "big")], supersedes=["ADR-0001"])
    assert resolve([*PAIR, withdrawn])["planner"].model == "qwen"


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([], "no accepted record binds the role planner"),
        ([PLANNER], "no accepted record binds the role synthesizer"),
        (
            [*PAIR, record(3, binds=[claim("planner")])],
            "0001-use-this.md and 0003-use-this.md both bind the role planner",
        ),
        (
            [record(1, binds=[claim("planner"), claim("planner")]), SYNTHESIZER],
            "0001-use-this.md: it binds the role planner more than once",
        ),
        (
            [*PAIR, record(2, name="use-other")],
            "0002-use-this.md and 0002-use-other.md share the number 0002",
        ),
        ([*PAIR, record(4)], "the number 0003 is missing"),
        ([*PAIR, record(0)], "0000-use-this.md: numbers start at 0001"),
        (
            [*PAIR, record(3, "superseded by ADR-0009")],
            "0003-use-this.md: it is superseded by ADR-0009, which does not exist",
        ),
        (
            [*PAIR, record(3, "superseded by ADR-0004"), record(4)],
            "0004-use-this.md: it must list ADR-0003 under 'supersedes'",
        ),
        (
            [
                *PAIR,
                record(3, "superseded by ADR-0004"),
                record(4, "proposed", supersedes=["ADR-0003"]),
            ],
            "0003-use-this.md: it is superseded by ADR-0004, which is only proposed",
        ),
        (
            [*PAIR, record(3, supersedes=["ADR-0009"])],
            "0003-use-this.md: it supersedes ADR-0009, which does not exist",
        ),
        (
            [*PAIR, record(3), record(4, supersedes=["ADR-0003"])],
            "0003-use-this.md: its status must be 'superseded by ADR-0004'",
        ),
        (
            [*PAIR, record(3, rejects=["Publisher/QWEN"])],
            "0001-use-this.md: it binds the role planner to qwen, which ADR-0003 rejects",
        ),
    ],
)
def test_a_contradiction_is_refused_with_the_files_that_make_it(records, expected):
    with pytest.raises(DecisionRecordError) as caught:
        resolve(records)
    assert expected in caught.value.message


def test_every_problem_is_listed_at_once():
    with pytest.raises(DecisionRecordError) as caught:
        resolve([PLANNER, record(3, rejects=["qwen"]), record(3, supersedes=["ADR-0008"])])
    assert caught.value.message.count("\n  - ") == 5


def test_records_that_fit_have_no_problems():
    assert problems(PAIR) == ()


def test_a_superseded_rejection_no_longer_forbids():
    rejecting = record(3, "superseded by ADR-0004", rejects=["qwen"])
    assert resolve([*PAIR, rejecting, record(4, supersedes=["ADR-0003"])])


def test_a_rejection_spares_the_other_builds_of_a_model():
    rejecting = record(3, rejects=["Qwen3-30B-A3B"])
    bound = record(1, binds=[claim("planner", "Qwen3-30B-A3B-Instruct-2507")])
    assert resolve([bound, SYNTHESIZER, rejecting])


def test_an_explanation_holds_what_was_chosen_and_what_was_not():
    chosen = record(
        1,
        binds=[claim("planner")],
        confirmation={"suite": "planner", "floors": {"single_step": 0.8}},
        evidence={"report": "r.json", "sha256": "0" * 64},
    )
    proposed = record(3, "proposed", binds=[claim("planner", "big"), claim("synthesizer", "big")])
    rejecting = record(4, rejects=["Small"])
    why = explain([chosen, SYNTHESIZER, proposed, rejecting], "planner")
    assert (why.binding.model, why.file, why.date) == ("qwen", "0001-use-this.md", "2026-11-21")
    assert why.confirmation.floors == {"single_step": 0.8}
    assert why.evidence.report == "r.json"
    assert why.outcome == "Chosen: this."
    assert [(other.record, other.status, other.model) for other in why.others] == [
        ("ADR-0003", "proposed", "big")
    ]
    assert [(gone.model, gone.record) for gone in why.rejected] == [("Small", "ADR-0004")]


def test_only_accepted_records_reject():
    assert rejections([record(1, "proposed", rejects=["Small"])]) == ()


def test_the_index_has_a_row_for_each_record_in_order():
    text = index([record(2, "proposed", binds=[claim("synthesizer", "x")]), PLANNER])
    rows = [line for line in text.splitlines() if line.startswith("| [")]
    assert rows == [
        "| [ADR-0001](0001-use-this.md) | Use number 1 | accepted | 2026-11-21 | planner: qwen |",
        "| [ADR-0002](0002-use-this.md) | Use number 2 | proposed | 2026-11-21 | synthesizer: x |",
    ]
    assert text.endswith("|\n")


STATUSES = st.sampled_from(
    ["proposed", "accepted", "rejected", "deprecated", "superseded by ADR-0002"]
)
ROLE_LISTS = st.lists(st.sampled_from(["planner", "synthesizer"]), max_size=2)


@example([("accepted", ["planner", "synthesizer"])])
@example([("accepted", ["synthesizer"]), ("rejected", ["planner"]), ("accepted", ["planner"])])
@given(st.lists(st.tuples(STATUSES, ROLE_LISTS), max_size=5))
def test_no_set_of_records_leaves_a_role_open_or_bound_twice(drawn):
    records = [
        record(number, status, binds=[claim(role) for role in roles])
        for number, (status, roles) in enumerate(drawn, start=1)
    ]
    claimed = sorted(c.role for r in records if r.accepted for c in r.front.binds)
    if problems(records):
        with pytest.raises(DecisionRecordError):
            resolve(records)
    else:
        assert claimed == sorted(resolve(records)) == ["planner", "synthesizer"]
