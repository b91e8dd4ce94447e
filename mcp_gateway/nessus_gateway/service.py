"""The gateway's process: put it together, serve until SIGTERM, end without cutting an answer."""

import asyncio
import gc
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
import uvicorn
from sse_starlette.sse import AppStatus
from starlette.applications import Starlette
from starlette.types import ASGIApp

from nessus_gateway import health
from nessus_gateway.auth import StaticTokens, TokensFile, caller_of_request, decide_by_token
from nessus_gateway.cluster import Cluster
from nessus_gateway.gateway import Gateway
from nessus_gateway.health import HealthSampler
from nessus_gateway.metrics import GatewayMetrics
from nessus_gateway.server import build, http_app
from nessus_gateway.settings import Settings
from nessus_gateway.volume import Volume
from nessus_operator.clients.errors import Rejected
from nessus_operator.clients.kube.login import load_configuration, open_session
from nessus_operator.clients.kube.requests import Kube
from nessus_operator.clients.tasks import until_one_ends

log = structlog.get_logger(__name__)

_LAST_ANSWERS_SECONDS = 25  # Kubernetes waits 30 before it kills
_BACKLOG = 2048


def check_folder(settings: Settings) -> None:
    """Raises Rejected with what to correct."""
    folder = settings.results_dir
    if not folder.is_dir():
        raise Rejected(f"NESSUS_GATEWAY_RESULTS_DIR names {folder}, which is not a folder")
    if not os.access(folder, os.R_OK | os.X_OK):
        raise Rejected(f"NESSUS_GATEWAY_RESULTS_DIR names {folder}, which cannot be read")


class Listener(uvicorn.Server):
    """Signals belong to the process, not to one of its two ports."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def run(settings: Settings, metrics: GatewayMetrics) -> None:
    """Until SIGTERM or SIGINT. Raises Rejected or OSError where it cannot begin."""
    tokens = TokensFile(settings.tokens_file, metrics)
    configuration = await load_configuration()
    sockets = [_bind(settings.host, settings.port)]
    if settings.metrics_port is not None:
        sockets.append(_bind(settings.host, settings.metrics_port))
    async with open_session(configuration) as session:
        kube = Kube(session, writer="nessus-gateway", observe=metrics.observe_kube)
        cluster = Cluster(kube, settings.namespaces, metrics)
        volume = Volume(settings.results_dir, settings.reads_at_once, metrics)
        gateway = Gateway(settings, cluster, volume, metrics, caller_of_request, decide_by_token)
        sampler = HealthSampler(cluster, settings.results_dir, metrics)
        server = build(gateway, StaticTokens(tokens, metrics))
        routes = health.routes(sampler, metrics)
        apps: list[ASGIApp] = [http_app(server, gateway, routes), Starlette(routes=routes)]
        try:
            # Listening ends with a signal; the others only by a fault, which is the process's.
            await until_one_ends(cluster.run(), sampler.run(), _listen(apps, sockets))
        finally:
            volume.close()
    log.info("Stopped")


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        number = error.errno or 0  # below 0 it is of name resolution
        reason = os.strerror(number) if number > 0 else error.strerror
        raise Rejected(f"cannot listen on {host}:{port}: {reason}") from error


async def _listen(apps: list[ASGIApp], sockets: list[socket.socket]) -> None:
    # Streams end with their answers, not with the signal.
    AppStatus.disable_automatic_graceful_drain()  # type: ignore[no-untyped-call]
    listeners = [Listener(_config(app)) for app, _ in zip(apps, sockets, strict=False)]
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _stop, listeners)
    ports = [one.getsockname()[1] for one in sockets]
    log.info("Listens", port=ports[0], metrics_port=ports[-1])
    _settle_memory()
    pairs = zip(listeners, sockets, strict=True)
    await asyncio.gather(*(listener.serve([one]) for listener, one in pairs))


def _config(app: ASGIApp) -> uvicorn.Config:
    # httptools would keep blanks around header values, which the protocol wants gone.
    return uvicorn.Config(
        app,
        http="h11",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_LAST_ANSWERS_SECONDS,
    )


def _stop(listeners: list[Listener]) -> None:
    log.info("Stopping")
    for listener in listeners:
        listener.should_exit = True


def _settle_memory() -> None:
    """What was imported stays for ever: looking through it again and again costs pauses."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
