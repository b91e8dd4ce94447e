"""Clients of the product on a real API server, directly or through a proxy that can be cut."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.integration.conftest import ControlPlane
from tests.kube import Object, kubeconfig, trusting
from tests.proxy import Proxy

from nessus_operator.clients.kube.login import load_configuration, open_session
from nessus_operator.clients.kube.requests import Kube

Connect = Callable[..., Awaitable[Kube]]


@pytest.fixture
async def connect(
    control_plane: ControlPlane, crds: None, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Connect]:
    """`await connect()` is a client for the cluster's admin; a login file makes it another's."""
    async with AsyncExitStack() as sessions:

        async def connect(login: Path = control_plane.kubeconfig, **options: Any) -> Kube:
            monkeypatch.setenv("KUBECONFIG", str(login))
            session = open_session(await load_configuration())
            await sessions.enter_async_context(session)
            return Kube(session, writer="tests", **options)

        yield connect


@pytest.fixture
async def proxy(control_plane: ControlPlane) -> AsyncIterator[Proxy]:
    """In front of the API server."""
    config = json.loads(control_plane.kubeconfig.read_text())
    cluster = config["clusters"][0]["cluster"]
    tls = trusting(cluster["certificate-authority-data"])
    async with Proxy(cluster["server"], tls).serve() as running:
        yield running


@pytest.fixture
def through_proxy(control_plane: ControlPlane, proxy: Proxy, tmp_path: Path) -> Path:
    """The admin's login file, led through the proxy."""
    file = tmp_path / "through-proxy.kubeconfig"
    file.touch(mode=0o600)
    file.write_text(json.dumps(kubeconfig(control_plane.kubeconfig, server=proxy.url)))
    return file


def scan(name: str, **spec: Any) -> Object:
    """A NessusScan as one creates it."""
    return {
        "apiVersion": "nessus-operator.dev/v1alpha1",
        "kind": "NessusScan",
        "metadata": {"name": name},
        "spec": {
            "poolRef": {"name": "pool"},
            "scanType": "Untrusted",
            "targets": ["192.0.2.1"],
            **spec,
        },
    }
