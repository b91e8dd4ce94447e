import asyncio

import httpx2
import pytest
from tests.unit.scanners import wire
from tests.unit.scanners.wire import Wire, answer, logged_in, with_page

from nessus_operator.api.pool import AuthType
from nessus_operator.clients.errors import NotLicensed, Unauthorized, Unavailable
from nessus_operator.clients.scanners.nessus.api import Api
from nessus_operator.clients.scanners.nessus.http import Request, Transport
from nessus_operator.clients.scanners.nessus.login import (
    Refusals,
    Session,
    login_for,
    page_token,
)

OTHER_TOKEN = "00000000-1111-4222-8333-444444444444"
LIST = Request("status", "list the scans", "GET", "/scans")
LAUNCH = Request("launch", "launch scan 1", "POST", "/scans/1/launch", body={})


def api(on: Wire, kind: AuthType) -> Api:
    connection = wire.connection(kind)
    transport = Transport(connection, on.observe, httpx2.MockTransport(on))
    return Api(transport, login_for(kind, connection.secret, transport), 5.0)


def session(on: Wire, seconds: list[float]) -> Session:
    connection = wire.connection(AuthType.SESSION)
    transport = Transport(connection, on.observe, httpx2.MockTransport(on))
    return Session("scanner", wire.PASSWORD, transport, lambda: seconds[0])


async def test_api_keys_are_sent_with_each_call() -> None:
    on = Wire().on("GET /scans", lambda: answer({}))
    await api(on, AuthType.API_KEYS).ask(LIST)
    keys = f"accessKey={wire.ACCESS_KEY}; secretKey={wire.SECRET_KEY}"
    assert on.requests[0].headers["x-apikeys"] == keys


async def test_refused_api_keys_are_not_tried_twice() -> None:
    on = Wire().on("GET /scans", lambda: answer(status=401))
    with pytest.raises(Unauthorized, match="correct the scanner's Secret"):
        await api(on, AuthType.API_KEYS).ask(LIST)
    assert len(on.requests) == 1


async def test_a_session_is_shared_by_calls_at_the_same_time() -> None:
    on = logged_in(Wire()).on("GET /scans", lambda: answer({}))
    one = api(on, AuthType.SESSION)
    await asyncio.gather(*(one.ask(LIST) for _ in range(8)))
    assert len(on.asked("POST /session")) == 1
    assert {call.headers["x-cookie"] for call in on.asked("GET /scans")} == {"token=session-1"}
    assert "x-api-token" not in on.asked("GET /scans")[0].headers


async def test_an_expired_session_is_renewed_once_for_all_calls() -> None:
    on = logged_in(Wire(), "session-1", "session-2")

    def alive() -> httpx2.Response:
        expired = on.requests[-1].headers["x-cookie"] == "token=session-1"
        return answer({"error": "Invalid"}, status=401) if expired else answer({})

    on.on("GET /scans", alive)
    one = api(on, AuthType.SESSION)
    await asyncio.gather(*(one.ask(LIST) for _ in range(8)))
    assert len(on.asked("POST /session")) == 2


async def test_a_session_that_is_refused_again_is_not_renewed_again() -> None:
    on = logged_in(Wire(), "session-1", "session-2").on("GET /scans", lambda: answer(status=401))
    with pytest.raises(Unauthorized):
        await api(on, AuthType.SESSION).ask(LIST)
    assert len(on.asked("GET /scans")) == 2


async def test_a_session_is_told_of_a_closed_api_without_another_try() -> None:
    on = logged_in(Wire()).on("POST /scans/1/launch", lambda: answer(status=412))
    with pytest.raises(NotLicensed):
        await api(on, AuthType.SESSION).ask(LAUNCH)
    assert len(on.asked("POST /scans/1/launch")) == 1


async def test_a_refused_password_is_kept_back_for_minutes() -> None:
    now = [1000.0]
    on = Wire().on("POST /session", lambda: answer({"error": "Invalid Credentials"}, status=401))
    one = session(on, now)
    for _ in range(5):
        with pytest.raises(Unauthorized, match="correct the scanner's Secret"):
            await one.headers()
    assert len(on.requests) == 1
    now[0] += 300.0
    with pytest.raises(Unauthorized):
        await one.headers()
    assert len(on.requests) == 2


async def test_waiting_calls_do_not_try_a_refused_password_again() -> None:
    on = Wire().on("POST /session", lambda: answer(status=401))
    one = session(on, [0.0])
    results = await asyncio.gather(*(one.headers() for _ in range(8)), return_exceptions=True)
    assert {type(result) for result in results} == {Unauthorized}
    assert len(on.requests) == 1


async def test_a_login_taken_after_a_refusal_forgets_it() -> None:
    now = [0.0]
    refused, taken = lambda: answer(status=401), lambda: answer({"token": "session-1"})
    on = Wire().on("POST /session", refused, taken, refused, taken)
    one = session(on, now)
    with pytest.raises(Unauthorized):
        await one.headers()
    now[0] += 300.0
    sent = await one.headers()
    with pytest.raises(Unauthorized):
        await one.renew(401, sent)
    now[0] += 300.0  # and not the half hour after a second refusal in a row
    assert await one.headers() == sent


