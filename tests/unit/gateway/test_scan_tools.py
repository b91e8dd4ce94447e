"""Status and listings through the MCP client in memory."""

import asyncio
import inspect
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastmcp import Client
from mcp.server import _streamable_http_modern
from tests.builders import NOW, make_pool, make_scan, make_scanner
from tests.unit.gateway.fakes import AGENT, FakeKube, running_gateway, stored
from tests.unit.gateway.stored import completed_scan

from nessus_gateway.access import Caller, Scope
from nessus_gateway.gateway import Gateway
from nessus_gateway.server import build
from nessus_gateway.views import STATUSES
from nessus_operator.api.metadata import KubeObject
from nessus_operator.api.names import ANNOTATION_TRACEPARENT
from nessus_operator.api.scan import ScanStatus
from nessus_operator.api.transitions import Phase
from nessus_operator.clients.errors import Unavailable
from nessus_operator.results.profiles import PROFILES

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
STATUS_KEYS = {
    *("task_id", "trace_id", "status", "scan_type", "scanner_pool", "scanner_type"),
    *("scanner_instance", "targets", "name", "nessus_scan_id", "created_at", "started_at"),
    *("completed_at", "progress", "error_message", "authentication_status"),
    "validation_warnings",
}
ROW_KEYS = STATUS_KEYS - {
    "progress",
    "error_message",
    "authentication_status",
    "validation_warnings",
}


@asynccontextmanager
async def session(
    folder: Path, *objects: KubeObject, **options: Any
) -> AsyncIterator[tuple[Client[Any], FakeKube, Gateway]]:
    async with (
        running_gateway(objects, folder, **options) as (gateway, kube),
        Client(build(gateway, None)) as client,
    ):
        yield client, kube, gateway


async def call(client: Client[Any], tool: str, **arguments: Any) -> dict[str, Any]:
    answer = await client.call_tool(tool, arguments)
    return dict(answer.structured_content or {})


async def refused(client: Client[Any], tool: str, **arguments: Any) -> str:
    answer = await client.call_tool(tool, arguments, raise_on_error=False)
    assert answer.is_error
    return str(answer.content[0].text)


def foreign() -> KubeObject:
    return make_scan("theirs", namespace="other", uid="u-other")


async def test_status_of_a_completed_scan(tmp_path: Path) -> None:
    annotations = {ANNOTATION_TRACEPARENT: f"00-{TRACE}-00f067aa0ba902b7-01"}
    scan = completed_scan(tmp_path, annotations=annotations)
    async with session(tmp_path, make_pool(), scan) as (client, _, _):
        answer = await call(client, "get_scan_status", task_id="security/done")
    assert answer.keys() == STATUS_KEYS | {"results_summary"}
    assert answer["trace_id"] == TRACE
    assert (answer["status"], answer["scan_type"]) == ("completed", "untrusted")
    assert answer["results_summary"] == {
        "hosts_scanned": 3,
        "total_vulnerabilities": 12,
        "severity_breakdown": {"critical": 3, "high": 3, "medium": 3, "low": 3, "info": 3},
        "file_size_kb": 2.0,
        "auth_plugins_found": 0,
    }


async def test_a_summary_outlives_the_files(tmp_path: Path) -> None:
    scan = completed_scan(tmp_path / "elsewhere")
    async with session(tmp_path, scan) as (client, _, _):
        answer = await call(client, "get_scan_status", task_id="security/done")
    assert answer["results_summary"]["hosts_scanned"] == 3
    assert answer["results_summary"]["auth_plugins_found"] is None


async def test_unknown_and_foreign_tasks_are_told_the_same(tmp_path: Path) -> None:
    async with session(tmp_path, foreign()) as (client, kube, _):
        asked = ("security/none", "other/theirs", "other/none", "../etc/passwd", "theirs")
        for tool in ("get_scan_status", "get_scan_results"):
            texts = {one: await refused(client, tool, task_id=one) for one in asked}
            assert {text.replace(repr(one), "X") for one, text in texts.items()} == {
                "there is no task X; list_tasks shows the tasks that you may see, by their "
                "task_id of the form namespace/name"
            }
        assert all("/other/" not in path for path in kube.gets)


