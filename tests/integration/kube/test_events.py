"""Events are objects of the API server: one for one thing, however often it is told."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from tests.integration.kube.conftest import Connect, scan
from tests.kube import Kube as Admin
from tests.kube import Object, path_of

from nessus_operator.api.scan import NessusScan
from nessus_operator.clients.kube.events import Recorder

CONTROLLER = "nessus-operator.dev/operator"


@pytest.fixture
async def about(kube: Admin, namespace: str) -> NessusScan:
    body = await kube.create(path_of("nessusscans", namespace), scan("a"))
    return NessusScan.from_object(body)


async def events(kube: Admin, namespace: str) -> list[Object]:
    return await kube.items(path_of("events", namespace))


async def record(connect: Connect, about: NessusScan, *, login: Any = None, **fields: Any) -> None:
    kube = await (connect(login) if login else connect())
    told = {"reason": "Failed", "note": "the scanner is away", "action": "Move", **fields}
    await Recorder(kube, CONTROLLER, "pod-1").record(about, **told)


async def test_an_event_says_what_happened_to_what(
    connect: Connect, about: NessusScan, kube: Admin, namespace: str
) -> None:
    await record(connect, about, type_="Warning")
    (event,) = await events(kube, namespace)
    assert event["regarding"] == {
        "apiVersion": "nessus-operator.dev/v1alpha1",
        "kind": "NessusScan",
        "namespace": namespace,
        "name": "a",
        "uid": about.metadata.uid,
    }
    told = {name: event[name] for name in ("type", "reason", "action", "note")}
    assert told == {
        "type": "Warning",
        "reason": "Failed",
        "action": "Move",
        "note": "the scanner is away",
    }
    assert (event["reportingController"], event["reportingInstance"]) == (CONTROLLER, "pod-1")
    assert "series" not in event


async def test_what_is_told_again_is_counted(
    connect: Connect, about: NessusScan, kube: Admin, namespace: str
) -> None:
    for _ in range(3):
        await record(connect, about)
    (event,) = await events(kube, namespace)
    assert event["series"]["count"] == 3
    assert event["series"]["lastObservedTime"] > event["eventTime"]


OTHERS: dict[str, dict[str, Any]] = {
    "another reason": {"reason": "Running"},
    "another note": {"note": "it runs"},
}


@pytest.mark.parametrize("fields", OTHERS.values(), ids=OTHERS)
async def test_another_thing_is_another_event(
    fields: dict[str, Any], connect: Connect, about: NessusScan, kube: Admin, namespace: str
) -> None:
    await record(connect, about)
    await record(connect, about, **fields)
    assert len(await events(kube, namespace)) == 2


async def test_it_may_lie_beside_another_object(
    connect: Connect, about: NessusScan, kube: Admin, namespace: str
) -> None:
    """A namespace that is being deleted takes no new objects."""
    lease = {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "namespace": "kube-public",
        "name": "nessus-operator",
    }
    await record(connect, about, beside=lease)
    assert await events(kube, namespace) == []
    (event,) = [
        event
        for event in await events(kube, "kube-public")
        if event.get("related", {}).get("uid") == about.metadata.uid
    ]
    assert event["regarding"] == lease
    assert event["related"]["namespace"] == namespace


NOTES = {"long": "x" * 5000, "long in other letters": "\u2620" * 5000, "empty": ""}


@pytest.mark.parametrize("note", NOTES.values(), ids=NOTES)
async def test_any_note_is_taken(
    note: str, connect: Connect, about: NessusScan, kube: Admin, namespace: str
) -> None:
    with capture_logs() as logs:
        await record(connect, about, note=note)
    assert logs == []
    (event,) = await events(kube, namespace)
    assert note.startswith(event.get("note", ""))


async def test_a_missing_right_is_a_line_in_the_log_and_no_more(
    connect: Connect,
    about: NessusScan,
    service_account_kubeconfig: Callable[..., Awaitable[Path]],
) -> None:
    login = await service_account_kubeconfig("nobody")
    with capture_logs() as logs:
        await record(connect, about, login=login)
    (line,) = logs
    assert (line["event"], line["log_level"]) == ("Event not written", "warning")
    assert 'cannot create resource "events"' in line["error"]
