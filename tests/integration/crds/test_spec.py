"""What a scan may ask for, and what of it may change later."""

from typing import Any

import pytest
from tests.integration.crds.bodies import PHASES, RETRYABLE, make, scan_body, try_create
from tests.kube import Kube

SSH = {"type": "SSH", "secretRef": {"name": "dmz-ssh"}}
WINDOWS = SSH | {"type": "Windows"}
KERBEROS = {
    "authMethod": "Kerberos",
    "kerberos": {"kdc": "kdc.example.org", "realm": "EXAMPLE.ORG"},
}
FULL: dict[str, Any] = {
    "scannerName": "scanner1",
    "displayName": "DMZ weekly",
    "description": "Every Monday.",
    "scanType": "AuthenticatedPrivileged",
    "credentials": SSH | {"elevation": {"method": "Sudo"}},
    "settings": {"portRange": "default"},
    "startingDeadlineSeconds": 60,
    "backoffLimit": 2,
}
CHANGES: dict[str, Any] = {
    "poolRef": {"name": "other"},
    "scannerName": "scanner2",
    "displayName": "DMZ daily",
    "description": "Every day.",
    "targets": ["192.0.2.2"],
    "scanType": "Authenticated",
    "credentials": {"secretRef": {"name": "other"}},
    "template": "basic",
    "settings": {"portRange": "all"},
    "startingDeadlineSeconds": 61,
    "activeDeadlineSeconds": 3600,
    "backoffLimit": 3,
    "authFailurePolicy": "Fail",
}
REQUIRED_OR_DEFAULTED = (
    *("poolRef", "targets", "scanType", "description"),
    *("template", "activeDeadlineSeconds", "authFailurePolicy"),
)


@pytest.mark.parametrize("phase", PHASES, ids=lambda phase: phase or "none")
async def test_what_was_asked_for_cannot_be_changed(kube: Kube, namespace: str, phase: str) -> None:
    scan = await make(kube, namespace, phase, **FULL)

    for name, value in CHANGES.items():
        answer = await scan.patch_spec(**{name: value})
        assert answer, f"{name} was changed"
        assert f"spec.{name}: Invalid value: " in answer
        assert "is immutable" in answer

    for name in FULL.keys() - set(REQUIRED_OR_DEFAULTED):
        answer = await scan.patch_spec(**{name: None})
        assert answer, f"{name} was removed"
        assert f"spec.{name}: " in answer


@pytest.mark.parametrize("name", sorted(FULL.keys() - {"description", "scanType", "credentials"}))
async def test_what_was_not_asked_for_cannot_be_added(
    kube: Kube, namespace: str, name: str
) -> None:
    scan = await make(kube, namespace)

    answer = await scan.patch_spec(**{name: FULL[name]})

    assert answer
    assert f"spec.{name}: Invalid value: " in answer
    assert "is immutable" in answer


async def test_a_collected_scan_stays_one(kube: Kube, namespace: str) -> None:
    collect = {"scanID": 12, "historyID": 3}
    scan = await make(kube, namespace, targets=None, collect=collect, scannerName="scanner1")

    for change in ({"collect": {"scanID": 13}}, {"collect": None, "targets": ["192.0.2.1"]}):
        answer = await scan.patch_spec(**change)
        assert answer
        assert "is immutable" in answer


@pytest.mark.parametrize("phase", PHASES, ids=lambda phase: phase or "none")
async def test_what_steers_a_scan_may_change(kube: Kube, namespace: str, phase: str) -> None:
    scan = await make(kube, namespace, phase)

    for change in (
        {"priority": 10},
        {"suspend": True},
        {"suspend": False},
        {"ttlSecondsAfterFinished": 60},
        {"ttlSecondsAfterFinished": None},
        {"cancel": True},
    ):
        assert await scan.patch_spec(**change) is None


