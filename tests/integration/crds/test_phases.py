"""The state machine on a real API server, and the operator's own guard beside it.

Every status here is written whole and judged twice: by the server and by `transitions.refusal`.
"""

from collections.abc import Callable

import pytest
from tests.integration.crds.bodies import (
    LATER,
    PHASES,
    QUEUED,
    RESULTS,
    RETRYABLE,
    RUNNING,
    Status,
    again,
    ended,
    make,
)
from tests.kube import Kube

from nessus_operator.api.transitions import refusal

# Written out, not taken from the table that generates the rules.
ALLOWED = {
    "": {"", "Queued", "Failed"},
    "Queued": {"Queued", "Running", "Cancelled", "Failed", "Timeout"},
    "Running": {"Running", "Completed", "Failed", "Timeout", "Cancelled", "Queued"},
    "Completed": {"Completed"},
    "Failed": {"Failed", "Queued"},
    "Timeout": {"Timeout", "Queued"},
    "Cancelled": {"Cancelled", "Queued"},
}
PAIRS = [(old, new) for old in PHASES for new in PHASES]


def moved(status: Status, old: str, new: str) -> Status:
    """A status that is right in all but perhaps the move itself."""
    if new == old:
        return status
    if new == "":
        return {name: value for name, value in status.items() if name != "phase"}
    if old == "":
        return (
            (ended(new) if new not in ("Queued", "Running") else RUNNING) | QUEUED | {"phase": new}
        )
    if new == "Queued":
        return again(status, manual=old in RETRYABLE)
    return (RUNNING if new == "Running" else {}) | status | {"phase": new}


@pytest.mark.parametrize(("old", "new"), PAIRS, ids=lambda phase: phase or "none")
async def test_a_scan_makes_the_moves_of_the_table_and_no_other(
    kube: Kube, namespace: str, old: str, new: str
) -> None:
    scan = await make(kube, namespace, old)
    if old in RETRYABLE:
        assert await scan.patch_spec(manualRetries=1) is None
    before = await scan.status()
    after = moved(before, old, new)

    answer = await scan.write_status(after)

    assert (answer is None) == (new in ALLOWED[old]), answer
    assert (refusal(before, after) is None) == (answer is None)
    if answer:
        said = f"phase may not go from {old or 'nothing'} to {new or 'nothing'}"
        assert said in answer
        assert refusal(before, after) == said


def but(**changes: object) -> Callable[[Status], Status]:
    """A status with some fields changed; None removes one."""

    def change(status: Status) -> Status:
        changed = status | changes
        return {name: value for name, value in changed.items() if value is not None}

    return change


def remote(**changes: object) -> Callable[[Status], Status]:
    return lambda status: status | {"remote": but(**changes)(status["remote"])}


def automatic(**changes: object) -> Callable[[Status], Status]:
    return lambda status: but(**changes)(again(status, manual=False))


def manual(**changes: object) -> Callable[[Status], Status]:
    return lambda status: but(**changes)(again(status, manual=True))


def first(**changes: object) -> Callable[[Status], Status]:
    return lambda _: but(**changes)(QUEUED)


def started(**changes: object) -> Callable[[Status], Status]:
    return lambda status: but(**changes)(RUNNING | status | {"phase": "Running"})


STOP = {"reason": "Cancelled", "time": LATER}
FAILURE = {"reason": "RemoteScanLost", "fault": "Platform"}

