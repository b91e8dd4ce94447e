"""What an HTTP answer or a broken connection means to the caller, in our own words."""

import math
import socket
import ssl
from datetime import datetime
from email.utils import parsedate_to_datetime

import httpx2

from nessus_operator.clients.errors import (
    Conflict,
    Denied,
    Fault,
    NotFound,
    NotLicensed,
    RateLimited,
    Rejected,
    Unauthorized,
    Unavailable,
)

_DEFAULT_WAIT = 30.0
_MAX_WAIT = 3600.0

_REFUSALS: dict[int, tuple[type[Fault], str]] = {
    401: (Unauthorized, "the scanner refused our login; correct the scanner's Secret"),
    403: (Denied, "the scanner's account has no right to {doing}; give it the right"),
    404: (NotFound, "the scanner found nothing when asked to {doing}"),
    408: (Unavailable, "the scanner gave up waiting when asked to {doing}"),
    409: (Conflict, "the scanner is not in a state to {doing}"),
    412: (NotLicensed, "the scanner's licence does not allow us to {doing}"),
}


def fault_of(
    status: int, doing: str, remark: str = "", retry_after: float = _DEFAULT_WAIT
) -> Fault:
    """The fault for an HTTP status that is no success.

    `doing` completes "asked to ..."; `remark` is the scanner's own text, cleaned already.
    """
    said = f": {remark}" if remark else ""
    if status == 429:
        return RateLimited(f"the scanner asks us to slow down{said}", retry_after)
    if status in _REFUSALS:
        kind, text = _REFUSALS[status]
        return kind(text.format(doing=doing) + said)
    if 300 <= status < 400:
        return Rejected(
            f"the scanner redirects (HTTP {status}) when asked to {doing}; redirects are never "
            "followed: let the pool's url name the scanner itself"
        )
    if status >= 500:
        return Unavailable(f"the scanner cannot {doing} now (HTTP {status}){said}")
    return Rejected(f"the scanner rejected the request to {doing} (HTTP {status}){said}")


def outcome_of(status: int) -> str:
    """The outcome name of an HTTP status, see `Observe`."""
    if status < 300:
        return "ok"
    if status in (401, 403):
        return "auth_error"
    return "server_error" if status >= 500 else "client_error"


def broken(error: httpx2.HTTPError | TimeoutError) -> Unavailable:
    """The fault for a request without a whole answer; it may have taken effect all the same."""
    if isinstance(error, httpx2.TimeoutException | TimeoutError):
        return Unavailable("the scanner did not answer in time")
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Unavailable(
                f"the scanner's TLS certificate is not trusted ({cause.verify_message}); "
                "set tls.caBundleRef to the CA that signed it"
            )
        if isinstance(cause, ssl.SSLError):
            return Unavailable("the scanner does not speak TLS as we do; check the url's scheme")
        if isinstance(cause, socket.gaierror):
            return Unavailable("the scanner's host name does not resolve")
    if isinstance(error, httpx2.ConnectError):
        return Unavailable(
            "no connection to the scanner; is it up, and do the policies let us out?"
        )
    return Unavailable("the connection to the scanner broke before its answer was whole")


def wait_of(retry_after: str | None, now: datetime) -> float:
    """Seconds to wait by a Retry-After header, which holds seconds or a date; 1 to 3600."""
    if retry_after is None:
        return _DEFAULT_WAIT
    try:
        seconds = float(retry_after)
    except ValueError:
        seconds = _seconds_until(retry_after, now)
    return min(max(seconds, 1.0), _MAX_WAIT) if math.isfinite(seconds) else _DEFAULT_WAIT


def _seconds_until(date: str, now: datetime) -> float:
    try:
        return (parsedate_to_datetime(date) - now).total_seconds()
    except (ValueError, TypeError):  # no date, or one without a time zone
        return _DEFAULT_WAIT


def _causes(error: BaseException) -> list[BaseException]:
    causes: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in causes:
        causes.append(cause)
        cause = cause.__cause__ or cause.__context__
    return causes
