"""Who sent this request: a static token from the tokens file, read again whenever that changes."""

import os
from pathlib import Path

import structlog
from fastmcp.server.auth import AccessToken, TokenVerifier
from fastmcp.server.dependencies import get_access_token

from nessus_gateway import tokens
from nessus_gateway.access import Action, Caller, Scope, Verdict, decide
from nessus_gateway.errors import Refused
from nessus_gateway.metrics import GatewayMetrics
from nessus_gateway.tokens import Entry, InvalidTokens
from nessus_operator.clients.errors import Rejected

log = structlog.get_logger(__name__)

_Stamp = tuple[int, int, int]


class TokensFile:
    """The entries as the file has them now.

    A file that is gone holds no tokens. One that cannot be understood is most likely being written:
    the last good entries stay until it can be, and every change is logged.
    """

    def __init__(self, path: Path, metrics: GatewayMetrics) -> None:
        """Raises Rejected with what to correct: a gateway that lets nobody in is of no use."""
        self._path = path
        self._metrics = metrics
        self._stamp: _Stamp | None = None
        self._entries: tuple[Entry, ...] = ()
        try:
            stamp = _stamp(path)
            self._read(stamp)
        except OSError as error:
            reason = error.strerror or "it cannot be read"
            raise Rejected(f"NESSUS_GATEWAY_TOKENS_FILE names {path}: {reason}") from error
        except InvalidTokens as error:
            raise Rejected(f"NESSUS_GATEWAY_TOKENS_FILE names {path}, which {error}") from error

    def entries(self) -> tuple[Entry, ...]:
        try:
            stamp = _stamp(self._path)
            if stamp != self._stamp:
                self._read(stamp)
                log.info("Tokens file read", tokens=len(self._entries))
        except OSError as error:
            if self._stamp is not None:
                log.error("Tokens file is gone: no token is valid", error=error.strerror)
            self._stamp, self._entries = None, ()
            self._metrics.reloaded(False)
        except InvalidTokens as error:
            log.error("Tokens file not understood: the last good one stays", error=str(error))
            self._metrics.reloaded(False)
        return self._entries

    def _read(self, stamp: _Stamp) -> None:
        self._stamp = stamp  # also of a broken file, so that it is complained of once
        self._entries = tokens.parse(self._path.read_text())
        self._metrics.reloaded(True)


def _stamp(path: Path) -> _Stamp:
    found = os.stat(path)
    return found.st_ino, found.st_mtime_ns, found.st_size


class StaticTokens(TokenVerifier):
    """Lets in who has a token of the file."""

    def __init__(self, file: TokensFile, metrics: GatewayMetrics) -> None:
        super().__init__()
        self._file = file
        self._metrics = metrics

    async def verify_token(self, token: str) -> AccessToken | None:
        caller = tokens.find(token, self._file.entries())
        if caller is None:
            self._metrics.auth("failure", "invalid_token")
            log.warning("Token refused")
            return None
        self._metrics.auth("success", "ok")
        return AccessToken(
            token=token,
            client_id=caller.name,
            scopes=sorted(caller.scopes),
            claims={"namespaces": caller.namespaces},
        )


def caller_of_request() -> Caller:
    """Raises Refused where nobody is logged in."""
    token = get_access_token()
    if token is None:
        raise Refused("nobody is logged in; send a token as Authorization: Bearer")
    namespaces = tuple(token.claims.get("namespaces", ()))
    return Caller(token.client_id, namespaces, frozenset(map(Scope, token.scopes)))


async def decide_by_token(caller: Caller, action: Action) -> Verdict:
    return decide(caller, action)
