"""Which scans the operator must keep an eye on; of the others a slim row is enough."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nessus_operator.api.scan import NessusScan
from nessus_operator.api.transitions import RETRYABLE, Phase
from nessus_operator.core import retries


@dataclass(frozen=True, slots=True)
class FinishedScan:
    """An ended scan of which nothing is left on a scanner and nothing is asked."""

    namespace: str
    name: str
    uid: str
    pool: str
    phase: Phase
    completion_time: datetime | None

    @property
    def pool_key(self) -> tuple[str, str]:
        return self.namespace, self.pool


def needs_attention(scan: NessusScan) -> bool:
    asked = scan.phase in RETRYABLE and retries.wants_manual_retry(scan)
    return scan.active or scan.finalized or bool(scan.status.remote_cleanups) or asked


def parse(body: dict[str, Any]) -> NessusScan | FinishedScan:
    """An object of the API server, whole or slim."""
    scan = NessusScan.from_object(body)
    if scan.phase is None or needs_attention(scan):
        return scan
    return FinishedScan(
        namespace=scan.metadata.namespace,
        name=scan.metadata.name,
        uid=scan.metadata.uid,
        pool=scan.spec.pool_ref.name,
        phase=scan.phase,
        completion_time=scan.status.completion_time,
    )
