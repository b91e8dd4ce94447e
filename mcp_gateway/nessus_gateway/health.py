"""Health of the gateway, looked at in the background: no probe can be held up by a volume."""

import asyncio
from pathlib import Path

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from nessus_gateway.cluster import Cluster
from nessus_gateway.metrics import COMPONENT, GatewayMetrics
from nessus_operator.clients import clock
from nessus_operator.clients.errors import Fault
from nessus_operator.clients.health import Check, Fact, Health, Status, disk, scanners

_PERIOD = 10.0
_OLD = 60.0  # seconds after which a look at the volume says nothing about now

HEALTH = ("/health", "/health/ready", "/readyz")
LIVE = ("/health/live", "/livez")
METRICS = ("/metrics", "/health/metrics")
PATHS = frozenset(HEALTH + LIVE + METRICS)


class HealthSampler:
    """The last look at the volume and the API server, and the cache as it is now."""

    def __init__(self, cluster: Cluster, folder: Path, metrics: GatewayMetrics) -> None:
        self._cluster = cluster
        self._folder = folder
        self._metrics = metrics
        self._disk = Check(Status.UNKNOWN, "not_looked_at")
        self._looked = float("-inf")
        self._latency: float | None = None

    async def run(self) -> None:
        """Look again and again until cancelled; a volume that hangs holds up nothing else."""
        while True:
            await self.look()
            await asyncio.sleep(_PERIOD)

    async def look(self) -> None:
        await self._ask_api_server()
        self._disk = await asyncio.to_thread(disk, self._folder, writable=False)
        self._looked = clock.monotonic()
        self._metrics.looked(self.health())

    async def _ask_api_server(self) -> None:
        begun = clock.monotonic()
        try:
            await self._cluster.ping()
            self._latency = round((clock.monotonic() - begun) * 1000, 1)
        except Fault:
            self._latency = None

    def health(self) -> Health:
        old = clock.monotonic() - self._looked > _OLD
        return Health(
            component=COMPONENT,
            checks={
                "kubernetes": self._kubernetes(),
                "results": Check(Status.UNKNOWN, "timeout") if old else self._disk,
                "scanners": scanners(self._cluster.pools),
            },
            time=clock.now(),
        )

    def _kubernetes(self) -> Check:
        seen = min(reflector.seen for reflector in self._cluster.reflectors)
        facts: dict[str, Fact] = {"watch_age_seconds": round(clock.monotonic() - seen, 1)}
        if self._latency is not None:
            facts["latency_ms"] = self._latency
        if self._cluster.lacking:
            return Check(Status.FAILED, "rights_missing", {**facts, "missing": self._missing()})
        if self._cluster.unsynced():
            return Check(Status.FAILED, "not_synced", {**facts, "missing": self._missing()})
        if self._latency is None:
            return Check(Status.DEGRADED, "unreachable", facts)
        return Check(Status.OK, facts=facts)

    def _missing(self) -> list[str]:
        return [*self._cluster.lacking, *self._cluster.unsynced()]


def routes(sampler: HealthSampler, metrics: GatewayMetrics) -> list[Route]:
    """Open to all who can reach the port: nothing in these answers is secret."""

    async def health(_: Request) -> Response:
        now = sampler.health()
        return JSONResponse(now.to_json(), status_code=now.code)

    async def live(_: Request) -> Response:
        """The event loop turns: this answer is the proof."""
        return JSONResponse({"status": "healthy", "component": COMPONENT})

    async def exposition(request: Request) -> Response:
        body, content_type = metrics.render(request.headers.get("accept", ""))
        return Response(body, headers={"content-type": content_type})

    answers = ((HEALTH, health), (LIVE, live), (METRICS, exposition))
    return [Route(path, answer, methods=["GET"]) for paths_, answer in answers for path in paths_]
