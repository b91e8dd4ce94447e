"""A report on its way from the scanner to the volume."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from nessus_operator.results.copy import Copy, Downloaded
from nessus_operator.results.limits import DEFAULT_LIMITS, Limits


async def download(
    chunks: AsyncIterator[bytes], folder: Path, limits: Limits = DEFAULT_LIMITS
) -> Downloaded:
    """Write the report to report.nessus.zst in `folder`, whole or not at all.

    Raises OSError, the refusals FileTooLarge, DoctypeRefused, NotXML and TextTooLong, and
    whatever `chunks` raises; then nothing of the report is left in the folder.
    """
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    copy = await asyncio.to_thread(Copy, folder, limits.file_bytes)
    try:
        async for chunk in chunks:
            await asyncio.to_thread(copy.write, chunk)
        return await asyncio.to_thread(copy.publish)
    finally:
        await asyncio.to_thread(copy.discard)
