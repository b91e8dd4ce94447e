"""When to ask again: often at first, then ever more seldom, never all at once."""

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta

from nessus_operator.api.scan import NessusScan

_SHARE = 0.1  # of the time that the scan has run: the answer comes at most a tenth too late


def due(
    scans: Iterable[NessusScan], first: float, period: float, last: datetime
) -> datetime | None:
    """When to look again at a scanner that runs these scans, after a look at `last`.

    None when none of them needs it. A scan that stops is watched like one that just began.
    """
    waits = [
        max(first, min(period, _SHARE * (last - since).total_seconds()))
        for scan in scans
        if (since := _since(scan))
    ]
    return last + timedelta(seconds=min(waits)) if waits else None


def _since(scan: NessusScan) -> datetime | None:
    if scan.status.stop:
        return scan.status.stop.time
    return scan.status.remote.launch_time if scan.status.remote else None


def jitter(seconds: float, name: str) -> float:
    """Up to a tenth more, always the same for one name, so that scanners are not asked in step."""
    digest = hashlib.sha256(name.encode()).digest()
    return seconds * (1 + 0.1 * digest[0] / 255)
