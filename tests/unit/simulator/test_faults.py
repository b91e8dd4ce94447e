"""Which requests a fault strikes, and what is no fault at all."""

import pytest
from pydantic import ValidationError

from nessus_simulator.faults import Faults, FaultSpec, Stage

# fields, requests, which of them are struck
STRIKES = {
    "the next request that matches": ({}, ["/scans"] * 3, [1]),
    "the nth one": ({"nth": 2}, ["/scans"] * 3, [2]),
    "several in a row": ({"nth": 2, "count": 2}, ["/scans"] * 5, [2, 3]),
    "every later one": ({"nth": 2, "count": None}, ["/scans"] * 4, [2, 3, 4]),
    "only those of its path": ({"path": "/launch$"}, ["/scans/5/launch", "/scans/5"], [1]),
    "others are not counted": ({"nth": 2}, ["/scans", "/folders", "/scans"], [3]),
    "only those of its method": ({"method": "POST"}, ["/scans"], []),
    "of its method": ({"method": "GET"}, ["/scans"], [1]),
}


@pytest.mark.parametrize(("fields", "paths", "struck"), STRIKES.values(), ids=STRIKES)
def test_which_requests_are_struck(
    fields: dict[str, object], paths: list[str], struck: list[int]
) -> None:
    faults = Faults()
    faults.add(FaultSpec.model_validate({"path": "^/scans", "action": "cut", **fields}))
    found = [number for number, path in enumerate(paths, 1) if faults.strike("GET", path)]
    assert found == struck


def test_a_request_is_struck_by_the_oldest_fault_but_counted_by_all() -> None:
    faults = Faults()
    first = faults.add(FaultSpec(path="/scans", action="cut"))
    second = faults.add(FaultSpec(path="/scans", action="cut", nth=2))
    assert faults.strike("GET", "/scans") is first
    assert faults.strike("GET", "/scans") is second
    assert (first.matched, second.matched) == (2, 2)


STAGES = {
    "a hold strikes before": ({"action": "hold"}, Stage.BEFORE),
    "a hold can strike after": ({"action": "hold", "stage": "after"}, Stage.AFTER),
    "a wrong uuid needs an answer": ({"action": "wrong-uuid"}, Stage.AFTER),
    "a truncation needs an answer": ({"action": "truncate"}, Stage.AFTER),
}


@pytest.mark.parametrize(("fields", "stage"), STAGES.values(), ids=STAGES)
def test_when_a_fault_strikes(fields: dict[str, object], stage: Stage) -> None:
    assert FaultSpec.model_validate({"path": "", **fields}).strikes_at is stage


WRONG = {
    "an unknown action": {"action": "explode"},
    "no action": {},
    "a status without its number": {"action": "status"},
    "a status that is none": {"action": "status", "status": 99},
    "a delay without its length": {"action": "delay"},
    "a truncation before the answer": {"action": "truncate", "stage": "before"},
    "a wrong uuid before the answer": {"action": "wrong-uuid", "stage": "before"},
    "a path that is no regular expression": {"action": "cut", "path": "("},
    "an unknown field": {"action": "cut", "times": 3},
    "the zeroth request": {"action": "cut", "nth": 0},
}


@pytest.mark.parametrize("fields", WRONG.values(), ids=WRONG)
def test_what_is_no_fault(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        FaultSpec.model_validate({"path": "/scans", **fields})
