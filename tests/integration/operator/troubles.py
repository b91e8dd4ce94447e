"""What the tests of trouble set up, and what they wait for."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from tests.integration.operator.ground import ask
from tests.kube import Object, path_of
from tests.running import GROUP, OperatorProcess, Stage, eventually

from nessus_simulator.running import ACCESS_KEY, PASSWORD, SECRET_KEY, USER

SECRET = "pool-scanner1"
KEYS = {"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}
LOGIN = {"username": USER, "password": PASSWORD}
# A circuit breaker that does not open after five seconds of probes.
PATIENT = {"failureThreshold": 100}


def secret(
    url: str, values: Mapping[str, str] = KEYS, *, type_: str = f"{GROUP}/scanner"
) -> dict[str, Any]:
    """The Secret of a scanner at `url`."""
    annotations = {f"{GROUP}/scanner-url": url} if url else {}
    metadata = {"name": SECRET, "annotations": annotations}
    return {"metadata": metadata, "type": type_, "stringData": dict(values)}


async def put_secret(stage: Stage, body: Object | None) -> None:
    """Replace the Secret, at once unless its type changes, which it cannot; None: remove it."""
    secrets, path = path_of("secrets", stage.namespace), path_of("secrets", stage.namespace, SECRET)
    known = {one["metadata"]["name"]: one["type"] for one in await stage.kube.items(secrets)}
    if body and known.get(SECRET) == body.get("type", "Opaque"):
        await stage.kube.replace(path, body)
        return
    if SECRET in known:
        await stage.kube.delete(path)
    if body:
        await stage.kube.create(secrets, body)


async def create_pool(
    stage: Stage,
    url: str,
    body: Object | None = None,
    *,
    auth: str = "APIKeys",
    tls: Mapping[str, Any] = {},
    **spec: Any,
) -> None:
    """A pool of one scanner whose Secret is `body`; without one its Secret is missing."""
    await put_secret(stage, body)
    scanner = {
        "name": "scanner1",
        "url": url,
        "auth": {"type": auth, "secretRef": {"name": SECRET}},
        "tls": dict(tls),
    }
    pool = {
        "apiVersion": f"{GROUP}/v1alpha1",
        "kind": "ScannerPool",
        "metadata": {"name": "pool"},
        "spec": {
            "scanners": [scanner],
            "scope": {"allow": ["192.0.2.0/24"]},
            "pollPeriodSeconds": 5,
            **spec,
        },
    }
    await stage.kube.create(path_of("scannerpools", stage.namespace), pool)


async def the_pool(stage: Stage) -> Object:
    return await stage.kube.get(path_of("scannerpools", stage.namespace, "pool"))


async def scanner_status(stage: Stage) -> Object:
    """What the pool tells of its only scanner; empty before it tells anything."""
    told: list[Object] = (await the_pool(stage)).get("status", {}).get("scanners", [])
    return next(iter(told), {})


async def until_scanner(stage: Stage, reason: str, seconds: float = 30.0) -> Object:
    """The scanner's status once it has that reason."""

    async def look() -> Object | None:
        told = await scanner_status(stage)
        return told if told.get("reason") == reason else None

    return await eventually(look, f"the scanner is {reason}", seconds)


async def until_says(stage: Stage, message: str, name: str = "scan") -> Object:
    """The scan once its status has that message."""

    async def look() -> Object | None:
        scan = await stage.scan(name)
        return scan if scan.get("status", {}).get("message") == message else None

    return await eventually(look, f"{name} says {message!r}")


async def until_logged(operator: OperatorProcess, event: str, seconds: float = 30.0) -> Object:
    async def look() -> Object | None:
        assert operator.process.poll() is None, operator.log.read_text()
        return next((line for line in operator.lines() if line["event"] == event), None)

    return await eventually(look, f"{event!r} is logged", seconds)


async def until_ready(operator: OperatorProcess) -> None:
    async def look() -> bool:
        return (await ask(operator, "/readyz")).status_code == 200

    await eventually(look, "the operator is ready")


async def until_missing(operator: OperatorProcess, *wanted: str) -> Object:
    """What /readyz says of the cluster once all of these are what is missing."""

    async def look() -> Object | None:
        answer = await ask(operator, "/readyz")
        check: Object = answer.json()["checks"]["kubernetes"]
        found = set(check.get("missing", [])) == set(wanted)
        return check if found and answer.status_code == 503 else None

    check = await eventually(look, f"{wanted} is named as missing")
    assert (await ask(operator, "/livez")).status_code == 200
    return check


async def events(stage: Stage, reason: str, name: str = "scan") -> list[Object]:
    """Events of that reason about a scan."""
    return [
        event
        for event in await stage.kube.items(path_of("events", stage.namespace))
        if event["reason"] == reason and event["regarding"]["name"] == name
    ]


async def until_events(stage: Stage, reason: str) -> list[Object]:
    """They are told in the background, a moment after what they tell of."""

    async def look() -> list[Object]:
        return await events(stage, reason)

    return await eventually(look, f"an Event tells of {reason}")


async def until(look: Callable[[], Awaitable[bool]], what: str, seconds: float = 30.0) -> None:
    await eventually(look, what, seconds)
