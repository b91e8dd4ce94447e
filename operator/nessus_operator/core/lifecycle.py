"""What to do next with one scan, from its status and what its scanner says.

The answer depends on nothing that a crash could take away, so the same question after a restart
goes on where the old process stopped. The launch protocol is the order of the first steps:
protect, claim, mark the launch, launch, and only then watch.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from nessus_operator.api.reasons import Reason
from nessus_operator.api.remote import ENDED, RemoteScan, RemoteState
from nessus_operator.api.scan import NessusScan, RemoteCleanup, StopReason
from nessus_operator.api.transitions import RETRYABLE, Phase
from nessus_operator.core import retries
from nessus_operator.core.tokens import token_in

RemoteScanPolicy = Literal["DeleteAfterExport", "DeleteWithScan", "Keep"]


@dataclass(frozen=True, slots=True)
class Nothing:
    """Wait for news."""


@dataclass(frozen=True, slots=True)
class Protect:
    """Put our finalizer on the scan: from here on something may exist on a scanner."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Find the remote scan that carries our token, or create it."""


@dataclass(frozen=True, slots=True)
class MarkLaunch:
    """Write launchTime."""


@dataclass(frozen=True, slots=True)
class Launch:
    """Launch if Nessus says that it never was; learn the uuid of the run."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Pause, or resume, the remote scan."""

    resume: bool = False


@dataclass(frozen=True, slots=True)
class Poll:
    """Ask for progress."""


@dataclass(frozen=True, slots=True)
class FindOut:
    """The list misses the scan: ask for it by id."""


@dataclass(frozen=True, slots=True)
class DecideStop:
    """Write that it shall stop, and why."""

    reason: StopReason


@dataclass(frozen=True, slots=True)
class StopRemote:
    """Ask Nessus to stop."""


@dataclass(frozen=True, slots=True)
class Collect:
    """Fetch and store the report, then end in `phase`; `reason` where it is not a success."""

    phase: Phase
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class Finish:
    """End without results."""

    phase: Phase
    reason: Reason


@dataclass(frozen=True, slots=True)
class EndAttempt:
    """A platform fault ended this attempt: queue again, or fail."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class Retry:
    """A person asked for one more attempt."""


@dataclass(frozen=True, slots=True)
class CleanUp:
    """Stop and delete what is left of an attempt on its scanner."""

    left: RemoteCleanup


@dataclass(frozen=True, slots=True)
class Abandon:
    """Clean-up took too long: hand what is left to the pool's orphans, and let the scan go."""


@dataclass(frozen=True, slots=True)
class Release:
    """Nothing is left on a scanner: take our finalizer off."""


Guard = Protect | CleanUp | Abandon | Release  # what holds the object and what lets it go
Move = DecideStop | Finish | EndAttempt | Retry  # what only changes its status
Remote = Claim | MarkLaunch | Launch | Pause | Poll | FindOut | StopRemote | Collect
Step = Nothing | Guard | Move | Remote


@dataclass(frozen=True, slots=True)
class Sight:
    """What is known of the world around one scan."""

    pool_going: bool = False  # its pool does not exist, or is being deleted
    pool_deletion_time: datetime | None = None  # since when it is being deleted
    draining: bool = False  # its pool's stopPolicy is HoldAndDrain
    scope_refused: bool = False  # the pool's scope of today refuses its targets
    scanner_known: bool = True  # there is a way to reach its scanner
    remote: RemoteScan | None = None  # its line in the newest list of its scanner
    listed: bool = False  # this process has a list of its scanner
    listed_since_stop: bool = True  # one that was asked for after the stop was decided
    all_missing: bool = False  # the list misses every one of our scans, more than this one
    cleanup_seconds: float = 300.0
    remote_scan: RemoteScanPolicy = "DeleteAfterExport"


def next_step(scan: NessusScan, sight: Sight, now: datetime) -> Step:
    match scan.phase:
        case None:
            return Nothing()
        case Phase.QUEUED:
            return _queued(scan, now) or _clean_up(scan, sight, now)
        case Phase.RUNNING if scan.status.stop:
            return _stopping(scan, sight, now)
        case Phase.RUNNING:
            reason = _stop_reason(scan, sight, now)
            return DecideStop(reason) if reason else _running(scan, sight)
        case _:
            return _ended(scan, sight, now)


def _queued(scan: NessusScan, now: datetime) -> Step | None:
    if scan.metadata.deleting:
        return None
    if scan.spec.cancel:
        return Finish(Phase.CANCELLED, Reason.CANCELLED)
    limit, since = scan.spec.starting_deadline_seconds, scan.status.queue_time
    if limit is not None and since and now >= since + timedelta(seconds=limit):
        return Finish(Phase.TIMEOUT, Reason.STARTING_DEADLINE)
    return None


def _stop_reason(scan: NessusScan, sight: Sight, now: datetime) -> StopReason | None:
    if scan.metadata.deleting or sight.pool_going:
        return StopReason.DELETED
    if scan.spec.cancel or sight.draining:
        return StopReason.CANCELLED
    start = scan.status.start_time or now
    if now >= start + timedelta(seconds=scan.spec.active_deadline_seconds):
        return StopReason.DEADLINE
    return StopReason.SCOPE_DENIED if sight.scope_refused else None


