"""A licence that closes the scan API keeps scans waiting; once it is open again they go on."""

from tests.integration.operator.scenes import (
    HOST,
    created,
    done,
    history,
    released,
    told,
    until_waits,
)
from tests.integration.operator.test_deletion import launched, until_launched
from tests.integration.operator.test_life_deadlines import begun_an_hour_ago
from tests.kube import Object, path_of
from tests.running import Stage, eventually

from nessus_operator.api.scan import CLEANUPS_LIMIT
from nessus_simulator.running import Simulator


async def until_seen(stage: Stage, license_: str) -> Object:
    """The scanner in the pool's status, once that shows this licence."""

    async def look() -> Object | None:
        pool = await stage.kube.get(path_of("scannerpools", stage.namespace, "pool"))
        scanners = pool.get("status", {}).get("scanners", [])
        return next((one for one in scanners if one["license"].get("type") == license_), None)

    return await eventually(look, f"the licence {license_} is seen")


async def test_a_scan_waits_for_a_licence_that_opens_the_scan_api(
    served: Stage, simulator: Simulator
) -> None:
    simulator.set_license("professional")
    await served.create_pool(simulator.url)
    await served.create_scan()
    scan = await until_waits(served, "ScanAPIClosed")
    assert "scanner1 (ScanAPIClosed)" in scan["status"]["message"]
    scanner = await until_seen(served, "professional")
    assert (scanner["ready"], scanner["reason"]) == (False, "ScanAPIClosed")
    assert scanner["license"]["scanAPI"] == "Closed"
    assert simulator.calls("POST") == []

    simulator.set_license("manager")
    scan = await served.until("Completed")
    assert scan["status"]["attempt"] == 1
    await released(served, simulator)


async def test_a_licence_that_closes_while_a_scan_is_created_keeps_it_waiting(
    served: Stage, simulator: Simulator
) -> None:
    held = simulator.hold("^/scans$", method="POST")
    await served.create_pool(simulator.url)
    await served.create_scan()
    simulator.wait_held(held)
    simulator.set_license("essentials")
    simulator.release(held)
    scan = await until_waits(served, "ScanAPIClosed")
    assert scan["status"]["platformFailures"] == 0
    assert "nextAttemptTime" not in scan["status"]
    assert [call["status"] for call in simulator.calls("POST", "^/scans$")] == [412]
    await until_seen(served, "essentials")

    simulator.set_license("manager")
    scan = await served.until("Completed")
    assert history(scan) == [(1, "Failed", "ScanAPIClosed"), (2, "Completed", "Passed")]
    await released(served, simulator)
    assert created(simulator) == ["scan"]


async def test_a_licence_that_closes_before_the_launch_leaves_nothing_behind(
    served: Stage, slow_simulator: Simulator
) -> None:
    held = slow_simulator.hold("/launch$", method="POST")
    await served.create_pool(slow_simulator.url)
    await served.create_scan()
    slow_simulator.wait_held(held)
    slow_simulator.set_license("essentials")
    slow_simulator.release(held)
    scan = await until_waits(served, "ScanAPIClosed")
    assert [left["attempt"] for left in scan["status"]["remoteCleanups"]] == [1]
    await until_seen(served, "essentials")

    slow_simulator.set_license("manager")
    await until_launched(served, attempt=2)
    slow_simulator.advance(3 * HOST)
    await served.until("Completed")
    await released(served, slow_simulator)
    assert slow_simulator.state()["scans"] == []
    assert len(done(slow_simulator, "POST", "/launch$")) == 1


async def test_a_scan_that_must_not_forget_more_waits_where_it_is_for_the_licence(
    stage: Stage, simulator: Simulator
) -> None:
    """With a full list of remoteCleanups there is no new attempt."""
    simulator.set_license("professional")
    await stage.create_pool(simulator.url)
    lefts = [
        {"attempt": number, "scannerName": "removed", "scanID": number, "token": f"t-{number}"}
        for number in range(1, CLEANUPS_LIMIT + 1)
    ]
    await begun_an_hour_ago(stage, None, deadline=86_400, remoteCleanups=lefts)
    operator = stage.start(LEASE_SECONDS="15")

    async def refused_twice() -> bool:
        return len(simulator.calls("POST", "^/scans$")) == 2

    await eventually(refused_twice, "it is asked for again")
    scan = await stage.scan()
    assert (scan["status"]["phase"], scan["status"]["attempt"]) == ("Running", 1)
    simulator.set_license("manager")
    scan = await stage.until("Completed")
    assert (scan["status"]["attempt"], scan["status"]["remoteCleanups"]) == (1, lefts)
    assert "error" not in {line["level"] for line in operator.lines()}


async def test_a_licence_that_closes_while_a_scan_runs_spares_its_report(
    served: Stage, slow_simulator: Simulator
) -> None:
    await launched(served, slow_simulator)
    slow_simulator.set_license("essentials")
    slow_simulator.advance(3 * HOST)
    scan = await served.until("Completed")
    assert told(scan)["ResultsAvailable"] == ("True", "Stored")

    async def refused() -> bool:
        return bool(slow_simulator.calls("DELETE"))

    await eventually(refused, "the deletion is refused")
    assert (await served.scan())["metadata"]["finalizers"]
    assert len(slow_simulator.state()["scans"]) == 1
    await until_seen(served, "essentials")

    slow_simulator.set_license("manager")
    await released(served, slow_simulator)
    assert slow_simulator.state()["scans"] == []
