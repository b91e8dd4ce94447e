"""The Reflector on a real API server: cut off, restarted, and with a Store behind it."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import httpx2
import pytest
from tests.integration.conftest import ROOT, ControlPlane, hack_controlplane, kubectl
from tests.integration.kube.conftest import Connect, scan
from tests.kube import Kube as Admin
from tests.kube import kubeconfig, path_of, trusting
from tests.proxy import Proxy

from nessus_operator.api.scan import NessusScan
from nessus_operator.clients.kube import paths
from nessus_operator.clients.kube.reflector import Reflector
from nessus_operator.clients.kube.requests import Kube, Object
from nessus_operator.clients.kube.store import Store


@dataclass
class Followed:
    """A namespace's scans as one Reflector tells of them."""

    reflector: Reflector
    store: Store[NessusScan]
    changes: list[str] = field(default_factory=list)
    restarts: list[str] = field(default_factory=list)
    moments: list[float] = field(default_factory=list)  # of the restarts

    async def until(self, reached: Callable[[], bool], seconds: float = 60) -> None:
        async with asyncio.timeout(seconds):
            while not reached():  # noqa: ASYNC110 - what is waited for comes without an event
                await asyncio.sleep(0.01)

    async def until_told(self, *changes: str) -> None:
        await self.until(lambda: set(changes) <= set(self.changes))

    def names(self) -> list[str]:
        return sorted(one.metadata.name for one in self.store)


@asynccontextmanager
async def following(kube: Kube, namespace: str, silence: float = 75) -> AsyncIterator[Followed]:
    store = Store(NessusScan.from_object)

    def change(kind: str, item: Object) -> None:
        store.apply(kind, item)  # type: ignore[arg-type]
        followed.changes.append(f"{kind} {item['metadata']['name']}")

    def report(_: str, restart: str | None) -> None:
        if restart:
            followed.restarts.append(restart)
            followed.moments.append(asyncio.get_running_loop().time())

    reflector = Reflector(kube, paths.scans(namespace), change, report=report, silence=silence)
    followed = Followed(reflector, store)
    running = asyncio.create_task(reflector.run())
    try:
        async with asyncio.timeout(30):
            await reflector.synced.wait()
        yield followed
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def create(kube: Admin, namespace: str, name: str) -> None:
    await kube.create(path_of("nessusscans", namespace), scan(name))


async def delete(kube: Admin, namespace: str, name: str) -> None:
    await kube.delete(path_of("nessusscans", namespace, name))


async def test_changes_are_told_in_their_order(
    connect: Connect, kube: Admin, namespace: str
) -> None:
    await create(kube, namespace, "before")
    async with following(await connect(), namespace) as followed:
        assert followed.changes == ["ADDED before"]
        await create(kube, namespace, "a")
        await kube.patch(path_of("nessusscans", namespace, "a"), {"spec": {"priority": 7}})
        await delete(kube, namespace, "before")
        await create(kube, namespace, "b")
        await followed.until_told("ADDED b")
        assert followed.changes == [
            "ADDED before",
            "ADDED a",
            "MODIFIED a",
            "DELETED before",
            "ADDED b",
        ]
        found = followed.store.by_name(namespace, "a")
        assert found is not None
        assert found.spec.priority == 7
        assert followed.restarts == []
        assert followed.reflector.fresh()


async def test_only_the_namespace_that_was_asked_for_is_followed(
    connect: Connect, kube: Admin, namespace: str
) -> None:
    async with following(await connect(), namespace) as followed:
        await create(kube, "default", f"elsewhere-{namespace}")
        await create(kube, namespace, "here")
        await followed.until_told("ADDED here")
        assert followed.changes == ["ADDED here"]
    await delete(kube, "default", f"elsewhere-{namespace}")


async def test_a_cut_connection_is_resumed_without_a_list(
    connect: Connect, through_proxy: Path, proxy: Proxy, kube: Admin, namespace: str
) -> None:
    await create(kube, namespace, "a")
    async with following(await connect(through_proxy), namespace) as followed:
        await followed.until(lambda: any("watch" in call.query for call in proxy.calls))
        proxy.cut()
        await delete(kube, namespace, "a")
        await create(kube, namespace, "b")
        await followed.until(lambda: followed.reflector.fault is not None)
        proxy.heal()
        await followed.until_told("DELETED a", "ADDED b")
        assert followed.changes == ["ADDED a", "DELETED a", "ADDED b"]
        assert set(followed.restarts) == {"error"}
        assert [call for call in proxy.calls if "limit" in call.query] == proxy.calls[:1]
        assert followed.reflector.fault is None