async def test_a_task_that_another_replica_made_is_found_by_one_question(tmp_path: Path) -> None:
    async with session(tmp_path) as (client, kube, _):
        path, body = stored(make_scan("new"), 5)
        kube.objects[path] = body
        for _ in range(3):
            assert (await call(client, "get_scan_status", task_id="security/new"))["name"] == "new"
        assert kube.gets == [path]


async def test_questions_for_what_is_not_there_are_limited(tmp_path: Path) -> None:
    async with session(tmp_path) as (client, kube, _):
        texts = [
            await refused(client, "get_scan_status", task_id=f"security/x{n}") for n in range(30)
        ]
        assert 20 <= len(kube.gets) < 30
        assert "you asked for too many things that are not there; try again in" in texts[-1]


async def test_an_api_server_that_does_not_answer_is_no_unknown_task(tmp_path: Path) -> None:
    async with session(tmp_path) as (client, kube, _):
        kube.fault = Unavailable("the API server does not answer: timeout")
        text = await refused(client, "get_scan_status", task_id="security/x")
        assert "the cluster does not answer" in text


async def test_an_old_cache_answers_nothing(tmp_path: Path) -> None:
    async with session(tmp_path, make_pool(), make_scan("old")) as (client, kube, gateway):
        for reflector in gateway.cluster.reflectors:
            reflector.seen -= 100
        for tool in ("list_tasks", "list_pools", "list_scanners"):
            assert "cannot see" in await refused(client, tool)
        answer = await call(client, "get_scan_status", task_id="security/old")
        assert answer["name"] == "old"
        assert len(kube.gets) == 1


async def test_running_scans_need_no_read_right_to_be_hidden(tmp_path: Path) -> None:
    caller = Caller("runner", ("security",), frozenset((Scope.RUN,)))
    async with session(tmp_path, make_scan("a"), caller=caller) as (client, _, _):
        for tool in ("get_scan_status", "get_scan_results"):
            text = await refused(client, tool, task_id="security/a")
            assert "lacks the scope scan:read in namespace security" in text
        assert "lacks the scope scan:read" in await refused(client, "list_tasks")


async def test_tasks_are_listed_newest_first_with_their_total(tmp_path: Path) -> None:
    scans = [
        make_scan(f"scan-{n}", creation_timestamp=NOW + timedelta(seconds=n)) for n in range(12)
    ]
    async with session(tmp_path, make_pool(), foreign(), *scans) as (client, _, _):
        answer = await call(client, "list_tasks")
        assert answer["total"] == 12
        names = [task["task_id"] for task in answer["tasks"]]
        assert names == [f"security/scan-{n}" for n in range(11, 1, -1)]
        assert answer["tasks"][0].keys() == ROW_KEYS
        assert answer["tasks"][0]["scanner_type"] == "nessus"
        assert len((await call(client, "list_tasks", limit=3))["tasks"]) == 3


LISTED: dict[str, tuple[dict[str, Any], list[str]]] = {
    "by status": ({"status_filter": "running"}, ["b"]),
    "by pool": ({"scanner_pool": "other"}, ["c"]),
    "by pool with its namespace": ({"scanner_pool": "security/other"}, ["c"]),
    "by an address within": ({"target_filter": "198.51.100.9"}, ["c"]),
    "by a network around": ({"target_filter": "192.0.2.0/24"}, ["a", "b"]),
    "by a name": ({"target_filter": "APP.example.org"}, ["b"]),
    "by all of these": ({"status_filter": "queued", "target_filter": "192.0.2.0/24"}, ["a"]),
}


@pytest.mark.parametrize(("filters", "names"), LISTED.values(), ids=LISTED)
async def test_tasks_are_filtered(
    tmp_path: Path, filters: dict[str, Any], names: list[str]
) -> None:
    scans = (
        make_scan("a", targets=["192.0.2.1"]),
        make_scan(
            "b",
            targets=["192.0.2.2", "app.example.org"],
            status=ScanStatus(phase=Phase.RUNNING),
        ),
        make_scan("c", targets=["198.51.100.0/24"], pool_ref={"name": "other"}),
    )
    async with session(tmp_path, make_pool(), *scans) as (client, _, _):
        answer = await call(client, "list_tasks", **filters)
        assert sorted(task["name"] for task in answer["tasks"]) == names
        assert answer["total"] == len(names)


