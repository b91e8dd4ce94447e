"""A cancelled scan ends, keeps what it found, and leaves nothing on its scanner."""

import asyncio

import pytest
from tests.integration.operator.scenes import HOST, done, history, released, told
from tests.integration.operator.test_deletion import launched, until_launched
from tests.proxy import Proxy
from tests.running import Stage, eventually

from nessus_operator.results.store import open_results
from nessus_simulator.running import Simulator

# Requests of the launch protocol that have an effect, held before or after it.
STEPS = {
    "the creation, before it takes effect": ("POST /scans$", "before"),
    "the creation, after it took effect": ("POST /scans$", "after"),
    "the launch, before it takes effect": ("POST /scans/.*/launch", "before"),
    "the launch, after it took effect": ("POST /scans/.*/launch", "after"),
}


async def test_a_queued_scan_ends_at_once_and_never_reaches_a_scanner(
    served: Stage, slow_simulator: Simulator
) -> None:
    await served.create_pool(slow_simulator.url)
    await served.create_scan(suspend=True)
    await served.until("Queued")
    await served.change({"cancel": True})
    scan = await served.until("Cancelled")
    conditions = told(scan)
    assert conditions["Finished"] == ("True", "Cancelled")
    assert conditions["Succeeded"] == ("False", "Cancelled")
    assert conditions["ResultsAvailable"] == ("False", "Cancelled")
    assert history(scan) == [(1, "Cancelled", "Cancelled")]
    assert "finalizers" not in scan["metadata"]
    assert not {"startTime", "failure", "results", "remote"} & scan["status"].keys()
    assert slow_simulator.calls("POST", "/scans") == []


async def test_a_running_scan_keeps_what_it_found(served: Stage, slow_simulator: Simulator) -> None:
    await launched(served, slow_simulator)
    slow_simulator.advance(1.5 * HOST)
    await served.change({"cancel": True})
    scan = await served.until("Cancelled")
    status, conditions = scan["status"], told(scan)
    assert status["stop"]["reason"] == "Cancelled"
    assert (status["results"]["partial"], status["results"]["hosts"]) == (True, 1)
    assert "failure" not in status
    assert conditions["Finished"] == ("True", "Cancelled")
    assert conditions["Succeeded"] == ("False", "Cancelled")
    assert conditions["ResultsAvailable"] == ("True", "Stored")
    assert history(scan) == [(1, "Cancelled", "Cancelled")]
    assert status["attemptHistory"][0]["resultsDigest"] == status["results"]["digest"]
    with open_results(served.results / served.namespace / scan["metadata"]["uid"] / "1") as kept:
        assert [host for (host,) in kept.rows("SELECT host FROM hosts")] == ["192.0.2.10"]
    await released(served, slow_simulator)
    assert len(done(slow_simulator, "POST", "/launch$")) == 1
    assert len(done(slow_simulator, "POST", "/stop$")) == 1


async def test_a_running_scan_that_found_nothing_yet_is_cancelled_all_the_same(
    served: Stage, slow_simulator: Simulator
) -> None:
    await launched(served, slow_simulator)
    await served.change({"cancel": True})
    scan = await served.until("Cancelled")
    assert told(scan)["Succeeded"] == ("False", "Cancelled")
    await released(served, slow_simulator)


async def test_a_scan_that_no_list_has_shown_yet_keeps_what_it_found(
    served: Stage, slow_simulator: Simulator
) -> None:
    """The newest list of the scanner is older than the scan when that is cancelled."""
    held = slow_simulator.hold("/launch$", method="POST")
    await served.create_pool(
        slow_simulator.url, circuitBreaker={"recoverySeconds": 1, "maxRecoverySeconds": 1}
    )
    await served.create_scan()
    slow_simulator.wait_held(held)
    unlisted = slow_simulator.fault("status", "^/scans$", method="GET", count=None, status=503)
    slow_simulator.release(held)
    await until_launched(served)
    slow_simulator.advance(1.5 * HOST)
    await served.change({"cancel": True})

    async def stopping() -> bool:
        return "stop" in (await served.scan())["status"]

    await eventually(stopping, "the stop is decided")
    slow_simulator.release(unlisted)
    scan = await served.until("Cancelled")
    assert (scan["status"]["results"]["partial"], scan["status"]["results"]["hosts"]) == (True, 1)
    await released(served, slow_simulator)
    assert len(done(slow_simulator, "POST", "/stop$")) == 1


@pytest.mark.parametrize(("request_", "stage"), STEPS.values(), ids=STEPS)
async def test_a_scan_that_is_cancelled_while_it_is_launched_ends_and_leaves_nothing(
    served: Stage, slow_simulator: Simulator, request_: str, stage: str
) -> None:
    async with Proxy(slow_simulator.url).serve() as proxy:
        hold = proxy.hold(f"^{request_}", "after" if stage == "after" else "before")
        await served.create_pool(proxy.url)
        await served.create_scan()
        await asyncio.wait_for(hold.held.wait(), 30)
        await served.change({"cancel": True})
        hold.release()
        scan = await served.until("Cancelled")
        assert history(scan) == [(1, "Cancelled", "Cancelled")]
        await released(served, slow_simulator)
        assert slow_simulator.state()["scans"] == []
        assert len(done(slow_simulator, "POST", "^/scans$")) == 1
        assert len(done(slow_simulator, "POST", "/launch$")) <= 1
