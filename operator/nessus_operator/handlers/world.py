"""What every handler works with: the API server, the stores, the clock's owner, the metrics."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

from nessus_operator.api.pool import ScannerPool
from nessus_operator.api.scan import NessusScan
from nessus_operator.clients import clock
from nessus_operator.clients.kube.events import Recorder
from nessus_operator.clients.kube.lease import LeadershipLost, Lease
from nessus_operator.clients.kube.requests import Kube
from nessus_operator.clients.kube.store import Store
from nessus_operator.core.attention import FinishedScan
from nessus_operator.handlers.metrics import OperatorMetrics
from nessus_operator.settings import Settings


@dataclass
class World:
    settings: Settings
    kube: Kube
    scans: Store[NessusScan | FinishedScan]
    pools: Store[ScannerPool]
    lease: Lease
    recorder: Recorder
    metrics: OperatorMetrics
    began: float = field(default_factory=clock.monotonic)  # when this process began to lead
    _background: set[asyncio.Task[Any]] = field(default_factory=set)

    def scan(self, uid: str) -> NessusScan | None:
        """The newest version of a scan that needs attention."""
        seen = self.scans.by_uid(uid)
        return seen if isinstance(seen, NessusScan) else None

    def scans_of(self, pool: tuple[str, str]) -> list[NessusScan]:
        """A pool's scans that need attention."""
        return [scan for scan in self.scans.in_group(pool) if isinstance(scan, NessusScan)]

    def require_lead(self) -> None:
        """Asked before every write: raises LeadershipLost when another replica may lead."""
        if not self.lease.valid():
            raise LeadershipLost("the lease may be another's by now")

    def lease_reference(self) -> dict[str, str]:
        """Our Lease, as Events refer to an object: it outlives every namespace that we serve."""
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "namespace": self.settings.lease_namespace,
            "name": self.settings.lease_name,
        }

    def in_background(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something that nothing waits for."""
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