# (phase before, change, the field that the server names; None: allowed)
WRITES: dict[str, tuple[str, Callable[[Status], Status], str | None]] = {
    "nothing changes before the first phase": ("", but(), None),
    "nothing changes while queued": ("Queued", but(), None),
    "nothing changes while running": ("Running", but(), None),
    "nothing changes once completed": ("Completed", but(), None),
    # attempt
    "the first write has attempt 1": ("", first(), None),
    "the first write has no attempt": ("", first(attempt=None), "status.attempt"),
    "the first write has attempt 2": ("", first(attempt=2), "status.attempt"),
    "attempt is written before any phase": ("", lambda _: {"attempt": 1}, "status.attempt"),
    "attempt rises while queued": ("Queued", but(attempt=2), "status.attempt"),
    "attempt rises while running": ("Running", but(attempt=2), "status.attempt"),
    "attempt rises once failed": ("Failed", but(attempt=2), "status.attempt"),
    "attempt is removed": ("Running", but(attempt=None), "status.attempt"),
    "attempt rises on the way to Running": ("Queued", started(attempt=2), "status.attempt"),
    "an automatic retry has the next attempt": ("Running", automatic(), None),
    "an automatic retry keeps the attempt": ("Running", automatic(attempt=1), "status.attempt"),
    "an automatic retry skips an attempt": ("Running", automatic(attempt=3), "status.attempt"),
    "an automatic retry drops the attempt": ("Running", automatic(attempt=None), "status.attempt"),
    "a manual retry keeps the attempt": ("Failed", manual(attempt=1), "status.attempt"),
    "a manual retry skips an attempt": ("Timeout", manual(attempt=3), "status.attempt"),
    # observedManualRetries
    "the first write does not say which retries it saw": (
        "",
        first(observedManualRetries=None),
        "status.observedManualRetries",
    ),
    "a manual retry is acted on": ("Cancelled", manual(), None),
    "a manual retry is not said to be acted on": (
        "Failed",
        manual(observedManualRetries=0),
        "status.observedManualRetries",
    ),
    "a retry is said to be acted on without a new attempt": (
        "Failed",
        but(observedManualRetries=1),
        "status.observedManualRetries",
    ),
    "an automatic retry eats a manual one": (
        "Running",
        automatic(observedManualRetries=1),
        "status.observedManualRetries",
    ),
    "observedManualRetries is removed": (
        "Queued",
        but(observedManualRetries=None),
        "status.observedManualRetries",
    ),
    # what must be gone with a new attempt
    "startTime outlives its attempt": ("Running", automatic(startTime=LATER), "status"),
    "completionTime outlives its attempt": ("Failed", manual(completionTime=LATER), "status"),
    "scannerName outlives its attempt": ("Running", automatic(scannerName="scanner1"), "status"),
    "remote outlives its attempt": ("Running", automatic(remote={"token": "t"}), "status"),
    "progress outlives its attempt": ("Running", automatic(progress={"percent": 10}), "status"),
    "results outlive their attempt": ("Failed", manual(results=RESULTS), "status"),
    "authentication outlives its attempt": (
        "Failed",
        manual(authentication={"status": "Failed"}),
        "status",
    ),
    "failure outlives its attempt": ("Running", automatic(failure=FAILURE), "status"),
    "stop outlives its attempt": ("Running", automatic(stop=STOP), "status"),
    "what tells of the past stays in a new attempt": (
        "Running",
        automatic(
            attemptHistory=[{"attempt": 1, "reason": "RemoteScanLost"}],
            remoteCleanups=[{"attempt": 1, "scannerName": "scanner1", "token": "t", "scanID": 12}],
            platformFailures=1,
            nextAttemptTime=LATER,
        ),
        None,
    ),
    # once per attempt
    "startTime changes": ("Running", but(startTime=LATER), "status.startTime"),
    "startTime is removed": ("Running", but(startTime=None), "status.startTime"),
    "startTime changes at the end": (
        "Running",
        but(phase="Failed", startTime=LATER),
        "status.startTime",
    ),
    "scannerName changes": ("Running", but(scannerName="scanner2"), "status.scannerName"),
    "scannerName is removed": ("Running", but(scannerName=None), "status.scannerName"),
    "the token changes": ("Running", remote(token="token-2"), "status.remote.token"),
    "the remote scan's ID changes": ("Running", remote(scanID=13), "status.remote.scanID"),
    "the remote scan's ID is removed": ("Running", remote(scanID=None), "status.remote.scanID"),
    "launchTime changes": ("Running", remote(launchTime=LATER), "status.remote.launchTime"),
    "launchTime is removed": ("Running", remote(launchTime=None), "status.remote.launchTime"),
    "launchTime changes once ended": (
        "Completed",
        remote(launchTime=LATER),
        "status.remote.launchTime",
    ),
    "remote is removed": ("Running", but(remote=None), "status.remote.token"),
    "what Nessus says of the remote scan changes": (
        "Running",
        remote(state="running", scanUUID="u", scopeGeneration=4),
        None,
    ),
    # needed to run
    "a scan runs without startTime": ("Queued", started(startTime=None), "status.phase"),
    "a scan runs without scannerName": ("Queued", started(scannerName=None), "status.phase"),
    "a scan runs without a token": ("Queued", started(remote=None), "status.phase"),
    "a scan runs with its token and no remote scan yet": (
        "Queued",
        started(remote={"token": "token-1"}),
        None,
    ),
    # frozen once ended
    "completionTime changes once completed": (
        "Completed",
        but(completionTime=LATER),
        "status.completionTime",
    ),
    "completionTime is removed once failed": (
        "Failed",
        but(completionTime=None),
        "status.completionTime",
    ),
    "results change once completed": (
        "Completed",
        but(results=RESULTS | {"findings": 2}),
        "status.results",
    ),
    "results change once timed out": (
        "Timeout",
        but(results=RESULTS | {"partial": True}),
        "status.results",
    ),
    "results are removed once cancelled": ("Cancelled", but(results=None), "status.results"),
    "conditions and cleanups change once completed": (
        "Completed",
        but(
            message="the results were removed",
            remoteCleanups=[{"attempt": 1, "scannerName": "scanner1", "token": "t"}],
        ),
        None,
    ),
    "results are written while running": ("Running", but(results=RESULTS), None),
}


