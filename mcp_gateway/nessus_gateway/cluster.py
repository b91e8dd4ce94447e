"""The cluster as the gateway knows it: a cache that a watch keeps fresh, and one way to write.

An answer comes from the cache while that is fresh. What it misses is asked for once, since another
replica may have made it a moment ago; how often, `Lookups` bounds for each caller.
"""

import asyncio
from collections.abc import Iterable
from typing import Any

import structlog

from nessus_gateway.errors import Busy, explained, out_of_sight
from nessus_gateway.lookups import Lookups
from nessus_operator.api.names import GROUP, POOLS, SCANS
from nessus_operator.api.pool import ScannerPool
from nessus_operator.api.scan import NessusScan
from nessus_operator.clients import clock
from nessus_operator.clients.errors import Fault, NotFound
from nessus_operator.clients.kube import paths
from nessus_operator.clients.kube.reflector import Reflector
from nessus_operator.clients.kube.requests import Kube, Object
from nessus_operator.clients.kube.rights import Right, missing
from nessus_operator.clients.kube.store import Store
from nessus_operator.clients.metrics import SharedMetrics

log = structlog.get_logger(__name__)

# Everything the gateway does; config/rbac/gateway.yaml grants exactly this.
RIGHTS = (
    Right(GROUP, SCANS, ("get", "list", "watch", "create")),
    Right(GROUP, POOLS, ("get", "list", "watch")),
)

_TRY_AGAIN_SECONDS = 2.0
_TERMINAL = frozenset(("Completed", "Failed", "Timeout", "Cancelled"))
_UNREAD = frozenset(("conditions", "attemptHistory", "remoteCleanups"))


def parse_scan(body: Object) -> NessusScan:
    """An ended scan without what no tool shows of it: that is half of its memory."""
    status = body.get("status") or {}
    if status.get("phase") in _TERMINAL:
        status = {name: value for name, value in status.items() if name not in _UNREAD}
    return NessusScan.from_object({**body, "status": status})


class Cluster:
    """Scans and pools of the served namespaces; none named: of all."""

    def __init__(self, kube: Kube, namespaces: tuple[str, ...], metrics: SharedMetrics) -> None:
        self.kube = kube
        self.scans: Store[NessusScan] = Store(parse_scan, group=lambda scan: scan.pool_key)
        self.pools: Store[ScannerPool] = Store(
            ScannerPool.from_object, group=lambda pool: (pool.metadata.namespace, "")
        )
        self.lacking: list[str] = ["rights not checked yet"]
        self.able = asyncio.Event()  # had every right and read every list once
        self._namespaces = namespaces
        self._lookups = Lookups()
        self._scan_reflectors = self._reflectors(paths.scans, self.scans, metrics)
        self._pool_reflectors = self._reflectors(paths.pools, self.pools, metrics)

    def _reflectors(self, path: Any, store: Store[Any], metrics: SharedMetrics) -> list[Reflector]:
        return [
            Reflector(self.kube, path(namespace), store.apply, report=metrics.watched)
            for namespace in self._namespaces or ("",)
        ]

    @property
    def reflectors(self) -> list[Reflector]:
        return self._scan_reflectors + self._pool_reflectors

    def in_sight(self) -> bool:
        """Scans and pools are as they are in the cache."""
        return _fresh(self.reflectors)

    def serves(self, namespace: str) -> bool:
        return not self._namespaces or namespace in self._namespaces

    def unsynced(self) -> list[str]:
        """Which lists were never read, or not heard of for too long, and why."""
        return [problem for reflector in self.reflectors if (problem := reflector.problem())]

    async def run(self) -> None:
        """Follow the cluster until cancelled."""
        async with asyncio.TaskGroup() as group:
            for reflector in self.reflectors:
                group.create_task(reflector.run())
            group.create_task(self._become_able())

    async def _become_able(self) -> None:
        """Until we have every right and have read every list; says once what is missing."""
        said = ""
        while True:
            try:
                self.lacking = await missing(self.kube, RIGHTS, self._namespaces)
            except Fault:
                self.lacking = ["rights not known: the API server does not answer"]
            problems = [*self.lacking, *self.unsynced()]
            if not problems:
                log.info("Ready", scans=len(self.scans), pools=len(self.pools))
                self.able.set()
                return
            if (text := "; ".join(problems)) != said:
                log.warning("Not ready", missing=problems)
                said = text
            await asyncio.sleep(_TRY_AGAIN_SECONDS)

    def all_scans(self) -> Iterable[NessusScan]:
        """Raises Unavailable rather than show an old state."""
        _ask_for(self._scan_reflectors, "scans")
        return self.scans

    def all_pools(self) -> Iterable[ScannerPool]:
        """Raises Unavailable rather than show an old state."""
        _ask_for(self._pool_reflectors, "scanner pools")
        return (pool for pool in self.pools if not pool.metadata.deleting)

    def pools_in(self, namespace: str) -> list[ScannerPool]:
        """Raises Unavailable rather than show an old state."""
        _ask_for(self._pool_reflectors, "scanner pools")
        return self.pools.in_group((namespace, ""))

    def pool_of(self, scan: NessusScan) -> ScannerPool | None:
        return self.pools.by_name(*scan.pool_key)

    def known_scan(self, namespace: str, name: str) -> NessusScan | None:
        """From the cache alone, while that is fresh."""
        return self.scans.by_name(namespace, name) if _fresh(self._scan_reflectors) else None

    async def find_scan(self, namespace: str, name: str, caller: str) -> NessusScan | None:
        """From the cache, else by one question; None where there is none."""
        known = self.known_scan(namespace, name)
        if known:
            return known
        body = await self._look_up(paths.scans(namespace, name), caller)
        return self._take(body) if body else None

    async def find_pool(self, namespace: str, name: str, caller: str) -> ScannerPool | None:
        """From the cache, else by one question; None where there is none."""
        if _fresh(self._pool_reflectors):
            known = self.pools.by_name(namespace, name)
            if known:
                return known
        body = await self._look_up(paths.pools(namespace, name), caller)
        if body is None:
            return None
        self.pools.apply("MODIFIED", body)
        return ScannerPool.from_object(body)

    async def _look_up(self, path: str, caller: str) -> Object | None:
        """Raises Busy or Unavailable."""
        wait = self._lookups.wait(caller, clock.monotonic())
        if wait:
            raise Busy("you asked for too many things that are not there", wait)
        try:
            return await self.kube.get(path)
        except NotFound:
            return None
        except Fault as fault:
            log.warning("Look-up failed", path=path, error=str(fault))
            raise explained(fault, "look it up") from fault

    async def ping(self) -> None:
        """The smallest question that needs our rights; raises a Fault."""
        await self.kube.get(paths.pools(next(iter(self._namespaces), "")), limit="1")

    async def create_scan(self, namespace: str, body: dict[str, Any]) -> NessusScan:
        """Raises a Fault; AlreadyExists where the name is taken."""
        return self._take(await self.kube.create(paths.scans(namespace), body))

    async def read_scan(self, namespace: str, name: str) -> NessusScan:
        """As the API server has it now; raises a Fault."""
        return self._take(await self.kube.get(paths.scans(namespace, name)))

    def _take(self, body: Object) -> NessusScan:
        """The cache knows at once what we were just told."""
        self.scans.apply("MODIFIED", body)
        return parse_scan(body)


def _fresh(reflectors: list[Reflector]) -> bool:
    return all(reflector.fresh() for reflector in reflectors)


def _ask_for(reflectors: list[Reflector], what: str) -> None:
    if not _fresh(reflectors):
        raise out_of_sight(what)
