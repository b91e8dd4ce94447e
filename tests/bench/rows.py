"""One line of a table of measurements."""

from typing import Any

Row = dict[str, Any]


def row(
    name: str,
    value: float,
    unit: str,
    must: float | None = None,
    aim: float | None = None,
    *,
    at_least: float | None = None,
) -> Row:
    """`must` and `aim` are the highest values; `at_least` is an aim from below."""
    return {
        "name": name,
        "value": round(value, 3),
        "unit": unit,
        "must": None if must is None else f"<= {must}",
        "aim": _aim(aim, at_least),
        "holds": must is None or value <= must,
    }


def _aim(aim: float | None, at_least: float | None) -> str | None:
    if at_least is not None:
        return f">= {at_least:.2f}"
    return None if aim is None else f"<= {aim}"
