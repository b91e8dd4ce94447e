"""The results volume: stores opened read-only, in threads, so many at a time."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import TypeVar

import structlog

from nessus_gateway.errors import Refused, Unavailable
from nessus_gateway.metrics import GatewayMetrics
from nessus_operator.api.scan import NessusScan
from nessus_operator.results import faults, layout
from nessus_operator.results.faults import ReadFault
from nessus_operator.results.schema import FILE
from nessus_operator.results.store import Results, open_results

log = structlog.get_logger(__name__)

T = TypeVar("T")
_Key = tuple[Path, int]

_QUESTION_SECONDS = 10.0  # of SQLite's own work
_ANSWER_SECONDS = 20.0  # with waiting for a free thread, and for the volume
_GLANCE_SECONDS = 2.0


class Volume:
    """Asks stored reports. Which folder belongs to a scan follows from its metadata alone."""

    def __init__(self, root: Path, at_once: int, metrics: GatewayMetrics) -> None:
        self._root = root
        self._metrics = metrics
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="results")
        self._idle: OrderedDict[_Key, list[Results]] = OrderedDict()
        self._kept = at_once * 2
        self._lock = Lock()

    async def ask(self, scan: NessusScan, question: Callable[[Results], T]) -> T:
        """What `question` finds in the results of a scan that has some; raises ToolError."""
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                return await self._ask(scan, question)
        except TimeoutError:
            raise Unavailable(
                "the results volume is too slow just now; try again in a minute, with a smaller "
                "page or a filter"
            ) from None
        except (faults.InvalidQuery, faults.QueryTooSlow) as fault:
            raise Refused(str(fault)) from fault
        except faults.ResultsRemoved as fault:
            raise Refused(f"{fault}. Run the scan again to see them") from fault
        except (ReadFault, OSError) as fault:
            log.error("Results not read", task_id=scan.task_id, error=str(fault))
            raise Unavailable(
                f"the results of {scan.task_id} cannot be read; the gateway's log says why"
            ) from fault

    async def login_plugins(self, scan: NessusScan) -> int | None:
        """How many plugins told of logins to the hosts; None where the results are out of reach."""
        try:
            async with asyncio.timeout(_GLANCE_SECONDS):
                return await self._ask(scan, _login_plugins)
        except (ReadFault, OSError, TimeoutError):
            return None

    async def _ask(self, scan: NessusScan, question: Callable[[Results], T]) -> T:
        folder, size = self._folder(scan), _size(scan)

        def answer() -> T:
            with self._borrowed((folder, size)) as results:
                return question(results)

        return await asyncio.get_running_loop().run_in_executor(self._threads, answer)

    def _folder(self, scan: NessusScan) -> Path:
        metadata = scan.metadata
        attempt = scan.status.attempt or 1
        return layout.attempt_folder(self._root, metadata.namespace, metadata.uid, attempt)

    @contextmanager
    def _borrowed(self, key: _Key) -> Iterator[Results]:
        """A store for this thread alone; kept open for the next page unless it failed."""
        folder, size = key
        results = self._take(key)
        if results is None or not (folder / FILE).exists():
            results = open_results(folder, expected_bytes=size, seconds=_QUESTION_SECONDS)
        try:
            yield results
        except faults.InvalidQuery:
            self._give_back(key, results)
            raise
        except BaseException:
            results.close()
            raise
        self._give_back(key, results)

    def _take(self, key: _Key) -> Results | None:
        with self._lock:
            idle = self._idle.get(key)
            if not idle:
                return None
            results = idle.pop()
            if not idle:
                del self._idle[key]
            return results

    def _give_back(self, key: _Key, results: Results) -> None:
        with self._lock:
            self._idle.setdefault(key, []).append(results)
            self._idle.move_to_end(key)
            surplus = sum(map(len, self._idle.values())) - self._kept
            closing = [self._oldest() for _ in range(surplus)]
        for one in closing:
            one.close()

    def _oldest(self) -> Results:
        key, idle = next(iter(self._idle.items()))
        results = idle.pop()
        if not idle:
            del self._idle[key]
        return results

    def close(self) -> None:
        """Wait for no answer any more, and close what is open."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            for idle in self._idle.values():
                for results in idle:
                    results.close()
            self._idle.clear()


def _size(scan: NessusScan) -> int:
    return scan.status.results.store_bytes if scan.status.results else 0


def _login_plugins(results: Results) -> int:
    return len(results.meta["authentication"]["plugins"])
