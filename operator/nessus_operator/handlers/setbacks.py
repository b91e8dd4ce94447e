"""An error of ours strikes one scan only: it is logged and rests, and the others go on."""

from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog

from nessus_operator.api.scan import NessusScan
from nessus_operator.clients import clock
from nessus_operator.clients.errors import Fault
from nessus_operator.clients.kube.lease import LeadershipLost

log = structlog.get_logger(__name__)

_FIRST_REST = 1.0
_LAST_REST = 60.0
_FORGOTTEN = 60.0  # seconds without another error, after which a scan begins anew


@dataclass(frozen=True, slots=True)
class Rest:
    """Of `seconds`, to `end` in monotonic seconds."""

    seconds: float
    end: float


def next_rest(last: Rest | None, now: float) -> Rest:
    """Twice as long as the last one, unless that was long ago."""
    known = last is not None and now < last.end + _FORGOTTEN
    seconds = min(last.seconds * 2, _LAST_REST) if last and known else _FIRST_REST
    return Rest(seconds, now + seconds)


class Setbacks:
    """Which scans of a pool rest."""

    def __init__(self) -> None:
        self._rests: dict[str, Rest] = {}

    def rests(self, scan: NessusScan) -> bool:
        rest = self._rests.get(scan.metadata.uid)
        return rest is not None and clock.monotonic() < rest.end

    def ends(self) -> list[float]:
        """When rests end or ended, in monotonic seconds."""
        return [rest.end for rest in self._rests.values()]

    async def guard(self, scan: NessusScan, work: Awaitable[object]) -> None:
        with self.guarded(scan):
            await work

    @contextmanager
    def guarded(self, scan: NessusScan) -> Iterator[None]:
        """Faults of the outside concern more than this scan, so they pass."""
        try:
            yield
        except (Fault, LeadershipLost):
            raise
        except Exception as error:
            self.struck(scan, error)

    def struck(self, scan: NessusScan, error: BaseException) -> None:
        now, uid = clock.monotonic(), scan.metadata.uid
        rest = next_rest(self._rests.get(uid), now)
        log.error("Scan not carried on", task_id=scan.task_id, seconds=rest.seconds, exc_info=error)
        self._rests = {
            one: rest for one, rest in self._rests.items() if now < rest.end + _FORGOTTEN
        } | {uid: rest}
