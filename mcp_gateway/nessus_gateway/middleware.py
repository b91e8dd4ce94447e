"""Around every HTTP request: its trace and its metrics. Around every tool call: its audit line."""

import re
from asyncio import CancelledError
from typing import Any

import structlog
from fastmcp.exceptions import NotFoundError, ToolError, ValidationError
from fastmcp.server.middleware import CallNext, Middleware, MiddlewareContext
from fastmcp.tools.base import ToolResult
from mcp_types import CallToolRequestParams
from pydantic import ValidationError as ArgumentsError
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nessus_gateway import tracing
from nessus_gateway.errors import Busy, Refused, crashed, unknown_tool, wrong_arguments
from nessus_gateway.gateway import Gateway
from nessus_gateway.metrics import UNMATCHED_ROUTE, GatewayMetrics
from nessus_operator.clients import clock
from nessus_operator.clients.logs import trace_id_of

log = structlog.get_logger(__name__)

_TASK_ID = re.compile("[-.a-z0-9]{1,63}/[-.a-z0-9]{1,63}")
_UNAUTHORIZED = 401
_CLIENT_CLOSED = 499  # as nginx says it: nobody is there to be answered


class Requests:
    """Pure ASGI, since anything that buffers would break streams and hide a client that left."""

    def __init__(self, app: ASGIApp, metrics: GatewayMetrics, routes: frozenset[str]) -> None:
        self._app = app
        self._metrics = metrics
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        traceparent = tracing.accept(headers.get("traceparent"))
        traceparent = traceparent or tracing.begin(headers.get("x-trace-id"))
        begun, code = clock.monotonic(), _CLIENT_CLOSED

        async def answer(message: Message) -> None:
            nonlocal code
            if message["type"] == "http.response.start":
                code = int(message["status"])
                MutableHeaders(scope=message)["x-trace-id"] = trace_id_of(traceparent) or ""
            await send(message)

        with tracing.follow(traceparent):
            try:
                await self._app(scope, receive, answer)
            finally:
                self._count(scope, headers, code, clock.monotonic() - begun)

    def _count(self, scope: Scope, headers: Headers, code: int, seconds: float) -> None:
        path = scope["path"]
        route = path if path in self._routes else UNMATCHED_ROUTE
        self._metrics.answered(scope["method"], route, code, seconds)
        log.debug("HTTP request", method=scope["method"], route=route, status=code)
        if code == _UNAUTHORIZED and "authorization" not in headers:
            self._metrics.auth("failure", "missing_credentials")


class ToolCalls(Middleware):
    """One audit line, one count and one duration for each call, however it ends.

    Of the arguments only the task id is told: the rest may be secret, or none of the log's
    business.
    """

    def __init__(self, gateway: Gateway, parameters: dict[str, list[str]]) -> None:
        self._gateway = gateway
        self._parameters = parameters

    async def on_call_tool(
        self,
        context: MiddlewareContext[CallToolRequestParams],
        call_next: CallNext[CallToolRequestParams, ToolResult],
    ) -> ToolResult:
        tool = context.message.name
        told = {"task_id": _task_of(context.message.arguments)}
        begun, status = clock.monotonic(), "error"
        try:
            result = await self._call(context, call_next)
            status = "success"
            told["task_id"] = _task_of(result.structured_content) or told["task_id"]
            return result
        except (Refused, Busy, CancelledError) as refusal:
            status, told["reason"] = "rejected", type(refusal).__name__
            raise
        except BaseException as error:
            told["reason"] = type(error.__cause__ or error).__name__
            raise
        finally:
            seconds = clock.monotonic() - begun
            label = self._gateway.metrics.tool_name(tool)
            self._gateway.metrics.called(label, status, seconds)
            self._audit(label, status, round(seconds, 4), told)

    async def _call(
        self,
        context: MiddlewareContext[CallToolRequestParams],
        call_next: CallNext[CallToolRequestParams, ToolResult],
    ) -> ToolResult:
        tool = context.message.name
        try:
            return await call_next(context)
        except ValidationError as error:
            if isinstance(error.__cause__, ArgumentsError):
                raise wrong_arguments(error.__cause__, self._parameters[tool]) from error
            raise
        except NotFoundError as error:
            raise unknown_tool(self._parameters) from error
        except ToolError as error:
            if type(error) is ToolError:  # FastMCP's own, in place of what was raised
                raise crashed(trace_id_of(tracing.current())) from error.__cause__
            raise

    def _audit(self, tool: str, status: str, seconds: float, told: dict[str, Any]) -> None:
        known = {key: value for key, value in told.items() if value}
        log.info(
            "Tool called",
            tool=tool,
            caller=self._caller(),
            outcome=status,
            duration_seconds=seconds,
            **known,
        )

    def _caller(self) -> str | None:
        try:
            return self._gateway.identify().name
        except ToolError:
            return None


def _task_of(values: dict[str, Any] | None) -> str | None:
    """The task id in arguments or in an answer, if it is one."""
    task_id = (values or {}).get("task_id")
    return task_id if isinstance(task_id, str) and _TASK_ID.fullmatch(task_id) else None
