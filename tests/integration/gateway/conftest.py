"""A gateway under its own rights, and a namespace for it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from tests.integration.gateway.stage import GatewayStage
from tests.kube import Kube, path_of
from tests.running import grant


@pytest.fixture
async def bare(
    kube: Kube,
    namespace: str,
    service_account_kubeconfig: Callable[..., Awaitable[Path]],
    tmp_path: Path,
) -> AsyncIterator[GatewayStage]:
    """A stage whose login has no rights."""
    stage = GatewayStage(
        kube, namespace, await service_account_kubeconfig("nessus-gateway"), tmp_path
    )
    stage.results.mkdir()
    yield stage
    stage.stop()


@pytest.fixture
async def stage(bare: GatewayStage) -> AsyncIterator[GatewayStage]:
    """A stage whose login has exactly the rights of config/rbac/gateway.yaml."""
    await grant(bare.kube, bare.namespace, "nessus-gateway", "gateway.yaml")
    yield bare
    name = f"nessus-gateway-{bare.namespace}"
    await bare.kube.delete(path_of("clusterrolebindings", name=name))
