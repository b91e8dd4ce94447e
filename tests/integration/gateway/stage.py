"""The gateway as a process of its own, with tokens, results and the statuses an operator writes."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
from fastmcp import Client
from tests.kube import Kube, Object, path_of
from tests.running import OperatorProcess, eventually

from nessus_gateway import tokens
from nessus_operator.clients import clock
from nessus_operator.results.ingest.run import ingest
from nessus_operator.results.ingest.source import Source
from nessus_operator.results.layout import attempt_folder
from nessus_operator.results.schema import FILE

GROUP = "nessus-operator.dev"
REPORT = Path(__file__).with_name("report.nessus")


def stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class GatewayProcess(OperatorProcess):
    """One replica, its log and where it listens."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port()}"

    async def until_listening(self) -> None:
        async def look() -> bool:
            assert self.process.poll() is None, self.log.read_text()
            return self.port() is not None

        await eventually(look, "the gateway listens")

    async def get(self, path: str, **headers: str) -> httpx2.Response:
        async with httpx2.AsyncClient(base_url=self.url, trust_env=False) as client:
            return await client.get(path, headers=headers)

    async def until_ready(self, seconds: float = 30.0) -> None:
        async def look() -> bool:
            return (await self.get("/readyz")).status_code == 200

        await eventually(look, "the gateway is ready", seconds)

    def client(self, token: str | None, mode: str = "auto") -> Client[Any]:
        return Client(f"{self.url}/mcp", auth=token, mode=mode)  # type: ignore[arg-type]


@dataclass
class GatewayStage:
    """A namespace, a login with the gateway's rights, and the gateways that run there."""

    kube: Kube
    namespace: str
    login: Path
    folder: Path
    gateways: list[GatewayProcess] = field(default_factory=list)

    @property
    def results(self) -> Path:
        return self.folder / "results"

    @property
    def tokens_file(self) -> Path:
        return self.folder / "tokens.yaml"

    def add_token(self, name: str, *scopes: str, namespaces: tuple[str, ...] | None = None) -> str:
        """Another line of the tokens file; without scopes it reads and runs scans."""
        token = tokens.new_token()
        entry = tokens.Entry.model_validate(
            {
                "name": name,
                "sha256": tokens.digest(token),
                "namespaces": namespaces or (self.namespace,),
                "scopes": scopes or ("scan:read", "scan:run"),
            }
        )
        known = self.tokens_file.read_text() if self.tokens_file.exists() else ""
        self.tokens_file.write_text(known + entry.to_yaml())
        return token

    def environment(self, **settings: str) -> dict[str, str]:
        chosen = {
            "PORT": "0",
            "HOST": "127.0.0.1",
            "NAMESPACES": self.namespace,
            "RESULTS_DIR": str(self.results),
            "TOKENS_FILE": str(self.tokens_file),
        } | settings
        named = {f"NESSUS_GATEWAY_{name}": value for name, value in chosen.items()}
        return os.environ | {"KUBECONFIG": str(self.login)} | named

    def launch(self, login: Path | None = None, **settings: str) -> GatewayProcess:
        """Start a replica; `settings` without their prefix."""
        log = self.folder / f"gateway-{len(self.gateways)}.log"
        environment = self.environment(**settings)
        if login:
            environment["KUBECONFIG"] = str(login)
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "nessus_gateway", "serve"],
                env=environment,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        gateway = GatewayProcess(process, log)
        self.gateways.append(gateway)
        return gateway

    async def start(self, login: Path | None = None, **settings: str) -> GatewayProcess:
        """Start a replica and wait until it is ready."""
        gateway = self.launch(login, **settings)
        await gateway.until_listening()
        await gateway.until_ready()
        return gateway

    def stop(self) -> None:
        for gateway in self.gateways:
            if gateway.process.poll() is None:
                gateway.kill()

    async def create_pool(self, name: str = "nessus", slots: int = 2, **spec: Any) -> Object:
        scanner = {
            "name": "scanner1",
            "url": "https://nessus.example.org:8834",
            "auth": {"type": "APIKeys", "secretRef": {"name": "scanner1"}},
            "maxConcurrentScans": slots,
        }
        body = {
            "apiVersion": f"{GROUP}/v1alpha1",
            "kind": "ScannerPool",
            "metadata": {"name": name},
            "spec": {"scanners": [scanner], "scope": {"allow": ["192.0.2.0/24"]}, **spec},
        }
        return await self.kube.create(path_of("scannerpools", self.namespace), body)

    async def scans(self) -> list[Object]:
        return await self.kube.items(path_of("nessusscans", self.namespace))

    async def write(self, task_id: str, status: Mapping[str, Any]) -> Object:
        """A status as the operator would write it; the API server judges the move."""
        namespace, _, name = task_id.partition("/")
        path = path_of("nessusscans", namespace, name, "status")
        return await self.kube.patch(path, {"status": status})

    async def queue(self, task_id: str) -> Object:
        first = {"attempt": 1, "observedManualRetries": 0, "queueTime": stamp(clock.now())}
        return await self.write(task_id, {"phase": "Queued", **first})

    async def run(self, task_id: str, minutes_ago: float = 0) -> Object:
        """Since so many minutes."""
        began = clock.now() - timedelta(minutes=minutes_ago)
        remote = {"token": f"token-{task_id.rpartition('/')[2][-8:]}"}
        status = {"phase": "Running", "startTime": stamp(began), "scannerName": "scanner1"}
        await self.write(task_id, {**status, "remote": remote})
        return await self.write(task_id, {"remote": {"scanID": 12}})

    async def complete(self, task_id: str) -> Object:
        """With results that lie where the operator puts them."""
        scan = await self.kube.get(path_of("nessusscans", *task_id.split("/")))
        results = await asyncio.to_thread(self.store, scan)
        ended = {"phase": "Completed", "completionTime": stamp(clock.now())}
        return await self.write(task_id, {**ended, "results": results})

    def store(self, scan: Object) -> dict[str, Any]:
        metadata = scan["metadata"]
        folder = attempt_folder(self.results, metadata["namespace"], metadata["uid"], 1)
        summary = ingest(Source(REPORT), folder)
        return {
            "digest": f"sha256:{summary.store['sha256']}",
            "storeBytes": (folder / FILE).stat().st_size,
            "reportDigest": "sha256:" + "0" * 64,
            "reportBytes": REPORT.stat().st_size,
            "hosts": summary.hosts,
            "findings": summary.findings,
            "severities": dict(summary.severities),
            "compliance": dict(summary.compliance),
            "partial": False,
        }

    def log(self) -> list[dict[str, Any]]:
        """The lines of all replicas; each is JSON."""
        texts = [gateway.log.read_text() for gateway in self.gateways]
        return [json.loads(line) for text in texts for line in text.splitlines()]


async def call(client: Client[Any], tool: str, **arguments: Any) -> dict[str, Any]:
    answer = await client.call_tool(tool, arguments)
    return dict(answer.structured_content or {})


async def refused(client: Client[Any], tool: str, **arguments: Any) -> str:
    answer = await client.call_tool(tool, arguments, raise_on_error=False)
    assert answer.is_error
    return str(answer.content[0].text)
