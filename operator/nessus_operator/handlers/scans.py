"""Carry one scan forward: ask core what is next, do it, and ask again until there is a wait.

One task per scan at a time. It may be cancelled or die at any point: the next one derives what
to do from the object and from the scanner.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime

import structlog

from nessus_operator.api.pool import ScannerPool, StopPolicy
from nessus_operator.api.reasons import Reason
from nessus_operator.api.scan import NessusScan, RemoteCleanup, ScanStatus, StopReason
from nessus_operator.api.transitions import Phase
from nessus_operator.clients import clock
from nessus_operator.clients.errors import (
    Denied,
    Fault,
    NotFound,
    NotLicensed,
    Rejected,
    Unauthorized,
    Unavailable,
)
from nessus_operator.clients.logs import trace_id_of
from nessus_operator.core import lifecycle, progress, scope, tokens
from nessus_operator.core.lifecycle import DecideStop, Sight, Step
from nessus_operator.handlers import attempts, cleanup, launch, status
from nessus_operator.handlers.collect import collect
from nessus_operator.handlers.launch import Quiet
from nessus_operator.handlers.scanners import LOGIN_REFUSED, Listing, ScannerWatch
from nessus_operator.handlers.world import World
from nessus_operator.results.child import StorageFailed

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
        self._step_taken: Step = lifecycle.Nothing()
        self._collecting = False
        self._wait = _FIRST_WAIT
        self._looked: tuple[type[Step], datetime | None] | None = None

    def due(self, scan: NessusScan) -> bool:
        """No wait is on. One for the scanner holds nothing back that needs no scanner."""
        if clock.monotonic() >= self.not_before:
            return True
        return _asks_scanner(self._step_taken) and not _asks_scanner(self._next_step(scan))

    def overtaken(self, scan: NessusScan) -> bool:
        """It fetches or stores a report, which can take hours, and nobody waits for that now."""
        if not self._collecting:
            return False
        step = self._next_step(scan)
        return isinstance(step, lifecycle.Finish) or step == DecideStop(StopReason.DELETED)

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
            with suppress(Fault):  # cannot be written down now; the wait is on all the same
                await self._failed(error)

    async def _clean_earlier(self, scan: NessusScan) -> Outcome:
        """Remote scans of earlier attempts go while the present one runs, or stay for later."""
        for left in scan.status.remote_cleanups if scan.phase is not Phase.QUEUED else ():
            watch = self.watch_of(left.scanner_name)
            if watch and watch.ready:
                try:
                    wait = await cleanup.remove(self.world, left, watch, self.quiet)
                except Fault as error:
                    log.info("Earlier attempt not cleaned up yet", error=str(error))
                    continue
                if wait is None:
                    await status.write(self.world, scan, progress.cleaned(scan, left))
                    return self.world.scan(self.uid)
        return scan

    async def _step(self, scan: NessusScan) -> Outcome:
        watch = self.watch_of(scan.status.scanner_name)
        self._step_taken = step = self._next_step(scan)
        match step:
            case lifecycle.Nothing():
                await self._rest(scan, watch)
                return None
            case (
                lifecycle.Protect()
                | lifecycle.CleanUp()
                | lifecycle.Abandon()
                | lifecycle.Release()
            ):
                return await self._guard(scan, step)
            case DecideStop() | lifecycle.Finish() | lifecycle.EndAttempt() | lifecycle.Retry():
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
            case DecideStop(reason):
                return await self._write(scan, progress.stopping(scan, reason, clock.now()))
            case lifecycle.Finish(phase, reason):
                return await attempts.finish(self.world, scan, phase, reason)
            case lifecycle.EndAttempt(reason):
                return await attempts.end(self.world, scan, self.pool_of(), reason)
            case lifecycle.Retry() if progress.may_requeue(scan):
                return await attempts.retry(self.world, scan)
            case lifecycle.Retry():
                return _LAST_WAIT

    async def _remote_step(self, scan: NessusScan, step: Step, watch: ScannerWatch) -> Outcome:
        match step:
            case lifecycle.Claim():
                return await launch.claim(self.world, scan, watch, self.quiet)
            case lifecycle.MarkLaunch():
                return await launch.mark(self.world, scan, self.quiet)
            case lifecycle.Launch():
                return await launch.launch(self.world, scan, watch, self.quiet)
            case lifecycle.Collect():
                return await self._collect(scan, step, watch)
        listed = watch.listing.time if watch.listing else None
        if self._looked == (type(step), listed):  # once for each list is enough
            await self._rest(scan, watch)
            return None
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
                if not lifecycle.found([details.scan], remote.token, scan_id):
                    raise NotFound("the scan is in the trash, or its id is another's now")
                await self._write(scan, progress.polled(scan, details, clock.now()))
        return None

    async def _collect(
        self, scan: NessusScan, step: lifecycle.Collect, watch: ScannerWatch
    ) -> Outcome:
        self._collecting = True
        try:
            return await collect(self.world, scan, watch, self.pool_of(), step.phase, step.reason)
        except StorageFailed as error:
            log.error("Results not written", error=str(error), seconds=self._wait)
            return await self._wait_for_storage(scan)
        finally:
            self._collecting = False

    async def _wait_for_storage(self, scan: NessusScan) -> Outcome:
        """The report is still on the scanner, so a full volume costs time only.

        To the deadline; a scan that was stopped keeps its own end, which comes without results
        when the time for clean-up is over.
        """
        await self._say(scan, progress.unstored(scan, clock.now()), Reason.STORE_FAILED)
        wait, self._wait = self._wait, min(self._wait * 2, _LAST_WAIT)
        return wait

    async def _rest(self, scan: NessusScan, watch: ScannerWatch | None) -> None:
        """Wait for news; a running scan says so where its scanner is in trouble."""
        if watch and watch.trouble and scan.phase is Phase.RUNNING and not scan.status.stop:
            await self._say_waiting(scan, watch.trouble)

    async def _say_waiting(self, scan: NessusScan, trouble: str) -> None:
        await self._say(scan, progress.unreachable(scan, trouble), Reason.SCANNER_UNREACHABLE)

    async def _say(self, scan: NessusScan, new: ScanStatus, reason: Reason) -> None:
        """Why it waits: by its status, and by an Event when that is news."""
        if new is scan.status or not await self._write(scan, new):
            return
        told = self.world.recorder.record(
            scan, reason, new.message or "", action="Wait", type_="Warning"
        )
        self.world.in_background(told)

    def _next_step(self, scan: NessusScan) -> Step:
        watch = self.watch_of(scan.status.scanner_name)
        return lifecycle.next_step(scan, self._sight(scan, watch), clock.now())

    def _sight(self, scan: NessusScan, watch: ScannerWatch | None) -> Sight:
        pool = self.pool_of()
        listing = watch.listing if watch else None
        remote = scan.status.remote
        stop, line = scan.status.stop, None
        if listing and remote and remote.scan_id is not None:
            line = lifecycle.found(listing.scans, remote.token, remote.scan_id)
        return Sight(
            pool_going=pool is None or pool.metadata.deleting,
            pool_deletion_time=pool.metadata.deletion_timestamp if pool else None,
            draining=pool is not None and pool.spec.stop_policy is StopPolicy.HOLD_AND_DRAIN,
            scope_refused=self._scope_refused(scan, pool),
            scanner_known=watch is not None,
            remote=line,
            listed=listing is not None,
            listed_since_stop=not (listing and stop) or listing.time > stop.time,
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
        again = self._wait > _FIRST_WAIT
        self._back_off()
        if scan.phase is not Phase.RUNNING or scan.status.stop:
            return
        claimed = scan.status.remote is not None and scan.status.remote.scan_id is not None
        match error:
            case NotFound() if claimed:
                await attempts.end(self.world, scan, self.pool_of(), Reason.REMOTE_SCAN_LOST)
            case NotLicensed():
                await attempts.not_licensed(self.world, scan)
            case Rejected():
                reason = Reason.SCANNER_REJECTED
                await attempts.finish(self.world, scan, Phase.FAILED, reason, str(error))
            case Unavailable() | Unauthorized():
                await self._say_trouble(scan, error, again=again)

    async def _say_trouble(self, scan: NessusScan, error: Fault, *, again: bool) -> None:
        """A scanner that answers all else may still not do what this scan needs."""
        watch = self.watch_of(scan.status.scanner_name)
        trouble = watch.trouble if watch else None
        if watch and trouble is None and watch.said(error):
            if isinstance(error, Denied):
                trouble = "denies our account a right"
            elif isinstance(error, Unauthorized):
                trouble = LOGIN_REFUSED
            elif again and isinstance(self._step_taken, lifecycle.Collect):
                trouble = "does not hand out the report"
            elif again:
                trouble = "does not do what it is asked"
        if trouble:
            await self._say_waiting(scan, trouble)

    def _back_off(self) -> None:
        """Not again at once; each time longer, until something goes well."""
        self._later(self._wait)
        self._wait = min(self._wait * 2, _LAST_WAIT)

    def _later(self, seconds: float) -> None:
        self.not_before = clock.monotonic() + seconds


def _asks_scanner(step: Step) -> bool:
    return isinstance(step, lifecycle.Remote | lifecycle.CleanUp)
