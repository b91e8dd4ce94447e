"""One operator for the tests of a module, and what they look at: its health and its metrics."""

import asyncio
import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from prometheus_client.parser import text_string_to_metric_families
from tests.integration.conftest import ControlPlane
from tests.kube import Kube, Object, kubeconfig, path_of
from tests.running import OperatorProcess, Stage, eventually, grant

ACCOUNT = "nessus-operator"


@dataclass
class Ground:
    """An operator whose Lease lies in `home`, and the namespaces that it serves, one for a test."""

    home: str
    login: Path
    results: Path
    operator: OperatorProcess
    namespaces: Iterator[str]


@contextmanager
def prepared(
    control_plane: ControlPlane, folder: Path, count: int, settings: dict[str, str]
) -> Iterator[Ground]:
    """Starts the operator; its namespaces come into being when tests take them."""
    home = f"t-{uuid.uuid4().hex[:8]}"
    served = [f"{home}-{number}" for number in range(count)]
    login = folder / "operator.kubeconfig"
    results = folder / "results"
    results.mkdir()
    login.touch(mode=0o600)
    login.write_text(json.dumps(asyncio.run(_settle(control_plane.kubeconfig, home))))
    stage = Stage(Kube(login), home, login, results, folder)
    # Nobody follows this leader: on a busy machine it must not give up a short lease.
    patient = {"LEASE_SECONDS": "15"} | settings
    operator = stage.start(NAMESPACES=",".join(served), **patient)
    try:
        yield Ground(home, login, results, operator, iter(served))
    finally:
        stage.stop()
        asyncio.run(_leave(control_plane.kubeconfig, home))


async def _settle(admin: Path, home: str) -> Object:
    """Makes the operator's own namespace; answers its kubeconfig."""
    async with Kube(admin) as kube:
        await kube.create(path_of("namespaces"), {"metadata": {"name": home}})
        await kube.create(path_of("serviceaccounts", home), {"metadata": {"name": ACCOUNT}})
        await grant(kube, home, ACCOUNT)
        request = path_of("serviceaccounts", home, ACCOUNT, "token")
        token = (await kube.create(request, {"spec": {}}))["status"]["token"]
    return kubeconfig(admin, token=token, namespace=home)


async def _leave(admin: Path, home: str) -> None:
    async with Kube(admin) as kube:
        await kube.delete(path_of("clusterrolebindings", name=f"{ACCOUNT}-{home}"))


async def ask(operator: OperatorProcess, path: str) -> httpx2.Response:
    """What a replica answers to a GET, once it listens."""

    async def port() -> int | None:
        assert operator.process.poll() is None, operator.log.read_text()
        return operator.port()

    url = f"http://127.0.0.1:{await eventually(port, 'the operator listens')}"
    async with httpx2.AsyncClient(base_url=url, trust_env=False, timeout=20) as client:
        return await client.get(path)


class Metrics:
    """One scrape."""

    def __init__(self, text: str) -> None:
        self.families = {family.name: family for family in text_string_to_metric_families(text)}

    def value(self, name: str, **labels: str) -> float:
        """The sum of the samples of that name that carry these labels; 0 where there is none."""
        return sum(
            sample.value
            for family in self.families.values()
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )


async def metrics(operator: OperatorProcess) -> Metrics:
    return Metrics((await ask(operator, "/metrics")).text)


def condition(body: dict[str, Any], type_: str) -> dict[str, Any]:
    """A condition of a scan or a pool; empty where it has none of that type."""
    found = (one for one in body.get("status", {}).get("conditions", []) if one["type"] == type_)
    return next(found, {})
