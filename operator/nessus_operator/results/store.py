"""findings.sqlite as a reader has it: read-only, checked, with faults that say what to do.

One `Results` serves one thread at a time; it may pass from thread to thread.
"""

import hashlib
import json
import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any, Self, TypeVar

from nessus_operator.results.faults import (
    QueryTooSlow,
    ResultsDamaged,
    ResultsOutdated,
    ResultsRemoved,
)
from nessus_operator.results.fields import Record
from nessus_operator.results.filters import Test
from nessus_operator.results.names import Names
from nessus_operator.results.schema import APPLICATION_ID, FILE, SCHEMA_VERSION
from nessus_operator.results.texts import LineReader

_STEPS = 20_000  # of SQLite between two looks at the clock: about a fifth of a millisecond
_CACHE_KIB = 16_384
_KEPT = 16  # answers kept for the next page

Rows = list[tuple[Any, ...]]
_T = TypeVar("_T")


def open_results(
    folder: Path, *, expected_bytes: int | None = None, seconds: float | None = None
) -> "Results":
    """The results in `folder` (which holds findings.sqlite).

    `expected_bytes`: the size that was announced for findings.sqlite. `seconds`: how long one
    answer may take. Raises ResultsRemoved, ResultsDamaged or ResultsOutdated.
    """
    path = folder / FILE
    try:
        size = path.stat().st_size
    except (FileNotFoundError, NotADirectoryError):
        raise _removed() from None
    if expected_bytes not in (None, size):
        raise ResultsDamaged(
            f"The results are damaged: {FILE} has {size} bytes instead of {expected_bytes}"
        )
    results = Results(path, seconds)
    try:
        results.check()
    except BaseException:
        results.close()
        raise
    return results


class Results:
    """An opened store. `meta` holds the facts of the report (see results.schema)."""

    def __init__(self, path: Path, seconds: float | None = None) -> None:
        self._path = path
        self._seconds = seconds
        self._ends = 0.0
        self._tests: list[Callable[[Any], bool]] = []
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()
        self._names: dict[Record, Names] = {}
        self.meta: Mapping[str, Any] = {}
        self.stamp = ""  # tells these results from any others, for cursors
        uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
        with self.reading():
            self._connection = sqlite3.connect(
                uri, uri=True, isolation_level=None, check_same_thread=False
            )
            for pragma in (
                "query_only = 1",
                "trusted_schema = 0",
                "cell_size_check = 1",
                f"cache_size = -{_CACHE_KIB}",
            ):
                self._connection.execute(f"PRAGMA {pragma}")
        self._connection.create_function("matched", 2, self._matched)
        if seconds is not None:
            self._connection.set_progress_handler(self._expired, _STEPS)
        self.lines = LineReader(self._connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    def check(self) -> None:
        """Read `meta`; raises ResultsDamaged or ResultsOutdated where this is no store of ours."""
        with self.reading():
            if self.rows("PRAGMA application_id") != [(APPLICATION_ID,)]:
                raise ResultsDamaged(f"The results are damaged: {FILE} is not a store of findings")
            [(version,)] = self.rows("PRAGMA user_version")
            if version != SCHEMA_VERSION:
                raise ResultsOutdated(
                    f"The results have format {version}, this version reads {SCHEMA_VERSION}: "
                    "ingest the native report again"
                )
            facts: dict[str, str] = dict(self.rows("SELECT key, value FROM meta ORDER BY key"))
            self.meta = {key: json.loads(value) for key, value in facts.items()}
            self.stamp = hashlib.sha256(repr(facts).encode()).hexdigest()[:8]

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Around the making of one answer: its time is limited, and faults are ReadFaults."""
        if self._seconds is not None:
            self._ends = monotonic() + self._seconds
        try:
            yield
        except sqlite3.OperationalError as error:
            if str(error) == "interrupted":
                raise QueryTooSlow(
                    f"The answer took longer than {self._seconds:g} seconds: "
                    "add a filter on severity, host or plugin_id"
                ) from None
            raise self._fault() from error
        except (sqlite3.DatabaseError, UnicodeDecodeError, json.JSONDecodeError) as error:
            raise self._fault() from error

    def rows(self, sql: str, params: tuple[Any, ...] = ()) -> Rows:
        """All rows of a query; a Test among `params` is called where SQL says `matched(?, …)`."""
        try:
            bound = [self._bound(param) for param in params]
            return self._connection.execute(sql, bound).fetchall()
        finally:
            self._tests.clear()

    def names(self, record: Record) -> Names:
        """What the values of that kind of rows are called."""
        if record not in self._names:
            self._names[record] = Names(record, self.meta["extra"])
        return self._names[record]

    def kept(self, key: Hashable, make: Callable[[], _T]) -> _T:
        """What `make` gives, made once while it is asked for again and again."""
        if key in self._kept:
            self._kept.move_to_end(key)
        else:
            self._kept[key] = make()
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        found: _T = self._kept[key]
        return found

    def forget(self) -> None:
        """Drop what is kept: the next answer is made from the file alone."""
        self._kept.clear()

    def _bound(self, param: Any) -> Any:
        if not isinstance(param, Test):
            return param
        self._tests.append(param.holds)
        return len(self._tests) - 1

    def _matched(self, test: int, value: Any) -> bool:
        return self._tests[test](value)

    def _expired(self) -> bool:
        return monotonic() > self._ends

    def _fault(self) -> ResultsRemoved | ResultsDamaged:
        if not self._path.exists():
            return _removed()
        return ResultsDamaged(f"The results are damaged: {FILE} cannot be read")


def _removed() -> ResultsRemoved:
    return ResultsRemoved("The results are not there any more: they were deleted or have expired")
