"""The shape of /health, and what the gateway's own checks make of it."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from tests.builders import make_pool, make_scanner
from tests.unit.gateway.fakes import running_gateway

from nessus_gateway import health
from nessus_gateway.health import HealthSampler
from nessus_operator.api.pool import PoolStatus, ScannerStatus
from nessus_operator.clients.health import Check, Health, Status, disk, scanners

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

VERDICTS: dict[str, tuple[dict[str, Check], str, int]] = {
    "all is well": ({"a": Check(Status.OK)}, "healthy", 200),
    "a required check fails": ({"a": Check(Status.FAILED)}, "unhealthy", 503),
    "a required check is unknown": ({"a": Check(Status.UNKNOWN)}, "unhealthy", 503),
    "a required check is degraded": ({"a": Check(Status.DEGRADED)}, "degraded", 200),
    "an optional check fails": ({"a": Check(Status.FAILED, required=False)}, "degraded", 200),
}


@pytest.mark.parametrize(("checks", "verdict", "code"), VERDICTS.values(), ids=VERDICTS)
def test_verdict(checks: dict[str, Check], verdict: str, code: int) -> None:
    found = Health("gateway", checks, NOW)
    assert (found.verdict, found.code) == (verdict, code)


def test_the_answer_has_its_shape() -> None:
    checks = {"results": Check(Status.FAILED, "full", {"free_gb": 0.1, "used_pct": 99.9})}
    answer = Health("gateway", checks, NOW).to_json()
    assert {key: answer[key] for key in ("status", "component", "timestamp", "checks")} == {
        "status": "unhealthy",
        "component": "gateway",
        "timestamp": "2026-11-21T12:00:00.000000Z",
        "checks": {
            "results": {"status": "failed", "free_gb": 0.1, "used_pct": 99.9, "reason": "full"}
        },
    }


def test_a_volume_tells_its_room(tmp_path: Path) -> None:
    check = disk(tmp_path, writable=True)
    volume = os.statvfs(tmp_path)
    assert check.status is Status.OK
    assert check.facts["size_bytes"] == volume.f_blocks * volume.f_frsize
    assert set(check.facts) == {"latency_ms", "free_gb", "used_pct", "free_bytes", "size_bytes"}


def test_a_volume_that_is_gone_fails(tmp_path: Path) -> None:
    check = disk(tmp_path / "none", writable=False)
    assert (check.status, check.reason) == (Status.FAILED, "unreachable")


def test_scanners_only_ever_warn() -> None:
    pool = make_pool(scanners=[make_scanner("s1"), make_scanner("s2")])
    ready = PoolStatus(scanners=(ScannerStatus(name="s1", ready=True),))
    check = scanners([pool.but(status=ready)])
    assert check.facts == {"available": 1, "total": 2}
    assert check.status is Status.DEGRADED
    assert not check.failed


async def answers(sampler: HealthSampler, metrics: Any, path: str) -> httpx2.Response:
    app = Starlette(routes=health.routes(sampler, metrics))
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
        return await client.get(path)


async def test_a_gateway_is_ready_once_it_has_looked_at_everything(tmp_path: Path) -> None:
    async with running_gateway([make_pool()], tmp_path) as (gateway, _):
        sampler = HealthSampler(gateway.cluster, tmp_path, gateway.metrics)
        before = await answers(sampler, gateway.metrics, "/readyz")
        assert before.status_code == 503
        await sampler.look()
        after = await answers(sampler, gateway.metrics, "/readyz")
        assert after.status_code == 200
        assert after.json()["checks"].keys() == {"kubernetes", "results", "scanners"}
        assert after.json()["checks"]["kubernetes"]["latency_ms"] >= 0
        sample = gateway.metrics.registry.get_sample_value
        labels = {"component": "gateway", "check": "overall"}
        assert sample("health_check_status", labels) == 1
        assert sample("nessus_store_size_bytes", {"store": "results"}) > 0


async def test_a_watch_that_fell_silent_makes_it_unready(tmp_path: Path) -> None:
    async with running_gateway([make_pool()], tmp_path) as (gateway, _):
        sampler = HealthSampler(gateway.cluster, tmp_path, gateway.metrics)
        await sampler.look()
        gateway.cluster.reflectors[0].seen -= 76
        answer = await answers(sampler, gateway.metrics, "/health/ready")
        assert answer.status_code == 503
        check = answer.json()["checks"]["kubernetes"]
        assert (check["status"], check["reason"]) == ("failed", "not_synced")
        assert check["missing"] == ["nessusscans: the watch is silent"]


async def test_an_answer_tells_no_path_and_no_address(tmp_path: Path) -> None:
    async with running_gateway([make_pool()], tmp_path) as (gateway, _):
        sampler = HealthSampler(gateway.cluster, tmp_path / "gone", gateway.metrics)
        await sampler.look()
        answer = await answers(sampler, gateway.metrics, "/health")
        assert answer.status_code == 503
        assert answer.json()["checks"]["results"]["reason"] == "unreachable"
        text = json.dumps(answer.json())
        assert str(tmp_path) not in text
        assert "example.org" not in text


async def test_it_is_alive_whatever_it_lacks(tmp_path: Path) -> None:
    async with running_gateway([], tmp_path / "gone") as (gateway, _):
        sampler = HealthSampler(gateway.cluster, tmp_path / "gone", gateway.metrics)
        for path in ("/livez", "/health/live"):
            assert (await answers(sampler, gateway.metrics, path)).status_code == 200


async def test_metrics_are_served_in_the_form_that_is_asked_for(tmp_path: Path) -> None:
    async with running_gateway([], tmp_path) as (gateway, _):
        sampler = HealthSampler(gateway.cluster, tmp_path, gateway.metrics)
        answer = await answers(sampler, gateway.metrics, "/metrics")
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
        assert 'mcp_tool_calls_total{status="success",tool_name="list_pools"} 0.0' in answer.text
        assert 'nessus_build_info{component="gateway"' in answer.text
        assert "_created" not in answer.text