@pytest.mark.parametrize("phase", PHASES, ids=lambda phase: phase or "none")
async def test_one_more_attempt_is_asked_for_only_after_a_bad_end(
    kube: Kube, namespace: str, phase: str
) -> None:
    scan = await make(kube, namespace, phase)

    answer = await scan.patch_spec(manualRetries=1)

    if phase in RETRYABLE:
        assert answer is None
    else:
        assert answer
        assert answer.startswith("spec.manualRetries: Invalid value: ")


@pytest.mark.parametrize("to", [0, 3, None], ids=["down", "by two", "removed"])
async def test_manual_retries_rise_by_one_and_never_fall(
    kube: Kube, namespace: str, to: int | None
) -> None:
    scan = await make(kube, namespace, "Failed")
    assert await scan.patch_spec(manualRetries=1) is None

    answer = await scan.patch_spec(manualRetries=to)

    assert answer
    assert "manualRetries may rise by 1" in answer


async def test_a_cancellation_is_withdrawn_only_with_a_retry(kube: Kube, namespace: str) -> None:
    scan = await make(kube, namespace, "Queued")
    assert await scan.patch_spec(cancel=True) is None
    for withdrawn in (False, None):
        answer = await scan.patch_spec(cancel=withdrawn)
        assert answer
        assert "falls back to false only in the write that raises manualRetries" in answer

    status = await scan.status()
    assert await scan.write_status(status | {"phase": "Cancelled"}) is None

    assert await scan.patch_spec(cancel=False)
    answer = await scan.patch_spec(manualRetries=1)
    assert answer
    assert answer.startswith("spec.cancel: Invalid value: ")
    assert "must be false when manualRetries rises" in answer
    assert await scan.patch_spec(cancel=False, manualRetries=1) is None


