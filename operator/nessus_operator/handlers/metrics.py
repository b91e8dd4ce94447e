"""The operator's own counters and histograms, in groups by what they tell of."""

from collections.abc import Sequence
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from nessus_operator.api.reasons import MEANINGS, Reason
from nessus_operator.api.scan import NessusScan, ScanType
from nessus_operator.api.transitions import TERMINAL, Phase
from nessus_operator.clients.metrics import CALL_SECONDS, SharedMetrics

_TASK_SECONDS = (60, 300, 600, 1800, 3600, 7200, 14400, 28800, 43200, 86400)
_WAIT_SECONDS = (1, 5, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 86400)
_SCAN_TYPES = {
    ScanType.UNTRUSTED: "untrusted",
    ScanType.AUTHENTICATED: "authenticated",
    ScanType.AUTHENTICATED_PRIVILEGED: "authenticated_privileged",
}


class _Group:
    """Makes instruments of one registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self._registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, labels, registry=self._registry)

    def _histogram(
        self, name: str, text: str, *labels: str, buckets: Sequence[float] = CALL_SECONDS
    ) -> Histogram:
        return Histogram(name, text, labels, buckets=buckets, registry=self._registry)


class ScanMetrics(_Group):
    """How scans come, wait, run and end."""

    def __init__(self, registry: CollectorRegistry) -> None:
        super().__init__(registry)
        self.finished = self._counter(
            "nessus_scans_total", "Scans that reached an end.", "scan_type", "status"
        )
        for scan_type in _SCAN_TYPES.values():
            for phase in TERMINAL:
                self.finished.labels(scan_type, phase.lower())
        self.failures = self._counter(
            "nessus_scan_failures_total",
            "Scans that failed or timed out, by cause.",
            "pool",
            "scan_type",
            "reason",
            "fault",
        )
        self.retries = self._counter(
            "nessus_scan_retries_total", "New attempts.", "pool", "trigger"
        )
        self.duration = self._histogram(
            "nessus_task_duration_seconds",
            "Time of an attempt from admission to its end.",
            buckets=_TASK_SECONDS,
        )
        self.queue_wait = self._histogram(
            "nessus_scan_queue_wait_seconds",
            "Time in the queue before admission.",
            "resource_namespace",
            "pool",
            buckets=_WAIT_SECONDS,
        )
        self.abandoned = self._counter(
            "nessus_orphaned_remote_scans_total",
            "Remote scans that could not be removed in time.",
            "pool",
        )

    def count_end(self, scan: NessusScan, reason: str, now: datetime) -> None:
        """A scan reached a terminal phase, which `scan` has already."""
        phase, status = scan.phase, scan.status
        scan_type = _SCAN_TYPES[scan.spec.scan_type]
        self.finished.labels(scan_type, str(phase).lower()).inc()
        if status.start_time:
            self.duration.observe((now - status.start_time).total_seconds())
        if phase in (Phase.FAILED, Phase.TIMEOUT):
            meaning = MEANINGS[Reason(reason)]
            fault = (meaning.fault or "Platform").lower()
            cause = meaning.metric or "internal"
            self.failures.labels(scan.spec.pool_ref.name, scan_type, cause, fault).inc()


class ScannerMetrics(_Group):
    """How scanners answer; `scanner_instance` is pool:scanner, which two namespaces may have."""

    def __init__(self, registry: CollectorRegistry) -> None:
        super().__init__(registry)
        labels = ("resource_namespace", "scanner_instance")
        self.requests = self._histogram(
            "nessus_scanner_request_duration_seconds",
            "Time of a request to a scanner.",
            *labels,
            "operation",
            "outcome",
        )
        self.circuit_failures = self._counter(
            "nessus_circuit_failures_total", "Failures that a circuit breaker counted.", *labels
        )
        self.circuit_opens = self._counter(
            "nessus_circuit_opens_total", "Times that a circuit breaker opened.", *labels
        )
        self.rejected = self._counter(
            "nessus_scanner_requests_rejected_total",
            "Calls that an open circuit breaker refused.",
            *labels,
        )


class ResultMetrics(_Group):
    """What reports bring."""

    def __init__(self, registry: CollectorRegistry) -> None:
        super().__init__(registry)
        self.bytes = self._counter(
            "nessus_results_ingested_bytes_total", "Bytes of reports that were stored.", "pool"
        )
        self.findings = self._counter(
            "nessus_results_findings_total", "Findings that were stored.", "pool", "severity"
        )
        self.seconds = self._histogram(
            "nessus_results_ingest_duration_seconds",
            "Time to download and to store a report.",
            "stage",
        )
        self.validations = self._counter(
            "nessus_validation_total", "Reports that were judged.", "pool", "result"
        )
        self.validation_failures = self._counter(
            "nessus_validation_failures_total",
            "Reports that did not pass, by cause.",
            "pool",
            "reason",
        )


class OperatorMetrics(SharedMetrics):
    def __init__(self) -> None:
        super().__init__("operator")
        self.scans = ScanMetrics(self.registry)
        self.scanners = ScannerMetrics(self.registry)
        self.results = ResultMetrics(self.registry)
        self.active = Gauge(
            "nessus_operator_active", "1 while this replica leads.", registry=self.registry
        )


def instance(pool: str, scanner: str) -> str:
    """The `scanner_instance` label."""
    return f"{pool}:{scanner}"
