"""One run of a scan as a function of time: what happened to it, and where that leaves it now.

pending ─► running ─► processing ─► completed
            │  ▲ └─ abort ─► aborted
          pausing ─► paused ─► resuming ─► running
any of these but processing ─ stop ─► stopping ─► canceled
"""

from dataclasses import dataclass, replace
from enum import StrEnum

PENDING_SECONDS = 1.0
PROCESSING_SECONDS = 1.0
STOPPING_SECONDS = 3.0
PAUSING_SECONDS = 2.0
RESUMING_SECONDS = 2.0


class Status(StrEnum):
    """Nessus' own words."""

    EMPTY = "empty"
    PENDING = "pending"
    RUNNING = "running"
    PAUSING = "pausing"
    PAUSED = "paused"
    RESUMING = "resuming"
    PROCESSING = "processing"
    STOPPING = "stopping"
    COMPLETED = "completed"
    CANCELED = "canceled"
    ABORTED = "aborted"


ENDED = frozenset({Status.COMPLETED, Status.CANCELED, Status.ABORTED})
STOPPABLE = frozenset(
    {Status.PENDING, Status.RUNNING, Status.PAUSING, Status.PAUSED, Status.RESUMING}
)


class Act(StrEnum):
    PAUSE = "pause"
    RESUME = "resume"
    STOP = "stop"
    ABORT = "abort"


@dataclass(frozen=True, slots=True)
class Event:
    act: Act
    time: float


@dataclass(frozen=True, slots=True)
class Run:
    """Times are simulated Unix seconds; hosts are those that answer."""

    history_id: int
    uuid: str
    launched: float
    targets: str
    hosts: tuple[str, ...]
    host_seconds: float
    alt_targets: bool = False  # other targets than the scan's
    events: tuple[Event, ...] = ()

    @property
    def work(self) -> float:
        """Simulated seconds of scanning that the run needs; looking for nobody takes time too."""
        return self.host_seconds * max(len(self.hosts), 1)


@dataclass(frozen=True, slots=True)
class Standing:
    status: Status
    worked: float  # seconds of scanning done
    since: float  # when the status was reached


@dataclass(frozen=True, slots=True)
class HostProgress:
    index: int
    name: str
    percent: int


def with_event(run: Run, act: Act, now: float) -> Run:
    return replace(run, events=(*run.events, Event(act, now)))


def standing(run: Run, now: float) -> Standing:
    """Where the run stands at `now`. Events must be in order of time."""
    worked = 0.0
    running_since: float | None = run.launched + PENDING_SECONDS
    for event in run.events:
        if event.act is Act.RESUME:
            running_since = event.time + RESUMING_SECONDS
        elif running_since is not None:
            worked = min(worked + max(event.time - running_since, 0.0), run.work)
            running_since = None
    if running_since is None:
        return _interrupted(run.events[-1], worked, now)
    return _going_on(run, worked, running_since, now)


def hosts_done(run: Run, worked: float) -> int:
    return sum(host.percent == 100 for host in progress(run, worked))


def progress(run: Run, worked: float) -> tuple[HostProgress, ...]:
    """The hosts found so far. They turn up one after the other early on, so that the average can
    fall when one appears, and are finished one after the other."""
    found = []
    for index, name in enumerate(run.hosts):
        appears = run.host_seconds * 0.1 * (index + 1)
        ends = run.host_seconds * (index + 1)
        if worked < appears:
            break
        share = (worked - appears) / (ends - appears) if ends > appears else 1.0
        found.append(HostProgress(index, name, min(int(share * 100), 100)))
    return tuple(found)


def _interrupted(event: Event, worked: float, now: float) -> Standing:
    """A run whose last event was a pause, a stop or an abort."""
    match event.act:
        case Act.ABORT:
            return Standing(Status.ABORTED, worked, event.time)
        case Act.STOP:
            seconds, passing, final = STOPPING_SECONDS, Status.STOPPING, Status.CANCELED
        case _:
            seconds, passing, final = PAUSING_SECONDS, Status.PAUSING, Status.PAUSED
    if now < event.time + seconds:
        return Standing(passing, worked, event.time)
    return Standing(final, worked, event.time + seconds)


def _going_on(run: Run, worked: float, running_since: float, now: float) -> Standing:
    if now < running_since:
        if run.events:
            return Standing(Status.RESUMING, worked, run.events[-1].time)
        return Standing(Status.PENDING, worked, run.launched)
    scanned = running_since + run.work - worked
    if now < scanned:
        return Standing(Status.RUNNING, worked + now - running_since, running_since)
    if now < scanned + PROCESSING_SECONDS:
        return Standing(Status.PROCESSING, run.work, scanned)
    return Standing(Status.COMPLETED, run.work, scanned + PROCESSING_SECONDS)
