"""Reads our CRDs: every field with its type, bounds, default, mutability and description."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

Schema = Mapping[str, Any]

_IMMUTABLE = "is immutable"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a kind; `path` begins with spec or status, `[]` stands for list items."""

    path: str
    schema: Schema
    required: bool
    immutable: bool

    @property
    def description(self) -> str:
        return str(self.schema.get("description", ""))


def load_crd(root: Path, plural: str) -> dict[str, Any]:
    """The CustomResourceDefinition in crds/; raises OSError."""
    crd = yaml.safe_load((root / "crds" / f"{plural}.yaml").read_text())
    if not isinstance(crd, dict):
        raise TypeError(f"crds/{plural}.yaml holds no object")
    return crd


def object_schema(crd: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of the kind's only version."""
    (version,) = crd["spec"]["versions"]
    schema: dict[str, Any] = version["schema"]["openAPIV3Schema"]
    return schema


def fields(schema: Schema, path: str = "", *, frozen: bool = False) -> Iterator[Field]:
    """All fields below a schema, parents before children; items of lists are fields too."""
    fixed = _immutable_names(schema)
    for name, child in schema.get("properties", {}).items():
        below = f"{path}.{name}" if path else name
        immutable = frozen or name in fixed
        yield Field(below, child, name in schema.get("required", ()), immutable)
        yield from fields(child, below, frozen=immutable)
    if "items" in schema:
        yield Field(f"{path}[]", schema["items"], required=False, immutable=frozen)
        yield from fields(schema["items"], f"{path}[]", frozen=frozen)


def _immutable_names(schema: Schema) -> set[str]:
    rules = schema.get("x-kubernetes-validations") or ()
    return {
        rule["fieldPath"].removeprefix(".")
        for rule in rules
        if rule.get("message", "").startswith(_IMMUTABLE)
    }
