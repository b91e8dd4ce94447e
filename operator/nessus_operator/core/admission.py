"""Which queued scans of a pool start now, on which scanner, and why the others wait.

One snapshot in, one answer out: eligible scans by priority, then fair among requesters, then by
age; the least used scanner first, then the one idle for longest. A scanner's limit is never
exceeded, and no slot stays free while a scan that could use it waits.
"""

import heapq
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
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

    def starts(scan: NessusScan) -> bool:
        present = Snapshot(snapshot.pool, tuple(slots), snapshot.now)
        verdict = _verdict(scan, present)
        verdicts.append((scan, verdict))
        if isinstance(verdict, Wait):
            return False
        place = next(n for n, known in enumerate(slots) if known.name == verdict.scanner)
        known = slots[place]
        slots[place] = replace(known, active=known.active + 1, idle_since=snapshot.now)
        return True

    _take_turns(queue, active, snapshot.pool.spec.max_priority, starts)
    return verdicts


def _verdict(scan: NessusScan, snapshot: Snapshot) -> Start | Wait:
    wait = next(filter(None, (check(scan, snapshot) for check in CHECKS)), None)
    if wait:
        return wait
    chosen = choose(_candidates(scan, snapshot))
    return Start(chosen.name) if chosen else _full(scan, snapshot)


def choose(candidates: Sequence[Slots]) -> Slots | None:
    """The least used with a free slot; the one idle for longest where that is equal."""
    free = [slots for slots in candidates if slots.free]
    return min(free, key=lambda s: (s.utilization, s.idle_since, s.name), default=None)


def order(
    queue: Iterable[NessusScan], active: Iterable[NessusScan], max_priority: int = 1000
) -> list[NessusScan]:
    """By priority; among equals the requester with the fewest running or ahead; then by age."""
    ordered: list[NessusScan] = []

    def counts(scan: NessusScan) -> bool:
        ordered.append(scan)
        return True

    _take_turns(queue, active, max_priority, counts)
    return ordered


def _take_turns(
    queue: Iterable[NessusScan],
    active: Iterable[NessusScan],
    max_priority: int,
    turn: Callable[[NessusScan], bool],
) -> None:
    """Call `turn` with each scan; True counts as one more for its requester.

    Who has many scans that only wait is not put behind others for them.
    """
    by_priority: dict[int, list[NessusScan]] = defaultdict(list)
    for scan in queue:
        by_priority[min(scan.spec.priority, max_priority)].append(scan)
    taken = Counter(requester(scan) for scan in active)
    for priority in sorted(by_priority, reverse=True):
        lines: dict[str, deque[NessusScan]] = defaultdict(deque)
        for scan in sorted(by_priority[priority], key=age):
            lines[requester(scan)].append(scan)
        turns = [(taken[name], age(line[0]), name) for name, line in lines.items()]
        heapq.heapify(turns)
        while turns:
            _, _, name = heapq.heappop(turns)
            line = lines[name]
            taken[name] += turn(line.popleft())
            if line:
                heapq.heappush(turns, (taken[name], age(line[0]), name))


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
