"""What a stored report makes of its scan: results, warnings, conditions, and its end."""

from collections.abc import Sequence
from datetime import datetime

from nessus_operator.api.conditions import ScanCondition
from nessus_operator.api.reasons import Reason
from nessus_operator.api.scan import (
    Authentication,
    AuthenticationStatus,
    NessusScan,
    Progress,
    Results,
    ScanStatus,
    ScanType,
)
from nessus_operator.api.transitions import Phase
from nessus_operator.core import progress
from nessus_operator.core.conditions import Finding
from nessus_operator.core.validation import Objection


def concluded(
    scan: NessusScan,
    results: Results,
    authentication: Authentication,
    objections: Sequence[Objection],
    phase: Phase,
    reason: Reason | None,
    now: datetime,
) -> ScanStatus:
    """`phase` is where the scan was heading; `reason` why, where that is not Completed.

    A scan that was stopped keeps its end whatever its partial report is worth.
    """
    failing = next((one for one in objections if one.outcome == "fail"), None)
    message = f"{results.findings} findings on {results.hosts} hosts"
    if phase is Phase.COMPLETED and failing:
        phase, reason, message = Phase.FAILED, failing.reason, failing.message
    status = scan.status.but(results=results, authentication=authentication)
    if phase is Phase.COMPLETED:
        status = status.but(progress=_whole(status.progress, results.hosts))
    status = progress.warned(status, [f"{one.reason}: {one.message}" for one in objections])
    findings = (
        _validated(objections, message),
        _authenticated(scan, authentication),
        Finding(ScanCondition.RESULTS_AVAILABLE, "True", Reason.STORED),
    )
    told = scan.but(status=status)
    return progress.finished(told, phase, reason or Reason.PASSED, message, now, findings)


def _whole(last: Progress | None, hosts: int) -> Progress:
    """The last poll may have been long before the end."""
    total = max(hosts, last.hosts_total if last else 0)
    return Progress(percent=100, hosts_completed=hosts, hosts_total=total)


def _validated(objections: Sequence[Objection], message: str) -> Finding:
    failing = next((one for one in objections if one.outcome == "fail"), None)
    if failing:
        return Finding(ScanCondition.VALIDATED, "False", failing.reason, failing.message)
    return Finding(ScanCondition.VALIDATED, "True", Reason.PASSED, message)


def _authenticated(scan: NessusScan, authentication: Authentication) -> Finding:
    type_ = ScanCondition.HOSTS_AUTHENTICATED
    if scan.spec.scan_type is ScanType.UNTRUSTED:
        return Finding(type_, "Unknown", Reason.NOT_APPLICABLE)
    match authentication.status:
        case AuthenticationStatus.SUCCESS:
            return Finding(type_, "True", Reason.SUCCESS)
        case AuthenticationStatus.PARTIAL:
            return Finding(type_, "False", Reason.PARTIAL)
        case AuthenticationStatus.FAILED:
            return Finding(type_, "False", Reason.CREDENTIALS_FAILED)
        case _:
            return Finding(type_, "Unknown", Reason.NOT_APPLICABLE)
