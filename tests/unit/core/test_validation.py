"""What is wrong with a report, and whether that fails its scan or warns."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from nessus_operator.api.reasons import MEANINGS, Reason
from nessus_operator.api.report import AuthenticationStatus, ReportSignals
from nessus_operator.core.validation import CHECKS, STALE, Question, objections

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SOUND = Question(
    signals=ReportSignals(hosts=3, plugin_set="202611200500"),
    authentication=AuthenticationStatus.SUCCESS,
    now=NOW,
    credentials_asked=True,
)


def question(**changes: Any) -> Question:
    """A sound report but for `changes`: of the question, or of its signals."""
    signals = {name: changes.pop(name) for name in list(changes) if hasattr(SOUND.signals, name)}
    return replace(SOUND, signals=replace(SOUND.signals, **signals), **changes)


def plugins_made(ago: timedelta) -> str:
    return f"{NOW - ago:%Y%m%d%H%M}"


FAILED = AuthenticationStatus.FAILED
PARTIAL = AuthenticationStatus.PARTIAL

# A report, and what must be objected: reason, outcome and a part of the message, in order.
CASES: dict[str, tuple[Question, list[tuple[Reason, str, str]]]] = {
    "a sound report passes": (question(), []),
    "no hosts fail the scan": (question(hosts=0), [(Reason.NO_HOSTS, "fail", "no hosts")]),
    "a report that breaks off fails the scan": (
        question(truncated=True), [(Reason.TRUNCATED, "fail", "breaks off")],
    ),
    "hosts that are all dead warn": (
        question(dead_hosts=3), [(Reason.NO_LIVE_HOSTS, "warn", "none of 3 hosts")],
    ),
    "some dead hosts are no fault": (question(dead_hosts=2), []),
    "no hosts are not called dead": (
        question(hosts=0, dead_hosts=0), [(Reason.NO_HOSTS, "fail", "")],
    ),
    "a missing target warns and is named": (
        question(missing_targets=["192.0.2.9"]),
        [(Reason.TARGETS_MISSING, "warn", "not in the report: 192.0.2.9")],
    ),
    "of many missing targets three are named": (
        question(missing_targets=[f"192.0.2.{n}" for n in range(1, 9)]),
        [(Reason.TARGETS_MISSING, "warn", "192.0.2.1, 192.0.2.2, 192.0.2.3 and 5 more")],
    ),
    "a failed login warns": (
        question(authentication=FAILED),
        [(Reason.CREDENTIALS_FAILED, "warn", "log in")],
    ),
    "a failed login fails the scan where it must not": (
        question(authentication=FAILED, auth_failure="Fail"),
        [(Reason.CREDENTIALS_FAILED, "fail", "log in")],
    ),
    "a partly failed login is no objection": (
        question(authentication=PARTIAL, auth_failure="Fail"), [],
    ),
    "a login that nobody asked for cannot fail": (
        question(authentication=FAILED, auth_failure="Fail", credentials_asked=False), [],
    ),
    "no port scan warns": (
        question(port_scan_missing=2), [(Reason.PORT_SCAN_MISSING, "warn", "on 2 hosts")],
    ),
    "plugins of the last day of grace are fresh": (question(plugin_set=plugins_made(STALE)), []),
    "older plugins warn": (
        question(plugin_set=plugins_made(STALE + timedelta(minutes=1))),
        [(Reason.PLUGINS_STALE, "warn", "30 days old")],
    ),
    "very old plugins warn": (
        question(plugin_set="201304111915"), [(Reason.PLUGINS_STALE, "warn", "4971 days old")],
    ),
    "a plugin set that nobody told is no fault": (question(plugin_set=None), []),
    "a plugin set that is no date is no fault": (question(plugin_set="20261399"), []),
    "what fails comes before what warns": (
        question(
            port_scan_missing=3, dead_hosts=3, truncated=True,
            authentication=FAILED, auth_failure="Fail", missing_targets=["a.example.org"],
        ),
        [
            (Reason.TRUNCATED, "fail", ""),
            (Reason.CREDENTIALS_FAILED, "fail", ""),
            (Reason.NO_LIVE_HOSTS, "warn", ""),
            (Reason.TARGETS_MISSING, "warn", "a.example.org"),
            (Reason.PORT_SCAN_MISSING, "warn", ""),
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("asked", "expected"), CASES.values(), ids=CASES)
def test_a_report_is_judged(asked: Question, expected: list[tuple[Reason, str, str]]) -> None:
    found = objections(asked)
    assert [(one.reason, one.outcome) for one in found] == [wanted[:2] for wanted in expected]
    for one, (_, _, message) in zip(found, expected, strict=True):
        assert message in one.message


def test_every_check_objects_somewhere_and_its_reason_is_explained() -> None:
    reasons = {reason for _, expected in CASES.values() for reason, *_ in expected}
    assert len(reasons) == len(CHECKS)
    assert all(MEANINGS[reason].sentence for reason in reasons)
