"""What the text of an element means, by the type of its field. A text that does not fit stays."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from nessus_operator.results.fields import ONE_A_LINE, Field, Type

Scalar = str | float | int

HIGHEST_PORT = 65_535

_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]{1,2})?", re.ASCII)
_EPOCH = re.compile(r"[0-9]{1,11}", re.ASCII)
_IN_NO_XML = re.compile("[\x00\ud800-\udfff]")
_TRUE = frozenset(("true", "yes", "1"))
_FALSE = frozenset(("false", "no", "0", ""))


def in_xml(text: str) -> bool:
    """Whether a report can hold the text: none has a NUL or a half of a surrogate pair."""
    return not _IN_NO_XML.search(text)


def number(text: str) -> Scalar:
    return float(text) if _NUMBER.fullmatch(text.strip()) else text


def boolean(text: str) -> Scalar:
    """1, 0, or the text itself: a few flags name their framework instead of saying true."""
    word = text.strip().lower()
    return 1 if word in _TRUE else 0 if word in _FALSE else text


def scalar(field: Field, text: str) -> Scalar:
    """The value of one element as the column of its field holds it."""
    match field.type:
        case Type.NUMBER:
            return number(text)
        case Type.BOOLEAN:
            return boolean(text)
        case Type.DATE:
            return text.strip()
        case _:
            return text


def elements(field: Field, texts: Sequence[str]) -> list[str]:
    """The elements of a list field from all its XML elements, in document order."""
    if field.name in ONE_A_LINE:
        return [part for text in texts for line in text.split("\n") if (part := line.strip())]
    if field.name == "compliance-reference":
        return [part for text in texts for word in text.split(",") if (part := word.strip())]
    return list(texts)


def whole(text: str | None, highest: int) -> int | None:
    """The number in an attribute, if it is written plainly and not above `highest`."""
    if text and len(text) <= 10 and text.isascii() and text.isdigit():
        value = int(text)
        return value if value <= highest else None
    return None


def moment(text: str) -> str | None:
    """ISO 8601 of an epoch, a ctime or an ISO text; with Z only where the zone is known.

    ctime is the scanner's local time without a zone, so none is added. None: not understood.
    """
    text = text.strip()
    if _EPOCH.fullmatch(text):
        return f"{datetime.fromtimestamp(int(text), UTC):%Y-%m-%dT%H:%M:%S}Z"
    try:
        return datetime.strptime(text, "%a %b %d %H:%M:%S %Y").isoformat()  # noqa: DTZ007 - it has none
    except ValueError:
        return _iso(text)


def _iso(text: str) -> str | None:
    try:
        parsed = datetime.fromisoformat(text)
        if parsed.tzinfo is not None:
            return f"{parsed.astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z"
    except (ValueError, OverflowError):  # the year 1 may have no UTC
        return None
    return parsed.isoformat(timespec="seconds")


def listed(values: Sequence[Any]) -> Any:
    """One value as it is, several as a list: how JSON objects of ours hold repeated names."""
    return values[0] if len(values) == 1 else list(values)
