"""What holds of every next step, and how a scan is found among all of a scanner."""

from itertools import product
from typing import Any

import pytest
from tests.builders import NOW
from tests.unit.core import statuses
from tests.unit.core.statuses import SCAN_ID, TOKEN, cleanup, remote, scan, seconds, stopping

from nessus_operator.api.remote import RemoteScan, RemoteState
from nessus_operator.api.scan import ScanStatus, StopReason
from nessus_operator.api.transitions import TERMINAL, Phase, is_new_attempt, may_move
from nessus_operator.core import lifecycle
from nessus_operator.core.lifecycle import (
    Abandon,
    Claim,
    CleanUp,
    Collect,
    DecideStop,
    EndAttempt,
    Finish,
    Launch,
    MarkLaunch,
    Protect,
    Release,
    Retry,
    Sight,
)
from nessus_operator.core.tokens import remote_name

DAY = seconds(86400)
DELETED = {"deletion_timestamp": NOW}
LEFT = cleanup()
RAISED = {"manual_retries": 1}

SITUATIONS = {
    Sight(
        pool_going=going,
        scope_refused=refused,
        scanner_known=known,
        remote=remote(state) if state and listed else None,
        listed=listed,
        all_missing=missing and state is None,
        remote_scan=policy,
    )
    for going, refused, known, listed, missing, state, policy in product(
        *[(False, True)] * 5,
        (None, *RemoteState),
        ("DeleteAfterExport", "DeleteWithScan", "Keep"),
    )
}
STATIONS = {
    "waits": statuses.queued(),
    "waits after an attempt": statuses.queued(remote_cleanups=(LEFT,)),
    "is admitted": statuses.admitted(),
    "is claimed": statuses.claimed(),
    "may be launched": statuses.marked(),
    "runs": statuses.launched(),
    **{f"is stopped as {reason}": stopping(reason) for reason in StopReason},
    **{f"has ended as {phase}": statuses.ended(phase) for phase in TERMINAL},
}


@pytest.mark.parametrize("status", STATIONS.values(), ids=STATIONS)
@pytest.mark.parametrize("fields", [{}, {"cancel": True}, RAISED, DELETED, {"suspend": True}])
def test_no_situation_leads_where_it_must_not(status: ScanStatus, fields: dict[str, Any]) -> None:
    subjects = (scan(status, **fields), scan(status, held=False, **fields))
    for subject, sight, now in product(subjects, SITUATIONS, (NOW, seconds(301), DAY)):
        step = lifecycle.next_step(subject, sight, now)
        match step:
            case Finish(phase, _) | Collect(phase, _):
                assert phase in TERMINAL
                assert may_move(status.phase, phase)
            case EndAttempt() | Retry():
                assert is_new_attempt(status.phase, Phase.QUEUED)
                assert may_move(status.phase, Phase.QUEUED)
            case Claim() | MarkLaunch() | Launch() | CleanUp() | Abandon() | Release():
                assert subject.finalized
            case Protect():
                assert not subject.finalized
                assert not subject.metadata.deleting


@pytest.mark.parametrize("reason", [None, *StopReason])
def test_a_stop_is_decided_once(reason: StopReason | None) -> None:
    status = stopping(reason) if reason else statuses.launched()
    subjects = [scan(status, **fields) for fields in ({}, {"cancel": True}, DELETED)]
    for subject, sight in product(subjects, SITUATIONS):
        step = lifecycle.next_step(subject, sight, DAY)
        assert isinstance(step, DecideStop) is (reason is None)


def test_what_the_present_attempt_may_have_left() -> None:
    assert lifecycle.current(scan(statuses.queued())) is None
    assert lifecycle.current(scan(statuses.admitted())) == cleanup(scan_id=None)
    assert lifecycle.current(scan(statuses.launched())) == LEFT


OURS = remote_name("scan", TOKEN)
LISTED = (
    RemoteScan(9, OURS, RemoteState.EMPTY, "empty"),
    RemoteScan(3, OURS, RemoteState.RUNNING, "running", in_trash=True),
    RemoteScan(SCAN_ID, OURS, RemoteState.RUNNING, "running"),
    RemoteScan(8, "another's scan", RemoteState.EMPTY, "empty"),
    RemoteScan(10, OURS, RemoteState.RUNNING, "running"),
)


def test_the_scans_that_carry_a_token_the_oldest_first() -> None:
    assert [one.id for one in lifecycle.with_token(LISTED, TOKEN)] == [SCAN_ID, 9, 10]


FOUND = {
    "by id and token": (SCAN_ID, TOKEN, SCAN_ID),
    "an id that was used again": (8, TOKEN, None),
    "a token on another id": (4, TOKEN, None),
    "in the trash": (3, TOKEN, None),
    "another token": (SCAN_ID, cleanup(2).token, None),
}


@pytest.mark.parametrize(("scan_id", "token", "found"), FOUND.values(), ids=FOUND)
def test_found(scan_id: int, token: str, found: int | None) -> None:
    line = lifecycle.found(LISTED, token, scan_id)
    assert (line and line.id) == found