# What is asked for besides the pool -> the field that the server names; None: accepted.
COLLECT: dict[str, Any] = {"targets": None, "collect": {"scanID": 12}, "scannerName": "scanner1"}
ASKED: dict[str, tuple[dict[str, Any], str | None]] = {
    "targets alone": ({}, None),
    "neither targets nor collect": ({"targets": None}, "spec.targets"),
    "both targets and collect": ({"collect": {"scanID": 1}, "scannerName": "s"}, "spec.targets"),
    "a scan to collect": (COLLECT, None),
    "a scan to collect from any scanner": (COLLECT | {"scannerName": None}, "spec.scannerName"),
    "a scan to collect with a login": (
        COLLECT | {"scanType": "Authenticated", "credentials": SSH},
        "spec.collect",
    ),
    "a scan to collect with settings": (
        COLLECT | {"settings": {"portRange": "all"}},
        "spec.collect",
    ),
    "a scan to collect without its ID": (COLLECT | {"collect": {}}, "spec.collect.scanID"),
    "a login": ({"scanType": "Authenticated", "credentials": SSH}, None),
    "a login without credentials": ({"scanType": "Authenticated"}, "spec.credentials"),
    "a privileged login without credentials": (
        {"scanType": "AuthenticatedPrivileged"},
        "spec.credentials",
    ),
    "credentials without a login": ({"credentials": SSH}, "spec.credentials"),
    "a privileged login that has its rights": (
        {"scanType": "AuthenticatedPrivileged", "credentials": SSH},
        None,
    ),
    "elevation without privilege": (
        {"scanType": "Authenticated", "credentials": SSH | {"elevation": {"method": "Su"}}},
        "spec.credentials.elevation",
    ),
    "another kind of pool": ({"poolRef": {"kind": "Pool", "name": "nessus"}}, "spec.poolRef.kind"),
    "a pool whose name has dots": ({"poolRef": {"name": "nessus.dmz"}}, None),
    "a pool of no name": ({"poolRef": {"name": ""}}, "spec.poolRef.name"),
    "a scanner in capitals": ({"scannerName": "Scanner1"}, "spec.scannerName"),
    "a display name that turns the line around": (
        {"displayName": "a\u202eb"},
        "spec.displayName",
    ),
    "a display name with an escape": ({"displayName": "a\x1b[1m"}, "spec.displayName"),
    "a display name in any script": ({"displayName": "Prüfung 検査 <1>"}, None),
    "an empty display name": ({"displayName": ""}, "spec.displayName"),
    "a description of two lines": ({"description": "one\ntwo\tthree"}, None),
    "a description with an escape": ({"description": "a\x1b[1m"}, "spec.description"),
    "a description of 1024 letters": ({"description": "x" * 1024}, None),
    "a description of 1025 letters": ({"description": "x" * 1025}, "spec.description"),
    "a description of 1278 bytes as JSON": ({"description": "<" * 213}, None),
    "a description of 1284 bytes as JSON": ({"description": "<" * 214}, "spec.description"),
    "a description of 1280 bytes in quotes": ({"description": '"' * 640}, None),
    "a description of 1282 bytes in quotes": ({"description": '"' * 641}, "spec.description"),
    "the least of every number": (
        {
            "priority": 0,
            "startingDeadlineSeconds": 1,
            "activeDeadlineSeconds": 60,
            "backoffLimit": 0,
            "ttlSecondsAfterFinished": 0,
        },
        None,
    ),
    "the most of every number": (
        {
            "priority": 1000,
            "startingDeadlineSeconds": 31536000,
            "activeDeadlineSeconds": 604800,
            "backoffLimit": 10,
            "ttlSecondsAfterFinished": 31536000,
            "manualRetries": 1000,
        },
        None,
    ),
    "a priority below 0": ({"priority": -1}, "spec.priority"),
    "a priority above 1000": ({"priority": 1001}, "spec.priority"),
    "less than a minute": ({"activeDeadlineSeconds": 59}, "spec.activeDeadlineSeconds"),
    "more than a week": ({"activeDeadlineSeconds": 604801}, "spec.activeDeadlineSeconds"),
    "no time to start": ({"startingDeadlineSeconds": 0}, "spec.startingDeadlineSeconds"),
    "too many attempts": ({"backoffLimit": 11}, "spec.backoffLimit"),
    "no settings in settings": ({"settings": {}}, "spec.settings"),
    "ports by number, range and protocol": ({"settings": {"portRange": "22,80-90,U:53"}}, None),
    "ports that are no list": ({"settings": {"portRange": "22;rm"}}, "spec.settings.portRange"),
    "a template in capitals": ({"template": "Advanced"}, "spec.template"),
    "an unknown scan type": ({"scanType": "untrusted"}, "spec.scanType"),
    "an unknown policy": ({"authFailurePolicy": "Stop"}, "spec.authFailurePolicy"),
}


@pytest.mark.parametrize(("spec", "field"), ASKED.values(), ids=ASKED)
async def test_a_scan_is_asked_for_with(
    kube: Kube, spec: dict[str, Any], field: str | None
) -> None:
    answer = await try_create(kube, scan_body(**spec))

    assert (answer is None) == (field is None), answer
    assert answer is None or f"{field}: " in answer


