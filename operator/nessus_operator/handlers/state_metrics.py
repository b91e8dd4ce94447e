"""Gauges of what is in the cluster now, counted from the stores at each scrape: never stale."""

from collections import Counter as Tally
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Protocol

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from nessus_operator.api.pool import CircuitState, ScannerPool
from nessus_operator.api.scan import NessusScan
from nessus_operator.api.transitions import Phase
from nessus_operator.clients import clock
from nessus_operator.core.attention import FinishedScan
from nessus_operator.handlers.metrics import instance

_CIRCUIT_VALUES = {CircuitState.CLOSED: 0, CircuitState.OPEN: 1, CircuitState.HALF_OPEN: 2}


class Scans(Protocol):
    def __iter__(self) -> Iterator[NessusScan | FinishedScan]: ...


class StateCollector(Collector):
    """All from one snapshot; nothing unless `leading`, so that a sum counts no scan twice."""

    def __init__(
        self, scans: Scans, pools: Iterable[ScannerPool], leading: Callable[[], bool]
    ) -> None:
        self._scans = scans
        self._pools = pools
        self._leading = leading

    def collect(self) -> Iterator[GaugeMetricFamily]:
        if not self._leading():
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
    labels = ("resource_namespace", "scanner_instance")
    up = _family("nessus_scanner_up", "Whether it takes scans, as of the last probe.", *labels)
    active = _family("nessus_scanner_active_scans", "Slots that are taken.", *labels)
    capacity = _family("nessus_scanner_capacity", "Slots.", *labels)
    percent = _family("nessus_scanner_utilization_pct", "Share of slots taken, 0 to 100.", *labels)
    circuit = _family("nessus_circuit_state", "0 closed, 1 open, 2 half-open.", *labels)
    more = ("pool", "scanner_type", "version")
    info = _family("nessus_scanner_info", "What the scanner is.", *labels, *more)
    for pool in pools:
        for scanner in pool.status.scanners:
            place = pool.metadata.namespace, instance(pool.metadata.name, scanner.name)
            up.add_metric(place, scanner.ready)
            active.add_metric(place, scanner.active)
            capacity.add_metric(place, scanner.capacity)
            share = 100 * scanner.active / scanner.capacity if scanner.capacity else 0
            percent.add_metric(place, share)
            circuit.add_metric(place, _CIRCUIT_VALUES[scanner.circuit.state])
            info.add_metric((*place, pool.metadata.name, "nessus", scanner.version or ""), 1)
    yield from (up, active, capacity, percent, circuit, info)


def _namespace(scan: NessusScan | FinishedScan) -> str:
    return scan.pool_key[0]


def _family(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, labels=labels)


def _by_pool(name: str, text: str, scans: Iterable[NessusScan | FinishedScan]) -> GaugeMetricFamily:
    family = _family(name, text, "resource_namespace", "pool")
    for key, count in Tally(scan.pool_key for scan in scans).items():
        family.add_metric(key, count)
    return family
