"""What each event makes of a status, and that the API server would take each of them."""

from datetime import timedelta
from typing import Any

import pytest
from tests.builders import NOW, make_scan
from tests.unit.core import statuses
from tests.unit.core.statuses import (
    TOKEN,
    cleanup,
    details,
    running_scan,
    seconds,
    shown,
    waiting_scan,
)

from nessus_operator.api.conditions import Condition, ScanCondition
from nessus_operator.api.names import FINALIZER
from nessus_operator.api.reasons import MEANINGS, Reason
from nessus_operator.api.remote import RemoteState
from nessus_operator.api.scan import NessusScan, Progress, Remote, ScanStatus, Stop, StopReason
from nessus_operator.api.transitions import (
    GONE_WITH_A_NEW_ATTEMPT,
    Phase,
    at,
)
from nessus_operator.core import progress
from nessus_operator.core.conditions import Finding

LATER = seconds(60)


def said(status: ScanStatus, type_: ScanCondition) -> tuple[str, str]:
    """(status, reason) of one condition."""
    condition = status.condition(type_)
    assert condition is not None
    return condition.status, condition.reason


def test_the_first_visit_queues() -> None:
    scan = make_scan(manual_retries=3, targets=("192.0.2.0/24", "a.example.org"))
    status = progress.queued(scan, Reason.POOL_NOT_FOUND, "waiting: no pool", NOW)
    assert status.phase is Phase.QUEUED
    assert (status.attempt, status.observed_manual_retries, status.platform_failures) == (1, 3, 0)
    assert (status.queue_time, status.observed_generation) == (NOW, 1)
    assert (status.message, status.targets_summary) == ("waiting: no pool", "192.0.2.0/24 +1")
    assert said(status, ScanCondition.ADMITTED) == ("False", "PoolNotFound")
    assert said(status, ScanCondition.FINISHED) == ("False", "Pending")
    assert len(status.conditions) == len(ScanCondition)


def test_the_first_visit_may_end_at_once() -> None:
    scan = make_scan()
    status = progress.impossible(scan, Reason.SCOPE_DENIED, "target x is not allowed", NOW)
    assert status.phase is Phase.FAILED
    assert (status.attempt, status.completion_time) == (1, NOW)
    assert status.failure is not None
    assert (status.failure.reason, status.failure.fault) == ("ScopeDenied", "User")
    assert said(status, ScanCondition.ADMITTED) == ("False", "ScopeDenied")
    assert said(status, ScanCondition.FINISHED) == ("True", "Failed")
    assert said(status, ScanCondition.SUCCEEDED) == ("False", "ScopeDenied")
    assert said(status, ScanCondition.RESULTS_AVAILABLE) == ("False", "ScopeDenied")
    assert [(one.attempt, one.phase, one.reason) for one in status.attempt_history] == [
        (1, Phase.FAILED, "ScopeDenied")
    ]
    assert len(status.conditions) == len(ScanCondition)


def test_a_new_reason_to_wait_is_written() -> None:
    scan = waiting_scan()
    status = progress.waiting(scan, Reason.POOL_AT_CAPACITY, "waiting: full", LATER)
    assert status.message == "waiting: full"
    assert said(status, ScanCondition.ADMITTED) == ("False", "PoolAtCapacity")
    assert said(status, ScanCondition.SUSPENDED) == ("False", "NotSuspended")


def test_the_same_reason_writes_nothing_whatever_its_message() -> None:
    scan = waiting_scan()
    assert progress.waiting(scan, Reason.PENDING, "3 are ahead", LATER) is scan.status


def test_what_a_scanner_lacks_is_written_when_it_changes() -> None:
    reason, scan = Reason.NO_READY_SCANNER, waiting_scan()
    for message in ("s1 (Pending)", "s1 (Unreachable)", f"s1 ({'very ' * 80} unreachable)"):
        status = progress.waiting(scan, reason, message, LATER)
        assert status.message[:7] == message[:7]
        assert said(status, ScanCondition.ADMITTED) == ("False", "NoReadyScanner")
        assert status != scan.status
        scan = scan.but(status=status)
        assert progress.waiting(scan, reason, message, LATER) is scan.status


def test_the_same_reason_is_written_for_a_new_generation() -> None:
    scan = waiting_scan().but(metadata=make_scan(generation=2).metadata)
    status = progress.waiting(scan, Reason.PENDING, "queued", LATER)
    assert status.observed_generation == 2
    condition = status.condition(ScanCondition.ADMITTED)
    assert condition is not None
    assert (condition.observed_generation, condition.last_transition_time) == (2, NOW)


