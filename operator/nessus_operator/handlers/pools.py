"""One loop per pool: the only writer of its scans, which it admits, carries and ends.

Each tick gathers what is known, lets core decide, and acts. It is woken by changes of the pool
and its scans, by news of its scanners, and after a while for nothing.
"""

import asyncio
from collections.abc import Callable
from functools import partial

import structlog

from nessus_operator.api.names import ANNOTATION_RESET_CIRCUIT
from nessus_operator.api.pool import Orphan, ScannerPool
from nessus_operator.api.reasons import Reason
from nessus_operator.api.remote import ENDED, RemoteState
from nessus_operator.api.scan import NessusScan
from nessus_operator.api.transitions import Phase
from nessus_operator.clients import clock
from nessus_operator.clients.errors import Fault
from nessus_operator.clients.kube.lease import LeadershipLost
from nessus_operator.clients.tasks import end
from nessus_operator.core import lifecycle, polling, tokens
from nessus_operator.core.admission import Slots, Snapshot
from nessus_operator.core.lifecycle import Sight
from nessus_operator.handlers import cleanup, pool_objects, queue
from nessus_operator.handlers.launch import Quiet
from nessus_operator.handlers.scanners import ScannerWatch
from nessus_operator.handlers.scans import Driver
from nessus_operator.handlers.setbacks import Setbacks
from nessus_operator.handlers.world import World

log = structlog.get_logger(__name__)

_LEAST_PAUSE = 0.05  # seconds between ticks: a burst of changes is one tick
_TRY_AGAIN_SECONDS = 1.0
_MOST_PAUSE = 1.0
_REST = 3  # times as long as a tick took: with a long queue, news comes faster than ticks end
_IDLE = (*ENDED, RemoteState.EMPTY)