@pytest.mark.parametrize(("phase", "change", "field"), WRITES.values(), ids=WRITES)
async def test_a_status_keeps_the_rules_of_its_attempt(
    kube: Kube,
    namespace: str,
    phase: str,
    change: Callable[[Status], Status],
    field: str | None,
) -> None:
    scan = await make(kube, namespace, phase)
    if phase in RETRYABLE:
        assert await scan.patch_spec(manualRetries=1) is None
    before = await scan.status()
    after = change(before)

    answer = await scan.write_status(after)

    guard = refusal(before, after)
    assert (answer is None) == (field is None), answer
    assert (guard is None) == (answer is None), guard
    if answer and field:
        assert f"{field}: Invalid value: " in answer
        assert guard in answer


async def test_a_moment_may_be_spelt_in_another_way(kube: Kube, namespace: str) -> None:
    scan = await make(kube, namespace, "Running")
    spelt = RUNNING | {"startTime": "2026-11-21T11:00:00+01:00"}

    assert await scan.write_status(spelt) is None


async def test_the_first_write_takes_over_the_retries_of_a_restored_object(
    kube: Kube, namespace: str
) -> None:
    scan = await make(kube, namespace, manualRetries=3)

    refused = await scan.write_status(QUEUED)

    assert refused
    assert refused.startswith("status.observedManualRetries: ")
    assert await scan.write_status(QUEUED | {"observedManualRetries": 3}) is None


async def test_a_manual_retry_is_acted_on_once(kube: Kube, namespace: str) -> None:
    scan = await make(kube, namespace, "Failed")
    assert await scan.patch_spec(manualRetries=1) is None
    queued = again(ended("Failed"), manual=True)
    assert await scan.write_status(queued) is None
    running = RUNNING | {"attempt": 2, "observedManualRetries": 1}
    assert await scan.write_status(running) is None
    failed = running | {"phase": "Failed", "completionTime": LATER}
    assert await scan.write_status(failed) is None

    refused = await scan.write_status(again(failed, manual=False))

    assert refused
    assert refused.startswith("status.observedManualRetries: ")


async def test_retries_raised_twice_before_the_operator_acts_are_one(
    kube: Kube, namespace: str
) -> None:
    scan = await make(kube, namespace, "Timeout")
    assert await scan.patch_spec(manualRetries=1) is None
    assert await scan.patch_spec(manualRetries=2) is None

    queued = again(ended("Timeout"), manual=True)

    assert await scan.write_status(queued | {"observedManualRetries": 1})
    assert await scan.write_status(queued | {"observedManualRetries": 2}) is None


async def test_a_scan_can_be_retried_automatically_again_and_again(
    kube: Kube, namespace: str
) -> None:
    scan = await make(kube, namespace, "Running")
    running = RUNNING
    for attempt in (2, 3):
        assert await scan.write_status(again(running, manual=False)) is None
        running = RUNNING | {"attempt": attempt, "remote": {"token": f"token-{attempt}"}}
        assert await scan.write_status(running) is None


async def test_the_whole_status_cannot_be_removed(kube: Kube, namespace: str) -> None:
    scan = await make(kube, namespace, "Completed")

    refused = await scan.write_status({})

    assert refused
    assert "phase may not go from Completed to nothing" in refused


@pytest.mark.parametrize("phase", PHASES, ids=lambda phase: phase or "none")
async def test_labels_and_finalizers_change_in_every_phase(
    kube: Kube, namespace: str, phase: str
) -> None:
    scan = await make(kube, namespace, phase)
    finalizers = ["nessus-operator.dev/remote-scan", "example.org/other"]

    assert await scan.patch({"metadata": {"labels": {"team": "red"}}}) is None
    assert await scan.patch({"metadata": {"finalizers": finalizers}}) is None
    await kube.delete(scan.path)
    if phase:  # an operator still writes what it sees
        status = await scan.status()
        assert await scan.write_status(status | {"message": "being deleted"}) is None
    assert await scan.patch({"metadata": {"labels": {"team": "blue"}}}) is None
    assert await scan.patch({"metadata": {"finalizers": finalizers[1:]}}) is None
    assert await scan.patch({"metadata": {"finalizers": None}}) is None

    found = await kube.items(scan.path.rpartition("/")[0])
    assert found == []
