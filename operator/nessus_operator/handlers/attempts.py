"""How attempts end: in a terminal phase, or in the queue again."""

from nessus_operator.api.pool import ScannerPool
from nessus_operator.api.reasons import MEANINGS, Reason
from nessus_operator.api.scan import NessusScan
from nessus_operator.api.transitions import Phase
from nessus_operator.clients import clock
from nessus_operator.core import progress, retries
from nessus_operator.handlers import status
from nessus_operator.handlers.world import World


async def finish(
    world: World, scan: NessusScan, phase: Phase, reason: Reason, message: str | None = None
) -> NessusScan | None:
    """End it without results; None when the scan changed meanwhile."""
    text = message or MEANINGS[reason].sentence
    new = progress.finished(scan, phase, reason, text, clock.now())
    return await status.write(world, scan, new)


async def end(
    world: World,
    scan: NessusScan,
    pool: ScannerPool | None,
    reason: Reason,
    message: str | None = None,
) -> NessusScan | None:
    """A fault ended it: queue again where that can help, else fail."""
    limit = pool.spec.backoff_limit if pool else 0
    again = retries.after_fault(scan, reason, limit, clock.now())
    if again is None or not progress.may_requeue(scan):
        return await finish(world, scan, Phase.FAILED, reason, message)
    new = progress.requeued(
        scan,
        reason,
        message or MEANINGS[reason].sentence,
        clock.now(),
        next_attempt_time=again.time,
        platform_failures=again.failures,
    )
    return await status.write(world, scan, new)


async def retry(world: World, scan: NessusScan) -> NessusScan | None:
    """A person asked for one more, which counts no earlier fault of the platform."""
    new = progress.requeued(
        scan,
        Reason.PENDING,
        "queued again by spec.manualRetries",
        clock.now(),
        next_attempt_time=None,
        platform_failures=0,
    )
    return await status.write(world, scan, new)


async def not_licensed(world: World, scan: NessusScan) -> NessusScan | None:
    """Back to the queue, where it waits with ScanAPIClosed; no fault of the platform."""
    if not progress.may_requeue(scan):
        return None
    new = progress.requeued(
        scan,
        Reason.SCAN_API_CLOSED,
        MEANINGS[Reason.SCAN_API_CLOSED].sentence,
        clock.now(),
        next_attempt_time=None,
        platform_failures=scan.status.platform_failures or 0,
    )
    return await status.write(world, scan, new)
