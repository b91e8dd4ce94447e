"""The ASGI layer around the app: trace ids and metrics of every request."""

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from nessus_gateway import tracing
from nessus_gateway.metrics import GatewayMetrics
from nessus_gateway.middleware import Requests

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


async def show(_: Request) -> Response:
    return JSONResponse({"traceparent": tracing.current()})


async def deny(_: Request) -> Response:
    return Response(status_code=401)


async def crash(_: Request) -> Response:
    raise ZeroDivisionError


@pytest.fixture
def metrics() -> GatewayMetrics:
    return GatewayMetrics((), ())


@pytest.fixture
def client(metrics: GatewayMetrics) -> httpx2.AsyncClient:
    routes = [Route("/show", show), Route("/mcp", deny, methods=["POST"]), Route("/crash", crash)]
    app = Requests(Starlette(routes=routes), metrics, frozenset(("/show", "/mcp", "/crash")))
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx2.AsyncClient(transport=transport, base_url="http://localhost")


def counted(metrics: GatewayMetrics, method: str, route: str, code: int) -> float | None:
    labels = {
        "http_request_method": method,
        "http_route": route,
        "http_response_status_code": str(code),
    }
    return metrics.registry.get_sample_value("http_server_requests_total", labels)


async def test_a_trace_of_the_client_goes_on(client: httpx2.AsyncClient) -> None:
    traceparent = f"00-{TRACE}-00f067aa0ba902b7-01"
    answer = await client.get("/show", headers={"traceparent": traceparent})
    assert answer.json() == {"traceparent": traceparent}
    assert answer.headers["x-trace-id"] == TRACE


async def test_a_trace_id_of_the_client_goes_on(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/show", headers={"X-Trace-Id": TRACE, "traceparent": "junk"})
    assert answer.json()["traceparent"].split("-")[1] == TRACE


async def test_every_request_has_a_trace(client: httpx2.AsyncClient) -> None:
    first, second = await client.get("/show"), await client.get("/nowhere")
    assert len(first.headers["x-trace-id"]) == 32
    assert first.headers["x-trace-id"] != second.headers["x-trace-id"]


async def test_requests_are_counted_under_bounded_labels(
    client: httpx2.AsyncClient, metrics: GatewayMetrics
) -> None:
    await client.get("/show?x=1")
    await client.get("/secret/path")
    await client.request("BREW", "/show")
    await client.get("/crash")
    assert counted(metrics, "GET", "/show", 200) == 1
    assert counted(metrics, "GET", "unmatched", 404) == 1
    assert counted(metrics, "_OTHER", "/show", 405) == 1
    assert counted(metrics, "GET", "/crash", 500) == 1


async def test_a_request_without_a_token_is_told_from_a_wrong_one(
    client: httpx2.AsyncClient, metrics: GatewayMetrics
) -> None:
    await client.post("/mcp")
    await client.post("/mcp", headers={"Authorization": "Bearer wrong"})
    labels = {"result": "failure", "reason": "missing_credentials"}
    assert metrics.registry.get_sample_value("auth_attempts_total", labels) == 1
