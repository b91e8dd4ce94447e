"""Statuses at each station of a scan's life, for tests of what comes next."""

from datetime import datetime, timedelta
from typing import Any

from tests.builders import NOW, make_scan, uid_of

from nessus_operator.api.names import FINALIZER
from nessus_operator.api.reasons import Reason
from nessus_operator.api.remote import RemoteDetails, RemoteProgress, RemoteScan, RemoteState
from nessus_operator.api.scan import (
    NessusScan,
    Remote,
    RemoteCleanup,
    Results,
    ScanStatus,
    Stop,
    StopReason,
)
from nessus_operator.api.transitions import Phase
from nessus_operator.core import progress
from nessus_operator.core.lifecycle import Sight
from nessus_operator.core.tokens import new_token, remote_name

TOKEN = new_token(uid_of("scan"), 1, "0f1e2d3c")
SCAN_ID = 7
DIGEST = "sha256:" + "0" * 64
RESULTS = Results(
    digest=DIGEST, store_bytes=1, report_digest=DIGEST, report_bytes=1, hosts=1, findings=1
)


def queued(**changes: Any) -> ScanStatus:
    """Waits for its first attempt, since NOW."""
    return ScanStatus(
        phase=Phase.QUEUED,
        attempt=1,
        observed_manual_retries=0,
        platform_failures=0,
        queue_time=NOW,
    ).but(**changes)


def admitted(**changes: Any) -> ScanStatus:
    """Holds a slot of s1 since NOW; nothing was created there."""
    running = {"phase": Phase.RUNNING, "start_time": NOW, "scanner_name": "s1"}
    return queued(**{**running, "remote": Remote(token=TOKEN, scope_generation=1), **changes})


def claimed(**changes: Any) -> ScanStatus:
    """Has an empty remote scan."""
    return admitted(remote=Remote(token=TOKEN, scan_id=SCAN_ID, scope_generation=1)).but(**changes)


def marked(**changes: Any) -> ScanStatus:
    """May have been launched."""
    status = claimed()
    remote = status.remote.but(launch_time=NOW) if status.remote else None
    return status.but(remote=remote).but(**changes)


def launched(**changes: Any) -> ScanStatus:
    """Runs on s1 for sure."""
    status = marked()
    remote = status.remote.but(scan_uuid="run", state="running") if status.remote else None
    return status.but(remote=remote, message="runs on s1").but(**changes)


def stopping(reason: StopReason, after: float = 0, **changes: Any) -> ScanStatus:
    """Launched, and to be stopped since `after` seconds past NOW."""
    return launched(stop=Stop(reason=reason, time=seconds(after)), **changes)


def ended(phase: Phase, **changes: Any) -> ScanStatus:
    """Ended at NOW, after it was launched."""
    return launched(phase=phase, completion_time=NOW).but(**changes)


def waiting_scan(**fields: Any) -> NessusScan:
    """A scan as the first visit leaves it."""
    scan = make_scan(**fields)
    return scan.but(status=progress.queued(scan, Reason.PENDING, "queued", NOW))


def running_scan(status: ScanStatus, **fields: Any) -> NessusScan:
    """The same later, with this status but the conditions of a scan that was launched."""
    scan = waiting_scan(finalizers=(FINALIZER,), **fields)
    scan = scan.but(status=progress.admitted(scan, "s1", TOKEN, 1, NOW))
    conditions = progress.launched(scan, "run", NOW).conditions
    return scan.but(status=status.but(conditions=conditions))


def cleanup(attempt: int = 1, scanner: str = "s1", scan_id: int | None = SCAN_ID) -> RemoteCleanup:
    """What an attempt left on a scanner."""
    token = new_token(uid_of("scan"), attempt, "0f1e2d3c")
    return RemoteCleanup(attempt=attempt, scanner_name=scanner, scan_id=scan_id, token=token)


def remote(state: RemoteState = RemoteState.RUNNING, **changes: Any) -> RemoteScan:
    """The scanner's line for the scan of `claimed` and later."""
    known = {"id": SCAN_ID, "name": remote_name("scan", TOKEN), "state": state, "word": str(state)}
    return RemoteScan(**{**known, **changes})


def details(
    percent: int = 0, state: RemoteState = RemoteState.RUNNING, word: str | None = None
) -> RemoteDetails:
    """What the scanner tells of it when asked for progress."""
    return RemoteDetails(
        remote(state, word=word or str(state)), "192.0.2.1", RemoteProgress(percent, 0, 1)
    )


def seconds(count: float) -> datetime:
    """So many seconds past NOW."""
    return NOW + timedelta(seconds=count)


def shown(scan: NessusScan, status: ScanStatus) -> NessusScan:
    """The scan as it comes back from the API server after its status was written."""
    return NessusScan.from_object({**scan.to_json(), "status": status.to_json()})


def scan(status: ScanStatus | None = None, *, held: bool = True, **fields: Any) -> NessusScan:
    """`held`: our finalizer is on it."""
    return make_scan(status=status, finalizers=(FINALIZER,) if held else (), **fields)


def seen(line: RemoteScan | None = None, **fields: Any) -> Sight:
    """The scanner was listed, with this line of ours."""
    return Sight(remote=line, listed=True, **fields)
