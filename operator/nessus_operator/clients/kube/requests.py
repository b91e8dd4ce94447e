"""One request to the API server at a time: JSON in, JSON out, faults by what to do next."""

import json
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any

import aiohttp

from nessus_operator.clients import clock
from nessus_operator.clients.errors import (
    AlreadyExists,
    Conflict,
    Fault,
    NotFound,
    RateLimited,
    Rejected,
    Unauthorized,
    Unavailable,
)
from nessus_operator.clients.kube.paths import resource_of

Object = dict[str, Any]
# (verb, resource, code, seconds); code is "error" where no answer came.
Observe = Callable[[str, str, str, float], None]

_MERGE_PATCH = "application/merge-patch+json"
_UNCHECKED = (
    "<nil>: Invalid value: null: some validation rules were not checked because the object was "
    "invalid; correct the existing errors to complete validation"
)
_STRICT = "strict decoding error: "
_TEXT_LENGTH = 4096


class Gone(Fault):
    """The version to go on from is too old (HTTP 410): list again."""


class Kube:
    """The requests that we make; every write names itself and is checked strictly."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        writer: str,
        seconds: float = 15.0,
        observe: Observe | None = None,
    ) -> None:
        self.session = session
        self._write_params = {"fieldManager": writer, "fieldValidation": "Strict"}
        self._timeout = aiohttp.ClientTimeout(total=seconds)
        self._observe = observe

    async def get(self, path: str, **params: str) -> Object:
        return await self._ask("get", path, params)

    async def create(self, path: str, body: Mapping[str, Any]) -> Object:
        return await self._ask("post", path, self._write_params, body)

    async def replace(self, path: str, body: Mapping[str, Any]) -> Object:
        return await self._ask("put", path, self._write_params, body)

    async def merge_patch(self, path: str, body: Mapping[str, Any]) -> Object:
        return await self._ask("patch", path, self._write_params, body, _MERGE_PATCH)

    async def delete(self, path: str, *, uid: str | None = None) -> Object:
        """Delete; with a uid only that very object, never a later one of the same name."""
        body = {"preconditions": {"uid": uid}} if uid else None
        return await self._ask("delete", path, {}, body)

    async def list_all(self, path: str, page: int = 500) -> tuple[list[Object], str]:
        """All objects and the version to watch from, read page by page."""
        found: list[Object] = []
        params = {"limit": str(page)}
        while True:
            answer = await self.get(path, **params)
            found += answer.get("items") or []
            if not answer["metadata"].get("continue"):
                return found, answer["metadata"]["resourceVersion"]
            params["continue"] = answer["metadata"]["continue"]

    async def watch(
        self, path: str, version: str, *, seconds: int, silence: float
    ) -> AsyncGenerator[Object, None]:
        """Events from `version` on, bookmarks too; ends after `seconds`, breaks when silent."""
        params = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(seconds),
        }
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=silence)
        begun = clock.monotonic()
        code = "error"
        try:
            async with self.session.get(
                _below(path), params=params, timeout=timeout, allow_redirects=False
            ) as response:
                code = str(response.status)
                await _raise_for_status(response)
                yield {"type": "OPENED", "object": {}}
                async for line in response.content:
                    yield json.loads(line)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise Unavailable(f"watch was cut: {_name(error)}") from error
        finally:
            self._note("watch", path, code, begun)

    async def _ask(
        self,
        method: str,
        path: str,
        params: Mapping[str, str],
        body: Mapping[str, Any] | None = None,
        content_type: str = "application/json",
    ) -> Object:
        begun = clock.monotonic()
        code = "error"
        try:
            async with self.session.request(
                method,
                _below(path),
                params=params,
                data=None if body is None else json.dumps(body),
                headers={"Content-Type": content_type},
                timeout=self._timeout,
                allow_redirects=False,
            ) as response:
                code = str(response.status)
                await _raise_for_status(response)
                answer: Object = await response.json()
                return answer
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise Unavailable(f"the API server does not answer: {_name(error)}") from error
        finally:
            self._note(method, path, code, begun)

    def _note(self, verb: str, path: str, code: str, begun: float) -> None:
        if self._observe:
            self._observe(verb, resource_of(path), code, clock.monotonic() - begun)


def _below(path: str) -> str:
    """Relative to the session's URL, which may have a path of its own."""
    return path.lstrip("/")


def _name(error: Exception) -> str:
    return str(error) or type(error).__name__


async def _raise_for_status(response: aiohttp.ClientResponse) -> None:
    if response.status < 300:
        return
    try:
        status = json.loads(await response.text())
    except ValueError:
        status = None
    known = status if isinstance(status, dict) else {}
    raise fault(response.status, known, response.headers.get("Retry-After"))


def fault(code: int, status: Mapping[str, Any], retry_after: str | None = None) -> Fault:
    """The fault that an answer means; branches on `reason`, since one code has several."""
    reason = status.get("reason")
    text = _text(str(status.get("message") or f"the API server answered {code}"))
    if code == 409:
        return AlreadyExists(text) if reason == "AlreadyExists" else Conflict(text)
    if code == 429:
        return RateLimited(text, _seconds(retry_after))
    if code == 410 or reason in ("Expired", "Gone"):
        return Gone(text)
    by_code: dict[int, type[Fault]] = {401: Unauthorized, 403: Unauthorized, 404: NotFound}
    kind = by_code.get(code, Unavailable if code >= 500 else Rejected)
    return kind(text)


def _text(message: str) -> str:
    """Without what helps nobody: rules that were not reached, and the whole object of a patch."""
    text = message.replace(f", {_UNCHECKED}", "").replace(f"{_UNCHECKED}, ", "")
    if _STRICT in text:
        text = text[text.rindex(_STRICT) :]
    return text if len(text) <= _TEXT_LENGTH else f"{text[:_TEXT_LENGTH]}..."


def _seconds(retry_after: str | None) -> float:
    return float(retry_after) if retry_after and retry_after.isdigit() else 1.0
