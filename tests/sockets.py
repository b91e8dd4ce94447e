"""Connections that clients of a test open, and that are to be closed when it ends.

To close one over TLS takes a word of the other side, which comes when the client has long been
told that it is closed. An event loop that ends before leaves the socket to the garbage collector,
which complains in the middle of whatever test runs then.
"""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

SECONDS = 10.0


@asynccontextmanager
async def closed_at_the_end(seconds: float = SECONDS) -> AsyncIterator[None]:
    """Waits at the end until each connection that was opened by this event loop is closed.

    Raises AssertionError with the addresses of those that are not closed in time.
    """
    loop = asyncio.get_running_loop()
    connect = loop.create_connection
    opened: list[tuple[socket.socket, object]] = []

    async def noted(*arguments: Any, **options: Any) -> Any:
        transport, protocol = await connect(*arguments, **options)
        opened.append((transport.get_extra_info("socket"), transport.get_extra_info("peername")))
        return transport, protocol

    loop.create_connection = noted  # type: ignore[method-assign]
    try:
        yield
    finally:
        loop.create_connection = connect  # type: ignore[method-assign]
    deadline = loop.time() + seconds
    while left := [peer for connection, peer in opened if connection.fileno() != -1]:
        assert loop.time() < deadline, f"connections to {left} were never closed"
        await asyncio.sleep(0.01)
