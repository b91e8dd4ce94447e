"""The only writer of a pool's status and of our finalizer on it."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import structlog

from nessus_operator.api import names
from nessus_operator.api.pool import ORPHANS_LIMIT, Orphan, ScannerPool, ScannerStatus
from nessus_operator.api.transitions import Phase
from nessus_operator.clients import clock
from nessus_operator.clients.errors import Conflict, NotFound
from nessus_operator.clients.kube import paths
from nessus_operator.core.patch import merge_patch
from nessus_operator.core.pool_status import pool_status
from nessus_operator.handlers.world import World

log = structlog.get_logger(__name__)


def protected(pool: ScannerPool) -> bool:
    """It stays until none of its scans has a remote part."""
    return names.FINALIZER in pool.metadata.finalizers


async def protect(world: World, pool: ScannerPool) -> None:
    """Put our finalizer on, unless the pool changed meanwhile."""
    finalizers = [*pool.metadata.finalizers, names.FINALIZER]
    await _patch(world, pool, {"metadata": {"finalizers": finalizers}})


async def release(world: World, pool: ScannerPool) -> None:
    if protected(pool):
        left = [name for name in pool.metadata.finalizers if name != names.FINALIZER]
        await _patch(world, pool, {"metadata": {"finalizers": left}})


async def circuit_was_reset(world: World, pool: ScannerPool) -> None:
    """Take off the annotation that asked for it."""
    await _patch(world, pool, {"metadata": {"annotations": {names.ANNOTATION_RESET_CIRCUIT: None}}})


async def add_orphans(world: World, pool: ScannerPool, orphans: Iterable[Orphan]) -> list[Orphan]:
    """Those that were not known yet, now on record. Raises Conflict: the pool changed meanwhile."""
    known = {orphan.token for orphan in pool.status.orphans}
    new = [orphan for orphan in orphans if orphan.token not in known]
    all_of_them = (*pool.status.orphans, *new)[-ORPHANS_LIMIT:]
    patch = merge_patch(pool.status.to_json(), pool.status.but(orphans=all_of_them).to_json())
    if new and not await _patch(world, pool, {"status": patch}, "status"):
        raise Conflict("the pool changed while the record of orphans was written")
    return new


async def write_status(
    world: World,
    pool: ScannerPool,
    scanners: tuple[ScannerStatus, ...],
    gone_orphans: list[Orphan],
) -> None:
    mine = world.scans.in_group(pool.key)
    status = pool_status(
        pool,
        scanners,
        queued=sum(scan.phase in (None, Phase.QUEUED) for scan in mine),
        dead_letters=sum(scan.phase in (Phase.FAILED, Phase.TIMEOUT) for scan in mine),
        orphans=[orphan for orphan in pool.status.orphans if orphan not in gone_orphans],
        now=clock.now(),
    )
    patch = merge_patch(pool.status.to_json(), status.to_json())
    if patch:
        await _patch(world, pool, {"status": patch}, "status")


async def _patch(world: World, pool: ScannerPool, patch: dict[str, Any], part: str = "") -> bool:
    world.require_lead()
    version = {"resourceVersion": pool.metadata.resource_version}
    body = {**patch, "metadata": {**patch.get("metadata", {}), **version}}
    try:
        world.pools.apply(
            "MODIFIED", await world.kube.merge_patch(paths.pools(*pool.key, part), body)
        )
    except NotFound:
        return False
    except Conflict:
        with suppress(NotFound):
            world.pools.apply("MODIFIED", await world.kube.get(paths.pools(*pool.key)))
        return False
    return True
