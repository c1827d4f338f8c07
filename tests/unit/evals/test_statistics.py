"""Intervals and tests against published values, and what must hold of them always."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.evals.statistics import (
    calibration_error,
    mcnemar,
    paired,
    quantile,
    ratio_interval,
    reliability,
    wilson,
)

counts = st.integers(0, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
outcomes = st.lists(st.tuples(st.booleans(), st.booleans()), max_size=60)


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [
        # R. G. Newcombe, Statistics in Medicine 17 (1998) 857, table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_agrees_with_newcombes_table(k, n, low, high):
    found = wilson(k, n)
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


@given(counts)
def test_wilson_holds_the_share_and_stays_within_zero_and_one(pair):
    k, n = pair
    found = wilson(k, n)
    assert 0 <= found.low <= found.high <= 1
    if n:
        assert found.low <= k / n <= found.high


@given(counts)
def test_wilson_is_the_same_seen_from_the_other_side(pair):
    k, n = pair
    here, there = wilson(k, n), wilson(n - k, n)
    assert here.low == pytest.approx(1 - there.high, abs=1e-12)


@given(st.integers(1, 50), st.integers(1, 50))
def test_wilson_narrows_with_more_cases(k, rest):
    few, many = wilson(k, k + rest), wilson(4 * k, 4 * (k + rest))
    assert many.high - many.low < few.high - few.low


def test_the_paired_comparison_agrees_with_a_published_example():
    # Airway reactivity before and after transplantation, in M. W. Fagerland, S. Lydersen and
    # P. Laake, Statistics in Medicine 33 (2014) 2850: exact p 0.0703, Newcombe -0.507 to -0.026.
    before = [True] + [True] + [False] * 7 + [False] * 12
    after = [True] + [False] + [True] * 7 + [False] * 12
    found = paired(before, after)
    assert (found.both, found.only_a, found.only_b, found.n) == (1, 1, 7, 21)
    assert found.p == pytest.approx(0.0703, abs=5e-5)
    assert (round(found.low, 3), round(found.high, 3)) == (-0.507, -0.026)
    assert found.value == pytest.approx(-6 / 21)


@given(outcomes)
def test_a_comparison_turned_round_changes_its_sign_only(pairs):
    a, b = [x for x, _ in pairs], [y for _, y in pairs]
    here, there = paired(a, b), paired(b, a)
    assert here.p == there.p
    assert here.value == pytest.approx(-there.value)
    assert here.low == pytest.approx(-there.high)
    assert -1 <= here.low <= here.value <= here.high <= 1


@given(st.integers(0, 200), st.integers(0, 200))
def test_mcnemar_is_a_probability_and_one_for_a_tie(b, c):
    assert 0 < mcnemar(b, c) <= 1
    assert mcnemar(b, b) == 1
    assert mcnemar(b, c) == mcnemar(c, b)


def test_mcnemar_is_the_binomial_by_hand():
    assert mcnemar(0, 5) == 2 / 32
    assert mcnemar(0, 0) == 1


def test_a_ratio_that_is_the_same_in_every_case_has_a_point_for_an_interval():
    tops, bottoms = [(10.0, 1), (20.0, 2)], [(100.0, 1), (200.0, 2)]
    found = ratio_interval(tops, bottoms)
    assert (found.low, found.high) == pytest.approx((0.1, 0.1))


def test_a_ratio_without_a_bottom_has_no_interval():
    assert ratio_interval([(1.0, 1)], [(0.0, 1)]) is None
    assert ratio_interval([], []) is None


@given(st.lists(st.tuples(st.floats(1, 99), st.integers(1, 5)), min_size=1, max_size=5))
@settings(max_examples=20)
def test_the_bootstrap_draws_the_same_for_the_same_seed(tops):
    bottoms = [(3 * amount, count) for amount, count in tops]
    assert ratio_interval(tops, bottoms) == ratio_interval(tops, bottoms)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1), st.floats(0, 1))
def test_a_quantile_lies_among_its_values(values, q):
    assert min(values) <= quantile(values, q) <= max(values) or quantile(
        values, q
    ) == pytest.approx(max(values))


def test_quantiles_are_between_neighbours_by_distance():
    assert quantile([4, 1, 3, 2], 0.5) == 2.5
    assert quantile([1, 2], 0.9) == pytest.approx(1.9)
    assert quantile([], 0.5) is None


def test_a_margin_that_is_always_honest_has_no_calibration_error():
    pairs = [(0.75, True)] * 3 + [(0.75, False)]
    assert calibration_error(reliability(pairs)) == pytest.approx(0)


def test_calibration_error_weighs_bins_by_their_decisions():
    pairs = [(0.95, True)] * 9 + [(0.35, True)]
    found = reliability(pairs)
    assert [part.n for part in found] == [1, 9]
    assert calibration_error(found) == pytest.approx(0.9 * 0.05 + 0.1 * 0.65)


def test_the_surest_decision_falls_into_the_last_bin():
    (only,) = reliability([(1.0, True)])
    assert (only.low, only.high) == (0.9, 1.0)


def test_nothing_has_no_calibration_error():
    assert calibration_error(reliability([])) is None
