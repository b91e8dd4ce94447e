"""Says in a few words what a schema accepts."""

import json
from typing import Any

from generator.markdown import code
from generator.schema import Schema


def shape(schema: Schema) -> str:
    """Type and bounds: `integer, 0 to 1000`, `one of TCP, UDP`, `list of 1 to 512`."""
    match schema["type"]:
        case "string" if "enum" in schema:
            return f"one of {', '.join(code(value) for value in schema['enum'])}"
        case "string" if schema.get("format") == "date-time":
            return "time"
        case "string":
            return ", ".join(filter(None, ["string", _length(schema), _pattern(schema)]))
        case "integer":
            return f"integer, {schema['minimum']} to {schema['maximum']}"
        case "array":
            return f"list of {schema.get('minItems', 0)} to {schema['maxItems']}"
        case other:
            return str(other)


def default(schema: Schema) -> str:
    """The default as YAML users would write it; empty when there is none."""
    return code(_plain(schema["default"])) if "default" in schema else ""


def _plain(value: Any) -> str:
    return value if isinstance(value, str) and value else json.dumps(value)


def _length(schema: Schema) -> str:
    longest = schema["maxLength"]
    shortest = schema.get("minLength", 0)
    return f"{shortest} to {longest} characters" if shortest != longest else f"{longest} characters"


def _pattern(schema: Schema) -> str:
    return code(schema["pattern"]) if "pattern" in schema else ""
