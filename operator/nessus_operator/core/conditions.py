"""Conditions as values: a list in, a list out; the transition time moves only with the status."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from nessus_operator.api.conditions import (
    Condition,
    ConditionStatus,
    PoolCondition,
    ScanCondition,
)
from nessus_operator.api.reasons import Reason

Conditions = tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one condition should say."""

    type: ScanCondition | PoolCondition
    status: ConditionStatus
    reason: str
    message: str = ""


def apply(
    conditions: Conditions, findings: Iterable[Finding], generation: int, now: datetime
) -> Conditions:
    """The conditions with these said, in their old order, new ones at the end."""
    said = {finding.type.value: finding for finding in findings}
    changed = [
        _say(said.pop(known.type), known, generation, now) if known.type in said else known
        for known in conditions
    ]
    return (*changed, *(_say(finding, None, generation, now) for finding in said.values()))


def first_visit(admitted: Reason, message: str) -> list[Finding]:
    """All conditions of a scan that the operator sees for the first time, or anew."""
    unknown = (
        ScanCondition.LAUNCHED,
        ScanCondition.VALIDATED,
        ScanCondition.HOSTS_AUTHENTICATED,
        ScanCondition.RESULTS_AVAILABLE,
        ScanCondition.SUCCEEDED,
    )
    return [
        Finding(ScanCondition.ADMITTED, "False", admitted, message),
        *(Finding(type_, "Unknown", Reason.PENDING) for type_ in unknown),
        Finding(ScanCondition.SUSPENDED, "False", Reason.NOT_SUSPENDED),
        Finding(ScanCondition.FINISHED, "False", Reason.PENDING),
    ]


def _say(finding: Finding, known: Condition | None, generation: int, now: datetime) -> Condition:
    moved = known is None or known.status != finding.status
    return Condition(
        type=finding.type,
        status=finding.status,
        reason=finding.reason,
        message=finding.message,
        observed_generation=generation,
        last_transition_time=now if known is None or moved else known.last_transition_time,
    )
