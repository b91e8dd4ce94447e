"""What each event makes of a scan's status: the old status in, the new one out.

Nothing else builds statuses, so the rules of api/transitions.py are kept in one place. The
handlers write what changed.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from nessus_operator.api.conditions import MESSAGE_LENGTH, ScanCondition
from nessus_operator.api.model import plain_text
from nessus_operator.api.reasons import MEANINGS, Fault, Reason
from nessus_operator.api.remote import RemoteDetails, RemoteState
from nessus_operator.api.scan import (
    CLEANUPS_LIMIT,
    HISTORY_LIMIT,
    WARNINGS_LIMIT,
    Attempt,
    Failure,
    NessusScan,
    Progress,
    Remote,
    RemoteCleanup,
    ScanStatus,
    Stop,
    StopReason,
)
from nessus_operator.api.transitions import GONE_WITH_A_NEW_ATTEMPT, Phase
from nessus_operator.core import conditions, targets
from nessus_operator.core.conditions import Finding

PROGRESS_STEP = 10
_WORD_LENGTH = 32  # of remote.state


def _said(
    scan: NessusScan, status: ScanStatus, findings: Iterable[Finding], now: datetime
) -> ScanStatus:
    generation = scan.metadata.generation
    said = conditions.apply(status.conditions, findings, generation, now)
    return status.but(conditions=said, observed_generation=generation)


def queued(scan: NessusScan, reason: Reason, message: str, now: datetime) -> ScanStatus:
    """First seen: it waits."""
    status = _first(scan, Phase.QUEUED, message, now).but(queue_time=now)
    return _said(scan, status, conditions.first_visit(reason, message), now)


def impossible(scan: NessusScan, reason: Reason, message: str, now: datetime) -> ScanStatus:
    """First seen, and it can never run."""
    status = _first(scan, Phase.FAILED, message, now)
    status = _said(scan, status, conditions.first_visit(reason, message), now)
    return finished(scan.but(status=status), Phase.FAILED, reason, message, now)


def waiting(scan: NessusScan, reason: Reason, message: str, now: datetime) -> ScanStatus:
    """It still waits; the status changes only when the reason does.

    `NoReadyScanner` has reasons of its own in its message, so there a new message is one as well.
    """
    suspended = reason is Reason.SUSPENDED
    findings = [Finding(ScanCondition.ADMITTED, "False", reason, message)]
    if suspended != _is_true(scan, ScanCondition.SUSPENDED):
        findings.append(_suspended(suspended))
    new = _said(scan, scan.status.but(message=message), findings, now)
    known, generation = scan.status.condition(ScanCondition.ADMITTED), scan.metadata.generation
    told = known and (known.reason, known.observed_generation) == (reason, generation)
    if (told and reason is not Reason.NO_READY_SCANNER) or new == scan.status:
        return scan.status
    return new


def admitted(
    scan: NessusScan, scanner: str, token: str, scope_generation: int, now: datetime
) -> ScanStatus:
    """A slot is held; from here on something may exist on the scanner."""
    message = f"admitted to {scanner}"
    status = scan.status.but(
        phase=Phase.RUNNING,
        start_time=now,
        scanner_name=scanner,
        next_attempt_time=None,
        remote=Remote(token=token, scope_generation=scope_generation),
        message=message,
    )
    findings = [
        Finding(ScanCondition.ADMITTED, "True", Reason.ADMITTED, message),
        _suspended(False),
    ]
    return _said(scan, status, findings, now)


def refused(scan: NessusScan, reason: Reason, message: str, now: datetime) -> ScanStatus:
    """Its turn had come, and it may not run."""
    findings = [Finding(ScanCondition.ADMITTED, "False", reason, message), _suspended(False)]
    return finished(scan, Phase.FAILED, reason, message, now, findings)


def created(scan: NessusScan, scan_id: int) -> ScanStatus:
    return _remote(scan, scan_id=scan_id)


def launching(scan: NessusScan, now: datetime) -> ScanStatus:
    """Written before the launch is asked for, so that a crash cannot hide that it was."""
    return _remote(scan, launch_time=now)


def launched(scan: NessusScan, uuid: str | None, now: datetime) -> ScanStatus:
    message = _runs_on(scan)
    status = _remote(scan, scan_uuid=uuid).but(message=message)
    return _said(
        scan, status, [Finding(ScanCondition.LAUNCHED, "True", Reason.LAUNCHED, message)], now
    )


def polled(scan: NessusScan, details: RemoteDetails, now: datetime) -> ScanStatus:
    """Steps of 10 points, or another state: a busy scan must not write every poll."""
    old, seen = scan.status.progress, details.progress
    word = plain_text(details.scan.word, _WORD_LENGTH)
    message = _runs_on(scan)
    moved = old is None or abs(seen.percent - old.percent) >= PROGRESS_STEP
    if not moved and word == _word(scan) and scan.status.message == message:
        return scan.status
    new = Progress(
        percent=seen.percent, hosts_completed=seen.hosts_completed, hosts_total=seen.hosts_total
    )
    status = _remote(scan, state=word).but(progress=new, message=message)
    paused = details.scan.state is RemoteState.PAUSED
    if paused != _is_true(scan, ScanCondition.SUSPENDED):
        status = _said(scan, status, [_suspended(paused)], now)
    return warned(status, _strange(details))


def unreachable(scan: NessusScan, trouble: str = "does not answer") -> ScanStatus:
    """Running, and the scanner cannot be asked: a wait, since the scan may well go on there."""
    message = f"{scan.status.scanner_name} {trouble}; waiting until the deadline"
    if scan.status.message == message:
        return scan.status
    return scan.status.but(message=message, observed_generation=scan.metadata.generation)


def unstored(scan: NessusScan, now: datetime) -> ScanStatus:
    """Ended on its scanner, where the report waits until the volume takes results again."""
    message = "the results cannot be written to the volume; trying again"
    if scan.status.message == message:
        return scan.status
    finding = Finding(
        ScanCondition.RESULTS_AVAILABLE,
        "False",
        Reason.STORE_FAILED,
        MEANINGS[Reason.STORE_FAILED].sentence,
    )
    return _said(scan, scan.status.but(message=message), [finding], now)


def stopping(scan: NessusScan, reason: StopReason, now: datetime) -> ScanStatus:
    """What was decided first stays decided."""
    if scan.status.stop:
        return scan.status
    message = f"stopping: {MEANINGS[Reason(reason)].sentence}"
    return scan.status.but(stop=Stop(reason=reason, time=now), message=message)


def finished(
    scan: NessusScan,
    phase: Phase,
    reason: str,
    message: str,
    now: datetime,
    findings: Sequence[Finding] = (),
) -> ScanStatus:
    """The end of an attempt. `findings` say more, for example of results."""
    status = scan.status.but(phase=phase, completion_time=now, message=message)
    fault = _fault(reason)
    if phase in (Phase.FAILED, Phase.TIMEOUT) and fault:
        status = status.but(failure=Failure(reason=reason, message=message, fault=fault))
    status = status.but(attempt_history=_history(scan.but(status=status), reason))
    ends = [
        Finding(ScanCondition.FINISHED, "True", phase, message),
        Finding(
            ScanCondition.SUCCEEDED,
            "True" if phase is Phase.COMPLETED else "False",
            phase if phase is Phase.COMPLETED else reason,
            message,
        ),
    ]
    if not status.results:
        ends.append(Finding(ScanCondition.RESULTS_AVAILABLE, "False", reason, message))
    return _said(scan, status, [*ends, *findings], now)


def warned(status: ScanStatus, texts: Iterable[str]) -> ScanStatus:
    """With these warnings added, each once, in the form in which they will be read back."""
    said = (plain_text(text, MESSAGE_LENGTH) for text in texts)
    known = dict.fromkeys((*status.warnings, *said))
    return status.but(warnings=tuple(known)[:WARNINGS_LIMIT])


def requeued(
    scan: NessusScan,
    reason: Reason,
    message: str,
    now: datetime,
    *,
    next_attempt_time: datetime | None,
    platform_failures: int,
) -> ScanStatus:
    """A new attempt; what still exists on a scanner goes to remoteCleanups in the same write."""
    old = scan.status
    history = old.attempt_history
    if old.phase is Phase.RUNNING:
        history = _history(scan.but(status=old.but(completion_time=now)), reason)
    gone = {_snake(name): None for name in GONE_WITH_A_NEW_ATTEMPT}
    status = old.but(
        **gone,
        phase=Phase.QUEUED,
        attempt=(old.attempt or 0) + 1,
        queue_time=now,
        next_attempt_time=next_attempt_time,
        platform_failures=platform_failures,
        observed_manual_retries=scan.spec.manual_retries,
        remote_cleanups=_cleanups(scan),
        attempt_history=history,
        warnings=(),
        message=message,
    )
    waits = Reason.BACKING_OFF if next_attempt_time else Reason.PENDING
    return _said(scan, status, conditions.first_visit(waits, message), now)


def cleaned(scan: NessusScan, cleanup: RemoteCleanup) -> ScanStatus:
    """One remote scan of an earlier attempt is confirmed to be gone."""
    left = tuple(known for known in scan.status.remote_cleanups if known != cleanup)
    return scan.status.but(remote_cleanups=left)


def may_requeue(scan: NessusScan) -> bool:
    """A full list of remoteCleanups means no new attempt: nothing may be forgotten."""
    return len(scan.status.remote_cleanups) < CLEANUPS_LIMIT or not _has_remote(scan)


def _first(scan: NessusScan, phase: Phase, message: str, now: datetime) -> ScanStatus:
    return ScanStatus(
        phase=phase,
        attempt=1,
        observed_manual_retries=scan.spec.manual_retries,
        platform_failures=0,
        targets_summary=targets.summary(scan.spec.targets or ()),
        message=message,
    )


def _remote(scan: NessusScan, **changes: object) -> ScanStatus:
    remote = scan.status.remote
    return scan.status.but(remote=remote.but(**changes) if remote else None)


def _word(scan: NessusScan) -> str | None:
    return scan.status.remote.state if scan.status.remote else None


def _is_true(scan: NessusScan, type_: ScanCondition) -> bool:
    known = scan.status.condition(type_)
    return known is not None and known.status == "True"


def _suspended(suspended: bool) -> Finding:
    reason = Reason.SUSPENDED if suspended else Reason.NOT_SUSPENDED
    return Finding(ScanCondition.SUSPENDED, "True" if suspended else "False", reason)


def _fault(reason: str) -> Fault | None:
    return MEANINGS[Reason(reason)].fault


def _has_remote(scan: NessusScan) -> bool:
    return scan.finalized and scan.status.remote is not None


def _cleanups(scan: NessusScan) -> tuple[RemoteCleanup, ...]:
    status = scan.status
    if not _has_remote(scan) or status.remote is None:
        return status.remote_cleanups
    entry = RemoteCleanup(
        attempt=status.attempt or 1,
        scanner_name=status.scanner_name or "",
        scan_id=status.remote.scan_id,
        token=status.remote.token,
    )
    return (*status.remote_cleanups, entry)


def _history(scan: NessusScan, reason: str) -> tuple[Attempt, ...]:
    status = scan.status
    entry = Attempt(
        attempt=status.attempt or 1,
        phase=Phase.FAILED if status.phase is Phase.RUNNING else status.phase,
        reason=reason,
        scanner_name=status.scanner_name,
        scan_id=status.remote.scan_id if status.remote else None,
        start_time=status.start_time,
        completion_time=status.completion_time,
        results_digest=status.results.digest if status.results else None,
    )
    return (*status.attempt_history, entry)[-HISTORY_LIMIT:]


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name)


def _runs_on(scan: NessusScan) -> str:
    return f"runs on {scan.status.scanner_name}"


def _strange(details: RemoteDetails) -> list[str]:
    """The warning that a foreign word deserves."""
    if details.scan.state is not RemoteState.UNKNOWN:
        return []
    return [f"the scanner says {details.scan.word!r}, which this version does not know; waiting"]
