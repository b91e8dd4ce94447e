"""What a fault makes of an attempt: one more after a while, or the end."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from nessus_operator.api.reasons import Reason
from nessus_operator.api.scan import NessusScan

_FIRST_SECONDS = 10.0
_LAST_SECONDS = 600.0

# Faults of the platform that a new attempt can mend: Nessus says that the scan is no more, or
# nothing was created there. A report that cannot be read would be as unreadable again.
RETRIED = (
    Reason.REMOTE_SCAN_LOST,
    Reason.REMOTE_SCAN_STOPPED,
    Reason.REMOTE_SCAN_ABORTED,
)


@dataclass(frozen=True, slots=True)
class Again:
    """Queue it again, not before `time`; `failures` of the platform so far."""

    time: datetime
    failures: int


def after_fault(scan: NessusScan, reason: Reason, pool_limit: int, now: datetime) -> Again | None:
    """None: the attempt was the last."""
    limit = pool_limit if scan.spec.backoff_limit is None else scan.spec.backoff_limit
    failures = (scan.status.platform_failures or 0) + 1
    if reason not in RETRIED or failures > limit or scan.metadata.deleting or scan.spec.cancel:
        return None
    return Again(now + backoff(scan.metadata.uid, scan.status.attempt or 1, failures), failures)


def backoff(uid: str, attempt: int, failures: int) -> timedelta:
    """10 s, 20 s, 40 s ... 600 s, each ± half of it, always the same for the same attempt."""
    seconds = min(_FIRST_SECONDS * 2.0 ** min(failures - 1, 16), _LAST_SECONDS)
    digest = hashlib.sha256(f"{uid}/{attempt}".encode()).digest()
    return timedelta(seconds=seconds * (0.5 + int.from_bytes(digest[:4], "big") / 2**32))


def wants_manual_retry(scan: NessusScan) -> bool:
    """spec.manualRetries was raised and not acted on yet."""
    return scan.spec.manual_retries > (scan.status.observed_manual_retries or 0)
