"""What a stored report makes of its scan."""

from typing import Any

import pytest
from tests.builders import NOW
from tests.unit.core.statuses import launched, running_scan, stopping

from nessus_operator.api.conditions import ScanCondition
from nessus_operator.api.reasons import Reason
from nessus_operator.api.report import AuthenticationStatus
from nessus_operator.api.scan import (
    Authentication,
    NessusScan,
    Progress,
    Results,
    ScanStatus,
    ScanType,
    StopReason,
)
from nessus_operator.api.transitions import Phase, refusal
from nessus_operator.core import verdict
from nessus_operator.core.validation import Objection

RESULTS = Results(
    digest=f"sha256:{'a' * 64}",
    store_bytes=1,
    report_digest=f"sha256:{'b' * 64}",
    report_bytes=2,
    hosts=3,
    findings=39,
)
WARNING = Objection(Reason.PLUGINS_STALE, "plugins of last year")
FAILURE = Objection(Reason.NO_HOSTS, "the report has no hosts", "fail")
STOPPED = stopping(StopReason.CANCELLED)


def conclude(
    status: ScanStatus | None = None,
    objections: tuple[Objection, ...] = (),
    phase: Phase = Phase.COMPLETED,
    reason: Reason | None = None,
    login: AuthenticationStatus = AuthenticationStatus.NOT_APPLICABLE,
    **fields: Any,
) -> tuple[NessusScan, ScanStatus]:
    scan = running_scan(status or launched(), **fields)
    authentication = Authentication(status=login)
    new = verdict.concluded(scan, RESULTS, authentication, objections, phase, reason, NOW)
    return scan, new


ENDS: dict[str, tuple[dict[str, Any], Phase, str, str, str]] = {
    "a report that nothing speaks against completes the scan": (
        {}, Phase.COMPLETED, "Completed", "39 findings on 3 hosts", "True",
    ),
    "a warning does not keep it from completing": (
        {"objections": (WARNING,)},
        Phase.COMPLETED, "Completed", "39 findings on 3 hosts", "True",
    ),
    "a failed check fails it, with the check's words": (
        {"objections": (WARNING, FAILURE)},
        Phase.FAILED, Reason.NO_HOSTS, "the report has no hosts", "False",
    ),
    "a scan that was stopped keeps its end though its partial report fails a check": (
        {"status": STOPPED, "objections": (FAILURE,), "phase": Phase.CANCELLED,
         "reason": Reason.CANCELLED},
        Phase.CANCELLED, Reason.CANCELLED, "39 findings on 3 hosts", "False",
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("given", "phase", "reason", "message", "validated"), ENDS.values(), ids=ENDS
)
def test_end(
    given: dict[str, Any], phase: Phase, reason: str, message: str, validated: str
) -> None:
    scan, new = conclude(**given)
    assert (new.phase, new.message, new.results) == (phase, message, RESULTS)
    succeeded = new.condition(ScanCondition.SUCCEEDED)
    assert succeeded is not None
    assert succeeded.reason == reason
    assert _status(new, ScanCondition.VALIDATED) == validated
    assert _status(new, ScanCondition.RESULTS_AVAILABLE) == "True"
    assert refusal(scan.status.to_json(), new.to_json()) is None


def test_every_objection_is_a_warning_with_its_reason() -> None:
    _, new = conclude(objections=(WARNING, FAILURE))
    assert new.warnings == (
        "PluginsStale: plugins of last year",
        "NoHosts: the report has no hosts",
    )


LOGINS = {
    AuthenticationStatus.SUCCESS: ("True", Reason.SUCCESS),
    AuthenticationStatus.PARTIAL: ("False", Reason.PARTIAL),
    AuthenticationStatus.FAILED: ("False", Reason.CREDENTIALS_FAILED),
    AuthenticationStatus.UNKNOWN: ("Unknown", Reason.NOT_APPLICABLE),
}


@pytest.mark.parametrize(("login", "expected"), LOGINS.items(), ids=LOGINS)
def test_login_of_a_scan_with_credentials(
    login: AuthenticationStatus, expected: tuple[str, Reason]
) -> None:
    _, new = conclude(login=login, scan_type=ScanType.AUTHENTICATED)
    told = new.condition(ScanCondition.HOSTS_AUTHENTICATED)
    assert told is not None
    assert (told.status, told.reason) == expected


def test_a_scan_without_credentials_tells_of_no_login() -> None:
    _, new = conclude(login=AuthenticationStatus.FAILED)
    assert _status(new, ScanCondition.HOSTS_AUTHENTICATED) == "Unknown"


SHOWN = {
    "a completed scan shows all of its work, whenever it was polled last": (
        {"status": launched(progress=Progress(percent=93, hosts_completed=2, hosts_total=3))},
        Progress(percent=100, hosts_completed=3, hosts_total=3),
    ),
    "hosts that do not answer stay in the total": (
        {"status": launched(progress=Progress(percent=50, hosts_completed=1, hosts_total=256))},
        Progress(percent=100, hosts_completed=3, hosts_total=256),
    ),
    "a scan that was never polled": ({}, Progress(percent=100, hosts_completed=3, hosts_total=3)),
    "a scan that was stopped shows how far it came": (
        {
            "status": STOPPED.but(progress=Progress(percent=40)),
            "phase": Phase.CANCELLED,
            "reason": Reason.CANCELLED,
        },
        Progress(percent=40),
    ),
}


@pytest.mark.parametrize(("given", "expected"), SHOWN.values(), ids=SHOWN)
def test_progress(given: dict[str, Any], expected: Progress) -> None:
    assert conclude(**given)[1].progress == expected


def _status(status: ScanStatus, type_: ScanCondition) -> str | None:
    found = status.condition(type_)
    return found.status if found else None
