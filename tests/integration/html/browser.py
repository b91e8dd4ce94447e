"""A headless Chromium with one page open, driven over its DevTools protocol."""

import asyncio
import os
import re
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp

_FLAGS = (
    "--headless",
    "--no-sandbox",  # tests may run as root
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--remote-debugging-port=0",
)
_START_SECONDS = 60
_LISTENING = re.compile(r"DevTools listening on ws://([^/]+)/")


class Page:
    """What happened on the page so far: what it asked for, said and complained of."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._number = 0
        self._events: list[dict[str, Any]] = []

    @property
    def requests(self) -> list[str]:
        """The URL of every request that the page made."""
        return [
            event["params"]["request"]["url"]
            for event in self._events
            if event["method"] == "Network.requestWillBeSent"
        ]

    @property
    def complaints(self) -> list[Any]:
        """Everything on the console, violations of the page's policy and exceptions."""
        methods = ("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown")
        return [event["params"] for event in self._events if event["method"] in methods]

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        """One command of the protocol; what happens until its answer is remembered."""
        self._number += 1
        await self._socket.send_json({"id": self._number, "method": method, "params": params})
        while True:
            message = await self._socket.receive_json()
            if message.get("id") == self._number:
                assert "error" not in message, message
                result: dict[str, Any] = message["result"]
                return result
            if "method" in message:
                self._events.append(message)

    async def open(self, url: str) -> None:
        for domain in ("Page", "Network", "Runtime", "Log"):
            await self.call(f"{domain}.enable")
        await self.call("Page.navigate", url=url)
        while not any(event["method"] == "Page.loadEventFired" for event in self._events):
            await self.evaluate("0")

    async def evaluate(self, script: str) -> Any:
        """The value of a script (awaited), as JSON."""
        answer = await self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")


@asynccontextmanager
async def opened(page: Path | str) -> AsyncIterator[Page]:
    """The page of a file or URL, loaded in a browser of its own."""
    url = page if isinstance(page, str) else page.as_uri()
    async with _browser() as address, aiohttp.ClientSession() as session:
        async with session.put(f"{address}/json/new") as answer:
            target = await answer.json()
        async with session.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0) as socket:
            loaded = Page(socket)
            await loaded.open(url)
            yield loaded


@asynccontextmanager
async def _browser() -> AsyncIterator[str]:
    """The address at which a browser of our own listens for commands."""
    profile = Path(tempfile.mkdtemp(prefix="chromium-"))
    process = await asyncio.create_subprocess_exec(
        _chromium(),
        *_FLAGS,
        f"--user-data-dir={profile}",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr
    try:
        async with asyncio.timeout(_START_SECONDS):
            address = await _listening(process.stderr)
        talk = asyncio.create_task(process.stderr.read())  # a full pipe would stop it
        yield address
        talk.cancel()
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        shutil.rmtree(profile, ignore_errors=True)


def _chromium() -> str:
    names = (os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    assert found, "no Chromium: run hack/chromium, which says what to do"
    return found


async def _listening(stderr: asyncio.StreamReader) -> str:
    said = b""
    while line := await stderr.readline():
        if found := _LISTENING.search(line.decode()):
            return f"http://{found[1]}"
        said += line
    raise AssertionError(f"Chromium ended: {said.decode()}")
