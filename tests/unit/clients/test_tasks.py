"""Tasks that run together end together, also those that a cancellation does not reach."""

import asyncio
import gc
import sys
from collections.abc import Awaitable, Callable

import pytest

from nessus_operator.clients import tasks
from nessus_operator.clients.tasks import end, until_one_ends


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "_PATIENCE", 0.05)


async def forever() -> None:
    await asyncio.Event().wait()


async def deaf_once() -> None:
    """Overhears what is said to it first."""
    try:
        await forever()
    except asyncio.CancelledError:
        await forever()


async def in_good_order(ended: list[str]) -> None:
    try:
        await forever()
    finally:
        await asyncio.sleep(0.01)
        ended.append("logged out")


async def start_a_process() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "", stdout=asyncio.subprocess.PIPE
    )
    try:
        await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_what_one_returns_or_raises_ends_the_others() -> None:
    ended: list[str] = []

    async def fails() -> None:
        await asyncio.sleep(0.01)
        raise KeyError("first")

    with pytest.raises(KeyError, match="first"):
        await until_one_ends(in_good_order(ended), fails())
    assert ended == ["logged out"]


DEAF: dict[str, Callable[[], Awaitable[None]]] = {
    "one that overheard it": deaf_once,
    "one that waits for one that overheard it": lambda: until_one_ends(deaf_once(), forever()),
}


@pytest.mark.parametrize("work", DEAF.values(), ids=DEAF)
async def test_one_that_goes_on_is_told_again(work: Callable[[], Awaitable[None]]) -> None:
    task = asyncio.ensure_future(work())
    await asyncio.sleep(0)
    await asyncio.wait_for(end([task]), 5)
    assert task.cancelled()


# asyncio leaves the pipes of such a process to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_one_whose_process_was_cancelled_while_it_started_ends() -> None:
    """As kopf does it: with every task of the process, asyncio's own for the pipes too."""
    before = asyncio.all_tasks()
    starts = asyncio.ensure_future(start_a_process())
    new = {starts}
    for _ in range(50):
        await asyncio.sleep(0)
        new = asyncio.all_tasks() - before
        if len(new) > 1:
            break
    for task in new:
        task.cancel()
    await asyncio.wait_for(end([starts]), 5)
    assert starts.done()
    new.clear()
    del starts, task
    gc.collect()  # here, where its warnings are expected


async def test_who_is_cancelled_while_it_ends_others_ends_them_first() -> None:
    slow = asyncio.ensure_future(deaf_once())
    await asyncio.sleep(0)
    ending = asyncio.ensure_future(end([slow]))
    await asyncio.sleep(0.01)
    ending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ending
    assert slow.cancelled()
