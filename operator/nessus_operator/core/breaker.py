"""A circuit breaker for one scanner: who fails again and again gets a rest.

Closed: calls go through. Open: none does, until the wait is over. Half-open: one probe at a
time; enough good ones close it, a bad one opens it again for twice as long.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Self

from nessus_operator.api.pool import Circuit, CircuitBreaker, CircuitState


@dataclass(frozen=True, slots=True)
class Breaker:
    state: CircuitState = CircuitState.CLOSED
    failures: int = 0  # in a row
    successes: int = 0  # in a row, while half-open
    open_time: datetime | None = None
    openings: int = 0  # in a row, each doubles the wait

    def wait(self, rules: CircuitBreaker) -> timedelta:
        seconds = rules.recovery_seconds * 2 ** min(max(self.openings - 1, 0), 32)
        return timedelta(seconds=min(seconds, rules.max_recovery_seconds))

    @property
    def closed(self) -> bool:
        """May ordinary calls be made?"""
        return self.state is CircuitState.CLOSED

    def rests_until(self, rules: CircuitBreaker) -> datetime | None:
        """Before then no probe may be made; None: one may be made at any time."""
        if self.state is not CircuitState.OPEN or self.open_time is None:
            return None
        return self.open_time + self.wait(rules)

    def allows_probe(self, rules: CircuitBreaker, now: datetime) -> bool:
        """May one probe be made?"""
        until = self.rests_until(rules)
        return until is None or now >= until

    def probing(self) -> Self:
        """A probe starts."""
        if self.state is CircuitState.OPEN:
            return replace(self, state=CircuitState.HALF_OPEN, successes=0)
        return self

    def succeeded(self, rules: CircuitBreaker) -> Self:
        if self.state is CircuitState.CLOSED:
            return replace(self, failures=0)
        if self.state is CircuitState.OPEN:  # the late end of a call from before
            return self
        successes = self.successes + 1
        if successes >= rules.success_threshold:
            return type(self)()
        return replace(self, successes=successes)

    def failed(self, rules: CircuitBreaker, now: datetime) -> Self:
        failures = self.failures + 1
        if self.state is CircuitState.CLOSED and failures < rules.failure_threshold:
            return replace(self, failures=failures)
        if self.state is CircuitState.OPEN:  # the late end of a call from before
            return replace(self, failures=failures)
        return replace(
            self,
            state=CircuitState.OPEN,
            failures=failures,
            successes=0,
            open_time=now,
            openings=self.openings + 1,
        )

    def shown(self) -> Circuit:
        """As the pool's status tells it."""
        return Circuit(state=self.state, failures=self.failures, open_time=self.open_time)
