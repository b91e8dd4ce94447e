"""The process: how it starts, what it lacks, who it lets in, what it logs, how it ends."""

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml
from mcp.shared.exceptions import MCPError
from tests.integration.conftest import ControlPlane, api_proxy, hack_controlplane
from tests.integration.gateway.stage import GatewayStage, call
from tests.kube import Kube, path_of
from tests.rights import granted, used
from tests.running import ROOT, eventually, grant

from nessus_gateway.cluster import RIGHTS

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"

MISSING = {
    "a kubeconfig": ("KUBECONFIG", "KUBECONFIG names {path}, which does not exist"),
    "a tokens file": (
        "NESSUS_GATEWAY_TOKENS_FILE",
        "NESSUS_GATEWAY_TOKENS_FILE names {path}: No such file or directory",
    ),
    "a results folder": (
        "NESSUS_GATEWAY_RESULTS_DIR",
        "NESSUS_GATEWAY_RESULTS_DIR names {path}, which is not a folder",
    ),
}


@pytest.mark.parametrize(("variable", "line"), MISSING.values(), ids=MISSING)
def test_without_what_it_needs_it_ends_at_once_with_one_line(
    bare: GatewayStage, variable: str, line: str
) -> None:
    bare.add_token("agent-7")
    path = str(bare.folder / "none")
    done = subprocess.run(
        [sys.executable, "-m", "nessus_gateway"],
        env=bare.environment() | {variable: path},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == f"nessus-gateway: {line.format(path=path)}\n"
    assert done.stdout == ""


def test_a_port_that_is_taken_is_named(bare: GatewayStage) -> None:
    bare.add_token("agent-7")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "nessus_gateway"],
            env=bare.environment(PORT=str(port)),
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == (
        f"nessus-gateway: cannot listen on 127.0.0.1:{port}: Address already in use\n"
    )


async def test_rights_that_are_missing_are_named_until_they_are_granted(
    bare: GatewayStage,
) -> None:
    bare.add_token("agent-7")
    gateway = bare.launch()
    await gateway.until_listening()
    named = [
        f"{verb} {right.resource} in namespace {bare.namespace}"
        for right in RIGHTS
        for verb in right.verbs
    ]

    async def checked() -> Any:
        answer = (await gateway.get("/readyz")).json()["checks"]["kubernetes"]
        return answer if "rights not checked yet" not in answer["missing"] else None

    check = await eventually(checked, "the rights are checked")
    assert check["reason"] == "rights_missing"
    assert [line for line in check["missing"] if " in namespace " in line] == named
    assert (await gateway.get("/readyz")).status_code == 503
    assert (await gateway.get("/livez")).status_code == 200
    await grant(bare.kube, bare.namespace, "nessus-gateway", "gateway.yaml")
    await gateway.until_ready()
    lines = [line["missing"] for line in bare.log() if line["event"] == "Not ready"]
    assert all(right in lines[0] for right in named)
    await bare.kube.delete(path_of("clusterrolebindings", name=f"nessus-gateway-{bare.namespace}"))


@pytest.mark.timeout(240)
async def test_kinds_that_are_missing_are_named_until_they_are_there(
    tmp_path: Path, binaries: Path
) -> None:
    """On a control plane of its own, since kinds belong to all tests of the other."""
    home = Path(await asyncio.to_thread(hack_controlplane, "up"))
    try:
        async with Kube(home / "kubeconfig") as admin:
            await admin.create(path_of("namespaces"), {"metadata": {"name": "security"}})
            stage = GatewayStage(admin, "security", home / "kubeconfig", tmp_path)
            stage.results.mkdir()
            stage.add_token("agent-7")
            gateway = stage.launch()
            await gateway.until_listening()

            async def told() -> bool:
                answer = (await gateway.get("/readyz")).json()
                missing = answer["checks"]["kubernetes"].get("missing", [])
                return {
                    f"customresourcedefinition {kind}.nessus-operator.dev: apply the files of crds/"
                    for kind in ("nessusscans", "scannerpools")
                } <= set(missing)

            await eventually(told, "the missing kinds are named")
            assert (await gateway.get("/readyz")).status_code == 503
            for file in (ROOT / "crds").glob("*.yaml"):
                body = yaml.safe_load(file.read_text())
                await admin.create(path_of("customresourcedefinitions"), body)
            await gateway.until_ready()
            assert gateway.terminate() == 0
    finally:
        stage.stop()
        await asyncio.to_thread(hack_controlplane, "down", str(home))


def test_the_role_grants_what_the_gateway_uses_and_no_more() -> None:
    assert granted("gateway.yaml") == {
        (right.group, right.resource, verb) for right in RIGHTS for verb in right.verbs
    }


async def test_every_right_is_used(
    stage: GatewayStage,
    control_plane: ControlPlane,
    service_account_kubeconfig: Callable[..., Awaitable[Path]],
) -> None:
    """Through a proxy that sees each request: no verb of the role is there for nothing."""
    await stage.create_pool()
    agent = stage.add_token("agent-7")
    async with api_proxy(control_plane).serve() as proxy:
        login = await service_account_kubeconfig("nessus-gateway", server=proxy.url)
        gateway = await stage.start(login)
        async with gateway.client(agent) as client:
            request = {"targets": "192.0.2.1", "name": "x"}
            await call(client, "run_untrusted_scan", **request)
            await client.call_tool(
                "get_scan_status", {"task_id": f"{stage.namespace}/x"}, raise_on_error=False
            )
            await client.call_tool(
                "run_untrusted_scan", request | {"scanner_pool": "x"}, raise_on_error=False
            )
    assert used(proxy.calls) == granted("gateway.yaml")


