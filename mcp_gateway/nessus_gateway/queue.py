"""Where a queued scan stands, and how long that will take, as far as anyone can know."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from nessus_operator.api.pool import ScannerPool
from nessus_operator.api.scan import NessusScan
from nessus_operator.api.transitions import Phase
from nessus_operator.core import admission

_MEASURED = 50  # the newest scans say most about the next one


def position(
    scan: NessusScan, pool_scans: Iterable[NessusScan], max_priority: int, now: datetime
) -> int | None:
    """1 is next. None for a scan that is not queued, or held back: it has no turn.

    Held back are suspended scans and those that wait for their next attempt; others pass them.
    """
    scans = list(pool_scans)
    active = [one for one in scans if one.phase is Phase.RUNNING]
    queue = [one for one in scans if _has_turn(one, now)]
    ordered = admission.order(_as_if_visited(queue, now), active, max_priority)
    uids = [one.metadata.uid for one in ordered]
    return uids.index(scan.metadata.uid) + 1 if scan.metadata.uid in uids else None


def _has_turn(scan: NessusScan, now: datetime) -> bool:
    if scan.phase not in (None, Phase.QUEUED) or scan.spec.suspend or scan.spec.cancel:
        return False
    next_time = scan.status.next_attempt_time
    return next_time is None or next_time <= now


def _as_if_visited(queue: list[NessusScan], now: datetime) -> list[NessusScan]:
    """Scans without a queueTime get one: the operator will take them in the order they came."""
    new = sorted((s for s in queue if s.phase is None), key=_version)
    visited = [s for s in queue if s.phase is not None]
    return visited + [
        scan.but(status=scan.status.but(queue_time=now + timedelta(microseconds=rank)))
        for rank, scan in enumerate(new)
    ]


def _version(scan: NessusScan) -> int:
    return int(scan.metadata.resource_version or 0)


def wait_minutes(
    place: int | None, pool: ScannerPool, pool_scans: Sequence[NessusScan]
) -> float | None:
    """Minutes until a scan at this place starts; None until the pool has completed one.

    Scans ahead beyond the free slots, by the mean duration of the pool's newest completed scans,
    over its slots. It takes the scans to come for like those before: a guess, not a promise.
    """
    durations = _durations(pool_scans)
    slots = capacity(pool)
    if place is None or not durations or not slots:
        return None
    running = sum(scan.phase is Phase.RUNNING for scan in pool_scans)
    ahead = max(0, place - max(0, slots - running))
    return round(ahead / slots * sum(durations) / len(durations) / 60, 1)


def capacity(pool: ScannerPool) -> int:
    """Slots of the scanners that take scans; of all that may, while nobody has said which do."""
    if pool.status.capacity is not None:
        return pool.status.capacity
    return sum(s.max_concurrent_scans for s in pool.spec.scanners if not s.unschedulable)


def _durations(scans: Iterable[NessusScan]) -> list[float]:
    """Seconds of the newest completed scans."""
    ended = [
        (scan.status.completion_time, scan.status.start_time)
        for scan in scans
        if scan.phase is Phase.COMPLETED
    ]
    known = sorted(((end, start) for end, start in ended if end and start), reverse=True)
    return [(end - start).total_seconds() for end, start in known[:_MEASURED]]
