from datetime import timedelta
from typing import Any

import pytest
from tests.builders import NOW, make_pool, make_scan, make_scanner

from nessus_gateway import views
from nessus_operator.api.conditions import Condition
from nessus_operator.api.pool import (
    Circuit,
    CircuitState,
    License,
    PoolStatus,
    ScanAPI,
    ScannerStatus,
)
from nessus_operator.api.scan import (
    Authentication,
    AuthenticationStatus,
    Failure,
    NessusScan,
    Progress,
    Remote,
    ScanStatus,
    ScanType,
)
from nessus_operator.api.transitions import Phase

POOL = make_pool()


def admitted(reason: str, message: str, status: Any = "False") -> tuple[Condition, ...]:
    return (
        Condition(
            type="Admitted",
            status=status,
            reason=reason,
            message=message,
            last_transition_time=NOW,
        ),
    )


def queued(reason: str, message: str) -> ScanStatus:
    return ScanStatus(phase=Phase.QUEUED, conditions=admitted(reason, message))


LOGGED_IN = {status: Authentication(status=status) for status in AuthenticationStatus}

SHOWN: dict[str, tuple[NessusScan, dict[str, Any]]] = {
    "a scan that the operator has not seen is queued": (
        make_scan(),
        {"status": "queued", "progress": None, "error_message": None, "nessus_scan_id": None},
    ),
    "a queued scan tells why it waits": (
        make_scan(status=queued("NoReadyScanner", "waiting: no scanner is ready: s1 (Starting)")),
        {"validation_warnings": ["waiting: no scanner is ready: s1 (Starting)"]},
    ),
    "a scan that was just queued has nothing to tell": (
        make_scan(status=queued("Pending", "queued")),
        {"validation_warnings": []},
    ),
    "a running scan shows where it runs and how far it is": (
        make_scan(
            status=ScanStatus(
                phase=Phase.RUNNING,
                start_time=NOW + timedelta(seconds=1),
                scanner_name="s1",
                remote=Remote(token="t", scan_id=12),
                progress=Progress(percent=40),
                conditions=admitted("Admitted", "admitted to s1", "True"),
            )
        ),
        {
            "status": "running",
            "scanner_instance": "s1",
            "nessus_scan_id": 12,
            "progress": 40,
            "started_at": "2026-11-21T12:00:01.000000Z",
            "validation_warnings": [],
        },
    ),
    "a pinned scan shows its scanner before it runs": (
        make_scan(scanner_name="s1"),
        {"scanner_instance": "s1"},
    ),
    "a failed scan tells why": (
        make_scan(
            status=ScanStatus(
                phase=Phase.FAILED,
                message="target 8.8.8.8 is not in scope.allow",
                failure=Failure(reason="ScopeDenied", message="target x", fault="User"),
            )
        ),
        {"status": "failed", "error_message": "ScopeDenied: target x"},
    ),
    "a scan that timed out without a fault tells its message": (
        make_scan(status=ScanStatus(phase=Phase.TIMEOUT, message="waited too long")),
        {"status": "timeout", "error_message": "waited too long"},
    ),
    "a completed scan has no error": (
        make_scan(status=ScanStatus(phase=Phase.COMPLETED, message="completed")),
        {"status": "completed", "error_message": None},
    ),
    "types are spelled as agents spell them": (
        make_scan(
            scan_type=ScanType.AUTHENTICATED_PRIVILEGED,
            status=ScanStatus(
                phase=Phase.COMPLETED,
                authentication=LOGGED_IN[AuthenticationStatus.NOT_APPLICABLE],
            ),
        ),
        {"scan_type": "authenticated_privileged", "authentication_status": "not_applicable"},
    ),
    "the object's name stands in for a name": (make_scan("scan-x"), {"name": "scan-x"}),
    "a scan from kubectl has no trace": (make_scan(), {"trace_id": None}),
}


@pytest.mark.parametrize(("scan", "facts"), SHOWN.values(), ids=SHOWN)
def test_task(scan: NessusScan, facts: dict[str, Any]) -> None:
    shown = views.task(scan, POOL, "security")
    assert {key: shown[key] for key in facts} == facts


@pytest.mark.parametrize("status", AuthenticationStatus)
def test_only_a_failed_login_brings_advice(status: AuthenticationStatus) -> None:
    scan = make_scan(status=ScanStatus(phase=Phase.COMPLETED, authentication=LOGGED_IN[status]))
    shown = views.task(scan, POOL, "security")
    assert ("troubleshooting" in shown) is (status is AuthenticationStatus.FAILED)
    if "troubleshooting" in shown:
        assert shown["troubleshooting"].keys() == {"likely_cause", "next_steps"}


def test_every_phase_has_its_word() -> None:
    words = {
        views.status_word(make_scan(status=ScanStatus(phase=phase))) for phase in (None, *Phase)
    }
    assert words == set(views.STATUSES)


def test_many_targets_are_cut_short_in_a_list_only() -> None:
    scan = make_scan(targets=[f"192.0.2.{n}" for n in range(1, 9)])
    assert views.task_row(scan, POOL, None)["targets"] == (
        "192.0.2.1, 192.0.2.2, 192.0.2.3, 192.0.2.4, 192.0.2.5 and 3 more"
    )
    assert views.task(scan, POOL, None)["targets"].endswith(", 192.0.2.8")


def test_a_pool_is_named_by_what_an_argument_takes() -> None:
    assert views.pool_label("security", "nessus", "security") == "nessus"
    assert views.pool_label("dmz", "nessus", "security") == "dmz/nessus"
    assert views.pool_label("dmz", "nessus", None) == "dmz/nessus"


def test_a_probed_scanner_tells_its_health() -> None:
    probed = ScannerStatus(
        name="s1",
        ready=False,
        reason="CircuitOpen",
        message="5 calls failed",
        active=3,
        version="10.8.3",
        plugin_set="202611210000",
        circuit=Circuit(state=CircuitState.HALF_OPEN),
        license=License(type="professional", scan_api=ScanAPI.CLOSED),
        last_probe_time=NOW,
    )
    pool = make_pool(scanners=[make_scanner(max_concurrent_scans=2)])
    pool = pool.but(status=PoolStatus(scanners=(probed,)))
    [row] = views.scanner_rows(pool, views.running_by_scanner([]), "security")
    assert row["active_scans"] == 3
    assert row["available_capacity"] == 0
    assert row["utilization_pct"] == 150.0
    assert {key: row[key] for key in list(row)[11:]} == {
        "ready": False,
        "reason": "CircuitOpen",
        "message": "5 calls failed",
        "circuit_state": "halfopen",
        "scan_api": "closed",
        "license": "professional",
        "version": "10.8.3",
        "plugin_set": "202611210000",
        "last_probe_at": "2026-11-21T12:00:00.000000Z",
    }


def test_a_login_in_a_url_is_not_shown() -> None:
    pool = make_pool(scanners=[make_scanner(url="https://user:password@s1.example.org:8834/")])
    [row] = views.scanner_rows(pool, views.running_by_scanner([]), "security")
    assert row["url"] == "https://s1.example.org:8834/"
