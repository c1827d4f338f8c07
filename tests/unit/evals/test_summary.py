"""What a report says of records, figure by figure."""

import pytest

from orchestrator.core.chat import Usage
from orchestrator.evals.figures import EvalReport
from orchestrator.evals.records import Score
from orchestrator.evals.summary import summarize
from orchestrator.evals.summary_details import reason
from orchestrator.evals.traces import ModelUse, Trace


@pytest.fixture(scope="module")
def report(drawn):
    return summarize(*drawn, command="ferryman eval report desk")


def row_of(report, arm="ferryman", kind="all", part="all"):
    return next(r for r in report.rows if (r.arm, r.kind, r.part) == (arm, kind, part))


def criterion(report, word):
    return next(c for c in report.criteria if word in c.name)


def detail_of(report, arm="ferryman"):
    return next(d for d in report.details if d.arm == arm)


def of_one(maker, *records, **options):
    arms = {record.arm for record in records}
    measured = {f"digest-of-{arm}": maker.measured(arm) for arm in arms}
    return summarize(records, measured, **options)


def test_every_record_is_counted_once_in_each_half(report):
    for arm in report.arms:
        halves = [row_of(report, arm, part=part).solved for part in ("tuned", "held_out")]
        whole = row_of(report, arm).solved
        assert sum(half.n for half in halves) == whole.n == 60
        assert sum(half.k for half in halves) == whole.k


def test_arms_are_told_from_the_plainest_to_the_ablations(report):
    assert report.arms[:3] == ("bare", "native", "ferryman")
    assert all(arm.startswith("ferryman-") for arm in report.arms[3:])


def test_the_report_survives_its_json(report):
    assert EvalReport.model_validate_json(report.model_dump_json()) == report


def test_the_same_records_in_any_order_make_the_same_report(drawn, report):
    records, measured = drawn
    assert summarize(records[::-1], measured, command="ferryman eval report desk") == report


def test_a_case_without_a_record_is_named(maker):
    found = of_one(
        maker,
        maker.record("a", "bare"),
        maker.record("b", "bare"),
        maker.record("a", "ferryman"),
        expected=["a", "b", "c"],
    )
    assert detail_of(found, "bare").missing == ("c",)
    assert detail_of(found).missing == ("b", "c")
    assert "No record of 2 cases (b, c) under ferryman (tiny-1b)." in found.notes


def test_arms_are_compared_on_the_cases_that_both_have(maker):
    found = of_one(
        maker,
        maker.record("a", "bare", solved=False),
        maker.record("a", "ferryman"),
        maker.record("b", "ferryman"),
    )
    pair = next(
        c for c in found.comparisons if (c.arm, c.kind, c.part) == ("ferryman",) + ("all",) * 2
    )
    assert (pair.solved.n, pair.solved.only_a) == (1, 1)
    assert pair.solved_ratio is None


def test_the_latest_record_of_a_case_counts(maker):
    from datetime import timedelta

    late = maker.record("a", solved=True)
    early = late.model_copy(
        update={"at": late.at - timedelta(1), "score": Score(solved=False, failures=("x",))}
    )
    found = of_one(maker, late, early)
    assert row_of(found).solved.k == 1
    assert "Left out for later ones of the same case: 1 record." in found.notes


def test_records_of_different_measurements_are_not_silently_mixed(maker):
    first = maker.record("a")
    second = maker.record("b").model_copy(update={"measured": "another"})
    measured = {"digest-of-ferryman": maker.measured("ferryman")}
    measured["another"] = maker.measured("ferryman", code="d" * 64)
    notes = summarize([first, second], measured).notes
    assert "ferryman (tiny-1b) holds records of 2 different measurements." in notes
    assert "The arms differ in code: compare them with care." in notes


def test_records_of_something_unknown_are_told(maker):
    assert "What was measured is unknown for 1 digest." in summarize([maker.record("a")], {}).notes


def test_prompt_tokens_of_a_decision_hold_the_choice_and_the_arguments(maker):
    uses = (
        ModelUse(purpose="plan", usage=Usage(prompt=1000, generated=50)),
        maker.use(usage=Usage(prompt=300, cached=100, generated=5), disclosed=4),
        maker.use("arguments", usage=Usage(prompt=400, cached=380, generated=20)),
        maker.use(decision=1, usage=Usage(prompt=500, cached=400, generated=5)),
        maker.use("arguments", decision=1, usage=Usage(prompt=600, cached=590, generated=5)),
        ModelUse(purpose="answer", usage=Usage(prompt=200, generated=30)),
    )
    trace = Trace(status="completed", model=uses, seconds=3)
    tokens = row_of(of_one(maker, maker.record("a", trace=trace))).tokens
    assert tokens.decisions == 2
    assert tokens.per_decision == 900
    assert tokens.with_plan == 1400
    assert tokens.computed == 165
    assert tokens.per_run.value == 3000 + 115
    assert (tokens.cached.prompt, tokens.cached.cached) == (3000, 1470)
    # The first decision disclosed tools: its arguments are part of what had to be told.
    assert (tokens.settled.calls, tokens.settled.value) == (2, 990 / 1100)


def test_rounds_without_a_number_are_decisions_of_their_own(maker):
    trace = Trace(status="answered", model=(maker.use("round", decision=-1),) * 3)
    found = row_of(of_one(maker, maker.record("a", "bare", trace=trace)), "bare")
    assert found.tokens.decisions == 3
    assert found.decision_seconds.n == 3


