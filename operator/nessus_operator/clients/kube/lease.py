"""Leadership by a Lease: of several replicas one leads, and knows when it no longer may write.

The kubernetes package has an elector, which does not fit: its first create fails on a type
check, a cut connection ends it while the elected code runs on, and a replica that was stopped
and continued takes itself for the leader for another whole deadline.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from nessus_operator.api.model import format_time
from nessus_operator.clients import clock
from nessus_operator.clients.errors import Conflict, Fault, NotFound
from nessus_operator.clients.kube import paths
from nessus_operator.clients.kube.requests import Kube, Object

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LeaseTerms:
    """Seconds, in the words of Kubernetes' own components."""

    duration: float = 15.0  # others wait this long after the last renewal they saw
    renew_deadline: float = 10.0  # who could not renew for this long has lost
    retry_period: float = 2.0


class LeadershipLost(Exception):
    """Another replica may lead now: exit, and start afresh."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What the Lease said, and since when it has said so by our own clock."""

    version: str
    holder: str
    since: float


def may_take(seen: Observation, identity: str, duration: float, now: float) -> bool:
    """Free, ours already, or not renewed for a whole duration before our own eyes."""
    return seen.holder in ("", identity) or now - seen.since >= duration


def _holder(lease: Object) -> str:
    return (lease.get("spec") or {}).get("holderIdentity") or ""


def body(
    namespace: str, name: str, holder: str, moment: datetime, duration: float, old: Object | None
) -> dict[str, Any]:
    """The Lease to write; a new holder, unlike no holder, counts as a transition."""
    spec = dict((old or {}).get("spec") or {})
    if holder and spec.get("holderIdentity") != holder:
        spec["leaseTransitions"] = spec.get("leaseTransitions", 0) + (old is not None)
        spec["acquireTime"] = format_time(moment)
    spec["holderIdentity"] = holder
    spec["leaseDurationSeconds"] = max(1, round(duration))
    spec["renewTime"] = format_time(moment)
    metadata: dict[str, Any] = {"namespace": namespace, "name": name}
    if old is not None:
        metadata["resourceVersion"] = old["metadata"]["resourceVersion"]
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": metadata,
        "spec": spec,
    }


class Lease:
    """Acquire, keep and release one Lease; ask `valid` before every write."""

    def __init__(
        self, kube: Kube, namespace: str, name: str, identity: str, terms: LeaseTerms
    ) -> None:
        self.identity = identity
        self._kube = kube
        self._namespace = namespace
        self._name = name
        self._terms = terms
        self._seen: Observation | None = None
        self._renewed = float("-inf")

    def valid(self) -> bool:
        """Nobody else can lead yet: the clock used goes on while a process is stopped."""
        return clock.monotonic() - self._renewed < self._terms.renew_deadline

    async def acquire(self) -> None:
        """Wait until we lead."""
        log.info("Waiting for leadership", lease=f"{self._namespace}/{self._name}")
        while True:
            if await self._try(self._take):
                log.info("Leads", identity=self.identity)
                return
            await asyncio.sleep(self._terms.retry_period)

    async def keep(self) -> None:
        """Renew until it fails for the renew deadline, or another holds it: LeadershipLost."""
        while True:
            await asyncio.sleep(self._terms.retry_period)
            if not await self._try(self._renew) and not self.valid():
                raise LeadershipLost(f"lease {self._namespace}/{self._name} was not renewed")

    async def release(self) -> None:
        """Let the next replica lead at once; does nothing where the lease is not ours."""
        if self._renewed == float("-inf"):
            return
        self._renewed = float("-inf")
        try:
            async with asyncio.timeout(self._terms.retry_period):
                lease = await self._kube.get(paths.leases(self._namespace, self._name))
                if _holder(lease) == self.identity:
                    await self._write(lease, "")
        except (Fault, TimeoutError) as error:
            log.warning("Lease not released", error=str(error) or "timeout")

    async def _try(self, write: Callable[[float], Awaitable[bool]]) -> bool:
        begun = clock.monotonic()
        try:
            async with asyncio.timeout(self._terms.retry_period):
                written = await write(begun)
        except (Fault, TimeoutError) as error:
            if not isinstance(error, Conflict):
                log.warning("Lease not reached", error=str(error) or "timeout")
            return False
        if written:
            self._renewed = begun
        return written

    async def _take(self, begun: float) -> bool:
        try:
            lease = await self._kube.get(paths.leases(self._namespace, self._name))
        except NotFound:
            await self._write(None, self.identity)
            return True
        self._observe(lease, begun)
        if not self._seen or not may_take(self._seen, self.identity, self._terms.duration, begun):
            return False
        await self._write(lease, self.identity)
        return True

    async def _renew(self, begun: float) -> bool:
        """Never take it back: whoever held it meanwhile did what we do not know of."""
        lease = await self._kube.get(paths.leases(self._namespace, self._name))
        if _holder(lease) != self.identity:
            self._renewed = float("-inf")
            by = _holder(lease) or "nobody"
            raise LeadershipLost(f"lease {self._namespace}/{self._name} is held by {by}")
        await self._write(lease, self.identity)
        return True

    def _observe(self, lease: Object, now: float) -> None:
        version = lease["metadata"]["resourceVersion"]
        if self._seen is None or self._seen.version != version:
            self._seen = Observation(version, _holder(lease), now)

    async def _write(self, old: Object | None, holder: str) -> None:
        moment, duration = clock.now(), self._terms.duration
        lease = body(self._namespace, self._name, holder, moment, duration, old)
        if old is None:
            await self._kube.create(paths.leases(self._namespace), lease)
        else:
            await self._kube.replace(paths.leases(self._namespace, self._name), lease)
