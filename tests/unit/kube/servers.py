"""Servers that answer as a test says, and clients for them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from kubernetes.aio.client import Configuration

from nessus_operator.clients.kube.login import open_session
from nessus_operator.clients.kube.requests import Kube

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    """The address of a server that has one handler for everything."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def client(server: str, **options: Any) -> AsyncIterator[Kube]:
    """A client that is logged in with `our-token`."""
    configuration = Configuration(host=server)
    configuration.api_key = {"BearerToken": "our-token"}
    configuration.api_key_prefix = {"BearerToken": "Bearer"}
    async with open_session(configuration) as session:
        yield Kube(session, writer="tests", **options)
