"""What a pool tells of itself."""

from collections.abc import Sequence
from typing import Any

import pytest
from tests.builders import NOW, make_pool, make_scanner
from tests.unit.core.statuses import cleanup, seconds

from nessus_operator.api.conditions import PoolCondition
from nessus_operator.api.pool import ORPHANS_LIMIT, Orphan, PoolStatus, ScannerStatus
from nessus_operator.core.pool_status import pool_status

READY = ScannerStatus(name="s1", ready=True, active=1, capacity=2)
AWAY = ScannerStatus(name="s2", active=1, capacity=4, reason="Unreachable", message="no answer")


def told(*scanners: ScannerStatus, orphans: Sequence[Orphan] = (), **fields: Any) -> PoolStatus:
    pool = make_pool(generation=3, **fields)
    return pool_status(pool, scanners, queued=5, dead_letters=2, orphans=orphans, now=NOW)


def said(status: PoolStatus, type_: PoolCondition) -> tuple[str, str, str]:
    """(status, reason, message) of one condition."""
    (found,) = [one for one in status.conditions if one.type == type_]
    return found.status, found.reason, found.message


def test_slots_are_counted_where_scans_can_run_and_scans_wherever_they_run() -> None:
    status = told(READY, AWAY)
    assert (status.capacity, status.active) == (2, 2)
    assert (status.queued, status.dead_letters, status.observed_generation) == (5, 2, 3)
    assert status.scanners == (READY, AWAY)


READINESS = {
    "all": ([READY], ("True", "Ready", "1 of 1 scanners are ready")),
    "one of two": ([AWAY, READY], ("True", "Ready", "1 of 2 scanners are ready")),
    "none": (
        [AWAY],
        ("False", "NoReadyScanner", "0 of 1 scanners are ready; s2: no answer"),
    ),
    "none, and nothing is known": (
        [ScannerStatus(name="s1")],
        ("False", "NoReadyScanner", "0 of 1 scanners are ready"),
    ),
    "no scanner": ([], ("False", "NoReadyScanner", "0 of 0 scanners are ready")),
}


@pytest.mark.parametrize(("scanners", "expected"), READINESS.values(), ids=READINESS)
def test_ready(scanners: list[ScannerStatus], expected: tuple[str, str, str]) -> None:
    assert said(told(*scanners), PoolCondition.READY) == expected


WEB = {"type": "WebSession", "secret_ref": {"name": "login"}}

FLAGS: dict[str, tuple[dict[str, Any], PoolCondition, tuple[str, str, str]]] = {
    "keys": ({}, PoolCondition.USES_WEB_SESSION, ("False", "NotApplicable", "")),
    "a web session": ({"auth": WEB}, PoolCondition.USES_WEB_SESSION, ("True", "WebSession", "s1")),
    "https": ({}, PoolCondition.INSECURE_TLS, ("False", "Secure", "")),
    "http": (
        {"url": "http://127.0.0.1:8834"},
        PoolCondition.INSECURE_TLS,
        ("True", "Insecure", "s1"),
    ),
    "an unverified certificate": (
        {"tls": {"insecure_skip_verify": True}},
        PoolCondition.INSECURE_TLS,
        ("True", "Insecure", "s1"),
    ),
}


@pytest.mark.parametrize(("fields", "type_", "expected"), FLAGS.values(), ids=FLAGS)
def test_risks_are_conditions(
    fields: dict[str, Any], type_: PoolCondition, expected: tuple[str, str, str]
) -> None:
    scanners = [make_scanner("s1", **fields), make_scanner("s2")]
    assert said(told(READY, scanners=scanners), type_) == expected


def test_conditions_keep_their_time_while_nothing_changes() -> None:
    known = told(AWAY)
    pool = make_pool(generation=4).but(status=known)
    later = pool_status(pool, (AWAY,), queued=0, dead_letters=0, orphans=(), now=seconds(60))
    assert {one.last_transition_time for one in later.conditions} == {NOW}
    assert {one.observed_generation for one in later.conditions} == {4}


def test_the_newest_orphans_stay() -> None:
    orphans = [
        Orphan(scanner_name="s1", scan_id=number, token=cleanup().token, time=NOW, reason="x")
        for number in range(1, ORPHANS_LIMIT + 3)
    ]
    kept = told(READY, orphans=orphans).orphans
    assert len(kept) == ORPHANS_LIMIT
    assert kept[-1].scan_id == ORPHANS_LIMIT + 2
