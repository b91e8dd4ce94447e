"""Queued scans and the slots of scanners, for the tests of admission."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from tests.builders import NOW, make_pool, make_scan
from tests.unit.core import statuses
from tests.unit.core.statuses import seconds

from nessus_operator.api.names import ANNOTATION_REQUESTER
from nessus_operator.api.reasons import Reason
from nessus_operator.api.scan import NessusScan
from nessus_operator.core import admission
from nessus_operator.core.admission import Slots, Snapshot, Start

BUSY_SINCE, IDLE_SINCE = NOW, NOW - timedelta(hours=1)


def queued(name: str, *, by: str = "", age: float = 0, **fields: Any) -> NessusScan:
    """A scan that was created `age` seconds ago, by somebody."""
    status = statuses.queued(**{"queue_time": seconds(-age), **fields.pop("status", {})})
    annotations = {ANNOTATION_REQUESTER: by} if by else {}
    created = seconds(-age).replace(microsecond=0)
    return make_scan(
        name, status=status, annotations=annotations, creation_timestamp=created, **fields
    )


def slots(name: str, free: int = 1, active: int = 0, **fields: Any) -> Slots:
    return Slots(name, active + free, active, **fields)


def admit(
    queue: Sequence[NessusScan],
    *scanners: Slots,
    active: Sequence[NessusScan] = (),
    **pool: Any,
) -> dict[str, str]:
    """Where each scan starts, or the reason why it waits, by its name and in order."""
    snapshot = Snapshot(make_pool(**pool), scanners, NOW)
    return {
        scan.metadata.name: verdict.scanner if isinstance(verdict, Start) else verdict.reason
        for scan, verdict in admission.admit(queue, active, snapshot)
    }


AWAY = Reason.UNREACHABLE
FULL = Reason.POOL_AT_CAPACITY
