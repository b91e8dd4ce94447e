from datetime import timedelta

import pytest
from tests.builders import NOW, make_pool, make_scan, make_scanner

from nessus_gateway import queue
from nessus_operator.api.names import ANNOTATION_REQUESTER
from nessus_operator.api.pool import PoolStatus, ScannerPool
from nessus_operator.api.scan import NessusScan, ScanStatus
from nessus_operator.api.transitions import Phase

POOL = make_pool(scanners=[make_scanner(max_concurrent_scans=2)])


def queued(name: str, second: int, *, by: str = "agent", priority: int = 0) -> NessusScan:
    """Seen by the operator."""
    moment = NOW + timedelta(seconds=second)
    return make_scan(
        name,
        creation_timestamp=moment,
        annotations={ANNOTATION_REQUESTER: by},
        priority=priority,
        status=ScanStatus(phase=Phase.QUEUED, queue_time=moment),
    )


def fresh(name: str, version: int, second: int = 0) -> NessusScan:
    """Not seen by the operator yet."""
    return make_scan(
        name,
        creation_timestamp=NOW + timedelta(seconds=second),
        resource_version=str(version),
        annotations={ANNOTATION_REQUESTER: "agent"},
    )


def running(name: str, by: str = "agent") -> NessusScan:
    return make_scan(
        name,
        annotations={ANNOTATION_REQUESTER: by},
        status=ScanStatus(phase=Phase.RUNNING, start_time=NOW, scanner_name="s1"),
    )


def completed(name: str, minutes: float, ended: int = 0) -> NessusScan:
    end = NOW + timedelta(seconds=ended)
    start = end - timedelta(minutes=minutes)
    return make_scan(
        name, status=ScanStatus(phase=Phase.COMPLETED, start_time=start, completion_time=end)
    )


FIVE = [queued(f"scan-{n}", n) for n in range(1, 6)]
LATER = NOW + timedelta(minutes=5)
WAITING = queued("waiting", 0).but(
    status=ScanStatus(phase=Phase.QUEUED, queue_time=NOW, next_attempt_time=LATER)
)
SUSPENDED = make_scan("held", suspend=True, status=ScanStatus(phase=Phase.QUEUED, queue_time=NOW))

POSITIONS = {
    "five queued scans stand in the order of their age": (FIVE[::-1], [1, 2, 3, 4, 5]),
    "a higher priority goes first": ([*FIVE[:2], queued("vip", 9, priority=5)], [2, 3]),
    "a requester with scans running lets others go first": (
        [*FIVE[:2], queued("other", 9, by="b"), running("r1")],
        [2, 3],
    ),
    "requesters take turns": ([*FIVE[:3], queued("other", 9, by="b")], [1, 3, 4]),
    "running and ended scans are not in the queue": (
        [*FIVE[:2], running("r1"), running("r2"), completed("c", 5)],
        [1, 2],
    ),
    "suspended scans are passed": ([*FIVE[:2], SUSPENDED], [1, 2]),
    "scans that wait for their next attempt are passed": ([*FIVE[:2], WAITING], [1, 2]),
}


@pytest.mark.parametrize(("scans", "places"), POSITIONS.values(), ids=POSITIONS)
def test_position(scans: list[NessusScan], places: list[int]) -> None:
    asked = [scan for scan in FIVE if scan in scans]
    assert [queue.position(scan, scans, 1000, NOW) for scan in asked] == places


def test_five_scans_of_one_second_stand_in_the_order_they_came() -> None:
    scans = [fresh(f"scan-{n}", version=100 + n) for n in (3, 1, 5, 2, 4)]
    places = {s.metadata.name: queue.position(s, scans, 1000, NOW) for s in scans}
    assert places == {f"scan-{n}": n for n in range(1, 6)}


def test_a_scan_that_the_operator_has_not_seen_stands_behind_those_of_the_same_second() -> None:
    seen, new = queued("seen", 0), fresh("new", version=1)
    later = NOW + timedelta(seconds=1)
    assert queue.position(new, [new, seen], 1000, later) == 2


NO_TURN = {
    "a suspended scan": SUSPENDED,
    "a scan that waits for its next attempt": WAITING,
    "a running scan": running("r1"),
    "a completed scan": completed("c", 5),
    "a scan that is cancelled before it began": make_scan("c", cancel=True),
}


@pytest.mark.parametrize("scan", NO_TURN.values(), ids=NO_TURN)
def test_has_no_turn(scan: NessusScan) -> None:
    assert queue.position(scan, [scan, *FIVE], 1000, NOW) is None


BUSY = [running("r1"), running("r2")]
WAITS = {
    "nothing was measured yet": (1, POOL, BUSY, None),
    "failed scans measure nothing": (
        1,
        POOL,
        [*BUSY, completed("c", 9).but(status=ScanStatus(phase=Phase.FAILED))],
        None,
    ),
    "the first in a full pool waits for a slot": (1, POOL, [*BUSY, completed("c", 10)], 5.0),
    "the fifth waits five times as long": (5, POOL, [*BUSY, completed("c", 10)], 25.0),
    "the mean counts": (1, POOL, [*BUSY, completed("c", 10), completed("d", 20)], 7.5),
    "a free slot means no wait": (1, POOL, [running("r1"), completed("c", 10)], 0.0),
    "free slots are taken by those ahead": (3, POOL, [running("r1"), completed("c", 10)], 10.0),
    "who has no turn has no wait": (None, POOL, [*BUSY, completed("c", 10)], None),
    "a pool without a slot knows no wait": (
        1,
        POOL.but(status=PoolStatus(capacity=0)),
        [completed("c", 10)],
        None,
    ),
    "the slots of scanners that are ready count": (
        1,
        POOL.but(status=PoolStatus(capacity=4)),
        [*BUSY, running("r3"), running("r4"), completed("c", 10)],
        2.5,
    ),
}


@pytest.mark.parametrize(("place", "pool", "scans", "minutes"), WAITS.values(), ids=WAITS)
def test_wait(
    place: int | None, pool: ScannerPool, scans: list[NessusScan], minutes: float | None
) -> None:
    assert queue.wait_minutes(place, pool, scans) == minutes


def test_the_newest_fifty_scans_measure() -> None:
    old = [completed(f"old-{n}", 100, ended=-1000 - n) for n in range(50)]
    new = [completed(f"new-{n}", 10, ended=n) for n in range(50)]
    assert queue.wait_minutes(2, POOL, [*BUSY, *old, *new]) == 10.0


def test_a_scanner_that_takes_no_scans_has_no_slots() -> None:
    scanners = [make_scanner("s1"), make_scanner("s2", unschedulable=True)]
    assert queue.capacity(make_pool(scanners=scanners)) == 2
