from collections.abc import Callable

import pytest
from fastmcp.exceptions import ToolError

from nessus_gateway import errors
from nessus_gateway.errors import Busy, Refused, Unavailable
from nessus_operator.clients.errors import (
    Conflict,
    Fault,
    NotFound,
    RateLimited,
    Rejected,
    Unauthorized,
)
from nessus_operator.clients.errors import Unavailable as NoAnswer

EXPLAINED: dict[str, tuple[Fault, type[ToolError], str]] = {
    "a cluster that is busy": (RateLimited("x", 7.4), Busy, "too busy to do it; try again in 7 s"),
    "what the cluster refuses": (Rejected("spec.x: no"), Refused, "refused to do it: spec.x: no"),
    "a policy of the cluster": (
        Unauthorized('nessusscans "x" is forbidden: exceeded quota: q'),
        Refused,
        "refused to do it: exceeded quota: q",
    ),
    "a right that we lack": (
        Unauthorized('nessusscans is forbidden: User "u" cannot create'),
        Unavailable,
        "the gateway lacks the right to do it",
    ),
    "a login that the cluster refuses": (
        Unauthorized("Unauthorized"),
        Unavailable,
        "the gateway lacks the right to do it",
    ),
    "no answer": (NoAnswer("timeout"), Unavailable, "does not answer"),
    "a kind that is not there": (NotFound("404"), Unavailable, "could not do it"),
    "anything else": (Conflict("x"), Unavailable, "could not do it"),
}


@pytest.mark.parametrize(("fault", "kind", "text"), EXPLAINED.values(), ids=EXPLAINED)
def test_faults_are_explained(fault: Fault, kind: type[ToolError], text: str) -> None:
    error = errors.explained(fault, "do it")
    assert type(error) is kind
    assert text in str(error)


MADE: dict[str, Callable[[], ToolError]] = {
    "a task": lambda: errors.unknown_task("a/b"),
    "a tool": lambda: errors.unknown_tool(["b", "a"]),
    "a scope": lambda: errors.lacks(errors.Scope.RUN, "security"),
    "the cluster": lambda: errors.out_of_sight("scans"),
}


@pytest.mark.parametrize("make", MADE.values(), ids=MADE)
def test_no_error_of_ours_is_logged_as_one(make: Callable[[], ToolError]) -> None:
    assert make().log_level == 10
