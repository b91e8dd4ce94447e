"""What the tests of a scan's life do, and what they look at."""

from datetime import datetime
from typing import Any

import httpx2
from tests.integration.operator.ground import condition
from tests.kube import Object, path_of
from tests.running import Stage, eventually

from nessus_operator.core.tokens import token_in
from nessus_simulator.running import ACCESS_KEY, SECRET_KEY, Simulator

HOST = 3600.0  # what a host takes on the slow simulator, in its seconds


async def change_pool(stage: Stage, **spec: Any) -> Object:
    """The pool, once the operator goes by its new spec."""
    path = path_of("scannerpools", stage.namespace, "pool")
    generation = (await stage.kube.patch(path, {"spec": spec}))["metadata"]["generation"]

    async def look() -> Object | None:
        pool = await stage.kube.get(path)
        return pool if pool.get("status", {}).get("observedGeneration") == generation else None

    return await eventually(look, "the operator knows the pool's new spec")


async def change_scanner(stage: Stage, name: str, **fields: Any) -> Object:
    """Change one scanner of the pool and keep the others."""
    pool = await stage.kube.get(path_of("scannerpools", stage.namespace, "pool"))
    scanners = [
        scanner | (fields if scanner["name"] == name else {})
        for scanner in pool["spec"]["scanners"]
    ]
    return await change_pool(stage, scanners=scanners)


async def until_waits(stage: Stage, reason: str, name: str = "scan", says: str = "") -> Object:
    """The scan once it waits in the queue for that reason, and its message has these words.

    The message follows what the scanner is found to be: the first may be of an earlier probe.
    """

    async def look() -> Object | None:
        scan = await stage.scan(name)
        admitted = condition(scan, "Admitted")
        waits = (admitted.get("status"), admitted.get("reason")) == ("False", reason)
        return scan if waits and says in scan["status"]["message"] else None

    scan = await eventually(look, f"{name} waits with {reason} and says {says!r}")
    assert scan["status"]["phase"] == "Queued"
    return scan


async def until_attempt(stage: Stage, number: int, name: str = "scan") -> Object:
    """The scan once it has come to that attempt, wherever that one stands."""

    async def look() -> Object | None:
        scan = await stage.scan(name)
        return scan if scan["status"]["attempt"] == number else None

    return await eventually(look, f"attempt {number} of {name}")


async def released(stage: Stage, *simulators: Simulator, name: str = "scan") -> Object:
    """The scan once our finalizer is off it; then nothing of ours is on a scanner either."""

    async def look() -> Object | None:
        scan = await stage.scan(name)
        return None if scan["metadata"].get("finalizers") else scan

    scan = await eventually(look, f"{name} is released")
    assert not scan["status"].get("remoteCleanups")
    for simulator in simulators:
        tokens = [token_in(one["name"]) for one in simulator.state()["scans"]]
        assert not [token for token in tokens if token and scan["metadata"]["uid"] in token]
    return scan


def in_nessus(simulator: Simulator, method: str, path: str, body: Any = None) -> Any:
    """What another person does on the scanner's own page."""
    login = {"X-ApiKeys": f"accessKey={ACCESS_KEY}; secretKey={SECRET_KEY}"}
    with httpx2.Client(base_url=simulator.url, headers=login, trust_env=False) as client:
        answer = client.request(method, path, json=body)
    answer.raise_for_status()
    return answer.json() if answer.content else None


def done(simulator: Simulator, method: str, path: str) -> list[dict[str, Any]]:
    """The calls of that kind that the scanner carried out."""
    return [
        call
        for call in simulator.calls(method, path)
        if call["acted"] and 200 <= call["status"] < 300
    ]


def created(simulator: Simulator) -> list[str]:
    """The names that the scans created there have here, in the order of their creation."""
    names = [call["body"]["settings"]["name"] for call in done(simulator, "POST", "^/scans$")]
    return [name.rpartition(" [")[0] for name in names]


def running(simulator: Simulator) -> list[str]:
    """The same for those that are under way now, paused ones among them."""
    over = ("empty", "completed", "canceled", "aborted")
    return [
        one["name"].rpartition(" [")[0]
        for one in simulator.state()["scans"]
        if one["status"] not in over
    ]


def told(scan: Object) -> dict[str, tuple[str, str]]:
    """Its conditions as type: (status, reason)."""
    return {one["type"]: (one["status"], one["reason"]) for one in scan["status"]["conditions"]}


def history(scan: Object) -> list[tuple[int, str, str]]:
    """Its past attempts: number, phase and reason."""
    attempts = scan["status"].get("attemptHistory", [])
    return [(one["attempt"], one["phase"], one["reason"]) for one in attempts]


def moment(text: str) -> datetime:
    """A time of a status."""
    return datetime.fromisoformat(text)