def test_suspension_comes_and_goes() -> None:
    scan = waiting_scan(suspend=True)
    held = progress.waiting(scan, Reason.SUSPENDED, "waiting: suspended", LATER)
    assert said(held, ScanCondition.SUSPENDED) == ("True", "Suspended")
    freed = progress.waiting(scan.but(status=held), Reason.POOL_AT_CAPACITY, "waiting: full", LATER)
    assert said(freed, ScanCondition.SUSPENDED) == ("False", "NotSuspended")


def test_an_object_without_conditions_gets_them() -> None:
    scan = make_scan(status=statuses.queued())
    status = progress.waiting(scan, Reason.PENDING, "queued", LATER)
    assert said(status, ScanCondition.ADMITTED) == ("False", "Pending")


def test_admission_holds_a_slot() -> None:
    scan = waiting_scan()
    scan = scan.but(status=scan.status.but(next_attempt_time=NOW))
    held = progress.waiting(scan, Reason.SUSPENDED, "waiting", NOW)
    status = progress.admitted(scan.but(status=held), "s1", TOKEN, 4, LATER)
    assert status.phase is Phase.RUNNING
    assert (status.start_time, status.scanner_name, status.next_attempt_time) == (LATER, "s1", None)
    assert status.remote == Remote(token=TOKEN, scope_generation=4)
    assert said(status, ScanCondition.ADMITTED) == ("True", "Admitted")
    assert said(status, ScanCondition.SUSPENDED) == ("False", "NotSuspended")
    assert said(status, ScanCondition.LAUNCHED) == ("Unknown", "Pending")


def test_each_step_of_the_launch_adds_one_fact() -> None:
    scan = running_scan(statuses.admitted())
    status = progress.created(scan, 7)
    assert status.remote == Remote(token=TOKEN, scope_generation=1, scan_id=7)
    status = progress.launching(scan.but(status=status), LATER)
    assert status.remote is not None
    assert (status.remote.scan_id, status.remote.launch_time) == (7, LATER)
    status = progress.launched(scan.but(status=status), "run-1", LATER)
    assert status.remote is not None
    assert (status.remote.scan_uuid, status.message) == ("run-1", "runs on s1")
    assert said(status, ScanCondition.LAUNCHED) == ("True", "Launched")


# before (None: nothing yet), then what the scanner says, then whether that is written
POLLS = {
    "the first progress": (None, details(0), True),
    "nothing new": (40, details(40), False),
    "nine points": (40, details(49), False),
    "ten points": (40, details(50), True),
    "ten points back": (40, details(30), True),
    "another state": (40, details(40, RemoteState.PAUSED), True),
    "another word for the same state": (40, details(40, word="processing"), True),
}


@pytest.mark.parametrize(("before", "answer", "writes"), POLLS.values(), ids=POLLS)
def test_progress_is_written_in_steps(before: int | None, answer: Any, writes: bool) -> None:
    known = None if before is None else Progress(percent=before, hosts_total=1)
    scan = running_scan(statuses.launched(progress=known))
    status = progress.polled(scan, answer, LATER)
    if not writes:
        assert status is scan.status
        return
    assert status.progress == Progress(percent=answer.progress.percent, hosts_total=1)
    assert status.remote is not None
    assert status.remote.state == answer.scan.word


def test_an_answer_ends_the_talk_of_a_scanner_that_is_away() -> None:
    scan = running_scan(statuses.launched(progress=Progress(percent=40, hosts_total=1)))
    away = progress.unreachable(scan)
    assert away.message == "s1 does not answer; waiting until the deadline"
    assert progress.unreachable(scan.but(status=away)) is away
    status = progress.polled(scan.but(status=away), details(41), LATER)
    assert status.message == "runs on s1"


def test_a_volume_that_takes_nothing_is_told_of_once() -> None:
    scan = running_scan(statuses.launched())
    waits = progress.unstored(scan, LATER)
    assert waits.phase is Phase.RUNNING
    assert waits.message == "the results cannot be written to the volume; trying again"
    assert said(waits, ScanCondition.RESULTS_AVAILABLE) == ("False", "StoreFailed")
    assert progress.unstored(scan.but(status=waits), LATER) is waits


def test_a_pause_is_a_condition() -> None:
    scan = running_scan(statuses.launched())
    paused = progress.polled(scan, details(0, RemoteState.PAUSED), LATER)
    assert said(paused, ScanCondition.SUSPENDED) == ("True", "Suspended")
    goes_on = progress.polled(scan.but(status=paused), details(0), LATER)
    assert said(goes_on, ScanCondition.SUSPENDED) == ("False", "NotSuspended")


