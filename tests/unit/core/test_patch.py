"""A merge patch holds what changed and nothing else."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nessus_operator.core.patch import merge_patch

PATCHES: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "nothing changed": ({"a": 1}, {"a": 1}, {}),
    "nothing at all": ({}, {}, {}),
    "a field came": ({}, {"a": 1}, {"a": 1}),
    "a field went": ({"a": 1}, {}, {"a": None}),
    "a field changed": ({"a": 1}, {"a": 2}, {"a": 2}),
    "only the changed part of an object": (
        {"a": {"b": 1, "c": 2}},
        {"a": {"b": 1, "c": 3}},
        {"a": {"c": 3}},
    ),
    "a part of an object went": ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1}}, {"a": {"c": None}}),
    "all parts of an object went": ({"a": {"b": 1}}, {"a": {}}, {"a": {"b": None}}),
    "an object came": ({}, {"a": {"b": 1}}, {"a": {"b": 1}}),
    "an empty object came": ({}, {"a": {}}, {"a": {}}),
    "an object went": ({"a": {"b": 1}}, {}, {"a": None}),
    "a value became an object": ({"a": 1}, {"a": {"b": 1}}, {"a": {"b": 1}}),
    "an object became a value": ({"a": {"b": 1}}, {"a": 1}, {"a": 1}),
    "a list is replaced whole": ({"a": [1, 2]}, {"a": [1, 3]}, {"a": [1, 3]}),
    "a list was emptied": ({"a": [1]}, {"a": []}, {"a": []}),
}


@pytest.mark.parametrize(("old", "new", "patch"), PATCHES.values(), ids=PATCHES)
def test_patch(old: dict[str, Any], new: dict[str, Any], patch: dict[str, Any]) -> None:
    assert merge_patch(old, new) == patch


# Few names and values, so that two objects have much in common. No 0 and 1: Python takes them for
# false and true, and a field of our kinds is never both.
names = st.sampled_from("abc")
values: st.SearchStrategy[Any] = st.recursive(
    st.booleans() | st.integers(2, 4) | st.sampled_from(["", "x"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(names, values, max_size=3)


@given(objects, objects)
def test_applied_to_the_old_it_gives_the_new(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert apply(old, merge_patch(old, new)) == new


@given(objects)
def test_it_is_empty_when_nothing_changed(same: dict[str, Any]) -> None:
    assert merge_patch(same, json.loads(json.dumps(same))) == {}


def apply(target: Any, patch: Any) -> Any:
    """RFC 7386, section 2."""
    if not isinstance(patch, Mapping):
        return patch
    result = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = apply(result.get(name), value)
    return result
