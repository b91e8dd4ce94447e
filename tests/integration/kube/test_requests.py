"""What the real API server answers becomes the fault that says what to do next."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.integration.kube.conftest import Connect, scan
from tests.proxy import Proxy

from nessus_operator.clients import errors
from nessus_operator.clients.kube import paths
from nessus_operator.clients.kube.reflector import PATIENCE, SILENCE
from nessus_operator.clients.kube.requests import Gone, Kube, Object, fault

Ask = Callable[[Kube, str], Awaitable[Any]]
STATUS = {"phase": "Queued", "attempt": 1, "observedManualRetries": 0}


def patch(body: Object, part: str = "") -> Ask:
    return lambda kube, namespace: kube.merge_patch(paths.scans(namespace, "known", part), body)


def create(body: Object) -> Ask:
    return lambda kube, namespace: kube.create(paths.scans(namespace), body)


# Asked in a namespace that has a scan `known`.
FAULTS: dict[str, tuple[Ask, type[errors.Fault], str]] = {
    "the name is taken": (
        create(scan("known")),
        errors.AlreadyExists,
        'nessusscans.nessus-operator.dev "known" already exists',
    ),
    "a stale version": (
        patch({"metadata": {"resourceVersion": "1"}, "spec": {"suspend": True}}),
        errors.Conflict,
        "the object has been modified",
    ),
    "a stale version counts before a forbidden move": (
        patch({"metadata": {"resourceVersion": "1"}, "status": {"phase": "Completed"}}, "status"),
        errors.Conflict,
        "the object has been modified",
    ),
    "another object of that name": (
        lambda kube, namespace: kube.delete(paths.scans(namespace, "known"), uid="0-0-0"),
        errors.Conflict,
        "does not match the UID in record",
    ),
    "no such object": (
        lambda kube, namespace: kube.get(paths.scans(namespace, "unknown")),
        errors.NotFound,
        '"unknown" not found',
    ),
    "no such namespace": (
        lambda kube, namespace: kube.create(paths.scans("nowhere"), scan("a")),
        errors.NotFound,
        'namespaces "nowhere" not found',
    ),
    "no such kind": (
        lambda kube, namespace: kube.get("/apis/nessus-operator.dev/v1alpha1/other"),
        errors.NotFound,
        "the API server answered 404",
    ),
    "a forbidden move": (
        patch({"status": STATUS | {"phase": "Completed"}}, "status"),
        errors.Rejected,
        "phase may not go from nothing to Completed",
    ),
    "an immutable field": (
        patch({"spec": {"targets": ["192.0.2.2"]}}),
        errors.Rejected,
        "spec.targets: Invalid value: is immutable",
    ),
    "an unknown field of a new object": (
        create(scan("a", colour="red", prioritty=1)),
        errors.Rejected,
        'strict decoding error: unknown field "spec.colour", unknown field "spec.prioritty"',
    ),
    "an unknown field of a known object": (
        patch({"spec": {"colour": "red"}}),
        errors.Rejected,
        'strict decoding error: unknown field "spec.colour"',
    ),
    "an unknown field of a status": (
        patch({"status": STATUS | {"colour": "red"}}, "status"),
        errors.Rejected,
        'strict decoding error: unknown field "status.colour"',
    ),
    "a wrong type": (
        create(scan("a", priority="high")),
        errors.Rejected,
        '[spec.priority: Invalid value: "string": spec.priority in body must be of type integer: '
        '"string"]',
    ),
    "two wrong values": (
        create(scan("a", priority=-5, targets=["192.0.2.5/24"])),
        errors.Rejected,
        "spec.priority in body should be greater than or equal to 0, spec.targets[0]: ",
    ),
    "another kind of object": (
        create({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}}),
        errors.Rejected,
        "does not match the expected API version",
    ),
    "too long": (
        create(scan("a", description="x" * 500_000)),
        errors.Rejected,
        "spec.description: Too long",
    ),
}


@pytest.mark.parametrize(("ask", "kind", "text"), FAULTS.values(), ids=FAULTS)
async def test_fault(
    ask: Ask, kind: type[errors.Fault], text: str, connect: Connect, namespace: str
) -> None:
    kube = await connect()
    await kube.create(paths.scans(namespace), scan("known"))
    with pytest.raises(errors.Fault) as refused:
        await ask(kube, namespace)
    assert type(refused.value) is kind
    assert text in str(refused.value)
    assert "managedFields" not in str(refused.value)


async def test_a_wrong_token_and_a_missing_right_are_unauthorized(
    connect: Connect,
    namespace: str,
    service_account_kubeconfig: Callable[..., Awaitable[Path]],
    tmp_path: Path,
) -> None:
    login = await service_account_kubeconfig("nobody")
    nobody = await connect(login)
    with pytest.raises(errors.Unauthorized, match='cannot get resource "nessusscans"'):
        await nobody.get(paths.scans(namespace, "a"))
    with pytest.raises(errors.Unauthorized, match='cannot watch resource "nessusscans"'):
        await first_event(nobody, paths.scans(namespace), "1")
    wrong = tmp_path / "wrong.kubeconfig"
    wrong.write_text(login.read_text().replace('"token": "', '"token": "x'))
    with pytest.raises(errors.Unauthorized, match="Unauthorized"):
        await (await connect(wrong)).get(paths.scans(namespace, "a"))


async def test_a_server_that_is_not_there_is_unavailable(
    connect: Connect, through_proxy: Path, proxy: Proxy, namespace: str
) -> None:
    kube = await connect(through_proxy)
    proxy.cut()
    with pytest.raises(errors.Unavailable, match="the API server does not answer"):
        await kube.get(paths.scans(namespace))
    proxy.heal()
    assert (await kube.get(paths.scans(namespace)))["items"] == []


async def test_what_is_created_is_read_replaced_patched_and_deleted(
    connect: Connect, namespace: str
) -> None:
    kube = await connect()
    made = await kube.create(paths.scans(namespace), scan("a"))
    assert made["metadata"]["managedFields"][0]["manager"] == "tests"
    path = paths.scans(namespace, "a")
    assert await kube.get(path) == made
    replaced = await kube.replace(path, made | {"spec": made["spec"] | {"priority": 7}})
    assert replaced["spec"]["priority"] == 7
    patched = await kube.merge_patch(paths.scans(namespace, "a", "status"), {"status": STATUS})
    assert patched["status"]["phase"] == "Queued"
    await kube.delete(path, uid=made["metadata"]["uid"])
    with pytest.raises(errors.NotFound):
        await kube.get(path)


async def test_a_patch_that_changes_nothing_leaves_the_version(
    connect: Connect, namespace: str
) -> None:
    kube = await connect()
    made = await kube.create(paths.scans(namespace), scan("a"))
    again = await kube.merge_patch(paths.scans(namespace, "a"), {"spec": {"priority": 0}})
    assert again["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]


async def test_a_list_is_read_in_pages_and_a_watch_goes_on_from_it(
    connect: Connect, through_proxy: Path, proxy: Proxy, namespace: str
) -> None:
    kube = await connect(through_proxy)
    for number in range(7):
        await kube.create(paths.scans(namespace), scan(f"s{number}"))
    proxy.calls.clear()
    items, version = await kube.list_all(paths.scans(namespace), page=3)
    assert [item["metadata"]["name"] for item in items] == [f"s{number}" for number in range(7)]
    assert len(proxy.calls) == 3
    event = asyncio.create_task(first_event(kube, paths.scans(namespace), version))
    await kube.create(paths.scans(namespace), scan("later"))
    assert await event == ("ADDED", "later")


async def test_a_watch_from_too_old_a_version_is_told_so(connect: Connect, namespace: str) -> None:
    kube = await connect()
    events = [event async for event in watch(kube, namespace, "1", seconds=5)]
    assert [event["type"] for event in events] == ["OPENED", "ERROR"]
    assert isinstance(fault(events[1]["object"]["code"], events[1]["object"]), Gone)


async def test_a_watch_ends_when_its_time_is_over(connect: Connect, namespace: str) -> None:
    kube = await connect()
    _, version = await kube.list_all(paths.scans(namespace))
    events = [event["type"] async for event in watch(kube, namespace, version, seconds=1)]
    assert events[0] == "OPENED"
    assert set(events) <= {"OPENED", "BOOKMARK"}


@pytest.mark.timeout(150)
async def test_a_bookmark_comes_within_the_silence_that_we_bear(
    connect: Connect, namespace: str
) -> None:
    """About every minute, where etcd tells of its progress; else the Reflector asks for it."""
    kube = await connect()
    path = paths.scans(namespace)
    _, version = await kube.list_all(path)
    async for event in kube.watch(path, version, seconds=100, silence=SILENCE * PATIENCE):
        if event["type"] == "BOOKMARK":
            assert int(event["object"]["metadata"]["resourceVersion"]) >= int(version)
            return
    raise AssertionError("no bookmark came")


def watch(kube: Kube, namespace: str, version: str, seconds: int) -> Any:
    return kube.watch(paths.scans(namespace), version, seconds=seconds, silence=75)


async def first_event(kube: Kube, path: str, version: str) -> tuple[str, str]:
    """(type, name) of the first change."""
    async for event in kube.watch(path, version, seconds=30, silence=30):
        if event["type"] not in ("OPENED", "BOOKMARK"):
            return event["type"], event["object"]["metadata"]["name"]
    raise AssertionError("the watch ended without a change")
