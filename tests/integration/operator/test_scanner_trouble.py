"""Scanners that do not answer, answer too late, or ask us to wait: scans wait and then go on."""

import asyncio

import pytest
from tests.integration.operator.ground import ask, condition, metrics
from tests.integration.operator.scenes import done, until_waits
from tests.integration.operator.test_deletion import launched, nothing_left, until_launched
from tests.integration.operator.troubles import (
    PATIENT,
    events,
    scanner_status,
    the_pool,
    until_events,
    until_says,
    until_scanner,
)
from tests.kube import path_of
from tests.proxy import Proxy
from tests.running import GROUP, Stage, eventually

from nessus_simulator.running import Simulator

SETTINGS = {"EXPORT_SECONDS": "1"}
QUICK = {"failureThreshold": 3, "recoverySeconds": 2, "maxRecoverySeconds": 60}
WAITS = "scanner1 does not answer; waiting until the deadline"
SPEED = 60.0  # of the simulators, in whose seconds their calls are noted
RUNS = "runs on scanner1"


async def test_a_scanner_that_is_out_of_reach_at_the_start_is_waited_for(
    served: Stage, simulator: Simulator
) -> None:
    async with Proxy(simulator.url).serve() as proxy:
        proxy.cut()
        await served.create_pool(proxy.url, circuitBreaker=PATIENT)
        await served.create_scan()
        told = await until_scanner(served, "Unreachable")
        assert told["message"] == (
            "the connection to the scanner broke before its answer was whole"
        )
        assert condition(await the_pool(served), "Ready")["status"] == "False"
        says = "waiting: no scanner is ready: scanner1 (Unreachable)"
        await until_waits(served, "NoReadyScanner", says=says)
        assert simulator.calls() == []
        proxy.heal()
        await served.until("Completed")
        await nothing_of(served, simulator)
        assert len(done(simulator, "POST", "/launch$")) == 1


async def nothing_of(stage: Stage, simulator: Simulator) -> None:
    """Nothing on the scanner and no finalizer, while the scan and its results stay."""

    async def look() -> bool:
        scan = await stage.scan()
        return not simulator.state()["scans"] and not scan["metadata"].get("finalizers")

    await eventually(look, "nothing is left on the scanner")


async def test_a_running_scan_says_that_it_waits_and_goes_on(
    served: Stage, slow_simulator: Simulator
) -> None:
    """Said once by its message and by one Event, however often the scanner is asked."""
    async with Proxy(slow_simulator.url).serve() as proxy:
        await served.create_pool(proxy.url, circuitBreaker=QUICK)
        await served.create_scan()
        await until_launched(served)
        proxy.cut()
        waiting = await until_says(served, WAITS)
        assert waiting["status"]["phase"] == "Running"
        await until_degraded(served)
        told = await until_scanner(served, "CircuitOpen")
        assert told["circuit"]["failures"] >= 3
        assert (await served.scan())["metadata"]["resourceVersion"] == (
            waiting["metadata"]["resourceVersion"]
        )
        [event] = await until_events(served, "ScannerUnreachable")
        assert (event["type"], event["note"], event.get("series")) == ("Warning", WAITS, None)
        proxy.heal()
        await until_says(served, RUNS)
        slow_simulator.advance(3 * 3600)
        await served.until("Completed")
        await nothing_of(served, slow_simulator)
        assert len(await events(served, "ScannerUnreachable")) == 1
        assert len(done(slow_simulator, "POST", "^/scans$")) == 1
        assert len(done(slow_simulator, "POST", "/launch$")) == 1
        assert done(slow_simulator, "POST", "/stop$") == []


async def until_degraded(stage: Stage) -> None:
    """The operator's probe of the scanner may come after the poll of the scan."""

    async def look() -> bool:
        health = (await ask(stage.operators[0], "/health")).json()
        return (health["checks"]["scanners"]["status"], health["status"]) == ("degraded",) * 2

    await eventually(look, "the operator is degraded")


async def value(stage: Stage, name: str) -> float:
    found = await metrics(stage.operators[0])
    return found.value(name, scanner_instance="pool:scanner1", resource_namespace=stage.namespace)


