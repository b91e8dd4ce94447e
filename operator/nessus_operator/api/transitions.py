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

# What the API server answers, and `refusal` too.
ATTEMPT_STEPS = (
    "attempt is 1 in the first write, rises by exactly 1 at each return to Queued "
    "and changes at no other time"
)
MANUAL_RETRY = (
    "observedManualRetries is spec.manualRetries in the first write, rises to it when a finished "
    "scan returns to Queued and changes at no other time"
)
GONE = f"{', '.join(GONE_WITH_A_NEW_ATTEMPT)} belong to one attempt and must be gone with a new one"
NEEDED = f"the move to Running needs {', '.join(NEEDED_TO_RUN)}"
ONCE = "is written once per attempt"
FROZEN = "may not change once the scan has ended"


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
    (that observedManualRetries equals spec.manualRetries) only the API server judges, and
    moments are compared as they are written: the operator writes one form.
    """
    old_phase = Phase(old["phase"]) if old.get("phase") else None
    phase = Phase(new["phase"]) if new.get("phase") else None
    if (phase or old_phase) and not (phase and may_move(old_phase, phase)):
        return f"phase may not go from {old_phase or 'nothing'} to {phase or 'nothing'}"
    first = old_phase is None and phase is not None
    again = phase is not None and is_new_attempt(old_phase, phase)
    if new.get("attempt", 0) != old.get("attempt", 0) + (first or again):
        return ATTEMPT_STEPS
    if not _retries_agree(old, new, first or (again and old_phase in RETRYABLE)):
        return MANUAL_RETRY
    if again:
        return GONE if _any_present(new, GONE_WITH_A_NEW_ATTEMPT) else None
    return _field_refusal(old, new, old_phase, phase)


def _retries_agree(old: Mapping[str, Any], new: Mapping[str, Any], rises: bool) -> bool:
    before, after = old.get("observedManualRetries", -1), new.get("observedManualRetries", -1)
    return bool(after > before) if rises else bool(after == before)


def _any_present(status: Mapping[str, Any], paths: tuple[str, ...]) -> bool:
    return any(at(status, path) is not None for path in paths)


def _field_refusal(
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    old_phase: Phase | None,
    phase: Phase | None,
) -> str | None:
    for path in ONCE_PER_ATTEMPT:
        if at(old, path) is not None and at(new, path) != at(old, path):
            return f"{path} {ONCE}"
    if phase is Phase.RUNNING and old_phase is not Phase.RUNNING:
        return NEEDED if any(at(new, path) is None for path in NEEDED_TO_RUN) else None
    if phase in TERMINAL and old_phase == phase:
        changed = [path for path in FROZEN_WHEN_TERMINAL if at(new, path) != at(old, path)]
        return f"{changed[0]} {FROZEN}" if changed else None
    return None
