"""The table of settings that a README shows, read from the pydantic-settings class itself."""

import json
from collections.abc import Iterator
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

from generator.markdown import code, table

_NAMES = {bool: "true or false", int: "integer", float: "number", str: "text"}


def settings_table(settings: type[BaseSettings]) -> str:
    """Environment variable, type, default and description of every field, in the class's order.

    Raises ValueError for a field without a description: a setting nobody explains is none.
    """
    prefix = settings.model_config.get("env_prefix", "")
    rows = list(_rows(settings, prefix))
    return table(["Variable", "Type", "Default", "Meaning"], rows)


def _rows(settings: type[BaseSettings], prefix: str) -> Iterator[list[str]]:
    for name, field in settings.model_fields.items():
        if not field.description:
            raise ValueError(f"{settings.__name__}.{name} has no description")
        variables = _variables(name, field, prefix)
        yield [
            ", ".join(variables),
            type_name(field.annotation),
            _default(field),
            field.description,
        ]


def _variables(name: str, field: FieldInfo, prefix: str) -> list[str]:
    """An alias stands for itself; everything else gets the prefix."""
    if isinstance(field.validation_alias, str):
        return [code(field.validation_alias)]
    choices = getattr(field.validation_alias, "choices", None)
    return [code(str(choice)) for choice in choices or [f"{prefix}{name}".upper()]]


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is None or value is PydanticUndefined or value in ("", (), []):
        return ""
    return code(value if isinstance(value, str) else _text(value))


def _text(value: Any) -> str:
    return json.dumps(value, default=str).strip('"')


def type_name(annotation: Any) -> str:
    """`integer`, `text or empty`, `one of a, b`, `list of text`; else the type's own name."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return f"one of {', '.join(code(str(part)) for part in parts)}"
    if origin in (Union, UnionType):
        named = [type_name(part) for part in parts if part is not NoneType]
        return " or ".join([*named, *(["empty"] if NoneType in parts else [])])
    if origin in (tuple, list, set, frozenset):
        return f"list of {type_name(parts[0])}"
    if origin is not None:
        return type_name(origin)
    return _NAMES.get(annotation, getattr(annotation, "__name__", str(annotation)).lower())
