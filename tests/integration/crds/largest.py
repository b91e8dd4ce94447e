"""The largest value that a schema accepts, by its bytes in the JSON that the API server stores."""

import json
import re
from typing import Any

from generator.schema import Schema
from tests.contracts.patterns import matches

# What a character costs: Go's encoder escapes < to six bytes, a backslash to two.
_CHARACTERS = ("<", "\U0001f600", "\\", "a", "/", "A")
_BY_PATTERN = {
    "^sha256:[0-9a-f]{64}$": "sha256:" + "0" * 64,
    "^(default|all|([TU]:)?[0-9]{1,5}(-[0-9]{1,5})?(,([TU]:)?[0-9]{1,5}(-[0-9]{1,5})?)*)$": (
        ",".join(["U:10000-20000"] * 18 + ["1000"])
    ),
}
_LIST_MAP_KEYS = "x-kubernetes-list-map-keys"


def largest(schema: Schema) -> Any:
    """Fills every field to its bound; raises AssertionError for a string it cannot fill."""
    match schema["type"]:
        case "object":
            return {name: largest(child) for name, child in schema["properties"].items()}
        case "array":
            return [_item(schema, index) for index in range(schema["maxItems"])]
        case "integer":
            return schema["maximum"]
        case "boolean":
            return False
        case _:
            return _string(schema)


def stored_bytes(value: Any) -> int:
    """Bytes of the value as Go writes JSON."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return len(re.sub("[<>&\u2028\u2029]", "\\\\u0000", text).encode())


def _item(schema: Schema, index: int) -> Any:
    """One item of a list; what must differ from its neighbours differs."""
    item = largest(schema["items"])
    for key in schema.get(_LIST_MAP_KEYS, ()):
        item[key] = (
            item[key] - index if isinstance(item[key], int) else f"{item[key][3:]}{index:03d}"
        )
    return item


def _string(schema: Schema) -> str:
    if "enum" in schema:
        return str(max(schema["enum"], key=len))
    if schema.get("format") == "date-time":
        return "2026-11-21T10:00:00.123456+00:00"
    pattern, length = schema.get("pattern", ""), schema["maxLength"]
    fitting = [c * length for c in _CHARACTERS if matches(pattern, c * length)]
    text = fitting[0] if fitting else _BY_PATTERN[pattern]
    assert len(text) == length, f"{pattern} should be filled to {length}, not {len(text)}"
    assert matches(pattern, text), f"{text!r} should match {pattern}"
    return text
