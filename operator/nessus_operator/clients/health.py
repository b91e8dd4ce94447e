"""What /health answers, the same on gateway and operator: checks and a verdict.

Neither a secret nor an address nor the text of an exception ever stands in it: `reason` comes from
our own short list, and facts are numbers, flags and names of resources.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from nessus_operator import __version__
from nessus_operator.api.model import format_time
from nessus_operator.api.pool import ScannerPool
from nessus_operator.clients import clock

Fact = int | float | str | bool | list[str]

_LEAST_FREE = 0.01  # of the volume; with less, nothing can be relied upon
_GB = 1_000_000_000


class Status(StrEnum):
    OK = "ok"
    DEGRADED = "degraded"
    FAILED = "failed"
    UNKNOWN = "unknown"  # not looked at yet, or not for too long


@dataclass(frozen=True, slots=True)
class Check:
    """One dependency. Where it is `required`, its failure takes the process out of service."""

    status: Status
    reason: str | None = None
    facts: Mapping[str, Fact] = field(default_factory=dict)
    required: bool = True

    @property
    def failed(self) -> bool:
        return self.required and self.status in (Status.FAILED, Status.UNKNOWN)

    def to_json(self) -> dict[str, Fact]:
        reason: dict[str, Fact] = {"reason": self.reason} if self.reason else {}
        return {"status": str(self.status), **self.facts, **reason}


@dataclass(frozen=True, slots=True)
class Health:
    """All checks of one process at one moment."""

    component: str
    checks: Mapping[str, Check]
    time: datetime

    @property
    def healthy(self) -> bool:
        """May take traffic: no required check failed."""
        return not any(check.failed for check in self.checks.values())

    @property
    def verdict(self) -> str:
        """`healthy`, `degraded` or `unhealthy`."""
        if not self.healthy:
            return "unhealthy"
        fine = all(check.status is Status.OK for check in self.checks.values())
        return "healthy" if fine else "degraded"

    @property
    def code(self) -> int:
        """The HTTP status to answer with."""
        return 200 if self.healthy else 503

    def to_json(self) -> dict[str, object]:
        return {
            "status": self.verdict,
            "component": self.component,
            "version": __version__,
            "checks": {name: check.to_json() for name, check in self.checks.items()},
            "timestamp": format_time(self.time),
        }


def disk(folder: Path, *, writable: bool) -> Check:
    """The results volume: reachable, and not full. Blocks while the volume does."""
    begun = clock.monotonic()
    needed = os.R_OK | os.X_OK | (os.W_OK if writable else 0)
    try:
        volume = os.statvfs(folder)
    except OSError:
        return Check(Status.FAILED, "unreachable")
    size, free = volume.f_blocks * volume.f_frsize, volume.f_bavail * volume.f_frsize
    facts: dict[str, Fact] = {
        "latency_ms": round((clock.monotonic() - begun) * 1000, 1),
        "free_gb": round(free / _GB, 1),
        "used_pct": round(100 * (1 - free / size), 1) if size else 100.0,
        "free_bytes": free,
        "size_bytes": size,
    }
    if not os.access(folder, needed):
        return Check(Status.FAILED, "not_writable" if writable else "not_readable", facts)
    if writable and free < size * _LEAST_FREE:
        return Check(Status.FAILED, "full", facts)
    return Check(Status.OK, facts=facts)


def scanners(pools: Iterable[ScannerPool]) -> Check:
    """How many scanners take scans, as the pools' statuses say. Never more than a warning:

    a scan for a scanner that is down can be queued all the same.
    """
    total = available = 0
    for pool in pools:
        ready = {scanner.name for scanner in pool.status.scanners if scanner.ready}
        names = {scanner.name for scanner in pool.spec.scanners}
        total += len(names)
        available += len(names & ready)
    facts: dict[str, Fact] = {"available": available, "total": total}
    if available < total:
        return Check(Status.DEGRADED, "not_ready", facts, required=False)
    return Check(Status.OK, facts=facts, required=False)
