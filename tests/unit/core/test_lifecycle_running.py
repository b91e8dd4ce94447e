"""What to do with a scan that holds a slot: one row for each situation."""

from datetime import datetime

import pytest
from tests.builders import NOW
from tests.unit.core import statuses
from tests.unit.core.statuses import remote, scan, seconds, seen, stopping

from nessus_operator.api.reasons import Reason
from nessus_operator.api.remote import RemoteState
from nessus_operator.api.scan import NessusScan, StopReason
from nessus_operator.api.transitions import Phase
from nessus_operator.core import lifecycle
from nessus_operator.core.lifecycle import (
    Claim,
    Collect,
    DecideStop,
    EndAttempt,
    FindOut,
    Finish,
    Launch,
    MarkLaunch,
    Nothing,
    Pause,
    Poll,
    Protect,
    Sight,
    Step,
    StopRemote,
)

HOUR = seconds(3600)
DAY = seconds(86400)
DELETED = {"deletion_timestamp": NOW}

Row = tuple[NessusScan, Sight, datetime, Step]

LAUNCHING: dict[str, Row] = {
    "first it is protected": (scan(statuses.admitted(), held=False), seen(), NOW, Protect()),
    "then a remote scan is found or made": (scan(statuses.admitted()), seen(), NOW, Claim()),
    "that needs no list": (scan(statuses.admitted()), Sight(), NOW, Claim()),
    "then the launch is marked": (scan(statuses.claimed()), seen(remote()), NOW, MarkLaunch()),
    "then it is launched": (scan(statuses.marked()), seen(remote()), NOW, Launch()),
    "a protection that was taken off comes first": (
        scan(statuses.marked(), held=False),
        seen(remote()),
        NOW,
        Protect(),
    ),
}

STATES: dict[RemoteState, Step] = {
    RemoteState.EMPTY: Poll(),
    RemoteState.PENDING: Poll(),
    RemoteState.RUNNING: Poll(),
    RemoteState.PAUSING: Poll(),
    RemoteState.PAUSED: Pause(resume=True),
    RemoteState.RESUMING: Poll(),
    RemoteState.STOPPING: Poll(),
    RemoteState.COMPLETED: Collect(Phase.COMPLETED),
    RemoteState.STOPPED: EndAttempt(Reason.REMOTE_SCAN_STOPPED),
    RemoteState.ABORTED: EndAttempt(Reason.REMOTE_SCAN_ABORTED),
    RemoteState.UNKNOWN: Poll(),
}
SUSPENDED = {**STATES, RemoteState.RUNNING: Pause(), RemoteState.PAUSED: Poll()}

