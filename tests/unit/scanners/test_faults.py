import socket
import ssl
from datetime import UTC, datetime

import httpx2
import pytest

from nessus_operator.clients import errors
from nessus_operator.clients.scanners.nessus import faults

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

STATUSES = {
    "400 is our mistake": (400, errors.Rejected, "client_error"),
    "401 is a wrong login": (401, errors.Unauthorized, "auth_error"),
    "403 is a missing right": (403, errors.Denied, "auth_error"),
    "404 is not there": (404, errors.NotFound, "client_error"),
    "405 is our mistake": (405, errors.Rejected, "client_error"),
    "408 may come later": (408, errors.Unavailable, "client_error"),
    "409 is the wrong state": (409, errors.Conflict, "client_error"),
    "412 is the licence": (412, errors.NotLicensed, "client_error"),
    "422 is our mistake": (422, errors.Rejected, "client_error"),
    "429 asks to wait": (429, errors.RateLimited, "client_error"),
    "500 may come later": (500, errors.Unavailable, "server_error"),
    "503 may come later": (503, errors.Unavailable, "server_error"),
    "599 may come later": (599, errors.Unavailable, "server_error"),
    "301 leads elsewhere": (301, errors.Rejected, "client_error"),
    "307 leads elsewhere": (307, errors.Rejected, "client_error"),
}


@pytest.mark.parametrize(("status", "kind", "outcome"), STATUSES.values(), ids=STATUSES)
def test_status(status: int, kind: type[errors.Fault], outcome: str) -> None:
    assert type(faults.fault_of(status, "launch scan 12")) is kind
    assert faults.outcome_of(status) == outcome


def test_success_is_ok() -> None:
    assert {faults.outcome_of(status) for status in (200, 201, 204)} == {"ok"}


def test_the_message_tells_what_was_asked_and_what_was_said() -> None:
    fault = faults.fault_of(409, "launch scan 12", "Scan is running")
    assert str(fault) == "the scanner is not in a state to launch scan 12: Scan is running"


def test_a_redirect_says_what_to_change() -> None:
    assert "let the pool's url name the scanner itself" in str(faults.fault_of(302, "list scans"))


@pytest.mark.parametrize("status", [code for code, _, _ in STATUSES.values()])
def test_no_message_is_longer_than_a_status_field(status: int) -> None:
    doing = "tell of the export of scan 2147483647"
    assert len(str(faults.fault_of(status, doing, "x" * 128))) <= 256


WAITS = {
    "nothing said": (None, 30.0),
    "seconds": ("7", 7.0),
    "no time at all is one second": ("0", 1.0),
    "seconds in the past are one second": ("-5", 1.0),
    "a day is an hour": ("86400", 3600.0),
    "a date": ("Sat, 21 Nov 2026 12:02:00 GMT", 120.0),
    "a date in the past is one second": ("Sat, 21 Nov 2026 11:00:00 GMT", 1.0),
    "a date without a zone": ("Sat, 21 Nov 2026 12:02:00 -0000", 30.0),
    "nonsense": ("soon", 30.0),
    "not a number": ("nan", 30.0),
    "for ever": ("inf", 30.0),
}


@pytest.mark.parametrize(("header", "seconds"), WAITS.values(), ids=WAITS)
def test_retry_after(header: str | None, seconds: float) -> None:
    assert faults.wait_of(header, NOW) == seconds


def caused(error: Exception, *causes: Exception) -> Exception:
    outer = error
    for cause in causes:
        outer.__cause__ = cause
        outer = cause
    return error


def untrusted() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "CERTIFICATE_VERIFY_FAILED")
    error.verify_message = "self-signed certificate"
    return error


BROKEN = {
    "no answer in time": (httpx2.ReadTimeout("x"), "did not answer in time"),
    "no free connection in time": (httpx2.PoolTimeout("x"), "did not answer in time"),
    "the whole took too long": (TimeoutError(), "did not answer in time"),
    "an unknown CA": (
        caused(httpx2.ConnectError("x"), OSError(), untrusted()),
        "not trusted (self-signed certificate); set tls.caBundleRef",
    ),
    "no TLS there": (caused(httpx2.ConnectError("x"), ssl.SSLError()), "check the url's scheme"),
    "an unknown name": (
        caused(httpx2.ConnectError("x"), socket.gaierror()),
        "host name does not resolve",
    ),
    "a refused connection": (httpx2.ConnectError("x"), "no connection to the scanner"),
    "a cut answer": (httpx2.ReadError("x"), "broke before its answer was whole"),
    "an answer that is no HTTP": (
        httpx2.RemoteProtocolError("illegal: \x1b[31mhostile"),
        "broke before its answer was whole",
    ),
}


@pytest.mark.parametrize(("error", "text"), BROKEN.values(), ids=BROKEN)
def test_broken(error: httpx2.HTTPError, text: str) -> None:
    fault = faults.broken(error)
    assert type(fault) is errors.Unavailable
    assert text in str(fault)
    assert "hostile" not in str(fault)