async def test_a_token_works_as_soon_as_it_is_in_the_file_and_no_longer(
    stage: GatewayStage,
) -> None:
    stage.add_token("agent-7")
    gateway = await stage.start()
    before = stage.tokens_file.read_text()
    late = stage.add_token("agent-8")
    async with gateway.client(late) as client:
        assert await call(client, "list_tasks") == {"tasks": [], "total": 0}
    stage.tokens_file.write_text(before)
    with pytest.raises(MCPError):
        async with gateway.client(late) as client:
            await call(client, "list_tasks")
    texts = [line["event"] for line in stage.log()]
    assert texts.count("Tokens file read") == 2
    assert "Token refused" in texts


async def test_without_a_token_only_health_and_metrics_answer(stage: GatewayStage) -> None:
    stage.add_token("agent-7")
    gateway = await stage.start(METRICS_PORT="0")
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    async with httpx2.AsyncClient(base_url=gateway.url, trust_env=False) as client:
        for headers in ({}, {"Authorization": "Bearer nsg_wrong"}):
            answer = await client.post("/mcp", json=body, headers=headers)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"].startswith("Bearer")
        strange = await client.get("/health", headers={"Host": "evil.example.org"})
        assert strange.status_code == 421
        assert (await client.get("/nowhere")).status_code == 404
    for path in ("/health", "/health/ready", "/health/live", "/livez", "/readyz"):
        assert (await gateway.get(path)).status_code == 200
    answer = (await gateway.get("/health")).json()
    assert answer["status"] == "healthy"
    assert answer["checks"].keys() == {"kubernetes", "results", "scanners"}
    [listens] = [line for line in stage.log() if line["event"] == "Listens"]
    assert listens["metrics_port"] != listens["port"]
    async with httpx2.AsyncClient(trust_env=False) as client:
        for port in (listens["port"], listens["metrics_port"]):
            text = (await client.get(f"http://127.0.0.1:{port}/metrics")).text
            for reason in ("missing_credentials", "invalid_token"):
                assert f'auth_attempts_total{{reason="{reason}",result="failure"}} 1.0' in text


async def test_names_by_which_clients_may_call_are_allowed(stage: GatewayStage) -> None:
    stage.add_token("agent-7")
    gateway = await stage.start(ALLOWED_HOSTS="nessus-gateway,nessus-gateway.*")
    hosts = {"nessus-gateway:8000": 200, "nessus-gateway.ns.svc": 200, "other.example.org": 421}
    for host, code in hosts.items():
        assert (await gateway.get("/livez", Host=host)).status_code == code


async def test_a_call_leaves_one_audit_line_with_its_trace_and_no_secret(
    stage: GatewayStage,
) -> None:
    await stage.create_pool()
    agent = stage.add_token("agent-7")
    gateway = await stage.start(LOG_LEVEL="DEBUG")
    headers = {
        "Authorization": f"Bearer {agent}",
        "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01",
        "Accept": "application/json, text/event-stream",
    }
    call_ = {"name": "run_untrusted_scan", "arguments": {"targets": "192.0.2.77", "name": "secret"}}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call_}
    async with httpx2.AsyncClient(base_url=gateway.url, trust_env=False) as client:
        answer = await client.post("/mcp", json=body, headers=headers)
    assert answer.headers["x-trace-id"] == TRACE
    [event] = [line for line in answer.text.splitlines() if line.startswith("data: ")]
    made = json.loads(event.removeprefix("data: "))["result"]["structuredContent"]
    assert made["trace_id"] == TRACE
    [line] = [line for line in stage.log() if line["event"] == "Tool called"]
    assert {key: line[key] for key in ("tool", "caller", "outcome", "task_id", "trace_id")} == {
        "tool": "run_untrusted_scan",
        "caller": "agent-7",
        "outcome": "success",
        "task_id": made["task_id"],
        "trace_id": TRACE,
    }
    text = gateway.log.read_text()
    assert agent not in text
    assert "192.0.2.77" not in text


async def test_a_signal_ends_it_after_the_last_answer(
    stage: GatewayStage,
    control_plane: ControlPlane,
    service_account_kubeconfig: Callable[..., Awaitable[Path]],
) -> None:
    await stage.create_pool()
    agent = stage.add_token("agent-7")
    async with api_proxy(control_plane).serve() as proxy:
        login = await service_account_kubeconfig("nessus-gateway", server=proxy.url)
        gateway = await stage.start(login)
        async with (
            gateway.client(agent, "legacy") as legacy,
            gateway.client(agent) as modern,
        ):
            answers = []
            for client in (legacy, modern):
                await client.list_tools()
                hold = proxy.hold("POST .*/nessusscans$")
                request = {"targets": "192.0.2.1", "name": "x"}
                answers.append(
                    (hold, asyncio.create_task(call(client, "run_untrusted_scan", **request)))
                )
                await hold.held.wait()
            gateway.process.terminate()
            await eventually(lambda: _logged(stage, "Stopping"), "it stops")
            for hold, _ in answers:
                hold.release()
            for _, answer in answers:
                assert (await answer)["status"] == "queued"
        assert await asyncio.to_thread(gateway.process.wait, 15) == 0
    assert await _logged(stage, "Stopped")
    assert not [line for line in stage.log() if line["level"] in ("warning", "error")]


async def _logged(stage: GatewayStage, event: str) -> bool:
    return any(line["event"] == event for line in stage.log())


async def test_an_idle_gateway_ends_at_once(stage: GatewayStage) -> None:
    stage.add_token("agent-7")
    gateway = await stage.start()
    assert gateway.terminate(5) == 0
