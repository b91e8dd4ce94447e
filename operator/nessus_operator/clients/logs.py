"""One JSON object a line from every library of the process, with the trace id of the work."""

import logging
import sys
from collections.abc import Callable
from typing import Any

import structlog
from structlog.typing import EventDict, Processor

_NOISY = ("uvicorn", "uvicorn.error", "uvicorn.access", "fastmcp", "mcp", "kopf", "httpx2")


def configure(level: str, count: Callable[[str], None] = lambda _: None) -> None:
    """Send all logs to stdout as JSON; `count` is told the level of each line."""

    def counted(_: Any, method: str, event: EventDict) -> EventDict:
        count(method)
        return event

    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        _untraced,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="timestamp"),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*shared, _kopf_object],
        processors=[
            counted,
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(),
        ],
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _NOISY:
        noisy = logging.getLogger(name)
        noisy.handlers.clear()
        noisy.propagate = True
    # They tell of every request and every handler at INFO.
    for name in ("httpx2", "mcp", "kopf"):
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(level)))


def _untraced(_: Any, __: str, event: EventDict) -> EventDict:
    """What nobody traces has no trace_id, rather than an empty one."""
    if not event.get("trace_id"):
        event.pop("trace_id", None)
    return event


def _kopf_object(_: Any, __: str, event: EventDict) -> EventDict:
    reference = getattr(event.get("_record"), "k8s_ref", None)
    if reference:
        event["task_id"] = f"{reference.get('namespace')}/{reference.get('name')}"
    return event


def trace_id_of(traceparent: str | None) -> str | None:
    """The 32 hexadecimal digits of a W3C traceparent; None where it is none."""
    parts = (traceparent or "").split("-")
    if len(parts) != 4 or len(parts[1]) != 32 or parts[1] == "0" * 32:
        return None
    return parts[1] if all(c in "0123456789abcdef" for c in parts[1]) else None
