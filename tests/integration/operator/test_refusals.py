"""A scan that can never run fails at once, says why, and nothing of it reaches a scanner."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.forked import start_simulator
from tests.integration.operator.scenes import change_pool, history, released, told, until_attempt
from tests.kube import Object
from tests.running import Stage

from nessus_simulator.running import Simulator

Spec = dict[str, Any]

EVERYTHING = {"scope": {"allow": ["0.0.0.0/0", "::/0"]}}
LOGIN = {
    "scanType": "Authenticated",
    "credentials": {"type": "SSH", "secretRef": {"name": "login"}},
}
COLLECT = {"targets": None, "collect": {"scanID": 12}, "scannerName": "scanner1"}

# Of the pool and of the scan; the reason, and what the message says.
REFUSED: dict[str, tuple[Spec, Spec, str, str]] = {
    "an address outside the scope": (
        {},
        {"targets": ["192.0.2.1", "198.51.100.1"]},
        "ScopeDenied",
        "target 198.51.100.1 is not in scope.allow",
    ),
    "a network that reaches out of the scope": (
        {},
        {"targets": ["192.0.2.0/23"]},
        "ScopeDenied",
        "target 192.0.2.0/23 is not in scope.allow",
    ),
    "a denied address inside the scope": (
        {"scope": {"allow": ["192.0.2.0/24"], "deny": ["192.0.2.7"]}},
        {"targets": ["192.0.2.0/28"]},
        "ScopeDenied",
        "target 192.0.2.0/28 is denied by scope.deny",
    ),
    "any address where nothing is allowed": (
        {"scope": {}},
        {"targets": ["192.0.2.1"]},
        "ScopeDenied",
        "is not in scope.allow",
    ),
    "a host name that is not allowed": (
        {"scope": {"allow": ["*.example.org"]}},
        {"targets": ["example.org"]},
        "ScopeDenied",
        "target example.org is not in scope.allow",
    ),
    "the scanner itself, in a scope of everything": (
        EVERYTHING,
        {"targets": ["127.0.0.1"]},
        "ScopeDenied",
        "reserved range",
    ),
    "the metadata of a cloud, in a scope of everything": (
        EVERYTHING,
        {"targets": ["169.254.169.254"]},
        "ScopeDenied",
        "reserved range",
    ),
    "a template that the pool does not allow": (
        {"templates": ["basic", "discovery"]},
        {"template": "advanced"},
        "ScopeDenied",
        "template advanced is not among the pool's: basic, discovery",
    ),
    "a range that falls": (
        {},
        {"targets": ["192.0.2.1", "192.0.2.20-192.0.2.10"]},
        "InvalidTargets",
        "192.0.2.20-192.0.2.10",
    ),
    "more addresses than a scan may have": (
        {"scope": {"allow": ["192.0.2.0/24"], "maxHostsPerScan": 10}},
        {"targets": ["192.0.2.0/29", "192.0.2.64-192.0.2.66"]},
        "TooManyHosts",
        "11 addresses are more than the 10",
    ),
    "credentials": ({}, LOGIN, "NotSupported", "spec.credentials"),
    "a scan to collect": ({}, COLLECT, "NotSupported", "spec.collect"),
    "a time to live": (
        {},
        {"ttlSecondsAfterFinished": 60},
        "NotSupported",
        "spec.ttlSecondsAfterFinished",
    ),
}

# Of the scan, and the reason that no change of the pool can mend.
HOPELESS = {
    "credentials": (LOGIN, "NotSupported"),
    "a scan to collect": (COLLECT, "NotSupported"),
    "a range that falls": ({"targets": ["192.0.2.20-192.0.2.10"]}, "InvalidTargets"),
}


@pytest.fixture(scope="module")
def scanner() -> Iterator[Simulator]:
    """A scanner that no test of this module gives anything to do."""
    with start_simulator("--speed", "60", "--host-seconds", "30") as running:
        yield running


def assert_refused(scan: Object, reason: str) -> None:
    status, conditions = scan["status"], told(scan)
    assert (status["failure"]["reason"], status["failure"]["fault"]) == (reason, "User")
    assert conditions["Admitted"] == ("False", reason)
    assert conditions["Finished"] == ("True", "Failed")
    assert conditions["Succeeded"] == ("False", reason)
    assert conditions["ResultsAvailable"] == ("False", reason)
    assert not {"startTime", "scannerName", "remote", "results"} & status.keys()
    assert "finalizers" not in scan["metadata"]


def assert_untouched(scanner: Simulator) -> None:
    """Nothing but probes and lists of scans."""
    seen = {(call["method"], call["path"]) for call in scanner.calls()}
    probes = ("/server/status", "/session", "/server/properties", "/scans", "/folders")
    assert seen <= {("GET", path) for path in probes}


@pytest.mark.parametrize(("pool", "spec", "reason", "words"), REFUSED.values(), ids=REFUSED)
async def test_a_scan_that_can_never_run_fails_at_once(
    served: Stage, scanner: Simulator, pool: Spec, spec: Spec, reason: str, words: str
) -> None:
    await served.create_pool(scanner.url, **pool)
    await served.create_scan(**spec)
    scan = await served.until("Failed")
    assert words in scan["status"]["message"]
    assert history(scan) == [(1, "Failed", reason)]
    assert "queueTime" not in scan["status"]
    assert_refused(scan, reason)
    assert_untouched(scanner)


@pytest.mark.parametrize(("spec", "reason"), HOPELESS.values(), ids=HOPELESS)
async def test_what_can_never_run_is_refused_again_when_it_is_asked_for_again(
    served: Stage, scanner: Simulator, spec: Spec, reason: str
) -> None:
    await served.create_pool(scanner.url)
    await served.create_scan(**spec)
    await served.until("Failed")
    await served.change({"manualRetries": 1})
    await until_attempt(served, 2)
    scan = await served.until("Failed")
    assert history(scan) == [(1, "Failed", reason), (2, "Failed", reason)]
    assert_refused(scan, reason)
    assert_untouched(scanner)


async def test_a_field_that_is_not_supported_may_not_be_set_on_a_scan_that_waits(
    served: Stage, scanner: Simulator
) -> None:
    await served.create_pool(scanner.url)
    await served.create_scan(suspend=True)
    await served.until("Queued")
    await served.change({"ttlSecondsAfterFinished": 60, "suspend": False})
    scan = await served.until("Failed")
    assert "spec.ttlSecondsAfterFinished" in scan["status"]["message"]
    assert_refused(scan, "NotSupported")
    assert_untouched(scanner)


async def test_a_scan_that_was_refused_can_run_once_the_scope_allows_it(
    served: Stage, simulator: Simulator
) -> None:
    await served.create_pool(simulator.url, scope={"allow": ["192.0.2.10"]})
    await served.create_scan()
    await served.until("Failed")
    await change_pool(served, scope={"allow": ["192.0.2.10", "192.0.2.11"]})
    await served.change({"manualRetries": 1})
    await until_attempt(served, 2)
    scan = await served.until("Completed")
    assert history(scan) == [(1, "Failed", "ScopeDenied"), (2, "Completed", "Passed")]
    await released(served, simulator)
