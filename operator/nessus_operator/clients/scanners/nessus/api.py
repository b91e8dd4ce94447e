"""Calls to Nessus with a login: an expired one is renewed and the refused call made once more.

A call that was refused had no effect, so making it again is safe. A call whose answer was lost is
never made again here.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2

from nessus_operator.clients.scanners.nessus.http import Request, Transport
from nessus_operator.clients.scanners.nessus.login import Login


class Api:
    def __init__(self, transport: Transport, login: Login, seconds: float) -> None:
        self._transport = transport
        self._login = login
        self._seconds = seconds

    async def ask(self, request: Request) -> Any:
        """The decoded answer; `Request.decode` says of which type."""
        async with self.response(request, self._seconds) as response:
            return await self._transport.answer(request, response)

    async def ask_openly(self, request: Request) -> Any:
        """The same without a login, which a scanner that is still starting would not take."""
        return await self._transport.exchange(request, {})

    @asynccontextmanager
    async def response(
        self, request: Request, within: float | None
    ) -> AsyncIterator[httpx2.Response]:
        """The response of a request that the scanner took, its body still to be read."""
        headers = await self._login.headers()
        renewed: set[int] = set()
        while True:
            async with self._transport.open(request, headers, within) as response:
                if request.takes(response.status_code):
                    yield response
                    return
                fault = await self._transport.refusal(request, response)
            if response.status_code in renewed:
                raise fault
            renewed.add(response.status_code)
            other = await self._login.renew(response.status_code, headers)
            if other is None:
                raise fault
            headers = other

    async def close(self) -> None:
        await self._login.log_out()
        await self._transport.close()
