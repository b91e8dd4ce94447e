"""How a report comes off a Nessus: asked for, waited for, fetched in chunks, and whole or not."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import httpx2

from nessus_operator.clients import clock
from nessus_operator.clients.errors import NotFound, Rejected, Unavailable
from nessus_operator.clients.scanners.nessus.api import Api
from nessus_operator.clients.scanners.nessus.http import MIB, Request
from nessus_operator.clients.scanners.nessus.scans import new_id
from nessus_operator.clients.scanners.text import clean

CHUNK = MIB  # bytes
_END = b"</NessusClientData"  # followed by _v2> or, in old reports, by >


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds and bytes. Nessus needs minutes to write a large report before it can be fetched."""

    first_wait: float = 0.5
    longest_wait: float = 10.0
    ready_within: float = 1800.0
    fetched_within: float = 3600.0
    report_bytes: int = 4 << 30

    def waits(self) -> Iterator[float]:
        """Growing waits between the questions whether the report is ready."""
        wait, total = self.first_wait, 0.0
        while total < self.ready_within:
            yield wait
            total += wait
            wait = min(wait * 1.5, self.longest_wait)


async def export(
    api: Api, scan_id: int, history_id: int | None, limits: Limits
) -> AsyncGenerator[bytes, None]:
    """The native report; `Unavailable` when it does not come whole."""
    asked = Request(
        "export_request",
        f"export scan {scan_id}",
        "POST",
        f"/scans/{scan_id}/export",
        body={"format": "nessus"},
        params={} if history_id is None else {"history_id": str(history_id)},
    )
    file = new_id((await api.ask(asked)).get("file"), "the exported report")
    path = f"/scans/{scan_id}/export/{file}"
    try:
        await _ready(api, scan_id, f"{path}/status", limits)
        async with aclosing(_fetched(api, scan_id, f"{path}/download", limits)) as chunks:
            async for chunk in chunks:
                yield chunk
    except NotFound:  # of the file, which Nessus drops at will; the scan may well be there
        raise Unavailable(f"the scanner lost the report of scan {scan_id}; ask again") from None


async def _ready(api: Api, scan_id: int, path: str, limits: Limits) -> None:
    asked = Request("export_status", f"tell of the export of scan {scan_id}", "GET", path)
    for wait in limits.waits():
        answer: dict[str, Any] = await api.ask(asked)
        if answer.get("status") == "ready":
            return
        if answer.get("status") != "loading":
            word = clean(answer.get("status"), 32) or "nothing"
            raise Unavailable(f"the scanner could not write the report of scan {scan_id}: {word}")
        await asyncio.sleep(wait)
    raise Unavailable(
        f"the report of scan {scan_id} was not ready within {limits.ready_within:.0f} s"
    )


async def _fetched(
    api: Api, scan_id: int, path: str, limits: Limits
) -> AsyncGenerator[bytes, None]:
    asked = Request("export_download", f"send the report of scan {scan_id}", "GET", path)
    until = clock.monotonic() + limits.fetched_within
    size, end = 0, b""
    # No limit on the whole: the reader's own work counts as well. Each read has its limit.
    async with api.response(asked, within=None) as response:
        async for chunk in response.aiter_raw(CHUNK):
            size += len(chunk)
            if size > limits.report_bytes:
                raise Rejected(
                    f"the report of scan {scan_id} is larger than {limits.report_bytes} bytes"
                )
            if clock.monotonic() > until:
                raise Unavailable(f"the report of scan {scan_id} came too slowly")
            end = (end + chunk[-64:])[-64:]
            yield chunk
        if not _is_whole(response, size, end):
            raise Unavailable(f"the report of scan {scan_id} was cut after {size} bytes")


def _is_whole(response: httpx2.Response, size: int, end: bytes) -> bool:
    """By the announced length; the end of a body without one shows only in the report itself."""
    if response.headers.get("content-encoding", "identity") != "identity":
        return False  # packed, though asked not to be: no report at all
    announced = response.headers.get("content-length", "")
    if announced.isdigit():
        return size == int(announced)
    if "chunked" in response.headers.get("transfer-encoding", ""):
        return size > 0
    return _END in end
