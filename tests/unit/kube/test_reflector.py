"""What the Reflector makes of a server's answers, one after the other."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from tests.unit.kube.servers import client, serving

from nessus_operator.clients.kube.reflector import Reflector

PATH = "/api/v1/things"
Object = dict[str, Any]


def thing(name: str, version: int) -> Object:
    metadata = {"name": name, "uid": f"uid-{name}", "resourceVersion": str(version)}
    return {"metadata": metadata}


@dataclass
class Listed:
    """Answers a list."""

    items: list[Object]
    version: int = 10
    more: str = ""

    async def answer(self, _: web.Request) -> web.StreamResponse:
        metadata = {"resourceVersion": str(self.version), "continue": self.more}
        return web.json_response({"metadata": metadata, "items": self.items})


@dataclass
class Watched:
    """Answers a watch with these events; then it ends, is cut, or falls silent."""

    events: list[tuple[str, Object]] = field(default_factory=list)
    then: str = "silent"

    async def answer(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for kind, item in self.events:
            line = json.dumps({"type": kind, "object": item}) + "\n"
            await response.write(line.encode())
        if self.then == "silent":
            await asyncio.sleep(60)
        elif self.then == "cut" and request.transport:
            request.transport.abort()
        return response


@dataclass
class Refused:
    """Answers anything with a status code."""

    code: int

    async def answer(self, _: web.Request) -> web.StreamResponse:
        return web.json_response({"message": f"refused with {self.code}"}, status=self.code)


@dataclass
class Mute:
    """Takes a request and never answers."""

    async def answer(self, _: web.Request) -> web.StreamResponse:
        await asyncio.sleep(60)
        return web.Response()


Answer = Listed | Watched | Refused | Mute


@dataclass
class Story:
    """What the Reflector was told, asked and said."""

    reflector: Reflector
    asked: list[str] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)
    restarts: list[str] = field(default_factory=list)

    async def until(self, reached: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not reached():  # noqa: ASYNC110 - what is waited for comes without an event
                await asyncio.sleep(0.01)

    async def until_asked(self, count: int) -> None:
        await self.until(lambda: len(self.asked) >= count)


@asynccontextmanager
async def following(
    answers: Iterable[Answer], *, silence: float = 30, seconds: float = 15
) -> AsyncIterator[Story]:
    """A running Reflector whose requests meet these answers; the last one goes on for ever."""
    left = list(answers)

    async def handle(request: web.Request) -> web.StreamResponse:
        query = request.query
        version = query.get("resourceVersion")
        asks = "ask" if query.get("limit") == "1" else "list"
        story.asked.append(f"watch {version}" if "watch" in query else asks)
        return await (left.pop(0) if len(left) > 1 else left[0]).answer(request)

    def change(kind: str, item: Object) -> None:
        metadata = item["metadata"]
        story.changes.append(f"{kind} {metadata['name']} {metadata['resourceVersion']}")

    def report(path: str, restart: str | None) -> None:
        assert path == PATH
        if restart:
            story.restarts.append(restart)

    async with serving(handle) as server, client(server, seconds=seconds) as kube:
        story = Story(Reflector(kube, PATH, change, report=report, silence=silence))
        running = asyncio.create_task(story.reflector.run())
        try:
            yield story
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


A, B = thing("a", 3), thing("b", 7)
FIRST = Listed([A, B])
EXPIRED = ("ERROR", {"code": 410, "reason": "Expired", "message": "too old resource version"})

# answers, requests that they lead to, changes that are told, restarts that are reported
STORIES: dict[str, tuple[list[Answer], list[str], list[str], list[str]]] = {
    "first a list, then a watch from its version": (
        [FIRST, Watched([("ADDED", thing("c", 11)), ("MODIFIED", thing("a", 12))])],
        ["list", "watch 10"],
        ["ADDED a 3", "ADDED b 7", "ADDED c 11", "MODIFIED a 12"],
        [],
    ),
    "a list in pages is told when all of it was read": (
        [Listed([A], more="p2"), Listed([B], version=10), Watched()],
        ["list", "list", "watch 10"],
        ["ADDED a 3", "ADDED b 7"],
        [],
    ),
    "a list that expires between its pages begins anew": (
        [Listed([A], more="p2"), Refused(410), FIRST, Watched()],
        ["list", "list", "list", "watch 10"],
        ["ADDED a 3", "ADDED b 7"],
        ["expired"],
    ),
    "a watch that ends is resumed from the last event": (
        [FIRST, Watched([("ADDED", thing("c", 11))], "end"), Watched()],
        ["list", "watch 10", "watch 11"],
        ["ADDED a 3", "ADDED b 7", "ADDED c 11"],
        [],
    ),
    "a watch that is cut is resumed from the last event": (
        [FIRST, Watched([("ADDED", thing("c", 11))], "cut"), Watched()],
        ["list", "watch 10", "watch 11"],
        ["ADDED a 3", "ADDED b 7", "ADDED c 11"],
        ["error"],
    ),
    "a bookmark moves on and tells nothing": (
        [FIRST, Watched([("BOOKMARK", thing("", 25))], "cut"), Watched()],
        ["list", "watch 10", "watch 25"],
        ["ADDED a 3", "ADDED b 7"],
        ["error"],
    ),
    "a deletion is told once": (
        [FIRST, Watched([("DELETED", thing("a", 11))], "end"), Watched()],
        ["list", "watch 10", "watch 11"],
        ["ADDED a 3", "ADDED b 7", "DELETED a 11"],
        [],
    ),
    "after an expired watch the list tells what changed in the gap": (
        [FIRST, Watched([EXPIRED]), Listed([thing("b", 9), thing("c", 8)], 20), Watched()],
        ["list", "watch 10", "list", "watch 20"],
        ["ADDED a 3", "ADDED b 7", "DELETED a 3", "MODIFIED b 9", "ADDED c 8"],
        ["expired"],
    ),
    "what did not change is not told again": (
        [FIRST, Watched([EXPIRED]), Listed([A, B], 20), Watched()],
        ["list", "watch 10", "list", "watch 20"],
        ["ADDED a 3", "ADDED b 7"],
        ["expired"],
    ),
    "a new object under an old name is a new one": (
        [
            FIRST,
            Watched([EXPIRED]),
            Listed([{"metadata": {**A["metadata"], "uid": "other", "resourceVersion": "15"}}, B]),
            Watched(),
        ],
        ["list", "watch 10", "list", "watch 10"],
        ["ADDED a 3", "ADDED b 7", "DELETED a 3", "ADDED a 15"],
        ["expired"],
    ),
    "another error in the stream is no reason to list": (
        [FIRST, Watched([("ERROR", {"code": 500, "message": "etcd"})]), Watched()],
        ["list", "watch 10", "watch 10"],
        ["ADDED a 3", "ADDED b 7"],
        ["error"],
    ),
    "a server that starts refuses in many ways": (
        [Refused(403), Refused(404), Refused(429), Refused(503), FIRST, Watched()],
        ["list"] * 5 + ["watch 10"],
        ["ADDED a 3", "ADDED b 7"],
        ["error"] * 4,
    ),
    "a watch may be refused for a while": (
        [FIRST, Refused(401), Refused(403), Refused(429), Watched()],
        ["list", "watch 10", "watch 10", "watch 10", "watch 10"],
        ["ADDED a 3", "ADDED b 7"],
        ["error"] * 3,
    ),
}


@pytest.mark.parametrize(("answers", "asked", "changes", "restarts"), STORIES.values(), ids=STORIES)
async def test_story(
    answers: list[Answer], asked: list[str], changes: list[str], restarts: list[str]
) -> None:
    async with following(answers) as story:
        await story.until(
            lambda: len(story.asked) >= len(asked) and len(story.changes) >= len(changes)
        )
        assert story.asked == asked
        assert story.changes == changes
        assert story.restarts == restarts


async def test_a_silence_is_a_version_of_the_future_if_the_server_is_behind_it() -> None:
    behind = Listed([B], 4)
    answers = [FIRST, Watched(), behind, behind, Watched([("ADDED", thing("c", 5))])]
    async with following(answers, silence=0.3) as story:
        await story.until(lambda: "ADDED c 5" in story.changes)
        assert story.asked[:5] == ["list", "watch 10", "ask", "list", "watch 4"]
        assert story.changes == ["ADDED a 3", "ADDED b 7", "DELETED a 3", "ADDED c 5"]
        assert story.restarts[0] == "silent"
        assert story.reflector.fault is None


async def test_a_silence_of_a_server_that_moved_on_is_no_reason_to_list() -> None:
    ahead = Listed([A], 12, more="and so on")
    moved = Watched([("BOOKMARK", thing("", 12))])
    answers = [FIRST, Watched(), ahead, moved, ahead, Watched([("ADDED", thing("c", 15))])]
    async with following(answers, silence=0.3) as story:
        await story.until(lambda: "ADDED c 15" in story.changes)
        assert story.asked[:6] == ["list", "watch 10", "ask", "watch 10", "ask", "watch 12"]
        assert story.changes == ["ADDED a 3", "ADDED b 7", "ADDED c 15"]
        assert story.restarts == []


async def test_a_server_that_cannot_say_where_it_is_after_a_silence_is_listed_again() -> None:
    answers = [FIRST, Watched(), Refused(503), FIRST, Watched([("ADDED", thing("c", 15))])]
    async with following(answers, silence=0.3) as story:
        await story.until(lambda: "ADDED c 15" in story.changes)
        assert story.asked[:5] == ["list", "watch 10", "ask", "list", "watch 10"]
        assert story.changes == ["ADDED a 3", "ADDED b 7", "ADDED c 15"]
        assert story.restarts[:1] == ["error"]


async def test_a_server_that_never_answers_is_a_fault() -> None:
    async with following([Mute()], seconds=0.05) as story:
        await story.until(lambda: story.reflector.fault is not None)
        assert "does not answer" in str(story.reflector.fault)
        assert not story.reflector.synced.is_set()
        assert not story.reflector.fresh()
        assert "error" in story.restarts


async def test_a_server_that_falls_mute_later_is_a_fault_too() -> None:
    async with following([FIRST, Watched(then="cut"), Mute()], silence=0.1) as story:
        await story.until(lambda: story.reflector.fault is not None)
        await story.until(lambda: not story.reflector.fresh())


async def test_all_is_well_again_once_the_watch_is_open() -> None:
    async with following([FIRST, Refused(503), Watched()]) as story:
        await story.until(lambda: story.reflector.fault is not None)
        assert str(story.reflector.fault) == "refused with 503"
        await story.until(lambda: story.reflector.fault is None)
        assert story.asked == ["list", "watch 10", "watch 10"]
        assert story.reflector.fresh()


async def test_after_an_outage_longer_than_a_silence_it_lists_again() -> None:
    answers = [FIRST, *[Refused(503)] * 3, Listed([A], 20), Watched()]
    async with following(answers, silence=0.05) as story:
        await story.until(lambda: "DELETED b 7" in story.changes)
        assert story.asked[:2] == ["list", "watch 10"]
        assert story.asked.count("list") >= 2


async def test_what_is_always_expired_is_not_asked_for_in_a_tight_circle() -> None:
    forever = [answer for _ in range(100) for answer in (FIRST, Watched([EXPIRED]))]
    async with following(forever) as story:
        await story.until_asked(4)
        begun = asyncio.get_running_loop().time()
        await story.until_asked(10)
        assert asyncio.get_running_loop().time() - begun >= 0.5
