import asyncio
import ssl

import httpx2
import pytest
import trustme
from tests.unit.scanners import wire
from tests.unit.scanners.wire import Wire, answer

from nessus_operator.clients.errors import Fault, NotLicensed, Rejected, Unavailable
from nessus_operator.clients.scanners.nessus import http
from nessus_operator.clients.scanners.nessus.http import Request, Transport

ASKED = Request("status", "list the scans", "GET", "/scans", limit=http.MIB)
SENT = {"X-Cookie": "token=session-of-ours-1"}


def transport(on: Wire, **changes: object) -> Transport:
    return Transport(wire.connection(**changes), on.observe, httpx2.MockTransport(on))


async def refused(on: Wire, request: Request = ASKED) -> Fault:
    with pytest.raises(Fault) as fault:
        await transport(on).exchange(request, SENT)
    return fault.value


async def test_an_answer_is_decoded_and_observed() -> None:
    on = Wire().on("GET /scans", lambda: answer([b'{"scans"', b": null}"]))
    assert await transport(on).exchange(ASKED, SENT) == {"scans": None}
    assert on.observed == [("status", "ok")]


async def test_an_empty_answer_is_an_empty_object() -> None:
    on = Wire().on("GET /scans", lambda: answer(status=204))
    assert await transport(on).exchange(ASKED, SENT) == {}


ENDLESS = [b"x" * 65536] * 17
FAILURES = {
    "more than the limit": (lambda: answer(ENDLESS), "more than 1 MiB", "server_error"),
    "a web page": (lambda: answer(b"<html>"), "no JSON", "server_error"),
    "a list": (lambda: answer([b"[]"]), "another shape", "server_error"),
    "endless nesting": (lambda: answer(b"[" * 100_000), "no JSON", "server_error"),
    "bytes that are no text": (lambda: answer(b"\xff\xfe\x00"), "no JSON", "server_error"),
    "a cut body": (
        lambda: answer([b'{"scans": ['], broken=httpx2.ReadError("x")),
        "broke before",
        "connection_error",
    ),
    "a body that stops coming": (
        lambda: answer([b"{"], broken=httpx2.ReadTimeout("x")),
        "in time",
        "timeout",
    ),
    "no connection": (lambda: httpx2.ConnectError("x"), "no connection", "connection_error"),
    "an answer that is late": (lambda: httpx2.ReadTimeout("x"), "in time", "timeout"),
    "an overloaded scanner": (lambda: answer(status=503), "HTTP 503", "server_error"),
}


@pytest.mark.parametrize(("reply", "text", "outcome"), FAILURES.values(), ids=FAILURES)
async def test_failure(reply: object, text: str, outcome: str) -> None:
    on = Wire().on("GET /scans", reply)
    fault = await refused(on)
    assert type(fault) is Unavailable
    assert text in str(fault)
    assert on.observed == [("status", outcome)]
    assert len(on.requests) == 1, "nothing is repeated"


async def test_a_failure_does_not_carry_the_request_with_our_login() -> None:
    fault = await refused(Wire().on("GET /scans", lambda: httpx2.ReadError("x")))
    assert fault.__cause__ is None
    assert fault.__suppress_context__


async def test_an_answer_dripping_in_is_given_up_in_time() -> None:
    class Drip(httpx2.AsyncByteStream):
        async def __aiter__(self):
            while True:
                await asyncio.sleep(0)
                yield b" "

    on = Wire().on("GET /scans", lambda: httpx2.Response(200, stream=Drip()))
    slow = transport(on, request_seconds=0.05)
    with pytest.raises(Unavailable):
        await slow.exchange(Request(**{**as_dict(ASKED), "limit": 1 << 40}), SENT)


def as_dict(request: Request) -> dict[str, object]:
    return {field: getattr(request, field) for field in request.__dataclass_fields__}


async def test_a_412_counts_even_when_its_body_never_comes() -> None:
    cut = httpx2.RemoteProtocolError("peer closed connection (received 0 bytes, expected 32)")
    on = Wire().on("GET /scans", lambda: answer([], status=412, broken=cut))
    assert type(await refused(on)) is NotLicensed
    assert on.observed == [("status", "client_error")]


async def test_a_412_counts_even_when_it_announces_a_body_and_is_silent() -> None:
    class Silence(httpx2.AsyncByteStream):
        async def __aiter__(self):
            await asyncio.Event().wait()
            yield b""

    on = Wire().on("GET /scans", lambda: httpx2.Response(412, stream=Silence()))
    with pytest.raises(NotLicensed):
        await transport(on, request_seconds=1.0).exchange(ASKED, SENT)


async def test_an_endless_refusal_is_not_read_to_its_end() -> None:
    on = Wire().on("GET /scans", lambda: answer([b'{"error": "'] + ENDLESS * 1000, status=400))
    assert str(await refused(on)).endswith("(HTTP 400)")