BAD_FILTERS: dict[str, tuple[dict[str, Any], str]] = {
    "a status that is none": (
        {"status_filter": "done"},
        "status_filter: input should be 'queued', 'running', 'completed'",
    ),
    "a target that is none": ({"target_filter": "192.0.2.1/24"}, "target_filter '192.0.2.1/24'"),
    "a pool that nobody knows": ({"scanner_pool": "x"}, "no scanner pool 'x'"),
    "no limit": ({"limit": 0}, "limit: input should be greater than or equal to 1"),
    "too high a limit": ({"limit": 101}, "limit: input should be less than or equal to 100"),
}


@pytest.mark.parametrize(("filters", "message"), BAD_FILTERS.values(), ids=BAD_FILTERS)
async def test_bad_filters_are_explained(
    tmp_path: Path, filters: dict[str, Any], message: str
) -> None:
    async with session(tmp_path, make_pool()) as (client, _, _):
        assert message in await refused(client, "list_tasks", **filters)


async def test_scans_of_a_pool_that_is_gone_can_be_listed(tmp_path: Path) -> None:
    async with session(tmp_path, make_scan(pool_ref={"name": "gone"})) as (client, _, _):
        answer = await call(client, "list_tasks", scanner_pool="gone")
        assert answer["total"] == 1
        assert answer["tasks"][0]["scanner_type"] is None


POOLS = (
    make_pool("a", annotations={"nessus-operator.dev/default-pool": "true"}),
    make_pool("b", scanners=[make_scanner("s1"), make_scanner("s2", unschedulable=True)]),
    make_pool("x", namespace="other", uid="u-x"),
)


async def test_pools_are_listed_with_the_default(tmp_path: Path) -> None:
    async with session(tmp_path, *POOLS) as (client, _, _):
        assert await call(client, "list_pools") == {"pools": ["a", "b"], "default_pool": "a"}


async def test_who_reaches_all_namespaces_sees_pools_by_their_full_names(tmp_path: Path) -> None:
    caller = Caller("root", ("*",), frozenset((Scope.ADMIN,)))
    async with session(tmp_path, *POOLS, caller=caller) as (client, _, _):
        answer = await call(client, "list_pools")
        assert answer == {"pools": ["other/x", "security/a", "security/b"], "default_pool": None}


async def test_scanners_are_listed_with_their_load(tmp_path: Path) -> None:
    running = make_scan(
        pool_ref={"name": "b"}, status=ScanStatus(phase=Phase.RUNNING, scanner_name="s1")
    )
    async with session(tmp_path, *POOLS, running) as (client, _, _):
        answer = await call(client, "list_scanners", scanner_pool="b")
        assert (answer["total"], answer["pools"]) == (2, ["b"])
        first, second = answer["scanners"]
        assert {key: first[key] for key in list(first)[:11]} == {
            "scanner_type": "nessus",
            "pool": "b",
            "instance_id": "s1",
            "instance_key": "b:s1",
            "name": "s1",
            "url": "https://s1.example.org:8834",
            "enabled": True,
            "max_concurrent_scans": 2,
            "active_scans": 1,
            "available_capacity": 1,
            "utilization_pct": 50.0,
        }
        assert second["enabled"] is False
        everything = await call(client, "list_scanners")
        assert (everything["total"], everything["pools"]) == (3, ["a", "b"])


async def test_scanners_of_an_unknown_pool_are_an_error(tmp_path: Path) -> None:
    async with session(tmp_path, *POOLS) as (client, _, _):
        text = await refused(client, "list_scanners", scanner_pool="x")
        assert "no scanner pool 'x' in namespace security (there: a, b)" in text
        text = await refused(client, "list_scanners", scanner_pool="other/x")
        assert "no scanner pool 'x' in namespace other (there: none)" in text


