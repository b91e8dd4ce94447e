"""What every request passes through: call log, faults, login and licence, errors as JSON."""

import asyncio
import json
import secrets
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from nessus_simulator import licenses, refusals
from nessus_simulator.accounts import Caller
from nessus_simulator.answers import compact, error_answer, json_answer
from nessus_simulator.calls import Call, Calls, Outcome
from nessus_simulator.faults import Action, Fault, Faults, FaultSpec, Stage
from nessus_simulator.nessus import Nessus

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

NESSUS = web.AppKey("nessus", Nessus)
CALLS = web.AppKey("calls", Calls)
FAULTS = web.AppKey("faults", Faults)
CALLER = web.RequestKey("caller", Caller)

CONTROL = "/_simulator"
SERVER_PATHS = frozenset({"/nessus6.js", "/server/status", "/server/properties"})


class Download(web.FileResponse):
    """A file response that tells which file it sends."""

    def __init__(self, path: Path, headers: dict[str, str]) -> None:
        super().__init__(path, headers=headers)
        self.path = path


@dataclass(slots=True)
class Exchange:
    """A request to the simulated Nessus on its way through."""

    request: web.Request
    handler: Handler
    call: Call

    async def act(self) -> web.StreamResponse:
        self.call.acted = True
        return await answer(self.request, _admitting(self.handler, self.call))


@web.middleware
async def pipeline(request: web.Request, handler: Handler) -> web.StreamResponse:
    if request.path.startswith(CONTROL):
        return await answer(request, handler)
    body = await request.read()
    calls, nessus = request.app[CALLS], request.app[NESSUS]
    call = calls.begin(nessus.clock.now(), request.method, request.path, request.query, body)
    response = await _through_faults(Exchange(request, handler, call))
    if call.outcome is Outcome.OPEN:
        gone = request.transport is None or request.transport.is_closing()
        call.outcome = Outcome.UNREAD if gone else Outcome.ANSWERED
    call.status = None if call.outcome is Outcome.DROPPED else response.status
    if nessus.drop_refusals and response.status == 412:
        return await _send_part(request, response, 0.0)
    return response


async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The handler's answer; what it refuses, and unknown paths, become JSON errors."""
    try:
        return await handler(request)
    except refusals.Refusal as refusal:
        return error_answer(refusal.message, refusal.status)
    except web.HTTPException as error:
        message = f"{request.method} {request.path}: {error.reason}"
        return error_answer(message, error.status)


def _admitting(handler: Handler, call: Call) -> Handler:
    """The handler behind the checks of readiness, login and licence."""

    async def admitted(request: web.Request) -> web.StreamResponse:
        nessus, path = request.app[NESSUS], request.path
        if path in SERVER_PATHS:
            return await handler(request)
        if nessus.loading_percent() is not None:
            raise refusals.loading()
        if (request.method, path) == ("POST", "/session") or path.startswith("/tokens/"):
            return await handler(request)
        caller = nessus.accounts.identify(request.headers, nessus.clock.now())
        request[CALLER], call.account = caller, caller.account
        if licenses.is_scan_write(request.method, path):
            licenses.check_scan_write(
                nessus.license,
                by_session=caller.by_session,
                token_matches=request.headers.get("X-API-Token") == nessus.api_token,
            )
        return await handler(request)

    return admitted


async def _through_faults(exchange: Exchange) -> web.StreamResponse:
    faults = exchange.request.app[FAULTS]
    fault = faults.strike(exchange.request.method, exchange.request.path)
    if fault is None:
        return await exchange.act()
    exchange.call.fault = fault.id
    with faults.striking(fault):
        if fault.spec.strikes_at is Stage.BEFORE:
            instead = await _strike(exchange, fault, None)
            return await exchange.act() if instead is None else instead
        response = await exchange.act()
        instead = await _strike(exchange, fault, response)
        return response if instead is None else instead


async def _strike(
    exchange: Exchange, fault: Fault, response: web.StreamResponse | None
) -> web.StreamResponse | None:
    """What is answered instead; None: go on. `response` is there once the request has acted."""
    request, call, spec = exchange.request, exchange.call, fault.spec
    match spec.action:
        case Action.HOLD:
            if await request.app[FAULTS].hold(fault):
                return None
            return _cut(request, call, Outcome.DROPPED if response is None else Outcome.CUT)
        case Action.DELAY:
            await asyncio.sleep(spec.seconds or 0)
            return None
        case Action.STATUS:
            return _other_answer(spec)
        case Action.CUT:
            return _cut(request, call, Outcome.CUT)
        case Action.TRUNCATE if response is not None:
            call.outcome = Outcome.CUT
            return await _send_part(request, response, 0.5)
        case Action.WRONG_UUID if response is not None:
            return _with_other_uuids(response)
    return None


def _other_answer(spec: FaultSpec) -> web.Response:
    text = compact({"error": "Simulated"}) if spec.body is None else spec.body
    answer = web.Response(
        status=spec.status or 500, body=text.encode(), content_type="application/json"
    )
    answer.headers.update(spec.headers)
    return answer


def _cut(request: web.Request, call: Call, outcome: Outcome) -> web.Response:
    """Close the connection; the response is for the server's own bookkeeping, nobody reads it."""
    call.outcome = outcome
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _send_part(
    request: web.Request, response: web.StreamResponse, share: float
) -> web.StreamResponse:
    """Announce the whole body, send a share of it and close the connection."""
    body = await asyncio.to_thread(_body, response)
    part = web.StreamResponse(status=response.status)
    part.content_type = response.content_type
    part.content_length = len(body)
    part.force_close()
    await part.prepare(request)
    await part.write(body[: int(len(body) * share)])
    if request.transport is not None:
        request.transport.close()
    return part


def _body(response: web.StreamResponse) -> bytes:
    if isinstance(response, Download):
        return response.path.read_bytes()
    body = response.body if isinstance(response, web.Response) else None
    return body if isinstance(body, bytes) else b""


def _with_other_uuids(response: web.StreamResponse) -> web.StreamResponse:
    content = json.loads(_body(response) or b"null")
    return json_answer(_other_uuids(content), response.status)


def _other_uuids(value: object) -> object:
    match value:
        case dict():
            return {
                name: str(uuid.UUID(bytes=secrets.token_bytes(16)))
                if name in ("uuid", "scan_uuid") and item is not None
                else _other_uuids(item)
                for name, item in value.items()
            }
        case list():
            return [_other_uuids(item) for item in value]
        case _:
            return value
