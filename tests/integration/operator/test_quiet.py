"""Where nothing happens nothing is written."""

from collections.abc import Iterator

import pytest
from tests.forked import start_simulator
from tests.integration.operator.ground import Ground, metrics
from tests.integration.operator.test_deletion import until_launched
from tests.kube import path_of
from tests.running import Stage, eventually

from nessus_simulator.running import Simulator

SETTINGS = {"RESYNC_SECONDS": "0.2", "PROBE_SECONDS": "600"}
LOOKS = 6  # after each the pool's loop ticks
REST = {"done": "Completed", "running": "Running", "suspended": "Queued", "nowhere": "Queued"}


@pytest.fixture
def sleepy_simulator() -> Iterator[Simulator]:
    """Makes no progress that anyone could see, but for `advance`."""
    with start_simulator("--host-seconds", "1000000") as running:
        yield running


async def versions(stage: Stage) -> dict[str, str]:
    """Changes with every write, also with one that changes nothing else."""
    return {
        body["metadata"]["name"]: body["metadata"]["resourceVersion"]
        for resource in ("scannerpools", "nessusscans")
        for body in await stage.kube.items(path_of(resource, stage.namespace))
    }


async def patches(ground: Ground) -> float:
    seen = await metrics(ground.operator)
    return seen.value("nessus_kube_request_duration_seconds_count", verb="patch")


async def looks(simulator: Simulator, count: int) -> None:
    """So many more lists of the scanner's scans."""
    before = len(simulator.calls("GET", "^/scans$"))

    async def seen() -> bool:
        return len(simulator.calls("GET", "^/scans$")) >= before + count

    await eventually(seen, f"{count} more looks at the scanner")


async def test_scans_at_rest_and_their_pool_stay_as_they_are(
    ground: Ground, served: Stage, sleepy_simulator: Simulator
) -> None:
    await served.create_pool(sleepy_simulator.url)
    await served.create_scan("done")
    await until_launched(served, "done")
    sleepy_simulator.advance(3_000_000)
    await served.until("Completed", "done")
    await served.create_scan("suspended", suspend=True)
    await served.create_scan("nowhere", poolRef={"name": "missing"})
    await served.create_scan("running")
    await until_launched(served, "running")
    for name, phase in REST.items():
        await served.until(phase, name)

    async def runs() -> bool:
        status = (await served.scan("running"))["status"]
        return bool(status["remote"].get("state") == "running")

    await eventually(runs, "the last change is written")
    before, written = await versions(served), await patches(ground)
    await looks(sleepy_simulator, LOOKS)
    assert await versions(served) == before
    assert await patches(ground) == written