async def test_many_scanners_are_cut_short(tmp_path: Path) -> None:
    scanners = [make_scanner(f"s{n}") for n in range(60)]
    pools = [make_pool(f"p{n}", scanners=scanners) for n in range(4)]
    async with session(tmp_path, *pools) as (client, _, _):
        answer = await call(client, "list_scanners")
        assert (len(answer["scanners"]), answer["total"]) == (200, 240)
        assert answer["truncated"] is True


async def test_the_tools_are_those_that_were_promised(tmp_path: Path) -> None:
    async with session(tmp_path, caller=AGENT) as (client, _, _):
        tools = {tool.name: tool for tool in await client.list_tools()}
    parameters = {
        name: {
            key: value.get("default", "required")
            for key, value in tool.input_schema["properties"].items()
        }
        for name, tool in tools.items()
    }
    assert parameters == {
        "run_untrusted_scan": {
            "targets": "required",
            "name": "required",
            "description": "",
            "schema_profile": "brief",
            "idempotency_key": None,
            "scanner_pool": None,
            "scanner_instance": None,
        },
        "get_scan_status": {"task_id": "required"},
        "get_scan_results": {
            "task_id": "required",
            "page": 1,
            "page_size": 40,
            "schema_profile": "brief",
            "custom_fields": None,
            "filters": None,
        },
        "list_tasks": {
            "limit": 10,
            "status_filter": None,
            "scanner_pool": None,
            "target_filter": None,
        },
        "list_scanners": {"scanner_pool": None},
        "list_pools": {},
    }
    for tool in tools.values():
        assert tool.title
        assert tool.annotations is not None
        assert tool.annotations.read_only_hint is (tool.name != "run_untrusted_scan")
        assert tool.input_schema["additionalProperties"] is False
        assert all(p.get("description") for p in tool.input_schema["properties"].values())
    assert tools["get_scan_results"].output_schema is None
    for name in ("run_untrusted_scan", "get_scan_results"):
        profile = tools[name].input_schema["properties"]["schema_profile"]
        assert tuple(profile["enum"]) == PROFILES
    [status, _] = tools["list_tasks"].input_schema["properties"]["status_filter"]["anyOf"]
    assert tuple(status["enum"]) == STATUSES


async def test_a_call_that_the_client_gives_up_is_not_our_fault(tmp_path: Path) -> None:
    async with session(tmp_path) as (client, kube, gateway):
        kube.stuck = True
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await call(client, "get_scan_status", task_id="security/x")
    labels = {"tool_name": "get_scan_status", "status": "rejected"}
    assert gateway.metrics.registry.get_sample_value("mcp_tool_calls_total", labels) == 1


async def test_the_sdk_need_not_list_all_tools_before_each_call(tmp_path: Path) -> None:
    """It asks a private attribute; this fails when FastMCP or the SDK rename what we rely on."""
    async with running_gateway((), tmp_path) as (gateway, _):
        sdk_server = build(gateway, None)._mcp_server
        schema = sdk_server.get_tool_input_schema("get_scan_status")
        assert list(schema["properties"]) == ["task_id"]
        assert "app.get_tool_input_schema" in inspect.getsource(_streamable_http_modern)


async def test_an_unknown_tool_is_answered_with_those_there_are(tmp_path: Path) -> None:
    async with session(tmp_path) as (client, _, gateway):
        text = await refused(client, "delete_everything")
        assert text.startswith("there is no such tool; there are get_scan_results, get_scan_st")
        labels = {"tool_name": "unknown", "status": "rejected"}
        sample = gateway.metrics.registry.get_sample_value
        assert sample("mcp_tool_calls_total", labels) == 1


async def test_a_crash_is_counted_as_ours_and_tells_nothing(tmp_path: Path) -> None:
    async with session(tmp_path) as (client, kube, gateway):
        kube.fault = ZeroDivisionError("the password is x")
        text = await refused(client, "get_scan_status", task_id="security/x")
        assert text.startswith("the gateway failed on this call; try again")
        assert "password" not in text
        labels = {"tool_name": "get_scan_status", "status": "error"}
        assert gateway.metrics.registry.get_sample_value("mcp_tool_calls_total", labels) == 1
