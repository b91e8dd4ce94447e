"""The moves that a scan may make: one table for the API server's rules, the operator and the docs.

`hack/generate` writes the CEL rules of crds/nessusscans.yaml and the diagram of crds/README.md
from it, the operator asks `refusal` before each write, and a test tries every pair on a real
API server.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any


class Phase(StrEnum):
    QUEUED = "Queued"
    RUNNING = "Running"
    COMPLETED = "Completed"
    FAILED = "Failed"
    TIMEOUT = "Timeout"
    CANCELLED = "Cancelled"


ACTIVE = (Phase.QUEUED, Phase.RUNNING)
TERMINAL = (Phase.COMPLETED, Phase.FAILED, Phase.TIMEOUT, Phase.CANCELLED)
RETRYABLE = (Phase.FAILED, Phase.TIMEOUT, Phase.CANCELLED)

# None: the operator has not seen the scan yet. Staying in a phase is always allowed.
MOVES: Mapping[Phase | None, tuple[Phase, ...]] = {
    None: (Phase.QUEUED, Phase.FAILED),
    Phase.QUEUED: (Phase.RUNNING, Phase.CANCELLED, Phase.FAILED, Phase.TIMEOUT),
    Phase.RUNNING: (
        Phase.COMPLETED,
        Phase.FAILED,
        Phase.TIMEOUT,
        Phase.CANCELLED,
        Phase.QUEUED,  # an automatic retry
    ),
    Phase.FAILED: (Phase.QUEUED,),
    Phase.TIMEOUT: (Phase.QUEUED,),
    Phase.CANCELLED: (Phase.QUEUED,),
    Phase.COMPLETED: (),
}

# Paths below status, in the spelling of the API.
ONCE_PER_ATTEMPT = (
    "startTime",
    "scannerName",
    "remote.token",
    "remote.scanID",
    "remote.launchTime",
)
GONE_WITH_A_NEW_ATTEMPT = (
    "startTime",
    "completionTime",
    "scannerName",
    "remote",
    "progress",
    "results",
    "authentication",
    "failure",
    "stop",
)
NEEDED_TO_RUN = ("startTime", "scannerName", "remote.token")
FROZEN_WHEN_TERMINAL = ("completionTime", "results")


def may_move(old: Phase | None, new: Phase) -> bool:
    return old == new or new in MOVES[old]


def is_new_attempt(old: Phase | None, new: Phase) -> bool:
    return new is Phase.QUEUED and old not in (None, Phase.QUEUED)


def at(status: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path of a status in JSON form; None where it is absent."""
    value: Any = status
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def refusal(old: Mapping[str, Any], new: Mapping[str, Any]) -> str | None:
    """Why the API server would refuse this status write; None when it would not.

    Both are statuses in JSON form, empty for a scan without one. What depends on spec
    (manualRetries) only the API server judges.
    """
    old_phase = Phase(old["phase"]) if old.get("phase") else None
    if not new.get("phase"):
        return "status.phase may not be removed" if old_phase else None
    phase = Phase(new["phase"])
    if not may_move(old_phase, phase):
        return f"phase may not go from {old_phase or 'nothing'} to {phase}"
    again = is_new_attempt(old_phase, phase)
    expected = 1 if old_phase is None else old.get("attempt", 1) + again
    if new.get("attempt") != expected:
        return "attempt rises by exactly 1 at each return to Queued and changes at no other time"
    return _field_refusal(old, new, phase, again)


def _field_refusal(
    old: Mapping[str, Any], new: Mapping[str, Any], phase: Phase, again: bool
) -> str | None:
    if again:
        left = [path for path in GONE_WITH_A_NEW_ATTEMPT if at(new, path) is not None]
        return f"{left[0]} belongs to one attempt and must be gone with a new one" if left else None
    for path in ONCE_PER_ATTEMPT:
        if at(old, path) is not None and at(new, path) != at(old, path):
            return f"{path} is written once per attempt"
    if phase is Phase.RUNNING and old.get("phase") != Phase.RUNNING:
        missing = [path for path in NEEDED_TO_RUN if at(new, path) is None]
        if missing:
            return f"the move to Running needs {missing[0]}"
    if phase in TERMINAL and old.get("phase") == phase:
        changed = [path for path in FROZEN_WHEN_TERMINAL if at(new, path) != at(old, path)]
        return f"{changed[0]} is frozen once the scan has ended" if changed else None
    return None
