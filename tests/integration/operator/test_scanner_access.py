"""Scanners that may not be called, or refuse us: their Secret, their login or their rights."""

import base64
from collections.abc import Callable
from typing import Any

import pytest
from tests.integration.operator.ground import condition
from tests.integration.operator.scenes import done, released, until_waits
from tests.integration.operator.test_deletion import until_launched
from tests.integration.operator.troubles import (
    KEYS,
    LOGIN,
    SECRET,
    create_pool,
    events,
    put_secret,
    scanner_status,
    secret,
    the_pool,
    until_events,
    until_says,
    until_scanner,
)
from tests.kube import Object, path_of
from tests.running import GROUP, Stage, eventually

from nessus_simulator.running import ACCESS_KEY, USER, Simulator

WRONG_KEYS = {"accessKey": ACCESS_KEY, "secretKey": "of-another-account"}
WRONG_LOGIN = {"username": USER, "password": "of-another-account"}
NO_TEXT = base64.b64encode(b"\xff\xfe").decode()

Body = Callable[[str], Object | None]

# The Secret of a scanner at a url; the reason and the message that its pool then shows.
UNUSABLE: dict[str, tuple[Body, str, str]] = {
    "does not exist": (lambda url: None, "SecretNotFound", f"Secret {SECRET} does not exist"),
    "is of another type": (
        lambda url: secret(url, type_="Opaque"),
        "InvalidSecret",
        f"Secret {SECRET} is not of type {GROUP}/scanner",
    ),
    "is for another scanner": (
        lambda url: secret("https://nessus.example.org:8834"),
        "InvalidSecret",
        f"annotation {GROUP}/scanner-url of Secret {SECRET} is not the scanner's url",
    ),
    "does not say for which scanner it is": (
        lambda url: secret(""),
        "InvalidSecret",
        f"annotation {GROUP}/scanner-url of Secret {SECRET} is not the scanner's url",
    ),
    "lacks a key": (
        lambda url: secret(url, {"accessKey": ACCESS_KEY}),
        "InvalidSecret",
        f"Secret {SECRET} has no key secretKey",
    ),
    "has an empty key": (
        lambda url: secret(url, KEYS | {"accessKey": ""}),
        "InvalidSecret",
        f"Secret {SECRET} has no key accessKey",
    ),
    "is for another kind of login": (
        lambda url: secret(url, LOGIN),
        "InvalidSecret",
        f"Secret {SECRET} has no key accessKey",
    ),
    "holds no text": (
        lambda url: secret(url, {}) | {"data": {"accessKey": NO_TEXT, "secretKey": NO_TEXT}},
        "InvalidSecret",
        f"a key of Secret {SECRET} is not UTF-8 text",
    ),
    "holds what no key looks like": (
        lambda url: secret(url, KEYS | {"accessKey": "a key; secretKey=another"}),
        "InvalidSecret",
        "accessKey in the scanner's Secret has characters that no key has",
    ),
}


@pytest.mark.parametrize(("body", "reason", "message"), UNUSABLE.values(), ids=UNUSABLE)
async def test_a_scanner_whose_secret_cannot_be_used_is_not_called_until_it_can(
    served: Stage, simulator: Simulator, body: Body, reason: str, message: str
) -> None:
    await create_pool(served, simulator.url, body(simulator.url))
    await served.create_scan()
    told = await until_scanner(served, reason)
    assert (told["ready"], told["message"]) == (False, message)
    ready = condition(await the_pool(served), "Ready")
    assert (ready["status"], ready["reason"]) == ("False", "NoReadyScanner")
    assert ready["message"] == f"0 of 1 scanners are ready; scanner1: {message}"
    says = f"waiting: no scanner is ready: scanner1 ({reason})"
    await until_waits(served, "NoReadyScanner", says=says)
    assert simulator.calls() == []
    await put_secret(served, secret(simulator.url))
    await served.until("Completed")
    await until_scanner(served, "Ready")


async def test_keys_that_are_refused_keep_scans_waiting_and_no_circuit_opens(
    served: Stage, simulator: Simulator
) -> None:
    await create_pool(
        served,
        simulator.url,
        secret(simulator.url, WRONG_KEYS),
        circuitBreaker={"failureThreshold": 1},
    )
    await served.create_scan()
    told = await until_scanner(served, "Unauthorized")
    assert told["message"].startswith("the scanner refused our login; correct the scanner's Secret")
    assert told["circuit"] == {"state": "Closed", "failures": 0}
    says = "waiting: no scanner is ready: scanner1 (Unauthorized)"
    await until_waits(served, "NoReadyScanner", says=says)
    await put_secret(served, secret(simulator.url))
    await served.until("Completed")


async def until_probed_again(stage: Stage, times: int = 3) -> None:
    """A probe is due every second here."""
    seen: set[str] = set()

    async def look() -> bool:
        seen.add((await scanner_status(stage))["lastProbeTime"])
        return len(seen) > times

    await eventually(look, f"{times} more probes")


def logins(simulator: Simulator) -> list[int]:
    """The answers to our logins."""
    return [call["status"] for call in simulator.calls("POST", "^/session$")]


