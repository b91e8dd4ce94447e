"""Submission through the MCP client in memory, in both eras of the protocol."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from fastmcp import Client
from tests.builders import NOW, make_pool, make_scan
from tests.unit.gateway.fakes import AGENT, FakeKube, running_gateway

from nessus_gateway.access import Caller, Scope
from nessus_gateway.gateway import Gateway
from nessus_gateway.server import build
from nessus_operator.api.metadata import KubeObject
from nessus_operator.api.pool import StopPolicy
from nessus_operator.api.scan import ScanStatus
from nessus_operator.api.transitions import Phase
from nessus_operator.clients.errors import Rejected, Unauthorized, Unavailable

ARGUMENTS = {"targets": "192.0.2.1, 192.0.2.2", "name": "DMZ"}
ANSWER_KEYS = {
    "task_id",
    "trace_id",
    "status",
    "scanner_pool",
    "scanner_instance",
    "queue_position",
    "estimated_wait_minutes",
    "message",
}


@asynccontextmanager
async def session(
    folder: Path, *objects: KubeObject, mode: str = "auto", **options: Any
) -> AsyncIterator[tuple[Client[Any], FakeKube, Gateway]]:
    pools = objects or (make_pool("nessus"),)
    async with (
        running_gateway(pools, folder, **options) as (gateway, kube),
        Client(build(gateway, None), mode=mode) as client,
    ):
        yield client, kube, gateway


async def run(client: Client[Any], **arguments: Any) -> dict[str, Any]:
    answer = await client.call_tool("run_untrusted_scan", ARGUMENTS | arguments)
    return dict(answer.structured_content or {})


async def refused(client: Client[Any], **arguments: Any) -> str:
    answer = await client.call_tool(
        "run_untrusted_scan", ARGUMENTS | arguments, raise_on_error=False
    )
    assert answer.is_error
    return str(answer.content[0].text)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_scan_is_queued(tmp_path: Path, mode: str) -> None:
    async with session(tmp_path, mode=mode) as (client, kube, _):
        answer = await run(client, description="weekly")
        assert answer.keys() == ANSWER_KEYS
        namespace, _, name = answer["task_id"].partition("/")
        assert namespace == "security"
        [body] = [body for path, body in kube.objects.items() if path.endswith(name)]
        assert body["spec"] | {"targets": list(body["spec"]["targets"])} == {
            "poolRef": {"kind": "ScannerPool", "name": "nessus"},
            "displayName": "DMZ",
            "description": "weekly",
            "targets": ["192.0.2.1", "192.0.2.2"],
            "scanType": "Untrusted",
            "template": "advanced",
            "priority": 0,
            "activeDeadlineSeconds": 86400,
            "authFailurePolicy": "Complete",
            "suspend": False,
            "cancel": False,
            "manualRetries": 0,
        }
        annotations = body["metadata"]["annotations"]
        assert annotations["nessus-operator.dev/requester"] == "agent-7"
        assert annotations["nessus-operator.dev/traceparent"].split("-")[1] == answer["trace_id"]
        assert answer["status"] == "queued"
        assert answer["scanner_pool"] == "nessus"
        assert answer["scanner_instance"] is None
        assert answer["queue_position"] == 1
        assert answer["estimated_wait_minutes"] is None
        assert answer["task_id"] in answer["message"]


async def test_five_scans_are_told_their_places_in_order(tmp_path: Path) -> None:
    async with session(tmp_path) as (client, _, _):
        places = [(await run(client, name=f"scan {n}"))["queue_position"] for n in range(5)]
        assert places == [1, 2, 3, 4, 5]


async def test_the_wait_is_told_once_a_scan_has_completed(tmp_path: Path) -> None:
    ran = ScanStatus(
        phase=Phase.COMPLETED,
        start_time=NOW,
        completion_time=NOW.replace(minute=10),
        scanner_name="s1",
    )
    runs = [
        make_scan(f"r{n}", status=ScanStatus(phase=Phase.RUNNING, scanner_name="s1"))
        for n in range(2)
    ]
    objects = (make_pool(), make_scan("done", status=ran), *runs)
    async with session(tmp_path, *objects) as (client, _, _):
        waits = [(await run(client))["estimated_wait_minutes"] for _ in range(3)]
        assert waits == [5.0, 10.0, 15.0]


async def test_the_same_key_answers_the_same_task(tmp_path: Path) -> None:
    async with session(tmp_path) as (client, kube, gateway):
        first = await run(client, idempotency_key="k")
        again = await run(client, idempotency_key="k", schema_profile="full")
        assert again["idempotent"] is True
        assert {k: again[k] for k in ("task_id", "trace_id", "queue_position")} == {
            k: first[k] for k in ("task_id", "trace_id", "queue_position")
        }
        assert again.keys() == ANSWER_KEYS | {"idempotent"}
        assert len([path for path in kube.objects if "/nessusscans/" in path]) == 1
        counted = gateway.metrics.registry.get_sample_value
        name = "nessus_idempotency_requests_total"
        assert counted(name, {"result": "new"}) == 1
        assert counted(name, {"result": "replayed"}) == 1


async def test_repeats_at_the_same_time_make_one_scan(tmp_path: Path) -> None:
    async with session(tmp_path) as (client, kube, _):
        answers = await asyncio.gather(*(run(client, idempotency_key="k") for _ in range(8)))
        assert len({answer["task_id"] for answer in answers}) == 1
        assert [answer.get("idempotent", False) for answer in answers].count(False) == 1
        assert len([path for path in kube.objects if "/nessusscans/" in path]) == 1


async def test_without_a_key_each_call_is_a_scan(tmp_path: Path) -> None:
    async with session(tmp_path) as (client, _, _):
        assert (await run(client))["task_id"] != (await run(client))["task_id"]


async def test_the_same_key_with_another_request_is_a_conflict(tmp_path: Path) -> None:
    async with session(tmp_path) as (client, _, gateway):
        first = await run(client, idempotency_key="k")
        text = await refused(client, idempotency_key="k", targets="192.0.2.9", name="other")
        assert f"belongs to task {first['task_id']}, which differs in name, targets" in text
        labels = {"result": "conflict"}
        name = "nessus_idempotency_requests_total"
        assert gateway.metrics.registry.get_sample_value(name, labels) == 1


async def test_a_repeat_is_known_even_when_the_pool_is_not_any_more(tmp_path: Path) -> None:
    async with session(tmp_path) as (client, _, gateway):
        first = await run(client, idempotency_key="k")
        for pool in list(gateway.cluster.pools):
            gateway.cluster.pools.apply("DELETED", pool.to_json())
        again = await run(client, idempotency_key="k")
        assert again["task_id"] == first["task_id"]
        assert again["queue_position"] is None


@pytest.mark.parametrize("requester", ["agent-7", "somebody else"])
async def test_a_twin_that_this_replica_has_not_seen_is_found(
    tmp_path: Path, requester: str
) -> None:
    async with session(tmp_path) as (client, kube, gateway):
        first = await run(client, idempotency_key="k")
        [path] = [path for path in kube.objects if "/nessusscans/" in path]
        body = kube.objects[path]
        gateway.cluster.scans.apply("DELETED", body)
        annotations = {"nessus-operator.dev/requester": requester}
        named = {key: body["metadata"][key] for key in ("name", "namespace")}
        kube.put(path, {**body, "metadata": {**named, "annotations": annotations}})
        if requester == "agent-7":
            assert (await run(client, idempotency_key="k"))["task_id"] == first["task_id"]
        else:
            text = await refused(client, idempotency_key="k")
            assert f"{first['task_id']}, which differs in requester" in text


async def test_a_twin_that_is_being_deleted_is_waited_for(tmp_path: Path) -> None:
    async with session(tmp_path) as (client, kube, gateway):
        await run(client, idempotency_key="k")
        [body] = [body for path, body in kube.objects.items() if "/nessusscans/" in path]
        body["metadata"] |= {"deletionTimestamp": "2026-11-21T12:00:01Z", "resourceVersion": "9999"}
        gateway.cluster.scans.apply("MODIFIED", body)
        text = await refused(client, idempotency_key="k")
        assert "is being deleted; try again in 15 seconds" in text


REFUSALS: dict[str, tuple[dict[str, Any], str]] = {
    "a bad target is named": ({"targets": "192.0.2.1 nope!"}, "'nope!' is not an address"),
    "a target outside the scope": (
        {"targets": "198.51.100.1"},
        "ScopeDenied: target 198.51.100.1 is not in scope.allow. The scope belongs to pool nessus",
    ),
    "more hosts than the pool allows": (
        {"targets": "192.0.0.0/16"},
        "TooManyHosts: 65536 addresses are more than the 4096",
    ),
    "an unknown pool": (
        {"scanner_pool": "x"},
        "no scanner pool 'x' in namespace security (there: nessus)",
    ),
    "a foreign namespace has no pools": (
        {"scanner_pool": "other/nessus"},
        "no scanner pool 'nessus' in namespace other (there: none)",
    ),
    "an unknown scanner": ({"scanner_instance": "s9"}, "pool nessus has no scanner 's9'"),
    "an unknown profile": (
        {"schema_profile": "x"},
        "schema_profile: input should be 'minimal', 'summary', 'brief' or 'full'",
    ),
    "an empty name": ({"name": ""}, "name: string should have at least 1 character"),
    "a name that is too long": ({"name": "x" * 129}, "at most 128 characters"),
    "an unknown parameter": (
        {"ports": "1-1024"},
        "there is no parameter 'ports'; there are description, idempotency_key, name, scan",
    ),
}


@pytest.mark.parametrize("mode", ["auto", "legacy"])
@pytest.mark.parametrize(("arguments", "message"), REFUSALS.values(), ids=REFUSALS)
async def test_is_refused(
    tmp_path: Path, mode: str, arguments: dict[str, Any], message: str
) -> None:
    async with session(tmp_path, mode=mode) as (client, kube, _):
        text = await refused(client, **arguments)
        assert message in text
        assert "pydantic" not in text
        assert not [path for path in kube.objects if "/nessusscans/" in path]


CLUSTER_FAULTS = {
    "a quota speaks for itself": (
        Unauthorized(
            'nessusscans.nessus-operator.dev "scan-x" is forbidden: exceeded quota: scans, '
            "requested: 1, used: 5, limited: 5"
        ),
        "the cluster refused to create the scan: exceeded quota: scans",
    ),
    "a missing right of ours is not the caller's business": (
        Unauthorized(
            'nessusscans.nessus-operator.dev is forbidden: User "system:serviceaccount:x:gateway" '
            'cannot create resource "nessusscans"'
        ),
        "the gateway lacks the right to create the scan",
    ),
    "a rule of the API server speaks for itself": (
        Rejected("spec.targets: may not name a target twice"),
        "may not name a target twice",
    ),
    "an API server that does not answer leaves a doubt": (
        Unavailable("the API server does not answer: timeout"),
        "It may exist all the same: look at list_tasks",
    ),
}


@pytest.mark.parametrize(("fault", "message"), CLUSTER_FAULTS.values(), ids=CLUSTER_FAULTS)
async def test_a_fault_of_the_cluster_is_explained(
    tmp_path: Path, fault: Any, message: str
) -> None:
    async with session(tmp_path) as (client, kube, _):
        kube.fault = fault
        text = await refused(client)
        assert message in text
        assert "serviceaccount" not in text


async def test_a_scanner_is_pinned(tmp_path: Path) -> None:
    async with session(tmp_path) as (client, kube, _):
        answer = await run(client, scanner_instance="nessus:s1")
        assert answer["scanner_instance"] == "s1"
        [body] = [body for path, body in kube.objects.items() if "/nessusscans/" in path]
        assert body["spec"]["scannerName"] == "s1"


async def test_a_pool_elsewhere_is_named_with_its_namespace(tmp_path: Path) -> None:
    caller = Caller("agent-7", ("security", "dmz"), AGENT.scopes)
    pools = (make_pool("nessus"), make_pool("nessus", namespace="dmz", uid="u-2"))
    async with session(tmp_path, *pools, caller=caller) as (client, _, _):
        answer = await run(client, scanner_pool="dmz/nessus")
        assert answer["scanner_pool"] == "dmz/nessus"
        assert answer["task_id"].startswith("dmz/")


async def test_a_pool_that_was_made_a_moment_ago_is_found(tmp_path: Path) -> None:
    async with session(tmp_path) as (client, kube, _):
        new = make_pool("new").to_json()
        kube.put(
            "/apis/nessus-operator.dev/v1alpha1/namespaces/security/scannerpools/new",
            {**new, "metadata": {"name": "new", "namespace": "security"}},
        )
        assert (await run(client, scanner_pool="new"))["scanner_pool"] == "new"


async def test_a_held_pool_takes_scans_and_says_so(tmp_path: Path) -> None:
    pool = make_pool("nessus", stop_policy=StopPolicy.HOLD)
    async with session(tmp_path, pool) as (client, _, _):
        assert "held by its administrator" in (await run(client))["message"]


async def test_reading_does_not_allow_to_run(tmp_path: Path) -> None:
    caller = Caller("reader", ("security",), frozenset((Scope.READ,)))
    async with session(tmp_path, caller=caller) as (client, _, _):
        assert "lacks the scope scan:run in namespace security" in await refused(client)


async def test_a_namespace_that_is_not_served_has_no_pools(tmp_path: Path) -> None:
    async with session(tmp_path, namespaces=("dmz",)) as (client, _, _):
        assert "no scanner pool 'default' in namespace security" in await refused(client)
