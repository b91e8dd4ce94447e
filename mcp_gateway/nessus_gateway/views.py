"""Scans and pools as tools show them: the keys and words that agents rely on."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from nessus_operator.api.conditions import ScanCondition
from nessus_operator.api.model import format_time
from nessus_operator.api.pool import Scanner, ScannerPool, ScannerStatus
from nessus_operator.api.reasons import Reason
from nessus_operator.api.scan import AuthenticationStatus, NessusScan, Results, ScanType
from nessus_operator.api.transitions import Phase
from nessus_operator.clients.logs import trace_id_of

STATUSES = ("queued", "running", "completed", "failed", "timeout", "cancelled")

SCAN_TYPES = {
    ScanType.UNTRUSTED: "untrusted",
    ScanType.AUTHENTICATED: "authenticated",
    ScanType.AUTHENTICATED_PRIVILEGED: "authenticated_privileged",
}

_AUTHENTICATION = {
    AuthenticationStatus.SUCCESS: "success",
    AuthenticationStatus.PARTIAL: "partial",
    AuthenticationStatus.FAILED: "failed",
    AuthenticationStatus.NOT_APPLICABLE: "not_applicable",
    AuthenticationStatus.UNKNOWN: "unknown",
}

_TARGETS_IN_A_ROW = 5

_TROUBLESHOOTING = {
    "likely_cause": "The scanner reached the hosts, but they refused the login that it was given, "
    "so the findings show only what is visible from the network.",
    "next_steps": [
        "Check user name and password (or key) by logging in to one of the hosts yourself.",
        "Check that the account may log in over the network: SSH allows the user and the method.",
        "Check that the account is not locked or expired.",
        "For a privileged scan, check that the account may elevate by the method that was named.",
        "Submit the scan again with correct credentials and a new idempotency_key.",
    ],
}


def status_word(scan: NessusScan) -> str:
    """A scan that the operator has not seen yet is queued, too."""
    return (scan.phase or Phase.QUEUED).lower()


def pool_label(namespace: str, name: str, home: str | None) -> str:
    """What names the pool in an argument: without the namespace where that is the caller's own."""
    return name if namespace == home else f"{namespace}/{name}"


def task_row(scan: NessusScan, pool: ScannerPool | None, home: str | None) -> dict[str, Any]:
    """A scan in a list; many targets are cut short."""
    named = scan.spec.targets or ()
    more = len(named) - _TARGETS_IN_A_ROW
    shown = ", ".join(named[:_TARGETS_IN_A_ROW]) + (f" and {more} more" if more > 0 else "")
    return _facts(scan, pool, home) | {"targets": shown}


def task(scan: NessusScan, pool: ScannerPool | None, home: str | None) -> dict[str, Any]:
    """All that can be said of a scan without its findings."""
    status = scan.status
    known = _facts(scan, pool, home) | {
        "progress": status.progress.percent if status.progress else None,
        "error_message": _error(scan),
        "authentication_status": _authentication(scan),
        "validation_warnings": [*status.warnings, *_waiting(scan)],
    }
    if status.results:
        known["results_summary"] = results_summary(status.results)
    if known["authentication_status"] == "failed":
        known["troubleshooting"] = _TROUBLESHOOTING
    return known


def _facts(scan: NessusScan, pool: ScannerPool | None, home: str | None) -> dict[str, Any]:
    status, metadata = scan.status, scan.metadata
    return {
        "task_id": scan.task_id,
        "trace_id": trace_id_of(scan.traceparent),
        "status": status_word(scan),
        "scan_type": SCAN_TYPES[scan.spec.scan_type],
        "scanner_pool": pool_label(metadata.namespace, scan.spec.pool_ref.name, home),
        "scanner_type": _scanner_type(scan, pool),
        "scanner_instance": status.scanner_name or scan.spec.scanner_name,
        "targets": ", ".join(scan.spec.targets or ()),
        "name": scan.spec.display_name or metadata.name,
        "nessus_scan_id": status.remote.scan_id if status.remote else None,
        "created_at": _time(metadata.creation_timestamp),
        "started_at": _time(status.start_time),
        "completed_at": _time(status.completion_time),
    }


