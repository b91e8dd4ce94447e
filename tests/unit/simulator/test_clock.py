"""Simulated time runs with the clock that is handed in."""

import pytest

from nessus_simulator.clock import Clock


class Stopwatch:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def stopwatch() -> Stopwatch:
    return Stopwatch()


def test_time_starts_where_it_is_told_to(stopwatch: Stopwatch) -> None:
    assert Clock(1000.0, 1.0, stopwatch).now() == 1000.0


def test_time_runs_as_many_times_as_fast_as_the_speed_says(stopwatch: Stopwatch) -> None:
    clock = Clock(1000.0, 60.0, stopwatch)
    stopwatch.seconds += 2
    assert clock.now() == 1120.0


def test_advancing_lets_simulated_seconds_pass_whatever_the_speed(stopwatch: Stopwatch) -> None:
    clock = Clock(1000.0, 60.0, stopwatch)
    clock.advance(5)
    assert clock.now() == 1005.0


def test_time_never_goes_back(stopwatch: Stopwatch) -> None:
    clock = Clock(1000.0, 1.0, stopwatch)
    clock.advance(-5)
    assert clock.now() == 1000.0
