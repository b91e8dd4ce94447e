"""Each state of a scan allows some steps and refuses the others with 409."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from nessus_simulator import scans
from nessus_simulator.refusals import Refusal
from nessus_simulator.runs import Act, Run, Status, with_event
from nessus_simulator.scans import Scan
from nessus_simulator.templates import TEMPLATES

NOW = 1000.0
RUN = Run(2, "uuid", NOW, "192.0.2.1", ("192.0.2.1",), host_seconds=60.0)


def make_scan(*runs: Run) -> Scan:
    return Scan(5, "template-1", "api-1", TEMPLATES[0], "a", "192.0.2.1", 3, 0.0, {}, (), runs)


def after(act: Act, seconds: float) -> Run:
    return with_event(RUN, act, NOW + seconds)


# a scan, and the seconds since its launch at which it is in that state
IN = {
    Status.EMPTY: (make_scan(), 0.0),
    Status.PENDING: (make_scan(RUN), 0.5),
    Status.RUNNING: (make_scan(RUN), 10.0),
    Status.PAUSING: (make_scan(after(Act.PAUSE, 10)), 11.0),
    Status.PAUSED: (make_scan(after(Act.PAUSE, 10)), 20.0),
    Status.RESUMING: (make_scan(with_event(after(Act.PAUSE, 10), Act.RESUME, NOW + 20)), 21.0),
    Status.PROCESSING: (make_scan(RUN), 61.5),
    Status.STOPPING: (make_scan(after(Act.STOP, 10)), 11.0),
    Status.COMPLETED: (make_scan(RUN), 100.0),
    Status.CANCELED: (make_scan(after(Act.STOP, 10)), 100.0),
    Status.ABORTED: (make_scan(after(Act.ABORT, 10)), 100.0),
}
IDLE = {Status.EMPTY, Status.COMPLETED, Status.CANCELED, Status.ABORTED}
STOPPABLE = {
    Status.PENDING,
    Status.RUNNING,
    Status.PAUSING,
    Status.PAUSED,
    Status.RESUMING,
}

STEPS: dict[str, tuple[Callable[[Scan, float], object], set[Status]]] = {
    "launch": (lambda scan, now: scans.launch(scan, replace(RUN, launched=now), now), IDLE),
    "edit": (lambda scan, now: scans.edit(scan, replace(scan, name="b"), now), IDLE),
    "delete": (scans.expect_deletable, IDLE),
    "stop": (scans.stop, STOPPABLE),
    "pause": (scans.pause, {Status.RUNNING}),
    "resume": (scans.resume, {Status.PAUSED}),
    "abort": (scans.abort, STOPPABLE | {Status.STOPPING, Status.PROCESSING}),
}


@pytest.mark.parametrize("status", IN)
def test_the_examples_are_in_the_state_that_they_stand_for(status: Status) -> None:
    scan, seconds = IN[status]
    assert scans.status(scan, NOW + seconds) is status


@pytest.mark.parametrize("status", IN)
@pytest.mark.parametrize("step", STEPS)
def test_a_step_is_taken_or_refused_by_state(step: str, status: Status) -> None:
    take, allowed = STEPS[step]
    scan, seconds = IN[status]
    if status in allowed:
        take(scan, NOW + seconds)
        return
    with pytest.raises(Refusal) as refused:
        take(scan, NOW + seconds)
    assert refused.value.status == 409
    assert status.value in refused.value.message


def test_every_state_is_covered() -> None:
    assert set(IN) == set(Status)


def test_a_new_run_leaves_the_earlier_ones_in_the_history() -> None:
    scan = scans.launch(make_scan(RUN), replace(RUN, history_id=3, launched=2000.0), 2000.0)
    assert [run.history_id for run in scan.runs] == [2, 3]
    assert scans.find_run(scan, None) is scan.runs[1]
    assert scans.find_run(scan, 2) is scan.runs[0]


def test_an_unknown_run_is_not_found() -> None:
    with pytest.raises(Refusal) as refused:
        scans.find_run(make_scan(RUN), 9)
    assert refused.value.status == 404
