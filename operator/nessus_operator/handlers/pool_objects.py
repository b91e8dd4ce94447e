"""The only writer of a pool's status and of our finalizer on it."""

from contextlib import suppress
from typing import Any

import structlog

from nessus_operator.api import names
from nessus_operator.api.pool import Orphan, ScannerPool, ScannerStatus
from nessus_operator.api.transitions import Phase
from nessus_operator.clients import clock
from nessus_operator.clients.errors import Conflict, NotFound
from nessus_operator.clients.kube import paths
from nessus_operator.core.patch import merge_patch
from nessus_operator.core.pool_status import pool_status
from nessus_operator.handlers.world import World

log = structlog.get_logger(__name__)


async def protect(world: World, pool: ScannerPool) -> None:
    """Keep the pool until none of its scans has a remote part."""
    if names.FINALIZER not in pool.metadata.finalizers:
        finalizers = [*pool.metadata.finalizers, names.FINALIZER]
        await _patch(world, pool, {"metadata": {"finalizers": finalizers}})


async def release(world: World, pool: ScannerPool) -> None:
    if names.FINALIZER in pool.metadata.finalizers:
        left = [name for name in pool.metadata.finalizers if name != names.FINALIZER]
        await _patch(world, pool, {"metadata": {"finalizers": left}})


async def write_status(
    world: World,
    pool: ScannerPool,
    scanners: tuple[ScannerStatus, ...],
    new_orphans: list[Orphan],
    gone_orphans: list[Orphan],
) -> bool:
    """True when the status is written, or was so already."""
    mine = world.scans.in_group(pool.key)
    orphans = [orphan for orphan in pool.status.orphans if orphan not in gone_orphans]
    status = pool_status(
        pool,
        scanners,
        queued=sum(scan.phase in (None, Phase.QUEUED) for scan in mine),
        dead_letters=sum(scan.phase in (Phase.FAILED, Phase.TIMEOUT) for scan in mine),
        orphans=[*orphans, *(orphan for orphan in new_orphans if orphan not in orphans)],
        now=clock.now(),
    )
    patch = merge_patch(pool.status.to_json(), status.to_json())
    return not patch or await _patch(world, pool, {"status": patch}, "status")


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