async def test_a_password_that_is_refused_is_tried_once(
    served: Stage, simulator: Simulator
) -> None:
    """Nessus locks an account after five."""
    wrong = secret(simulator.url, WRONG_LOGIN)
    await create_pool(served, simulator.url, wrong, auth="Session")
    await served.create_scan()
    await until_scanner(served, "Unauthorized")
    await until_probed_again(served)
    told = await scanner_status(served)
    assert (told["reason"], told["circuit"]["state"]) == ("Unauthorized", "Closed")
    assert told["message"] == (
        "the scanner refused our user name and password; correct the scanner's Secret "
        "(waiting before the next try, or Nessus would lock the account)"
    )
    assert logins(simulator) == [401]
    await put_secret(served, secret(simulator.url, LOGIN))
    await served.until("Completed")
    assert logins(simulator) == [401, 200]


async def test_a_person_can_have_a_refused_password_tried_again(
    served: Stage, simulator: Simulator
) -> None:
    """For example when the account has been unlocked in Nessus."""
    refused = simulator.fault("status", "^/session$", method="POST", status=401, count=None)
    await create_pool(served, simulator.url, secret(simulator.url, LOGIN), auth="Session")
    await until_scanner(served, "Unauthorized")
    simulator.release(refused)
    await until_probed_again(served)
    assert logins(simulator) == [401]
    path = path_of("scannerpools", served.namespace, "pool")
    annotation = {f"{GROUP}/reset-circuit": "scanner1"}
    await served.kube.patch(path, {"metadata": {"annotations": annotation}})
    await until_scanner(served, "Ready")
    assert logins(simulator) == [401, 200]


# What becomes of the Secret of a scanner on which a scan runs; what that says meanwhile.
LOST: dict[str, tuple[Body, str]] = {
    "is deleted": (lambda url: None, "scanner1 cannot be used (SecretNotFound)"),
    "is replaced by a wrong one": (
        lambda url: secret(url, WRONG_KEYS),
        "scanner1 refuses the login",
    ),
}


@pytest.mark.parametrize(("body", "words"), LOST.values(), ids=LOST)
async def test_a_running_scan_outlives_that_its_scanners_secret(
    served: Stage, slow_simulator: Simulator, body: Body, words: str
) -> None:
    await create_pool(served, slow_simulator.url, secret(slow_simulator.url))
    await served.create_scan()
    await until_launched(served)
    await put_secret(served, body(slow_simulator.url))
    waits = f"{words}; waiting until the deadline"
    scan = await until_says(served, waits)
    assert scan["status"]["phase"] == "Running"
    await put_secret(served, secret(slow_simulator.url))
    await until_says(served, "runs on scanner1")
    slow_simulator.advance(3 * 3600)
    await served.until("Completed")
    assert [event["note"] for event in await events(served, "ScannerUnreachable")] == [waits]
    assert len(done(slow_simulator, "POST", "/launch$")) == 1
    assert done(slow_simulator, "POST", "/stop$") == []


# What the scanner refuses to a scan that it has a slot for, how, and what the scan then says.
REFUSES: dict[str, tuple[str, int, str]] = {
    "the right to create it": ("^/scans$", 403, "scanner1 denies our account a right"),
    "the right to launch it": ("/launch$", 403, "scanner1 denies our account a right"),
    "to create it now": ("^/scans$", 500, "scanner1 does not do what it is asked"),
    "to launch it now": ("/launch$", 503, "scanner1 does not do what it is asked"),
}


@pytest.mark.parametrize(("path", "status", "words"), REFUSES.values(), ids=REFUSES)
async def test_a_scan_says_so_and_goes_on_later_when_its_scanner_refuses(
    served: Stage, simulator: Simulator, path: str, status: int, words: str
) -> None:
    refuses = simulator.fault("status", path, method="POST", status=status, count=None)
    await served.create_pool(simulator.url)
    await served.create_scan()
    scan = await until_says(served, f"{words}; waiting until the deadline")
    assert scan["status"]["phase"] == "Running"
    assert (await scanner_status(served))["ready"] is True
    told = await until_events(served, "ScannerUnreachable")
    assert len(told) == 1
    simulator.release(refuses)
    await served.until("Completed")
    await released(served, simulator)
    assert len(done(simulator, "POST", "^/scans$")) == 1
    assert len(done(simulator, "POST", "/launch$")) == 1


def web_pool(simulator: Simulator) -> dict[str, Any]:
    return {"body": secret(simulator.url, LOGIN), "auth": "WebSession"}


async def test_a_web_session_needs_an_operator_that_allows_it(
    served: Stage, simulator: Simulator
) -> None:
    await create_pool(served, simulator.url, **web_pool(simulator))
    told = await until_scanner(served, "WebSessionNotAllowed")
    assert told["message"] == "WebSession needs an operator started with ALLOW_WEB_SESSION"
    assert condition(await the_pool(served), "UsesWebSession")["status"] == "True"
    assert simulator.calls() == []


async def test_a_web_session_scans_where_the_licence_closes_the_scan_api(
    stage: Stage, simulator: Simulator
) -> None:
    simulator.set_license("essentials")
    await create_pool(stage, simulator.url, **web_pool(simulator))
    await stage.create_scan()
    stage.start(LEASE_SECONDS="15", ALLOW_WEB_SESSION="true")
    scan = await stage.until("Completed")
    assert scan["status"]["results"]["hosts"] == 2
    assert condition(await the_pool(stage), "UsesWebSession")["status"] == "True"
    await released(stage, simulator)
    assert logins(simulator) == [200]