def _running(scan: NessusScan, sight: Sight) -> Step:
    remote = scan.status.remote
    if not scan.finalized:
        return Protect()
    if remote is None or remote.scan_id is None:
        return Claim()
    if remote.launch_time is None:
        return MarkLaunch()
    if remote.scan_uuid is None:
        return Launch()
    if not sight.listed or sight.all_missing:
        return Nothing()  # a list that misses everything is a fault of the account
    return _watching(scan, sight.remote)


def _watching(scan: NessusScan, remote: RemoteScan | None) -> Step:
    if remote is None:
        return FindOut()
    match remote.state:
        case RemoteState.COMPLETED:
            return Collect(Phase.COMPLETED)
        case RemoteState.STOPPED:
            return EndAttempt(Reason.REMOTE_SCAN_STOPPED)
        case RemoteState.ABORTED:
            return EndAttempt(Reason.REMOTE_SCAN_ABORTED)
        case RemoteState.RUNNING if scan.spec.suspend:
            return Pause()
        case RemoteState.PAUSED if not scan.spec.suspend:
            return Pause(resume=True)
        case _:
            return Poll()


ENDS: dict[StopReason, tuple[Phase, Reason]] = {
    StopReason.CANCELLED: (Phase.CANCELLED, Reason.CANCELLED),
    StopReason.DELETED: (Phase.CANCELLED, Reason.DELETED),
    StopReason.DEADLINE: (Phase.TIMEOUT, Reason.DEADLINE),
    StopReason.SCOPE_DENIED: (Phase.FAILED, Reason.SCOPE_DENIED),
}


def _stopping(scan: NessusScan, sight: Sight, now: datetime) -> Step:
    stop, remote = scan.status.stop, scan.status.remote
    if stop is None:
        return Nothing()
    phase, reason = ENDS[stop.reason]
    never_launched = remote is None or remote.scan_id is None or remote.launch_time is None
    if stop.reason is StopReason.DEADLINE and not sight.scanner_known and not never_launched:
        return Finish(Phase.FAILED, Reason.SCANNER_REMOVED)
    overdue = now >= stop.time + timedelta(seconds=sight.cleanup_seconds)
    if scan.metadata.deleting or never_launched or overdue:
        return Finish(phase, reason)
    if not sight.listed or sight.all_missing:
        return Nothing()
    if sight.remote is None or sight.remote.state is RemoteState.EMPTY:
        # An older list may come from before its creation or its launch.
        return Finish(phase, reason) if sight.listed_since_stop else Nothing()
    if sight.remote.state in ENDED:
        return Collect(phase, reason)
    return Nothing() if sight.remote.state is RemoteState.STOPPING else StopRemote()


def _ended(scan: NessusScan, sight: Sight, now: datetime) -> Step:
    retryable = scan.phase in RETRYABLE and not scan.metadata.deleting and not scan.spec.cancel
    if retryable and retries.wants_manual_retry(scan):
        return Retry()
    return _clean_up(scan, sight, now)


def _clean_up(scan: NessusScan, sight: Sight, now: datetime) -> Step:
    """What is left on scanners goes first, then our finalizer."""
    if not scan.finalized:
        return Nothing()
    since = _wanted_gone_since(scan, sight)
    if since and now >= since + timedelta(seconds=sight.cleanup_seconds):
        return Abandon()
    if scan.status.remote_cleanups:
        return CleanUp(scan.status.remote_cleanups[0])
    if scan.phase is Phase.QUEUED:
        return Release()
    if sight.remote_scan == "DeleteWithScan" and not (scan.metadata.deleting or sight.pool_going):
        return Nothing()
    left = current(scan)
    if left is None or (sight.remote_scan == "Keep" and scan.status.results):
        return Release()
    return CleanUp(left)


def _wanted_gone_since(scan: NessusScan, sight: Sight) -> datetime | None:
    """Since when clean-up holds something up; None: it has all the time in the world."""
    deletions = (scan.metadata.deletion_timestamp, sight.pool_deletion_time)
    since = min(filter(None, deletions), default=None)
    return since if since or sight.scanner_known else scan.status.completion_time


def current(scan: NessusScan) -> RemoteCleanup | None:
    """What the present attempt may have left on its scanner."""
    status = scan.status
    if status.remote is None or status.scanner_name is None:
        return None
    return RemoteCleanup(
        attempt=status.attempt or 1,
        scanner_name=status.scanner_name,
        scan_id=status.remote.scan_id,
        token=status.remote.token,
    )


def with_token(remotes: Iterable[RemoteScan], token: str) -> list[RemoteScan]:
    """The remote scans outside the trash that carry this token, the oldest first."""
    ours = (r for r in remotes if token_in(r.name) == token and not r.in_trash)
    return sorted(ours, key=lambda remote: remote.id)


def left_of(remotes: Iterable[RemoteScan], token: str) -> list[RemoteScan]:
    """Everything that carries this token, also in the trash: a run goes on there."""
    return [remote for remote in remotes if token_in(remote.name) == token]


def found(remotes: Iterable[RemoteScan], token: str, scan_id: int) -> RemoteScan | None:
    """The line of a claimed scan: id and token together are its identity."""
    return next((r for r in with_token(remotes, token) if r.id == scan_id), None)