async def test_a_scanner_that_cannot_log_us_in_now_is_asked_again_at_once() -> None:
    on = Wire().on(
        "POST /session", lambda: answer(status=503), lambda: answer({"token": "session-1"})
    )
    one = session(on, [0.0])
    with pytest.raises(Unavailable):
        await one.headers()
    assert (await one.headers())["X-Cookie"] == "token=session-1"


def test_the_fifth_refusal_comes_no_sooner_than_most_of_a_day() -> None:
    now, refusals = 0.0, Refusals()
    for _ in range(4):
        refusals = refusals.another(now)
        now = refusals.until
    assert now > 20 * 3600
    assert refusals.another(now).until - now == 24 * 3600


NO_TOKEN = {
    "none": {},
    "null": {"token": None},
    "empty": {"token": ""},
    "a number": {"token": 7},
    "a line break in it": {"token": "a\r\nX-Evil: 1"},
    "too long": {"token": "x" * 5000},
}


@pytest.mark.parametrize("reply", NO_TOKEN.values(), ids=NO_TOKEN)
async def test_a_session_without_a_usable_token_is_no_session(reply: object) -> None:
    on = Wire().on("POST /session", lambda: answer(reply))
    with pytest.raises(Unavailable, match="no session"):
        await session(on, [0.0]).headers()


async def test_nothing_of_a_refused_login_is_quoted() -> None:
    on = Wire().on("POST /session", lambda: answer({"error": f"bad {wire.PASSWORD}"}, status=400))
    with pytest.raises(Exception, match="log in") as fault:
        await session(on, [0.0]).headers()
    assert "bad" not in str(fault.value)


async def test_a_session_is_ended_on_closing() -> None:
    on = logged_in(Wire()).on("GET /scans", lambda: answer({})).on("DELETE /session", answer)
    one = api(on, AuthType.SESSION)
    await one.ask(LIST)
    await one.close()
    assert [call.headers["x-cookie"] for call in on.asked("DELETE /session")] == ["token=session-1"]


@pytest.mark.parametrize("kind", AuthType)
async def test_closing_without_a_session_asks_nothing(kind: AuthType) -> None:
    on = Wire()
    await api(on, kind).close()
    assert on.requests == []


LOGOUTS = {
    "a refusal": lambda: answer(status=401),
    "a broken connection": lambda: httpx2.ReadError("x"),
    "an answer that is no JSON": lambda: answer(b"<html>"),
}


@pytest.mark.parametrize("reply", LOGOUTS.values(), ids=LOGOUTS)
async def test_closing_never_fails(reply: object) -> None:
    on = logged_in(Wire()).on("GET /scans", lambda: answer({})).on("DELETE /session", reply)
    one = api(on, AuthType.SESSION)
    await one.ask(LIST)
    await one.close()
    assert len(on.asked("DELETE /session")) == 1


async def test_a_web_session_sends_the_token_of_the_page() -> None:
    on = with_page(logged_in(Wire())).on("GET /scans", lambda: answer({}))
    one = api(on, AuthType.WEB_SESSION)
    await asyncio.gather(*(one.ask(LIST) for _ in range(8)))
    call = on.asked("GET /scans")[0]
    assert call.headers["x-api-token"] == wire.PAGE_TOKEN
    assert call.headers["x-cookie"] == "token=session-1"
    assert len(on.asked("GET /nessus6.js")) == len(on.asked("POST /session")) == 1


async def test_a_new_page_token_is_fetched_once_after_a_412() -> None:
    on = with_page(logged_in(Wire()), wire.PAGE_TOKEN, OTHER_TOKEN)

    def current() -> httpx2.Response:
        stale = on.requests[-1].headers["x-api-token"] != OTHER_TOKEN
        return answer(status=412) if stale else answer({"scan_uuid": "u"})

    on.on("POST /scans/1/launch", current)
    assert await api(on, AuthType.WEB_SESSION).ask(LAUNCH) == {"scan_uuid": "u"}
    assert len(on.asked("POST /scans/1/launch")) == 2


async def test_a_412_with_the_page_token_of_today_is_the_licence() -> None:
    on = with_page(logged_in(Wire())).on("POST /scans/1/launch", lambda: answer(status=412))
    with pytest.raises(NotLicensed):
        await api(on, AuthType.WEB_SESSION).ask(LAUNCH)
    assert len(on.asked("GET /nessus6.js")) == 2
    assert len(on.asked("POST /scans/1/launch")) == 1


async def test_a_412_after_a_new_page_token_ends_the_tries() -> None:
    on = with_page(logged_in(Wire()), wire.PAGE_TOKEN, OTHER_TOKEN)
    on.on("POST /scans/1/launch", lambda: answer(status=412))
    with pytest.raises(NotLicensed):
        await api(on, AuthType.WEB_SESSION).ask(LAUNCH)
    assert len(on.asked("POST /scans/1/launch")) == 2


