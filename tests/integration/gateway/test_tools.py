"""The six tools over real HTTP, on a real API server, by every kind of client."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpx2
import pytest
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from tests.integration.gateway.stage import GatewayProcess, GatewayStage, call, refused
from tests.running import eventually

TOOLS = {
    *("run_untrusted_scan", "get_scan_status", "get_scan_results"),
    *("list_tasks", "list_scanners", "list_pools"),
}

# What all clients have in common here: (names of tools, a call that answers its texts).
Caller = Callable[..., Any]


@asynccontextmanager
async def sdk(gateway: GatewayProcess, token: str) -> AsyncIterator[tuple[set[str], Caller]]:
    """The official SDK with its handshake."""
    http = httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}, trust_env=False)
    async with (
        http,
        streamable_http_client(f"{gateway.url}/mcp", http_client=http) as streams,
        ClientSession(*streams[:2]) as session,
    ):
        await session.initialize()

        async def ask(tool: str, **arguments: Any) -> str:
            answer = await session.call_tool(tool, arguments)
            assert not answer.is_error, answer.content
            return str(answer.content[0].text)

        yield {tool.name for tool in (await session.list_tools()).tools}, ask


def fastmcp(mode: str) -> Callable[..., AbstractAsyncContextManager[tuple[set[str], Caller]]]:
    @asynccontextmanager
    async def connect(
        gateway: GatewayProcess, token: str
    ) -> AsyncIterator[tuple[set[str], Caller]]:
        async with gateway.client(token, mode) as client:

            async def ask(tool: str, **arguments: Any) -> str:
                return str((await client.call_tool(tool, arguments)).content[0].text)

            yield {tool.name for tool in await client.list_tools()}, ask

    return connect


CLIENTS = {"fastmcp, modern": fastmcp("auto"), "fastmcp, legacy": fastmcp("legacy"), "sdk": sdk}


@pytest.mark.parametrize("connect", CLIENTS.values(), ids=CLIENTS)
async def test_a_scan_from_submission_to_findings(
    stage: GatewayStage,
    connect: Callable[..., AbstractAsyncContextManager[tuple[set[str], Caller]]],
) -> None:
    await stage.create_pool()
    token = stage.add_token("agent-7")
    gateway = await stage.start()
    async with connect(gateway, token) as (tools, ask):
        assert tools == TOOLS
        assert json.loads(await ask("list_pools")) == {
            "pools": ["nessus"],
            "default_pool": "nessus",
        }
        scanners = json.loads(await ask("list_scanners"))
        assert (scanners["total"], scanners["scanners"][0]["max_concurrent_scans"]) == (1, 2)
        request = {"targets": "192.0.2.10-192.0.2.11", "name": "weekly"}
        answer = json.loads(await ask("run_untrusted_scan", **request))
        task = answer["task_id"]
        assert (answer["status"], answer["queue_position"]) == ("queued", 1)
        [scan] = await stage.scans()
        annotations = scan["metadata"]["annotations"]
        assert annotations["nessus-operator.dev/requester"] == "agent-7"
        assert answer["trace_id"] in annotations["nessus-operator.dev/traceparent"]

        await stage.queue(task)
        await stage.run(task)
        await until_status(ask, task, "running")
        await stage.complete(task)
        status = await until_status(ask, task, "completed")
        assert status["results_summary"]["total_vulnerabilities"] == 3
        assert status["nessus_scan_id"] == 12

        text = await ask("get_scan_results", task_id=task, filters={"severity": ">=3"})
        schema, metadata, *findings, pagination = map(json.loads, text.split("\n"))
        assert (schema["total_vulnerabilities"], schema["untrusted"]) == (2, True)
        assert metadata["scan_name"] == "weekly"
        assert [(one["host"], one["severity"]) for one in findings] == [
            ("192.0.2.10", 4),
            ("192.0.2.11", 3),
        ]
        assert pagination["has_next"] is False
        tasks = json.loads(await ask("list_tasks", target_filter="192.0.2.11"))
        assert (tasks["total"], tasks["tasks"][0]["task_id"]) == (1, task)


async def until_status(ask: Caller, task: str, word: str) -> dict[str, Any]:
    async def look() -> dict[str, Any] | None:
        status = json.loads(await ask("get_scan_status", task_id=task))
        return dict(status) if status["status"] == word else None

    return await eventually(look, f"{task} is {word}", 10)


async def test_five_queued_scans_know_their_places_and_their_waits(stage: GatewayStage) -> None:
    await stage.create_pool(slots=1)
    agent = stage.add_token("agent-7")
    gateway = await stage.start()
    async with gateway.client(agent) as client:

        async def submit(number: int) -> dict[str, Any]:
            return await call(
                client, "run_untrusted_scan", targets="192.0.2.1", name=f"scan {number}"
            )

        first = await submit(0)
        assert (first["queue_position"], first["estimated_wait_minutes"]) == (1, None)
        await stage.queue(first["task_id"])
        await stage.run(first["task_id"], minutes_ago=10)

        waiting = [await submit(number) for number in range(1, 6)]
        assert [one["queue_position"] for one in waiting] == [1, 2, 3, 4, 5]
        assert [one["estimated_wait_minutes"] for one in waiting] == [None] * 5

        await stage.complete(first["task_id"])
        for one in waiting:
            await stage.queue(one["task_id"])
        await stage.run(waiting[0]["task_id"])
        last = await submit(6)
        assert last["queue_position"] == 5
        assert last["estimated_wait_minutes"] == pytest.approx(50, abs=2)


async def test_the_same_key_makes_one_scan_however_often_and_wherever_it_is_sent(
    stage: GatewayStage,
) -> None:
    await stage.create_pool()
    agent = stage.add_token("agent-7")
    replicas = [await stage.start(), await stage.start()]
    request = {"targets": "192.0.2.1", "name": "DMZ", "idempotency_key": "k-1"}
    async with replicas[0].client(agent) as one, replicas[1].client(agent, "legacy") as other:
        answers = await asyncio.gather(
            *(call(client, "run_untrusted_scan", **request) for client in (one, other) * 6)
        )
        assert len({answer["task_id"] for answer in answers}) == 1
        assert len({answer["trace_id"] for answer in answers}) == 1
        assert [answer.get("idempotent") for answer in answers].count(None) == 1
        assert len(await stage.scans()) == 1

        text = await refused(other, "run_untrusted_scan", **request | {"name": "other"})
        assert f"belongs to task {answers[0]['task_id']}, which differs in name" in text
        await stage.queue(answers[0]["task_id"])
        await stage.run(answers[0]["task_id"])

        async def running() -> bool:
            again = await call(one, "run_untrusted_scan", **request)
            return again["status"] == "running" and again["queue_position"] is None

        await eventually(running, "the repeat tells that it runs", 10)


async def test_a_scan_of_another_replica_is_known_at_once(stage: GatewayStage) -> None:
    await stage.create_pool()
    agent = stage.add_token("agent-7")
    replicas = [await stage.start(), await stage.start()]
    async with replicas[0].client(agent) as one, replicas[1].client(agent) as other:
        for number in range(10):
            made = await call(one, "run_untrusted_scan", targets="192.0.2.1", name=f"n {number}")
            status = await call(other, "get_scan_status", task_id=made["task_id"])
            assert status["name"] == f"n {number}"


async def test_a_foreign_task_is_as_unknown_as_none(stage: GatewayStage) -> None:
    await stage.create_pool()
    agent = stage.add_token("agent-7")
    stranger = stage.add_token("stranger", "admin", namespaces=("elsewhere",))
    gateway = await stage.start()
    async with gateway.client(agent) as mine, gateway.client(stranger) as theirs:
        made = await call(mine, "run_untrusted_scan", targets="192.0.2.1", name="mine")
        task = made["task_id"]
        for tool in ("get_scan_status", "get_scan_results"):
            foreign = await refused(theirs, tool, task_id=task)
            unknown = await refused(theirs, tool, task_id="elsewhere/none")
            assert foreign.replace(task, "X") == unknown.replace("elsewhere/none", "X")
        assert (await call(theirs, "list_tasks")) == {"tasks": [], "total": 0}
        assert (await call(theirs, "list_pools")) == {"pools": [], "default_pool": None}
        text = await refused(
            theirs,
            "run_untrusted_scan",
            targets="192.0.2.1",
            name="x",
            scanner_pool=f"{stage.namespace}/nessus",
        )
        assert f"no scanner pool 'nessus' in namespace {stage.namespace} (there: none)" in text
        assert len(await stage.scans()) == 1


async def test_what_the_cluster_refuses_is_told(stage: GatewayStage) -> None:
    await stage.create_pool()
    agent = stage.add_token("agent-7")
    gateway = await stage.start()
    quota = {
        "metadata": {"name": "scans"},
        "spec": {"hard": {"count/nessusscans.nessus-operator.dev": "0"}},
    }
    path = f"/api/v1/namespaces/{stage.namespace}/resourcequotas"
    await stage.kube.create(path, quota)

    async def in_force() -> bool:
        return bool((await stage.kube.get(f"{path}/scans"))["status"].get("hard"))

    await eventually(in_force, "the quota is in force")
    async with gateway.client(agent) as client:
        text = await refused(client, "run_untrusted_scan", targets="192.0.2.1", name="x")
    assert "the cluster refused to create the scan: exceeded quota: scans" in text


async def test_a_pool_that_is_changed_is_known_at_once(stage: GatewayStage) -> None:
    await stage.create_pool("a")
    agent = stage.add_token("agent-7")
    gateway = await stage.start()
    await stage.create_pool("b")
    async with gateway.client(agent) as client:

        async def both() -> bool:
            return bool((await call(client, "list_pools"))["pools"] == ["a", "b"])

        await eventually(both, "the new pool is listed", 10)
        text = await refused(client, "run_untrusted_scan", targets="192.0.2.1", name="x")
        assert "several scanner pools and no single default" in text
        assert "name one in scanner_pool: a, b" in text
