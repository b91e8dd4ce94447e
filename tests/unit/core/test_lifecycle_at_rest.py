"""What to do with a scan that waits, or that has ended: one row for each situation."""

from datetime import datetime
from typing import Any

import pytest
from tests.builders import NOW
from tests.unit.core import statuses
from tests.unit.core.statuses import cleanup, scan, seconds

from nessus_operator.api.reasons import Reason
from nessus_operator.api.scan import NessusScan
from nessus_operator.api.transitions import Phase
from nessus_operator.core import lifecycle
from nessus_operator.core.lifecycle import (
    Abandon,
    CleanUp,
    Finish,
    Nothing,
    Release,
    Retry,
    Sight,
    Step,
)

HOUR = seconds(3600)
DELETED = {"deletion_timestamp": NOW}
LEFT = cleanup()
RAISED = {"manual_retries": 1}
SUCCEEDED = statuses.ended(Phase.COMPLETED, results=statuses.RESULTS)

Row = tuple[NessusScan, Sight, datetime, Step]

NEW: dict[str, Row] = {
    "a scan that was not seen yet is not ours to carry": (
        scan(held=False),
        Sight(),
        NOW,
        Nothing(),
    ),
    "not even when it is deleted": (scan(held=False, **DELETED), Sight(), NOW, Nothing()),
}

QUEUED: dict[str, Row] = {
    "it waits": (scan(statuses.queued(), held=False), Sight(), HOUR, Nothing()),
    "it waits however long without a limit": (
        scan(statuses.queued(), held=False),
        Sight(),
        seconds(10**8),
        Nothing(),
    ),
    "it waits up to its limit": (
        scan(statuses.queued(), held=False, starting_deadline_seconds=3600),
        Sight(),
        seconds(3599),
        Nothing(),
    ),
    "it waited too long": (
        scan(statuses.queued(), held=False, starting_deadline_seconds=3600),
        Sight(),
        HOUR,
        Finish(Phase.TIMEOUT, Reason.STARTING_DEADLINE),
    ),
    "its limit counts from the last return to the queue": (
        scan(statuses.queued(queue_time=HOUR), starting_deadline_seconds=3600, held=False),
        Sight(),
        HOUR,
        Nothing(),
    ),
    "it is cancelled": (
        scan(statuses.queued(), held=False, cancel=True),
        Sight(),
        NOW,
        Finish(Phase.CANCELLED, Reason.CANCELLED),
    ),
    "cancelled before its time is over": (
        scan(statuses.queued(), held=False, cancel=True, starting_deadline_seconds=1),
        Sight(),
        HOUR,
        Finish(Phase.CANCELLED, Reason.CANCELLED),
    ),
    "its pool goes: it waits": (
        scan(statuses.queued(), held=False),
        Sight(pool_going=True),
        NOW,
        Nothing(),
    ),
    "its scope is refused: that is for admission to say": (
        scan(statuses.queued(), held=False),
        Sight(scope_refused=True),
        NOW,
        Nothing(),
    ),
    "deleted and nothing held": (
        scan(statuses.queued(), held=False, **DELETED),
        Sight(),
        NOW,
        Nothing(),
    ),
    "deleted and cancelled writes no end": (
        scan(statuses.queued(), held=False, cancel=True, **DELETED),
        Sight(),
        NOW,
        Nothing(),
    ),
    "an earlier attempt left something": (
        scan(statuses.queued(remote_cleanups=(LEFT, cleanup(2)))),
        Sight(),
        NOW,
        CleanUp(LEFT),
    ),
    "and it is cancelled": (
        scan(statuses.queued(remote_cleanups=(LEFT,)), cancel=True),
        Sight(),
        NOW,
        Finish(Phase.CANCELLED, Reason.CANCELLED),
    ),
    "and it is deleted": (
        scan(statuses.queued(remote_cleanups=(LEFT,)), **DELETED),
        Sight(),
        seconds(299),
        CleanUp(LEFT),
    ),
    "and it was deleted long ago": (
        scan(statuses.queued(remote_cleanups=(LEFT,)), **DELETED),
        Sight(),
        seconds(300),
        Abandon(),
    ),
    "nothing is left of an earlier attempt": (scan(statuses.queued()), Sight(), NOW, Release()),
    "nothing is left and it is deleted": (
        scan(statuses.queued(), **DELETED),
        Sight(),
        NOW,
        Release(),
    ),
}

KEEP: dict[str, Any] = {"remote_scan": "Keep"}
WITH_SCAN: dict[str, Any] = {"remote_scan": "DeleteWithScan"}
UNKNOWN: dict[str, Any] = {"scanner_known": False}
FAILED = statuses.ended(Phase.FAILED)

