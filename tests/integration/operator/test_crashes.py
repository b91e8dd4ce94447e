"""Whatever the operator was doing when it died or was stopped, each attempt is launched once.

The operator is held at every request of a scan's way. It is killed there and started again, or
stopped, overtaken by a second replica, and continued.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.integration.conftest import ControlPlane, api_proxy
from tests.integration.operator.points import CASES, POINTS, Case, Point, matcher, name_of, seen
from tests.kube import Object
from tests.proxy import Proxy
from tests.running import OperatorProcess, Stage, eventually

from nessus_simulator.running import Simulator

HELD_SECONDS = 30.0


@dataclass
class Theatre:
    """A stage whose operator reaches API server and scanner through proxies."""

    stage: Stage
    simulator: Simulator
    kube: Proxy
    scanner: Proxy
    login: Path

    def side(self, point: Point) -> Proxy:
        return self.kube if point.side == "kube" else self.scanner

    def start(self) -> OperatorProcess:
        return self.stage.start(self.login)

    async def begin(self) -> None:
        await self.stage.create_pool(self.scanner.url)
        await self.stage.create_scan()

    async def completed(self) -> Object:
        """The scan at its end, when nothing is left on the scanner."""
        await self.stage.until("Completed", seconds=60)

        async def clean() -> Object | None:
            scan = await self.stage.scan()
            left = self.simulator.state()["scans"]
            return None if left or scan["metadata"].get("finalizers") else scan

        return await eventually(clean, "scanner and finalizers clean", 30)

    def effects(self, path: str) -> int:
        """How many requests of that kind Nessus carried out."""
        calls = self.simulator.calls("POST", path)
        return sum(call["acted"] and call["status"] == 200 for call in calls)


@pytest.fixture
async def theatre(
    stage: Stage,
    simulator: Simulator,
    control_plane: ControlPlane,
    service_account_kubeconfig: Callable[..., Awaitable[Path]],
) -> AsyncIterator[Theatre]:
    async with AsyncExitStack() as proxies:
        kube = await proxies.enter_async_context(api_proxy(control_plane).serve())
        scanner = await proxies.enter_async_context(Proxy(simulator.url).serve())
        login = await service_account_kubeconfig("nessus-operator", server=kube.url)
        yield Theatre(stage, simulator, kube, scanner, login)
        stage.stop()


async def test_hold_points_are_the_requests_of_a_recorded_run(theatre: Theatre) -> None:
    theatre.start()
    await theatre.begin()
    await theatre.completed()
    recorded = {
        Point(side, name)
        for side, proxy in (("kube", theatre.kube), ("scanner", theatre.scanner))
        for call in proxy.calls
        if (name := name_of(call, side))
    }
    assert recorded == set(POINTS)


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_killed_operator_is_followed_by_one_that_launches_once(
    theatre: Theatre, case: Case
) -> None:
    proxy = theatre.side(case.point)
    hold = proxy.hold(matcher(case.point, theatre.kube), case.stage)
    first = theatre.start()
    await theatre.begin()
    await asyncio.wait_for(hold.held.wait(), HELD_SECONDS)
    first.kill()
    before = seen(proxy.calls, case.point)
    if case.fate == "dropped":
        hold.drop()
    elif case.fate == "taken":
        hold.release()
    theatre.start()
    if case.fate == "late":
        await _gone_on(theatre, case, before)
        hold.release()
        await asyncio.wait_for(hold.through.wait(), HELD_SECONDS)
    await _assert_launched_once(theatre, case)


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_stopped_leader_is_overtaken_and_does_no_harm_when_it_goes_on(
    theatre: Theatre, case: Case
) -> None:
    proxy = theatre.side(case.point)
    hold = proxy.hold(matcher(case.point, theatre.kube), case.stage)
    leader = theatre.start()
    await eventually(_event(leader, "Leads"), "leader leads")
    follower = theatre.start()
    await theatre.begin()
    await asyncio.wait_for(hold.held.wait(), HELD_SECONDS)
    leader.send(signal.SIGSTOP)
    before = seen(proxy.calls, case.point)
    if case.fate == "dropped":
        hold.drop()
    elif case.fate == "taken":
        hold.release()
    await eventually(_event(follower, "Leads"), "follower leads")
    await _gone_on(theatre, case, before)
    leader.send(signal.SIGCONT)
    hold.release()
    assert await asyncio.to_thread(leader.process.wait, 15) == 1
    await _assert_launched_once(theatre, case)


async def _gone_on(theatre: Theatre, case: Case, before: int) -> None:
    """The next operator came to the same request, or the scan is over."""

    async def on() -> bool:
        again = seen(theatre.side(case.point).calls, case.point) > before
        return again or (await theatre.stage.scan()).get("status", {}).get("phase") == "Completed"

    await eventually(on, "next operator goes on", 40)


async def _assert_launched_once(theatre: Theatre, case: Case) -> None:
    scan = await theatre.completed()
    assert scan["status"]["attempt"] == 1
    creates = theatre.effects(r"^/scans$")
    late_create = case.fate == "late" and case.point.name == "POST /scans"
    assert creates == (2 if late_create else 1)
    assert theatre.effects(r"/launch$") == 1
    assert [folder.name for folder in theatre.stage.results.rglob("*.tmp*")] == []


def _event(operator: OperatorProcess, event: str) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return any(line.get("event") == event for line in operator.lines())

    return look
