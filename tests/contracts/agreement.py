"""Compares a model with the part of a CRD that it stands for."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

Schema = Mapping[str, Any]

_BOUNDS = (
    *("minimum", "maximum", "minLength", "maxLength"),
    *("pattern", "format", "minItems", "maxItems"),
)


def differences(model: type[BaseModel], crd: Schema, *, server_defaults: bool) -> Iterator[str]:
    """Where the two disagree in names, types, enums, required, defaults, or a bound of the model.

    `server_defaults`: whether a default of the model must stand in the CRD as well. It must for
    spec, which users write; status is written by the model itself.
    """
    schema = model.model_json_schema(by_alias=True)
    comparison = _Comparison(schema.get("$defs", {}), server_defaults)
    yield from comparison.of(model.__name__, schema, crd)


class _Comparison:
    def __init__(self, definitions: Schema, server_defaults: bool) -> None:
        self._definitions = definitions
        self._server_defaults = server_defaults

    def of(self, path: str, model: Schema, crd: Schema) -> Iterator[str]:
        model = self._resolved(model)
        values = model.get("enum") or ([model["const"]] if "const" in model else None)
        yield from _unequal(f"{path}: type", model.get("type"), crd.get("type"))
        yield from _unequal(f"{path}: enum", _sorted(values), _sorted(crd.get("enum")))
        for bound in _BOUNDS:
            if bound in model:
                yield from _unequal(f"{path}: {bound}", model[bound], crd.get(bound))
        if "items" in model:
            yield from self.of(f"{path}[]", model["items"], crd.get("items", {}))
        if "properties" in model:
            yield from self._of_objects(path, model, crd)

    def _of_objects(self, path: str, model: Schema, crd: Schema) -> Iterator[str]:
        ours, theirs = model["properties"], crd.get("properties", {})
        yield from _unequal(f"{path}: fields", _sorted(ours), _sorted(theirs))
        yield from _required(path, model, set(crd.get("required", ())))
        for name in ours.keys() & theirs.keys():
            below = f"{path}.{name}"
            yield from self._defaults(below, ours[name], theirs[name])
            yield from self.of(below, ours[name], theirs[name])

    def _defaults(self, path: str, model: Schema, crd: Schema) -> Iterator[str]:
        ours = model.get("default")
        if crd.get("default") == {}:  # what is inside has defaults of its own
            yield from _unequal(f"{path}: default", isinstance(ours, dict), True)
        elif "default" in crd or (self._server_defaults and ours not in (None, [])):
            yield from _unequal(f"{path}: default", ours, crd.get("default"))

    def _resolved(self, schema: Schema) -> Schema:
        """What a reference, or an optional field, is about."""
        if "$ref" in schema:
            return self._resolved(self._definitions[schema["$ref"].rpartition("/")[2]])
        if "anyOf" in schema:
            (inner,) = (part for part in schema["anyOf"] if part.get("type") != "null")
            return self._resolved(inner)
        return schema


def _required(path: str, model: Schema, crd: set[str]) -> Iterator[str]:
    """What the model cannot do without is required; what is required it always writes."""
    needed = set(model.get("required", ()))
    written = {
        name
        for name, field in model["properties"].items()
        if name in needed or field.get("default") is not None
    }
    for name in sorted(needed - crd):
        yield f"{path}.{name}: the model needs it, the CRD does not require it"
    for name in sorted(crd - written):
        yield f"{path}.{name}: the CRD requires it, the model may leave it out"


def _unequal(what: str, model: Any, crd: Any) -> Iterator[str]:
    if model != crd:
        yield f"{what} is {model!r} in the model and {crd!r} in the CRD"


def _sorted(values: Any) -> Any:
    return None if values is None else sorted(values)