ENDED: dict[str, Row] = {
    "nothing is held": (scan(SUCCEEDED, held=False), Sight(), NOW, Nothing()),
    "its remote scan goes after the export": (scan(SUCCEEDED), Sight(), NOW, CleanUp(LEFT)),
    "without results too": (scan(FAILED), Sight(), NOW, CleanUp(LEFT)),
    "what earlier attempts left goes first": (
        scan(SUCCEEDED.but(remote_cleanups=(cleanup(4),))),
        Sight(),
        NOW,
        CleanUp(cleanup(4)),
    ),
    "a remote scan whose id was never learnt": (
        scan(statuses.admitted(phase=Phase.FAILED, completion_time=NOW)),
        Sight(),
        NOW,
        CleanUp(cleanup(scan_id=None)),
    ),
    "it never reached a scanner": (
        scan(statuses.queued(phase=Phase.CANCELLED, completion_time=NOW)),
        Sight(),
        NOW,
        Release(),
    ),
    "Keep keeps what has results": (scan(SUCCEEDED), Sight(**KEEP), NOW, Release()),
    "Keep keeps it when the scan is deleted": (
        scan(SUCCEEDED, **DELETED),
        Sight(**KEEP),
        NOW,
        Release(),
    ),
    "Keep keeps nothing that has none": (scan(FAILED), Sight(**KEEP), NOW, CleanUp(LEFT)),
    "Keep keeps nothing of earlier attempts": (
        scan(SUCCEEDED.but(remote_cleanups=(cleanup(4),))),
        Sight(**KEEP),
        NOW,
        CleanUp(cleanup(4)),
    ),
    "DeleteWithScan waits for the deletion": (scan(SUCCEEDED), Sight(**WITH_SCAN), NOW, Nothing()),
    "DeleteWithScan, deleted": (
        scan(SUCCEEDED, **DELETED),
        Sight(**WITH_SCAN),
        NOW,
        CleanUp(LEFT),
    ),
    "DeleteWithScan, its pool goes": (
        scan(SUCCEEDED),
        Sight(pool_going=True, **WITH_SCAN),
        NOW,
        CleanUp(LEFT),
    ),
    "DeleteWithScan keeps nothing of earlier attempts": (
        scan(SUCCEEDED.but(remote_cleanups=(cleanup(4),))),
        Sight(**WITH_SCAN),
        NOW,
        CleanUp(cleanup(4)),
    ),
    "deleted and away, there is still time": (
        scan(SUCCEEDED, **DELETED),
        Sight(),
        seconds(299),
        CleanUp(LEFT),
    ),
    "deleted and away for too long": (scan(SUCCEEDED, **DELETED), Sight(), seconds(300), Abandon()),
    "not deleted: there is time without end": (
        scan(SUCCEEDED),
        Sight(),
        seconds(10**8),
        CleanUp(LEFT),
    ),
    "its scanner left the pool, there is still time": (
        scan(SUCCEEDED),
        Sight(**UNKNOWN),
        seconds(299),
        CleanUp(LEFT),
    ),
    "its scanner left the pool long ago": (
        scan(SUCCEEDED),
        Sight(**UNKNOWN),
        seconds(300),
        Abandon(),
    ),
    "its pool goes": (scan(SUCCEEDED), Sight(pool_going=True), NOW, CleanUp(LEFT)),
    "a manual retry": (scan(FAILED, **RAISED), Sight(), NOW, Retry()),
    "a manual retry of a scan that holds nothing": (
        scan(FAILED, held=False, **RAISED),
        Sight(),
        NOW,
        Retry(),
    ),
    "a manual retry that was acted on": (
        scan(FAILED.but(observed_manual_retries=1), **RAISED),
        Sight(),
        NOW,
        CleanUp(LEFT),
    ),
    "a manual retry of what completed": (scan(SUCCEEDED, **RAISED), Sight(), NOW, CleanUp(LEFT)),
    "a manual retry of what is deleted": (
        scan(FAILED, **RAISED, **DELETED),
        Sight(),
        NOW,
        CleanUp(LEFT),
    ),
    "a manual retry of what is still cancelled": (
        scan(statuses.ended(Phase.CANCELLED), cancel=True, **RAISED),
        Sight(),
        NOW,
        CleanUp(LEFT),
    ),
}

ROWS = {
    f"{group}: {name}": row
    for group, rows in {
        "new": NEW,
        "queued": QUEUED,
        "ended": ENDED,
    }.items()
    for name, row in rows.items()
}


@pytest.mark.parametrize(("subject", "sight", "now", "step"), ROWS.values(), ids=ROWS)
def test_next_step(subject: NessusScan, sight: Sight, now: datetime, step: Step) -> None:
    assert lifecycle.next_step(subject, sight, now) == step
