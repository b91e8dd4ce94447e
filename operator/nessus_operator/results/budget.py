"""Rows as JSON lines that fit into so many bytes: the longest values are cut, and the row says so.

A row that was cut has its `id` and `cut`: how many characters, or elements of a list, are shown of
each value that was cut. `left_out` counts fields for which there was no room at all.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any

MARK = "…[cut]"
LEAST_ROW = 128  # bytes that any row fits into

_KEYS = 96  # bytes of type, id, cut and left_out
_ENTRY = 24  # bytes of a cut value beyond its name, its entry in `cut` and what is left of it
_LEAST = 24  # bytes that are left of a value at least

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def line(value: Any) -> str:
    """One line of JSON-NL; it holds no line feed."""
    return _ENCODER.encode(value)


def size(text: str) -> int:
    """Bytes of the text in UTF-8."""
    return len(text) if text.isascii() else len(text.encode())


def as_text(value: Any) -> str:
    return value if isinstance(value, str) else line(value)


def fit_rows(rows: Sequence[tuple[int, dict[str, Any]]], room: int | None) -> tuple[list[str], int]:
    """The lines of the rows, and how many of them were cut, the longest first.

    With a line feed each they take at most `room` bytes, which is LEAST_ROW for a row or more.
    """
    lines = [line(row) for _, row in rows]
    if room is None:
        return lines, 0
    sizes = [size(text) + 1 for text in lines]
    if sum(sizes) <= room:
        return lines, 0
    level = _level(lambda level: sum(min(size, level) for size in sizes), room)
    cut = 0
    for index, (id_, row) in enumerate(rows):
        if sizes[index] > level:
            lines[index] = fit_row(id_, row, level - 1)
            cut += 1
    return lines, cut


def fit_row(id_: int, row: dict[str, Any], room: int) -> str:
    """The row as a line of at most `room` bytes; fields at the end are left out first."""
    sizes = {name: size(line(name)) + size(line(value)) + 2 for name, value in row.items()}
    least = {name: min(sizes[name], 2 * size(name) + _ENTRY + _LEAST) for name in sizes}
    kept, left = [], room - _KEYS
    for name in row:
        if name in ("type", "id"):
            continue
        if least[name] > left:
            break
        left -= least[name]
        kept.append(name)
    level = _level(
        lambda level: sum(min(sizes[name], max(least[name], level)) for name in kept), room - _KEYS
    )
    found: dict[str, Any] = {"type": row["type"], "id": id_}
    cut: dict[str, int] = {}
    for name in kept:
        found[name] = row[name]
        if sizes[name] > max(least[name], level):
            allowed = max(least[name], level) - 2 * size(name) - _ENTRY
            found[name], cut[name] = _cut(row[name], allowed)
    left_out = len(row.keys() - {"type", "id"}) - len(kept)
    found |= {"cut": cut} | ({"left_out": left_out} if left_out else {})
    return line(found)


def _cut(value: Any, room: int) -> tuple[Any, int]:
    """The beginning of a value within `room` bytes, and how many elements or characters that is."""
    if isinstance(value, list):
        shown = _most(len(value), lambda count: size(line(value[:count])) <= room)
        return value[:shown], shown
    text = as_text(value)
    most = min(len(text), room)
    shown = _most(most, lambda count: size(line(text[:count] + MARK)) <= room)
    return text[:shown] + MARK, shown


def _level(needed: Callable[[int], int], room: int) -> int:
    """The highest level at which no more than `room` is needed."""
    return _most(room, lambda level: needed(level) <= room)


def _most(highest: int, fits: Callable[[int], bool]) -> int:
    """The greatest number up to `highest` that fits, if all below it do."""
    low, high = 0, highest
    while low < high:
        middle = (low + high + 1) // 2
        if fits(middle):
            low = middle
        else:
            high = middle - 1
    return low
