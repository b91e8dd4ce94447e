"""Programs that run beside the demonstration: none outlives it, and the end of one is a fault."""

import asyncio
import ctypes
import json
import os
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from demo.failures import Failure
from nessus_operator.results.clean import one_line

T = TypeVar("T")

_END_SECONDS = 15.0
_LOOK_EVERY = 0.05
_LAST_LINES = 5
_LINE_LENGTH = 400
_SET_PARENT_DEATH_SIGNAL = 1  # prctl's number for it


@dataclass(frozen=True, slots=True)
class Child:
    name: str
    process: asyncio.subprocess.Process
    log: Path

    def lines(self) -> list[str]:
        return self.log.read_text(errors="replace").splitlines()

    def events(self) -> list[dict[str, Any]]:
        """Its log as far as it is JSON."""
        found = []
        for line in self.lines():
            with suppress(ValueError):
                found.append(json.loads(line))
        return found

    def port(self) -> int | None:
        """Where it listens, once its log says so."""
        return next((e["port"] for e in self.events() if e.get("event") == "Listens"), None)

    def failed(self, how: str) -> Failure:
        """With the end of its log."""
        last = tuple(one_line(line, _LINE_LENGTH) for line in self.lines()[-_LAST_LINES:])
        return Failure(f"{self.name} {how}" + ("; its log ends with" if last else ""), last)


@dataclass
class Children:
    """`fault` has the reason once one ended that should not have."""

    folder: Path  # for logs, and the programs' working directory
    fault: asyncio.Future[Failure]
    _running: list[tuple[Child, asyncio.Task[None]]] = field(default_factory=list)

    async def start(
        self, name: str, command: Sequence[str | Path], environment: Mapping[str, str]
    ) -> Child:
        """In a session of its own: a Ctrl-C reaches the demonstration alone, which ends them."""
        log = self.folder / f"{name.replace(' ', '-')}.log"
        with log.open("wb") as out:
            process = await asyncio.create_subprocess_exec(
                *command,
                env=environment,
                cwd=self.folder,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGKILL),
            )
        child = Child(name, process, log)
        self._running.append((child, asyncio.create_task(self._watch(child))))
        return child

    async def until(
        self, child: Child, look: Callable[[Child], Awaitable[T | None]], seconds: float
    ) -> T:
        """What `look` finds once it finds something. Raises Failure when that takes too long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    found = await look(child)
                    if found is not None:
                        return found
                    await asyncio.sleep(_LOOK_EVERY)
        raise child.failed(f"is not ready after {seconds:.0f} s")

    async def end(self) -> None:
        """Asks each to end, the last one started first, and kills what does not."""
        for child, watch in reversed(self._running):
            watch.cancel()
            with suppress(ProcessLookupError):
                child.process.terminate()
            try:
                await asyncio.wait_for(child.process.wait(), _END_SECONDS)
            except TimeoutError:
                child.process.kill()
                await child.process.wait()
        self._running.clear()

    async def _watch(self, child: Child) -> None:
        status = await child.process.wait()
        if not self.fault.done():
            self.fault.set_result(child.failed(f"ended {_how(status)}"))


def die_with_parent(number: signal.Signals) -> Callable[[], None]:
    """For a new child: Linux sends it that signal when its parent ends, however that ends."""
    parent = os.getpid()
    prctl = ctypes.CDLL(None).prctl

    def ask() -> None:
        prctl(_SET_PARENT_DEATH_SIGNAL, number)
        if os.getppid() != parent:  # it ended before the kernel was asked
            os.kill(os.getpid(), number)

    return ask


def _how(status: int) -> str:
    return f"by {signal.Signals(-status).name}" if status < 0 else f"with status {status}"
