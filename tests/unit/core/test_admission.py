"""Whether a queued scan starts, where, and why it waits."""

from typing import Any

import pytest
from tests.builders import NOW, make_pool
from tests.unit.core.queues import AWAY, BUSY_SINCE, IDLE_SINCE, admit, queued, slots
from tests.unit.core.statuses import seconds

from nessus_operator.api.reasons import Reason
from nessus_operator.api.scan import NessusScan
from nessus_operator.core import admission
from nessus_operator.core.admission import Slots, Snapshot, Wait

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
