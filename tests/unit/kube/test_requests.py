"""Requests to servers that do not behave like an API server: never more than a fault."""

import asyncio
import json
from typing import Any

import pytest
from aiohttp import web
from tests.unit.kube.servers import Handler, client, serving

from nessus_operator.clients.errors import Fault, NotFound, Rejected, Unavailable
from nessus_operator.clients.kube.requests import Kube

Noted = list[tuple[str, str, str]]
PATH = "/api/v1/namespaces/team-a/secrets/login"


async def watch(kube: Kube, path: str = PATH, silence: float = 5) -> list[dict[str, Any]]:
    return [event async for event in kube.watch(path, "1", seconds=60, silence=silence)]


def answering(status: int, text: str, kind: str = "application/json") -> Handler:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, text=text, content_type=kind)

    return answer


# status, body, its content type, fault
ODD: dict[str, tuple[int, str, str, type[Fault]]] = {
    "a page of a proxy": (502, "<html>bad gateway</html>", "text/html", Unavailable),
    "a page that says no": (404, "<html>not found</html>", "text/html", NotFound),
    "a text": (503, '"not today"', "application/json", Unavailable),
    "a list": (422, "[1, 2]", "application/json", Rejected),
    "nothing": (500, "", "application/json", Unavailable),
    "broken JSON": (200, '{"kind": ', "application/json", Unavailable),
    "no JSON at all": (200, "<html>login</html>", "text/html", Unavailable),
}


@pytest.mark.parametrize(("status", "body", "kind", "fault"), ODD.values(), ids=ODD)
async def test_an_odd_answer(status: int, body: str, kind: str, fault: type[Fault]) -> None:
    async with serving(answering(status, body, kind)) as server, client(server) as kube:
        with pytest.raises(fault) as refused:
            await kube.get(PATH)
        assert "<html>" not in str(refused.value)


async def test_a_redirect_is_not_followed_and_our_token_stays_here() -> None:
    met: list[str] = []

    async def elsewhere(request: web.Request) -> web.Response:
        met.append(request.headers.get("Authorization", ""))
        return web.json_response({})

    async with serving(elsewhere) as thief:

        async def redirect(_: web.Request) -> web.Response:
            raise web.HTTPTemporaryRedirect(f"{thief}/stolen")

        async with serving(redirect) as server, client(server) as kube:
            for asked in (kube.get(PATH), kube.create(PATH, {}), kube.delete(PATH), watch(kube)):
                with pytest.raises(Rejected):
                    await asked
    assert met == []


async def test_a_server_below_a_path_is_asked_there() -> None:
    met: list[str] = []

    async def note(request: web.Request) -> web.Response:
        met.append(request.path_qs)
        return web.json_response({})

    async with serving(note) as server, client(f"{server}/k8s/clusters/c-1") as kube:
        await kube.get(PATH)
        await watch(kube)
    assert met[0] == f"/k8s/clusters/c-1{PATH}"
    assert met[1].startswith(f"/k8s/clusters/c-1{PATH}?watch=true&")


async def test_every_request_is_logged_in_and_every_write_is_strict() -> None:
    met: list[web.Request] = []

    async def note(request: web.Request) -> web.Response:
        met.append(request)
        return web.json_response({})

    async with serving(note) as server, client(server) as kube:
        await kube.get(PATH)
        await kube.create(PATH, {})
        await kube.replace(PATH, {})
        await kube.merge_patch(PATH, {})
        await kube.delete(PATH, uid="x")
    assert {request.headers["Authorization"] for request in met} == {"Bearer our-token"}
    assert [request.method for request in met] == ["GET", "POST", "PUT", "PATCH", "DELETE"]
    for request in met[1:4]:
        assert dict(request.query) == {"fieldManager": "tests", "fieldValidation": "Strict"}
    assert met[3].content_type == "application/merge-patch+json"


async def test_an_answer_that_does_not_come_is_not_waited_for() -> None:
    async def never(_: web.Request) -> web.Response:
        await asyncio.sleep(60)
        return web.json_response({})

    async with serving(never) as server, client(server, seconds=0.05) as kube:
        with pytest.raises(Unavailable, match="does not answer"):
            await kube.get(PATH)


async def test_nobody_listens() -> None:
    async with serving(answering(200, "{}")) as server:
        pass
    async with client(server) as kube:
        with pytest.raises(Unavailable, match="does not answer"):
            await kube.get(PATH)
        with pytest.raises(Unavailable, match="watch was cut"):
            await watch(kube)


def streaming(*lines: str, then: str) -> Handler:
    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for line in lines:
            await response.write(line.encode())
        if then == "silence":
            await asyncio.sleep(60)
        elif then == "cut" and request.transport:
            request.transport.abort()
        return response

    return stream


EVENT = json.dumps({"type": "ADDED", "object": {}}) + "\n"
BROKEN = {
    "it falls silent": (streaming(EVENT, then="silence"), 1),
    "it is cut": (streaming(EVENT, EVENT, then="cut"), 2),
    "it ends within an event": (streaming(EVENT, EVENT[:9], then="end"), 1),
    "a line that is no JSON": (streaming(EVENT, "<html>\n", then="end"), 1),
}


@pytest.mark.parametrize(("handler", "whole"), BROKEN.values(), ids=BROKEN)
async def test_a_watch_that_breaks_has_told_its_whole_events(handler: Handler, whole: int) -> None:
    told: list[str] = []

    async def note(kube: Kube) -> None:
        async for event in kube.watch(PATH, "1", seconds=60, silence=0.2):
            told.append(event["type"])  # noqa: PERF401 - what came before the fault counts

    async with serving(handler) as server, client(server) as kube:
        with pytest.raises(Unavailable, match="watch was cut"):
            await note(kube)
    assert told == ["OPENED"] + ["ADDED"] * whole


async def test_a_large_object_fits_into_one_line() -> None:
    large = json.dumps({"type": "ADDED", "object": {"blob": "x" * 2_000_000}}) + "\n"
    async with serving(streaming(large, then="end")) as server, client(server) as kube:
        events = await watch(kube)
    assert len(events[1]["object"]["blob"]) == 2_000_000


async def test_what_was_asked_is_measured() -> None:
    noted: Noted = []

    def note(verb: str, resource: str, code: str, seconds: float) -> None:
        assert 0 <= seconds < 60
        noted.append((verb, resource, code))

    async with serving(answering(404, "{}")) as server, client(server, observe=note) as kube:
        for asked in (kube.get(PATH), kube.delete(PATH), watch(kube)):
            with pytest.raises(NotFound):
                await asked
    async with client(server, observe=note) as kube:
        with pytest.raises(Unavailable):
            await kube.get(PATH)
    assert noted == [
        ("get", "secrets", "404"),
        ("delete", "secrets", "404"),
        ("watch", "secrets", "404"),
        ("get", "secrets", "error"),
    ]


async def test_pages_are_read_to_their_end() -> None:
    pages = {
        "": {"metadata": {"resourceVersion": "9", "continue": "two"}, "items": [{"n": 1}]},
        "two": {"metadata": {"resourceVersion": "9", "continue": "three"}, "items": None},
        "three": {"metadata": {"resourceVersion": "9"}, "items": [{"n": 2}, {"n": 3}]},
    }

    async def page(request: web.Request) -> web.Response:
        assert request.query["limit"] == "2"
        return web.json_response(pages[request.query.get("continue", "")])

    async with serving(page) as server, client(server) as kube:
        assert await kube.list_all(PATH, page=2) == ([{"n": 1}, {"n": 2}, {"n": 3}], "9")
