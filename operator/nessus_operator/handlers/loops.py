"""The pool loops of this process, who wakes them, and who runs those that have no pool."""

import asyncio
from collections.abc import Iterator

import structlog

from nessus_operator.api.pool import ScannerPool
from nessus_operator.api.scan import NessusScan
from nessus_operator.core.attention import FinishedScan
from nessus_operator.handlers.pools import PoolLoop
from nessus_operator.handlers.world import World

log = structlog.get_logger(__name__)

Seen = NessusScan | FinishedScan
Key = tuple[str, str]


class Loops:
    """One PoolLoop for each pool that exists or that a scan names."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._loops: dict[Key, PoolLoop] = {}
        self._poolless = asyncio.Event()
        world.scans.subscribe(self._scan_changed)
        world.pools.subscribe(self._pool_changed)

    def __iter__(self) -> Iterator[PoolLoop]:
        return iter(list(self._loops.values()))

    def of(self, key: Key) -> PoolLoop:
        if key not in self._loops:
            self._loops[key] = PoolLoop(self._world, key)
        return self._loops[key]

    async def run_poolless(self) -> None:
        """Tick for pools that are gone or going, for which kopf runs no daemon."""
        while True:
            self._poolless.clear()
            for key in self._poolless_keys():
                await self.of(key).tick()
            for loop in self:
                if loop.idle:
                    del self._loops[loop.key]
                    self._world.in_background(loop.stop())
            await asyncio.sleep(0.05)
            waits = [loop.pause() for key in self._poolless_keys() if (loop := self.of(key))]
            try:
                async with asyncio.timeout(min([*waits, self._world.settings.resync_seconds])):
                    await self._poolless.wait()
            except TimeoutError:
                pass

    def _poolless_keys(self) -> list[Key]:
        world = self._world
        keys = {key for key in world.scans.groups() if world.scans_of(key)}
        keys |= {pool.key for pool in world.pools if pool.metadata.deleting}
        return sorted(key for key in keys if _going(world.pools.by_name(*key)))

    def _scan_changed(self, old: Seen | None, new: Seen | None) -> None:
        for scan in (old, new):
            if scan:
                self._wake(scan.pool_key)

    def _pool_changed(self, old: ScannerPool | None, new: ScannerPool | None) -> None:
        for pool in (old, new):
            if pool:
                self._wake(pool.key)

    def _wake(self, key: Key) -> None:
        loop = self._loops.get(key)
        if loop:
            loop.wake.set()
        if _going(self._world.pools.by_name(*key)):
            self._poolless.set()


def _going(pool: ScannerPool | None) -> bool:
    return pool is None or pool.metadata.deleting
