"""Who may take a Lease, and what is written into it."""

import asyncio
from typing import Any

import pytest
from aiohttp import web
from tests.builders import NOW
from tests.unit.kube.servers import client, serving

from nessus_operator.clients.kube.lease import Lease, LeaseTerms, Observation, body, may_take

MOMENT = "2026-11-21T12:00:00.000000Z"

# holder, seconds since it was seen to change, may we take it?
TAKES = {
    "it is free": ("", 0, True),
    "it is ours": ("me", 0, True),
    "it is another's": ("other", 0, False),
    "another's, nearly over": ("other", 14.99, False),
    "another's, not renewed for a whole duration": ("other", 15, True),
    "another's, long over": ("other", 3600, True),
}


@pytest.mark.parametrize(("holder", "age", "taken"), TAKES.values(), ids=TAKES)
def test_may_take(holder: str, age: float, taken: bool) -> None:
    seen = Observation(version="7", holder=holder, since=1000.0)
    assert may_take(seen, "me", 15.0, 1000.0 + age) is taken


def lease(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "op", "namespace": "ops", "resourceVersion": "7"}, "spec": spec}


def written(holder: str, old: dict[str, Any] | None) -> dict[str, Any]:
    spec: dict[str, Any] = body("ops", "op", holder, NOW, 15.0, old)["spec"]
    return spec


def test_the_first_lease() -> None:
    assert body("ops", "op", "me", NOW, 15.0, None) == {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"namespace": "ops", "name": "op"},
        "spec": {
            "holderIdentity": "me",
            "leaseDurationSeconds": 15,
            "acquireTime": MOMENT,
            "renewTime": MOMENT,
            "leaseTransitions": 0,
        },
    }


def test_a_write_carries_the_version_it_was_decided_on() -> None:
    old = lease(holderIdentity="me")
    assert body("ops", "op", "me", NOW, 15.0, old)["metadata"]["resourceVersion"] == "7"


OLD = {"acquireTime": "earlier", "renewTime": "earlier", "leaseTransitions": 4}

# holder before, holder now, acquireTime, transitions
CHANGES = {
    "renewed": ("me", "me", "earlier", 4),
    "taken from another": ("other", "me", MOMENT, 5),
    "taken when it was free": ("", "me", MOMENT, 5),
    "let go": ("me", "", "earlier", 4),
}


@pytest.mark.parametrize(("before", "after", "acquired", "count"), CHANGES.values(), ids=CHANGES)
def test_changes(before: str, after: str, acquired: str, count: int) -> None:
    spec = written(after, lease(holderIdentity=before, **OLD))
    assert (spec["holderIdentity"], spec["renewTime"]) == (after, MOMENT)
    assert (spec["acquireTime"], spec["leaseTransitions"]) == (acquired, count)


def test_what_others_wrote_into_it_stays() -> None:
    spec = written("me", lease(holderIdentity="other", strategy="OldestEmulationVersion"))
    assert spec["strategy"] == "OldestEmulationVersion"


@pytest.mark.parametrize(("seconds", "whole"), [(0.4, 1), (1.0, 1), (2.6, 3), (15.0, 15)])
def test_the_duration_is_written_in_whole_seconds(seconds: float, whole: int) -> None:
    assert body("ops", "op", "me", NOW, seconds, None)["spec"]["leaseDurationSeconds"] == whole


def test_a_lease_without_anything_in_it_can_be_taken() -> None:
    assert written("me", lease())["leaseTransitions"] == 1


async def test_a_renewal_counts_from_when_it_was_sent() -> None:
    """Others count from when it took effect, which no answer tells: so from before it may have."""
    terms = LeaseTerms(duration=5.0, renew_deadline=0.3, retry_period=5.0)

    async def slow(request: web.Request) -> web.Response:
        if request.method == "PUT":
            await asyncio.sleep(terms.renew_deadline + 0.1)
        return web.json_response(lease(holderIdentity=""))

    async with serving(slow) as server, client(server) as kube:
        late = Lease(kube, "ops", "op", "me", terms)
        await late.acquire()
        assert not late.valid()
