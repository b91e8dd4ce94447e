"""What an operator tells of its work: metrics, health, log lines."""

from typing import Any

from tests.integration.operator.ground import Ground, ask, metrics
from tests.integration.operator.scenes import released
from tests.kube import path_of
from tests.running import OperatorProcess, Stage, eventually

from nessus_simulator.running import Simulator

PLACE = {"pool": "pool"}

# What one completed scan adds, under labels that tell of it.
COUNTED = {
    "nessus_scans_total": {"scan_type": "untrusted", "status": "completed"},
    "nessus_task_duration_seconds_count": {},
    "nessus_scan_queue_wait_seconds_count": PLACE,
    "nessus_validation_total": PLACE | {"result": "success"},
}


async def test_a_completed_scan_is_counted_once(
    ground: Ground, served: Stage, simulator: Simulator
) -> None:
    await served.create_pool(simulator.url)
    before = await metrics(ground.operator)
    await served.create_scan()
    await served.until("Completed")
    status = (await released(served, simulator))["status"]
    after = await metrics(ground.operator)

    def added(name: str, **labels: str) -> float:
        return after.value(name, **labels) - before.value(name, **labels)

    assert {name: added(name, **labels) for name, labels in COUNTED.items()} == dict.fromkeys(
        COUNTED, 1
    )
    results = status["results"]
    assert added("nessus_results_findings_total", **PLACE) == results["findings"]
    for severity, count in results["severities"].items():
        assert added("nessus_results_findings_total", **PLACE, severity=severity) == count
    assert added("nessus_results_ingested_bytes_total", **PLACE) == results["reportBytes"]
    for stage in ("download", "store"):
        assert added("nessus_results_ingest_duration_seconds_count", stage=stage) == 1
    launches = {"operation": "launch", "outcome": "ok", "scanner_instance": "pool:scanner1"}
    assert added("nessus_scanner_request_duration_seconds_count", **launches) == 1


async def test_gauges_follow_scans_and_scanners(
    ground: Ground, served: Stage, slow_simulator: Simulator
) -> None:
    await served.create_pool(slow_simulator.url)
    place = {"resource_namespace": served.namespace}
    await served.create_scan("running")
    await served.until("Running", "running")
    await served.create_scan("waiting", suspend=True)
    await served.until("Queued", "waiting")
    expected = {
        ("nessus_scan_objects", "phase", "Running"): 1,
        ("nessus_scan_objects", "phase", "Queued"): 1,
        ("nessus_pool_queue_depth", "pool", "pool"): 1,
        ("nessus_pool_active_scans", "pool", "pool"): 1,
        ("nessus_pool_ready_scanners", "pool", "pool"): 1,
        ("nessus_scanner_up", "scanner_instance", "pool:scanner1"): 1,
        ("nessus_scanner_active_scans", "scanner_instance", "pool:scanner1"): 1,
        ("nessus_circuit_state", "scanner_instance", "pool:scanner1"): 0,
        ("nessus_operator_active", "", ""): 1,
    }

    async def agree() -> bool:
        seen = await metrics(ground.operator)
        found = {
            (name, label, text): seen.value(name, **(place | {label: text} if label else {}))
            for name, label, text in expected
        }
        return found == expected

    await eventually(agree, "the gauges agree")


async def health(operator: OperatorProcess, path: str = "/health") -> tuple[int, dict[str, Any]]:
    answer = await ask(operator, path)
    return answer.status_code, answer.json()


async def test_leader_and_follower_are_both_ready_and_say_who_leads(
    stage: Stage, simulator: Simulator
) -> None:
    await stage.create_pool(simulator.url)
    leader = stage.start()

    async def leads() -> bool:
        code, body = await health(leader)
        checks = body["checks"]
        return (
            code == 200 and checks["kubernetes"]["leading"] and checks["scanners"]["available"] == 1
        )

    await eventually(leads, "the first replica leads, and its scanner is ready")
    follower = stage.start()

    async def follows() -> bool:
        code, body = await health(follower)
        return code == 200 and body["checks"]["kubernetes"]["leading"] is False

    await eventually(follows, "the second replica is ready and follows")
    for operator in (leader, follower):
        code, body = await health(operator)
        assert (code, body["component"], body["status"]) == (200, "operator", "healthy")
        assert body["checks"].keys() == {"kubernetes", "results", "scanners"}
        assert body["checks"]["results"]["status"] == "ok"
        for path in ("/health/ready", "/readyz", "/health/live", "/livez"):
            assert (await ask(operator, path)).status_code == 200, path
    active = [(await metrics(one)).value("nessus_operator_active") for one in (leader, follower)]
    assert active == [1, 0]


async def test_a_scan_can_be_followed_through_the_log_by_its_trace(
    ground: Ground, served: Stage, simulator: Simulator
) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    await served.create_pool(simulator.url)
    body = {
        "apiVersion": "nessus-operator.dev/v1alpha1",
        "kind": "NessusScan",
        "metadata": {
            "name": "scan",
            "annotations": {"nessus-operator.dev/traceparent": f"00-{trace}-b7ad6b7169203331-01"},
        },
        "spec": {
            "poolRef": {"name": "pool"},
            "scanType": "Untrusted",
            "targets": ["192.0.2.10"],
        },
    }
    await served.kube.create(path_of("nessusscans", served.namespace), body)
    await served.until("Completed")
    events = [line["event"] for line in ground.operator.lines() if line.get("trace_id") == trace]
    told = ["Remote scan created", "Remote scan launched", "Report stored", "Scan moved"]
    assert [event for event in told if event not in events] == []
    [created] = simulator.calls("POST", "^/scans$")
    assert trace in created["body"]["settings"]["description"]