@pytest.mark.parametrize("word", ["defragmenting", "<b>odd</b>", "\u2620" * 32, "a\\b", '"'])
def test_an_unknown_state_is_warned_of_once(word: str) -> None:
    scan = running_scan(statuses.launched())
    strange = details(5, RemoteState.UNKNOWN, word)
    scan = shown(scan, progress.polled(scan, strange, LATER))
    (warning,) = scan.status.warnings
    assert warning.startswith("the scanner says ")
    assert progress.polled(scan, strange, LATER) is scan.status
    more = details(50, RemoteState.UNKNOWN, word)
    assert shown(scan, progress.polled(scan, more, LATER)).status.warnings == (warning,)


@pytest.mark.parametrize("reason", StopReason)
def test_a_decision_to_stop_is_kept(reason: StopReason) -> None:
    scan = running_scan(statuses.launched())
    status = progress.stopping(scan, reason, LATER)
    assert status.stop == Stop(reason=reason, time=LATER)
    assert status.message == f"stopping: {MEANINGS[Reason(reason)].sentence}"
    for other in StopReason:
        assert progress.stopping(scan.but(status=status), other, LATER) is status


# phase, reason, failure's fault, reason of Succeeded
ENDS = {
    "well": (Phase.COMPLETED, Reason.PASSED, None, "Completed"),
    "by a fault of the platform": (Phase.FAILED, Reason.EXPORT_FAILED, "Platform", "ExportFailed"),
    "by a fault of the user": (Phase.FAILED, Reason.SCOPE_DENIED, "User", "ScopeDenied"),
    "by the deadline": (Phase.TIMEOUT, Reason.DEADLINE, "User", "Deadline"),
    "by the starting deadline": (
        Phase.TIMEOUT,
        Reason.STARTING_DEADLINE,
        "Platform",
        "StartingDeadline",
    ),
    "by being cancelled": (Phase.CANCELLED, Reason.CANCELLED, None, "Cancelled"),
}


@pytest.mark.parametrize(("phase", "reason", "fault", "succeeded"), ENDS.values(), ids=ENDS)
def test_an_end(phase: Phase, reason: Reason, fault: str | None, succeeded: str) -> None:
    scan = running_scan(statuses.launched())
    status = progress.finished(scan, phase, reason, "the end", LATER)
    assert (status.phase, status.completion_time, status.message) == (phase, LATER, "the end")
    assert (status.failure and status.failure.fault) == fault
    assert said(status, ScanCondition.FINISHED) == ("True", phase)
    good = "True" if phase is Phase.COMPLETED else "False"
    assert said(status, ScanCondition.SUCCEEDED) == (good, succeeded)
    assert said(status, ScanCondition.RESULTS_AVAILABLE) == ("False", reason)
    (line,) = status.attempt_history
    assert (line.attempt, line.phase, line.reason, line.scan_id) == (1, phase, reason, 7)
    assert (line.start_time, line.completion_time) == (NOW, LATER)


def test_results_are_told_by_who_stored_them() -> None:
    scan = running_scan(statuses.launched(results=statuses.RESULTS))
    stored = [Finding(ScanCondition.RESULTS_AVAILABLE, "True", Reason.STORED)]
    status = progress.finished(scan, Phase.COMPLETED, Reason.PASSED, "done", LATER, stored)
    assert said(status, ScanCondition.RESULTS_AVAILABLE) == ("True", "Stored")
    assert status.attempt_history[0].results_digest == statuses.DIGEST


def again(scan: NessusScan, **changes: Any) -> ScanStatus:
    given = {"next_attempt_time": seconds(90), "platform_failures": 1, **changes}
    return progress.requeued(scan, Reason.REMOTE_SCAN_ABORTED, "aborted", LATER, **given)


def test_an_attempt_leaves_its_line_and_what_is_on_the_scanner() -> None:
    scan = running_scan(statuses.launched(warnings=("odd",), stop=None))
    status = again(scan)
    assert (status.phase, status.attempt, status.queue_time) == (Phase.QUEUED, 2, LATER)
    assert (status.next_attempt_time, status.platform_failures) == (seconds(90), 1)
    assert status.remote_cleanups == (cleanup(),)
    (line,) = status.attempt_history
    assert (line.phase, line.reason, line.completion_time) == (
        Phase.FAILED,
        "RemoteScanAborted",
        LATER,
    )
    assert status.warnings == ()
    assert said(status, ScanCondition.ADMITTED) == ("False", "BackingOff")
    assert said(status, ScanCondition.LAUNCHED) == ("Unknown", "Pending")
    assert said(status, ScanCondition.FINISHED) == ("False", "Pending")


