"""The only writer of a scan's status and finalizer.

A write carries the version it was decided on: who decided on an older one is refused, takes the
newer object and decides again.
"""

from typing import Any

import structlog

from nessus_operator.api import names
from nessus_operator.api.conditions import ScanCondition
from nessus_operator.api.scan import NessusScan, ScanStatus
from nessus_operator.api.transitions import TERMINAL, Phase, is_new_attempt, refusal
from nessus_operator.clients import clock
from nessus_operator.clients.errors import Conflict, NotFound, Rejected
from nessus_operator.clients.kube import paths
from nessus_operator.core.patch import merge_patch
from nessus_operator.handlers.world import World

log = structlog.get_logger(__name__)


async def write(world: World, scan: NessusScan, status: ScanStatus) -> NessusScan | None:
    """The scan with its new status; None when it changed meanwhile: decide again."""
    old, new = scan.status.to_json(), status.to_json()
    patch = merge_patch(old, new)
    if not patch:
        return scan
    problem = refusal(old, new)
    if problem:
        raise RuntimeError(f"status write of {scan.task_id} would be refused: {problem}")
    written = await _patch(world, scan, {"status": patch}, "status")
    if written:
        _tell(world, scan, written)
    return written


async def protect(world: World, scan: NessusScan) -> NessusScan | None:
    """Put our finalizer on."""
    if scan.finalized:
        return scan
    finalizers = [*scan.metadata.finalizers, names.FINALIZER]
    return await _patch(world, scan, {"metadata": {"finalizers": finalizers}})


async def release(world: World, scan: NessusScan) -> NessusScan | None:
    """Take our finalizer off; a scan that was deleted is gone then."""
    left = [name for name in scan.metadata.finalizers if name != names.FINALIZER]
    return await _patch(world, scan, {"metadata": {"finalizers": left}})


async def _patch(
    world: World, scan: NessusScan, patch: dict[str, Any], part: str = ""
) -> NessusScan | None:
    world.require_lead()
    namespace, name = scan.key
    version = {"resourceVersion": scan.metadata.resource_version}
    body = {**patch, "metadata": {**patch.get("metadata", {}), **version}}
    try:
        answer = await world.kube.merge_patch(paths.scans(namespace, name, part), body)
    except NotFound:
        return None  # deleted; the watch will tell
    except Conflict:
        await _refresh(world, scan)
        return None
    except Rejected as error:  # our own guard should have known: a defect, and no fault of the scan
        raise RuntimeError(f"write to {scan.task_id} was refused: {error}") from error
    world.scans.apply("MODIFIED", answer)
    return NessusScan.from_object(answer)


async def _refresh(world: World, scan: NessusScan) -> None:
    try:
        answer = await world.kube.get(paths.scans(*scan.key))
    except NotFound:
        return
    if answer["metadata"]["uid"] == scan.metadata.uid:
        world.scans.apply("MODIFIED", answer)


def _tell(world: World, old: NessusScan, new: NessusScan) -> None:
    """Log, count and record what a status write means to people."""
    if old.phase is new.phase:
        return
    message = new.status.message or ""
    log.info("Scan moved", task_id=new.task_id, phase=new.phase, was=old.phase, message=message)
    bad = new.phase in (Phase.FAILED, Phase.TIMEOUT)
    world.in_background(
        world.recorder.record(
            new,
            str(new.phase),
            message,
            action="Move",
            type_="Warning" if bad else "Normal",
        )
    )
    pool = new.spec.pool_ref.name
    if new.phase in TERMINAL:
        succeeded = new.status.condition(ScanCondition.SUCCEEDED)
        world.metrics.scans.count_end(new, succeeded.reason if succeeded else "", clock.now())
    elif new.phase is Phase.RUNNING and old.status.queue_time:
        waited = clock.now() - old.status.queue_time
        labels = (new.metadata.namespace, pool)
        world.metrics.scans.queue_wait.labels(*labels).observe(waited.total_seconds())
    elif new.phase and is_new_attempt(old.phase, new.phase):
        manual = new.status.observed_manual_retries != old.status.observed_manual_retries
        world.metrics.scans.retries.labels(pool, "manual" if manual else "auto").inc()
