"""The three ways to prove to Nessus who we are. Concurrent calls share one login.

A login that Nessus refused is not tried again for minutes, then hours: Nessus locks an account
after five refused logins (its setting "Max Login Attempts").
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from nessus_operator.api.pool import AuthType
from nessus_operator.clients import clock
from nessus_operator.clients.errors import Fault, Rejected, Unauthorized, Unavailable
from nessus_operator.clients.scanners.nessus.http import MIB, Request, Transport

_LOG_OUT_SECONDS = 2.0
_HEADER_VALUE = re.compile(r"[\x21-\x7e]{1,1024}")
_UUID = r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
_PAGE_TOKEN = re.compile(
    rf"""getApiToken[^}}]{{0,256}}?(?:return\s*|=>\s*\(?\s*)["']({_UUID})["']""".encode()
)

Headers = Mapping[str, str]


class Login(Protocol):
    async def headers(self) -> Headers:
        """What proves our identity; logs in first where that is needed."""

    async def renew(self, status: int, refused: Headers) -> Headers | None:
        """After `refused` were answered with `status`: other headers to try, if there are any."""

    async def log_out(self) -> None:
        """Leave nothing behind on the scanner. Raises no Fault."""


def login_for(kind: AuthType, secret: Mapping[str, str], transport: Transport) -> Login:
    """`Unauthorized` where the Secret lacks what this kind of login needs."""
    match kind:
        case AuthType.API_KEYS:
            return APIKeys(_key(secret, "accessKey"), _key(secret, "secretKey"))
        case AuthType.SESSION:
            return _session(secret, transport)
        case AuthType.WEB_SESSION:
            return WebSession(_session(secret, transport), transport)


def _session(secret: Mapping[str, str], transport: Transport) -> "Session":
    return Session(_entry(secret, "username"), _entry(secret, "password"), transport)


def _entry(secret: Mapping[str, str], name: str) -> str:
    if not secret.get(name):
        raise Unauthorized(f"the scanner's Secret holds no {name}")
    return secret[name]


def _key(secret: Mapping[str, str], name: str) -> str:
    key = _entry(secret, name).strip()  # a line break at the end is a common slip
    if not re.fullmatch(r"[0-9A-Za-z_-]+", key):
        raise Unauthorized(f"{name} in the scanner's Secret has characters that no key has")
    return key


class APIKeys:
    """The pair of keys that Nessus makes for an account. Nothing to log in to or out of."""

    def __init__(self, access_key: str, secret_key: str) -> None:
        self._headers = {"X-ApiKeys": f"accessKey={access_key}; secretKey={secret_key}"}

    async def headers(self) -> Headers:
        return self._headers

    async def renew(self, status: int, refused: Headers) -> Headers | None:
        return None

    async def log_out(self) -> None:
        return None


@dataclass(frozen=True, slots=True)
class Refusals:
    """Refused logins in a row. The waits between tries are 5 min, 30 min, 3 h, 18 h, 24 h, ..."""

    count: int = 0
    until: float = 0.0  # monotonic seconds

    def another(self, now: float) -> "Refusals":
        wait = min(300.0 * 6**self.count, 86400.0)
        return replace(self, count=self.count + 1, until=now + wait)

    def holds(self, now: float) -> bool:
        return self.count > 0 and now < self.until


class Session:
    """User name and password for a session of Nessus, renewed when it has expired."""

    def __init__(
        self,
        username: str,
        password: str,
        transport: Transport,
        monotonic: Callable[[], float] = clock.monotonic,
    ) -> None:
        self._monotonic = monotonic
        self._body = {"username": username, "password": password}
        self._transport = transport
        self._token: str | None = None
        self._refusals = Refusals()
        self._lock = asyncio.Lock()

    async def headers(self) -> Headers:
        async with self._lock:
            if self._token is None:
                self._token = await self._log_in()
            return _cookie(self._token)

    async def renew(self, status: int, refused: Headers) -> Headers | None:
        if status != 401:
            return None
        if self._token and _cookie(self._token)["X-Cookie"] == refused.get("X-Cookie"):
            self._token = None  # else another call has logged in meanwhile
        return await self.headers()

    async def log_out(self) -> None:
        token, self._token = self._token, None
        if token is None:
            return
        request = Request("probe", "log out", "DELETE", "/session", decode=bytes)
        try:
            async with asyncio.timeout(_LOG_OUT_SECONDS):
                await self._transport.exchange(request, _cookie(token))
        except (Fault, TimeoutError):
            pass  # the session ends by itself, half an hour later

    async def _log_in(self) -> str:
        if self._refusals.holds(self._monotonic()):
            raise Unauthorized(
                "the scanner refused our user name and password; correct the scanner's Secret "
                "(waiting before the next try, or Nessus would lock the account)"
            )
        request = Request("probe", "log in", "POST", "/session", body=self._body, confidential=True)
        try:
            answer = await self._transport.exchange(request, {})
        except (Unauthorized, Rejected):
            self._refusals = self._refusals.another(self._monotonic())
            raise
        token = answer.get("token")
        if not isinstance(token, str) or not _HEADER_VALUE.fullmatch(token):
            raise Unavailable("the scanner took our login and answered with no session")
        self._refusals = Refusals()
        return token


def _cookie(token: str) -> dict[str, str]:
    return {"X-Cookie": f"token={token}"}


class WebSession:
    """A session that acts as the scanner's own web page: it adds the token that page is made with.

    The token changes when Nessus is installed anew; a call is then answered with 412, as it is
    where the licence closes the call. So a 412 means: read the page again, and once only.
    """

    def __init__(self, session: Session, transport: Transport) -> None:
        self._session = session
        self._transport = transport
        self._page_token: str | None = None
        self._lock = asyncio.Lock()

    async def headers(self) -> Headers:
        async with self._lock:
            if self._page_token is None:
                self._page_token = await self._read_page()
            page_token = self._page_token
        return {**await self._session.headers(), "X-API-Token": page_token}

    async def renew(self, status: int, refused: Headers) -> Headers | None:
        if status == 412:
            return await self._renew_page_token(refused)
        if await self._session.renew(status, refused) is None:
            return None
        return await self.headers()

    async def log_out(self) -> None:
        await self._session.log_out()

    async def _renew_page_token(self, refused: Headers) -> Headers | None:
        async with self._lock:
            if self._page_token == refused.get("X-API-Token"):
                self._page_token = await self._read_page()
            if self._page_token == refused.get("X-API-Token"):
                return None
        return await self.headers()

    async def _read_page(self) -> str:
        request = Request(
            "probe",
            "show its web page",
            "GET",
            "/nessus6.js",
            headers={"Accept": "*/*"},
            limit=8 * MIB,
            decode=page_token,
        )
        token: str = await self._transport.exchange(request, {})
        return token


def page_token(script: bytes) -> str:
    """The X-API-Token in the script of Nessus' web page: the UUID that `getApiToken` returns.

    Spellings seen: `{key:"getApiToken",value:function(){return"<UUID>"}}` in either case of the
    hexadecimal digits.
    """
    found = _PAGE_TOKEN.search(script)
    if found is None:
        raise Unavailable("the scanner's web page shows no API token; use APIKeys or Session")
    return found[1].decode()
