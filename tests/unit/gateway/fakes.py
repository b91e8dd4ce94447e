"""An API server in memory and a gateway on it, for tests of what tools answer."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nessus_gateway.access import Caller, Scope
from nessus_gateway.auth import decide_by_token
from nessus_gateway.cluster import Cluster
from nessus_gateway.gateway import Gateway
from nessus_gateway.metrics import GatewayMetrics
from nessus_gateway.server import TOOL_NAMES
from nessus_gateway.settings import Settings
from nessus_gateway.volume import Volume
from nessus_operator.api.metadata import KubeObject
from nessus_operator.clients.errors import AlreadyExists, NotFound
from nessus_operator.results.profiles import CUSTOM, PROFILES

Object = dict[str, Any]

AGENT = Caller("agent-7", ("security",), frozenset((Scope.READ, Scope.RUN)))


@dataclass
class FakeKube:
    """Objects by path, with the requests of `clients.kube.requests.Kube` that a gateway makes.

    `fault` is raised by every single request while it is set; `gets` are the paths asked for.
    """

    objects: dict[str, Object] = field(default_factory=dict)
    fault: Exception | None = None
    gets: list[str] = field(default_factory=list)
    stuck: bool = False  # nothing is answered
    _versions: Any = field(default_factory=lambda: itertools.count(1000))

    async def get(self, path: str, **_: str) -> Object:
        self.gets.append(path)
        if self.stuck:
            await asyncio.Event().wait()
        self._fail()
        if path.endswith(("/nessusscans", "/scannerpools")):
            return {"items": [], "metadata": {"resourceVersion": "1"}}
        if path not in self.objects:
            raise NotFound(f"{path} is not there")
        return self.objects[path]

    async def create(self, path: str, body: Mapping[str, Any]) -> Object:
        self._fail()
        if path.endswith("selfsubjectaccessreviews"):
            return {"status": {"allowed": True}}
        name = f"{path}/{body['metadata']['name']}"
        if name in self.objects:
            raise AlreadyExists(f"{name} already exists")
        return self.put(name, dict(body))

    async def list_all(self, path: str) -> tuple[list[Object], str]:
        self._fail()
        resource = path.rpartition("/")[2]
        found = [body for name, body in self.objects.items() if f"/{resource}/" in name]
        return found, str(next(self._versions))

    async def watch(self, path: str, version: str, **_: Any) -> AsyncIterator[Object]:
        yield {"type": "OPENED", "object": {}}
        await asyncio.Event().wait()

    def put(self, path: str, body: Object) -> Object:
        """As if written by somebody else: no watch tells of it."""
        version = next(self._versions)
        known = {
            "uid": f"uid-{version}",
            "resourceVersion": str(version),
            "generation": 1,
            "creationTimestamp": "2026-11-21T12:00:00Z",
        }
        body["metadata"] = known | body["metadata"]
        self.objects[path] = body
        return body

    def _fail(self) -> None:
        if self.fault:
            raise self.fault


def stored(one: KubeObject, number: int) -> tuple[str, Object]:
    """The object of a builder under its path."""
    body = one.to_json()
    body["metadata"]["resourceVersion"] = str(number)
    resource = "nessusscans" if body["kind"] == "NessusScan" else "scannerpools"
    place = f"namespaces/{one.metadata.namespace}/{resource}/{one.metadata.name}"
    return f"/apis/nessus-operator.dev/v1alpha1/{place}", body


@asynccontextmanager
async def running_gateway(
    objects: Iterable[KubeObject],
    folder: Path,
    *,
    caller: Caller = AGENT,
    **settings: Any,
) -> AsyncIterator[tuple[Gateway, FakeKube]]:
    """A gateway that has read the cluster."""
    kube = FakeKube(dict(stored(one, number) for number, one in enumerate(objects, start=1)))
    metrics = GatewayMetrics(TOOL_NAMES, (*PROFILES, CUSTOM))
    chosen = Settings(results_dir=folder, **settings)
    cluster = Cluster(kube, chosen.namespaces, metrics)  # type: ignore[arg-type]
    volume = Volume(folder, 2, metrics)
    gateway = Gateway(chosen, cluster, volume, metrics, lambda: caller, decide_by_token)
    following = asyncio.create_task(cluster.run())
    async with asyncio.timeout(10):
        await cluster.able.wait()
    try:
        yield gateway, kube
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        volume.close()
