"""The only place that reads the wall clock; everything else takes `now` as an argument."""

import time
from datetime import UTC, datetime


def now() -> datetime:
    """The wall clock, in UTC."""
    return datetime.now(UTC)  # noqa: TID251 - this is the one place


def monotonic() -> float:
    """Seconds that never go back and go on while the process is stopped."""
    return time.monotonic()