def test_all_that_belongs_to_one_attempt_is_gone() -> None:
    ended = statuses.ended(Phase.FAILED, progress=Progress(), results=statuses.RESULTS)
    ended = ended.but(
        failure=progress.finished(
            running_scan(ended), Phase.FAILED, Reason.EXPORT_FAILED, "x", NOW
        ).failure
    )
    status = again(running_scan(ended, manual_retries=1)).to_json()
    assert [path for path in GONE_WITH_A_NEW_ATTEMPT if at(status, path) is not None] == []


def test_a_finished_attempt_is_not_told_twice() -> None:
    scan = running_scan(statuses.launched(), manual_retries=1)
    ended = progress.finished(scan, Phase.FAILED, Reason.EXPORT_FAILED, "x", NOW)
    status = again(scan.but(status=ended), next_attempt_time=None, platform_failures=0)
    assert [line.reason for line in status.attempt_history] == ["ExportFailed"]
    assert status.observed_manual_retries == 1
    assert said(status, ScanCondition.ADMITTED) == ("False", "Pending")


def test_an_attempt_that_was_never_protected_left_nothing() -> None:
    scan = waiting_scan().but(status=statuses.admitted())
    assert again(scan).remote_cleanups == ()


def test_a_remote_scan_whose_id_was_never_learnt_is_not_forgotten() -> None:
    status = again(running_scan(statuses.admitted()))
    assert status.remote_cleanups == (cleanup(scan_id=None),)


def test_the_last_ten_attempts_stay() -> None:
    scan = running_scan(statuses.launched())
    for _ in range(12):
        scan = scan.but(
            status=statuses.launched(
                attempt=scan.status.attempt, attempt_history=scan.status.attempt_history
            )
        )
        scan = scan.but(status=again(scan))
    assert [line.attempt for line in scan.status.attempt_history] == list(range(3, 13))


ROOM = {
    "no clean-ups": (statuses.launched(), True),
    "nine": (statuses.launched(remote_cleanups=(cleanup(),) * 9), True),
    "ten": (statuses.launched(remote_cleanups=(cleanup(),) * 10), False),
    "ten, and this attempt has none": (
        statuses.queued(remote_cleanups=(cleanup(),) * 10),
        True,
    ),
}


@pytest.mark.parametrize(("status", "room"), ROOM.values(), ids=ROOM)
def test_a_new_attempt_needs_room_for_what_is_left(status: ScanStatus, room: bool) -> None:
    assert progress.may_requeue(make_scan(status=status, finalizers=(FINALIZER,))) is room


def test_a_clean_up_is_struck_off() -> None:
    scan = make_scan(status=statuses.queued(remote_cleanups=(cleanup(1), cleanup(2))))
    assert progress.cleaned(scan, cleanup(1)).remote_cleanups == (cleanup(2),)
    assert progress.cleaned(scan, cleanup(3)).remote_cleanups == (cleanup(1), cleanup(2))


def test_each_warning_stands_once() -> None:
    status = progress.warned(statuses.launched(warnings=("a",)), ["b", "a", "b"])
    assert status.warnings == ("a", "b")


def test_the_first_ten_warnings_stay() -> None:
    status = progress.warned(statuses.launched(), [str(number) for number in range(20)])
    assert status.warnings == tuple("0123456789")


@pytest.mark.parametrize("text", ["<b>", "é" * 300, "x" * 300, '"quoted"'])
def test_a_warning_that_is_read_back_is_known(text: str) -> None:
    scan = shown(make_scan(), progress.warned(statuses.launched(), [text]))
    assert progress.warned(scan.status, [text]).warnings == scan.status.warnings


def test_the_clock_of_a_condition_runs_on_events_alone() -> None:
    scan = running_scan(statuses.launched())
    finished = progress.finished(scan, Phase.COMPLETED, Reason.PASSED, "x", NOW + timedelta(days=1))
    moved = {one.type for one in finished.conditions if one.last_transition_time > NOW}
    assert moved == {
        ScanCondition.FINISHED,
        ScanCondition.SUCCEEDED,
        ScanCondition.RESULTS_AVAILABLE,
    }
    assert all(isinstance(one, Condition) for one in finished.conditions)
