"""Simulated time: it starts at the wall clock, runs `speed` times as fast, and can be advanced."""

import time
from collections.abc import Callable


class Clock:
    """The one clock of a simulator; whatever depends on time is computed from `now()`."""

    def __init__(
        self,
        start: float,
        speed: float = 1.0,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        """`start` in Unix seconds; `elapsed` counts real seconds from any origin."""
        self.speed = speed
        self._start = start
        self._elapsed = elapsed
        self._origin = elapsed()

    def now(self) -> float:
        """Simulated Unix seconds."""
        return self._start + (self._elapsed() - self._origin) * self.speed

    def advance(self, seconds: float) -> None:
        """Let simulated seconds pass at once. Time never goes back."""
        self._start += max(seconds, 0.0)


def wall_clock() -> float:
    """Unix seconds, read once at start."""
    return time.time()  # noqa: TID251 - the only look at the wall clock