async def test_the_breaker_opens_rests_ever_longer_and_closes_after_good_probes(
    served: Stage, simulator: Simulator
) -> None:
    await served.create_pool(simulator.url, circuitBreaker={**QUICK, "successThreshold": 3})
    ready = await until_scanner(served, "Ready")
    assert ready["circuit"] == {"state": "Closed", "failures": 0}
    simulator.fault("status", "", count=None, status=500)
    opened = await until_scanner(served, "CircuitOpen")
    assert (opened["circuit"]["state"], opened["circuit"]["failures"]) == ("Open", 3)
    assert opened["ready"] is False
    assert opened["message"] == "the scanner cannot tell its status now (HTTP 500): Simulated"
    assert await value(served, "nessus_circuit_opens_total") == 1
    assert await value(served, "nessus_circuit_failures_total") == 3
    assert await value(served, "nessus_circuit_state") == 1
    assert await value(served, "nessus_scanner_up") == 0
    await served.create_scan()
    await until_waits(served, "CircuitOpen")

    async def reopened() -> bool:
        return await value(served, "nessus_circuit_opens_total") == 3

    await eventually(reopened, "two probes failed")
    failed = [call["time"] / SPEED for call in simulator.calls() if call["status"] == 500]
    assert len(failed) == 5  # three that opened it, and one for each probe
    first, second = failed[3] - failed[2], failed[4] - failed[3]
    assert 2 <= first < 4 <= second < 8

    simulator.release_all()
    half = await until_state(served, "HalfOpen")
    assert (half["reason"], half["ready"]) == ("CircuitOpen", False)
    await until_state(served, "Closed")
    await served.until("Completed")
    await until_scanner(served, "Ready")
    assert await value(served, "nessus_circuit_state") == 0
    assert await value(served, "nessus_scanner_up") == 1


async def until_state(stage: Stage, state: str, seconds: float = 30.0) -> dict[str, object]:
    async def look() -> dict[str, object] | None:
        told = await scanner_status(stage)
        return told if told.get("circuit", {}).get("state") == state else None

    return await eventually(look, f"the circuit is {state}", seconds)


async def test_a_person_can_close_the_circuit(served: Stage, simulator: Simulator) -> None:
    rules = {"failureThreshold": 1, "recoverySeconds": 600, "maxRecoverySeconds": 600}
    async with Proxy(simulator.url).serve() as proxy:
        proxy.answer("", 500)
        await served.create_pool(proxy.url, circuitBreaker=rules)
        await until_scanner(served, "CircuitOpen")
        proxy.heal()
        annotation = {f"{GROUP}/reset-circuit": "scanner1"}
        path = path_of("scannerpools", served.namespace, "pool")
        await served.kube.patch(path, {"metadata": {"annotations": annotation}})
        told = await until_scanner(served, "Ready")
        assert told["circuit"] == {"state": "Closed", "failures": 0}
        pool = await the_pool(served)
        assert f"{GROUP}/reset-circuit" not in pool["metadata"].get("annotations", {})


async def test_a_scanner_that_asks_us_to_wait_gets_no_request_until_then(
    served: Stage, slow_simulator: Simulator
) -> None:
    await launched(served, slow_simulator, pool={"circuitBreaker": {"failureThreshold": 1}})
    fault = slow_simulator.fault(
        "status", "^/scans$", method="GET", status=429, headers={"Retry-After": "4"}
    )
    await asyncio.to_thread(slow_simulator.wait_struck, fault)
    await until_says(served, "scanner1 asked us to wait; waiting until the deadline")
    told = await until_scanner(served, "RateLimited")
    assert told["ready"] is False
    assert told["circuit"] == {"state": "Closed", "failures": 0}
    await served.create_scan("other")
    await until_waits(served, "NoReadyScanner", "other")
    await until_says(served, RUNS)
    calls = slow_simulator.calls()
    refused = next(index for index, call in enumerate(calls) if call["status"] == 429)
    assert (calls[refused + 1]["time"] - calls[refused]["time"]) / SPEED >= 4
    slow_simulator.advance(3 * 3600)
    await served.until("Completed")


async def test_a_report_that_is_never_ready_is_waited_for(
    served: Stage, simulator: Simulator
) -> None:
    fault = simulator.fault(
        "status", "/export/[0-9]+/status$", count=None, status=200, body='{"status": "loading"}'
    )
    await served.create_pool(simulator.url)
    await served.create_scan()
    scan = await until_says(
        served, "scanner1 does not hand out the report; waiting until the deadline"
    )
    assert scan["status"]["phase"] == "Running"
    assert len(await until_events(served, "ScannerUnreachable")) == 1
    assert (await scanner_status(served))["ready"] is True
    simulator.release(fault)
    scan = await served.until("Completed")
    assert scan["status"]["results"]["hosts"] == 2
    await nothing_of(served, simulator)
    assert len(done(simulator, "POST", "/launch$")) == 1


@pytest.mark.parametrize("path", ["/export$", "/export/[0-9]+/status$", "/download$"])
async def test_a_report_that_was_cut_off_is_fetched_again(
    served: Stage, simulator: Simulator, path: str
) -> None:
    fault = simulator.fault("truncate", path)
    await served.create_pool(simulator.url)
    await served.create_scan()
    await asyncio.to_thread(simulator.wait_struck, fault)
    scan = await served.until("Completed")
    assert scan["status"]["results"]["hosts"] == 2
    assert len(simulator.calls("POST", "/export$")) == 2
    assert len(done(simulator, "POST", "/launch$")) == 1
    await served.kube.delete(path_of("nessusscans", served.namespace, "scan"))
    await served.until_gone()
    await nothing_left(served, simulator)
