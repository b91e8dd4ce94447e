"""When a fault of the platform means one more attempt, and when that begins."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import NOW, make_scan, uid_of
from tests.unit.core import statuses

from nessus_operator.api.reasons import MEANINGS, Reason
from nessus_operator.api.transitions import Phase
from nessus_operator.core import retries

LOST = Reason.REMOTE_SCAN_LOST

# reason, failures before, the pool's limit, fields of the scan, is there one more attempt?
FAULTS: dict[str, tuple[Reason, int, int, dict[str, Any], bool]] = {
    "the first of two": (LOST, 0, 2, {}, True),
    "the second of two": (LOST, 1, 2, {}, True),
    "the third of two": (LOST, 2, 2, {}, False),
    "none allowed": (LOST, 0, 0, {}, False),
    "the scan allows more than the pool": (LOST, 4, 0, {"backoff_limit": 5}, True),
    "the scan allows less than the pool": (LOST, 0, 5, {"backoff_limit": 0}, False),
    "stopped in Nessus": (Reason.REMOTE_SCAN_STOPPED, 0, 2, {}, True),
    "aborted by Nessus": (Reason.REMOTE_SCAN_ABORTED, 0, 2, {}, True),
    "a report that cannot be read": (Reason.MALFORMED, 0, 2, {}, False),
    "an export that failed": (Reason.EXPORT_FAILED, 0, 2, {}, False),
    "a fault of the user": (Reason.SCOPE_DENIED, 0, 2, {}, False),
    "a scan that Nessus rejects": (Reason.SCANNER_REJECTED, 0, 2, {}, False),
    "it is being deleted": (LOST, 0, 2, {"deletion_timestamp": NOW}, False),
    "it was cancelled": (LOST, 0, 2, {"cancel": True}, False),
}


@pytest.mark.parametrize(
    ("reason", "failures", "limit", "fields", "again"), FAULTS.values(), ids=FAULTS
)
def test_after_fault(
    reason: Reason, failures: int, limit: int, fields: dict[str, Any], again: bool
) -> None:
    scan = make_scan(status=statuses.launched(platform_failures=failures), **fields)
    found = retries.after_fault(scan, reason, limit, NOW)
    assert (found is not None) is again
    if found:
        assert found.failures == failures + 1
        assert found.time > NOW


def test_only_faults_of_the_platform_are_retried() -> None:
    assert {MEANINGS[reason].fault for reason in retries.RETRIED} == {"Platform"}


FIRST, LAST = timedelta(seconds=5), timedelta(seconds=900)


@pytest.mark.parametrize(("failures", "seconds"), [(1, 10), (2, 20), (3, 40), (6, 320), (7, 600)])
def test_the_wait_doubles_up_to_ten_minutes(failures: int, seconds: int) -> None:
    waits = [retries.backoff(uid_of(str(number)), 1, failures) for number in range(200)]
    assert timedelta(seconds=seconds * 0.5) <= min(waits) < timedelta(seconds=seconds * 0.6)
    assert timedelta(seconds=seconds * 1.4) < max(waits) < timedelta(seconds=seconds * 1.5)


@given(st.uuids().map(str), st.integers(1, 2**31 - 1), st.integers(1, 2**31 - 1))
def test_the_wait_is_bounded_and_the_same_after_a_crash(
    uid: str, attempt: int, failures: int
) -> None:
    wait = retries.backoff(uid, attempt, failures)
    assert FIRST <= wait <= LAST
    assert wait == retries.backoff(uid, attempt, failures)


def test_scans_that_failed_together_do_not_come_back_together() -> None:
    waits = {retries.backoff(uid_of(str(number)), 1, 1) for number in range(100)}
    assert len(waits) == 100


WISHES = {
    "never asked": (0, 0, False),
    "asked once": (1, 0, True),
    "asked twice before it was acted on": (2, 0, True),
    "acted on": (2, 2, False),
    "created with a number, not seen yet": (3, None, True),
}


@pytest.mark.parametrize(("asked", "observed", "wanted"), WISHES.values(), ids=WISHES)
def test_wants_manual_retry(asked: int, observed: int | None, wanted: bool) -> None:
    status = statuses.ended(Phase.FAILED, observed_manual_retries=observed)
    scan = make_scan(status=status, manual_retries=asked)
    assert retries.wants_manual_retry(scan) is wanted