RUNNING: dict[str, Row] = {
    "no list of its scanner yet": (scan(statuses.launched()), Sight(), NOW, Nothing()),
    "the list misses it": (scan(statuses.launched()), seen(), NOW, FindOut()),
    "the list misses everything": (
        scan(statuses.launched()),
        seen(all_missing=True),
        NOW,
        Nothing(),
    ),
    "cancelled": (
        scan(statuses.launched(), cancel=True),
        seen(remote()),
        NOW,
        DecideStop(StopReason.CANCELLED),
    ),
    "deleted": (
        scan(statuses.launched(), **DELETED),
        seen(remote()),
        NOW,
        DecideStop(StopReason.DELETED),
    ),
    "its pool goes": (
        scan(statuses.launched()),
        seen(remote(), pool_going=True),
        NOW,
        DecideStop(StopReason.DELETED),
    ),
    "its pool drains": (
        scan(statuses.launched()),
        seen(remote(), draining=True),
        NOW,
        DecideStop(StopReason.CANCELLED),
    ),
    "its scope was narrowed": (
        scan(statuses.launched()),
        seen(remote(), scope_refused=True),
        NOW,
        DecideStop(StopReason.SCOPE_DENIED),
    ),
    "a second before its deadline": (
        scan(statuses.launched()),
        seen(remote()),
        seconds(86399),
        Poll(),
    ),
    "at its deadline": (
        scan(statuses.launched()),
        seen(remote()),
        DAY,
        DecideStop(StopReason.DEADLINE),
    ),
    "at its deadline and done": (
        scan(statuses.launched()),
        seen(remote(RemoteState.COMPLETED)),
        DAY,
        DecideStop(StopReason.DEADLINE),
    ),
    "at its deadline, its scanner away": (
        scan(statuses.launched()),
        Sight(),
        DAY,
        DecideStop(StopReason.DEADLINE),
    ),
    "at its deadline, never created": (
        scan(statuses.admitted()),
        Sight(),
        DAY,
        DecideStop(StopReason.DEADLINE),
    ),
    "paused past its deadline": (
        scan(statuses.launched(), suspend=True),
        seen(remote(RemoteState.PAUSED)),
        DAY,
        DecideStop(StopReason.DEADLINE),
    ),
    "its scanner left the pool": (
        scan(statuses.launched()),
        Sight(scanner_known=False),
        HOUR,
        Nothing(),
    ),
    "deleted counts before cancelled": (
        scan(statuses.launched(), cancel=True, **DELETED),
        Sight(),
        DAY,
        DecideStop(StopReason.DELETED),
    ),
    "cancelled counts before the deadline": (
        scan(statuses.launched(), cancel=True),
        Sight(scope_refused=True),
        DAY,
        DecideStop(StopReason.CANCELLED),
    ),
    "the deadline counts before the scope": (
        scan(statuses.launched()),
        Sight(scope_refused=True),
        DAY,
        DecideStop(StopReason.DEADLINE),
    ),
}

CANCELLED = Finish(Phase.CANCELLED, Reason.CANCELLED)
STOPS: dict[RemoteState, Step] = {
    RemoteState.EMPTY: CANCELLED,
    RemoteState.PENDING: StopRemote(),
    RemoteState.RUNNING: StopRemote(),
    RemoteState.PAUSING: StopRemote(),
    RemoteState.PAUSED: StopRemote(),
    RemoteState.RESUMING: StopRemote(),
    RemoteState.STOPPING: Nothing(),
    RemoteState.COMPLETED: Collect(Phase.CANCELLED, Reason.CANCELLED),
    RemoteState.STOPPED: Collect(Phase.CANCELLED, Reason.CANCELLED),
    RemoteState.ABORTED: Collect(Phase.CANCELLED, Reason.CANCELLED),
    RemoteState.UNKNOWN: StopRemote(),
}
ENDS = {
    StopReason.CANCELLED: (Phase.CANCELLED, Reason.CANCELLED),
    StopReason.DELETED: (Phase.CANCELLED, Reason.DELETED),
    StopReason.DEADLINE: (Phase.TIMEOUT, Reason.DEADLINE),
    StopReason.SCOPE_DENIED: (Phase.FAILED, Reason.SCOPE_DENIED),
}
STOP = StopReason.CANCELLED

