"""What becomes of the scans of a pool that comes, changes or is held."""

from tests.forked import start_simulator
from tests.integration.operator.scenes import (
    HOST,
    change_pool,
    created,
    done,
    history,
    released,
    told,
    until_waits,
)
from tests.integration.operator.test_deletion import launched, until_launched
from tests.kube import path_of
from tests.running import Stage

from nessus_simulator.running import Simulator

FAST = ("--speed", "60", "--host-seconds", "30")


async def test_a_scan_waits_for_a_pool_that_comes_later(
    served: Stage, simulator: Simulator
) -> None:
    await served.create_scan()
    scan = await until_waits(served, "PoolNotFound")
    assert told(scan)["Finished"] == ("False", "Pending")
    await served.create_pool(simulator.url)
    scan = await served.until("Completed")
    assert scan["status"]["attempt"] == 1
    await released(served, simulator)


async def test_a_scan_that_waited_for_its_pool_is_judged_by_it(
    served: Stage, slow_simulator: Simulator
) -> None:
    await served.create_scan(targets=["198.51.100.1"])
    await until_waits(served, "PoolNotFound")
    await served.create_pool(slow_simulator.url)
    scan = await served.until("Failed")
    assert told(scan)["Succeeded"] == ("False", "ScopeDenied")
    assert slow_simulator.calls("POST", "/scans") == []


async def test_a_pool_on_hold_ends_what_runs_and_starts_nothing(
    served: Stage, slow_simulator: Simulator
) -> None:
    await launched(served, slow_simulator)
    await change_pool(served, stopPolicy="Hold")
    await served.create_scan("other")
    scan = await until_waits(served, "PoolStopped", "other")
    assert "Hold" in scan["status"]["message"]
    slow_simulator.advance(3 * HOST)
    scan = await served.until("Completed")
    assert scan["status"]["results"]["partial"] is False
    await released(served, slow_simulator)
    await until_waits(served, "PoolStopped", "other")
    assert created(slow_simulator) == ["scan"]

    await change_pool(served, stopPolicy="None")
    await served.until("Running", "other")


async def test_a_pool_that_drains_cancels_what_runs_and_starts_nothing(
    served: Stage, slow_simulator: Simulator
) -> None:
    await launched(served, slow_simulator)
    await served.create_scan("other", suspend=True)
    await until_waits(served, "Suspended", "other")
    slow_simulator.advance(1.5 * HOST)
    await change_pool(served, stopPolicy="HoldAndDrain")
    scan = await served.until("Cancelled")
    assert told(scan)["Succeeded"] == ("False", "Cancelled")
    assert (scan["status"]["results"]["partial"], scan["status"]["results"]["hosts"]) == (True, 1)
    await released(served, slow_simulator)
    await served.change({"suspend": False}, "other")
    await until_waits(served, "PoolStopped", "other")
    assert created(slow_simulator) == ["scan"]


async def test_a_scope_that_is_narrowed_stops_what_it_no_longer_allows(
    served: Stage, slow_simulator: Simulator
) -> None:
    await launched(served, slow_simulator)
    await served.create_scan("allowed", targets=["192.0.2.10"])
    await until_launched(served, "allowed")
    slow_simulator.advance(1.5 * HOST)
    await change_pool(served, scope={"allow": ["192.0.2.0/24"], "deny": ["192.0.2.11"]})
    scan = await served.until("Failed")
    status = scan["status"]
    assert status["stop"]["reason"] == "ScopeDenied"
    assert (status["failure"]["reason"], status["failure"]["fault"]) == ("ScopeDenied", "User")
    assert (status["results"]["partial"], status["results"]["hosts"]) == (True, 1)
    assert history(scan) == [(1, "Failed", "ScopeDenied")]
    await released(served, slow_simulator)
    assert len(done(slow_simulator, "POST", "/stop$")) == 1
    scan = await served.until("Completed", "allowed")
    assert scan["status"]["attempt"] == 1


async def test_a_queued_scan_that_the_scope_no_longer_allows_fails_without_a_start(
    served: Stage, slow_simulator: Simulator
) -> None:
    await served.create_pool(slow_simulator.url)
    await served.create_scan(suspend=True)
    await until_waits(served, "Suspended")
    await change_pool(served, scope={"allow": ["192.0.2.0/24"], "deny": ["192.0.2.11"]})
    await served.change({"suspend": False})
    scan = await served.until("Failed")
    assert told(scan)["Succeeded"] == ("False", "ScopeDenied")
    assert "192.0.2.11" in scan["status"]["message"]
    assert slow_simulator.calls("POST", "/scans") == []


async def test_a_scanner_that_is_removed_from_the_pool_ends_what_runs_there(
    served: Stage, slow_simulator: Simulator
) -> None:
    with start_simulator(*FAST) as other:
        pool = await served.create_pool(slow_simulator.url, other.url)
        await served.create_scan(scannerName="scanner1")
        await served.until("Running")
        await change_pool(served, scanners=pool["spec"]["scanners"][1:])
        await served.create_scan("pinned", scannerName="scanner1")
        await until_waits(served, "ScannerNotFound", "pinned")
        await served.create_scan("free")
        scan = await served.until("Completed", "free")
        assert scan["status"]["scannerName"] == "scanner2"

        slow_simulator.advance(3 * HOST)
        scan = await served.until("Completed")
        assert scan["status"]["scannerName"] == "scanner1"
        assert scan["status"]["results"]["hosts"] == 2
        await released(served, slow_simulator)
        assert created(slow_simulator) == ["scan"]
        pool = await served.kube.get(path_of("scannerpools", served.namespace, "pool"))
        assert [one["name"] for one in pool["status"]["scanners"]] == ["scanner2"]
        assert "orphans" not in pool["status"]
