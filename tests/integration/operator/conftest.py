"""An operator under its own rights, a namespace for it, and a simulated Nessus."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests.forked import start_simulator
from tests.integration.conftest import ControlPlane
from tests.integration.operator.ground import Ground, prepared
from tests.kube import Kube, Refused, path_of
from tests.running import Stage, grant

from nessus_simulator.running import Simulator


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """A Nessus that needs half a second for a host."""
    with start_simulator("--speed", "60", "--host-seconds", "30") as running:
        yield running


@pytest.fixture
def slow_simulator() -> Iterator[Simulator]:
    """A Nessus that needs a minute for a host, which `advance` makes pass; all else is quick."""
    with start_simulator("--speed", "60", "--host-seconds", "3600") as running:
        yield running


@pytest.fixture
async def stage(
    kube: Kube,
    namespace: str,
    service_account_kubeconfig: Callable[..., Awaitable[Path]],
    tmp_path: Path,
) -> AsyncIterator[Stage]:
    """A stage for operators that the test starts by itself."""
    login = await service_account_kubeconfig("nessus-operator")
    await grant(kube, namespace, "nessus-operator")
    results = tmp_path / "results"
    results.mkdir()
    stage = Stage(kube, namespace, login, results, tmp_path)
    yield stage
    stage.stop()
    await kube.delete(path_of("clusterrolebindings", name=f"nessus-operator-{namespace}"))


@pytest.fixture(scope="module")
def ground(
    control_plane: ControlPlane,
    crds: None,
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Ground]:
    """The operator of a module, started with its SETTINGS where it has some."""
    tests = sum(item.path == request.path for item in request.session.items)
    settings = getattr(request.module, "SETTINGS", {})
    folder = tmp_path_factory.mktemp("ground")
    with prepared(control_plane, folder, tests, settings) as ground:
        yield ground


@pytest.fixture
async def served(ground: Ground, kube: Kube, tmp_path: Path) -> AsyncIterator[Stage]:
    """A namespace that the module's operator serves, which is `served.operators[0]`."""
    assert ground.operator.process.poll() is None, ground.operator.log.read_text()
    name = next(ground.namespaces)
    await kube.create(path_of("namespaces"), {"metadata": {"name": name}})
    yield Stage(kube, name, ground.login, ground.results, tmp_path, [ground.operator])
    with suppress(Refused):  # the test may have deleted the namespace
        for resource in ("nessusscans", "scannerpools"):
            await kube.delete(path_of(resource, name))
