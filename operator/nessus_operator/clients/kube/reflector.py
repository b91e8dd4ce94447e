"""Follow every object of one kind: list once, then watch, resume, and list again when told to.

Rules learnt from a real API server: a watch ends by being cut far more often than it ends, so
the backoff is reset once a watch is open; a server that restarts answers 403, 404, 429 and 5xx
for a while. A silent watch may have lost its connection, may be of a version of the future that
never comes (the store was restored from a backup), or nothing happens and etcd was not told to
say so (`--watch-progress-notify-interval`). So after a silence the server is asked where it is,
and listed again only if it went back, or after an outage longer than a silence.
"""

import asyncio
import random
from collections.abc import Callable
from contextlib import aclosing
from typing import Literal

import structlog

from nessus_operator.api.names import GROUP
from nessus_operator.clients import clock
from nessus_operator.clients.errors import Fault, NotFound
from nessus_operator.clients.kube.paths import resource_of
from nessus_operator.clients.kube.requests import Gone, Kube, Object, fault

log = structlog.get_logger(__name__)

Change = Literal["ADDED", "MODIFIED", "DELETED"]
Restart = Literal["expired", "silent", "error"]

# The server sends a bookmark about every 60 seconds, unless nothing happens in the cluster.
SILENCE = 75.0
PATIENCE = 7 / 8  # the part of a silence after which the server is asked
_WATCH_SECONDS = 300
_FIRST_BACKOFF = 0.2
_LAST_BACKOFF = 5.0


class Reflector:
    """Calls `on_change` for each change, in order; after a gap also for what was deleted in it.

    `synced` is set once the first list was read. `fault` is why the last try failed, None while
    all is well. `seen` is the monotonic moment of the last sign of life. `report(path, None)` is
    told each of those, `report(path, reason)` each new beginning.
    """

    def __init__(
        self,
        kube: Kube,
        path: str,
        on_change: Callable[[Change, Object], None],
        *,
        report: Callable[[str, Restart | None], None] = lambda _path, _restart: None,
        silence: float = SILENCE,
    ) -> None:
        self.path = path
        self.synced = asyncio.Event()
        self.fault: Fault | None = None
        self.seen = clock.monotonic()
        self._kube = kube
        self._on_change = on_change
        self._report = report
        self._silence = silence
        self._version: str | None = None
        self._known: dict[str, Object] = {}
        self._backoff = _FIRST_BACKOFF
        self._doubtful = False
        self._open = False

    def fresh(self) -> bool:
        """Read once, and not silent for longer than a bookmark, or an answer, may take."""
        return self.synced.is_set() and clock.monotonic() - self.seen <= self._silence

    def problem(self) -> str | None:
        """What is missing, in words for anybody: no address, and no text of a fault."""
        if self.fresh():
            return None
        resource = resource_of(self.path)
        if isinstance(self.fault, NotFound):
            return f"customresourcedefinition {resource}.{GROUP}: apply the files of crds/"
        return f"{resource}: {'the watch is silent' if self.synced.is_set() else 'not read yet'}"

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            self._open = False
            try:
                if self._doubtful and self._version is not None:
                    await self._ask(self._version)
                self._doubtful = False
                if self._version is None:
                    self._version = await self._list()
                await self._watch(self._version)
            except Gone:
                self._restart("expired")
                await asyncio.sleep(_FIRST_BACKOFF)
            except Fault as error:
                if self._open and isinstance(error.__cause__, TimeoutError):
                    self._doubtful = True
                else:
                    await self._wait_after(error)

    async def _ask(self, version: str) -> None:
        answer = await self._kube.get(self.path, limit="1")
        if int(_version(answer)) < int(version):
            self._restart("silent")
        else:
            self._alive()

    async def _list(self) -> str:
        objects, version = await self._kube.list_all(self.path)
        found = {item["metadata"]["uid"]: item for item in objects}
        for uid in self._known.keys() - found.keys():
            self._emit("DELETED", self._known[uid])
        for uid, item in found.items():
            known = self._known.get(uid)
            if known is None:
                self._emit("ADDED", item)
            elif _version(known) != _version(item):
                self._emit("MODIFIED", item)
        self._alive()
        self.synced.set()
        return version

    async def _watch(self, version: str) -> None:
        seconds = _WATCH_SECONDS + random.randrange(60)  # noqa: S311 - spreads load, no secret
        patience = self._silence * PATIENCE
        events = self._kube.watch(self.path, version, seconds=seconds, silence=patience)
        async with aclosing(events):
            async for event in events:
                self._take(event["type"], event["object"])

    def _take(self, kind: str, item: Object) -> None:
        match kind:
            case "ERROR":
                raise fault(item.get("code", 500), item)
            case "OPENED":
                self._open = True
                self._backoff = _FIRST_BACKOFF
                self.fault = None
                return
            case "ADDED" | "MODIFIED" | "DELETED":
                self._emit(kind, item)
        self._version = _version(item)
        self._alive()

    def _emit(self, change: Change, item: Object) -> None:
        uid = item["metadata"]["uid"]
        if change == "DELETED":
            self._known.pop(uid, None)
        else:
            self._known[uid] = {"metadata": {"uid": uid, **_names(item)}}
        self._on_change(change, item)

    def _alive(self) -> None:
        self.fault = None
        self.seen = clock.monotonic()
        self._report(self.path, None)

    def _restart(self, reason: Restart) -> None:
        self._version = None
        self._report(self.path, reason)

    async def _wait_after(self, error: Fault) -> None:
        if self.fault is None or str(self.fault) != str(error):
            log.warning("Watch failed", path=self.path, error=str(error))
        self.fault = error
        self._report(self.path, "error")
        await asyncio.sleep(self._backoff * random.uniform(0.5, 1.5))  # noqa: S311 - jitter
        self._backoff = min(self._backoff * 2, _LAST_BACKOFF)
        if self.synced.is_set() and not self.fresh():
            self._version = None


def _version(item: Object) -> str:
    version: str = item["metadata"]["resourceVersion"]
    return version


def _names(item: Object) -> dict[str, str]:
    metadata = item["metadata"]
    return {
        "name": metadata["name"],
        "namespace": metadata.get("namespace", ""),
        "resourceVersion": metadata["resourceVersion"],
    }
