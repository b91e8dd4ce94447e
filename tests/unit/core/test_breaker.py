"""Who fails again and again gets a rest, then one chance at a time."""

from datetime import timedelta
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import NOW

from nessus_operator.api.pool import Circuit, CircuitBreaker, CircuitState
from nessus_operator.core.breaker import Breaker

RULES = CircuitBreaker()  # 5 failures open it, for 30 s up to 300 s; 2 good calls close it
CLOSED, OPEN, HALF_OPEN = CircuitState.CLOSED, CircuitState.OPEN, CircuitState.HALF_OPEN


def after(events: str, breaker: Breaker | None = None, rules: CircuitBreaker = RULES) -> Breaker:
    """What `F`ailed calls, `S`ucceeded ones and begun `P`robes make of a breaker, all at NOW."""

    def one(known: Breaker, event: str) -> Breaker:
        match event:
            case "F":
                return known.failed(rules, NOW)
            case "S":
                return known.succeeded(rules)
            case _:
                return known.probing()

    return reduce(one, events, breaker or Breaker())


STATES = {
    "fresh": ("", CLOSED),
    "four failures": ("FFFF", CLOSED),
    "five failures": ("FFFFF", OPEN),
    "a good call between failures": ("FFFFSFFFF", CLOSED),
    "a probe of a closed one changes nothing": ("P", CLOSED),
    "a probe": ("FFFFFP", HALF_OPEN),
    "a probe on a probe": ("FFFFFPP", HALF_OPEN),
    "a bad probe": ("FFFFFPF", OPEN),
    "a good probe": ("FFFFFPS", HALF_OPEN),
    "a good probe, then a bad one": ("FFFFFPSF", OPEN),
    "two good probes": ("FFFFFPSS", CLOSED),
    "two good probes with a bad one between": ("FFFFFPSFPS", HALF_OPEN),
    "closed again, it takes five more failures": ("FFFFFPSSFFFF", CLOSED),
    "closed again, five more failures": ("FFFFFPSSFFFFF", OPEN),
    "the late failure of a call from before": ("FFFFFF", OPEN),
    "the late success of a call from before": ("FFFFFS", OPEN),
    "many late successes": ("FFFFFSSS", OPEN),
}


@pytest.mark.parametrize(("events", "state"), STATES.values(), ids=STATES)
def test_state(events: str, state: CircuitState) -> None:
    breaker = after(events)
    assert breaker.state is state
    assert breaker.closed is (state is CLOSED)


WAITS = {
    "the first time": ("FFFFF", 30),
    "after a bad probe": ("FFFFFPF", 60),
    "after two bad probes": ("FFFFF" + "PF" * 2, 120),
    "after three bad probes": ("FFFFF" + "PF" * 3, 240),
    "never longer than the rules say": ("FFFFF" + "PF" * 4, 300),
    "after a very long outage": ("FFFFF" + "PF" * 5000, 300),
    "a good probe halves nothing": ("FFFFFPFPSF", 120),
    "once closed, it begins anew": ("FFFFFPFPSSFFFFF", 30),
    "late failures do not lengthen it": ("FFFFF" + "F" * 50, 30),
}


@pytest.mark.parametrize(("events", "seconds"), WAITS.values(), ids=WAITS)
def test_wait(events: str, seconds: int) -> None:
    breaker = after(events)
    end = NOW + timedelta(seconds=seconds)
    assert not breaker.allows_probe(RULES, end - timedelta(microseconds=1))
    assert breaker.allows_probe(RULES, end)


def test_a_late_failure_does_not_begin_the_wait_anew() -> None:
    later = NOW + timedelta(seconds=20)
    breaker = after("FFFFF").failed(RULES, later)
    assert breaker.open_time == NOW
    assert breaker.failures == 6


def test_the_longest_wait_bounds_the_first() -> None:
    rules = CircuitBreaker(recovery_seconds=600, max_recovery_seconds=300)
    assert after("FFFFF", rules=rules).wait(rules) == timedelta(seconds=300)


def test_one_good_probe_closes_it_where_one_is_enough() -> None:
    rules = CircuitBreaker(success_threshold=1)
    assert after("FFFFFPS", rules=rules) == Breaker()


def test_new_rules_act_on_a_breaker_that_is_open() -> None:
    impatient = CircuitBreaker(recovery_seconds=1)
    assert after("FFFFF").allows_probe(impatient, NOW + timedelta(seconds=1))


@pytest.mark.parametrize("events", ["", "F", "FFFFFP", "FFFFFPS"])
def test_a_probe_needs_no_wait_unless_it_is_open(events: str) -> None:
    assert after(events).allows_probe(RULES, NOW)


SHOWN: dict[str, tuple[str, Circuit]] = {
    "fresh": ("", Circuit()),
    "failing": ("FF", Circuit(state=CLOSED, failures=2)),
    "open": ("FFFFF", Circuit(state=OPEN, failures=5, open_time=NOW)),
    "half-open": ("FFFFFP", Circuit(state=HALF_OPEN, failures=5, open_time=NOW)),
    "closed again": ("FFFFFPSS", Circuit()),
}


@pytest.mark.parametrize(("events", "circuit"), SHOWN.values(), ids=SHOWN)
def test_shown(events: str, circuit: Circuit) -> None:
    assert after(events).shown() == circuit


@given(st.text("FSP", max_size=60))
def test_whatever_happens_it_is_never_stuck(events: str) -> None:
    """Two good probes after the longest wait always close it."""
    breaker = after(events)
    assert breaker.allows_probe(RULES, NOW + timedelta(seconds=300))
    assert after("PSS", breaker).closed
