"""What scans make of an API server that is cut off, restarts, or lacks our kinds."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpx2
import pytest
import yaml
from tests.forked import start_simulator
from tests.integration.conftest import ControlPlane, api_proxy, hack_controlplane
from tests.integration.operator.ground import ask, condition
from tests.integration.operator.test_deletion import until_launched
from tests.integration.operator.troubles import (
    scanner_status,
    until_logged,
    until_missing,
    until_ready,
)
from tests.kube import Kube, Object, Refused, path_of
from tests.proxy import Call, Proxy
from tests.running import ROOT, Stage, eventually

from nessus_operator.api.names import FINALIZER
from nessus_simulator.running import Simulator

KINDS = ("nessusscans", "scannerpools")


@pytest.fixture
async def cut(
    stage: Stage,
    control_plane: ControlPlane,
    service_account_kubeconfig: Callable[..., Awaitable[Path]],
) -> AsyncIterator[Proxy]:
    """The way of `stage.login` to the API server, which can be cut."""
    async with api_proxy(control_plane).serve() as proxy:
        stage.login = await service_account_kubeconfig("nessus-operator", server=proxy.url)
        yield proxy
        stage.stop()


def once(simulator: Simulator) -> None:
    """Whatever happened, one scan was created and launched, and nothing is left of it."""
    assert len(simulator.calls("POST", "^/scans$")) == 1
    assert len(simulator.calls("POST", "/launch$")) == 1
    assert simulator.calls("POST", "/stop$") == []


async def released(stage: Stage, simulator: Simulator) -> None:
    async def look() -> bool:
        scan = await stage.scan()
        return not scan["metadata"].get("finalizers") and not simulator.state()["scans"]

    await eventually(look, "nothing is left of the scan")


async def test_a_scan_goes_on_when_the_api_server_was_out_of_reach(
    stage: Stage, cut: Proxy, slow_simulator: Simulator
) -> None:
    """Shorter than the lease: the scan ends meanwhile, which is written down afterwards."""
    await stage.create_pool(slow_simulator.url)
    await stage.create_scan()
    operator = stage.start(LEASE_SECONDS="15")
    await until_launched(stage)
    cut.cut()
    slow_simulator.advance(3 * 3600)

    async def fetched() -> bool:
        return bool(slow_simulator.calls("GET", "/download$"))

    await eventually(fetched, "the report is fetched all the same")
    await until_logged(operator, "Watch failed")
    assert (await ask(operator, "/livez")).status_code == 200
    cut.heal()
    await stage.until("Completed")
    await released(stage, slow_simulator)
    once(slow_simulator)
    assert operator.process.poll() is None
    assert (await ask(operator, "/readyz")).status_code == 200


async def test_a_leader_that_is_cut_off_for_long_gives_up_before_its_lease_ends(
    stage: Stage,
    cut: Proxy,
    service_account_kubeconfig: Callable[..., Awaitable[Path]],
    slow_simulator: Simulator,
) -> None:
    await stage.create_pool(slow_simulator.url)
    await stage.create_scan()
    leader = stage.start(LEASE_SECONDS="6")
    await until_launched(stage)
    follower = stage.start(await service_account_kubeconfig("nessus-operator"), LEASE_SECONDS="6")
    await until_logged(follower, "Waiting for leadership")
    cut.cut()
    began = time.monotonic()
    status = await asyncio.to_thread(leader.process.wait, 15)
    assert (status, time.monotonic() - began < 6) == (1, True)
    assert leader.log.read_text().splitlines()[-1] == (
        f"nessus-operator: no longer leads: lease {stage.namespace}/nessus-operator was not renewed"
    )
    await until_logged(follower, "Leads")
    slow_simulator.advance(3 * 3600)
    await stage.until("Completed")
    await released(stage, slow_simulator)
    once(slow_simulator)


async def until_called(cut: Proxy, match: Callable[[Call], bool], what: str) -> None:
    """Until such a request came from now on."""
    before = len(cut.calls)

    async def seen() -> bool:
        return any(match(call) for call in cut.calls[before:])

    await eventually(seen, f"{what} is asked for")


def by_reflector(call: Call) -> bool:
    return call.method == "GET" and ("timeoutSeconds=" in call.query or "limit=" in call.query)


def by_kopf(call: Call) -> bool:
    """Its watch of pools, or its way back to one."""
    parts = call.path.strip("/").split("/")
    looks = parts[-1] == "scannerpools" or parts in (["api"], ["apis"])
    return call.method == "GET" and looks and not by_reflector(call)


# It has been seen to answer each of these to requests that were right, while it starts.
WRONG = (401, 403, 404, 429, 500, 503)


async def test_what_an_api_server_answers_while_it_starts_is_waited_out(
    stage: Stage, cut: Proxy, simulator: Simulator
) -> None:
    cut.answer("", 403)
    operator = stage.start()
    await until_missing(
        operator,
        "rights not known: the API server refuses our login",
        *(f"{kind}: not read yet" for kind in KINDS),
    )
    for code in WRONG:
        cut.heal()
        cut.answer("/nessus-operator.dev/|selfsubjectaccessreviews", code)
        await until_called(cut, by_reflector, f"a list that is answered {code}")
    assert (await ask(operator, "/readyz")).status_code == 503
    cut.heal()
    await until_ready(operator)
    await stage.create_pool(simulator.url)
    await stage.create_scan()
    await stage.until("Completed")
    assert operator.process.poll() is None


@pytest.mark.parametrize("code", [401, 403, 404, 503])
async def test_a_leader_outlives_what_an_api_server_answers_while_it_starts(
    stage: Stage, cut: Proxy, slow_simulator: Simulator, code: int
) -> None:
    await stage.create_pool(slow_simulator.url)
    await stage.create_scan()
    operator = stage.start(LEASE_SECONDS="60")
    await until_launched(stage)
    cut.cut()
    cut.heal()
    cut.answer("", code)
    await asyncio.gather(
        until_called(cut, by_kopf, "a watch by kopf"),
        until_called(cut, by_reflector, "a watch of ours"),
        until_called(cut, lambda call: call.path.endswith("/leases/nessus-operator"), "the lease"),
    )
    slow_simulator.advance(3 * 3600)
    cut.heal()
    await stage.until("Completed")
    await released(stage, slow_simulator)
    once(slow_simulator)
    assert operator.process.poll() is None
    await until_ready(operator)


async def test_nothing_runs_before_the_pool_has_our_finalizer(
    stage: Stage, cut: Proxy, slow_simulator: Simulator
) -> None:
    """Also when another writes to the pool at the same time."""

    def protects(call: Call) -> bool:
        ours = f'"{FINALIZER}"'.encode() in call.body
        return call.action.endswith("/scannerpools/pool") and call.method == "PATCH" and ours

    hold = cut.hold(protects)
    await stage.create_pool(slow_simulator.url)
    await stage.create_scan()
    stage.start()
    await asyncio.wait_for(hold.held.wait(), 30)
    label = {"metadata": {"labels": {"seen": "yes"}}}
    await stage.kube.patch(path_of("scannerpools", stage.namespace, "pool"), label)
    hold.release()
    await until_launched(stage)
    protections = [call.number for call in cut.calls if protects(call)]
    admissions = [call.number for call in cut.calls if b'"phase": "Running"' in call.body]
    assert len(protections) == 2
    assert len(admissions) == 1
    assert max(protections) < admissions[0]


async def until_scanner_says(stage: Stage, message: str) -> Object:
    async def look() -> Object | None:
        told = await scanner_status(stage)
        return told if told.get("message") == message else None

    return await eventually(look, f"the scanner's status says {message!r}")


@pytest.mark.parametrize("code", [403, 500])
async def test_a_secret_that_cannot_be_read_now_is_not_called_a_wrong_one(
    stage: Stage, cut: Proxy, simulator: Simulator, code: int
) -> None:
    cut.answer("^GET .*/secrets/", code)
    await stage.create_pool(simulator.url)
    await stage.create_scan()
    stage.start(LEASE_SECONDS="15")
    told = await until_scanner_says(
        stage, "the API server does not let the operator read its Secret or CA now"
    )
    assert (told["ready"], told["reason"]) == (False, "Pending")
    assert told["circuit"] == {"state": "Closed", "failures": 0}
    assert simulator.calls() == []
    cut.heal()
    await stage.until("Completed")
    cut.answer("^GET .*/secrets/", code)
    await stage.create_scan("other")
    await stage.until("Completed", "other")


@pytest.fixture
async def own_plane(binaries: Path) -> AsyncIterator[Path]:
    """The home of a control plane for this test alone; it has none of our kinds."""
    home = Path(await asyncio.to_thread(hack_controlplane, "up"))
    yield home
    await asyncio.to_thread(hack_controlplane, "down", str(home))


@pytest.fixture
async def own_stage(own_plane: Path, tmp_path: Path) -> AsyncIterator[Stage]:
    async with Kube(own_plane / "kubeconfig") as admin:
        await admin.create(path_of("namespaces"), {"metadata": {"name": "security"}})
        (tmp_path / "results").mkdir()
        login = own_plane / "kubeconfig"
        stage = Stage(admin, "security", login, tmp_path / "results", tmp_path)
        yield stage
        stage.stop()


async def create_kinds(stage: Stage) -> None:
    for file in (ROOT / "crds").glob("*.yaml"):
        body = yaml.safe_load(file.read_text())
        await stage.kube.create(path_of("customresourcedefinitions"), body)


async def created_pool(stage: Stage, url: str) -> None:
    """Kinds that are new are not served at once."""

    async def served() -> bool:
        try:
            for kind in KINDS:
                await stage.kube.get(path_of(kind, stage.namespace))
        except Refused:
            return False
        return True

    await eventually(served, "the kinds are served")
    await stage.create_pool(url)


@pytest.mark.timeout(240)
async def test_kinds_that_are_missing_are_named_until_they_are_there(
    own_stage: Stage, simulator: Simulator
) -> None:
    operator = own_stage.start()
    named = [
        f"customresourcedefinition {kind}.nessus-operator.dev: apply the files of crds/"
        for kind in KINDS
    ]
    check = await until_missing(operator, *named)
    assert (check["reason"], check["leading"]) == ("not_synced", False)
    assert any(
        set(line["missing"]) == set(named)
        for line in operator.lines()
        if line["event"] == "Not ready"
    )
    await create_kinds(own_stage)
    await until_ready(operator)
    await created_pool(own_stage, simulator.url)
    await own_stage.create_scan()
    await own_stage.until("Completed")
    assert operator.terminate() == 0


@pytest.mark.timeout(240)
async def test_a_scan_goes_on_when_the_api_server_was_killed_and_started_again(
    own_stage: Stage, own_plane: Path
) -> None:
    plane = ControlPlane(own_plane, own_plane / "kubeconfig", Path())
    await create_kinds(own_stage)
    with start_simulator("--speed", "60", "--host-seconds", "3600") as simulator:
        await created_pool(own_stage, simulator.url)
        await own_stage.create_scan()
        operator = own_stage.start(LEASE_SECONDS="60")
        await until_launched(own_stage)
        killed = plane.servers["kube-apiserver"]
        os.kill(killed, signal.SIGKILL)
        simulator.advance(3 * 3600)

        async def restarted() -> bool:
            return plane.servers["kube-apiserver"] != killed

        await eventually(restarted, "another API server is started")
        await until_completed(own_stage)
        await released(own_stage, simulator)
        once(simulator)
        assert operator.process.poll() is None
        scan = await own_stage.scan()
        assert condition(scan, "Succeeded")["status"] == "True"
        assert operator.terminate() == 0


async def until_completed(stage: Stage) -> None:
    """The API server may answer nothing, or wrongly, for a while."""

    async def look() -> bool:
        try:
            scan = await stage.scan()
        except (Refused, httpx2.HTTPError):
            return False
        return bool(scan["status"]["phase"] == "Completed")

    await eventually(look, "the scan is completed", 60)
