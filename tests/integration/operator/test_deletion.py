"""Deleting a scan, its pool or its namespace leaves nothing behind while Nessus answers."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from tests.integration.operator.ground import Ground, condition
from tests.kube import Object, path_of
from tests.proxy import Proxy
from tests.running import Stage, eventually

from nessus_simulator.running import Simulator

SETTINGS = {"CLEANUP_SECONDS": "60"}

# Requests of the launch protocol, and whether one is held before or after it takes effect.
STEPS = {
    "the list of scans": ("GET /scans$", "before"),
    "the list of templates": ("GET /editor/scan/templates$", "before"),
    "the template": ("GET /editor/scan/templates/", "before"),
    "the creation, before it takes effect": ("POST /scans$", "before"),
    "the creation, after it took effect": ("POST /scans$", "after"),
    "the details": (r"GET /scans/\d+$", "before"),
    "the launch, before it takes effect": ("POST /scans/.*/launch", "before"),
    "the launch, after it took effect": ("POST /scans/.*/launch", "after"),
}


async def launched(
    stage: Stage, simulator: Simulator, pool: Mapping[str, Any] = {}, **spec: Any
) -> Object:
    """A scan that runs on the only scanner of its pool."""
    await stage.create_pool(simulator.url, **pool)
    await stage.create_scan(**spec)
    return await until_launched(stage)


async def until_launched(stage: Stage, name: str = "scan", attempt: int = 1) -> Object:
    async def look() -> Object | None:
        scan = await stage.scan(name)
        launched = condition(scan, "Launched").get("status") == "True"
        return scan if launched and scan["status"]["attempt"] == attempt else None

    return await eventually(look, f"{name} is launched")


def left(stage: Stage, simulator: Simulator) -> list[object]:
    """What is left on the scanner and on the volume."""
    folders = (stage.results / stage.namespace).glob("*")
    return [*simulator.state()["scans"], *folders]


async def namespace_gone(stage: Stage) -> None:
    async def gone() -> bool:
        names = {one["metadata"]["name"] for one in await stage.kube.items(path_of("namespaces"))}
        return stage.namespace not in names

    await eventually(gone, "the namespace is gone", 60)


async def nothing_left(stage: Stage, simulator: Simulator, seconds: float = 20.0) -> None:
    async def look() -> bool:
        return not left(stage, simulator)

    await eventually(look, "nothing left", seconds)


async def test_a_running_scan_is_stopped_and_gone(served: Stage, slow_simulator: Simulator) -> None:
    await launched(served, slow_simulator)
    await served.kube.delete(path_of("nessusscans", served.namespace, "scan"))
    await served.until_gone()
    await nothing_left(served, slow_simulator)
    assert len(slow_simulator.calls("POST", "/stop$")) == 1


async def test_a_completed_scan_goes_with_its_results(served: Stage, simulator: Simulator) -> None:
    await launched(served, simulator)
    scan = await served.until("Completed")
    folder = served.results / served.namespace / scan["metadata"]["uid"]
    assert (folder / "1/findings.sqlite").is_file()
    await served.kube.delete(path_of("nessusscans", served.namespace, "scan"))
    await served.until_gone()
    await nothing_left(served, simulator)


async def test_a_completed_scan_whose_remote_scan_was_to_stay_with_it_takes_that_along(
    served: Stage, simulator: Simulator
) -> None:
    await served.create_pool(simulator.url, retention={"remoteScan": "DeleteWithScan"})
    await served.create_scan()
    await served.until("Completed")
    assert len(simulator.state()["scans"]) == 1
    await served.kube.delete(path_of("nessusscans", served.namespace, "scan"))
    await served.until_gone()
    await nothing_left(served, simulator)


async def test_a_queued_scan_goes_at_once(served: Stage, slow_simulator: Simulator) -> None:
    await served.create_pool(slow_simulator.url)
    await served.create_scan(suspend=True)
    await served.until("Queued")
    await served.kube.delete(path_of("nessusscans", served.namespace, "scan"))
    await served.until_gone(seconds=5)
    assert slow_simulator.calls("POST", "/scans") == []


@pytest.mark.parametrize(("request_", "stage"), STEPS.values(), ids=STEPS)
async def test_a_scan_that_is_deleted_while_it_is_launched_leaves_nothing(
    served: Stage, slow_simulator: Simulator, request_: str, stage: str
) -> None:
    async with Proxy(slow_simulator.url).serve() as proxy:
        await served.create_pool(proxy.url)
        await served.create_scan(suspend=True)
        await served.until("Queued")
        hold = proxy.hold(f"^{request_}", "after" if stage == "after" else "before")
        await served.change({"suspend": False})
        await asyncio.wait_for(hold.held.wait(), 30)
        await served.kube.delete(path_of("nessusscans", served.namespace, "scan"))
        hold.release()
        await served.until_gone()
        await nothing_left(served, slow_simulator)


async def test_a_creation_that_takes_effect_when_its_scan_is_long_gone_leaves_nothing(
    served: Stage, slow_simulator: Simulator
) -> None:
    async with Proxy(slow_simulator.url).serve() as proxy:
        await served.create_pool(proxy.url)
        hold = proxy.hold("^POST /scans$")
        await served.create_scan()
        await asyncio.wait_for(hold.held.wait(), 30)
        await served.kube.delete(path_of("nessusscans", served.namespace, "scan"))
        await served.until_gone()
        hold.release()
        await asyncio.wait_for(hold.through.wait(), 30)
        assert len(slow_simulator.calls("POST", "^/scans$")) == 1
        await nothing_left(served, slow_simulator)


async def test_a_scan_that_is_deleted_while_its_report_is_fetched_does_not_wait_for_it(
    served: Stage, simulator: Simulator
) -> None:
    held = simulator.hold("/download$", method="GET")
    await launched(served, simulator)
    await asyncio.to_thread(simulator.wait_held, held)
    await served.kube.delete(path_of("nessusscans", served.namespace, "scan"))
    await served.until_gone()
    simulator.release(held)
    await nothing_left(served, simulator)


async def test_a_pool_ends_its_scans_with_what_they_found_and_goes(
    served: Stage, slow_simulator: Simulator
) -> None:
    await launched(served, slow_simulator)
    await served.create_scan("waiting", suspend=True)
    await served.until("Queued", "waiting")
    slow_simulator.advance(1.5 * 3600)  # one of two hosts is done
    await served.kube.delete(path_of("scannerpools", served.namespace, "pool"))
    await served.until_gone("scannerpools", "pool")
    scan = await served.until("Cancelled")
    assert condition(scan, "Succeeded")["reason"] == "Deleted"
    assert scan["status"]["results"]["partial"] is True
    assert scan["metadata"].get("finalizers") is None
    assert slow_simulator.state()["scans"] == []
    assert condition(await served.until("Queued", "waiting"), "Admitted")["reason"] in (
        "PoolNotFound",
        "Suspended",
    )


@pytest.mark.parametrize("first", [None, "secrets", "scannerpools"], ids=str)
async def test_a_namespace_goes_with_all_that_is_in_it(
    ground: Ground, served: Stage, slow_simulator: Simulator, first: str | None
) -> None:
    """Whatever of it goes first."""
    await launched(served, slow_simulator)
    names = {"secrets": "pool-scanner1", "scannerpools": "pool"}
    if first:
        await served.kube.delete(path_of(first, served.namespace, names[first]))
    await served.kube.delete(path_of("namespaces", name=served.namespace))
    await namespace_gone(served)
    await nothing_left(served, slow_simulator)


async def test_a_pool_whose_secret_is_gone_already_still_ends_its_scans(
    served: Stage, slow_simulator: Simulator
) -> None:
    await launched(served, slow_simulator)
    await served.kube.delete(path_of("secrets", served.namespace, "pool-scanner1"))

    async def noticed() -> bool:
        pool = await served.kube.get(path_of("scannerpools", served.namespace, "pool"))
        return pool["status"]["scanners"][0]["reason"] == "SecretNotFound"

    await eventually(noticed, "the missing Secret is noticed")
    await served.kube.delete(path_of("scannerpools", served.namespace, "pool"))
    await served.until_gone("scannerpools", "pool")
    await served.until("Cancelled")
    assert slow_simulator.state()["scans"] == []
