"""Tasks that run until one of them ends, and that surely end."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any

_PATIENCE = 2.0  # seconds to end in good order, a logout for example


async def until_one_ends(*work: Coroutine[Any, Any, Any]) -> None:
    """Run all of it until one returns or fails, as this then does; the others are ended."""
    tasks = [asyncio.create_task(one) for one in work]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        await end(tasks)


async def end(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel them until all have ended; how they ended is nobody's business any more.

    Once is not enough: kopf cancels every task, also asyncio's own that connects a new process to
    its pipes, and then whoever starts that process waits for its end for ever (CPython 3.11).
    """
    tasks = list(tasks)
    pending = {task for task in tasks if not task.done()}
    cancelled = False
    while pending:
        for task in pending:
            task.cancel()
        try:
            _, pending = await asyncio.wait(pending, timeout=_PATIENCE)
        except asyncio.CancelledError:  # ending is what we do
            cancelled = True
            pending = {task for task in pending if not task.done()}
    for task in tasks:
        if not task.cancelled():
            task.exception()  # else it would be logged as one that nobody saw
    if cancelled:
        raise asyncio.CancelledError
