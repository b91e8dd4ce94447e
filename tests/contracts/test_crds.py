"""What every field and every rule of the CRDs has."""

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from generator.schema import Schema, fields, load_crd, object_schema

from nessus_operator.api import names, scan
from nessus_operator.api.conditions import PoolCondition, ScanCondition

ROOT = Path(__file__).parents[2]
PLURALS = (names.SCANS, names.POOLS)


def crd_schema(plural: str) -> dict[str, Any]:
    return object_schema(load_crd(ROOT, plural))


def undescribed(schema: Schema) -> Iterator[str]:
    """Fields that `kubectl explain` would show without a sentence."""
    # The API server wants metadata without a description.
    found = (f for f in fields(schema) if f.path != "metadata")
    yield from (f.path for f in found if not f.description.endswith((".", ")")))


def unbounded(schema: Schema) -> Iterator[str]:
    """Fields of which a user or a scanner could send any amount."""
    needed = {"string": {"maxLength"}, "integer": {"minimum", "maximum"}, "array": {"maxItems"}}
    for field in fields(schema):
        missing = needed.get(field.schema["type"], set()) - field.schema.keys()
        if missing and "enum" not in field.schema:
            yield f"{field.path}: {', '.join(sorted(missing))}"


def open_fields(schema: Schema) -> Iterator[str]:
    """Objects whose fields are not all named."""
    for field in fields(schema):
        open_ = {
            "additionalProperties",
            "x-kubernetes-preserve-unknown-fields",
        } & field.schema.keys()
        named = field.schema["type"] != "object" or "properties" in field.schema
        if open_ or not named:
            yield field.path


def careless_root_rules(schema: Schema) -> Iterator[str]:
    """Root rules that tell no field, or that judge what nobody changes.

    The server never lets an old fault pass at the root: a rule there that does not look at
    `oldSelf` would make an object that breaks it impossible to delete.
    """
    for rule in schema.get("x-kubernetes-validations", ()):
        if not {"message", "fieldPath"} <= rule.keys() or "oldSelf" not in rule["rule"]:
            yield rule["rule"]


def silent_rules(schema: Schema) -> Iterator[str]:
    """Rules that a user would be told of in CEL."""
    for field in fields(schema):
        rules = field.schema.get("x-kubernetes-validations", ())
        yield from (f"{field.path}: {rule['rule']}" for rule in rules if "message" not in rule)


CHECKS = (undescribed, unbounded, open_fields, careless_root_rules, silent_rules)
Check = Callable[[Schema], Iterator[str]]


@pytest.mark.parametrize("plural", PLURALS)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_crd_is_whole(plural: str, check: Check) -> None:
    assert list(check(crd_schema(plural))) == []


def spec_of(schema: dict[str, Any]) -> dict[str, Any]:
    properties: dict[str, Any] = schema["properties"]["spec"]["properties"]
    return properties


FAULTS: dict[str, tuple[Check, Callable[[dict[str, Any]], object], str]] = {
    "a field without a description": (
        undescribed,
        lambda s: spec_of(s)["suspend"].pop("description"),
        "spec.suspend",
    ),
    "list items without a description": (
        undescribed,
        lambda s: spec_of(s)["targets"]["items"].pop("description"),
        "spec.targets[]",
    ),
    "a text of any length": (
        unbounded,
        lambda s: spec_of(s)["template"].pop("maxLength"),
        "spec.template: maxLength",
    ),
    "a number without an upper bound": (
        unbounded,
        lambda s: spec_of(s)["priority"].pop("maximum"),
        "spec.priority: maximum",
    ),
    "a list of any length": (
        unbounded,
        lambda s: spec_of(s)["targets"].pop("maxItems"),
        "spec.targets: maxItems",
    ),
    "an object with any fields": (
        open_fields,
        lambda s: spec_of(s)["settings"].update({"x-kubernetes-preserve-unknown-fields": True}),
        "spec.settings",
    ),
    "a root rule that looks at the new object only": (
        careless_root_rules,
        lambda s: s["x-kubernetes-validations"].append(
            {"rule": "has(self.status)", "message": "m", "fieldPath": ".status"}
        ),
        "has(self.status)",
    ),
    "a root rule that names no field": (
        careless_root_rules,
        lambda s: s["x-kubernetes-validations"].append({"rule": "self == oldSelf", "message": "m"}),
        "self == oldSelf",
    ),
    "a rule without a message": (
        silent_rules,
        lambda s: spec_of(s)["description"]["x-kubernetes-validations"].append({"rule": "true"}),
        "spec.description: true",
    ),
}


@pytest.mark.parametrize(("check", "spoil", "said"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_found(
    check: Check, spoil: Callable[[dict[str, Any]], object], said: str
) -> None:
    schema = copy.deepcopy(crd_schema(names.SCANS))
    spoil(schema)

    assert list(check(schema)) == [said]


def test_all_of_a_scan_but_what_steers_it_is_immutable() -> None:
    spec = [
        f for f in fields(crd_schema(names.SCANS)["properties"]["spec"]) if f.path.isidentifier()
    ]

    assert {f.path for f in spec if not f.immutable} == set(scan.MUTABLE)


@pytest.mark.parametrize(
    ("plural", "types"), [(names.SCANS, ScanCondition), (names.POOLS, PoolCondition)]
)
def test_a_crd_names_its_condition_types(plural: str, types: Any) -> None:
    conditions = crd_schema(plural)["properties"]["status"]["properties"]["conditions"]
    described = conditions["items"]["properties"]["type"]["description"]

    assert set(described.rstrip(".").replace(" or ", ", ").split(", ")) == set(types)
    assert conditions["maxItems"] >= len(types)
    assert conditions["x-kubernetes-list-map-keys"] == ["type"]


@pytest.mark.parametrize("plural", PLURALS)
def test_a_crd_is_named_as_the_code_names_it(plural: str) -> None:
    spec = load_crd(ROOT, plural)["spec"]
    (version,) = spec["versions"]

    assert spec["group"] == names.GROUP
    assert version["name"] == names.VERSION
    assert spec["names"]["plural"] == plural
    assert spec["names"]["kind"] in (names.SCAN_KIND, names.POOL_KIND)
    assert spec["names"]["categories"] == ["nessus"]
    assert version["subresources"] == {"status": {}}
