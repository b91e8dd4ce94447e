"""Health and metrics over HTTP: what probes, Prometheus and people ask of a replica."""

import asyncio
import os
from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web

from nessus_operator.clients import clock
from nessus_operator.clients.health import Check, Fact, Health, Status, disk, scanners
from nessus_operator.handlers.startup import Operator

log = structlog.get_logger(__name__)

_DISK_SECONDS = 5.0  # a volume that hangs must not hang the answer

Handler = Callable[[web.Request], Awaitable[web.Response]]


async def serve(operator: Operator) -> list[web.AppRunner]:
    """Listen until the runners are cleaned up; metrics on a port of their own where one is set."""
    settings = operator.world.settings
    app = web.Application()
    for path in ("/health", "/health/ready", "/readyz"):
        app.router.add_get(path, _health(operator))
    for path in ("/health/live", "/livez"):
        app.router.add_get(path, _live)
    metrics = _metrics(operator)
    for path in ("/metrics", "/health/metrics"):
        app.router.add_get(path, metrics)
    runners = [await _listen(app, settings.host, settings.port)]
    if settings.metrics_port is not None:
        apart = web.Application()
        apart.router.add_get("/metrics", metrics)
        runners.append(await _listen(apart, settings.host, settings.metrics_port))
    return runners


async def check(operator: Operator) -> Health:
    """One look at everything this replica depends on."""
    return Health(
        component="operator",
        checks={
            "kubernetes": _kubernetes(operator),
            "results": await _results(operator),
            "scanners": scanners(operator.world.pools),
        },
        time=clock.now(),
    )


def _kubernetes(operator: Operator) -> Check:
    facts: dict[str, Fact] = {"leading": operator.world.lease.valid()}
    missing = operator.missing()
    if missing:
        reason = "rights_missing" if operator.lacking else "not_synced"
        return Check(Status.FAILED, reason, {**facts, "missing": missing})
    return Check(Status.OK, facts=facts)


async def _results(operator: Operator) -> Check:
    folder = operator.world.settings.results_dir
    try:
        async with asyncio.timeout(_DISK_SECONDS):
            return await asyncio.to_thread(disk, folder, writable=True)
    except TimeoutError:
        return Check(Status.FAILED, "timeout")


def _health(operator: Operator) -> Handler:
    async def answer(_: web.Request) -> web.Response:
        health = await check(operator)
        return web.json_response(health.to_json(), status=health.code)

    return answer


async def _live(_: web.Request) -> web.Response:
    """The event loop turns: this answer is the proof."""
    return web.json_response({"status": "healthy", "component": "operator"})


def _metrics(operator: Operator) -> Handler:
    async def answer(request: web.Request) -> web.Response:
        body, content_type = operator.world.metrics.render(request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": content_type})

    return answer


async def _listen(app: web.Application, host: str, port: int) -> web.AppRunner:
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        await runner.cleanup()
        number = error.errno or 0  # below 0 it is of name resolution
        reason = os.strerror(number) if number > 0 else error.strerror
        raise OSError(f"cannot listen on {host}:{port}: {reason}") from error
    log.info("Listens", host=host, port=runner.addresses[0][1])
    return runner
