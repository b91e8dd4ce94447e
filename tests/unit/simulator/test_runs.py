"""Where a run stands is a function of what happened to it and of the time."""

import pytest

from nessus_simulator.runs import Act, Event, Run, Status, hosts_done, progress, standing

LAUNCHED = 1000.0


def make_run(*events: tuple[Act, float], hosts: int = 3, host_seconds: float = 60.0) -> Run:
    """A run launched at 0; times count from there."""
    return Run(
        history_id=1,
        uuid="run",
        launched=LAUNCHED,
        targets="",
        hosts=tuple(f"192.0.2.{number}" for number in range(1, hosts + 1)),
        host_seconds=host_seconds,
        events=tuple(Event(act, LAUNCHED + time) for act, time in events),
    )


PAUSE, RESUME, STOP, ABORT = Act.PAUSE, Act.RESUME, Act.STOP, Act.ABORT

# run, seconds after the launch, status, seconds of scanning done, seconds when it got there
STANDINGS = {
    "it waits for a second after the launch": (make_run(), 0.5, Status.PENDING, 0, 0),
    "then it scans": (make_run(), 11, Status.RUNNING, 10, 1),
    "it scans as long as its hosts take": (make_run(), 180.5, Status.RUNNING, 179.5, 1),
    "it looks at the results for a second": (make_run(), 181.5, Status.PROCESSING, 180, 181),
    "then it is completed": (make_run(), 182, Status.COMPLETED, 180, 182),
    "it stays completed": (make_run(), 99_999, Status.COMPLETED, 180, 182),
    "a run without hosts takes as long as one host": (
        make_run(hosts=0),
        60,
        Status.RUNNING,
        59,
        1,
    ),
    "hosts may take no time at all": (
        make_run(host_seconds=0),
        2,
        Status.COMPLETED,
        0,
        2,
    ),
    "a stop takes a while": (make_run((STOP, 31)), 32, Status.STOPPING, 30, 31),
    "then the run is canceled with what it did": (
        make_run((STOP, 31)),
        34,
        Status.CANCELED,
        30,
        34,
    ),
    "a run that waits can be stopped": (make_run((STOP, 0.2)), 5, Status.CANCELED, 0, 3.2),
    "a pause takes a while": (make_run((PAUSE, 11)), 12, Status.PAUSING, 10, 11),
    "a paused run does nothing": (make_run((PAUSE, 11)), 5000, Status.PAUSED, 10, 13),
    "going on takes a while": (
        make_run((PAUSE, 11), (RESUME, 100)),
        101,
        Status.RESUMING,
        10,
        100,
    ),
    "it goes on where it was": (
        make_run((PAUSE, 11), (RESUME, 100)),
        107,
        Status.RUNNING,
        15,
        102,
    ),
    "a pause makes it end later": (
        make_run((PAUSE, 11), (RESUME, 100)),
        273,
        Status.COMPLETED,
        180,
        273,
    ),
    "it can be paused more than once": (
        make_run((PAUSE, 11), (RESUME, 100), (PAUSE, 112)),
        200,
        Status.PAUSED,
        20,
        114,
    ),
    "a paused run can be stopped": (
        make_run((PAUSE, 11), (STOP, 50)),
        53,
        Status.CANCELED,
        10,
        53,
    ),
    "a run that goes on again can be stopped before it does": (
        make_run((PAUSE, 11), (RESUME, 50), (STOP, 51)),
        60,
        Status.CANCELED,
        10,
        54,
    ),
    "an abort is at once": (make_run((ABORT, 61)), 61, Status.ABORTED, 60, 61),
    "an abort ends a stop": (
        make_run((STOP, 31), (ABORT, 32)),
        40,
        Status.ABORTED,
        30,
        32,
    ),
    "an abort at the very end does not count more than all work": (
        make_run((ABORT, 181.5)),
        190,
        Status.ABORTED,
        180,
        181.5,
    ),
}


@pytest.mark.parametrize(
    ("run", "seconds", "status", "worked", "since"), STANDINGS.values(), ids=STANDINGS
)
def test_where_a_run_stands(
    run: Run, seconds: float, status: Status, worked: float, since: float
) -> None:
    found = standing(run, LAUNCHED + seconds)
    assert found.status is status
    assert found.worked == pytest.approx(worked)
    assert found.since == pytest.approx(LAUNCHED + since)


# seconds of scanning done, percent of each host found
PROGRESS = {
    "at first no host is found": (0, []),
    "hosts turn up one after the other": (6, [0]),
    "the next one lowers the average": (12, [11, 0]),
    "all are found long before the first is done": (33, [50, 19, 9]),
    "they are done one after the other": (60, [100, 44, 25]),
    "in the end all are done": (180, [100, 100, 100]),
}


@pytest.mark.parametrize(("worked", "percents"), PROGRESS.values(), ids=PROGRESS)
def test_progress_over_hosts(worked: float, percents: list[int]) -> None:
    found = progress(make_run(), worked)
    assert [host.percent for host in found] == percents
    assert hosts_done(make_run(), worked) == percents.count(100)


@pytest.mark.parametrize("hosts", [1, 7, 254])
def test_no_host_falls_back_and_all_are_done_in_the_end(hosts: int) -> None:
    run = make_run(hosts=hosts)
    before = [0] * hosts
    for step in range(201):
        found = [host.percent for host in progress(run, run.work * step / 200)]
        now = found + [0] * (hosts - len(found))
        assert all(new >= old for new, old in zip(now, before, strict=True))
        before = now
    assert before == [100] * hosts
