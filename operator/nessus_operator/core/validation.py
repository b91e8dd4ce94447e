"""Is a report worth keeping as the result of its scan? A chain of checks, each with a reason."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from nessus_operator.api.reasons import Reason
from nessus_operator.api.report import AuthenticationStatus, ReportSignals

STALE = timedelta(days=30)
_PLUGIN_SET_DIGITS = len("yyyymmddhhmm")  # strptime takes fewer, and reads them as it likes
_NAMED = 3  # missing targets that a message names

Outcome = Literal["fail", "warn"]


@dataclass(frozen=True, slots=True)
class Question:
    """A report and what was asked of its scan.

    missing_targets: targets of the scan that no host of the report answers for, first ones first.
    auth_failure: what a failed login makes of the scan (spec.authFailurePolicy).
    """

    signals: ReportSignals
    authentication: AuthenticationStatus
    now: datetime
    credentials_asked: bool = False
    auth_failure: Literal["Complete", "Fail"] = "Complete"
    missing_targets: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Objection:
    """What one check found: `fail` ends the scan as Failed, `warn` is shown beside the results."""

    reason: Reason
    message: str
    outcome: Outcome = "warn"


Check = Callable[[Question], Objection | None]


def _has_hosts(question: Question) -> Objection | None:
    if question.signals.hosts:
        return None
    return Objection(Reason.NO_HOSTS, "the report has no hosts", "fail")


def _is_whole(question: Question) -> Objection | None:
    if not question.signals.truncated:
        return None
    message = "the report breaks off; what came before was kept"
    return Objection(Reason.TRUNCATED, message, "fail")


def _has_live_hosts(question: Question) -> Objection | None:
    signals = question.signals
    if not signals.hosts or signals.dead_hosts < signals.hosts:
        return None
    return Objection(Reason.NO_LIVE_HOSTS, f"none of {signals.hosts} hosts answered")


def _has_all_targets(question: Question) -> Objection | None:
    missing = question.missing_targets
    if not missing:
        return None
    named = ", ".join(missing[:_NAMED])
    more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
    return Objection(Reason.TARGETS_MISSING, f"not in the report: {named}{more}")


def _logged_in(question: Question) -> Objection | None:
    failed = question.authentication is AuthenticationStatus.FAILED
    if not (failed and question.credentials_asked):
        return None
    outcome: Outcome = "fail" if question.auth_failure == "Fail" else "warn"
    return Objection(Reason.CREDENTIALS_FAILED, "the scanner could not log in to any host", outcome)


def _scanned_ports(question: Question) -> Objection | None:
    missing = question.signals.port_scan_missing
    if not missing:
        return None
    return Objection(Reason.PORT_SCAN_MISSING, f"no port scanner ran on {missing} hosts")


def _has_fresh_plugins(question: Question) -> Objection | None:
    made = _made(question.signals.plugin_set)
    if made is None or question.now - made <= STALE:
        return None
    days = (question.now - made).days
    return Objection(Reason.PLUGINS_STALE, f"the scanner's plugins are {days} days old")


CHECKS: tuple[Check, ...] = (
    _has_hosts,
    _is_whole,
    _has_live_hosts,
    _has_all_targets,
    _logged_in,
    _scanned_ports,
    _has_fresh_plugins,
)


def objections(question: Question) -> tuple[Objection, ...]:
    """What every check found, those that fail the scan first."""
    found = [objection for check in CHECKS if (objection := check(question))]
    return tuple(sorted(found, key=lambda objection: objection.outcome != "fail"))


def _made(plugin_set: str | None) -> datetime | None:
    if plugin_set is None or len(plugin_set) != _PLUGIN_SET_DIGITS:
        return None
    try:
        return datetime.strptime(plugin_set, "%Y%m%d%H%M").replace(tzinfo=UTC)
    except ValueError:
        return None
