"""How the operator ends: at once, its lease free, its session closed, its scans going on."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.integration.conftest import ControlPlane, api_proxy
from tests.integration.operator.scenes import done
from tests.integration.operator.test_deletion import until_launched
from tests.integration.operator.troubles import LOGIN, create_pool, secret, until_logged
from tests.kube import Object, path_of
from tests.proxy import Proxy
from tests.running import OperatorProcess, Stage

from nessus_simulator.running import Simulator

ENDS_WITHIN = 5.0
LEASE_SECONDS = 15.0


async def ended(operator: OperatorProcess) -> float:
    """Ends it as Kubernetes would; answers the seconds that it took. It must say 0."""
    began = time.monotonic()
    assert await asyncio.to_thread(operator.terminate) == 0
    return time.monotonic() - began


async def lease(stage: Stage) -> Object:
    found = await stage.kube.get(path_of("leases", stage.namespace, "nessus-operator"))
    return dict(found["spec"])


def troubles(operator: OperatorProcess) -> list[Object]:
    return [line for line in operator.lines() if line["level"] in ("warning", "error", "critical")]


async def test_a_leader_that_ends_is_followed_at_once(
    stage: Stage, slow_simulator: Simulator
) -> None:
    await stage.create_pool(slow_simulator.url)
    await stage.create_scan()
    leader = stage.start(LEASE_SECONDS=str(LEASE_SECONDS))
    await until_launched(stage)
    follower = stage.start(LEASE_SECONDS=str(LEASE_SECONDS))
    await until_logged(follower, "Waiting for leadership")
    assert await ended(leader) < ENDS_WITHIN
    await until_logged(follower, "Leads", LEASE_SECONDS / 2)
    slow_simulator.advance(3 * 3600)
    await stage.until("Completed")
    assert len(slow_simulator.calls("POST", "^/scans$")) == 1
    assert len(slow_simulator.calls("POST", "/launch$")) == 1
    assert slow_simulator.calls("POST", "/stop$") == []
    assert await ended(follower) < ENDS_WITHIN
    assert (await lease(stage))["holderIdentity"] == ""
    assert [*troubles(leader), *troubles(follower)] == []


async def test_one_that_follows_ends_without_touching_the_lease(stage: Stage) -> None:
    leader = stage.start()
    await until_logged(leader, "Leads")
    follower = stage.start()
    await until_logged(follower, "Waiting for leadership")
    holder = (await lease(stage))["holderIdentity"]
    assert await ended(follower) < ENDS_WITHIN
    assert (await lease(stage))["holderIdentity"] == holder
    assert leader.process.poll() is None


async def test_its_session_ends_with_it(stage: Stage, slow_simulator: Simulator) -> None:
    await create_pool(stage, slow_simulator.url, secret(slow_simulator.url, LOGIN), auth="Session")
    await stage.create_scan()
    operator = stage.start()
    await until_launched(stage)
    assert len(done(slow_simulator, "POST", "^/session$")) == 1
    assert await ended(operator) < ENDS_WITHIN
    assert len(done(slow_simulator, "DELETE", "^/session$")) == 1


async def test_a_scanner_that_holds_its_requests_does_not_hold_it(
    stage: Stage, slow_simulator: Simulator
) -> None:
    await create_pool(stage, slow_simulator.url, secret(slow_simulator.url, LOGIN), auth="Session")
    await stage.create_scan()
    operator = stage.start(REQUEST_SECONDS="60")
    await until_launched(stage)
    held = slow_simulator.fault("hold", "", count=None)
    await asyncio.to_thread(slow_simulator.wait_held, held)
    assert await ended(operator) < ENDS_WITHIN
    assert (await lease(stage))["holderIdentity"] == ""


async def test_a_report_that_is_being_fetched_is_fetched_by_the_next(
    stage: Stage, simulator: Simulator
) -> None:
    held = simulator.hold("/download$", method="GET")
    await stage.create_pool(simulator.url)
    await stage.create_scan()
    operator = stage.start()
    await asyncio.to_thread(simulator.wait_held, held)
    assert await ended(operator) < ENDS_WITHIN
    scan = await stage.until("Running")
    folder = stage.results / stage.namespace / scan["metadata"]["uid"] / "1"
    assert list(folder.iterdir()) == []
    simulator.release(held)
    stage.start()
    assert "partial" in (await stage.until("Completed"))["status"]["results"]
    assert sorted(path.name for path in folder.iterdir()) == [
        "findings.sqlite",
        "manifest.json",
        "report.nessus.zst",
    ]
    assert len(simulator.calls("POST", "/launch$")) == 1


@asynccontextmanager
async def behind_a_proxy(
    stage: Stage,
    control_plane: ControlPlane,
    service_account_kubeconfig: Callable[..., Awaitable[Path]],
) -> AsyncIterator[tuple[Proxy, OperatorProcess]]:
    """A leader that reaches the API server through a proxy."""
    async with api_proxy(control_plane).serve() as proxy:
        login = await service_account_kubeconfig("nessus-operator", server=proxy.url)
        operator = stage.start(login, LEASE_SECONDS=str(LEASE_SECONDS))
        await until_logged(operator, "Leads")
        yield proxy, operator
        stage.stop()


@pytest.mark.parametrize("trouble", ["is mute", "is gone"])
async def test_an_api_server_that_does_not_answer_does_not_hold_it(
    stage: Stage,
    control_plane: ControlPlane,
    service_account_kubeconfig: Callable[..., Awaitable[Path]],
    trouble: str,
) -> None:
    """Then its lease stays its own until it runs out."""
    async with behind_a_proxy(stage, control_plane, service_account_kubeconfig) as (proxy, leader):
        if trouble == "is gone":
            proxy.cut()
        else:
            for _ in range(20):
                proxy.hold("")
        assert await ended(leader) < ENDS_WITHIN
    assert (await lease(stage))["holderIdentity"] != ""
