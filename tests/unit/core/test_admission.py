"""Which queued scans start, where, and why the others wait."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import NAMESPACE, NOW, make_pool, make_scan
from tests.unit.core import statuses
from tests.unit.core.statuses import seconds

from nessus_operator.api.names import ANNOTATION_REQUESTER
from nessus_operator.api.reasons import Reason
from nessus_operator.api.scan import NessusScan
from nessus_operator.core import admission
from nessus_operator.core.admission import Slots, Snapshot, Start, Wait

BUSY_SINCE, IDLE_SINCE = NOW, NOW - timedelta(hours=1)


def queued(name: str, *, by: str = "", age: float = 0, **fields: Any) -> NessusScan:
    """A scan that was created `age` seconds ago, by somebody."""
    status = statuses.queued(**{"queue_time": seconds(-age), **fields.pop("status", {})})
    annotations = {ANNOTATION_REQUESTER: by} if by else {}
    created = seconds(-age).replace(microsecond=0)
    return make_scan(
        name, status=status, annotations=annotations, creation_timestamp=created, **fields
    )


def slots(name: str, free: int = 1, active: int = 0, **fields: Any) -> Slots:
    return Slots(name, active + free, active, **fields)


def admit(
    queue: Sequence[NessusScan],
    *scanners: Slots,
    active: Sequence[NessusScan] = (),
    **pool: Any,
) -> dict[str, str]:
    """Where each scan starts, or the reason why it waits, by its name and in order."""
    snapshot = Snapshot(make_pool(**pool), scanners, NOW)
    return {
        scan.metadata.name: verdict.scanner if isinstance(verdict, Start) else verdict.reason
        for scan, verdict in admission.admit(queue, active, snapshot)
    }


AWAY = Reason.UNREACHABLE

# scan, scanners, fields of the pool, the outcome
ONE: dict[str, tuple[NessusScan, tuple[Slots, ...], dict[str, Any], str]] = {
    "it starts": (queued("a"), (slots("s1"),), {}, "s1"),
    "it was sent to a scanner": (
        queued("a", scanner_name="s2"),
        (slots("s1"), slots("s2")),
        {},
        "s2",
    ),
    "all slots are taken": (queued("a"), (slots("s1", free=0, active=2),), {}, "PoolAtCapacity"),
    "the limit was lowered below what runs": (
        queued("a"),
        (Slots("s1", capacity=1, active=3),),
        {},
        "PoolAtCapacity",
    ),
    "its own scanner is full": (
        queued("a", scanner_name="s2"),
        (slots("s1"), slots("s2", free=0)),
        {},
        "ScannerAtCapacity",
    ),
    "there is no such scanner": (
        queued("a", scanner_name="s9"),
        (slots("s1"),),
        {},
        "ScannerNotFound",
    ),
    "it is suspended": (queued("a", suspend=True), (slots("s1"),), {}, "Suspended"),
    "the pool holds": (queued("a"), (slots("s1"),), {"stop_policy": "Hold"}, "PoolStopped"),
    "the pool drains": (
        queued("a"),
        (slots("s1"),),
        {"stop_policy": "HoldAndDrain"},
        "PoolStopped",
    ),
    "it backs off": (
        queued("a", status={"next_attempt_time": seconds(1)}),
        (slots("s1"),),
        {},
        "BackingOff",
    ),
    "it has backed off": (
        queued("a", status={"next_attempt_time": NOW}),
        (slots("s1"),),
        {},
        "s1",
    ),
    "no scanner is ready": (queued("a"), (slots("s1", reason=AWAY),), {}, "NoReadyScanner"),
    "its own scanner is not ready": (
        queued("a", scanner_name="s1"),
        (slots("s1", reason=AWAY), slots("s2")),
        {},
        "NoReadyScanner",
    ),
    "one of two scanners is ready": (
        queued("a"),
        (slots("s1", reason=AWAY), slots("s2")),
        {},
        "s2",
    ),
    "the ready one is full, the other away": (
        queued("a"),
        (slots("s1", reason=AWAY), slots("s2", free=0)),
        {},
        "PoolAtCapacity",
    ),
    "every circuit is open": (
        queued("a"),
        (slots("s1", reason=Reason.CIRCUIT_OPEN), slots("s2", reason=Reason.CIRCUIT_OPEN)),
        {},
        "CircuitOpen",
    ),
    "every scan API is closed": (
        queued("a"),
        (slots("s1", reason=Reason.SCAN_API_CLOSED),),
        {},
        "ScanAPIClosed",
    ),
    "each is away for another reason": (
        queued("a"),
        (slots("s1", reason=Reason.CIRCUIT_OPEN), slots("s2", reason=AWAY)),
        {},
        "NoReadyScanner",
    ),
    "suspended counts before all else": (
        queued("a", suspend=True, scanner_name="s9"),
        (slots("s1", reason=AWAY),),
        {"stop_policy": "Hold"},
        "Suspended",
    ),
    "the least used": (
        queued("a"),
        (slots("s1", free=1, active=1), slots("s2", free=3, active=1)),
        {},
        "s2",
    ),
    "the least used, not the least busy": (
        queued("a"),
        (slots("s1", free=1, active=1), slots("s2", free=6, active=2)),
        {},
        "s2",
    ),
    "among equals the one idle for longest": (
        queued("a"),
        (slots("s1", idle_since=BUSY_SINCE), slots("s2", idle_since=IDLE_SINCE)),
        {},
        "s2",
    ),
    "use counts before idleness": (
        queued("a"),
        (slots("s1", idle_since=BUSY_SINCE), slots("s2", active=1, idle_since=IDLE_SINCE)),
        {},
        "s1",
    ),
    "among twins the first by name": (queued("a"), (slots("s2"), slots("s1")), {}, "s1"),
}


@pytest.mark.parametrize(("scan", "scanners", "pool", "outcome"), ONE.values(), ids=ONE)
def test_one_scan(
    scan: NessusScan, scanners: tuple[Slots, ...], pool: dict[str, Any], outcome: str
) -> None:
    assert admit([scan], *scanners, **pool) == {"a": outcome}


FULL = Reason.POOL_AT_CAPACITY

# queue, free slots of s1, who runs already, then the names in order and how many start
ORDERS: dict[str, tuple[list[NessusScan], int, Sequence[str], str]] = {
    "first come, first served": ([queued("a", age=1), queued("b", age=3)], 1, (), "b a"),
    "priority counts before age": (
        [queued("a", age=9), queued("b", priority=5)],
        1,
        (),
        "b a",
    ),
    "in one second the one that was seen first": (
        [queued("a", age=0.1), queued("b", age=0.2)],
        1,
        (),
        "b a",
    ),
    "who was requeued keeps the place of its creation": (
        [queued("a", age=5), queued("b", age=9, status={"queue_time": NOW})],
        1,
        (),
        "b a",
    ),
    "requesters take turns": (
        [queued("a", by="x", age=9), queued("b", by="x", age=8), queued("c", by="y", age=1)],
        2,
        (),
        "a c b",
    ),
    "who has one running is behind who has none": (
        [queued("a", by="x", age=9), queued("b", by="y", age=1)],
        1,
        ("x",),
        "b a",
    ),
    "turns count what runs": (
        [
            queued("a", by="x", age=9),
            queued("b", by="y", age=8),
            queued("c", by="y", age=7),
            queued("d", by="y", age=6),
        ],
        4,
        ("x", "x"),
        "b c a d",
    ),
    "fairness does not cross priorities": (
        [
            queued("a", by="x", age=9, priority=1),
            queued("b", by="x", age=8, priority=1),
            queued("c", by="y", age=1),
        ],
        2,
        (),
        "a b c",
    ),
    "turns taken at a higher priority count at a lower one": (
        [
            queued("a", by="x", priority=1),
            queued("b", by="x", age=9),
            queued("c", by="y", age=1),
        ],
        2,
        (),
        "a c b",
    ),
    "without a requester the namespace counts": (
        [queued("a", age=9), queued("b", age=8), queued("c", by="y", age=1)],
        2,
        (NAMESPACE,),
        "c a b",
    ),
}


@pytest.mark.parametrize(("queue", "free", "running", "names"), ORDERS.values(), ids=ORDERS)
def test_order(queue: list[NessusScan], free: int, running: Sequence[str], names: str) -> None:
    active = [queued(f"r{number}", by=by) for number, by in enumerate(running)]
    expected = names.split()
    verdicts = admit(queue, slots("s1", free=free), active=active)
    assert list(verdicts) == expected
    assert list(verdicts.values()) == ["s1"] * free + [FULL] * (len(expected) - free)
    everyone = admission.order(queue, active)
    assert [scan.metadata.name for scan in everyone] == expected


def test_a_pool_may_cap_priorities() -> None:
    queue = [queued("a", priority=1000), queued("b", priority=900, age=1)]
    assert list(admit(queue, slots("s1"))) == ["a", "b"]
    assert list(admit(queue, slots("s1"), max_priority=500)) == ["b", "a"]


# What waits for a reason of its own takes no turn from its requester.
NO_TURNS: dict[str, list[NessusScan]] = {
    "suspended scans": [queued(f"x{n}", by="x", age=20, suspend=True) for n in range(5)],
    "scans that back off": [
        queued(f"x{n}", by="x", age=20, status={"next_attempt_time": seconds(60)}) for n in range(5)
    ],
    "scans for a scanner that is full": [
        queued(f"x{n}", by="x", age=20, scanner_name="s2") for n in range(5)
    ],
    "scans for a scanner that is away": [
        queued(f"x{n}", by="x", age=20, scanner_name="s3") for n in range(5)
    ],
}


@pytest.mark.parametrize("waiting", NO_TURNS.values(), ids=NO_TURNS)
def test_who_only_waits_takes_no_turn(waiting: list[NessusScan]) -> None:
    queue = [*waiting, queued("mine", by="x", age=9), queued("theirs", by="y", age=1)]
    scanners = (slots("s1"), slots("s2", free=0), slots("s3", reason=AWAY))
    verdicts = admit(queue, *scanners)
    assert (verdicts["mine"], verdicts["theirs"]) == ("s1", FULL)


def test_a_scan_for_one_scanner_does_not_hold_up_the_others() -> None:
    queue = [queued("a", scanner_name="s1", age=9), queued("b", age=1)]
    assert admit(queue, slots("s1", free=0), slots("s2")) == {"a": "ScannerAtCapacity", "b": "s2"}


def test_scans_are_spread() -> None:
    queue = [queued(name, age=9 - number) for number, name in enumerate("abcdef")]
    verdicts = admit(queue, slots("s1", free=3), slots("s2", free=3))
    assert list(verdicts.values()) == ["s1", "s2", "s1", "s2", "s1", "s2"]


MESSAGES = {
    "full": (
        queued("a"),
        slots("s1", free=0),
        "waiting: all slots of all ready scanners are taken",
    ),
    "its own is full": (
        queued("a", scanner_name="s1"),
        slots("s1", free=0),
        "waiting: all slots of s1 are taken",
    ),
    "unknown": (
        queued("a", scanner_name="s9"),
        slots("s1"),
        "waiting: the pool has no scanner s9",
    ),
    "away": (
        queued("a"),
        slots("s1", reason=AWAY),
        "waiting: no scanner is ready: s1 (Unreachable)",
    ),
    "backing off": (
        queued("a", status={"next_attempt_time": seconds(60)}),
        slots("s1"),
        "waiting: next attempt at 2026-11-21 12:01:00 UTC",
    ),
    "suspended": (queued("a", suspend=True), slots("s1"), "waiting: spec.suspend is true"),
}


@pytest.mark.parametrize(("scan", "scanner", "message"), MESSAGES.values(), ids=MESSAGES)
def test_a_wait_explains_itself(scan: NessusScan, scanner: Slots, message: str) -> None:
    snapshot = Snapshot(make_pool(), (scanner,), NOW)
    ((_, verdict),) = admission.admit([scan], [], snapshot)
    assert isinstance(verdict, Wait)
    assert verdict.message == message


scanner_slots = st.builds(
    Slots,
    name=st.sampled_from(["s1", "s2", "s3"]),
    capacity=st.integers(0, 3),
    active=st.integers(0, 3),
    reason=st.sampled_from([Reason.READY, Reason.READY, AWAY]),
    idle_since=st.sampled_from([BUSY_SINCE, IDLE_SINCE]),
)
pools = st.lists(scanner_slots, max_size=3, unique_by=lambda one: one.name)


@st.composite
def queues(draw: st.DrawFn) -> list[NessusScan]:
    count = draw(st.integers(0, 8))
    return [
        queued(
            f"q{number}",
            by=draw(st.sampled_from(["", "x", "y"])),
            age=draw(st.sampled_from([0, 0.5, 1, 60])),
            priority=draw(st.sampled_from([0, 0, 7])),
            suspend=draw(st.sampled_from([False, False, True])),
            scanner_name=draw(st.sampled_from([None, None, "s1", "s9"])),
        )
        for number in range(count)
    ]


@given(queues(), pools)
def test_a_limit_is_never_exceeded_and_no_slot_stays_free_in_vain(
    queue: list[NessusScan], scanners: list[Slots]
) -> None:
    verdicts = admit(queue, *scanners)
    assert sorted(verdicts) == sorted(scan.metadata.name for scan in queue)
    started = Counter(verdicts.values())
    free = {one.name: one.free - started[one.name] for one in scanners}
    assert all(left >= 0 for left in free.values())
    for scan in queue:
        if verdicts[scan.metadata.name] in ("PoolAtCapacity", "ScannerAtCapacity"):
            pin = scan.spec.scanner_name
            assert not any(left for name, left in free.items() if pin in (None, name))
        if not scan.spec.suspend and not scan.spec.scanner_name and any(free.values()):
            assert verdicts[scan.metadata.name] in free


@given(queues(), pools, st.randoms())
def test_the_outcome_does_not_depend_on_the_order_of_the_snapshot(
    queue: list[NessusScan], scanners: list[Slots], random: Any
) -> None:
    verdicts = admit(queue, *scanners)
    random.shuffle(queue)
    random.shuffle(scanners)
    assert list(admit(queue, *scanners).items()) == list(verdicts.items())


@given(queues())
def test_nobody_is_passed_by_their_own_younger_scan(queue: list[NessusScan]) -> None:
    place = {scan.metadata.name: number for number, scan in enumerate(admission.order(queue, []))}
    for one in queue:
        for other in queue:
            alike = one.spec.priority == other.spec.priority
            same = admission.requester(one) == admission.requester(other)
            if alike and same and admission.age(one) < admission.age(other):
                assert place[one.metadata.name] < place[other.metadata.name]
