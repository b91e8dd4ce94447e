"""Who calls: accounts with passwords, API keys and sessions that expire when idle."""

import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from nessus_simulator import refusals

MAX_LOGIN_ATTEMPTS = 5  # Nessus' default; one more wrong password in a row finds a locked account

API_KEYS = re.compile(
    r"\s*accessKey=(?P<access>[^;\s]+)\s*;\s*secretKey=(?P<secret>[^;\s]+)\s*;?\s*"
)
COOKIE = re.compile(r"\s*token=(?P<token>[^;\s]+)\s*;?\s*")


@dataclass(frozen=True, slots=True)
class Caller:
    account: str
    by_session: bool


@dataclass(slots=True)
class Session:
    account: str
    last_used: float


class Accounts:
    """All of them are administrators and see the same folders and scans."""

    def __init__(
        self,
        users: Iterable[tuple[str, str]],
        api_keys: Iterable[tuple[str, str]],
        session_seconds: float,
    ) -> None:
        """`users` are (name, password), `api_keys` (access, secret) with an account for each."""
        self._passwords = dict(users)
        self._keys = {
            access: (secret, f"api-{number}")
            for number, (access, secret) in enumerate(api_keys, start=1)
        }
        self._sessions: dict[str, Session] = {}
        self._failures: dict[str, int] = {}
        self._session_seconds = session_seconds

    def log_in(self, name: str, password: str, now: float) -> str:
        """A new session's token; the fifth wrong password in a row locks the account."""
        failures = self._failures.get(name, 0)
        if failures >= MAX_LOGIN_ATTEMPTS or self._passwords.get(name) != password:
            self._failures[name] = failures + 1
            raise refusals.unauthorized()
        self._failures.pop(name, None)
        token = secrets.token_hex(24)
        self._sessions[token] = Session(name, now)
        return token

    def identify(self, headers: Mapping[str, str], now: float) -> Caller:
        """The caller behind X-ApiKeys or X-Cookie; a session that is used stays alive."""
        if keys := API_KEYS.fullmatch(headers.get("X-ApiKeys", "")):
            secret, account = self._keys.get(keys["access"], ("", ""))
            if account and secret == keys["secret"]:
                return Caller(account, by_session=False)
            raise refusals.unauthorized()
        session = self._live_session(headers, now)
        session.last_used = now
        return Caller(session.account, by_session=True)

    def log_out(self, headers: Mapping[str, str]) -> None:
        if cookie := COOKIE.fullmatch(headers.get("X-Cookie", "")):
            self._sessions.pop(cookie["token"], None)

    def expire_sessions(self) -> int:
        """End all sessions as if they had been idle for too long; how many there were."""
        count = len(self._sessions)
        self._sessions.clear()
        return count

    def new_keys(self, account: str) -> tuple[str, str]:
        """A fresh pair of API keys; the account's earlier keys stop working."""
        self._keys = {a: pair for a, pair in self._keys.items() if pair[1] != account}
        access, secret = secrets.token_hex(32), secrets.token_hex(32)
        self._keys[access] = (secret, account)
        return access, secret

    def names(self) -> list[str]:
        return sorted({*self._passwords, *(account for _, account in self._keys.values())})

    def locked(self) -> list[str]:
        return sorted(name for name, n in self._failures.items() if n >= MAX_LOGIN_ATTEMPTS)

    def session_count(self) -> int:
        return len(self._sessions)

    def _live_session(self, headers: Mapping[str, str], now: float) -> Session:
        cookie = COOKIE.fullmatch(headers.get("X-Cookie", ""))
        session = self._sessions.get(cookie["token"]) if cookie else None
        if cookie is None or session is None:
            raise refusals.unauthorized()
        if now - session.last_used > self._session_seconds:
            del self._sessions[cookie["token"]]
            raise refusals.unauthorized()
        return session
