"""Which rows fulfil the filters, and in what order: their ids, listed or found page by page.

What is cheap to test is counted once and found again for every page, from whichever end is
nearer. What is not, such as a text in the output of plugins, is found once and listed.
"""

import json
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate, chain
from typing import Any

from nessus_operator.results.fields import TABLE
from nessus_operator.results.filters import Term, Where
from nessus_operator.results.names import Level
from nessus_operator.results.schema import INDEXES
from nessus_operator.results.store import Results

FEW = 20_000  # rows that are found and sorted sooner by an index than by looking at every row
_NO_INDEX = "NOT INDEXED"
_INDEXES = frozenset(statement.split()[2] for statement in INDEXES)


class Order(StrEnum):
    """Rank: severity, score, host, port. Each of the others falls back to rank in the end."""

    RANK = "rank"
    HOST = "host"
    PLUGIN = "plugin"
    SCORE = "score"


_ORDERED = {
    Order.HOST: "{table} AS f WHERE {where} ORDER BY f.host, f.id",
    Order.PLUGIN: "plugins AS p CROSS JOIN {table} AS f ON f.plugin = p.id WHERE {where} "
    "ORDER BY p.plugin_id, p.id, f.id",
    Order.SCORE: "plugins AS p CROSS JOIN {table} AS f ON f.plugin = p.id WHERE {where} "
    "ORDER BY p.cvss_score IS NULL, p.cvss_score DESC, f.id",
}


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
        """The ids of `count` rows after the selected row `cursor`; 0 is before the first."""
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

    def chunks(self, count: int) -> Iterator[Sequence[int]]:
        last = 0
        while ids := self.after(last, count):
            yield ids
            last = ids[-1]

    def _ids(
        self, direction: str, params: tuple[Any, ...], offset: int, count: int
    ) -> Sequence[int]:
        rows = self.results.rows(
            f"SELECT f.id FROM {self.source} WHERE {self.where} "
            f"ORDER BY f.id {direction} LIMIT ? OFFSET ?",
            (*params, count, offset),
        )
        return [row[0] for row in rows]


Selection = Listed | Walked


@dataclass(frozen=True, slots=True)
class Clause:
    """What selected rows `f` fulfil, as SQL; its first two parameters are an id each."""

    table: str
    terms: tuple[Term, ...]
    first: int
    last: int

    @property
    def sql(self) -> str:
        return " AND ".join(("f.id BETWEEN ? AND ?", *(term.sql for term in self.terms)))

    @property
    def params(self) -> tuple[Any, ...]:
        return (self.first, self.last, *chain.from_iterable(term.params for term in self.terms))


def clause(results: Results, where: Where) -> Clause | None:
    """`where` decided as far as hosts, plugins and severity do; None: it selects no row."""
    table = TABLE[where.record]
    first, last = _ranks(results, table, where.severities)
    terms = _row_terms(results, where)
    if terms is None or first > last:
        return None
    return Clause(table, tuple(terms), first, last)


def select(
    results: Results, where: Where, order: Order = Order.RANK, *, few: int = FEW
) -> Selection:
    """The rows that fulfil `where`; up to `few` of them are looked up in an index."""
    found = clause(results, where)
    if found is None:
        return Listed(range(0), order)
    if order is not Order.RANK:
        return Listed(
            _listed(results, found, _ORDERED[order].format(table=found.table, where=found.sql)),
            order,
        )
    if not found.terms:
        return Listed(range(found.first, found.last + 1))
    if any(term.calls_back for term in found.terms):
        source = f"{found.table} AS f {_access(results, found, few)}"
        return Listed(_listed(results, found, f"{source} WHERE {found.sql} ORDER BY f.id"))
    return _counted(results, found, few)


def _counted(results: Results, found: Clause, few: int) -> Walked:
    """A selection by terms that are cheap to test. One index may count many rows, but rows that
    are many are walked in their own order."""
    single = f"{found.table}_{found.terms[0].index}" if len(found.terms) == 1 else ""
    access = f"INDEXED BY {single}" if single in _INDEXES else _access(results, found, few)
    [(total,)] = results.rows(
        f"SELECT count(*) FROM {found.table} AS f {access} WHERE {found.sql}", found.params
    )
    source = f"{found.table} AS f {access if total <= few else _NO_INDEX}"
    return Walked(results, source, found.sql, found.params, total)


def _access(results: Results, found: Clause, few: int) -> str:
    """How to get at the rows: by the index that leads to the fewest, if these are few."""
    narrowest, fewest = _NO_INDEX, few + 1
    for term in found.terms:
        index = f"{found.table}_{term.index}"
        if index not in _INDEXES:
            continue
        some = (
            f"SELECT 1 FROM {found.table} AS f INDEXED BY {index} "
            f"WHERE f.id BETWEEN ? AND ? AND {term.sql} LIMIT ?"
        )
        [(rows,)] = results.rows(
            f"SELECT count(*) FROM ({some})", (found.first, found.last, *term.params, few + 1)
        )
        if rows < fewest:
            narrowest, fewest = f"INDEXED BY {index}", rows
    return narrowest


def severity_of(results: Results, table: str) -> Callable[[int], int]:
    """Tells the severity of a row from its id alone."""
    ends = [_ranks(results, table, frozenset((severity,)))[1] for severity in (4, 3, 2, 1, 0)]
    last = list(accumulate(ends, max))
    return lambda id_: 4 - bisect_left(last, id_)


def _ranks(results: Results, table: str, severities: frozenset[int]) -> tuple[int, int]:
    """First and last id of the rows of these severities; first > last: there is none."""
    ends = f"SELECT id FROM {table} WHERE severity = ? ORDER BY id"
    found = [
        row[0]
        for severity in severities
        for direction in ("", " DESC")
        for row in results.rows(f"{ends}{direction} LIMIT 1", (severity,))
    ]
    return min(found, default=1), max(found, default=0)


def _row_terms(results: Results, where: Where) -> list[Term] | None:
    """All terms as terms on rows; those on hosts and plugins become sets. None: nothing fits."""
    terms = list(where.of(Level.ROW))
    for level, source, column in (
        (Level.HOST, "hosts AS h", "host"),
        (Level.PLUGIN, "plugins AS p", "plugin"),
    ):
        if not (on_level := where.of(level)):
            continue
        clause = " AND ".join(term.sql for term in on_level)
        params = tuple(chain.from_iterable(term.params for term in on_level))
        found = [row[0] for row in results.rows(f"SELECT id FROM {source} WHERE {clause}", params)]
        if not found:
            return None
        [(all_of_them,)] = results.rows(f"SELECT count(*) FROM {source}")
        if len(found) < all_of_them:
            sql = f"f.{column} IN (SELECT value FROM json_each(?))"
            terms.append(Term(Level.ROW, sql, (json.dumps(found),), column))
    spread = sorted(where.severities)
    if spread and spread[-1] - spread[0] >= len(spread):
        terms.append(
            Term(Level.ROW, f"f.severity IN ({', '.join(map(str, spread))})", (), "severity")
        )
    return terms


def _listed(results: Results, found: Clause, body: str) -> "array[int]":
    rows = results.rows(f"SELECT f.id FROM {body}", found.params)
    return array("I", chain.from_iterable(rows))
