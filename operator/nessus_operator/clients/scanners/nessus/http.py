"""One HTTP request to one scanner: bounded in time and size, observed once, faults for failures.

Nothing is repeated here, no redirect is followed, no cookie is kept, no proxy is taken from the
environment, and nothing is unpacked: a small compressed answer cannot become a large one.
"""

import asyncio
import json
import re
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import httpx2

from nessus_operator import __version__
from nessus_operator.clients import clock
from nessus_operator.clients.errors import Fault, Rejected, Unavailable
from nessus_operator.clients.scanners.nessus import faults
from nessus_operator.clients.scanners.protocol import Connection, Observe
from nessus_operator.clients.scanners.text import clean

MIB = 1 << 20
REMARK_CHARS = 128
_REMARK_BYTES = 16 << 10
_HEADERS = {
    "User-Agent": f"nessus-operator/{__version__}",
    "Accept": "application/json",
    "Accept-Encoding": "identity",
}
_LIMITS = httpx2.Limits(max_connections=16, max_keepalive_connections=4)


def json_object(content: bytes) -> dict[str, Any]:
    """The JSON object in an answer; an empty answer is an empty object."""
    try:
        value = json.loads(content) if content else {}
    except (ValueError, RecursionError):
        raise Unavailable(
            "the scanner answered with no JSON; is the url that of a Nessus?"
        ) from None
    if not isinstance(value, dict):
        raise Unavailable("the scanner answered with JSON of another shape than Nessus does")
    return value


@dataclass(frozen=True, slots=True)
class Request:
    """`doing` completes "asked to ..." in messages; `operation` is the name for metrics."""

    operation: str
    doing: str
    method: str
    path: str
    body: Mapping[str, Any] | None = field(default=None, repr=False)
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    limit: int = MIB  # bytes of an answer
    decode: Callable[[bytes], Any] = json_object
    accepts: tuple[int, ...] = ()  # statuses that are answers, beside 2xx
    confidential: bool = False  # the body holds secrets: no word of a refusal is shown

    def takes(self, status: int) -> bool:
        return 200 <= status < 300 or status in self.accepts


class Transport:
    """The connections to one scanner.

    `network` replaces the real network, for unit tests.
    """

    def __init__(
        self,
        connection: Connection,
        observe: Observe,
        network: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self._observe = observe
        self._secrets = tuple(connection.secret.values())
        self._seconds = connection.request_seconds
        self._client = httpx2.AsyncClient(
            base_url=checked_url(connection.url),
            verify=tls_context(connection.ca_bundle, verify=connection.verify),
            timeout=httpx2.Timeout(connection.request_seconds),
            headers=_HEADERS,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            limits=_LIMITS,
            follow_redirects=False,
            trust_env=False,
            transport=network,
        )

    async def exchange(self, request: Request, headers: Mapping[str, str]) -> Any:
        """The decoded answer, or the fault for a refusal."""
        async with self.open(request, headers, self._seconds) as response:
            if not request.takes(response.status_code):
                raise await self.refusal(request, response)
            return await self.answer(request, response)

    @asynccontextmanager
    async def open(
        self, request: Request, headers: Mapping[str, str], within: float | None
    ) -> AsyncIterator[httpx2.Response]:
        """The answer of any status, its body still to be read; `within` seconds for all of it.

        None leaves only the limit on each single read, for downloads.
        """
        if self._client.is_closed:
            raise Unavailable("the connection to the scanner was closed")
        asked = self._client.stream(
            request.method,
            request.path,
            json=request.body,
            params=dict(request.params) or None,
            headers={**headers, **request.headers},
        )
        started = clock.monotonic()
        outcome: str | None = None  # stays so when we ourselves are cancelled
        try:
            async with asyncio.timeout(within), asked as response:
                yield response
                outcome = faults.outcome_of(response.status_code)
        except Fault:
            outcome = faults.outcome_of(response.status_code)
            outcome = "server_error" if outcome == "ok" else outcome
            raise
        except (httpx2.HTTPError, TimeoutError) as error:
            fault = faults.broken(error)
            timeout = isinstance(error, httpx2.TimeoutException | TimeoutError)
            outcome = "timeout" if timeout else "connection_error"
            # Not `from error`: its text may be the scanner's, and its request holds our login.
            raise fault from None
        finally:
            if outcome:
                self._observe(request.operation, outcome, clock.monotonic() - started)

    async def answer(self, request: Request, response: httpx2.Response) -> Any:
        """The decoded body of an answer that was taken."""
        content = bytearray()
        async for chunk in response.aiter_raw():
            content += chunk
            if len(content) > request.limit:
                raise Unavailable(
                    f"the scanner answered with more than {request.limit // MIB} MiB "
                    f"when asked to {request.doing}"
                )
        return request.decode(bytes(content))

    async def refusal(self, request: Request, response: httpx2.Response) -> Fault:
        """The fault for an answer that was not taken, whether its body comes or not."""
        remark = ""
        if not request.confidential:
            error = _error_text(await _start_of(response, self._seconds / 10))
            remark = clean(error, REMARK_CHARS, self._secrets_of(response.request.headers))
        wait = faults.wait_of(response.headers.get("retry-after"), clock.now())
        return faults.fault_of(response.status_code, request.doing, remark, wait)

    async def close(self) -> None:
        await self._client.aclose()

    def _secrets_of(self, headers: httpx2.Headers) -> list[str]:
        login = [headers.get(name, "") for name in ("X-ApiKeys", "X-Cookie", "X-API-Token")]
        parts = [part for value in login for part in re.split(r"[=;\s]+", value)]
        return [*self._secrets, *(part for part in parts if len(part) > len("accessKey"))]


async def _start_of(response: httpx2.Response, seconds: float) -> bytes:
    """As much as comes soon: with a 412 Nessus often announces a body that never does."""
    content = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for chunk in response.aiter_raw():
                content += chunk
                if len(content) > _REMARK_BYTES:
                    break
    except (httpx2.HTTPError, TimeoutError):
        pass  # the status is known, and that is what counts
    return bytes(content)


def _error_text(content: bytes) -> object:
    try:
        return json_object(content).get("error")
    except Unavailable:  # an HTML page of some proxy: nothing worth showing
        return None


def checked_url(url: str) -> str:
    """The url of a scanner without a trailing slash; `Rejected` says what is wrong with it."""
    try:
        parts = urlsplit(url)
        host, _ = httpx2.URL(url).host, parts.port
    except (ValueError, httpx2.InvalidURL):
        raise Rejected("the scanner's url is no url") from None
    if parts.scheme not in ("https", "http") or not host or re.search(r"\s", url):
        raise Rejected("the scanner's url must look like https://nessus.example.org:8834")
    if parts.username is not None or parts.query or parts.fragment:
        raise Rejected("the scanner's url may hold neither a login nor a query: use a Secret")
    return url.rstrip("/")


def tls_context(ca_bundle: str | None, *, verify: bool) -> ssl.SSLContext:
    """Trusts the CAs of `ca_bundle` (PEM) and no others, or the system's without one."""
    context = ssl.create_default_context() if ca_bundle is None else _trusting(ca_bundle)
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _trusting(ca_bundle: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # The bundle may be the scanner's own certificate, or an intermediate without its root.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        context.load_verify_locations(cadata=ca_bundle)
    except (ssl.SSLError, ValueError):
        raise Rejected("tls.caBundleRef holds no certificates in PEM form") from None
    return context
