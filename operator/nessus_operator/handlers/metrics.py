"""The operator's own metrics; gauges of cluster state are counted from the stores at scrape."""

from collections import Counter as Tally
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Protocol

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from nessus_operator.api.pool import CircuitState, ScannerPool
from nessus_operator.api.reasons import MEANINGS, Reason
from nessus_operator.api.scan import NessusScan, ScanType
from nessus_operator.api.transitions import TERMINAL, Phase
from nessus_operator.clients import clock
from nessus_operator.clients.metrics import CALL_SECONDS, SharedMetrics
from nessus_operator.core.attention import FinishedScan

_TASK_SECONDS = (60, 300, 600, 1800, 3600, 7200, 14400, 28800, 43200, 86400)
_WAIT_SECONDS = (1, 5, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 86400)
_CIRCUIT_VALUES = {CircuitState.CLOSED: 0, CircuitState.OPEN: 1, CircuitState.HALF_OPEN: 2}
_SCAN_TYPES = {
    ScanType.UNTRUSTED: "untrusted",
    ScanType.AUTHENTICATED: "authenticated",
    ScanType.AUTHENTICATED_PRIVILEGED: "authenticated_privileged",
}
SEVERITIES = ("critical", "high", "medium", "low", "info")


class OperatorMetrics(SharedMetrics):
    def __init__(self) -> None:
        super().__init__("operator")
        registry = self.registry
        self.finished = Counter(
            "nessus_scans_total",
            "Scans that reached an end.",
            ("scan_type", "status"),
            registry=registry,
        )
        for scan_type in _SCAN_TYPES.values():
            for phase in TERMINAL:
                self.finished.labels(scan_type, phase.lower())
        self.failures = Counter(
            "nessus_scan_failures_total",
            "Scans that failed or timed out, by cause.",
            ("pool", "scan_type", "reason", "fault"),
            registry=registry,
        )
        self.retries = Counter(
            "nessus_scan_retries_total",
            "New attempts.",
            ("pool", "trigger"),
            registry=registry,
        )
        self.duration = Histogram(
            "nessus_task_duration_seconds",
            "Time of an attempt from admission to its end.",
            buckets=_TASK_SECONDS,
            registry=registry,
        )
        self.queue_wait = Histogram(
            "nessus_scan_queue_wait_seconds",
            "Time in the queue before admission.",
            ("resource_namespace", "pool"),
            buckets=_WAIT_SECONDS,
            registry=registry,
        )
        self.scanner_requests = Histogram(
            "nessus_scanner_request_duration_seconds",
            "Time of a request to a scanner.",
            ("scanner_instance", "operation", "outcome"),
            buckets=CALL_SECONDS,
            registry=registry,
        )
        self.scanner_up = Gauge(
            "nessus_scanner_up",
            "Whether the last probe found the scanner usable.",
            ("scanner_instance",),
            registry=registry,
        )
        self.circuit_failures = Counter(
            "nessus_circuit_failures_total",
            "Failures that a circuit breaker counted.",
            ("scanner_instance",),
            registry=registry,
        )
        self.circuit_opens = Counter(
            "nessus_circuit_opens_total",
            "Times that a circuit breaker opened.",
            ("scanner_instance",),
            registry=registry,
        )
        self.rejected_calls = Counter(
            "nessus_scanner_requests_rejected_total",
            "Calls that an open circuit breaker refused.",
            ("scanner_instance",),
            registry=registry,
        )
        self.ingested_bytes = Counter(
            "nessus_results_ingested_bytes_total",
            "Bytes of reports that were stored.",
            ("pool",),
            registry=registry,
        )
        self.findings = Counter(
            "nessus_results_findings_total",
            "Findings that were stored.",
            ("pool", "severity"),
            registry=registry,
        )
        self.ingest_seconds = Histogram(
            "nessus_results_ingest_duration_seconds",
            "Time to download and to store a report.",
            ("stage",),
            buckets=CALL_SECONDS,
            registry=registry,
        )
        self.validations = Counter(
            "nessus_validation_total",
            "Reports that were judged.",
            ("pool", "result"),
            registry=registry,
        )
        self.abandoned = Counter(
            "nessus_orphaned_remote_scans_total",
            "Remote scans that could not be removed in time.",
            ("pool",),
            registry=registry,
        )
        self.active = Gauge(
            "nessus_operator_active", "1 while this replica leads.", registry=registry
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


class Scans(Protocol):
    def __iter__(self) -> Iterator[NessusScan | FinishedScan]: ...


class StateCollector(Collector):
    """Gauges of what is in the cluster now, from one snapshot a scrape; empty unless leading."""

    def __init__(self, scans: Scans, pools: Iterable[ScannerPool], active: Gauge) -> None:
        self._scans = scans
        self._pools = pools
        self._active = active

    def collect(self) -> Iterator[GaugeMetricFamily]:
        if not self._active._value.get():
            return
        scans, pools = list(self._scans), list(self._pools)
        now = clock.now()
        yield from _scan_gauges(scans, now)
        yield from _pool_gauges(pools)
        yield from _scanner_gauges(pools)


def _scan_gauges(
    scans: list[NessusScan | FinishedScan], now: datetime
) -> Iterator[GaugeMetricFamily]:
    objects = _family("nessus_scan_objects", "Scans by phase.", "resource_namespace", "phase")
    phases = Tally((_namespace(scan), str(scan.phase or Phase.QUEUED)) for scan in scans)
    for labels, count in phases.items():
        objects.add_metric(labels, count)
    yield objects
    running = sum(scan.phase is Phase.RUNNING for scan in scans)
    yield GaugeMetricFamily("nessus_active_scans", "Scans that run.", value=running)
    waiting = [s for s in scans if isinstance(s, NessusScan) and s.phase in (None, Phase.QUEUED)]
    dead = [s for s in scans if s.phase in (Phase.FAILED, Phase.TIMEOUT)]
    depth = _family("nessus_queue_depth", "Scans that wait, and dead letters.", "queue")
    depth.add_metric(("main",), len(waiting))
    depth.add_metric(("dead",), len(dead))
    yield depth
    yield GaugeMetricFamily("nessus_dlq_size", "Failed and timed out scans.", value=len(dead))
    yield _by_pool("nessus_pool_queue_depth", "Scans that wait.", waiting)
    yield _by_pool("nessus_pool_dlq_depth", "Failed and timed out scans.", dead)
    oldest = _family(
        "nessus_scan_oldest_queued_seconds", "Longest wait now.", "resource_namespace", "pool"
    )
    ages: dict[tuple[str, str], float] = {}
    for scan in waiting:
        since = scan.status.queue_time or scan.metadata.creation_timestamp or now
        seconds = (now - since).total_seconds()
        ages[scan.pool_key] = max(ages.get(scan.pool_key, 0.0), seconds)
    for labels, seconds in ages.items():
        oldest.add_metric(labels, seconds)
    yield oldest


def _pool_gauges(pools: list[ScannerPool]) -> Iterator[GaugeMetricFamily]:
    labels = ("resource_namespace", "pool")
    capacity = _family("nessus_pool_capacity", "Slots of all ready scanners.", *labels)
    active = _family("nessus_pool_active_scans", "Slots that are taken.", *labels)
    scanners = _family("nessus_pool_scanners", "Scanners.", *labels)
    ready = _family("nessus_pool_ready_scanners", "Scanners that take scans.", *labels)
    for pool in pools:
        capacity.add_metric(pool.key, pool.status.capacity or 0)
        active.add_metric(pool.key, pool.status.active or 0)
        scanners.add_metric(pool.key, len(pool.spec.scanners))
        ready.add_metric(pool.key, sum(scanner.ready for scanner in pool.status.scanners))
    yield from (capacity, active, scanners, ready)
    total = sum(pool.status.capacity or 0 for pool in pools)
    taken = sum(pool.status.active or 0 for pool in pools)
    yield GaugeMetricFamily("nessus_pool_total_capacity", "Slots of all pools.", value=total)
    yield GaugeMetricFamily("nessus_pool_total_active", "Slots taken in all pools.", value=taken)


def _scanner_gauges(pools: list[ScannerPool]) -> Iterator[GaugeMetricFamily]:
    label = "scanner_instance"
    active = _family("nessus_scanner_active_scans", "Slots that are taken.", label)
    capacity = _family("nessus_scanner_capacity", "Slots.", label)
    percent = _family("nessus_scanner_utilization_pct", "Share of slots taken, 0 to 100.", label)
    circuit = _family("nessus_circuit_state", "0 closed, 1 open, 2 half-open.", label)
    info = _family(
        "nessus_scanner_info",
        "What the scanner is.",
        label,
        "pool",
        "resource_namespace",
        "scanner_type",
        "version",
    )
    for pool in pools:
        for scanner in pool.status.scanners:
            name = instance(pool.metadata.name, scanner.name)
            active.add_metric((name,), scanner.active)
            capacity.add_metric((name,), scanner.capacity)
            share = 100 * scanner.active / scanner.capacity if scanner.capacity else 0
            percent.add_metric((name,), share)
            circuit.add_metric((name,), _CIRCUIT_VALUES[scanner.circuit.state])
            place = (name, pool.metadata.name, pool.metadata.namespace)
            info.add_metric((*place, "nessus", scanner.version or ""), 1)
    yield from (active, capacity, percent, circuit, info)


def instance(pool: str, scanner: str) -> str:
    """The `scanner_instance` label."""
    return f"{pool}:{scanner}"


def _namespace(scan: NessusScan | FinishedScan) -> str:
    return scan.pool_key[0]


def _family(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, labels=labels)


def _by_pool(name: str, text: str, scans: Iterable[NessusScan | FinishedScan]) -> GaugeMetricFamily:
    family = _family(name, text, "resource_namespace", "pool")
    for key, count in Tally(scan.pool_key for scan in scans).items():
        family.add_metric(key, count)
    return family
