"""What may end the demonstration early: a signal, a full disk, the end of one of its programs."""

import asyncio
import shutil
import signal
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from demo.failures import DISK_FULL, Failure, Interrupted

T = TypeVar("T")

_LATE_NEWS_SECONDS = 2.0  # what a program's end makes fail may be noticed before that end
_LEAST_FREE = 1024 * 1024  # bytes
_LOOK_EVERY = 0.5


class Watch:
    """Takes the signals of this process from its making on, in the loop that runs then."""

    def __init__(self, heard: Callable[[], None]) -> None:
        """`heard` is called at the first signal."""
        loop = asyncio.get_running_loop()
        self._heard = heard
        self.fault: asyncio.Future[Failure] = loop.create_future()
        self._signal: asyncio.Future[int] = loop.create_future()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._interrupt, number)

    async def over(self, work: Coroutine[Any, Any, T]) -> T:
        """What the work answers. Raises what ended it: its own fault, Failure or Interrupted."""
        task, news = asyncio.create_task(work), (self.fault, self._signal)
        await asyncio.wait((task, *news), return_when=asyncio.FIRST_COMPLETED)
        if task.done() and task.exception():
            await asyncio.wait(
                news, timeout=_LATE_NEWS_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        if self.fault.done():
            raise self.fault.result()
        if self._signal.done():
            raise Interrupted(self._signal.result())
        return task.result()

    async def keep_room(self, folder: Path) -> None:
        """Until cancelled: a disk that is full is the fault, whatever that makes fail."""
        while not self.fault.done():
            if shutil.disk_usage(folder).free < _LEAST_FREE:
                self.fault.set_result(Failure(DISK_FULL))
            await asyncio.sleep(_LOOK_EVERY)

    def _interrupt(self, number: int) -> None:
        if not self._signal.done():
            self._signal.set_result(number)
            self._heard()