STOPPING: dict[str, Row] = {
    "no list yet": (scan(stopping(STOP)), Sight(), NOW, Nothing()),
    "gone": (scan(stopping(STOP)), seen(), NOW, CANCELLED),
    "not in a list of before the stop": (
        scan(stopping(STOP)),
        seen(listed_since_stop=False),
        NOW,
        Nothing(),
    ),
    "not launched in a list of before the stop": (
        scan(stopping(STOP)),
        seen(remote(RemoteState.EMPTY), listed_since_stop=False),
        NOW,
        Nothing(),
    ),
    "it runs in a list of before the stop": (
        scan(stopping(STOP)),
        seen(remote(), listed_since_stop=False),
        NOW,
        StopRemote(),
    ),
    "the list misses everything": (
        scan(stopping(STOP)),
        seen(all_missing=True),
        NOW,
        Nothing(),
    ),
    "the list misses everything for too long": (
        scan(stopping(STOP)),
        seen(all_missing=True),
        seconds(300),
        CANCELLED,
    ),
    "never created": (scan(statuses.admitted(stop=stopping(STOP).stop)), Sight(), NOW, CANCELLED),
    "created, never launched": (
        scan(statuses.claimed(stop=stopping(STOP).stop)),
        seen(remote(RemoteState.EMPTY)),
        NOW,
        CANCELLED,
    ),
    "perhaps launched, and it runs": (
        scan(statuses.marked(stop=stopping(STOP).stop)),
        seen(remote()),
        NOW,
        StopRemote(),
    ),
    "it does not stop in time": (scan(stopping(STOP)), seen(remote()), seconds(300), CANCELLED),
    "it still stops": (
        scan(stopping(STOP)),
        seen(remote(RemoteState.STOPPING)),
        seconds(299),
        Nothing(),
    ),
    "its scanner is away for too long": (scan(stopping(STOP)), Sight(), seconds(300), CANCELLED),
    "deleted: what it found is worth nothing": (
        scan(stopping(StopReason.DELETED), **DELETED),
        seen(remote()),
        NOW,
        Finish(Phase.CANCELLED, Reason.DELETED),
    ),
    "deleted while it is cancelled": (
        scan(stopping(STOP), **DELETED),
        seen(remote()),
        NOW,
        CANCELLED,
    ),
    "its pool goes: what it found is kept": (
        scan(stopping(StopReason.DELETED)),
        seen(remote(RemoteState.STOPPED), pool_going=True),
        NOW,
        Collect(Phase.CANCELLED, Reason.DELETED),
    ),
    "the decision outlives its cause": (
        scan(stopping(StopReason.SCOPE_DENIED)),
        seen(remote(RemoteState.STOPPED)),
        NOW,
        Collect(Phase.FAILED, Reason.SCOPE_DENIED),
    ),
    "its pool drains no more": (
        scan(stopping(STOP)),
        seen(remote(), draining=False),
        NOW,
        StopRemote(),
    ),
    "a later cause changes nothing": (
        scan(stopping(StopReason.DEADLINE), cancel=True),
        seen(remote(RemoteState.STOPPED), scope_refused=True),
        seconds(299),
        Collect(Phase.TIMEOUT, Reason.DEADLINE),
    ),
    "at its deadline its scanner is no more": (
        scan(stopping(StopReason.DEADLINE)),
        Sight(scanner_known=False),
        NOW,
        Finish(Phase.FAILED, Reason.SCANNER_REMOVED),
    ),
    "at its deadline its scanner is no more, and nothing was launched": (
        scan(statuses.admitted(stop=stopping(StopReason.DEADLINE).stop)),
        Sight(scanner_known=False),
        NOW,
        Finish(Phase.TIMEOUT, Reason.DEADLINE),
    ),
}

ROWS = {
    f"{group}: {name}": row
    for group, rows in {
        "launching": LAUNCHING,
        "running": RUNNING,
        "stopping": STOPPING,
    }.items()
    for name, row in rows.items()
}


@pytest.mark.parametrize(("subject", "sight", "now", "step"), ROWS.values(), ids=ROWS)
def test_next_step(subject: NessusScan, sight: Sight, now: datetime, step: Step) -> None:
    assert lifecycle.next_step(subject, sight, now) == step


@pytest.mark.parametrize("state", RemoteState)
def test_what_the_scanner_says_decides(state: RemoteState) -> None:
    sight = seen(remote(state))
    assert lifecycle.next_step(scan(statuses.launched()), sight, NOW) == STATES[state]
    held_back = scan(statuses.launched(), suspend=True)
    assert lifecycle.next_step(held_back, sight, NOW) == SUSPENDED[state]
    assert lifecycle.next_step(scan(stopping(STOP)), sight, NOW) == STOPS[state]


@pytest.mark.parametrize("reason", StopReason)
def test_each_decision_has_its_end(reason: StopReason) -> None:
    phase, why = ENDS[reason]
    stopped = seen(remote(RemoteState.STOPPED))
    assert lifecycle.next_step(scan(stopping(reason)), stopped, NOW) == Collect(phase, why)
    assert lifecycle.next_step(scan(stopping(reason)), seen(), NOW) == Finish(phase, why)
