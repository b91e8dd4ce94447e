"""What holds of admission for any queue and any scanners."""

from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.core.queues import AWAY, BUSY_SINCE, IDLE_SINCE, admit, queued

from nessus_operator.api.reasons import Reason
from nessus_operator.api.scan import NessusScan
from nessus_operator.core import admission
from nessus_operator.core.admission import Slots

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