LOGINS: dict[str, tuple[dict[str, Any], str | None]] = {
    "SSH with a password": (SSH | {"authMethod": "Password"}, None),
    "SSH with a key": (SSH | {"authMethod": "PublicKey"}, None),
    "SSH with a certificate": (SSH | {"authMethod": "Certificate"}, None),
    "SSH with Kerberos": (SSH | KERBEROS, None),
    "SSH with a domain": (SSH | {"windows": {"domain": "EXAMPLE"}}, "windows"),
    "SSH with an unknown method": (SSH | {"authMethod": "Token"}, "authMethod"),
    "Kerberos without a realm": (
        SSH | {"authMethod": "Kerberos", "kerberos": {"kdc": "kdc.example.org"}},
        "kerberos.realm",
    ),
    "Kerberos without its fields": (SSH | {"authMethod": "Kerberos"}, "kerberos"),
    "Kerberos' fields without Kerberos": (SSH | KERBEROS | {"authMethod": "Password"}, "kerberos"),
    "Kerberos on port 0": (
        SSH | KERBEROS | {"kerberos": KERBEROS["kerberos"] | {"port": 0}},
        "kerberos.port",
    ),
    "Windows with a password and a domain": (WINDOWS | {"windows": {"domain": "EXAMPLE"}}, None),
    "Windows with Kerberos": (WINDOWS | KERBEROS, None),
    "Windows with a key": (WINDOWS | {"authMethod": "PublicKey"}, "authMethod"),
    "Windows with a certificate": (WINDOWS | {"authMethod": "Certificate"}, "authMethod"),
    "Windows with elevation": (WINDOWS | {"elevation": {"method": "Sudo"}}, "elevation"),
    "a Secret with a path for a name": (SSH | {"secretRef": {"name": "../x"}}, "secretRef.name"),
    "no Secret": ({"type": "SSH"}, "secretRef"),
}
ELEVATIONS: dict[str, tuple[dict[str, Any], str | None]] = {
    "sudo to an account, from a folder": (
        {"method": "Sudo", "account": "root", "binDirectory": "/opt/bin"},
        None,
    ),
    "su and then sudo": ({"method": "SuSudo", "suUser": "admin", "account": "root"}, None),
    "sudo with a user for su": ({"method": "Sudo", "suUser": "admin"}, "suUser"),
    ".k5login to an account": ({"method": "K5Login", "account": "root"}, None),
    ".k5login from a folder": ({"method": "K5Login", "binDirectory": "/bin"}, "binDirectory"),
    "enable on Cisco": ({"method": "CiscoEnable"}, None),
    "enable on Cisco to an account": ({"method": "CiscoEnable", "account": "root"}, "account"),
    "expert on Gaia": ({"method": "CheckpointGaiaExpert"}, None),
    "expert on Gaia to an account": (
        {"method": "CheckpointGaiaExpert", "account": "root"},
        "account",
    ),
    "a method as Nessus spells it": ({"method": "sudo"}, "method"),
    "an account that is a command": ({"method": "Sudo", "account": "root; reboot"}, "account"),
    "an account that is an option": ({"method": "Sudo", "account": "-u"}, "account"),
    "a folder that is relative": ({"method": "Sudo", "binDirectory": "bin"}, "binDirectory"),
}
FOR_ELEVATION = {
    name: (SSH | {"elevation": elevation}, f"elevation.{field}" if field else None)
    for name, (elevation, field) in ELEVATIONS.items()
}


@pytest.mark.parametrize(
    ("credentials", "field"),
    [*LOGINS.values(), *FOR_ELEVATION.values()],
    ids=[*LOGINS, *FOR_ELEVATION],
)
async def test_a_login_is_described_by(
    kube: Kube, credentials: dict[str, Any], field: str | None
) -> None:
    body = scan_body(scanType="AuthenticatedPrivileged", credentials=credentials)

    answer = await try_create(kube, body)

    assert (answer is None) == (field is None), answer
    assert answer is None or f"spec.credentials.{field}: " in answer


async def test_what_is_left_out_gets_its_default(kube: Kube, namespace: str) -> None:
    credentials = SSH | {"authMethod": "Kerberos", "kerberos": {"kdc": "k", "realm": "R"}}
    scan = await make(kube, namespace, scanType="Authenticated", credentials=credentials)

    spec = (await scan.body())["spec"]

    assert spec == {
        "poolRef": {"kind": "ScannerPool", "name": "nessus"},
        "targets": ["192.0.2.1"],
        "scanType": "Authenticated",
        "credentials": credentials
        | {"kerberos": {"kdc": "k", "realm": "R", "port": 88, "transport": "TCP"}},
        "description": "",
        "template": "advanced",
        "priority": 0,
        "activeDeadlineSeconds": 86400,
        "authFailurePolicy": "Complete",
        "suspend": False,
        "cancel": False,
        "manualRetries": 0,
    }


async def test_a_name_has_at_most_63_characters(kube: Kube) -> None:
    for length, accepted in ((63, True), (64, False)):
        body = scan_body() | {"metadata": {"name": "a" * length}}
        answer = await try_create(kube, body)
        assert (answer is None) == accepted
