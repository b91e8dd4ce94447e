"""The very bytes that a scanner served for a scan, asked for once more and counted."""

import asyncio
import tempfile
from pathlib import Path
from typing import IO

import httpx2

from demo import report
from demo.failures import Failure
from demo.manifests import Scanner
from demo.report import Report, Unreadable

_ASK_EVERY = 0.2
_EXPORT_SECONDS = 60.0


async def read(scanner: Scanner, scan_id: int, folder: Path) -> Report:
    """Raises Failure where the scanner no longer gives the report, or gives none."""
    keys = f"accessKey={scanner.access_key}; secretKey={scanner.secret_key}"
    with tempfile.TemporaryFile(dir=folder) as file:
        async with httpx2.AsyncClient(
            base_url=f"{scanner.url}/scans/{scan_id}",
            headers={"X-ApiKeys": keys},
            trust_env=False,
        ) as client:
            try:
                async with asyncio.timeout(_EXPORT_SECONDS):
                    await _download(client, file)
            except (httpx2.HTTPError, TimeoutError) as error:
                raise Failure(f"{scanner.name} does not export its report: {error!r}") from error
        file.seek(0)
        try:
            return await asyncio.to_thread(report.read, file)
        except Unreadable as error:
            raise Failure(f"what {scanner.name} served {error}") from error


async def _download(client: httpx2.AsyncClient, file: IO[bytes]) -> None:
    asked = await client.post("export", json={"format": "nessus"})
    number = asked.raise_for_status().json()["file"]
    while True:
        status = await client.get(f"export/{number}/status")
        if status.raise_for_status().json()["status"] == "ready":
            break
        await asyncio.sleep(_ASK_EVERY)
    async with client.stream("GET", f"export/{number}/download") as answer:
        answer.raise_for_status()
        async for chunk in answer.aiter_bytes():
            file.write(chunk)
