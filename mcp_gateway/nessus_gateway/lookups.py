"""How often a caller may make the gateway ask the API server for something that is not there."""

from dataclasses import dataclass, field

_PER_SECOND = 2.0
_AT_ONCE = 20
_CALLERS = 4096  # the longest silent are forgotten, with a full allowance


@dataclass(frozen=True, slots=True)
class Allowance:
    left: float
    since: float


@dataclass(slots=True)
class Lookups:
    """A bucket of tokens per caller. Moments are monotonic seconds."""

    _known: dict[str, Allowance] = field(default_factory=dict)

    def wait(self, caller: str, now: float) -> float:
        """0.0 takes one look-up; else the seconds until there is one."""
        known = self._known.pop(caller, Allowance(_AT_ONCE, now))
        left = min(_AT_ONCE, known.left + (now - known.since) * _PER_SECOND)
        taken = left >= 1
        self._known[caller] = Allowance(left - taken, now)
        if len(self._known) > _CALLERS:
            del self._known[next(iter(self._known))]
        return 0.0 if taken else (1 - left) / _PER_SECOND
