"""Who comes first: priority, then turns among requesters, then age."""

from collections.abc import Sequence

import pytest
from tests.builders import NAMESPACE, NOW
from tests.unit.core.queues import AWAY, FULL, admit, queued, slots
from tests.unit.core.statuses import seconds

from nessus_operator.api.scan import NessusScan
from nessus_operator.core import admission

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
