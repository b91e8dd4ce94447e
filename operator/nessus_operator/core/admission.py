"""Which queued scans of a pool start now, on which scanner, and why the others wait.

One snapshot in, one answer out: eligible scans by priority, then fair among requesters, then by
age; the least used scanner first, then the one idle for longest. A scanner's limit is never
exceeded, and no slot stays free while a scan that could use it waits.
"""

import heapq
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from nessus_operator.api.names import ANNOTATION_REQUESTER
from nessus_operator.api.pool import ScannerPool, StopPolicy
from nessus_operator.api.reasons import Reason
from nessus_operator.api.scan import NessusScan

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Slots:
    """One scanner as admission sees it."""

    name: str
    capacity: int
    active: int  # scans with a token of ours that run or are admitted there
    reason: Reason = Reason.READY  # why it takes no scan, if it does not
    idle_since: datetime = _EPOCH

    @property
    def ready(self) -> bool:
        return self.reason is Reason.READY

    @property
    def free(self) -> int:
        return max(0, self.capacity - self.active) if self.ready else 0

    @property
    def utilization(self) -> float:
        return self.active / self.capacity if self.capacity else 1.0


@dataclass(frozen=True, slots=True)
class Snapshot:
    pool: ScannerPool
    slots: tuple[Slots, ...]
    now: datetime

    def named(self, name: str | None) -> Slots | None:
        return next((s for s in self.slots if s.name == name), None)


@dataclass(frozen=True, slots=True)
class Wait:
    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Start:
    scanner: str


Check = Callable[[NessusScan, Snapshot], Wait | None]


def suspended(scan: NessusScan, _: Snapshot) -> Wait | None:
    if not scan.spec.suspend:
        return None
    return Wait(Reason.SUSPENDED, "waiting: spec.suspend is true")


def pool_stopped(_: NessusScan, snapshot: Snapshot) -> Wait | None:
    policy = snapshot.pool.spec.stop_policy
    if policy is StopPolicy.NONE:
        return None
    return Wait(Reason.POOL_STOPPED, f"waiting: the pool's stopPolicy is {policy}")


def backing_off(scan: NessusScan, snapshot: Snapshot) -> Wait | None:
    time = scan.status.next_attempt_time
    if time is None or time <= snapshot.now:
        return None
    return Wait(Reason.BACKING_OFF, f"waiting: next attempt at {time:%Y-%m-%d %H:%M:%S} UTC")


def scanner_unknown(scan: NessusScan, snapshot: Snapshot) -> Wait | None:
    name = scan.spec.scanner_name
    if name is None or snapshot.named(name):
        return None
    return Wait(Reason.SCANNER_NOT_FOUND, f"waiting: the pool has no scanner {name}")


def no_scanner_ready(scan: NessusScan, snapshot: Snapshot) -> Wait | None:
    wanted = _candidates(scan, snapshot)
    if any(slots.ready for slots in wanted):
        return None
    reasons = {slots.reason for slots in wanted}
    telling = (Reason.SCAN_API_CLOSED, Reason.CIRCUIT_OPEN)
    reason = next((r for r in telling if reasons == {r}), Reason.NO_READY_SCANNER)
    names = ", ".join(f"{slots.name} ({slots.reason})" for slots in wanted[:3])
    return Wait(reason, f"waiting: no scanner is ready: {names}")


CHECKS: tuple[Check, ...] = (
    suspended,
    pool_stopped,
    backing_off,
    scanner_unknown,
    no_scanner_ready,
)


def admit(
    queue: Iterable[NessusScan], active: Iterable[NessusScan], snapshot: Snapshot
) -> list[tuple[NessusScan, Start | Wait]]:
    """A verdict for every queued scan, in admission order; `active` are the pool's running ones."""
    slots = list(snapshot.slots)
    verdicts: list[tuple[NessusScan, Start | Wait]] = []
    for scan in order(queue, active, snapshot.pool.spec.max_priority):
        present = Snapshot(snapshot.pool, tuple(slots), snapshot.now)
        wait = next(filter(None, (check(scan, present) for check in CHECKS)), None)
        chosen = None if wait else choose(_candidates(scan, present))
        if chosen is None:
            verdicts.append((scan, wait or _full(scan, present)))
            continue
        place = slots.index(chosen)
        slots[place] = Slots(
            chosen.name, chosen.capacity, chosen.active + 1, chosen.reason, snapshot.now
        )
        verdicts.append((scan, Start(chosen.name)))
    return verdicts


def choose(candidates: Sequence[Slots]) -> Slots | None:
    """The least used with a free slot; the one idle for longest where that is equal."""
    free = [slots for slots in candidates if slots.free]
    return min(free, key=lambda s: (s.utilization, s.idle_since, s.name), default=None)


def order(
    queue: Iterable[NessusScan], active: Iterable[NessusScan], max_priority: int = 1000
) -> list[NessusScan]:
    """By priority; among equals the requester with the fewest running or ahead; then by age."""
    by_priority: dict[int, list[NessusScan]] = defaultdict(list)
    for scan in queue:
        by_priority[min(scan.spec.priority, max_priority)].append(scan)
    taken = Counter(requester(scan) for scan in active)
    ordered: list[NessusScan] = []
    for priority in sorted(by_priority, reverse=True):
        ordered += _take_turns(by_priority[priority], taken)
    return ordered


def _take_turns(scans: list[NessusScan], taken: Counter[str]) -> list[NessusScan]:
    """Counts every scan that it takes in `taken`."""
    lines: dict[str, deque[NessusScan]] = defaultdict(deque)
    for scan in sorted(scans, key=age):
        lines[requester(scan)].append(scan)
    turns = [(taken[name], age(line[0]), name) for name, line in lines.items()]
    heapq.heapify(turns)
    ordered: list[NessusScan] = []
    while turns:
        _, _, name = heapq.heappop(turns)
        ordered.append(lines[name].popleft())
        taken[name] += 1
        if lines[name]:
            heapq.heappush(turns, (taken[name], age(lines[name][0]), name))
    return ordered


def requester(scan: NessusScan) -> str:
    """Who asked, for fair turns: the annotation, else the namespace."""
    return scan.metadata.annotations.get(ANNOTATION_REQUESTER) or scan.metadata.namespace


def age(scan: NessusScan) -> tuple[datetime, datetime, str]:
    """First come, first served, to the second that creationTimestamp has."""
    created = scan.metadata.creation_timestamp or _EPOCH
    return created, scan.status.queue_time or created, scan.metadata.uid


def _candidates(scan: NessusScan, snapshot: Snapshot) -> list[Slots]:
    name = scan.spec.scanner_name
    return [slots for slots in snapshot.slots if name in (None, slots.name)]


def _full(scan: NessusScan, snapshot: Snapshot) -> Wait:
    name = scan.spec.scanner_name
    if name:
        return Wait(Reason.SCANNER_AT_CAPACITY, f"waiting: all slots of {name} are taken")
    return Wait(Reason.POOL_AT_CAPACITY, "waiting: all slots of all ready scanners are taken")
