"""The system's clock tells time zones and never runs back."""

from datetime import UTC

import pytest

from adapters.clock import SystemClock


def test_the_wall_time_is_utc():
    assert SystemClock().now().tzinfo is UTC


def test_the_monotonic_time_never_goes_back():
    clock = SystemClock()
    times = [clock.monotonic() for _ in range(100)]
    assert times == sorted(times)


@pytest.mark.anyio
async def test_it_lets_time_pass():
    clock = SystemClock()
    before = clock.monotonic()
    await clock.sleep(0.001)
    assert clock.monotonic() > before
