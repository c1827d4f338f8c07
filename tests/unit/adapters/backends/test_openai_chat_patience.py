"""Waits are counted from the last sign of life, whoever was slow."""

import pytest

from adapters.backends.patience import Patience
from tests.fakes.clock import FakeClock


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def patience(clock):
    return Patience(clock, url="http://m", total=100, first_token=30, stall=10)


def test_before_the_first_token_the_longer_limit_holds(patience, clock):
    assert patience.left() == 30
    clock.advance(20)
    assert patience.left() == 10
    clock.advance(20)
    assert patience.left() == 0
    assert "no first token within 30 s" in str(patience.error())


def test_each_token_renews_the_wait_for_the_next(patience, clock):
    patience.progress()
    assert patience.left() == 10
    clock.advance(9)
    patience.progress()
    assert patience.left() == 10
    clock.advance(10)
    assert patience.left() == 0
    assert "fell silent for 10 s" in str(patience.error())


def test_the_time_a_reader_takes_is_no_stall(patience, clock):
    patience.progress()
    clock.advance(50)
    assert patience.left() == 10


def test_the_total_counts_everything(patience, clock):
    patience.progress()
    clock.advance(95)
    assert patience.left() == 5
    clock.advance(5)
    assert "did not finish within 100 s" in str(patience.error())


def test_a_total_that_passed_while_the_reader_was_busy_is_named(patience, clock):
    patience.progress()
    clock.advance(200)
    assert "did not finish" in str(patience.error())
    assert patience.left() == 0
