"""A scan and what may be done to it: each step takes the scan as it is and answers the next one."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from nessus_simulator import refusals, runs
from nessus_simulator.credentials import Credential
from nessus_simulator.runs import Act, Run, Standing, Status
from nessus_simulator.templates import Template


@dataclass(frozen=True, slots=True)
class Scan:
    """Times are simulated Unix seconds. `settings` are flat, as they were sent."""

    id: int
    uuid: str
    owner: str
    template: Template
    name: str
    targets: str
    folder_id: int
    created: float
    settings: Mapping[str, Any]
    credentials: tuple[Credential, ...] = ()
    runs: tuple[Run, ...] = ()


def status(scan: Scan, now: float) -> Status:
    return standing(scan, now).status


def standing(scan: Scan, now: float) -> Standing:
    """Where the last run stands."""
    if not scan.runs:
        return Standing(Status.EMPTY, 0.0, scan.created)
    return runs.standing(scan.runs[-1], now)


def is_active(scan: Scan, now: float) -> bool:
    return bool(scan.runs) and status(scan, now) not in runs.ENDED


def find_run(scan: Scan, history_id: int | None) -> Run | None:
    """The last run, or the one that is asked for; None for a scan that never ran."""
    if history_id is None:
        return scan.runs[-1] if scan.runs else None
    for run in scan.runs:
        if run.history_id == history_id:
            return run
    raise refusals.not_found()


def launch(scan: Scan, run: Run, now: float) -> Scan:
    _expect_idle(scan, now, "launched")
    return replace(scan, runs=(*scan.runs, run))


def stop(scan: Scan, now: float) -> Scan:
    """Asynchronous: the scan is `stopping` for a while."""
    return _act(scan, Act.STOP, now, runs.STOPPABLE)


def pause(scan: Scan, now: float) -> Scan:
    return _act(scan, Act.PAUSE, now, frozenset({Status.RUNNING}))


def resume(scan: Scan, now: float) -> Scan:
    return _act(scan, Act.RESUME, now, frozenset({Status.PAUSED}))


def abort(scan: Scan, now: float) -> Scan:
    """What a crash or a restart of the scanner does to a run."""
    return _act(scan, Act.ABORT, now, runs.STOPPABLE | {Status.STOPPING, Status.PROCESSING})


def edit(scan: Scan, changed: Scan, now: float) -> Scan:
    _expect_idle(scan, now, "edited")
    return changed


def expect_deletable(scan: Scan, now: float) -> None:
    _expect_idle(scan, now, "deleted")


def _expect_idle(scan: Scan, now: float, verb: str) -> None:
    if is_active(scan, now):
        raise refusals.conflict(
            f"Scan {scan.id} is {status(scan, now)} and cannot be {verb} until it has ended"
        )


def _act(scan: Scan, act: Act, now: float, allowed: frozenset[Status]) -> Scan:
    current = status(scan, now)
    if current not in allowed:
        raise refusals.conflict(f"Cannot {act} scan {scan.id}: it is {current}")
    return replace(scan, runs=(*scan.runs[:-1], runs.with_event(scan.runs[-1], act, now)))
