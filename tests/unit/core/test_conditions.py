"""Conditions are said anew, and only a change of status moves their transition time."""

from datetime import timedelta

import pytest
from tests.builders import NOW

from nessus_operator.api.conditions import Condition, ScanCondition
from nessus_operator.api.reasons import Reason
from nessus_operator.core import conditions
from nessus_operator.core.conditions import Finding

LATER = NOW + timedelta(minutes=5)
ADMITTED, LAUNCHED = ScanCondition.ADMITTED, ScanCondition.LAUNCHED
WAITS = Condition(
    type=ADMITTED,
    status="False",
    reason=Reason.POOL_AT_CAPACITY,
    message="waiting",
    observed_generation=1,
    last_transition_time=NOW,
)

SAID = {
    "the same again": (
        Finding(ADMITTED, "False", Reason.POOL_AT_CAPACITY, "waiting"),
        WAITS.but(observed_generation=2),
    ),
    "another reason keeps the time": (
        Finding(ADMITTED, "False", Reason.SUSPENDED, "waiting"),
        WAITS.but(observed_generation=2, reason=Reason.SUSPENDED),
    ),
    "another message keeps the time": (
        Finding(ADMITTED, "False", Reason.POOL_AT_CAPACITY, "still waiting"),
        WAITS.but(observed_generation=2, message="still waiting"),
    ),
    "another status moves the time": (
        Finding(ADMITTED, "True", Reason.ADMITTED, ""),
        WAITS.but(
            observed_generation=2,
            status="True",
            reason=Reason.ADMITTED,
            message="",
            last_transition_time=LATER,
        ),
    ),
    "not known any more moves the time": (
        Finding(ADMITTED, "Unknown", Reason.PENDING, "waiting"),
        WAITS.but(
            observed_generation=2,
            status="Unknown",
            reason=Reason.PENDING,
            last_transition_time=LATER,
        ),
    ),
}


@pytest.mark.parametrize(("finding", "condition"), SAID.values(), ids=SAID)
def test_said_anew(finding: Finding, condition: Condition) -> None:
    assert conditions.apply((WAITS,), [finding], 2, LATER) == (condition,)


def test_what_nobody_speaks_of_stays_as_it_was() -> None:
    launched = WAITS.but(type=LAUNCHED)
    said = conditions.apply(
        (launched, WAITS), [Finding(ADMITTED, "True", Reason.ADMITTED)], 2, LATER
    )
    assert said[0] is launched
    assert [condition.type for condition in said] == [LAUNCHED, ADMITTED]


def test_new_conditions_come_at_the_end() -> None:
    said = conditions.apply((WAITS,), [Finding(LAUNCHED, "True", Reason.LAUNCHED)], 2, LATER)
    assert [condition.type for condition in said] == [ADMITTED, LAUNCHED]
    assert said[1].last_transition_time == LATER


def test_of_two_findings_about_one_condition_the_last_counts() -> None:
    findings = [
        Finding(ADMITTED, "False", Reason.SUSPENDED),
        Finding(ADMITTED, "True", Reason.ADMITTED),
    ]
    (said,) = conditions.apply((), findings, 1, NOW)
    assert said.status == "True"


def test_a_message_is_cut_and_plain() -> None:
    (said,) = conditions.apply((), [Finding(ADMITTED, "True", "Odd", '"<é>' + "x" * 300)], 1, NOW)
    assert said.message == "'(?)" + "x" * 249 + "..."


def test_the_first_visit_sets_every_condition() -> None:
    said = conditions.apply((), conditions.first_visit(Reason.PENDING, "queued"), 1, NOW)
    assert {condition.type: condition.status for condition in said} == {
        ScanCondition.ADMITTED: "False",
        ScanCondition.LAUNCHED: "Unknown",
        ScanCondition.SUSPENDED: "False",
        ScanCondition.VALIDATED: "Unknown",
        ScanCondition.HOSTS_AUTHENTICATED: "Unknown",
        ScanCondition.RESULTS_AVAILABLE: "Unknown",
        ScanCondition.FINISHED: "False",
        ScanCondition.SUCCEEDED: "Unknown",
    }
    assert {condition.observed_generation for condition in said} == {1}
