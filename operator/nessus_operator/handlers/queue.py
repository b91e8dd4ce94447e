"""Take new scans into the queue, and let those begin that core admits."""

import asyncio
import secrets
import socket
from collections.abc import Awaitable, Iterable, Sequence

import structlog

from nessus_operator.api.pool import ScannerPool
from nessus_operator.api.reasons import Reason
from nessus_operator.api.scan import NessusScan, ScanStatus
from nessus_operator.clients import clock
from nessus_operator.core import admission, progress, scope, support, targets, tokens
from nessus_operator.core.admission import Snapshot, Start, Wait
from nessus_operator.core.scope import Refusal
from nessus_operator.core.targets import InvalidTarget
from nessus_operator.handlers import status
from nessus_operator.handlers.launch import Quiet
from nessus_operator.handlers.setbacks import Setbacks
from nessus_operator.handlers.world import World

log = structlog.get_logger(__name__)

NO_POOL = Wait(Reason.POOL_NOT_FOUND, "waiting: the pool does not exist or is being deleted")
_WRITES_AT_ONCE = 16
_REASONS_A_TICK = 200
_RESOLVE_SECONDS = 5.0


async def take_in(
    world: World, pool: ScannerPool | None, scans: Sequence[NessusScan], setbacks: Setbacks
) -> None:
    """The first visit of each scan that is new."""
    await _at_once(setbacks.guard(scan, _first_visit(world, pool, scan)) for scan in scans)


async def _first_visit(world: World, pool: ScannerPool | None, scan: NessusScan) -> None:
    now = clock.now()
    refusal = _never(world, pool, scan)
    if refusal:
        new = progress.impossible(scan, refusal.reason, refusal.message, now)
    else:
        wait = NO_POOL if pool is None else Wait(Reason.PENDING, "queued")
        new = progress.queued(scan, wait.reason, wait.message, now)
    await status.write(world, scan, new)


def _never(world: World, pool: ScannerPool | None, scan: NessusScan) -> Refusal | None:
    """Why a scan can never run, as far as that is known without asking anyone."""
    field = support.unsupported(scan)
    if field:
        message = f"{field} is not supported by this version; create the scan without it"
        return Refusal(Reason.NOT_SUPPORTED, message)
    if pool is not None:
        return _out_of_bounds(world, pool, scan, {})
    try:
        targets.parse_all(scan.spec.targets or ())
    except InvalidTarget as error:
        return Refusal(Reason.INVALID_TARGETS, f"target {error}")
    return None


def _out_of_bounds(
    world: World, pool: ScannerPool, scan: NessusScan, addresses: dict[str, tuple[str, ...]]
) -> Refusal | None:
    allowed = pool.spec.templates
    if allowed and scan.spec.template not in allowed:
        message = f"template {scan.spec.template} is not among the pool's: {', '.join(allowed)}"
        return Refusal(Reason.SCOPE_DENIED, message)
    rules = scope.rules(pool.spec.scope, world.settings.cluster_ranges)
    return scope.judge(scan.spec.targets or (), rules, addresses)


async def admit(
    world: World,
    snapshot: Snapshot,
    queue: list[NessusScan],
    active: list[NessusScan],
    quiet: Quiet,
    setbacks: Setbacks,
) -> None:
    """Admissions first; then the reasons that changed, so many at a time."""
    verdicts = admission.admit(queue, active, snapshot)
    starts = [(scan, verdict) for scan, verdict in verdicts if isinstance(verdict, Start)]
    await _at_once(
        setbacks.guard(scan, _start(world, snapshot.pool, scan, start, quiet))
        for scan, start in starts
    )
    waits = [(scan, wait) for scan, wait in verdicts if isinstance(wait, Wait)]
    await let_wait(world, waits, setbacks)


async def let_wait(
    world: World, verdicts: Iterable[tuple[NessusScan, Wait]], setbacks: Setbacks
) -> None:
    """Write why each scan waits, where that changed."""
    changed: list[tuple[NessusScan, ScanStatus]] = []
    for scan, wait in verdicts:
        new = progress.waiting(scan, wait.reason, wait.message, clock.now())
        if new is not scan.status:
            changed.append((scan, new))
    await _at_once(
        setbacks.guard(scan, status.write(world, scan, new))
        for scan, new in changed[:_REASONS_A_TICK]
    )


async def _start(
    world: World, pool: ScannerPool, scan: NessusScan, start: Start, quiet: Quiet
) -> None:
    """It is judged once more: on the pool of now, as it is now, and with its names resolved."""
    refusal = _never(world, pool, scan)
    if refusal is None:
        addresses = await _resolve(scan.spec.targets or ())
        refusal = _out_of_bounds(world, pool, scan, addresses)
    if refusal:
        new = progress.refused(scan, refusal.reason, refusal.message, clock.now())
        await status.write(world, scan, new)
        return
    token = tokens.new_token(scan.metadata.uid, scan.status.attempt or 1, secrets.token_hex(4))
    generation = pool.metadata.generation
    new = progress.admitted(scan, start.scanner, token, generation, clock.now())
    if await status.write(world, scan, new):
        quiet.never_asked("create", token)


async def _resolve(texts: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """What host names among the targets resolve to here; those that do not are left out."""
    names = [target.host_name for target in targets.parse_all(texts) if target.host_name]
    loop = asyncio.get_running_loop()
    found: dict[str, tuple[str, ...]] = {}
    for name in names:
        try:
            async with asyncio.timeout(_RESOLVE_SECONDS):
                answers = await loop.getaddrinfo(name, None, type=socket.SOCK_STREAM)
        except (OSError, TimeoutError):
            continue
        found[name] = tuple({str(answer[4][0]) for answer in answers})
    return found


async def _at_once(work: Iterable[Awaitable[object]]) -> None:
    """All of it, so many at a time; the first fault is raised when all are through."""
    gate = asyncio.Semaphore(_WRITES_AT_ONCE)

    async def one(item: Awaitable[object]) -> None:
        async with gate:
            await item

    results = await asyncio.gather(*(one(item) for item in work), return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
