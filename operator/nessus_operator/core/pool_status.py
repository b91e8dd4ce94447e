"""What a pool tells of itself: its scanners, its queue, and whether it takes scans."""

from collections.abc import Iterable
from datetime import datetime

from nessus_operator.api.conditions import PoolCondition
from nessus_operator.api.pool import (
    ORPHANS_LIMIT,
    AuthType,
    Orphan,
    PoolStatus,
    ScannerPool,
    ScannerStatus,
)
from nessus_operator.api.reasons import Reason
from nessus_operator.core import conditions
from nessus_operator.core.conditions import Finding


def pool_status(
    pool: ScannerPool,
    scanners: tuple[ScannerStatus, ...],
    *,
    queued: int,
    dead_letters: int,
    orphans: Iterable[Orphan],
    now: datetime,
) -> PoolStatus:
    ready = [scanner for scanner in scanners if scanner.ready]
    generation = pool.metadata.generation
    return PoolStatus(
        observed_generation=generation,
        conditions=conditions.apply(
            pool.status.conditions,
            (_ready(scanners), _web_session(pool), _tls(pool)),
            generation,
            now,
        ),
        capacity=sum(scanner.capacity for scanner in ready),
        active=sum(scanner.active for scanner in scanners),
        queued=queued,
        dead_letters=dead_letters,
        scanners=scanners,
        orphans=tuple(orphans)[-ORPHANS_LIMIT:],
    )


def _ready(scanners: tuple[ScannerStatus, ...]) -> Finding:
    ready = sum(scanner.ready for scanner in scanners)
    message = f"{ready} of {len(scanners)} scanners are ready"
    if ready:
        return Finding(PoolCondition.READY, "True", Reason.READY, message)
    first = next(iter(scanners), None)
    if first and first.message:
        message = f"{message}; {first.name}: {first.message}"
    return Finding(PoolCondition.READY, "False", Reason.NO_READY_SCANNER, message)


def _web_session(pool: ScannerPool) -> Finding:
    names = [s.name for s in pool.spec.scanners if s.auth.type is AuthType.WEB_SESSION]
    if names:
        return Finding(PoolCondition.USES_WEB_SESSION, "True", Reason.WEB_SESSION, names[0])
    return Finding(PoolCondition.USES_WEB_SESSION, "False", Reason.NOT_APPLICABLE)


def _tls(pool: ScannerPool) -> Finding:
    names = [
        scanner.name
        for scanner in pool.spec.scanners
        if scanner.tls.insecure_skip_verify or scanner.url.startswith("http://")
    ]
    if names:
        return Finding(PoolCondition.INSECURE_TLS, "True", Reason.INSECURE, names[0])
    return Finding(PoolCondition.INSECURE_TLS, "False", Reason.SECURE)
