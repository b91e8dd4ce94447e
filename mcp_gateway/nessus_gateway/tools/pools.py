"""The pools a scan can be sent to, and their scanners."""

from typing import Any

from nessus_gateway import submission, views
from nessus_gateway.calls import Call, CurrentCall
from nessus_gateway.errors import Refused
from nessus_gateway.submission import Place
from nessus_gateway.tools.parameters import ScannerPoolName
from nessus_operator.api.pool import ScannerPool

_SHOWN = 200  # rows; a pool has at most 64 scanners


async def list_pools(call: CurrentCall) -> dict[str, Any]:
    """List the scanner pools that you may use; default_pool takes scans that name none.

    default_pool is null where you have to name one.
    """
    pools = await call.pools()
    return {"pools": [call.label(pool) for pool in pools], "default_pool": _default(call, pools)}


async def list_scanners(call: CurrentCall, scanner_pool: ScannerPoolName = None) -> dict[str, Any]:
    """List scanners with their load and health; those of one pool where it is named.

    ready says whether a scanner takes scans now, reason and message why not. Slots are shared by
    all who use the pool. Where truncated is true, name a pool to see the rest.
    """
    pools = await call.pools()
    if scanner_pool:
        pools = [_named(call, pools, scanner_pool)]
    scanners = [row for pool in pools for row in _rows(call, pool)]
    labels = [call.label(pool) for pool in pools]
    shown = {"scanners": scanners[:_SHOWN], "total": len(scanners), "pools": labels}
    return shown | ({"truncated": True} if len(scanners) > _SHOWN else {})


def _default(call: Call, pools: list[ScannerPool]) -> str | None:
    if call.home is None:
        return None
    there = [pool for pool in pools if pool.metadata.namespace == call.home]
    try:
        return call.label(submission.choose_pool(Place(call.home), there))
    except Refused:
        return None


def _named(call: Call, pools: list[ScannerPool], label: str) -> ScannerPool:
    place = submission.place(label, None, call.home)
    there = [pool for pool in pools if pool.metadata.namespace == place.namespace]
    return submission.choose_pool(place, there)


def _rows(call: Call, pool: ScannerPool) -> list[dict[str, Any]]:
    running = views.running_by_scanner(call.gateway.cluster.scans.in_group(pool.key))
    return views.scanner_rows(pool, running, call.home)
