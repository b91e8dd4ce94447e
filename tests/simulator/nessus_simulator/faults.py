"""Faults that a test orders: which requests they strike, and what then becomes of them.

A fault strikes `before` the request takes effect, or `after` it did and before its answer is sent.
"""

import asyncio
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from nessus_simulator import refusals

SETTLE_SECONDS = 10.0


class Stage(StrEnum):
    BEFORE = "before"
    AFTER = "after"


class Action(StrEnum):
    HOLD = "hold"  # until the fault is deleted
    CUT = "cut"  # close the connection without an answer
    TRUNCATE = "truncate"  # close the connection in the middle of the answer's body
    STATUS = "status"  # give another answer
    WRONG_UUID = "wrong-uuid"  # replace each uuid in the answer
    DELAY = "delay"  # by real seconds


AFTER_ONLY = frozenset({Action.TRUNCATE, Action.WRONG_UUID})


def _compilable(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    return pattern


class FaultSpec(BaseModel):
    """What POST /_simulator/faults takes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    method: str | None = None
    path: Annotated[str, AfterValidator(_compilable)]
    nth: Annotated[int, Field(ge=1)] = 1
    count: Annotated[int, Field(ge=1)] | None = 1  # None: every later one too
    stage: Stage | None = None
    action: Action
    status: Annotated[int, Field(ge=200, le=599)] | None = None
    headers: dict[str, str] = {}
    body: str | None = None
    seconds: Annotated[float, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.action is Action.STATUS and self.status is None:
            raise ValueError("the action status needs a status, for example 503")
        if self.action is Action.DELAY and self.seconds is None:
            raise ValueError("the action delay needs seconds")
        if self.action in AFTER_ONLY and self.stage is Stage.BEFORE:
            raise ValueError(f"the action {self.action} changes an answer: its stage is after")
        return self

    @property
    def strikes_at(self) -> Stage:
        """`before` unless it is said otherwise or the action needs an answer to work on."""
        if self.stage is not None:
            return self.stage
        return Stage.AFTER if self.action in AFTER_ONLY else Stage.BEFORE

    def matches(self, method: str, path: str) -> bool:
        return self.method in (None, method) and re.search(self.path, path) is not None

    def strikes(self, matched: int) -> bool:
        """Whether it strikes the request that is the `matched`-th, counted from 1, to match."""
        return self.nth <= matched and (self.count is None or matched < self.nth + self.count)


@dataclass(slots=True)
class Fault:
    """`open` requests are those that it struck and that are not finished; `held` wait in it."""

    id: int
    spec: FaultSpec
    matched: int = 0
    hits: int = 0
    held: int = 0
    open: int = 0
    dropped: bool = False
    released: asyncio.Event = field(default_factory=asyncio.Event)

    def view(self) -> dict[str, Any]:
        counts = {name: getattr(self, name) for name in ("matched", "hits", "held", "open")}
        return {"id": self.id, **counts, **self.spec.model_dump(exclude_defaults=True)}


class Faults:
    """Those in force, oldest first; a request is struck by the first that wants it."""

    def __init__(self) -> None:
        self._faults: dict[int, Fault] = {}
        self._next_id = 1
        self._changed = asyncio.Event()

    def add(self, spec: FaultSpec) -> Fault:
        fault = Fault(self._next_id, spec)
        self._next_id += 1
        self._faults[fault.id] = fault
        return fault

    def views(self) -> list[dict[str, Any]]:
        return [fault.view() for fault in self._faults.values()]

    def find(self, fault_id: int) -> Fault:
        if fault_id not in self._faults:
            raise refusals.not_found(f"There is no fault {fault_id}")
        return self._faults[fault_id]

    def strike(self, method: str, path: str) -> Fault | None:
        struck = None
        for fault in self._faults.values():
            if fault.spec.matches(method, path):
                fault.matched += 1
                if struck is None and fault.spec.strikes(fault.matched):
                    struck = fault
        return struck

    @contextmanager
    def striking(self, fault: Fault) -> Iterator[None]:
        """While a request that the fault struck is being worked on."""
        fault.hits += 1
        fault.open += 1
        self._tell()
        try:
            yield
        finally:
            fault.open -= 1
            self._tell()

    async def hold(self, fault: Fault) -> bool:
        """Wait for the release; False: the request is to be dropped."""
        fault.held += 1
        self._tell()
        try:
            await fault.released.wait()
        finally:
            fault.held -= 1
        return not fault.dropped

    async def wait_struck(self, fault: Fault, requests: int, seconds: float) -> None:
        """Until that many requests are held or, if it does not hold, done with; or time is up."""

        def reached() -> bool:
            holds = fault.spec.action is Action.HOLD
            return (fault.held if holds else fault.hits - fault.open) >= requests

        await self._wait(reached, seconds)

    async def remove(self, fault: Fault, *, drop: bool) -> None:
        """Let go of what it holds and wait until those requests have taken their effect."""
        del self._faults[fault.id]
        fault.dropped = drop
        fault.released.set()
        await self._wait(lambda: fault.open == 0, SETTLE_SECONDS)

    async def remove_all(self, *, drop: bool) -> int:
        faults = tuple(self._faults.values())
        for fault in faults:
            await self.remove(fault, drop=drop)
        return len(faults)

    async def _wait(self, reached: Callable[[], bool], seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                while not reached():
                    await self._changed.wait()
        except TimeoutError:
            return

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
