"""Which scan starts next and where, and what the others are told that wait."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from tests.forked import start_simulator
from tests.integration.operator.scenes import (
    HOST,
    change_pool,
    change_scanner,
    created,
    in_nessus,
    released,
    running,
    until_waits,
)
from tests.integration.operator.test_deletion import launched, until_launched
from tests.kube import Object, path_of
from tests.running import Stage, eventually

from nessus_simulator.running import Simulator

SLOW = ("--speed", "60", "--host-seconds", "3600")
ONE = ["192.0.2.10"]


@pytest.fixture
def another() -> Iterator[Simulator]:
    """A second slow scanner."""
    with start_simulator(*SLOW) as simulator:
        yield simulator


async def until_ready(stage: Stage, scanners: int) -> Object:
    """The pool once that many of its scanners are ready."""

    async def look() -> Object | None:
        pool = await stage.kube.get(path_of("scannerpools", stage.namespace, "pool"))
        seen = pool.get("status", {}).get("scanners", [])
        return pool if sum(one["ready"] for one in seen) == scanners else None

    return await eventually(look, f"{scanners} scanners are ready")


async def scanners_of(stage: Stage, *names: str) -> list[str]:
    return [(await stage.scan(name))["status"]["scannerName"] for name in names]


async def until_running(scans: int, *simulators: Simulator) -> None:
    async def look() -> bool:
        return sum(len(running(simulator)) for simulator in simulators) == scans

    await eventually(look, f"{scans} scans run")


@asynccontextmanager
async def watched(simulator: Simulator) -> AsyncIterator[list[int]]:
    """How many of our scans ran there, each time that somebody looked."""
    seen: list[int] = []

    async def look() -> None:
        while True:
            seen.append(len(await asyncio.to_thread(running, simulator)))
            await asyncio.sleep(0.02)

    looking = asyncio.create_task(look())
    yield seen
    looking.cancel()


async def test_a_scanner_that_is_unschedulable_takes_no_scan_and_ends_what_it_has(
    served: Stage, slow_simulator: Simulator
) -> None:
    await launched(served, slow_simulator)
    await change_scanner(served, "scanner1", unschedulable=True)
    await served.create_scan("other", targets=ONE)
    await until_waits(served, "NoReadyScanner", "other", says="scanner1 (Unschedulable)")
    slow_simulator.advance(3 * HOST)
    await served.until("Completed")
    assert created(slow_simulator) == ["scan"]
    await change_scanner(served, "scanner1", unschedulable=False)
    await until_launched(served, "other")
    assert created(slow_simulator) == ["scan", "other"]


async def test_a_pinned_scan_waits_for_its_own_scanner(
    served: Stage, slow_simulator: Simulator, another: Simulator
) -> None:
    await served.create_pool(slow_simulator.url, another.url)
    await change_scanner(served, "scanner2", maxConcurrentScans=1)
    await until_ready(served, 2)
    for name in ("first", "second"):
        await served.create_scan(name, scannerName="scanner2", targets=ONE)
    await served.create_scan("nowhere", scannerName="scanner3", targets=ONE)
    scan = await until_waits(served, "ScannerNotFound", "nowhere")
    assert "scanner3" in scan["status"]["message"]
    scan = await until_waits(served, "ScannerAtCapacity", "second")
    assert "scanner2" in scan["status"]["message"]
    await until_launched(served, "first")
    another.advance(2 * HOST)
    await served.until("Completed", "first")
    await until_launched(served, "second")
    assert (created(slow_simulator), created(another)) == ([], ["first", "second"])


async def test_the_least_used_scanner_is_first_and_none_takes_more_than_its_limit(
    served: Stage, slow_simulator: Simulator, another: Simulator
) -> None:
    await served.create_pool(slow_simulator.url, another.url)
    await change_scanner(served, "scanner1", maxConcurrentScans=3)
    await until_ready(served, 2)
    names = [f"scan-{number}" for number in range(7)]
    for name in names[:5]:
        await served.create_scan(name, targets=ONE)
        await until_launched(served, name)
    for name in names[5:]:
        await served.create_scan(name, targets=ONE)
        await until_waits(served, "PoolAtCapacity", name)
    # 0/3 and 0/2, then 1/3 and 0/2, 1/3 and 1/2, 2/3 and 1/2, 2/3 and 2/2
    placed = await scanners_of(served, *names[:5])
    assert placed == ["scanner1", "scanner2", "scanner1", "scanner2", "scanner1"]
    assert (len(running(slow_simulator)), len(running(another))) == (3, 2)
    pool = await served.kube.get(path_of("scannerpools", served.namespace, "pool"))
    assert {key: pool["status"][key] for key in ("capacity", "active", "queued")} == {
        "capacity": 5,
        "active": 5,
        "queued": 2,
    }

    another.advance(2 * HOST)
    for name in names[5:]:
        await until_launched(served, name)
    assert await scanners_of(served, *names[5:]) == ["scanner2", "scanner2"]
    assert (len(running(slow_simulator)), len(running(another))) == (3, 2)


async def test_a_crowd_fills_every_slot_and_never_exceeds_the_limit_of_any_scanner(
    served: Stage, slow_simulator: Simulator, another: Simulator
) -> None:
    await served.create_pool(slow_simulator.url, another.url)
    await change_scanner(served, "scanner2", maxConcurrentScans=1)
    await until_ready(served, 2)
    names = [f"scan-{number}" for number in range(8)]
    async with watched(slow_simulator) as on_one, watched(another) as on_two:
        for name in names:
            await served.create_scan(name, targets=ONE)
        for slots in (3, 3, 2):
            await until_running(slots, slow_simulator, another)
            for simulator in (slow_simulator, another):
                simulator.advance(2 * HOST)
        for name in names:
            await served.until("Completed", name)
    assert (max(on_one), max(on_two)) == (2, 1)
    for name in names:
        await released(served, slow_simulator, another, name=name)
    assert sorted(created(slow_simulator) + created(another)) == names


async def test_a_run_that_somebody_else_started_under_a_token_of_ours_takes_a_slot(
    served: Stage, slow_simulator: Simulator
) -> None:
    """A cancelled scan whose run goes on, for example, or that of another operator."""
    templates = in_nessus(slow_simulator, "GET", "/editor/scan/templates")["templates"]
    token = f"{'0' * 8}-0000-4000-8000-{'0' * 12}-1-abcdef01"
    settings = {"name": f"other [{token}]", "text_targets": "192.0.2.99"}
    body = {"uuid": templates[0]["uuid"], "settings": settings}
    other = in_nessus(slow_simulator, "POST", "/scans", body)["scan"]["id"]
    in_nessus(slow_simulator, "POST", f"/scans/{other}/launch")
    await served.create_pool(slow_simulator.url)
    await change_scanner(served, "scanner1", maxConcurrentScans=1)
    await until_ready(served, 1)
    await served.create_scan()
    await until_waits(served, "PoolAtCapacity")
    in_nessus(slow_simulator, "POST", f"/scans/{other}/stop")
    await until_launched(served)
    assert other in [one["id"] for one in slow_simulator.state()["scans"]]


async def test_scans_start_by_priority_then_in_turns_then_by_age(
    served: Stage, slow_simulator: Simulator
) -> None:
    await served.create_pool(slow_simulator.url, stopPolicy="Hold", maxPriority=500)
    await change_scanner(served, "scanner1", maxConcurrentScans=1)
    await until_ready(served, 1)
    for name, priority in {"low": 0, "old": 100, "urgent": 500, "loud": 1000, "new": 100}.items():
        await served.create_scan(name, targets=ONE, priority=priority)
        await until_waits(served, "PoolStopped", name)
        if name in ("old", "urgent"):  # age counts in whole seconds of creationTimestamp
            await a_second_later(served, name)
    await served.change({"priority": 50}, "low")
    await change_pool(served, stopPolicy="None")
    order = ["urgent", "loud", "old", "new", "low"]  # what is above maxPriority counts as that
    for number, name in enumerate(order, start=1):
        await until_launched(served, name)
        assert created(slow_simulator) == order[:number]
        assert running(slow_simulator) == [name]
        slow_simulator.advance(2 * HOST)
        await served.until("Completed", name)


async def a_second_later(stage: Stage, name: str) -> None:
    """What is created from here on is younger, to the second."""
    path = path_of("configmaps", stage.namespace)
    created_at = (await stage.scan(name))["metadata"]["creationTimestamp"]

    async def later() -> bool:
        probe = await stage.kube.create(path, {"metadata": {"generateName": "clock-"}})
        return bool(probe["metadata"]["creationTimestamp"] > created_at)

    await eventually(later, "the next second")


async def test_requesters_take_turns(served: Stage, slow_simulator: Simulator) -> None:
    await served.create_pool(slow_simulator.url, stopPolicy="Hold")
    await change_scanner(served, "scanner1", maxConcurrentScans=2)
    await until_ready(served, 1)
    for name in ("a-1", "a-2", "a-3", "b-1"):
        scan = await served.create_scan(name, targets=ONE, suspend=True)
        annotations = {"nessus-operator.dev/requester": name[0]}
        path = path_of("nessusscans", served.namespace, name)
        await served.kube.patch(path, {"metadata": {"annotations": annotations}})
        assert scan["metadata"]["name"] == name
        await served.change({"suspend": False}, name)
        await until_waits(served, "PoolStopped", name)
    await a_second_later(served, "b-1")
    await change_pool(served, stopPolicy="None")
    await until_launched(served, "b-1")
    assert len(created(slow_simulator)) == 2
    assert "b-1" in created(slow_simulator)
