"""When to look at a scanner again."""

from datetime import timedelta

import pytest
from tests.builders import NOW, make_scan
from tests.unit.core import statuses
from tests.unit.core.statuses import seconds

from nessus_operator.api.scan import NessusScan, ScanStatus, StopReason
from nessus_operator.core import polling

FIRST, PERIOD = 1.0, 30.0


def runs(status: ScanStatus | None = None) -> NessusScan:
    """Launched at NOW."""
    return make_scan(status=status or statuses.launched())


# seconds from the launch to the last look, then from there to the next
WAITS = {
    "at once": (0, 1),
    "for the first ten seconds": (10, 1),
    "after a minute": (60, 6),
    "after four minutes": (240, 24),
    "after five minutes": (300, 30),
    "after a day": (86400, 30),
    "the last look was before the launch": (-5, 1),
}


@pytest.mark.parametrize(("since", "wait"), WAITS.values(), ids=WAITS)
def test_a_scan_is_looked_at_more_and_more_seldom(since: float, wait: float) -> None:
    last = seconds(since)
    assert polling.due([runs()], FIRST, PERIOD, last) == last + timedelta(seconds=wait)


def test_the_youngest_scan_sets_the_pace() -> None:
    young = statuses.launched()
    assert young.remote is not None
    young = young.but(remote=young.remote.but(launch_time=seconds(100)))
    assert polling.due([runs(), runs(young)], FIRST, PERIOD, seconds(140)) == seconds(144)


def test_a_scan_that_stops_is_watched_like_a_new_one() -> None:
    stopping = statuses.stopping(StopReason.CANCELLED, after=3600)
    assert polling.due([runs(stopping)], FIRST, PERIOD, seconds(3605)) == seconds(3606)


def test_the_period_may_be_shorter_than_the_first_wait() -> None:
    assert polling.due([runs()], 5.0, 2.0, seconds(1000)) == seconds(1005)


NOTHING: dict[str, list[ScanStatus]] = {
    "no scan": [],
    "a scan that was not launched": [statuses.admitted(), statuses.claimed()],
    "a scan that waits": [statuses.queued()],
}


@pytest.mark.parametrize("status", NOTHING.values(), ids=NOTHING)
def test_nothing_to_look_at(status: list[ScanStatus]) -> None:
    assert polling.due(map(runs, status), FIRST, PERIOD, NOW) is None


def test_scanners_are_not_asked_in_step() -> None:
    periods = {polling.jitter(PERIOD, f"pool/s{number}") for number in range(50)}
    assert len(periods) > 25
    assert min(periods) >= PERIOD
    assert max(periods) <= PERIOD * 1.1
    assert polling.jitter(PERIOD, "pool/s1") == polling.jitter(PERIOD, "pool/s1")
