"""A scripted Nessus for unit tests: what it answers to a request, and what it was asked."""

import json
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

import httpx2

from nessus_operator.api.pool import Auth, AuthType
from nessus_operator.api.scan import NameRef
from nessus_operator.clients.scanners.nessus import driver
from nessus_operator.clients.scanners.nessus.export import Limits
from nessus_operator.clients.scanners.protocol import Connection

URL = "https://nessus.example.org:8834"
ACCESS_KEY, SECRET_KEY = "a1" * 32, "b2" * 32
PASSWORD = "correct horse"
PAGE_TOKEN = "AB12CD34-0000-4000-8000-00000000000A"
KEYS = {"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}
LOGIN = {"username": "scanner", "password": PASSWORD}
QUICK = Limits(first_wait=0.0, longest_wait=0.0, ready_within=0.0)

Answer = httpx2.Response | Exception


class Body(httpx2.AsyncByteStream):
    """Comes in the given chunks; `broken` is raised in place of the end."""

    def __init__(self, chunks: Iterable[bytes], broken: Exception | None = None) -> None:
        self._chunks, self._broken = chunks, broken

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            yield chunk
        if self._broken:
            raise self._broken


def answer(
    content: Any = b"",
    status: int = 200,
    headers: dict[str, str] | None = None,
    broken: Exception | None = None,
) -> httpx2.Response:
    """An answer of bytes, of chunks of bytes, or of anything else as JSON."""
    if not isinstance(content, bytes | list):
        content = json.dumps(content).encode()
    chunks = [content] if isinstance(content, bytes) else content
    return httpx2.Response(status, headers=headers, stream=Body(chunks, broken))


class Wire:
    """Answers by method and path: each script in turn, the last one for ever."""

    def __init__(self) -> None:
        self.requests: list[httpx2.Request] = []
        self.observed: list[tuple[str, str]] = []
        self._scripts: dict[str, list[Callable[[], Answer]]] = defaultdict(list)

    def on(self, request: str, *answers: Callable[[], Answer]) -> "Wire":
        """`on("GET /scans", lambda: answer({...}))`"""
        self._scripts[request].extend(answers)
        return self

    def asked(self, request: str) -> list[httpx2.Request]:
        return [one for one in self.requests if name(one) == request]

    def observe(self, operation: str, outcome: str, seconds: float) -> None:
        assert seconds >= 0
        self.observed.append((operation, outcome))

    async def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        script = self._scripts[name(request)]
        if not script:
            return answer({"error": "The requested file was not found."}, status=404)
        given = script[0]() if len(script) == 1 else script.pop(0)()
        if isinstance(given, Exception):
            raise given
        return given


def name(request: httpx2.Request) -> str:
    return f"{request.method} {request.url.path}"


def sent(request: httpx2.Request) -> Any:
    return json.loads(request.content)


def connection(kind: AuthType = AuthType.API_KEYS, **changes: Any) -> Connection:
    secret = KEYS if kind is AuthType.API_KEYS else LOGIN
    given = {"url": URL, "secret": secret, "auth": Auth(type=kind, secret_ref=NameRef(name="s"))}
    return Connection(**{**given, **changes})


def nessus(
    wire: Wire, kind: AuthType = AuthType.API_KEYS, limits: Limits = QUICK, **changes: Any
) -> driver.Nessus:
    network = httpx2.MockTransport(wire)
    return driver.connect(connection(kind, **changes), wire.observe, limits, network)


def logged_in(wire: Wire, *tokens: str) -> Wire:
    """Takes every login; the sessions are `tokens` in turn."""
    script = [lambda token=token: answer({"token": token}) for token in tokens or ("session-1",)]
    return wire.on("POST /session", *script)


def with_page(wire: Wire, *tokens: str) -> Wire:
    scripts = [
        lambda token=token: answer(
            f'x={{key:"getApiToken",value:function(){{return"{token}"}}}}'.encode()
        )
        for token in tokens or (PAGE_TOKEN,)
    ]
    return wire.on("GET /nessus6.js", *scripts)
