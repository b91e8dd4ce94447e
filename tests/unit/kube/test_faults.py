"""What an answer of the API server means, and what of its text is shown."""

from typing import Any

import pytest

from nessus_operator.clients import errors
from nessus_operator.clients.kube.requests import Gone, fault

UNCHECKED = (
    "<nil>: Invalid value: null: some validation rules were not checked because the object was "
    "invalid; correct the existing errors to complete validation"
)

# code, reason, fault: the reason decides where one code has several meanings
FAULTS: dict[str, tuple[int, str | None, type[errors.Fault]]] = {
    "the request is wrong": (400, "BadRequest", errors.Rejected),
    "not logged in": (401, "Unauthorized", errors.Unauthorized),
    "a right is missing": (403, "Forbidden", errors.Unauthorized),
    "it is not there": (404, "NotFound", errors.NotFound),
    "there is no such path": (404, None, errors.NotFound),
    "no such verb": (405, "MethodNotAllowed", errors.Rejected),
    "somebody else wrote": (409, "Conflict", errors.Conflict),
    "the name is taken": (409, "AlreadyExists", errors.AlreadyExists),
    "a conflict without a reason": (409, None, errors.Conflict),
    "an old list": (410, "Expired", Gone),
    "an old list without a reason": (410, None, Gone),
    "an old watch": (410, "Gone", Gone),
    "an old version under another code": (500, "Expired", Gone),
    "too large": (413, "RequestEntityTooLarge", errors.Rejected),
    "the wrong content type": (415, "UnsupportedMediaType", errors.Rejected),
    "refused by a rule": (422, "Invalid", errors.Rejected),
    "too many requests": (429, "TooManyRequests", errors.RateLimited),
    "it begins to serve": (503, "ServiceUnavailable", errors.Unavailable),
    "an internal error": (500, "InternalError", errors.Unavailable),
    "it took too long": (504, "Timeout", errors.Unavailable),
    "a redirect leads elsewhere": (302, None, errors.Rejected),
}


@pytest.mark.parametrize(("code", "reason", "kind"), FAULTS.values(), ids=FAULTS)
def test_fault(code: int, reason: str | None, kind: type[errors.Fault]) -> None:
    status = {"reason": reason, "message": "the server's text"} if reason else {}
    found = fault(code, status)
    assert type(found) is kind
    assert str(found) == ("the server's text" if reason else f"the API server answered {code}")


RETRY_AFTER: dict[str, tuple[str | None, float]] = {
    "seconds": ("7", 7.0),
    "nothing said": (None, 1.0),
    "nonsense": ("soon", 1.0),
    "a date": ("Sat, 21 Nov 2026 12:02:00 GMT", 1.0),
    "less than nothing": ("-1", 1.0),
}


@pytest.mark.parametrize(("header", "seconds"), RETRY_AFTER.values(), ids=RETRY_AFTER)
def test_retry_after(header: str | None, seconds: float) -> None:
    found = fault(429, {}, header)
    assert isinstance(found, errors.RateLimited)
    assert found.retry_after == seconds


TEXTS = {
    "a rule's message stays": (
        'x "b" is invalid: spec.priority: Invalid value: -5: must be 0 or more',
        'x "b" is invalid: spec.priority: Invalid value: -5: must be 0 or more',
    ),
    "rules that were not reached are not told": (
        f'x "b" is invalid: [spec.priority: Invalid value: "a": must be of type integer, '
        f"{UNCHECKED}]",
        'x "b" is invalid: [spec.priority: Invalid value: "a": must be of type integer]',
    ),
    "wherever they stand": (
        f'x "b" is invalid: [{UNCHECKED}, spec.priority: Invalid value: "a": wrong]',
        'x "b" is invalid: [spec.priority: Invalid value: "a": wrong]',
    ),
    "an unknown field is named without its object": (
        ' "" is invalid: patch: Invalid value: "{\\"spec\\":{\\"description\\":\\"strict decoding '
        'error: \\"}}": strict decoding error: unknown field "spec.colour"',
        'strict decoding error: unknown field "spec.colour"',
    ),
    "a very long message is cut": ("x" * 5000, "x" * 4096 + "..."),
}


@pytest.mark.parametrize(("message", "text"), TEXTS.values(), ids=TEXTS)
def test_text(message: str, text: str) -> None:
    assert str(fault(422, {"reason": "Invalid", "message": message})) == text


@pytest.mark.parametrize("message", [None, "", 7, {"deep": "x"}])
def test_a_strange_message_is_no_matter(message: Any) -> None:
    assert isinstance(fault(503, {"message": message}), errors.Unavailable)
