"""The W3C trace context of the request at hand: taken over from the client, or begun here."""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import structlog

from nessus_operator.clients.logs import trace_id_of

_TRACEPARENT = re.compile("(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_TRACE_ID = re.compile("[0-9a-f]{32}")

_current: ContextVar[str | None] = ContextVar("traceparent", default=None)


def accept(text: str | None) -> str | None:
    """A traceparent in the version that we write; None for anything that is none."""
    match = _TRACEPARENT.fullmatch(text or "")
    if match is None or not int(match[1], 16) or not int(match[2], 16):
        return None
    return f"00-{match[1]}-{match[2]}-{match[3]}"


def begin(trace_id: str | None = None) -> str:
    """A new traceparent; in the trace of that id where it is one (32 hexadecimal digits)."""
    wanted = trace_id if trace_id and _TRACE_ID.fullmatch(trace_id) and int(trace_id, 16) else None
    return f"00-{wanted or secrets.token_hex(16)}-{secrets.token_hex(8)}-00"


def current() -> str:
    """That of the request; a new one outside of requests."""
    return _current.get() or begin()


@contextmanager
def follow(traceparent: str) -> Iterator[None]:
    """Every log line inside carries the trace id."""
    token = _current.set(traceparent)
    with structlog.contextvars.bound_contextvars(trace_id=trace_id_of(traceparent)):
        try:
            yield
        finally:
            _current.reset(token)
