"""What changed between two JSON objects, as a merge patch (RFC 7386)."""

from collections.abc import Mapping
from typing import Any


def merge_patch(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Empty when nothing changed. Lists are replaced whole, as a merge patch must."""
    patch: dict[str, Any] = dict.fromkeys(old.keys() - new.keys())
    for name, value in new.items():
        known = old.get(name)
        if name in old and known == value:
            continue
        if isinstance(value, Mapping) and isinstance(known, Mapping):
            patch[name] = merge_patch(known, value)
        else:
            patch[name] = value
    return patch
