"""Many scans at once, while replicas are killed and stopped in the middle of everything.

The crash tests hold one scan at one point at a time; here points coincide.
"""

import asyncio
import random
import signal
from pathlib import Path

import pytest
from tests.forked import start_simulator
from tests.generator.text import source
from tests.kube import path_of
from tests.running import OperatorProcess, Stage, eventually

from nessus_simulator.running import Simulator

SCANS = 16
MISHAPS = 5


@pytest.mark.timeout(300)
async def test_each_scan_is_launched_once_whatever_happens_to_replicas(
    stage: Stage, simulator: Simulator
) -> None:
    chance = source("mishaps")  # of their kind and order; what they strike is the machine's
    with start_simulator("--speed", "60", "--host-seconds", "30") as other:
        await stage.create_pool(simulator.url, other.url, backoffLimit=0)
        names = [f"scan-{number}" for number in range(SCANS)]
        for name in names:
            await stage.create_scan(name, priority=chance.randrange(3))
        replicas = [stage.start(), stage.start()]
        for _ in range(MISHAPS):
            await asyncio.sleep(chance.uniform(1, 4))
            await _mishap(stage, replicas, chance)
        _restart_ended(stage, replicas)
        for name in names:
            await stage.until("Completed", name, 120)
        scanners = (simulator, other)
        await _clean(stage, names, scanners)
        for path in ("^/scans$", "/launch$"):
            acted = [call for scanner in scanners for call in scanner.calls("POST", path)]
            assert sum(call["acted"] and call["status"] == 200 for call in acted) == SCANS, path
    assert _unfinished(stage.results) == []


async def _mishap(stage: Stage, replicas: list[OperatorProcess], chance: random.Random) -> None:
    """Take the leader away: for good and at once, or for longer than its lease."""
    leader = await eventually(lambda: _leader(stage, replicas), "a replica leads")
    replicas.remove(leader)
    replicas.append(stage.start())
    if chance.random() < 0.4:
        leader.kill()
        return
    leader.send(signal.SIGSTOP)
    await eventually(lambda: _leader(stage, replicas), "another leads")
    leader.send(signal.SIGCONT)
    assert await asyncio.to_thread(leader.process.wait, 15) == 1


async def _leader(stage: Stage, replicas: list[OperatorProcess]) -> OperatorProcess | None:
    """The one of these that holds the Lease."""
    _restart_ended(stage, replicas)
    leases = await stage.kube.items(path_of("leases", stage.namespace))
    holders = {lease["spec"].get("holderIdentity") for lease in leases}
    for replica in replicas:
        if any(line.get("identity") in holders for line in replica.lines()):
            return replica
    return None


def _restart_ended(stage: Stage, replicas: list[OperatorProcess]) -> None:
    """As a Deployment does: on a busy machine a leader may lose so short a lease by itself."""
    for number, replica in enumerate(replicas):
        if replica.process.poll() is not None:
            assert replica.process.returncode == 1, replica.log.read_text()
            replicas[number] = stage.start()


async def _clean(stage: Stage, names: list[str], scanners: tuple[Simulator, ...]) -> None:
    async def clean() -> bool:
        scans = [await stage.scan(name) for name in names]
        held = any(scan["metadata"].get("finalizers") for scan in scans)
        return not held and not any(scanner.state()["scans"] for scanner in scanners)

    await eventually(clean, "scanners and finalizers clean")


def _unfinished(results: Path) -> list[str]:
    return [path.name for path in results.rglob("*.tmp")]
