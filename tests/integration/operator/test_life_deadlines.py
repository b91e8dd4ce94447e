"""Deadlines end scans that wait or run too long, also those that pass while no operator is there.

A running scan may take a minute at least, so these tests write a status as an operator would have
left it an hour ago, and start one.
"""

from datetime import timedelta
from typing import Any

from tests.integration.operator.ground import condition
from tests.integration.operator.scenes import (
    HOST,
    done,
    history,
    in_nessus,
    moment,
    released,
    told,
    until_attempt,
    until_waits,
)
from tests.kube import Object, path_of
from tests.running import GROUP, Stage, eventually

from nessus_operator.clients import clock
from nessus_simulator.running import Simulator

AN_HOUR_AGO = (clock.now() - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")


def launch(simulator: Simulator, name: str) -> Object:
    """A scan of two hosts under this name, launched; its line of status.remote."""
    templates = in_nessus(simulator, "GET", "/editor/scan/templates")["templates"]
    uuid = next(one["uuid"] for one in templates if one["name"] == "advanced")
    settings = {"name": name, "text_targets": "192.0.2.10,192.0.2.11"}
    made = in_nessus(simulator, "POST", "/scans", {"uuid": uuid, "settings": settings})["scan"]
    run = in_nessus(simulator, "POST", f"/scans/{made['id']}/launch")["scan_uuid"]
    return {"scanID": made["id"], "scanUUID": run, "launchTime": AN_HOUR_AGO}


async def begun_an_hour_ago(
    stage: Stage,
    simulator: Simulator | None,
    scanner: str = "scanner1",
    deadline: int = 60,
    **status: Any,
) -> Object:
    """A Running scan whose deadline has passed, launched where there is a simulator."""
    scan = await stage.create_scan(activeDeadlineSeconds=deadline)
    token = f"{scan['metadata']['uid']}-1-0123456789ab"
    remote = launch(simulator, f"scan [{token}]") if simulator else {}
    path = path_of("nessusscans", stage.namespace, "scan")
    await stage.kube.patch(path, {"metadata": {"finalizers": [f"{GROUP}/remote-scan"]}})
    queued = {"phase": "Queued", "attempt": 1, "observedManualRetries": 0, "platformFailures": 0}
    await stage.kube.patch(f"{path}/status", {"status": queued | {"queueTime": AN_HOUR_AGO}})
    begun = {
        "phase": "Running",
        "startTime": AN_HOUR_AGO,
        "scannerName": scanner,
        "remote": {"token": token, **remote},
        **status,
    }
    return await stage.kube.patch(f"{path}/status", {"status": begun})


async def test_a_scan_that_waited_too_long_ends_and_never_reaches_a_scanner(
    served: Stage, slow_simulator: Simulator
) -> None:
    await served.create_pool(slow_simulator.url, stopPolicy="Hold")
    await served.create_scan(startingDeadlineSeconds=1)
    await served.create_scan("patient", startingDeadlineSeconds=600)
    scan = await served.until("Timeout")
    status, conditions = scan["status"], told(scan)
    assert (status["failure"]["reason"], status["failure"]["fault"]) == (
        "StartingDeadline",
        "Platform",
    )
    assert conditions["Finished"] == ("True", "Timeout")
    assert conditions["Succeeded"] == ("False", "StartingDeadline")
    assert history(scan) == [(1, "Timeout", "StartingDeadline")]
    assert "finalizers" not in scan["metadata"]
    assert slow_simulator.calls("POST", "/scans") == []
    await until_waits(served, "PoolStopped", "patient")


async def test_a_scan_that_timed_out_in_the_queue_has_the_whole_time_again(
    served: Stage, slow_simulator: Simulator
) -> None:
    await served.create_pool(slow_simulator.url, stopPolicy="Hold")
    await served.create_scan(startingDeadlineSeconds=1)
    await served.until("Timeout")
    await served.change({"manualRetries": 1})
    scan = await until_attempt(served, 2)
    scan = await served.until("Timeout")
    assert scan["status"]["attempt"] == 2
    waited = [moment(scan["status"][key]) for key in ("queueTime", "completionTime")]
    assert waited[1] - waited[0] >= timedelta(seconds=1)
    assert history(scan) == [(number, "Timeout", "StartingDeadline") for number in (1, 2)]
    assert slow_simulator.calls("POST", "/scans") == []


async def test_a_scan_that_ran_too_long_keeps_what_it_found(
    stage: Stage, slow_simulator: Simulator
) -> None:
    await stage.create_pool(slow_simulator.url)
    begun = await begun_an_hour_ago(stage, slow_simulator)
    slow_simulator.advance(1.5 * HOST)
    stage.start(LEASE_SECONDS="15")
    scan = await stage.until("Timeout")
    status, conditions = scan["status"], told(scan)
    assert status["stop"]["reason"] == "Deadline"
    assert (status["failure"]["reason"], status["failure"]["fault"]) == ("Deadline", "User")
    assert (status["results"]["partial"], status["results"]["hosts"]) == (True, 1)
    assert status["remote"]["token"] == begun["status"]["remote"]["token"]
    assert conditions["Finished"] == ("True", "Timeout")
    assert conditions["Succeeded"] == ("False", "Deadline")
    assert conditions["ResultsAvailable"] == ("True", "Stored")
    assert history(scan) == [(1, "Timeout", "Deadline")]
    await released(stage, slow_simulator)
    assert len(done(slow_simulator, "POST", "/stop$")) == 1
    assert len(done(slow_simulator, "POST", "/launch$")) == 1


async def test_a_paused_scan_is_not_spared_by_its_deadline(
    stage: Stage, slow_simulator: Simulator
) -> None:
    await stage.create_pool(slow_simulator.url)
    await begun_an_hour_ago(stage, slow_simulator)
    await stage.change({"suspend": True})
    stage.start(LEASE_SECONDS="15")
    scan = await stage.until("Timeout")
    assert told(scan)["Succeeded"] == ("False", "Deadline")
    await released(stage, slow_simulator)


async def test_a_scan_whose_deadline_passed_before_its_launch_is_not_launched(
    stage: Stage, slow_simulator: Simulator
) -> None:
    await stage.create_pool(slow_simulator.url)
    await begun_an_hour_ago(stage, None)
    stage.start(LEASE_SECONDS="15")
    scan = await stage.until("Timeout")
    assert told(scan)["Succeeded"] == ("False", "Deadline")
    assert told(scan)["ResultsAvailable"] == ("False", "Deadline")
    await released(stage, slow_simulator)
    assert slow_simulator.calls("POST", "/scans") == []


async def test_a_scan_whose_scanner_is_unknown_at_its_deadline_fails_and_is_put_on_record(
    stage: Stage, slow_simulator: Simulator
) -> None:
    await stage.create_pool(slow_simulator.url)
    begun = await begun_an_hour_ago(stage, slow_simulator, scanner="removed")
    stage.start(LEASE_SECONDS="15", CLEANUP_SECONDS="2")
    scan = await stage.until("Failed")
    assert (scan["status"]["failure"]["reason"], scan["status"]["failure"]["fault"]) == (
        "ScannerRemoved",
        "Platform",
    )

    async def let_go() -> bool:
        return not (await stage.scan())["metadata"].get("finalizers")

    await eventually(let_go, "the scan is let go")
    pool = await stage.kube.get(path_of("scannerpools", stage.namespace, "pool"))
    [orphan] = pool["status"]["orphans"]
    wanted: dict[str, Any] = {
        "scannerName": "removed",
        "scanID": begun["status"]["remote"]["scanID"],
        "token": begun["status"]["remote"]["token"],
        "reason": "ScannerRemoved",
    }
    assert wanted.items() <= orphan.items()
    assert condition(pool, "Ready")["status"] == "True"
    # Under that name nobody knows a scanner any more: what runs elsewhere is not touched.
    assert [one["status"] for one in slow_simulator.state()["scans"]] == ["running"]
