"""When to ask again: often at first, then ever more seldom, never all at once."""

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta

from nessus_operator.api.scan import NessusScan

_SHARE = 0.1  # of the time that the scan has run: the answer comes at most a tenth too late


def delay(scans: Iterable[NessusScan], first: float, period: float, now: datetime) -> timedelta:
    """Until the next look at a scanner that runs these scans; at most `period` seconds."""
    waits = (
        max(first, min(period, _SHARE * (now - since).total_seconds()))
        for scan in scans
        if (since := scan.status.remote and scan.status.remote.launch_time)
    )
    return timedelta(seconds=min(waits, default=period))


def jitter(wait: timedelta, name: str) -> timedelta:
    """Up to a tenth more, always the same for one name, so that scanners are not asked in step."""
    digest = hashlib.sha256(name.encode()).digest()
    return wait * (1 + 0.1 * digest[0] / 255)