def _time(moment: datetime | None) -> str | None:
    return format_time(moment) if moment else None


def _scanner_type(scan: NessusScan, pool: ScannerPool | None) -> str | None:
    """None for a scan whose pool is gone."""
    if pool is None or not pool.spec.scanners:
        return None
    named = pool.spec.scanner(scan.status.scanner_name or scan.spec.scanner_name)
    return (named or pool.spec.scanners[0]).type.lower()


def _error(scan: NessusScan) -> str | None:
    failure = scan.status.failure
    if failure:
        return f"{failure.reason}: {failure.message}"
    ended_badly = scan.finished and scan.phase is not Phase.COMPLETED
    return scan.status.message if ended_badly else None


def _authentication(scan: NessusScan) -> str | None:
    found = scan.status.authentication
    return _AUTHENTICATION[found.status] if found else None


def _waiting(scan: NessusScan) -> list[str]:
    """Why a queued scan waits, in the operator's words."""
    admitted = scan.status.condition(ScanCondition.ADMITTED)
    if scan.phase is not Phase.QUEUED or admitted is None or admitted.status == "True":
        return []
    return [admitted.message] if admitted.reason != Reason.PENDING and admitted.message else []


def results_summary(results: Results) -> dict[str, Any]:
    """Counts of the whole report; informational findings are no vulnerabilities here."""
    severities = results.severities.model_dump()
    return {
        "hosts_scanned": results.hosts,
        "total_vulnerabilities": sum(severities.values()) - severities["info"],
        "severity_breakdown": severities,
        "file_size_kb": round(results.report_bytes / 1024, 1),
    }


def scanner_rows(
    pool: ScannerPool, running: Counter[str | None], home: str | None
) -> list[dict[str, Any]]:
    """The scanners of a pool; `running` counts our scans by scanner, for those not probed yet."""
    label = pool_label(pool.metadata.namespace, pool.metadata.name, home)
    found = {status.name: status for status in pool.status.scanners}
    return [
        _scanner_row(scanner, label, found.get(scanner.name), running[scanner.name])
        for scanner in pool.spec.scanners
    ]


def _scanner_row(
    scanner: Scanner, pool: str, status: ScannerStatus | None, running: int
) -> dict[str, Any]:
    active = status.active if status else running
    slots = scanner.max_concurrent_scans
    return {
        "scanner_type": scanner.type.lower(),
        "pool": pool,
        "instance_id": scanner.name,
        "instance_key": f"{pool}:{scanner.name}",
        "name": scanner.name,
        "url": _without_login(scanner.url),
        "enabled": not scanner.unschedulable,
        "max_concurrent_scans": slots,
        "active_scans": active,
        "available_capacity": max(0, slots - active),
        "utilization_pct": round(100 * active / slots, 1) if slots else 0.0,
        **_scanner_health(status or ScannerStatus(name=scanner.name, reason=Reason.STARTING)),
    }


def _scanner_health(status: ScannerStatus) -> dict[str, Any]:
    return {
        "ready": status.ready,
        "reason": status.reason,
        "message": status.message,
        "circuit_state": status.circuit.state.lower(),
        "scan_api": status.license.scan_api.lower(),
        "license": status.license.type,
        "version": status.version,
        "plugin_set": status.plugin_set,
        "last_probe_at": _time(status.last_probe_time),
    }


def _without_login(url: str) -> str:
    """An address for people; whatever stands before an @ in it is none of theirs."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def running_by_scanner(scans: Iterable[NessusScan]) -> Counter[str | None]:
    return Counter(s.status.scanner_name for s in scans if s.phase is Phase.RUNNING)
