"""Whatever a function makes of a status, the API server must take it: its moves and its bounds."""

import json
import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import NOW, make_scan
from tests.unit.core import statuses
from tests.unit.core.statuses import TOKEN, cleanup, details, running_scan, seconds, shown

from nessus_operator.api.reasons import Reason
from nessus_operator.api.remote import RemoteDetails, RemoteProgress, RemoteState
from nessus_operator.api.scan import NessusScan, ScanStatus, StopReason
from nessus_operator.api.transitions import ONCE_PER_ATTEMPT, TERMINAL, Phase, at, refusal
from nessus_operator.core import progress

LATER = seconds(60)
STATUS_BYTES = 16 * 1024

# Every function, from every status it may meet there: the API server must take the outcome.
Event = Callable[[NessusScan], ScanStatus]
EVENTS: dict[str, Event] = {
    "waiting": lambda scan: progress.waiting(scan, Reason.SUSPENDED, "waiting", LATER),
    "admitted": lambda scan: progress.admitted(scan, "s1", TOKEN, 1, LATER),
    "created": lambda scan: progress.created(scan, 7),
    "launching": lambda scan: progress.launching(scan, LATER),
    "launched": lambda scan: progress.launched(scan, "run", LATER),
    "polled": lambda scan: progress.polled(scan, details(50, RemoteState.UNKNOWN, "x"), LATER),
    "unreachable": lambda scan: progress.unreachable(scan),
    "unstored": lambda scan: progress.unstored(scan, LATER),
    "stopping": lambda scan: progress.stopping(scan, StopReason.DEADLINE, LATER),
    "cleaned": lambda scan: progress.cleaned(scan, cleanup()),
    "requeued": lambda scan: progress.requeued(
        scan, Reason.PENDING, "again", LATER, next_attempt_time=None, platform_failures=0
    ),
} | {
    f"finished as {phase}": lambda scan, phase=phase: progress.finished(  # type: ignore[misc]
        scan, phase, Reason.EXPORT_FAILED, "the end", LATER
    )
    for phase in TERMINAL
}
ENDINGS = ("finished as Failed", "finished as Timeout", "finished as Cancelled")
PATHS = {
    "waits": (statuses.queued(), ("waiting", "admitted", *ENDINGS)),
    "waits after an attempt": (
        statuses.queued(remote_cleanups=(cleanup(),), next_attempt_time=LATER),
        ("waiting", "admitted", "cleaned", *ENDINGS),
    ),
    "is admitted": (statuses.admitted(), ("created", "unreachable", "stopping", "requeued")),
    "is claimed": (statuses.claimed(), ("launching", "unreachable", "stopping", "requeued")),
    "may be launched": (statuses.marked(), ("launched", "unreachable", "stopping", "requeued")),
    "runs": (
        statuses.launched(),
        (
            *("polled", "unreachable", "unstored", "stopping", "requeued"),
            *("finished as Completed", *ENDINGS),
        ),
    ),
    "stops": (
        statuses.stopping(StopReason.CANCELLED),
        ("stopping", "unstored", "finished as Completed", *ENDINGS),
    ),
    "has failed": (statuses.ended(Phase.FAILED, remote_cleanups=(cleanup(),)), ("cleaned",)),
    "has completed": (statuses.ended(Phase.COMPLETED, results=statuses.RESULTS), ("cleaned",)),
}


@pytest.mark.parametrize(
    ("status", "event"),
    [
        pytest.param(status, EVENTS[event], id=f"a scan that {station}: {event}")
        for station, (status, events) in PATHS.items()
        for event in events
    ],
)
def test_the_api_server_would_take_it(status: ScanStatus, event: Event) -> None:
    scan = running_scan(status)
    assert refusal(scan.status.to_json(), event(scan).to_json()) is None


@pytest.mark.parametrize("phase", [Phase.FAILED, Phase.TIMEOUT, Phase.CANCELLED])
def test_the_api_server_would_take_a_manual_retry(phase: Phase) -> None:
    scan = running_scan(statuses.ended(phase), manual_retries=2)
    assert refusal(scan.status.to_json(), EVENTS["requeued"](scan).to_json()) is None


@pytest.mark.parametrize("first", ["queued", "impossible"])
def test_the_api_server_would_take_the_first_write(first: str) -> None:
    status = getattr(progress, first)(make_scan(manual_retries=4), Reason.PENDING, "x", NOW)
    assert refusal({}, status.to_json()) is None


def test_nothing_written_once_is_written_twice() -> None:
    """The events of one attempt, one after the other, with each fact in its first form."""
    scan = running_scan(statuses.admitted())
    for event in ("created", "launching", "launched", "polled", "stopping", "finished as Timeout"):
        before = scan.status.to_json()
        scan = shown(scan, EVENTS[event](scan))
        after = scan.status.to_json()
        for path in ONCE_PER_ATTEMPT:
            assert at(before, path) in (None, at(after, path))


words = st.text(max_size=600)
numbers = st.integers(0, 2**31 - 1)


@st.composite
def answers(draw: st.DrawFn) -> RemoteDetails:
    """Whatever a scanner may say."""
    word = draw(words)
    state = draw(st.sampled_from(RemoteState))
    percent, done, total = draw(st.integers(0, 100)), draw(numbers), draw(numbers)
    return RemoteDetails(
        statuses.remote(state, word=word), draw(words), RemoteProgress(percent, done, total)
    )


@given(
    texts=st.lists(words, min_size=1, max_size=12),
    answer=answers(),
    targets=st.lists(st.text(min_size=1, max_size=253), min_size=1, max_size=20),
    attempts=st.integers(1, 15),
)
def test_a_status_stays_within_its_bounds_whatever_is_said(
    texts: list[str], answer: RemoteDetails, targets: list[str], attempts: int
) -> None:
    scan = make_scan(
        "s" * 63, targets=tuple(targets), finalizers=("nessus-operator.dev/remote-scan",)
    )
    scan = written(scan, progress.queued(scan, Reason.POOL_NOT_FOUND, texts[0], NOW))
    for _ in range(attempts):
        scan = written(scan, progress.waiting(scan, Reason.NO_READY_SCANNER, texts[-1], NOW))
        scan = written(scan, progress.admitted(scan, "s" * 63, TOKEN, 2**53 - 1, NOW))
        scan = written(scan, progress.created(scan, 2**53 - 1))
        scan = written(scan, progress.launched(scan, texts[0], NOW))
        scan = written(scan, progress.unreachable(scan))
        scan = written(scan, progress.polled(scan, answer, NOW))
        scan = written(scan, progress.warned(scan.status, texts))
        scan = written(scan, progress.stopping(scan, StopReason.DELETED, NOW))
        if not progress.may_requeue(scan):
            break
        again = progress.requeued(
            scan,
            Reason.REMOTE_SCAN_ABORTED,
            texts[0],
            NOW,
            next_attempt_time=LATER,
            platform_failures=2**31 - 1,
        )
        scan = written(scan, again)
    written(scan, progress.finished(scan, Phase.FAILED, Reason.EXPORT_FAILED, texts[0], LATER))


def written(scan: NessusScan, status: ScanStatus) -> NessusScan:
    """What comes back when it was taken: reading it checks every bound of the model."""
    text = json.dumps(status.to_json(), separators=(",", ":"), ensure_ascii=False)
    as_go_writes = re.sub("[<>&\u2028\u2029]", "......", text).encode()
    assert len(as_go_writes) <= STATUS_BYTES
    return shown(scan, status)