async def test_an_expired_session_and_an_old_page_token_are_both_renewed() -> None:
    on = with_page(logged_in(Wire(), "session-1", "session-2"), wire.PAGE_TOKEN, OTHER_TOKEN)

    def current() -> httpx2.Response:
        headers = on.requests[-1].headers
        if headers["x-cookie"] == "token=session-1":
            return answer(status=401)
        return answer({}) if headers["x-api-token"] == OTHER_TOKEN else answer(status=412)

    on.on("POST /scans/1/launch", current)
    assert await api(on, AuthType.WEB_SESSION).ask(LAUNCH) == {}
    assert len(on.asked("POST /scans/1/launch")) == 3


async def test_the_page_is_fetched_without_our_login() -> None:
    on = with_page(logged_in(Wire())).on("GET /scans", lambda: answer({}))
    await api(on, AuthType.WEB_SESSION).ask(LIST)
    sent = on.asked("GET /nessus6.js")[0].headers
    assert "x-cookie" not in sent


UPPER, LOWER = "AB12CD34-0000-4000-8000-00000000000A", "ab12cd34-0000-4000-8000-00000000000a"
SCRIPTS = {
    "upper case": (f'{{key:"getApiToken",value:function(){{return"{UPPER}"}}}}', UPPER),
    "lower case": (f'{{key:"getApiToken",value:function(){{return"{LOWER}"}}}}', LOWER),
    "single quotes": (f"{{key:'getApiToken',value:function(){{return'{LOWER}'}}}}", LOWER),
    "blanks": (f'getApiToken", value: function () {{ return "{LOWER}" }}', LOWER),
    "a method": (f'getApiToken(){{return"{LOWER}"}}', LOWER),
    "an arrow": (f'getApiToken:()=>"{LOWER}"', LOWER),
    "another uuid after it": (f'getApiToken:()=>"{LOWER}",f:()=>"{UPPER}"', LOWER),
    "another uuid before it": (f'a="{UPPER}";getApiToken(){{return"{LOWER}"}}', LOWER),
    "a use before its definition": (
        f'h["X-API-Token"]=s.getApiToken()}};x={{key:"getApiToken",value:function(){{'
        f'return"{LOWER}"}}}}',
        LOWER,
    ),
}


@pytest.mark.parametrize(("script", "token"), SCRIPTS.values(), ids=SCRIPTS)
def test_page_token(script: str, token: str) -> None:
    assert page_token(b"!" * 1000 + script.encode() + b"!" * 1000) == token


NO_SCRIPTS = {
    "nothing": "",
    "no such function": f'{{key:"getOther",value:function(){{return"{LOWER}"}}}}',
    "not a UUID": 'getApiToken(){return"ABCDEF"}',
    "a UUID with a digit too many": f'getApiToken(){{return"{LOWER}0"}}',
    "a UUID of another function": f'getApiToken(){{return x}},f(){{return"{LOWER}"}}',
    "a line break in it": f'getApiToken(){{return"{LOWER[:-1]}\n"}}',
}


@pytest.mark.parametrize("script", NO_SCRIPTS.values(), ids=NO_SCRIPTS)
def test_no_page_token(script: str) -> None:
    with pytest.raises(Unavailable, match="no API token"):
        page_token(script.encode())


async def test_a_page_larger_than_eight_mebibytes_is_not_read() -> None:
    on = logged_in(Wire()).on("GET /nessus6.js", lambda: answer([b" " * (1 << 20)] * 9))
    with pytest.raises(Unavailable, match="more than 8 MiB"):
        await api(on, AuthType.WEB_SESSION).ask(LIST)


INCOMPLETE = {
    "no access key": (AuthType.API_KEYS, {"secretKey": "a"}, "no accessKey"),
    "no secret key": (AuthType.API_KEYS, {"accessKey": "a"}, "no secretKey"),
    "a key with a blank": (
        AuthType.API_KEYS,
        {"accessKey": "a b", "secretKey": "a"},
        "characters that no key has",
    ),
    "a key that would split the header": (
        AuthType.API_KEYS,
        {"accessKey": "a\r\nX-Evil: 1", "secretKey": "a"},
        "characters that no key has",
    ),
    "no user name": (AuthType.SESSION, {"password": "a"}, "no username"),
    "an empty password": (AuthType.SESSION, {"username": "a", "password": ""}, "no password"),
    "keys for a web session": (AuthType.WEB_SESSION, wire.KEYS, "no username"),
}


@pytest.mark.parametrize(("kind", "secret", "text"), INCOMPLETE.values(), ids=INCOMPLETE)
def test_an_unusable_secret_is_told_before_anything_is_asked(
    kind: AuthType, secret: dict[str, str], text: str
) -> None:
    with pytest.raises(Unauthorized, match=text):
        wire.nessus(Wire(), kind, secret=secret)


async def test_a_line_break_at_the_end_of_a_key_is_forgiven() -> None:
    secret = {"accessKey": wire.ACCESS_KEY + "\n", "secretKey": wire.SECRET_KEY + "\n"}
    on = Wire().on(
        "GET /scans", lambda: answer({"folders": [{"id": 3, "type": "main"}], "scans": None})
    )
    await wire.nessus(on, secret=secret).list_scans()
    assert "\n" not in on.requests[0].headers["x-apikeys"]