REMARKS = {
    "is quoted": ('{"error": "bad targets"}', ": bad targets"),
    "is cleaned": ('{"error": "\\u001b[31mbad\\u202e\\n targets"}', ": bad targets"),
    "is cut": ('{"error": "' + "x" * 500 + '"}', ": " + "x" * 127 + "…"),
    "is left out when it is no text": ('{"error": {"a": 1}}', "(HTTP 400)"),
    "is left out when it is a page": ("<html>hostile</html>", "(HTTP 400)"),
    "shows no session": ('{"error": "token session-of-ours-1"}', ": token ***"),
    "shows no key": ('{"error": "no ' + wire.SECRET_KEY + '"}', ": no ***"),
}


@pytest.mark.parametrize(("body", "end"), REMARKS.values(), ids=REMARKS)
async def test_the_remark_of_a_refusal(body: str, end: str) -> None:
    on = Wire().on("GET /scans", lambda: answer(body.encode(), status=400))
    fault = await refused(on)
    assert type(fault) is Rejected
    assert str(fault).endswith(end)


async def test_no_word_is_quoted_when_the_request_held_secrets() -> None:
    on = Wire().on("POST /scans", lambda: answer({"error": "no such user bob"}, status=400))
    asked = Request("create_scan", "create a scan", "POST", "/scans", body={}, confidential=True)
    assert "bob" not in str(await refused(on, asked))


async def test_a_redirect_is_refused_and_the_login_goes_nowhere_else() -> None:
    elsewhere = {"Location": "https://evil.example/scans"}
    on = Wire().on("GET /scans", lambda: answer(status=302, headers=elsewhere))
    fault = await refused(on)
    assert type(fault) is Rejected
    assert "redirects" in str(fault)
    assert "evil" not in str(fault)
    assert [request.url.host for request in on.requests] == ["nessus.example.org"]


async def test_no_cookie_is_kept() -> None:
    given = {"Set-Cookie": "tracking=1; Path=/"}
    on = Wire().on("GET /scans", lambda: answer({}, headers=given))
    one = transport(on)
    await one.exchange(ASKED, SENT)
    await one.exchange(ASKED, SENT)
    assert "cookie" not in on.requests[1].headers


async def test_nothing_packed_is_asked_for() -> None:
    on = Wire().on("GET /scans", lambda: answer({}))
    await transport(on).exchange(ASKED, SENT)
    assert on.requests[0].headers["accept-encoding"] == "identity"


async def test_a_closed_transport_says_so() -> None:
    one = transport(Wire())
    await one.close()
    with pytest.raises(Unavailable, match="closed"):
        await one.exchange(ASKED, SENT)


async def test_a_path_in_the_url_is_kept() -> None:
    on = Wire().on("GET /nessus/scans", lambda: answer({}))
    await transport(on, url=f"{wire.URL}/nessus/").exchange(ASKED, SENT)
    assert len(on.requests) == 1


WRONG_URLS = {
    "no url": "nessus",
    "another scheme": "ftp://nessus.example.org",
    "no host": "https://",
    "a bad port": "https://nessus.example.org:99999",
    "a login inside": "https://bob:secret@nessus.example.org",
    "a query": "https://nessus.example.org/?a=1",
    "a fragment": "https://nessus.example.org/#a",
    "a bracket left open": "https://[::1",
    "a blank in the host": "https://nessus example.org",
}


@pytest.mark.parametrize("url", WRONG_URLS.values(), ids=WRONG_URLS)
def test_a_wrong_url_is_rejected_without_being_shown(url: str) -> None:
    with pytest.raises(Rejected) as fault:
        http.checked_url(url)
    assert "secret" not in str(fault.value)


RIGHT_URLS = {
    "https": "https://nessus.example.org:8834",
    "an address": "https://192.0.2.1:8834",
    "an IPv6 address": "https://[2001:db8::1]:8834",
    "plain http": "http://127.0.0.1:8834",
}


@pytest.mark.parametrize("url", RIGHT_URLS.values(), ids=RIGHT_URLS)
def test_a_right_url_is_taken(url: str) -> None:
    assert http.checked_url(url + "/") == url


def test_a_bundle_replaces_the_systems_roots() -> None:
    bundle = trustme.CA().cert_pem.bytes().decode()
    context = http.tls_context(bundle, verify=True)
    assert len(context.get_ca_certs()) == 1
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


@pytest.mark.parametrize("bundle", ["", "no PEM", "-----BEGIN CERTIFICATE-----\nAA==\n"])
def test_a_bundle_that_holds_no_certificates_is_rejected(bundle: str) -> None:
    with pytest.raises(Rejected, match="caBundleRef"):
        http.tls_context(bundle, verify=True)


def test_verification_is_off_only_when_asked() -> None:
    assert http.tls_context(None, verify=True).verify_mode is ssl.CERT_REQUIRED
    assert http.tls_context(None, verify=False).verify_mode is ssl.CERT_NONE
