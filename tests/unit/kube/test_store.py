"""The Store holds the newest of each object, whatever the order in which it is told."""

from typing import Any

import pytest
from structlog.testing import capture_logs
from tests.builders import make_scan, uid_of

from nessus_operator.api.scan import NessusScan
from nessus_operator.clients.kube.store import Store

Seen = list[tuple[int | None, int | None]]


def body(name: str = "a", version: int = 1, uid: str = "", **fields: Any) -> dict[str, Any]:
    scan = make_scan(name, resource_version=str(version), uid=uid or uid_of(name), **fields)
    return scan.to_json()


def make_store(*bodies: dict[str, Any]) -> Store[NessusScan]:
    store = Store(NessusScan.from_object, group=lambda scan: scan.pool_key)
    for one in bodies:
        store.apply("ADDED", one)
    return store


def version(store: Store[NessusScan], name: str = "a") -> int | None:
    scan = store.by_name("security", name)
    return int(scan.metadata.resource_version) if scan else None


def test_objects_are_found_by_uid_name_and_group() -> None:
    store = make_store(body("a"), body("b", 2, pool_ref={"name": "other"}))
    assert len(store) == 2
    assert {scan.metadata.name for scan in store} == {"a", "b"}
    assert uid_of("a") in store
    found = store.by_uid(uid_of("a"))
    assert found is not None
    assert found is store.by_name("security", "a")
    assert [scan.metadata.name for scan in store.in_group(("security", "other"))] == ["b"]
    assert sorted(store.groups()) == [("security", "other"), ("security", "pool")]


def test_what_is_not_there_is_not_found() -> None:
    store = make_store(body("a"))
    assert store.by_name("elsewhere", "a") is None
    assert store.by_name("security", "b") is None
    assert store.by_uid("x") is None
    assert store.in_group(("security", "other")) == []
    assert "x" not in store


# Changes of object `a` as (change, version), and the version that is known in the end.
ORDERS: dict[str, tuple[list[tuple[str, int]], int | None]] = {
    "a change": ([("ADDED", 1), ("MODIFIED", 2)], 2),
    "a change that comes late": ([("ADDED", 1), ("MODIFIED", 3), ("MODIFIED", 2)], 3),
    "a write's answer before the watch": ([("MODIFIED", 2), ("ADDED", 1)], 2),
    "the same twice": ([("ADDED", 2), ("MODIFIED", 2)], 2),
    "nine comes before ten": ([("ADDED", 9), ("MODIFIED", 10)], 10),
    "a deletion": ([("ADDED", 1), ("DELETED", 2)], None),
    "a late answer does not bring it back": ([("ADDED", 1), ("DELETED", 3), ("MODIFIED", 2)], None),
    "nor does a newer one": ([("ADDED", 1), ("DELETED", 2), ("MODIFIED", 3)], None),
    "a deletion of what was never seen": ([("DELETED", 2), ("ADDED", 1)], None),
}


@pytest.mark.parametrize(("changes", "expected"), ORDERS.values(), ids=ORDERS)
def test_orders(changes: list[tuple[Any, int]], expected: int | None) -> None:
    store = make_store()
    for change, number in changes:
        store.apply(change, body(version=number))
    assert version(store) == expected
    assert len(store) == len(store.in_group(("security", "pool"))) == (expected is not None)


def test_a_new_object_of_the_same_name_replaces_the_old() -> None:
    store = make_store(body("a", 1, uid="old"))
    store.apply("DELETED", body("a", 2, uid="old"))
    store.apply("ADDED", body("a", 3, uid="new"))
    assert version(store) == 3


def test_the_late_deletion_of_the_old_does_not_hide_the_new() -> None:
    store = make_store(body("a", 1, uid="old"), body("a", 3, uid="new"))
    store.apply("DELETED", body("a", 2, uid="old"))
    assert version(store) == 3
    assert len(store) == 1


def test_groups_without_objects_are_forgotten() -> None:
    store = make_store(body("a"))
    store.apply("DELETED", body("a", 2))
    assert store.groups() == []


def test_listeners_are_told_what_was_taken_and_nothing_else() -> None:
    store, seen = make_store(), []

    def listen(old: NessusScan | None, new: NessusScan | None) -> None:
        seen.append(tuple(one and int(one.metadata.resource_version) for one in (old, new)))

    store.subscribe(listen)
    changes = (("ADDED", 1), ("MODIFIED", 3), ("MODIFIED", 3), ("MODIFIED", 2), ("DELETED", 4))
    for change, number in changes:
        store.apply(change, body(version=number))  # type: ignore[arg-type]
    store.apply("DELETED", body(version=5))
    assert seen == [(None, 1), (1, 3), (3, None)]


def test_one_object_that_is_not_understood_does_not_stop_the_rest() -> None:
    strange = body("b", 2)
    strange["spec"]["scanType"] = "OfAnotherVersion"
    with capture_logs() as logs:
        store = make_store(strange, body("a", 3))
    assert len(store) == 1
    (line,) = logs
    assert line["log_level"] == "error"
    assert line["object"] == ("security", "b")
    assert line["error"]["field"] == "spec.scanType"
    assert "OfAnotherVersion" not in str(line)


def test_a_known_object_stays_as_it_was_when_its_next_version_is_not_understood() -> None:
    strange = body("a", 2)
    strange["spec"]["scanType"] = "OfAnotherVersion"
    store = make_store(body("a", 1), strange)
    assert version(store) == 1


def test_many_deletions_are_remembered_and_not_for_ever() -> None:
    store = make_store()
    for number in range(5000):
        store.apply("DELETED", {"metadata": {"uid": str(number), "name": str(number)}})
    store.apply("ADDED", body("a", 1, uid="4999"))
    store.apply("ADDED", body("b", 1, uid="0"))
    assert [scan.metadata.name for scan in store] == ["b"]
