"""A reverse proxy that tests put before the API server or the simulated Nessus.

It records every request and can hold one before it reaches the server or before its answer goes
back, drop a held one, cut all connections, or answer by itself. A held request lives on when its
client dies, as it would in a server that has read it.
"""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

import aiohttp
from aiohttp import web

Stage = Literal["before", "after"]
_HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "keep-alive", "host"}


@dataclass(frozen=True)
class Call:
    """One request; `action` is its method, path and, for a status write, what it says."""

    number: int
    method: str
    path: str
    query: str
    body: bytes

    @property
    def action(self) -> str:
        return f"{self.method} {self.path}"


@dataclass
class Hold:
    """One request that waits at the proxy."""

    match: Callable[[Call], bool]
    stage: Stage
    call: Call | None = None
    held: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    through: asyncio.Event = field(default_factory=asyncio.Event)
    dropped: bool = False

    def release(self) -> None:
        self.over.set()

    def drop(self) -> None:
        """As if it had never arrived; only before it takes effect."""
        self.dropped = True
        self.over.set()


class Proxy:
    """Listens on plain HTTP on 127.0.0.1 and forwards to `upstream`."""

    def __init__(self, upstream: str, tls: ssl.SSLContext | None = None) -> None:
        self.upstream = upstream
        self.calls: list[Call] = []
        self.down = False
        self._tls = tls
        self._holds: list[Hold] = []
        self._answers: list[tuple[re.Pattern[str], int]] = []
        self._open: dict[int, asyncio.BaseTransport] = {}
        self.url = ""

    def hold(self, match: str | Callable[[Call], bool], stage: Stage = "before") -> Hold:
        """Hold the next request that matches a regular expression on its action, or a test."""
        hold = Hold(_matcher(match), stage)
        self._holds.append(hold)
        return hold

    def answer(self, pattern: str, status: int) -> None:
        """Answer matching requests by ourselves, until `heal`."""
        self._answers.append((re.compile(pattern), status))

    def cut(self) -> None:
        """Break every connection and refuse new ones, until `heal`."""
        self.down = True
        for transport in list(self._open.values()):
            _abort(transport)

    def heal(self) -> None:
        self.down = False
        self._answers.clear()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if self.down:
            _abort(request.transport)
            return web.Response(status=503)  # which nobody gets
        call = Call(
            len(self.calls),
            request.method,
            request.path,
            request.query_string,
            await request.read(),
        )
        self.calls.append(call)
        for pattern, status in self._answers:
            if pattern.search(call.action):
                return web.Response(status=status)
        hold = next((h for h in self._holds if h.call is None and h.match(call)), None)
        if hold:
            hold.call = call
        if request.transport:
            self._open[call.number] = request.transport
        try:
            return await self._forward(request, call, hold)
        finally:
            self._open.pop(call.number, None)

    async def _forward(
        self, request: web.Request, call: Call, hold: Hold | None
    ) -> web.StreamResponse:
        if hold and hold.stage == "before":
            hold.held.set()
            await hold.over.wait()
            if hold.dropped:
                return web.Response(status=503)
        headers = {k: v for k, v in request.headers.items() if k.lower() not in _HOP_BY_HOP}
        async with self._session.request(
            call.method,
            self.upstream + str(request.rel_url),
            headers=headers,
            data=call.body or None,
            allow_redirects=False,
        ) as answer:
            if hold:
                hold.through.set()
            if hold and hold.stage == "after":
                hold.held.set()
                await hold.over.wait()
            return await _stream(request, answer)

    @asynccontextmanager
    async def serve(self) -> AsyncIterator["Proxy"]:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self.handle)
        self._session = aiohttp.ClientSession(
            # To shake hands for TLS again costs the API server more than to answer.
            connector=aiohttp.TCPConnector(
                ssl=self._tls or True, limit=0, force_close=self._tls is None
            ),
            timeout=aiohttp.ClientTimeout(total=None),
            auto_decompress=False,
        )
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        try:
            yield self
        finally:
            for hold in self._holds:
                hold.drop()
            await runner.cleanup()
            await self._session.close()


async def _stream(request: web.Request, answer: aiohttp.ClientResponse) -> web.StreamResponse:
    headers = {k: v for k, v in answer.headers.items() if k.lower() not in _HOP_BY_HOP}
    response = web.StreamResponse(status=answer.status, headers=headers)
    try:
        await response.prepare(request)
        async for chunk in answer.content.iter_any():
            await response.write(chunk)
        await response.write_eof()
    except (ConnectionError, aiohttp.ClientError):
        pass  # the client is gone; the server has done its part
    return response


def _matcher(match: str | Callable[[Call], bool]) -> Callable[[Call], bool]:
    if callable(match):
        return match
    pattern = re.compile(match)
    return lambda call: bool(pattern.search(call.action))


def _abort(transport: asyncio.BaseTransport | None) -> None:
    if isinstance(transport, asyncio.WriteTransport):
        transport.abort()
