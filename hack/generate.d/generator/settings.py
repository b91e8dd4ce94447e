"""The table of settings that a README shows, read from the pydantic-settings class itself."""

import json
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from generator.markdown import code, table

_NAMES = {bool: "true or false", int: "integer", float: "number", str: "text"}


def settings_table(settings: type[BaseSettings]) -> str:
    """Environment variable, type, default and description of every field, in the class's order.

    Raises ValueError for a field without a description: what nobody explains nobody can set.
    """
    prefix = settings.model_config.get("env_prefix", "")
    rows = []
    for name, field in settings.model_fields.items():
        if not field.description:
            raise ValueError(f"{settings.__name__}.{name} has no description")
        variable = field.validation_alias or f"{prefix}{name}".upper()
        row = [code(str(variable)), type_name(field.annotation), _default(field)]
        rows.append([*row, field.description])
    return table(["Variable", "Type", "Default", "Meaning"], rows)


def type_name(annotation: Any) -> str:
    """`integer`, `one of a, b`, `list of text`, `path, may be empty`; else the type's own name."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return f"one of {', '.join(code(str(part)) for part in parts)}"
    if origin in (Union, UnionType):
        named = " or ".join(type_name(part) for part in parts if part is not NoneType)
        return f"{named}, may be empty" if NoneType in parts else named
    if origin in (tuple, list, set, frozenset):
        return f"list of {type_name(parts[0])}"
    return _NAMES.get(annotation, getattr(annotation, "__name__", str(annotation)).lower())


def _default(field: FieldInfo) -> str:
    """Empty for nothing, and for what is made anew at each start."""
    if field.is_required():
        return "required"
    if field.default_factory is not None or field.default in (None, "", (), []):
        return ""
    value = field.default
    return code(json.dumps(value) if isinstance(value, bool | tuple | list) else str(value))