class PoolLoop:
    """Everything this process does for one pool, whether the pool exists, goes, or is gone."""

    def __init__(self, world: World, key: tuple[str, str]) -> None:
        self.key = key
        self.wake = asyncio.Event()
        self._world = world
        self._quiet = Quiet(world.began, world.settings.request_seconds)
        self._watches: dict[str, ScannerWatch] = {}
        self._watching: dict[str, asyncio.Task[None]] = {}
        self._drivers: dict[str, Driver] = {}
        self._driving: dict[str, asyncio.Task[None]] = {}
        self._setbacks = Setbacks()
        self._abandoned: set[str] = set()  # tokens that were told of
        self._turn = asyncio.Lock()
        self._trouble: str | None = None  # what cut the last tick short

    @property
    def pool(self) -> ScannerPool | None:
        return self._world.pools.by_name(*self.key)

    def scans(self) -> list[NessusScan]:
        """The pool's scans that need attention."""
        return self._world.scans_of(self.key)

    async def run(self) -> None:
        """Tick until cancelled."""
        while True:
            begun = clock.monotonic()
            await self.tick()
            rest = _REST * (clock.monotonic() - begun)
            await asyncio.sleep(min(max(_LEAST_PAUSE, rest), _MOST_PAUSE))
            try:
                async with asyncio.timeout(self.pause()):
                    await self.wake.wait()
            except TimeoutError:
                pass

    async def tick(self) -> None:
        """One look at everything; safe to repeat at any point."""
        async with self._turn:
            self.wake.clear()
            try:
                await self._tick(self.pool)
                self._trouble = None
            except (Fault, LeadershipLost) as error:
                self._say_cut_short(log.warning, str(error))
            except Exception as error:  # of no single scan: what can be done is done all the same
                self._say_cut_short(partial(log.error, exc_info=error), repr(error))

    def _say_cut_short(self, say: Callable[..., object], trouble: str) -> None:
        if self._trouble != trouble:
            self._trouble = trouble
            say("Tick cut short", pool="/".join(self.key), error=trouble)

    async def stop(self) -> None:
        """End what it does for its scans and scanners, which are logged out of."""
        await end((*self._watching.values(), *self._driving.values()))

    @property
    def idle(self) -> bool:
        """Nothing is left to do for a pool that is gone."""
        return self.pool is None and not self._driving and not self.scans()

    async def _tick(self, pool: ScannerPool | None) -> None:
        going = pool is None or pool.metadata.deleting
        self._tend_watches(pool)
        try:
            await self._let_begin(None if going else pool)
        finally:  # what runs goes on, whatever the API server says to what waits
            self._drive()
            self._plan_polls()
        if pool:
            await self._tell(pool)
        if pool and going and not any(scan.finalized for scan in self.scans()):
            await pool_objects.release(self._world, pool)

    async def _let_begin(self, pool: ScannerPool | None) -> None:
        """Take in new scans and admit those whose turn it is, to a pool that has our finalizer."""
        if pool and not pool_objects.protected(pool):
            await pool_objects.protect(self._world, pool)
            return  # the pool as it is now wakes us
        if pool:
            await self._reset_circuit(pool)
        new = [scan for scan in self._able() if scan.phase is None and not scan.metadata.deleting]
        await queue.take_in(self._world, pool, new, self._setbacks)
        await self._admit(pool)

    async def _admit(self, pool: ScannerPool | None) -> None:
        waiting = [
            scan
            for scan in self._able()
            if scan.phase is Phase.QUEUED
            and not scan.metadata.deleting
            and scan.metadata.uid not in self._driving
            and self._only_waits(scan)
        ]
        if pool is None:
            no_pool = [(scan, queue.NO_POOL) for scan in waiting]
            await queue.let_wait(self._world, no_pool, self._setbacks)
            return
        running = [scan for scan in self.scans() if scan.phase is Phase.RUNNING]
        slots = tuple(
            self._slots(watch, running)
            for name, watch in self._watches.items()
            if pool.spec.scanner(name)  # others only end what runs there
        )
        snapshot = Snapshot(pool, slots, clock.now())
        await queue.admit(self._world, snapshot, waiting, running, self._quiet, self._setbacks)

    def _slots(self, watch: ScannerWatch, running: list[NessusScan]) -> Slots:
        active = self._active(watch, running)
        reason = watch.reason
        if watch.ready and watch.scanner.unschedulable:
            reason = Reason.UNSCHEDULABLE
        if active:
            watch.idle_since = clock.now()
        capacity = watch.scanner.max_concurrent_scans
        return Slots(watch.name, capacity, active, reason, watch.idle_since)

    def _active(self, watch: ScannerWatch, running: list[NessusScan]) -> int:
        """Our running scans, and whatever else runs there under a token of ours."""
        mine = [scan for scan in running if scan.status.scanner_name == watch.name]
        known = {scan.status.remote.token for scan in mine if scan.status.remote}
        others = {
            token
            for remote in (watch.listing.scans if watch.listing else ())
            if remote.state not in _IDLE and (token := tokens.token_in(remote.name))
        }
        return len(mine) + len(others - known)

    def _able(self) -> list[NessusScan]:
        """The pool's scans but for those that rest after an error of ours."""
        return [scan for scan in self.scans() if not self._setbacks.rests(scan)]

    def _drive(self) -> None:
        for scan in self._able():
            with self._setbacks.guarded(scan):
                self._drive_one(scan)

    def _drive_one(self, scan: NessusScan) -> None:
        uid = scan.metadata.uid
        if uid in self._driving:
            if self._drivers[uid].overtaken(scan):
                self._driving[uid].cancel()
        elif scan.phase is not None and self._needs_driver(scan):
            driver = self._drivers.get(uid) or self._new_driver(uid)
            if driver.due(scan):
                task = asyncio.create_task(driver.run())
                self._driving[uid] = task
                task.add_done_callback(partial(self._driven, scan))

    def _new_driver(self, uid: str) -> Driver:
        driver = Driver(
            self._world,
            uid,
            self._quiet,
            watch_of=lambda name: self._watches.get(name or ""),
            pool_of=lambda: self.pool,
            abandon=self._abandon,
        )
        self._drivers[uid] = driver
        return driver

    def _driven(self, scan: NessusScan, task: asyncio.Task[None]) -> None:
        uid = scan.metadata.uid
        self._driving.pop(uid, None)
        if self._world.scan(uid) is None:
            self._drivers.pop(uid, None)
        error = None if task.cancelled() else task.exception()
        if error and not isinstance(error, LeadershipLost):
            self._setbacks.struck(scan, error)
        self.wake.set()

    async def _abandon(self, scan: NessusScan) -> None:
        """Put on record what is left, and tell of it once; then the scan may go."""
        pool, own = self.pool, lifecycle.current(scan)
        lefts = (*scan.status.remote_cleanups, *([own] if own else []))
        going = pool is None or pool.metadata.deleting
        orphans = [cleanup.orphaned(left, self._watches.get(left.scanner_name)) for left in lefts]
        if pool and not going:
            orphans = await pool_objects.add_orphans(self._world, pool, orphans)
        for orphan in orphans:
            if orphan.token not in self._abandoned:
                self._abandoned.add(orphan.token)
                await cleanup.tell_abandoned(self._world, scan, orphan, going=going)

    async def _reset_circuit(self, pool: ScannerPool) -> None:
        asked = pool.metadata.annotations.get(ANNOTATION_RESET_CIRCUIT)
        if asked is None:
            return
        if asked in self._watches:
            self._watches[asked].reset()
        await pool_objects.circuit_was_reset(self._world, pool)

    def _needs_driver(self, scan: NessusScan) -> bool:
        """A queued scan mostly waits; only its end and what an attempt left need work."""
        waits = scan.phase is Phase.QUEUED and not scan.status.remote_cleanups
        return not (waits and self._only_waits(scan))

    def _only_waits(self, scan: NessusScan) -> bool:
        step = lifecycle.next_step(scan, Sight(), clock.now())
        return isinstance(step, lifecycle.Nothing | lifecycle.CleanUp)

    def _tend_watches(self, pool: ScannerPool | None) -> None:
        """A watch for each scanner of the spec; one that left stays while scans run on it."""
        wanted = {scanner.name: scanner for scanner in pool.spec.scanners} if pool else {}
        for name, scanner in wanted.items():
            if pool and name in self._watches and not self._watching[name].done():
                self._watches[name].update(pool, scanner)
            elif pool:
                watch = ScannerWatch(self._world, pool, scanner, self.wake.set)
                self._watches[name] = watch
                self._watching[name] = asyncio.create_task(watch.run())
                self._watching[name].add_done_callback(_say_why)
        used = {name for scan in self.scans() for name in _scanners_of(scan)}
        for name in self._watches.keys() - wanted.keys():
            if name not in used:
                del self._watches[name]
                self._watching.pop(name).cancel()
            elif pool:
                self._watches[name].update(pool, self._watches[name].scanner)

    def _plan_polls(self) -> None:
        settings = self._world.settings
        for watch in self._watches.values():
            scans = [
                scan
                for scan in self.scans()
                if scan.phase is Phase.RUNNING and scan.status.scanner_name == watch.name
            ]
            due = polling.due(scans, settings.first_poll_seconds, watch.poll_period, watch.looked)
            watch.poll_by(due)

    async def _tell(self, pool: ScannerPool) -> None:
        """Write the pool's status, and look after what stayed behind earlier."""
        gone: list[Orphan] = []
        for watch in self._watches.values():
            if watch.ready:
                await cleanup.remove_strays(self._world, watch)
                gone += await cleanup.remove_orphans(self._world, pool, watch)
        running = [scan for scan in self.scans() if scan.phase is Phase.RUNNING]
        scanners = tuple(
            watch.status(self._active(watch, running))
            for name, watch in self._watches.items()
            if pool.spec.scanner(name)
        )
        await pool_objects.write_status(self._world, pool, scanners, gone)

    def pause(self) -> float:
        """Seconds until the next tick without news."""
        now = clock.monotonic()
        if self._trouble:
            return _TRY_AGAIN_SECONDS
        waits = [
            driver.not_before - now
            for uid, driver in self._drivers.items()
            if driver.not_before > now and uid not in self._driving
        ]
        waits += [moment - now for moment in self._setbacks.ends() if moment > now]
        return max(_LEAST_PAUSE, min([*waits, self._world.settings.resync_seconds]))


def _scanners_of(scan: NessusScan) -> set[str]:
    names = {left.scanner_name for left in scan.status.remote_cleanups}
    return names | ({scan.status.scanner_name} if scan.status.scanner_name else set())


def _say_why(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception():
        log.error("Scanner watch ended; begins anew", exc_info=task.exception())
