"""Rights that an operator loses at work are named, and with them back it goes on."""

from tests.integration.operator.test_deletion import until_launched
from tests.integration.operator.troubles import (
    until_logged,
    until_missing,
    until_ready,
)
from tests.kube import Object, path_of
from tests.running import Stage

from nessus_operator.handlers.startup import rights
from nessus_simulator.running import Simulator


def named(namespace: str) -> list[str]:
    """All rights but those on the Lease, as they are missed."""
    return [
        f"{verb} {right.resource} in namespace {namespace}"
        for right in rights(namespace)
        for verb in right.verbs
        if right.resource != "leases"
    ]


async def take_rights(stage: Stage) -> Object:
    """Of everything but its Lease; what gives them back."""
    path = path_of("clusterrolebindings", name=f"nessus-operator-{stage.namespace}")
    binding = await stage.kube.get(path)
    await stage.kube.delete(path)
    return {
        "metadata": {"name": binding["metadata"]["name"]},
        "roleRef": binding["roleRef"],
        "subjects": binding["subjects"],
    }


async def test_rights_that_are_taken_away_are_named_until_they_are_back(
    stage: Stage, slow_simulator: Simulator
) -> None:
    await stage.create_pool(slow_simulator.url)
    await stage.create_scan()
    operator = stage.start(LEASE_SECONDS="15")
    await until_launched(stage)
    binding = await take_rights(stage)
    await stage.create_scan("other")
    check = await until_missing(operator, *named(stage.namespace))
    assert (check["reason"], check["leading"]) == ("rights_missing", True)
    line = await until_logged(operator, "Not ready")
    assert set(line["missing"]) == set(named(stage.namespace))
    slow_simulator.advance(3 * 3600)
    await stage.kube.create(path_of("clusterrolebindings"), binding)
    await until_ready(operator)
    await until_logged(operator, "Nothing is missing any more")
    await stage.until("Completed")
    await until_launched(stage, "other")
    slow_simulator.advance(3 * 3600)
    await stage.until("Completed", "other")
    assert operator.process.poll() is None
    assert len(slow_simulator.calls("POST", "/launch$")) == 2
    assert slow_simulator.calls("POST", "/stop$") == []
