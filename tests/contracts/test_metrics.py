"""What the processes expose is what config/monitoring/metrics.yaml says, and no more."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry
from tests.builders import make_pool, make_scan

from nessus_gateway.metrics import GatewayMetrics
from nessus_operator.api.pool import Circuit, PoolStatus, ScannerStatus
from nessus_operator.api.scan import ScanStatus
from nessus_operator.api.transitions import Phase
from nessus_operator.clients.metrics import SharedMetrics
from nessus_operator.handlers.metrics import OperatorMetrics
from nessus_operator.handlers.state_metrics import StateCollector

TABLE = Path(__file__).parents[2] / "config/monitoring/metrics.yaml"
SUFFIXES = ("_total", "_bucket", "_count", "_sum", "_info")
LIBRARY = ("process_cpu_seconds", "process_open_fds", "process_max_fds", "process_start_time",
           "process_resident_memory", "process_virtual_memory", "python_")  # fmt: skip
NOW = datetime(2026, 1, 1, tzinfo=UTC)

Row = dict[str, Any]


def table() -> list[Row]:
    rows: list[Row] = yaml.safe_load(TABLE.read_text())
    return rows


def disagreements(rows: list[Row], process: str, registry: CollectorRegistry) -> list[str]:
    """Names, types and labels that the table and a registry see differently."""
    exposed = {
        family.name: family for family in registry.collect() if not family.name.startswith(LIBRARY)
    }
    emitted = {
        row["name"].removesuffix("_total"): row for row in rows if process in row.get("emitted", [])
    }
    found = [f"{name} is exposed, not in the table" for name in exposed.keys() - emitted.keys()]
    found += [f"{name} is in the table, not exposed" for name in emitted.keys() - exposed.keys()]
    for name in exposed.keys() & emitted.keys():
        row, family = emitted[name], exposed[name]
        if family.type != row["type"]:
            found.append(f"{name} is a {family.type}, the table says {row['type']}")
        for sample in family.samples:
            if set(sample.labels) - {"le"} != set(row["labels"]):
                found.append(f"{name} has labels {sorted(sample.labels)}")
                break
    return sorted(found)


def operator_registry() -> CollectorRegistry:
    metrics = OperatorMetrics()
    scanner = ScannerStatus(name="scanner1", circuit=Circuit())
    pool = make_pool().but(status=PoolStatus(scanners=(scanner,)))
    scans = [make_scan(status=ScanStatus(phase=phase)) for phase in (None, *Phase)]
    metrics.registry.register(StateCollector(scans, [pool], lambda: True))
    touch(metrics)
    return metrics.registry


def gateway_registry() -> CollectorRegistry:
    metrics = GatewayMetrics(("list_tasks",), ("brief",))
    touch(metrics)
    return metrics.registry


def touch(metrics: SharedMetrics) -> None:
    """Some series that only work would bring."""
    metrics.observe_kube("get", "nessusscans", "200", 0.1)
    metrics.watched("/apis/nessus-operator.dev/v1alpha1/nessusscans", None)


REGISTRIES = {"operator": operator_registry, "gateway": gateway_registry}


@pytest.mark.parametrize("process", REGISTRIES)
def test_table_and_process_agree(process: str) -> None:
    assert disagreements(table(), process, REGISTRIES[process]()) == []


def test_every_row_is_emitted_or_planned() -> None:
    for row in table():
        emitted, planned = set(row.get("emitted", [])), set(row.get("planned", {}))
        assert emitted | planned, row["name"]
        assert not emitted & planned, row["name"]


PLANTED = {
    "a metric that the table misses": lambda rows: rows[1:],
    "a metric that nobody emits": lambda rows: [
        *rows, {"name": "nessus_ghosts", "type": "gauge", "labels": [], "emitted": ["operator"]}
    ],
    "another type": lambda rows: [{**rows[0], "type": "gauge"}, *rows[1:]],
    "another label": lambda rows: [{**rows[0], "labels": ["scan_name"]}, *rows[1:]],
}  # fmt: skip


@pytest.mark.parametrize("plant", PLANTED.values(), ids=PLANTED)
def test_a_planted_fault_is_found(plant: Any) -> None:
    assert disagreements(plant(table()), "operator", operator_registry())
