"""An operator under its own rights, a namespace for it, and a simulated Nessus."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from tests.kube import Kube, path_of
from tests.running import Stage, grant

from nessus_simulator.running import Simulator, start_simulator


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """A Nessus that needs half a second for a host."""
    with start_simulator("--speed", "60", "--host-seconds", "30") as running:
        yield running


@pytest.fixture
async def stage(
    kube: Kube,
    namespace: str,
    service_account_kubeconfig: Callable[..., Awaitable[Path]],
    tmp_path: Path,
) -> AsyncIterator[Stage]:
    login = await service_account_kubeconfig("nessus-operator")
    await grant(kube, namespace, "nessus-operator")
    results = tmp_path / "results"
    results.mkdir()
    stage = Stage(kube, namespace, login, results, tmp_path)
    yield stage
    stage.stop()
    await kube.delete(path_of("clusterrolebindings", name=f"nessus-operator-{namespace}"))
