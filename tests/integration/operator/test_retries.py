"""A new attempt runs anew, remembers the one before it, and leaves nothing of it on a scanner."""

from typing import Any

from tests.integration.operator.scenes import (
    HOST,
    change_pool,
    created,
    done,
    history,
    in_nessus,
    moment,
    released,
    told,
    until_attempt,
    until_waits,
)
from tests.integration.operator.test_deletion import launched, until_launched
from tests.kube import Object, path_of
from tests.running import Stage, eventually

from nessus_simulator.running import Simulator

AGAIN = {"cancel": False, "manualRetries": 1}


def remote_id(scan: Object) -> int:
    return int(scan["status"]["remote"]["scanID"])


async def let_backoff_pass(stage: Stage) -> None:
    """As if the time of the next attempt had come."""
    path = path_of("nessusscans", stage.namespace, "scan", "status")
    past: dict[str, Any] = {"nextAttemptTime": "2026-01-01T00:00:00Z"}
    await stage.kube.patch(path, {"status": past})


async def test_a_scan_cancelled_in_the_queue_runs_when_it_is_asked_for_again(
    served: Stage, simulator: Simulator
) -> None:
    await served.create_pool(simulator.url, stopPolicy="Hold")
    await served.create_scan()
    await until_waits(served, "PoolStopped")
    await served.change({"cancel": True})
    await served.until("Cancelled")
    await served.change(AGAIN)
    scan = await until_attempt(served, 2)
    assert scan["status"]["observedManualRetries"] == 1
    conditions = told(scan)
    assert conditions["Finished"] == ("False", "Pending")
    assert conditions["Succeeded"] == ("Unknown", "Pending")
    assert conditions["ResultsAvailable"] == ("Unknown", "Pending")
    assert "completionTime" not in scan["status"]

    await change_pool(served, stopPolicy="None")
    scan = await served.until("Completed")
    assert scan["status"]["attempt"] == 2
    assert history(scan) == [(1, "Cancelled", "Cancelled"), (2, "Completed", "Passed")]
    await released(served, simulator)
    assert created(simulator) == ["scan"]


async def test_a_scan_cancelled_on_its_scanner_runs_anew_and_the_old_run_is_removed_there(
    served: Stage, slow_simulator: Simulator
) -> None:
    first = await launched(served, slow_simulator, {"retention": {"remoteScan": "DeleteWithScan"}})
    slow_simulator.advance(1.5 * HOST)
    await served.change({"cancel": True})
    cancelled = await served.until("Cancelled")
    held = slow_simulator.hold(f"/scans/{remote_id(first)}$", method="DELETE")
    await served.change(AGAIN)
    slow_simulator.wait_held(held)
    scan = await until_attempt(served, 2)
    assert scan["status"]["remoteCleanups"] == [
        {
            "attempt": 1,
            "scannerName": "scanner1",
            "scanID": remote_id(first),
            "token": first["status"]["remote"]["token"],
        }
    ]
    assert not {"results", "stop", "progress", "failure"} & scan["status"].keys()
    slow_simulator.release(held)

    second = await until_launched(served, attempt=2)
    assert second["status"]["remote"]["token"] != first["status"]["remote"]["token"]
    slow_simulator.advance(3 * HOST)
    scan = await served.until("Completed")
    assert scan["status"]["attempt"] == 2
    assert (scan["status"]["results"]["hosts"], scan["status"]["results"]["partial"]) == (2, False)
    assert history(scan) == [(1, "Cancelled", "Cancelled"), (2, "Completed", "Passed")]
    kept = cancelled["status"]["results"]["digest"]
    assert scan["status"]["attemptHistory"][0]["resultsDigest"] == kept
    assert not scan["status"].get("remoteCleanups")
    left = [one["id"] for one in slow_simulator.state()["scans"]]
    assert left == [remote_id(second)]
    assert created(slow_simulator) == ["scan", "scan"]


async def test_a_failed_scan_runs_when_it_is_asked_for_again_and_counts_no_earlier_fault(
    served: Stage, slow_simulator: Simulator
) -> None:
    scan = await launched(served, slow_simulator, backoffLimit=0)
    slow_simulator.abort_scan(remote_id(scan))
    failed = await served.until("Failed")
    assert failed["status"]["failure"] == {
        "reason": "RemoteScanAborted",
        "message": failed["status"]["message"],
        "fault": "Platform",
    }
    assert told(failed)["Finished"] == ("True", "Failed")
    assert told(failed)["Succeeded"] == ("False", "RemoteScanAborted")
    await released(served, slow_simulator)

    await served.change({"manualRetries": 1})
    scan = await until_launched(served, attempt=2)
    assert scan["status"]["platformFailures"] == 0
    assert "failure" not in scan["status"]
    slow_simulator.advance(3 * HOST)
    scan = await served.until("Completed")
    assert history(scan) == [(1, "Failed", "RemoteScanAborted"), (2, "Completed", "Passed")]
    await released(served, slow_simulator)
    assert len(done(slow_simulator, "POST", "/launch$")) == 2


