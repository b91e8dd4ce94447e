"""The wait for connections of a test to be closed, on a server that does not let them go."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator

import aiohttp
import pytest
import trustme
from tests.sockets import closed_at_the_end

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Mute:
    """A TLS server that answers one request and then says nothing until it is told to end."""

    def __init__(self) -> None:
        authority = trustme.CA()
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(self._tls)
        self.trust = ssl.create_default_context()
        authority.configure_trust(self.trust)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self._listening.getsockname()[1]}/"
        self.end = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        connection, _ = self._listening.accept()
        with self._listening, self._tls.wrap_socket(connection, server_side=True) as talking:
            talking.recv(1024)
            talking.sendall(ANSWER)
            self.end.wait(10)

    def close(self) -> None:
        self.end.set()
        self._thread.join()


@pytest.fixture
def mute() -> Iterator[Mute]:
    server = Mute()
    yield server
    server.close()


async def ask(server: Mute) -> None:
    connector = aiohttp.TCPConnector(ssl=server.trust, force_close=True)
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.get(server.url) as answer,
    ):
        assert await answer.text() == "ok"


async def test_a_connection_that_the_other_side_keeps_is_named(mute: Mute) -> None:
    async with closed_at_the_end():
        port = mute.url.split(":")[2].rstrip("/")
        with pytest.raises(AssertionError, match=f"'127.0.0.1', {port}.* were never closed"):
            async with closed_at_the_end(0.2):
                await ask(mute)
        mute.end.set()


async def test_it_waits_until_the_other_side_lets_go(mute: Mute) -> None:
    loop = asyncio.get_running_loop()
    async with closed_at_the_end():
        await ask(mute)
        loop.call_later(0.2, mute.end.set)
    assert mute.end.is_set()