async def test_a_watch_that_has_nothing_to_tell_is_trusted_once_the_server_was_asked(
    connect: Connect, through_proxy: Path, proxy: Proxy, kube: Admin, namespace: str
) -> None:
    await create(kube, namespace, "a")
    async with following(await connect(through_proxy), namespace, silence=0.8) as followed:
        await followed.until(lambda: sum(call.query == "limit=1" for call in proxy.calls) >= 3)
        await followed.until(followed.reflector.fresh)
        await create(kube, namespace, "b")
        await followed.until_told("ADDED b")
        assert followed.changes == ["ADDED a", "ADDED b"]
        assert followed.restarts == []


REFUSALS = {"Forbidden": 403, "not found": 404, "too many requests": 429, "not available": 503}


@pytest.mark.parametrize("code", REFUSALS.values(), ids=REFUSALS)
async def test_what_a_server_says_while_it_starts_is_waited_out(
    code: int, connect: Connect, through_proxy: Path, proxy: Proxy, kube: Admin, namespace: str
) -> None:
    async with following(await connect(through_proxy), namespace) as followed:
        proxy.answer(r"GET .*/nessusscans", code)
        proxy.cut()
        proxy.down = False
        await create(kube, namespace, "a")
        await followed.until(lambda: f"answered {code}" in str(followed.reflector.fault))
        proxy.heal()
        await followed.until_told("ADDED a")
        assert followed.changes == ["ADDED a"]


async def test_the_wait_grows_with_failures_and_is_short_again_after_a_success(
    connect: Connect, through_proxy: Path, proxy: Proxy, kube: Admin, namespace: str
) -> None:
    async with following(await connect(through_proxy), namespace) as followed:
        proxy.cut()
        await followed.until(lambda: len(followed.restarts) >= 5)
        proxy.heal()
        await create(kube, namespace, "a")
        await followed.until_told("ADDED a")
        waits = [later - sooner for sooner, later in pairwise(followed.moments)]
        assert waits[3] > waits[0]
        begun = len(followed.moments)
        proxy.cut()
        await followed.until(lambda: len(followed.moments) >= begun + 2)
        assert followed.moments[begun + 1] - followed.moments[begun] < 1.6  # was to be 2.5 or more


async def test_the_answer_to_a_write_is_not_undone_by_the_watch(
    connect: Connect, namespace: str
) -> None:
    kube = await connect()
    async with following(kube, namespace) as followed:
        for number in range(20):
            made = await kube.create(paths.scans(namespace), scan(f"s{number}"))
            followed.store.apply("ADDED", made)
            name = paths.scans(namespace, f"s{number}")
            followed.store.apply(
                "MODIFIED", await kube.merge_patch(name, {"spec": {"priority": 1}})
            )
            assert all(one.spec.priority == 1 for one in followed.store)
        await followed.until_told(*(f"MODIFIED s{number}" for number in range(20)))
        assert all(one.spec.priority == 1 for one in followed.store)
        assert len(followed.store) == 20


@pytest.fixture
def own_control_plane(binaries: Path) -> Iterator[ControlPlane]:
    """One that a test may kill."""
    home = Path(hack_controlplane("up", "--owner", str(os.getpid())))
    yield ControlPlane(home, home / "kubeconfig", binaries)
    hack_controlplane("down", str(home))


async def test_a_killed_server_comes_back_and_what_was_deleted_is_told(
    own_control_plane: ControlPlane, connect: Connect, tmp_path: Path
) -> None:
    kubectl(own_control_plane, "apply", "--server-side", f"--filename={ROOT / 'crds'}")
    kubectl(own_control_plane, "wait", "--for=condition=Established", "crd", "--all")
    kubectl(own_control_plane, "get", "nessusscans")
    config = json.loads(own_control_plane.kubeconfig.read_text())
    cluster = config["clusters"][0]["cluster"]
    tls = trusting(cluster["certificate-authority-data"])
    async with (
        Proxy(cluster["server"], tls).serve() as proxy,
        Admin(own_control_plane.kubeconfig) as kube,
    ):
        login = tmp_path / "own.kubeconfig"
        login.write_text(json.dumps(kubeconfig(own_control_plane.kubeconfig, server=proxy.url)))
        for name in ("stays", "goes"):
            await create(kube, "default", name)
        async with following(await connect(login), "default") as followed:
            proxy.cut()
            await delete(kube, "default", "goes")
            await create(kube, "default", "comes")
            os.kill(own_control_plane.servers["kube-apiserver"], signal.SIGKILL)
            await answers_again(kube)
            proxy.heal()
            await followed.until_told("DELETED goes", "ADDED comes")
            assert followed.names() == ["comes", "stays"]
            assert "expired" in followed.restarts
            assert followed.changes.count("ADDED stays") == 1


async def answers_again(kube: Admin) -> None:
    async with asyncio.timeout(60):
        while not await ready(kube):  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0.1)


async def ready(kube: Admin) -> bool:
    """Whether the server that came after the killed one is ready."""
    try:
        return (await kube.client.get("/readyz")).status_code == 200
    except httpx2.TransportError:
        return False
