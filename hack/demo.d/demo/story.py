"""The demonstration from the first process to the last: what happens in which order."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from demo import agent, manifests, parts, served
from demo.agent import Agent
from demo.children import Children
from demo.controlplane import ControlPlane, remove
from demo.failures import Failure, Interrupted
from demo.manifests import Scanner
from demo.parts import Gateway, Ground
from demo.report import Counts
from demo.screen import Screen
from demo.targets import Plan
from demo.watch import Watch

SCAN = "demo"
SCANNERS = ("scanner1", "scanner2")
_FINDINGS_SHOWN = 10


@dataclass(frozen=True)
class Wishes:
    """What was asked for; `counts` are those of the given report."""

    plan: Plan
    once: bool
    port: int
    speed: float | None
    report: Path | None = None
    counts: Counts | None = None


async def tell(wishes: Wishes, screen: Screen) -> None:
    """Raises Failure, AlreadySaid, Interrupted or OSError. However it ends, nothing is left."""
    watch = Watch(screen.ending)
    plane = await watch.over(ControlPlane.up())
    try:
        plane.watch(watch.fault)
        folder = plane.home / "demo"  # whoever removes the control plane removes our part as well
        folder.mkdir()
        ground = Ground(plane, Children(folder, watch.fault), folder)
        room = asyncio.create_task(watch.keep_room(folder))
        try:
            await _perform(ground, watch, wishes, screen)
        finally:
            room.cancel()
            await ground.children.end()
    finally:
        await remove(plane.home)


async def _perform(ground: Ground, watch: Watch, wishes: Wishes, screen: Screen) -> None:
    gateway = await watch.over(_scan_once(ground, wishes, screen))
    if wishes.once:
        return
    screen.connect(gateway, ground.plane.home, wishes.plan.allow)
    with suppress(Interrupted):  # that is how it is meant to end
        await watch.over(asyncio.Event().wait())


async def _scan_once(ground: Ground, wishes: Wishes, screen: Screen) -> Gateway:
    """From an empty cluster to findings. Raises Failure."""
    scanners, gateway = await _set_up(ground, wishes, screen)
    async with agent.connected(gateway) as caller:
        task_id = await caller.submit(wishes.plan.targets, SCAN)
        screen.step("scan", f"{task_id} of {', '.join(wishes.plan.targets)}")
        status = await screen.follow(caller.follow(task_id))
        if status["status"] != "completed":
            why = status["error_message"] or "no reason is known"
            raise Failure(f"the scan ended as {status['status']}: {why}")
        for warning in status["validation_warnings"]:
            screen.step("warning", warning)
        stored = await caller.counts(task_id)
        await _show_findings(caller, task_id, stored, screen)
    counted = wishes.counts or await _count(ground, scanners, status)
    _compare(stored, counted, screen)
    for kind in ("nscan", "spool"):
        asked = ("get", kind, "--namespace", manifests.NAMESPACE)
        screen.kubectl(f"kubectl {' '.join(asked)}", await ground.plane.kubectl(*asked))
    return gateway


async def _set_up(ground: Ground, wishes: Wishes, screen: Screen) -> tuple[list[Scanner], Gateway]:
    screen.step("control plane", f"{await ground.plane.version()} in {ground.plane.home}")
    await parts.install(ground.plane)
    screen.step("kinds, rights", "crds/ and config/rbac/ are applied")
    scanners = [
        await parts.start_scanner(ground, name, wishes.plan, wishes.speed, wishes.report)
        for name in SCANNERS
    ]
    screen.step("scanners", f"simulated, at {' and '.join(scanner.url for scanner in scanners)}")
    operator = await parts.start_operator(ground)
    await parts.create_pool(ground.plane, operator, scanners, wishes.plan)
    screen.step("operator", f"serves pool {manifests.POOL} in namespace {manifests.NAMESPACE}")
    gateway = await parts.start_gateway(ground, wishes.port)
    screen.step("gateway", f"speaks MCP at {gateway.url}")
    return scanners, gateway


async def _show_findings(caller: Agent, task_id: str, stored: Counts, screen: Screen) -> None:
    screen.step("stored", str(stored))
    screen.severities(stored)
    screen.findings(await caller.findings(task_id, _FINDINGS_SHOWN), stored.findings)


async def _count(ground: Ground, scanners: list[Scanner], status: agent.Answer) -> Counts:
    scanner = next(one for one in scanners if one.name == status["scanner_instance"])
    return (await served.read(scanner, status["nessus_scan_id"], ground.folder)).counts


def _compare(stored: Counts, counted: Counts, screen: Screen) -> None:
    """Raises Failure where the product and a plain count of the report disagree."""
    different = stored.differences(counted)
    if different:
        raise Failure("stored and counted in the report: " + "; ".join(different))
    screen.step("counted", f"{counted} in the report itself: the same")
