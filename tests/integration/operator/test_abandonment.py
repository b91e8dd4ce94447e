"""Deletion is never held up by a Nessus that does not answer, and nothing is forgotten by it."""

import httpx2
import pytest
from tests.integration.operator.ground import Ground, condition, metrics
from tests.integration.operator.test_deletion import launched, namespace_gone
from tests.kube import Object, path_of
from tests.running import Stage, eventually

from nessus_simulator.running import ACCESS_KEY, SECRET_KEY, Simulator

SETTINGS = {"CLEANUP_SECONDS": "3"}
GONE_WITHIN = 15.0  # the limit above, and what a busy machine takes to see it
IMPATIENT = {"circuitBreaker": {"recoverySeconds": 1, "maxRecoverySeconds": 1}}
METRIC = "nessus_orphaned_remote_scans_total"


def take_down(simulator: Simulator) -> None:
    """No request reaches it any more, until `release_all`."""
    simulator.fault("cut", "", count=None)


async def the_pool(stage: Stage) -> Object:
    return await stage.kube.get(path_of("scannerpools", stage.namespace, "pool"))


async def warnings(stage: Stage, namespace: str, token: str) -> list[Object]:
    """Events of that namespace about a remote scan that stayed behind."""
    events = await stage.kube.items(path_of("events", namespace))
    return [
        event
        for event in events
        if event["reason"] == "RemoteScanAbandoned" and token in event["note"]
    ]


def log_lines(stage: Stage, token: str) -> list[Object]:
    lines = stage.operators[0].lines()
    return [
        line
        for line in lines
        if line["event"] == "Remote scan abandoned" and line["token"] == token
    ]


def add_scan(simulator: Simulator, name: str) -> int:
    """What another person, or another operator, has on the scanner."""
    login = {"X-ApiKeys": f"accessKey={ACCESS_KEY}; secretKey={SECRET_KEY}"}
    with httpx2.Client(base_url=simulator.url, headers=login, trust_env=False) as client:
        templates = client.get("/editor/scan/templates").json()["templates"]
        uuid = next(one["uuid"] for one in templates if one["name"] == "advanced")
        settings = {"name": name, "text_targets": "192.0.2.99"}
        made = client.post("/scans", json={"uuid": uuid, "settings": settings}).json()
    return int(made["scan"]["id"])


async def test_a_deleted_scan_leaves_an_orphan_that_the_sweeper_removes_and_nothing_else(
    served: Stage, slow_simulator: Simulator
) -> None:
    scan = await launched(served, slow_simulator, pool=IMPATIENT)
    remote = scan["status"]["remote"]
    elsewhere = f"other [{'0' * 8}-0000-4000-8000-{'0' * 12}-1-abcdef01]"
    others = {add_scan(slow_simulator, name) for name in ("weekly", elsewhere)}
    take_down(slow_simulator)
    await served.kube.delete(path_of("nessusscans", served.namespace, "scan"))
    await served.until_gone(seconds=GONE_WITHIN)

    [orphan] = (await the_pool(served))["status"]["orphans"]
    assert (orphan["scannerName"], orphan["scanID"], orphan["token"]) == (
        "scanner1",
        remote["scanID"],
        remote["token"],
    )
    assert len(await warnings(served, served.namespace, remote["token"])) == 1
    assert len(log_lines(served, remote["token"])) == 1

    slow_simulator.release_all()

    async def swept() -> bool:
        return not (await the_pool(served))["status"].get("orphans")

    await eventually(swept, "the orphan is removed")
    assert {one["id"] for one in slow_simulator.state()["scans"]} == others
    touched = {call["path"] for call in slow_simulator.calls("DELETE")}
    assert touched == {f"/scans/{remote['scanID']}"}


async def test_each_abandoned_scan_is_counted_once(
    served: Stage, slow_simulator: Simulator
) -> None:
    operator = served.operators[0]
    await launched(served, slow_simulator)
    before = (await metrics(operator)).value(METRIC, pool="pool")
    take_down(slow_simulator)
    await served.kube.delete(path_of("nessusscans", served.namespace, "scan"))
    await served.until_gone(seconds=GONE_WITHIN)
    assert (await metrics(operator)).value(METRIC, pool="pool") == before + 1


async def test_an_orphan_whose_creation_was_never_answered_is_found_by_its_token(
    served: Stage, slow_simulator: Simulator
) -> None:
    await served.create_pool(slow_simulator.url, **IMPATIENT)
    created = slow_simulator.fault("cut", "^/scans$", method="POST", stage="after")
    await served.create_scan()
    slow_simulator.wait_struck(created)
    take_down(slow_simulator)
    await served.kube.delete(path_of("nessusscans", served.namespace, "scan"))
    await served.until_gone(seconds=GONE_WITHIN)
    [orphan] = (await the_pool(served))["status"]["orphans"]
    assert "scanID" not in orphan
    assert len(slow_simulator.state()["scans"]) == 1
    slow_simulator.release_all()

    async def swept() -> bool:
        return not (await the_pool(served))["status"].get("orphans")

    await eventually(swept, "the orphan is removed")
    assert slow_simulator.state()["scans"] == []


@pytest.mark.parametrize("what", ["pool", "namespace"])
async def test_what_a_pool_that_goes_leaves_is_told_where_the_operator_is(
    ground: Ground, served: Stage, slow_simulator: Simulator, what: str
) -> None:
    scan = await launched(served, slow_simulator)
    token = scan["status"]["remote"]["token"]
    before = (await metrics(ground.operator)).value(METRIC, pool="pool")
    take_down(slow_simulator)
    if what == "pool":
        await served.kube.delete(path_of("scannerpools", served.namespace, "pool"))
        await served.until_gone("scannerpools", "pool", GONE_WITHIN)
        ended = await served.until("Cancelled")
        assert condition(ended, "Succeeded")["reason"] == "Deleted"
        assert "finalizers" not in ended["metadata"]
    else:
        await served.kube.delete(path_of("namespaces", name=served.namespace))
        await namespace_gone(served)
    [line] = log_lines(served, token)
    assert line["task_id"] == f"{served.namespace}/scan"
    assert (await metrics(ground.operator)).value(METRIC, pool="pool") == before + 1

    async def told() -> list[Object]:
        return await warnings(served, ground.home, token)

    [event] = await eventually(told, "an Event in the operator's namespace")
    assert served.namespace in str(event)


async def test_a_pool_that_is_deleted_waits_for_scans_that_ended_before_but_not_for_ever(
    served: Stage, simulator: Simulator
) -> None:
    held = simulator.fault("status", r"^/scans/\d+$", method="DELETE", count=None, status=503)
    await served.create_pool(simulator.url)
    await served.create_scan()
    scan = await served.until("Completed")
    simulator.wait_struck(held)
    await served.kube.delete(path_of("scannerpools", served.namespace, "pool"))
    await served.until_gone("scannerpools", "pool", GONE_WITHIN)
    assert len(log_lines(served, scan["status"]["remote"]["token"])) == 1
    assert "finalizers" not in (await served.scan())["metadata"]


async def test_a_pool_whose_remote_scans_stay_with_their_scans_takes_them_along(
    served: Stage, simulator: Simulator
) -> None:
    await served.create_pool(simulator.url, retention={"remoteScan": "DeleteWithScan"})
    await served.create_scan()
    scan = await served.until("Completed")
    await served.kube.delete(path_of("scannerpools", served.namespace, "pool"))
    await served.until_gone("scannerpools", "pool", GONE_WITHIN)
    assert simulator.state()["scans"] == []
    assert log_lines(served, scan["status"]["remote"]["token"]) == []
