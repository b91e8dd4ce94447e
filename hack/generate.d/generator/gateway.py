"""The generated parts of mcp_gateway/README.md: its settings, and the parameters of its tools."""

import json
from pathlib import Path
from typing import Any

from generator.markdown import code, table
from generator.settings import settings_table
from nessus_gateway.access import MEANINGS
from nessus_gateway.server import tools
from nessus_gateway.settings import Settings


def settings(_root: Path) -> str:
    return settings_table(Settings)


def scopes(_root: Path) -> str:
    """What a token may do, by scope."""
    return table(["Scope", "Allows to"], [[code(scope), text] for scope, text in MEANINGS.items()])


def parameters(_root: Path) -> str:
    """Every parameter of every tool, as clients are told of it."""
    return table(
        ["Tool", "Parameter", "Type", "Default", "Meaning"],
        [
            [code(tool.name), code(name), _type(schema), _default(schema), schema["description"]]
            for tool in tools()
            for name, schema in tool.parameters["properties"].items()
        ],
    )


def _type(schema: dict[str, Any]) -> str:
    """The JSON type with its bounds; `null` is what a default says."""
    kinds = [one for one in schema.get("anyOf", [schema]) if one.get("type") != "null"]
    if "enum" in kinds[0]:
        return "one of " + ", ".join(code(word) for word in kinds[0]["enum"])
    return str(kinds[0]["type"])


def _default(schema: dict[str, Any]) -> str:
    return code(json.dumps(schema["default"])) if "default" in schema else "required"
