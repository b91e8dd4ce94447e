"""A suspended scan waits, in the queue or paused on its scanner, until it may go on."""

from tests.integration.operator.ground import condition
from tests.integration.operator.scenes import (
    HOST,
    change_scanner,
    created,
    done,
    released,
    running,
    told,
    until_waits,
)
from tests.integration.operator.test_deletion import launched
from tests.kube import Object
from tests.running import Stage, eventually

from nessus_simulator.running import Simulator


async def until_suspended(stage: Stage, status: str) -> Object:
    async def look() -> Object | None:
        scan = await stage.scan()
        return scan if condition(scan, "Suspended")["status"] == status else None

    return await eventually(look, f"Suspended is {status}")


def statuses(simulator: Simulator) -> list[str]:
    return [one["status"] for one in simulator.state()["scans"]]


async def test_a_queued_scan_lets_others_pass_until_it_may_go_on(
    served: Stage, simulator: Simulator
) -> None:
    await served.create_pool(simulator.url)
    await served.create_scan(suspend=True, priority=1000)
    scan = await until_waits(served, "Suspended")
    assert told(scan)["Suspended"] == ("True", "Suspended")
    assert "spec.suspend" in scan["status"]["message"]
    await served.create_scan("other")
    await served.until("Completed", "other")
    assert created(simulator) == ["other"]

    await served.change({"suspend": False})
    scan = await served.until("Completed")
    assert told(scan)["Suspended"] == ("False", "NotSuspended")
    assert scan["status"]["attempt"] == 1
    await released(served, simulator)
    assert created(simulator) == ["other", "scan"]


async def test_a_running_scan_is_paused_keeps_its_slot_and_goes_on(
    served: Stage, slow_simulator: Simulator
) -> None:
    await launched(served, slow_simulator)
    await change_scanner(served, "scanner1", maxConcurrentScans=1)
    await served.change({"suspend": True})
    scan = await until_suspended(served, "True")
    assert scan["status"]["phase"] == "Running"
    assert scan["status"]["remote"]["state"] == "paused"
    assert statuses(slow_simulator) == ["paused"]

    await served.create_scan("other")
    await until_waits(served, "PoolAtCapacity", "other")
    slow_simulator.advance(10 * HOST)
    assert statuses(slow_simulator) == ["paused"]

    await served.change({"suspend": False})
    await until_suspended(served, "False")
    assert running(slow_simulator) == ["scan"]
    slow_simulator.advance(3 * HOST)
    scan = await served.until("Completed")
    assert scan["status"]["results"]["hosts"] == 2
    assert scan["status"]["results"]["partial"] is False
    await released(served, slow_simulator)
    await served.until("Running", "other")
    assert [len(done(slow_simulator, "POST", f"/{verb}$")) for verb in ("pause", "resume")] == [
        1,
        1,
    ]


async def test_a_paused_scan_can_be_cancelled(served: Stage, slow_simulator: Simulator) -> None:
    await launched(served, slow_simulator)
    slow_simulator.advance(1.5 * HOST)
    await served.change({"suspend": True})
    await until_suspended(served, "True")
    await served.change({"cancel": True})
    scan = await served.until("Cancelled")
    assert scan["status"]["results"]["partial"] is True
    assert scan["status"]["results"]["hosts"] == 1
    await released(served, slow_simulator)
    assert done(slow_simulator, "POST", "/resume$") == []


async def test_a_scan_that_is_suspended_while_it_is_launched_is_paused(
    served: Stage, slow_simulator: Simulator
) -> None:
    held = slow_simulator.hold("/launch$", method="POST")
    await served.create_pool(slow_simulator.url)
    await served.create_scan()
    slow_simulator.wait_held(held)
    await served.change({"suspend": True})
    slow_simulator.release(held)
    await until_suspended(served, "True")
    assert statuses(slow_simulator) == ["paused"]
    assert len(done(slow_simulator, "POST", "/launch$")) == 1
