"""Carry one scan forward: ask core what is next, do it, and ask again until there is a wait.

One task per scan at a time. It may be cancelled or die at any point: the next one derives what
to do from the object and from the scanner.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime

import structlog

from nessus_operator.api.pool import ScannerPool, StopPolicy
from nessus_operator.api.reasons import MEANINGS, Reason
from nessus_operator.api.scan import NessusScan, RemoteCleanup, ScanStatus
from nessus_operator.api.transitions import Phase
from nessus_operator.clients import clock
from nessus_operator.clients.errors import (
    Fault,
    NotFound,
    NotLicensed,
    Rejected,
    Unauthorized,
    Unavailable,
)
from nessus_operator.clients.logs import trace_id_of
from nessus_operator.core import lifecycle, progress, retries, scope, tokens
from nessus_operator.core.lifecycle import Sight, Step
from nessus_operator.handlers import cleanup, launch, status
from nessus_operator.handlers.collect import collect
from nessus_operator.handlers.launch import Quiet
from nessus_operator.handlers.scanners import Listing, ScannerWatch
from nessus_operator.handlers.world import World

log = structlog.get_logger(__name__)

# A step answers the scan to go on with, seconds to wait, or None: wait for news.
Outcome = NessusScan | float | None

_FIRST_WAIT = 1.0
_LAST_WAIT = 30.0


class Driver:
    """Carries one scan; what it remembers only spares work and may be lost."""

    def __init__(
        self,
        world: World,
        uid: str,
        quiet: Quiet,
        watch_of: Callable[[str | None], ScannerWatch | None],
        pool_of: Callable[[], ScannerPool | None],
        abandon: Callable[[NessusScan], Awaitable[None]],
    ) -> None:
        self.world = world
        self.uid = uid
        self.quiet = quiet
        self.watch_of = watch_of
        self.pool_of = pool_of
        self.abandon = abandon
        self.not_before = 0.0  # monotonic
        self._wait = _FIRST_WAIT
        self._looked: tuple[type[Step], datetime | None] | None = None

    async def run(self) -> None:
        """Go on until there is a wait; what the outside did wrong only makes it longer."""
        scan = self.world.scan(self.uid)
        if scan is None:
            return
        structlog.contextvars.bind_contextvars(
            task_id=scan.task_id, trace_id=trace_id_of(scan.traceparent)
        )
        try:
            outcome = await self._clean_earlier(scan)
            while (scan := self.world.scan(self.uid)) and outcome is not None:
                outcome = await self._step(scan)
                if isinstance(outcome, float):
                    self._later(outcome)
                    return
            self._wait = _FIRST_WAIT
        except Fault as error:
            await self._failed(error)

    async def _clean_earlier(self, scan: NessusScan) -> Outcome:
        """Remote scans of earlier attempts go while the present one runs."""
        for left in scan.status.remote_cleanups if scan.phase is not Phase.QUEUED else ():
            watch = self.watch_of(left.scanner_name)
            if watch and watch.ready:
                wait = await cleanup.remove(self.world, left, watch, self.quiet)
                if wait is None:
                    await status.write(self.world, scan, progress.cleaned(scan, left))
                    return self.world.scan(self.uid)
        return scan

    async def _step(self, scan: NessusScan) -> Outcome:
        watch = self.watch_of(scan.status.scanner_name)
        step = lifecycle.next_step(scan, self._sight(scan, watch), clock.now())
        match step:
            case lifecycle.Nothing():
                return None
            case (
                lifecycle.Protect()
                | lifecycle.CleanUp()
                | lifecycle.Abandon()
                | lifecycle.Release()
            ):
                return await self._guard(scan, step)
            case (
                lifecycle.DecideStop()
                | lifecycle.Finish()
                | lifecycle.EndAttempt()
                | lifecycle.Retry()
            ):
                return await self._move(scan, step)
            case _ if watch is None:
                return None
            case _:
                return await self._remote_step(scan, step, watch)

    async def _guard(self, scan: NessusScan, step: lifecycle.Guard) -> Outcome:
        match step:
            case lifecycle.Protect():
                return await status.protect(self.world, scan)
            case lifecycle.CleanUp(left):
                return await self._clean_up(scan, left)
            case lifecycle.Abandon():
                await self.abandon(scan)
        await status.release(self.world, scan)
        return None

    async def _move(self, scan: NessusScan, step: lifecycle.Move) -> Outcome:
        match step:
            case lifecycle.DecideStop(reason):
                return await self._write(scan, progress.stopping(scan, reason, clock.now()))
            case lifecycle.Finish(phase, reason):
                return await self._finish(scan, phase, reason, MEANINGS[reason].sentence)
            case lifecycle.EndAttempt(reason):
                return await self.end_attempt(scan, reason)
            case lifecycle.Retry():
                return await self._retry(scan)

    async def _remote_step(self, scan: NessusScan, step: Step, watch: ScannerWatch) -> Outcome:
        match step:
            case lifecycle.Claim():
                return await launch.claim(self.world, scan, watch, self.quiet)
            case lifecycle.MarkLaunch():
                return await launch.mark(self.world, scan, self.quiet)
            case lifecycle.Launch():
                return await launch.launch(self.world, scan, watch, self.quiet)
            case lifecycle.Collect(phase, reason):
                return await collect(self.world, scan, watch, self.pool_of(), phase, reason)
        listed = watch.listing.time if watch.listing else None
        if self._looked == (type(step), listed):
            return None  # once for each list is enough
        outcome = await self._look(scan, step, watch)
        self._looked = type(step), listed
        return outcome

    async def _look(self, scan: NessusScan, step: Step, watch: ScannerWatch) -> Outcome:
        remote = scan.status.remote
        if remote is None or remote.scan_id is None:
            return None
        scan_id = remote.scan_id
        match step:
            case lifecycle.StopRemote():
                self.world.require_lead()
                await watch.ask(lambda scanner: scanner.stop_scan(scan_id))
            case lifecycle.Pause(resume):
                self.world.require_lead()
                await watch.ask(
                    lambda scanner: (
                        scanner.resume_scan(scan_id) if resume else scanner.pause_scan(scan_id)
                    )
                )
            case lifecycle.Poll() | lifecycle.FindOut():
                details = await watch.ask(lambda scanner: scanner.get_scan(scan_id))
                await self._write(scan, progress.polled(scan, details, clock.now()))
        return None

    def _sight(self, scan: NessusScan, watch: ScannerWatch | None) -> Sight:
        pool = self.pool_of()
        listing = watch.listing if watch else None
        remote = scan.status.remote
        line = None
        if listing and remote and remote.scan_id is not None:
            line = lifecycle.found(listing.scans, remote.token, remote.scan_id)
        return Sight(
            pool_going=pool is None or pool.metadata.deleting,
            draining=pool is not None and pool.spec.stop_policy is StopPolicy.HOLD_AND_DRAIN,
            scope_refused=self._scope_refused(scan, pool),
            scanner_known=watch is not None,
            remote=line,
            listed=listing is not None,
            all_missing=line is None and self._all_missing(scan, listing),
            cleanup_seconds=self.world.settings.cleanup_seconds,
            remote_scan=pool.spec.retention.remote_scan if pool else "DeleteAfterExport",
        )

    def _all_missing(self, scan: NessusScan, listing: Listing | None) -> bool:
        others = [
            other.status.remote.token
            for other in self.world.scans_of(scan.pool_key)
            if other.phase is Phase.RUNNING
            and other.status.scanner_name == scan.status.scanner_name
            and other.status.remote
            and other.status.remote.launch_time
        ]
        seen = {tokens.token_in(remote.name) for remote in listing.scans} if listing else set()
        return len(others) > 1 and not seen.intersection(others)

    def _scope_refused(self, scan: NessusScan, pool: ScannerPool | None) -> bool:
        """Asked again only when the pool changed since the scan was admitted."""
        remote = scan.status.remote
        if pool is None or remote is None or remote.scope_generation == pool.metadata.generation:
            return False
        rules = scope.rules(pool.spec.scope, self.world.settings.cluster_ranges)
        return scope.judge(scan.spec.targets or (), rules, {}) is not None

    async def _write(self, scan: NessusScan, new: ScanStatus) -> NessusScan | None:
        return await status.write(self.world, scan, new)

    async def _finish(
        self, scan: NessusScan, phase: Phase, reason: Reason, message: str
    ) -> NessusScan | None:
        return await self._write(scan, progress.finished(scan, phase, reason, message, clock.now()))

    async def end_attempt(
        self, scan: NessusScan, reason: Reason, message: str | None = None
    ) -> NessusScan | None:
        """A fault ended it: queue again where that can help, else fail."""
        pool = self.pool_of()
        limit = pool.spec.backoff_limit if pool else 0
        again = retries.after_fault(scan, reason, limit, clock.now())
        text = message or MEANINGS[reason].sentence
        if again is None or not progress.may_requeue(scan):
            return await self._finish(scan, Phase.FAILED, reason, text)
        new = progress.requeued(
            scan,
            reason,
            text,
            clock.now(),
            next_attempt_time=again.time,
            platform_failures=again.failures,
        )
        return await self._write(scan, new)

    async def _retry(self, scan: NessusScan) -> Outcome:
        if not progress.may_requeue(scan):
            return _LAST_WAIT
        new = progress.requeued(
            scan,
            Reason.PENDING,
            "queued again by spec.manualRetries",
            clock.now(),
            next_attempt_time=None,
            platform_failures=0,
        )
        return await self._write(scan, new)

    async def _clean_up(self, scan: NessusScan, left: RemoteCleanup) -> Outcome:
        watch = self.watch_of(left.scanner_name)
        if watch is None:
            return None
        wait = await cleanup.remove(self.world, left, watch, self.quiet)
        if wait is not None:
            return wait
        if left in scan.status.remote_cleanups:
            return await self._write(scan, progress.cleaned(scan, left))
        if scan.status.remote_cleanups:
            return scan
        await status.release(self.world, scan)
        return None

    async def _failed(self, error: Fault) -> None:
        scan = self.world.scan(self.uid)
        if scan is None:
            return
        log.info("Waits after a fault", error=str(error), seconds=self._wait)
        self.back_off()
        if scan.phase is Phase.RUNNING and not scan.status.stop:
            await self._say_failed(scan, error)

    async def _say_failed(self, scan: NessusScan, error: Fault) -> None:
        """What a fault makes of a running scan; a fault of the API server makes nothing of it."""
        watch = self.watch_of(scan.status.scanner_name)
        claimed = scan.status.remote is not None and scan.status.remote.scan_id is not None
        match error:
            case NotFound() if claimed:
                await self.end_attempt(scan, Reason.REMOTE_SCAN_LOST)
            case NotLicensed():
                await self._not_licensed(scan)
            case Rejected():
                await self._finish(scan, Phase.FAILED, Reason.SCANNER_REJECTED, str(error))
            case Unavailable() | Unauthorized() if watch and watch.troubled:
                await self._write(scan, progress.unreachable(scan))

    async def _not_licensed(self, scan: NessusScan) -> None:
        """Back to the queue, where it waits with ScanAPIClosed; no fault of the platform."""
        new = progress.requeued(
            scan,
            Reason.SCAN_API_CLOSED,
            MEANINGS[Reason.SCAN_API_CLOSED].sentence,
            clock.now(),
            next_attempt_time=None,
            platform_failures=scan.status.platform_failures or 0,
        )
        await self._write(scan, new)

    def back_off(self) -> None:
        """Not again at once; each time longer, until something goes well."""
        self._later(self._wait)
        self._wait = min(self._wait * 2, _LAST_WAIT)

    def _later(self, seconds: float) -> None:
        self.not_before = clock.monotonic() + seconds
