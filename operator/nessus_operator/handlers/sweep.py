"""Results without a scan go: at once when a scan is seen to go, and by a sweep for the rest."""

import asyncio
import json
import shutil
from pathlib import Path

import structlog

from nessus_operator.api.pool import ScannerPool
from nessus_operator.api.scan import NessusScan
from nessus_operator.clients import clock
from nessus_operator.core.attention import FinishedScan
from nessus_operator.handlers.world import World
from nessus_operator.results.temporary import write_json

log = structlog.get_logger(__name__)

OWNER_FILE = "owner.json"
_UID_LENGTH = 36


def write_owner(folder: Path, scan: NessusScan, pool: ScannerPool | None) -> None:
    """Leave beside a scan's results what the sweep must know when the scan is gone."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o750)
    keep = pool is not None and pool.spec.retention.results_on_delete == "Keep"
    owner = {"name": scan.metadata.name, "pool": scan.spec.pool_ref.name, "keep": keep}
    write_json(folder / OWNER_FILE, owner)


async def run(world: World) -> None:
    """Remove results of scans that go, and sweep now and then, until cancelled."""

    def gone(old: NessusScan | FinishedScan | None, new: object) -> None:
        if old is not None and new is None:
            uid = old.uid if isinstance(old, FinishedScan) else old.metadata.uid
            folder = world.settings.results_dir / old.pool_key[0] / uid
            world.in_background(asyncio.to_thread(_remove, world, folder))

    world.scans.subscribe(gone)
    while True:
        await asyncio.sleep(world.settings.sweep_seconds)
        # No scan at all may be our own blindness.
        if len(world.scans):
            await asyncio.to_thread(_sweep, world)


def _sweep(world: World) -> None:
    oldest = clock.now().timestamp() - world.settings.sweep_grace_seconds
    for folder in world.settings.results_dir.glob("*/*"):
        if len(folder.name) != _UID_LENGTH or not folder.is_dir():
            continue
        if folder.stat().st_mtime < oldest and folder.name not in world.scans:
            _remove(world, folder)


def _remove(world: World, folder: Path) -> None:
    if not folder.is_dir() or _kept(world, folder):
        return
    shutil.rmtree(folder, ignore_errors=True)
    log.info("Results removed", namespace=folder.parent.name, uid=folder.name)


def _kept(world: World, folder: Path) -> bool:
    """The pool's rule of today; where the pool is gone, the rule when the results were stored."""
    try:
        owner = json.loads((folder / OWNER_FILE).read_text())
    except (OSError, ValueError):
        return False
    pool = world.pools.by_name(folder.parent.name, str(owner.get("pool")))
    if pool is None:
        return bool(owner.get("keep"))
    return pool.spec.retention.results_on_delete == "Keep"