async def test_an_aborted_scan_comes_again_after_a_while_until_its_limit_is_reached(
    served: Stage, slow_simulator: Simulator
) -> None:
    first = await launched(served, slow_simulator, {"backoffLimit": 1})
    slow_simulator.abort_scan(remote_id(first))
    scan = await until_attempt(served, 2)
    assert scan["status"]["phase"] == "Queued"
    assert scan["status"]["platformFailures"] == 1
    assert told(scan)["Admitted"] == ("False", "BackingOff")
    wait = moment(scan["status"]["nextAttemptTime"]) - moment(scan["status"]["queueTime"])
    assert 5 <= wait.total_seconds() <= 15
    await released(served, slow_simulator)
    assert created(slow_simulator) == ["scan"]

    await let_backoff_pass(served)
    second = await until_launched(served, attempt=2)
    assert "nextAttemptTime" not in second["status"]
    slow_simulator.abort_scan(remote_id(second))
    scan = await served.until("Failed")
    assert scan["status"]["attempt"] == 2
    assert scan["status"]["failure"]["reason"] == "RemoteScanAborted"
    assert history(scan) == [
        (1, "Failed", "RemoteScanAborted"),
        (2, "Failed", "RemoteScanAborted"),
    ]
    await released(served, slow_simulator)
    assert created(slow_simulator) == ["scan", "scan"]


async def test_a_lost_scan_comes_again(served: Stage, slow_simulator: Simulator) -> None:
    first = await launched(served, slow_simulator)
    slow_simulator.lose_scan(remote_id(first))
    scan = await until_attempt(served, 2)
    assert history(scan) == [(1, "Failed", "RemoteScanLost")]
    await let_backoff_pass(served)
    await until_launched(served, attempt=2)
    slow_simulator.advance(3 * HOST)
    scan = await served.until("Completed")
    assert scan["status"]["platformFailures"] == 1
    await released(served, slow_simulator)


async def test_a_scan_that_is_thrown_away_in_nessus_is_lost_and_goes_for_good(
    served: Stage, slow_simulator: Simulator
) -> None:
    first = await launched(served, slow_simulator, backoffLimit=0)
    folders = in_nessus(slow_simulator, "GET", "/folders")["folders"]
    trash = next(one["id"] for one in folders if one["type"] == "trash")
    folder = f"/scans/{remote_id(first)}/folder"
    in_nessus(slow_simulator, "PUT", folder, {"folder_id": trash})
    scan = await served.until("Failed")
    assert scan["status"]["failure"]["reason"] == "RemoteScanLost"
    await released(served, slow_simulator)


async def test_a_list_that_misses_every_scan_is_no_loss(
    served: Stage, slow_simulator: Simulator
) -> None:
    """As when the account loses its right to see them."""
    await launched(served, slow_simulator)
    await served.create_scan("other")
    await until_launched(served, "other")
    await eventually(lambda: polled(served, "other"), "the other is seen")
    blind = slow_simulator.fault(
        "status", "^/scans$", method="GET", count=None, status=200, body='{"scans": null}'
    )
    slow_simulator.wait_struck(blind, requests=2)
    slow_simulator.release(blind)
    slow_simulator.advance(5 * HOST)
    for name in ("scan", "other"):
        scan = await served.until("Completed", name)
        assert scan["status"]["attempt"] == 1
        await released(served, slow_simulator, name=name)


async def polled(stage: Stage, name: str) -> bool:
    return "state" in (await stage.scan(name))["status"]["remote"]


async def test_a_scan_that_is_stopped_in_nessus_is_no_success(
    served: Stage, slow_simulator: Simulator
) -> None:
    first = await launched(served, slow_simulator, backoffLimit=0)
    in_nessus(slow_simulator, "POST", f"/scans/{remote_id(first)}/stop")
    scan = await served.until("Failed")
    assert scan["status"]["failure"]["reason"] == "RemoteScanStopped"
    assert scan["status"]["failure"]["fault"] == "Platform"
    await released(served, slow_simulator)


async def test_a_scan_that_backs_off_can_be_cancelled(
    served: Stage, slow_simulator: Simulator
) -> None:
    first = await launched(served, slow_simulator)
    slow_simulator.abort_scan(remote_id(first))
    await until_waits(served, "BackingOff")
    await served.change({"cancel": True})
    scan = await served.until("Cancelled")
    assert history(scan) == [
        (1, "Failed", "RemoteScanAborted"),
        (2, "Cancelled", "Cancelled"),
    ]
    await released(served, slow_simulator)
    assert created(slow_simulator) == ["scan"]
