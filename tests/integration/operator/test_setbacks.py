"""One scan that the operator cannot carry on holds up no other, nor itself for ever."""

from datetime import timedelta

import pytest
from tests.integration.operator.scenes import released
from tests.kube import Object, path_of
from tests.running import Stage, eventually

from nessus_operator.clients import clock
from nessus_simulator.running import Simulator

AN_HOUR_AGO = (clock.now() - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")

# What another has written into a status: each is a value that is written once per attempt, so
# that the operator's own can never follow.
PLANTED: dict[str, Object] = {
    "its first visit": {"startTime": AN_HOUR_AGO},
    "its admission": {
        "phase": "Queued",
        "attempt": 1,
        "observedManualRetries": 0,
        "platformFailures": 0,
        "queueTime": AN_HOUR_AGO,
        "remote": {"token": "another"},
    },
}


@pytest.mark.parametrize("status", PLANTED.values(), ids=PLANTED)
async def test_a_scan_that_breaks_rests_and_the_others_go_on(
    stage: Stage, simulator: Simulator, status: Object
) -> None:
    await stage.create_pool(simulator.url)
    await stage.create_scan("odd")
    path = path_of("nessusscans", stage.namespace, "odd")
    await stage.kube.patch(f"{path}/status", {"status": status})
    await stage.create_scan()
    operator = stage.start(LEASE_SECONDS="15")
    await stage.until("Completed")
    await released(stage, simulator)

    async def told() -> list[Object] | None:
        lines = [one for one in operator.lines() if one["event"] == "Scan not carried on"]
        return lines if len(lines) > 2 else None

    lines = await eventually(told, "it is tried again and again")
    assert {(one["level"], one["task_id"]) for one in lines} == {
        ("error", f"{stage.namespace}/odd")
    }
    assert "once per attempt" in str(lines[0]["exception"])
    assert [one["seconds"] for one in lines[:3]] == [1.0, 2.0, 4.0]
    assert "Tick cut short" not in {one["event"] for one in operator.lines()}
    assert len(simulator.calls("POST", "/launch$")) == 1

    await stage.kube.delete(path)
    await stage.until_gone(name="odd")
    assert operator.process.poll() is None
