"""Rates: a bucket for each caller that fills with time."""

import pytest

from orchestrator.service.gate import rates
from orchestrator.service.gate.rates import Rates
from tests.fakes.clock import FakeClock


def test_so_many_at_once_and_then_one_at_a_time():
    clock = FakeClock()
    allowed = Rates(60, clock)
    assert [allowed.wait("ana") for _ in range(60)] == [0.0] * 60
    assert allowed.wait("ana") == pytest.approx(1.0)
    clock.advance(0.5)
    assert allowed.wait("ana") == pytest.approx(0.5)
    clock.advance(0.6)
    assert allowed.wait("ana") == 0.0
    assert allowed.wait("ana") > 0


def test_callers_do_not_take_from_each_other():
    allowed = Rates(1, FakeClock())
    assert allowed.wait("ana") == 0.0
    assert allowed.wait("ana") > 0
    assert allowed.wait("bob") == 0.0


def test_a_pause_gives_no_more_than_a_minute_s_worth():
    clock = FakeClock()
    allowed = Rates(3, clock)
    clock.advance(10_000)
    assert [allowed.wait("ana") > 0 for _ in range(4)] == [False, False, False, True]


def test_it_remembers_a_bounded_number_of_callers(monkeypatch):
    monkeypatch.setattr(rates, "_MOST_CALLERS", 2)
    allowed = Rates(1, FakeClock())
    for name in ("ana", "bob", "cy"):
        allowed.wait(name)
    assert allowed.wait("cy") > 0
    assert allowed.wait("ana") == 0.0