def test_tokens_of_a_solved_case_hold_what_the_failed_ones_cost(maker):
    found = of_one(maker, maker.record("a"), maker.record("b", solved=False))
    tokens = row_of(found).tokens
    assert tokens.per_solved.value == 2 * tokens.per_run.value
    assert tokens.per_solved.n == 1


def test_figures_that_nobody_has_are_none_and_not_zero(maker):
    found = row_of(of_one(maker, maker.record("a")))
    assert found.crossings.value is None
    assert found.crossings.n == 0
    assert found.first_tool.value is None


def test_the_margin_is_judged_by_every_decision_that_is_known(maker):
    uses = tuple(maker.use(decision=at, margin=0.5) for at in range(3))
    trace = Trace(status="completed", model=uses)
    score = Score(solved=True, right={0: True, 1: False})
    found = of_one(maker, maker.record("a", trace=trace, score=score))
    (part,) = detail_of(found).calibration.bins
    assert (part.n, part.right) == (2, 0.5)


def test_without_a_word_on_each_decision_the_first_tool_judges_the_first_margin(maker):
    uses = tuple(maker.use(decision=at, margin=0.5) for at in range(3))
    score = Score(solved=True, first_tool=True)
    record = maker.record("a", trace=Trace(status="completed", model=uses), score=score)
    assert detail_of(of_one(maker, record)).calibration.n == 1


def test_plans_are_parted_by_their_length(maker):
    records = [
        maker.record(str(at), score=Score(solved=True, plan_length=length))
        for at, length in enumerate((0.5, 1.0, 1.0, 2.0, None))
    ]
    plans = detail_of(of_one(maker, *records)).plans
    assert (plans.shorter.k, plans.equal.k, plans.longer.k, plans.equal.n) == (1, 2, 1, 4)


def test_distances_fall_into_bars_that_add_up(report):
    found = detail_of(report).distances
    assert sum(found.counts) == found.spread.n > 0
    assert len(found.counts) == len(found.edges) + 1


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("/a/b/invoice-17.txt is missing.", "… is missing"),
        ("'report.md' has 3 lines, not 4.", "… has N lines, not N"),
        ("The answer does not hold the total of it.", "The answer does not hold the …"),
    ],
)
def test_failures_of_a_kind_are_counted_together(text, kind):
    assert reason(text) == kind


def test_a_failed_case_names_its_journal_and_its_first_failure(maker):
    record = maker.record("a", solved=False, run_id="run-1")
    (failed,) = detail_of(of_one(maker, record)).failed
    assert (failed.case, failed.run_id) == ("a", "run-1")
    assert failed.reason == record.score.failures[0]


def test_a_case_that_failed_without_words_says_how_it_ended(maker):
    score, trace = Score(solved=False), Trace(status="out_of_rounds")
    (failed,) = detail_of(of_one(maker, maker.record("a", score=score, trace=trace))).failed
    assert failed.reason == "Ended as out_of_rounds."


def test_an_ablation_that_costs_says_so(maker):
    full = [maker.record(str(at)) for at in range(40)]
    without = [maker.record(str(at), "ferryman-no-example", solved=at % 2 == 0) for at in range(40)]
    found = of_one(maker, *full, *without).ablations
    assert {one.without for one in found} == {"no example"}
    assert found[0].says == "Costs 50.0 points of single cases (n 40): the device earns its place."
    turned = of_one(
        maker,
        *(r.model_copy(update={"arm": "ferryman-no-example"}) for r in full),
        *(r.model_copy(update={"arm": "ferryman"}) for r in without),
    )
    assert turned.ablations[0].says.endswith("the device does harm.")


def test_a_difference_within_chance_is_called_none(maker):
    found = of_one(maker, maker.record("a"), maker.record("a", "ferryman-no-guard", solved=False))
    assert found.ablations[0].says == "No clear difference (n 1 single cases)."


def test_the_bars_are_held_against_the_figures(report):
    assert criterion(report, "chains").met is True
    assert criterion(report, "single").met is True
    assert criterion(report, "prompt tokens per decision").met is False
    assert criterion(report, "fixations").met is True
    assert criterion(report, "fixations").n == 60


def test_bare_at_zero_asks_for_half_of_the_chains(maker):
    def chains(share):
        ours = [maker.record(str(at), kind="chain", solved=at < share) for at in range(10)]
        theirs = [maker.record(str(at), "bare", kind="chain", solved=False) for at in range(10)]
        return criterion(of_one(maker, *ours, *theirs), "chains")

    assert chains(5).met is True
    assert chains(4).met is False
    assert chains(4).value == "40.0 % (4), bare none"


def test_a_single_fixation_misses_its_bar(maker):
    found = of_one(maker, maker.record("a", score=Score(solved=True, fixations=1)))
    assert criterion(found, "fixations").met is False


def test_a_bar_without_figures_is_neither_met_nor_missed(maker):
    found = of_one(maker, maker.record("a", "bare"))
    assert {one.met for one in found.criteria} == {None}
    assert {one.value for one in found.criteria} == {"not measured"}


def test_nothing_makes_an_empty_report():
    found = summarize([], {})
    assert (found.cases, found.rows, found.criteria) == (0, (), ())
