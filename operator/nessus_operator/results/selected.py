"""Rows that were selected, in their order: listed, counted and found page by page, or both."""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, overload

from nessus_operator.results.store import Results

NEAR = 4_000  # rows that are looked at before a listing is made


class Order(StrEnum):
    """Rank: severity, score, host, port. Each of the others falls back to rank in the end."""

    RANK = "rank"
    HOST = "host"
    PLUGIN = "plugin"
    SCORE = "score"


@dataclass(frozen=True, slots=True)
class AllBut(Sequence[int]):
    """The ids from `first` to `last` without those that are `left_out`, which ascend."""

    first: int
    last: int
    left_out: Sequence[int]

    def __len__(self) -> int:
        return self.last - self.first + 1 - len(self.left_out)

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> list[int]: ...
    def __getitem__(self, index: int | slice) -> int | list[int]:
        if isinstance(index, slice):
            return [self[one] for one in range(*index.indices(len(self)))]
        if index < 0 or index >= len(self):
            raise IndexError(index)
        # So many are left out before it as leave it at its place among the rest.
        before = bisect_right(
            range(len(self.left_out)), index, key=lambda at: self.left_out[at] - self.first - at
        )
        return self.first + index + before


@dataclass(frozen=True, slots=True)
class Listed:
    """All ids, in order. Those in rank order ascend."""

    ids: Sequence[int]
    order: Order = Order.RANK

    @property
    def total(self) -> int:
        return len(self.ids)

    def window(self, offset: int, count: int) -> Sequence[int]:
        """The ids of `count` rows after the first `offset`."""
        return self.ids[offset : offset + count]

    def after(self, cursor: int, count: int) -> Sequence[int]:
        """The ids of `count` rows after the selected row `cursor`; 0 is before the first.

        Raises ValueError where no such row is selected and the order is not that of ranks.
        """
        if self.order is Order.RANK or not cursor:
            return self.window(bisect_right(self.ids, cursor) if cursor else 0, count)
        return self.window(self.ids.index(cursor) + 1, count)

    def chunks(self, count: int) -> Iterator[Sequence[int]]:
        """All ids, `count` at a time."""
        for offset in range(0, self.total, count):
            yield self.window(offset, count)


@dataclass(frozen=True, slots=True)
class Walked:
    """Rows in rank order, counted but not listed."""

    results: Results
    source: str  # FROM and how to get at the rows
    where: str  # begins with "f.id BETWEEN ? AND ?"
    params: tuple[Any, ...]  # all of `where`
    total: int

    def window(self, offset: int, count: int) -> Sequence[int]:
        count = min(count, self.total - offset)
        if count <= 0:
            return ()
        if offset <= self.total // 2:
            return self._ids("ASC", self.params, offset, count)
        return self._ids("DESC", self.params, self.total - offset - count, count)[::-1]

    def after(self, cursor: int, count: int) -> Sequence[int]:
        first, *others = self.params
        return self._ids("ASC", (max(cursor + 1, first), *others), 0, count)

    def near(self, cursor: int, count: int) -> Sequence[int]:
        """Up to `count` ids behind `cursor`, of the rows that a short walk meets."""
        first, last, *others = self.params
        first = max(cursor + 1, first)
        return self._ids("ASC", (first, min(last, first + NEAR), *others), 0, count)

    def chunks(self, count: int) -> Iterator[Sequence[int]]:
        last = 0
        while ids := self.after(last, count):
            yield ids
            last = ids[-1]

    def _ids(
        self, direction: str, params: tuple[Any, ...], offset: int, count: int
    ) -> Sequence[int]:
        rows = self.results.rows(
            f"SELECT f.id FROM {self.source} WHERE {self.where} "  # noqa: S608 - values are bound
            f"ORDER BY f.id {direction} LIMIT ? OFFSET ?",
            (*params, count, offset),
        )
        return [row[0] for row in rows]


@dataclass(slots=True)
class Deferred:
    """Rows in rank order, counted, and listed only when they do not lie near to one another."""

    walked: Walked
    make: Callable[[], Sequence[int]]
    listed: Listed | None = None

    @property
    def total(self) -> int:
        return self.walked.total

    def window(self, offset: int, count: int) -> Sequence[int]:
        wanted = min(offset + count, self.total)
        if self.listed is None and wanted <= NEAR:
            ids = self.walked.near(0, wanted)
            if len(ids) == wanted:
                return ids[offset:]
        return self._all().window(offset, count)

    def after(self, cursor: int, count: int) -> Sequence[int]:
        if self.listed is None:
            ids = self.walked.near(cursor, count)
            if len(ids) == count:
                return ids
        return self._all().after(cursor, count)

    def chunks(self, count: int) -> Iterator[Sequence[int]]:
        return self._all().chunks(count)

    def _all(self) -> Listed:
        if self.listed is None:
            self.listed = Listed(self.make())
        return self.listed


Selection = Listed | Walked | Deferred
