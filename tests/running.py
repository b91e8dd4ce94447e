"""The operator as a process, and a pool that it serves, for tests on a real API server."""

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml
from tests.forked import Forked, start_operator
from tests.kube import Kube, Object, Refused, path_of

from nessus_simulator.running import ACCESS_KEY, SECRET_KEY

T = TypeVar("T")

ROOT = Path(__file__).parents[1]
GROUP = "nessus-operator.dev"
ENDS = ("Completed", "Failed", "Timeout", "Cancelled")

# Fast enough for tests, with the same relations as in production.
SETTINGS = {
    "NESSUS_OPERATOR_PORT": "0",
    "NESSUS_OPERATOR_HOST": "127.0.0.1",
    "NESSUS_OPERATOR_LEASE_SECONDS": "3",
    "NESSUS_OPERATOR_REQUEST_SECONDS": "2",
    "NESSUS_OPERATOR_PROBE_SECONDS": "1",
    "NESSUS_OPERATOR_FIRST_POLL_SECONDS": "0.2",
    "NESSUS_OPERATOR_RESYNC_SECONDS": "1",
}


async def eventually(
    look: Callable[[], Awaitable[T | None]], what: str, seconds: float = 30.0
) -> T:
    """What `look` finds once it finds something."""
    clock = asyncio.get_running_loop().time
    deadline, pause = clock() + seconds, 0.05
    while True:
        found = await look()
        if found:
            return found
        if clock() > deadline:
            raise TimeoutError(f"{what}: not within {seconds} s")
        await asyncio.sleep(pause)
        pause = min(pause * 1.3, 0.25)  # who waits for long need not know at once


@dataclass
class OperatorProcess:
    """One replica."""

    process: Forked
    log: Path

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        """As a node that loses power would."""
        self.process.kill()
        self.process.wait()

    def terminate(self, seconds: float = 15.0) -> int:
        """As Kubernetes ends a pod; answers the exit status."""
        self.process.terminate()
        return self.process.wait(seconds)

    def lines(self) -> list[dict[str, Any]]:
        """Its log."""
        found = []
        for line in self.log.read_text().splitlines():
            with contextlib.suppress(ValueError):
                found.append(json.loads(line))
        return found

    def port(self) -> int | None:
        """Where its health and metrics are, once it says so."""
        return next((line["port"] for line in self.lines() if line.get("event") == "Listens"), None)


@dataclass
class Stage:
    """A namespace with a pool, a login for the operator, and the operators that run there."""

    kube: Kube
    namespace: str
    login: Path
    results: Path
    logs: Path
    operators: list[OperatorProcess] = field(default_factory=list)

    def start(self, login: Path | None = None, **settings: str) -> OperatorProcess:
        """Start a replica; `settings` without their prefix, such as NAMESPACES="a,b"."""
        log = self.logs / f"operator-{len(self.operators)}.log"
        environment = (
            os.environ
            | SETTINGS
            | {
                "KUBECONFIG": str(login or self.login),
                "NESSUS_OPERATOR_NAMESPACES": self.namespace,
                "NESSUS_OPERATOR_LEASE_NAMESPACE": self.namespace,
                "NESSUS_OPERATOR_RESULTS_DIR": str(self.results),
            }
        )
        environment |= {f"NESSUS_OPERATOR_{name}": value for name, value in settings.items()}
        operator = OperatorProcess(start_operator(environment, log), log)
        self.operators.append(operator)
        return operator

    def stop(self) -> None:
        for operator in self.operators:
            if operator.process.poll() is None:
                operator.send(signal.SIGCONT)
                operator.kill()

    async def create_pool(
        self, *urls: str, name: str = "pool", tls: Object | None = None, **spec: Any
    ) -> Object:
        """A pool whose scanners are at these urls, with the Secrets that it needs."""
        scanners = []
        for number, url in enumerate(urls, start=1):
            secret = f"{name}-scanner{number}"
            await self.create_secret(secret, url)
            scanners.append(
                {
                    "name": f"scanner{number}",
                    "url": url,
                    "auth": {"type": "APIKeys", "secretRef": {"name": secret}},
                    **({"tls": tls} if tls else {}),
                }
            )
        body = {
            "apiVersion": f"{GROUP}/v1alpha1",
            "kind": "ScannerPool",
            "metadata": {"name": name},
            "spec": {
                "scanners": scanners,
                "scope": {"allow": ["192.0.2.0/24"]},
                "pollPeriodSeconds": 5,
                **spec,
            },
        }
        return await self.kube.create(path_of("scannerpools", self.namespace), body)

    async def create_secret(self, name: str, url: str) -> None:
        body = {
            "metadata": {"name": name, "annotations": {f"{GROUP}/scanner-url": url}},
            "type": f"{GROUP}/scanner",
            "stringData": {"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY},
        }
        await self.kube.create(path_of("secrets", self.namespace), body)

    async def create_scan(self, name: str = "scan", **spec: Any) -> Object:
        body = {
            "apiVersion": f"{GROUP}/v1alpha1",
            "kind": "NessusScan",
            "metadata": {"name": name},
            "spec": {
                "poolRef": {"name": "pool"},
                "scanType": "Untrusted",
                "targets": ["192.0.2.10", "192.0.2.11"],
                **spec,
            },
        }
        return await self.kube.create(path_of("nessusscans", self.namespace), body)

    async def scan(self, name: str = "scan") -> Object:
        return await self.kube.get(path_of("nessusscans", self.namespace, name))

    async def change(self, spec: Mapping[str, Any], name: str = "scan") -> Object:
        path = path_of("nessusscans", self.namespace, name)
        return await self.kube.patch(path, {"spec": spec})

    async def until(
        self, phase: str | tuple[str, ...], name: str = "scan", seconds: float = 40.0
    ) -> Object:
        """The scan once it is in that phase, or in one of those; any other end is a failure."""
        wanted = (phase,) if isinstance(phase, str) else phase

        async def look() -> Object | None:
            scan = await self.scan(name)
            now = scan.get("status", {}).get("phase")
            if now in ENDS and now not in wanted:
                raise AssertionError(f"{name} ended {now}: {scan['status'].get('message')}")
            return scan if now in wanted else None

        return await eventually(look, f"{name} in phase {' or '.join(wanted)}", seconds)

    async def until_gone(
        self, resource: str = "nessusscans", name: str = "scan", seconds: float = 60.0
    ) -> None:
        async def gone() -> bool:
            try:
                await self.kube.get(path_of(resource, self.namespace, name))
            except Refused as refused:
                return refused.code == 404
            return False

        await eventually(gone, f"{resource} {name} gone", seconds)


async def grant(kube: Kube, namespace: str, account: str, file: str = "operator.yaml") -> None:
    """Give an account of this namespace exactly what config/rbac gives to the real one."""
    subjects = [{"kind": "ServiceAccount", "name": account, "namespace": namespace}]
    for document in yaml.safe_load_all((ROOT / "config/rbac" / file).read_text()):
        name = document["metadata"]["name"]
        match document["kind"]:
            case "ClusterRole":
                path = path_of("clusterroles", name=name)
                await kube.patch(path, document, "apply", force="true")
            case "ClusterRoleBinding":
                document["metadata"]["name"] = f"{name}-{namespace}"
                document["subjects"] = subjects
                await kube.create(path_of("clusterrolebindings"), document)
            case "Role":
                document["metadata"]["namespace"] = namespace
                await kube.create(path_of("roles", namespace), document)
            case "RoleBinding":
                document["metadata"]["namespace"] = namespace
                document["subjects"] = subjects
                await kube.create(path_of("rolebindings", namespace), document)
