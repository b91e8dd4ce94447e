"""What makes a report doubtful, as far as it tells by itself: the checks of core.validation."""

from datetime import UTC, datetime
from typing import Any

from nessus_operator.api.report import AuthenticationStatus, ReportSignals
from nessus_operator.clients import clock
from nessus_operator.core.validation import Question
from nessus_operator.core.validation import objections as objected
from nessus_operator.results.clean import one_line
from nessus_operator.results.store import Results

_LONGEST = 256  # characters of a message


def objections(results: Results) -> list[dict[str, Any]]:
    """Reason, message and outcome of each: `fail`, or `warn`.

    Whether targets are missing is left out: a report does not say what it was asked for. Plugins
    are as old as they were when the scan ended.
    """
    meta = results.meta
    question = Question(
        signals=ReportSignals(**meta["signals"]),
        authentication=AuthenticationStatus(meta["authentication"]["status"]),
        now=_ended(meta["scan"].get("end")),
        credentials_asked=True,  # only a login that was asked for can have failed
    )
    return [
        {"reason": one.reason, "message": one_line(one.message, _LONGEST), "outcome": one.outcome}
        for one in objected(question)
    ]


def _ended(said: str | None) -> datetime:
    if said is None:
        return clock.now()
    moment = datetime.fromisoformat(said)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
