"""What a tool answers when it cannot do what was asked. Every text says what to do next.

ToolError
├── Refused       the caller has to change something
│   ├── NotFound    there is no such thing, or none that this caller may know of
│   ├── Forbidden   the token lacks a scope
│   └── Conflict    the idempotency key belongs to another request
├── Busy          right as it stands; again in `seconds`
└── Unavailable   our side's fault; again later
"""

from collections.abc import Iterable

from fastmcp.exceptions import ToolError
from pydantic import ValidationError

from nessus_gateway.access import Scope
from nessus_operator.clients.errors import Fault, RateLimited, Rejected, Unauthorized

_QUIET = 10  # of logging, as FastMCP wants it; the audit line tells of each call already
_NOT_OUR_RIGHTS = "is forbidden: "  # of the API server's admission: quotas and policies
_OUR_RIGHTS = "is forbidden: User "
_SHOWN = 5  # problems of one call
_PLACE_LENGTH = 64
_ADMIN = "its administrator finds the reason in the gateway's log and at /health"


class _Quiet(ToolError):
    def __init__(self, message: str) -> None:
        super().__init__(message, log_level=_QUIET)


class Refused(_Quiet):
    """As it stands this will never be done."""


class NotFound(Refused):
    """Nothing that the caller may know of has this name."""


class Forbidden(Refused):
    """The caller's token does not reach that far."""


class Conflict(Refused):
    """Something else was asked for under this name before."""


class Busy(_Quiet):
    """Not now."""

    def __init__(self, what: str, seconds: float) -> None:
        super().__init__(f"{what}; try again in {max(1, round(seconds))} seconds")


class Unavailable(_Quiet):
    """Something that the gateway needs does not work."""


def unknown_task(task_id: str) -> NotFound:
    """The same for a task that is not there and for one that is none of the caller's business."""
    return NotFound(
        f"there is no task {task_id!r}; list_tasks shows the tasks that you may see, "
        "by their task_id of the form namespace/name"
    )


def lacks(scope: Scope, namespace: str) -> Forbidden:
    return Forbidden(
        f"your token lacks the scope {scope} in namespace {namespace}; "
        "ask the gateway's administrator for a token with it"
    )


def out_of_sight(what: str) -> Unavailable:
    """Answering from an old cache would be a lie."""
    return Unavailable(f"the gateway cannot see {what} in the cluster now; try again in a minute")


def crashed(trace_id: str | None) -> Unavailable:
    """A fault of ours, of which the caller learns nothing but where it is told."""
    return Unavailable(
        "the gateway failed on this call; try again, and if it fails again tell its administrator "
        f"the trace id {trace_id}, by which the log has the reason"
    )


def explained(fault: Fault, doing: str) -> ToolError:
    """What a fault of the API server means to the caller; `doing` such as `create the scan`."""
    text = str(fault)
    if isinstance(fault, RateLimited):
        return Busy(f"the cluster is too busy to {doing}", fault.retry_after)
    if isinstance(fault, Rejected):
        return Refused(f"the cluster refused to {doing}: {text}")
    if isinstance(fault, Unauthorized) and _NOT_OUR_RIGHTS in text and _OUR_RIGHTS not in text:
        return Refused(f"the cluster refused to {doing}: {text.split(_NOT_OUR_RIGHTS, 1)[1]}")
    if isinstance(fault, Unauthorized):
        return Unavailable(f"the gateway lacks the right to {doing}; {_ADMIN}")
    return Unavailable(f"the cluster does not answer, so the gateway could not {doing}; try again")


def wrong_arguments(error: ValidationError, parameters: Iterable[str]) -> Refused:
    """What to correct in a call, without repeating what was sent."""
    problems = error.errors(include_url=False, include_input=False, include_context=False)
    known = sorted(parameters)
    told = [_problem(one["type"], one["loc"], one["msg"], known) for one in problems[:_SHOWN]]
    if len(problems) > _SHOWN:
        told.append(f"and {len(problems) - _SHOWN} more")
    return Refused(f"wrong arguments: {'; '.join(told)}")


def _problem(kind: str, place: tuple[int | str, ...], text: str, known: list[str]) -> str:
    where = ".".join(map(str, place))[:_PLACE_LENGTH]
    if kind == "missing_argument":
        return f"{where} is required"
    if kind == "unexpected_keyword_argument":
        return f"there is no parameter {where!r}; there are {', '.join(known) or 'none'}"
    return f"{where}: {text[:1].lower()}{text[1:]}"


def unknown_tool(tools: Iterable[str]) -> NotFound:
    return NotFound(f"there is no such tool; there are {', '.join(sorted(tools))}")
