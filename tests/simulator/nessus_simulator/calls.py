"""The log of what was called, without secrets."""

import json
import re
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from nessus_simulator.credentials import HARMLESS, MASK

SECRET_NAME = re.compile(r"pass|secret|token|key|credential", re.I)
TOKEN_PATH = re.compile(r"^(/tokens/)[^/]+")
SHOWN = HARMLESS | {"delete"}  # inside `credentials`
MAX_CALLS = 100_000
MAX_BODY = 65_536


class Outcome(StrEnum):
    OPEN = "open"  # not finished: held, delayed or being worked on
    ANSWERED = "answered"
    UNREAD = "unread"  # an answer was ready, but the client had gone
    CUT = "cut"  # the connection was closed by a fault, without a whole answer
    DROPPED = "dropped"  # held, then let go without taking effect


@dataclass(slots=True)
class Call:
    """`acted`: the request reached the simulated Nessus, whatever became of its answer."""

    sequence: int
    time: float
    method: str
    path: str
    query: dict[str, str]
    body: Any
    account: str | None = None
    fault: int | None = None
    acted: bool = False
    outcome: Outcome = Outcome.OPEN
    status: int | None = None


class Calls:
    """Kept in order of arrival; the sequence goes on when the log is cleared."""

    def __init__(self) -> None:
        self._calls: deque[Call] = deque(maxlen=MAX_CALLS)
        self._sequence = 0

    def begin(
        self, now: float, method: str, path: str, query: Mapping[str, str], body: bytes
    ) -> Call:
        self._sequence += 1
        call = Call(
            sequence=self._sequence,
            time=round(now, 3),
            method=method,
            path=TOKEN_PATH.sub(rf"\g<1>{MASK}", path),
            query={name: _shown(name, value) for name, value in query.items()},
            body=redacted_body(body),
        )
        self._calls.append(call)
        return call

    def matching(self, method: str | None, path: re.Pattern[str]) -> Iterator[Call]:
        for call in self._calls:
            if method in (None, call.method) and path.search(call.path):
                yield call

    def clear(self) -> int:
        count = len(self._calls)
        self._calls.clear()
        return count


def redacted_body(body: bytes) -> Any:
    """JSON with its secrets masked; of anything else only the size, since it may be a key file."""
    if not body:
        return None
    try:
        content = json.loads(body) if len(body) <= MAX_BODY else None
    except ValueError:
        content = None
    if not isinstance(content, dict | list):
        return {"bytes": len(body)}
    return redacted(content)


def redacted(value: Any) -> Any:
    """Everything under `credentials` is masked but what is known to be harmless; elsewhere the
    values whose names sound secret."""
    match value:
        case dict():
            return {name: _redacted_item(name, item) for name, item in value.items()}
        case list():
            return [redacted(item) for item in value]
        case _:
            return value


def _redacted_item(name: str, value: Any) -> Any:
    if name == "credentials":
        return _only_harmless(value)
    if SECRET_NAME.search(name) and not isinstance(value, bool | None):
        return MASK
    return redacted(value)


def _only_harmless(value: Any, name: str = "") -> Any:
    match value:
        case dict():
            return {key: _only_harmless(item, key) for key, item in value.items()}
        case list():
            return [_only_harmless(item, name) for item in value]
        case str() | int() | float() if name not in SHOWN and not isinstance(value, bool):
            return MASK if value != "" else value
        case _:
            return value


def _shown(name: str, value: str) -> str:
    return MASK if SECRET_NAME.search(name) else value
