"""Which rows fulfil the filters, and how they are found fastest.

What an index leads to, and what is slow to test, is found once and listed, the former only when a
page is asked for that does not lie near where the search begins. The rest is counted, and found
again for every page, from whichever end is nearer.
"""

import json
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, chain
from typing import Any

from nessus_operator.results.fields import TABLE
from nessus_operator.results.filters import Term, Where
from nessus_operator.results.names import Level
from nessus_operator.results.schema import INDEXES
from nessus_operator.results.selected import AllBut, Deferred, Listed, Order, Selection, Walked
from nessus_operator.results.store import Results

FEW = 50_000  # rows; to list more takes longer than to walk to any page of 200,000
_NO_INDEX = "NOT INDEXED"
_IN = "{} IN (SELECT value FROM json_each(?))"
_INDEXES = frozenset(statement.split()[2] for statement in INDEXES)


_ORDERED = {
    Order.HOST: "{table} AS f WHERE {where} ORDER BY f.host, f.id",
    Order.PLUGIN: "plugins AS p CROSS JOIN {table} AS f ON f.plugin = p.id WHERE {where} "
    "ORDER BY p.plugin_id, p.id, f.id",
    Order.SCORE: "plugins AS p CROSS JOIN {table} AS f ON f.plugin = p.id WHERE {where} "
    "ORDER BY p.cvss_score IS NULL, p.cvss_score DESC, f.id",
}


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
    if all(term.index == "severity" for term in found.terms):
        return Listed(AllBut(found.first, found.last, _between(results, found, where.severities)))
    if any(term.calls_back for term in found.terms):
        source = f"{found.table} AS f {_access(results, found, few)}"
        return Listed(_listed(results, found, f"{source} WHERE {found.sql} ORDER BY f.id"))
    return _counted(results, found, few)


def _counted(results: Results, found: Clause, few: int) -> Selection:
    """A selection by terms that are cheap to test: listed if an index leads to its rows."""
    if len(found.terms) == 1 and f"{found.table}_{found.terms[0].index}" in _INDEXES:
        return _by_one_term(results, found, few)
    access = _access(results, found, few)
    if access != _NO_INDEX:
        source = f"{found.table} AS f {access}"
        return Listed(_ascending(results, found, source))
    return _walked(results, found)


def _by_one_term(results: Results, found: Clause, few: int) -> Selection:
    """Where most rows are selected, those that are not are listed."""
    [term] = found.terms
    source = f"{found.table} AS f INDEXED BY {found.table}_{term.index}"
    total = _count(results, found, source) if term.rows is None else term.rows

    def listed() -> Sequence[int]:
        return _ascending(results, found, source)

    def all_but() -> Sequence[int]:
        others = replace(found, terms=(replace(term, params=(term.others,)),))
        left_out = _ascending(results, others, source)
        return AllBut(found.first, found.last, left_out)

    rows = found.last - found.first + 1
    if total <= few or (term.others and rows - total <= few):
        make = listed if total <= rows - total or not term.others else all_but
        return Deferred(_walked(results, found, total), make)
    return _walked(results, _narrowed(results, found), total)


def _count(results: Results, found: Clause, source: str) -> int:
    [(count,)] = results.rows(f"SELECT count(*) FROM {source} WHERE {found.sql}", found.params)
    return int(count)


def _walked(results: Results, found: Clause, total: int | None = None) -> Walked:
    source = f"{found.table} AS f {_NO_INDEX}"
    if total is None:
        total = _count(results, found, source)
    return Walked(results, source, found.sql, found.params, total)


def _narrowed(results: Results, found: Clause) -> Clause:
    """Of one set: its rows may lie close together, and walking begins at one of their ends."""
    [term] = found.terms
    if term.others is None:
        return found
    end = f"(SELECT {{}}(f.id) FROM {found.table} AS f WHERE f.{term.index} = j.value)"
    [(first, last)] = results.rows(
        f"SELECT min({end.format('min')}), max({end.format('max')}) FROM json_each(?) AS j",
        term.params,
    )
    return replace(found, first=max(first, found.first), last=min(last, found.last))


def _set_terms(
    results: Results, where: Where, sets: Sequence[tuple[str, str, str]]
) -> Iterator[Term]:
    """Sets of hosts and of plugins as terms on rows. That of two which has fewer rows leads to
    them; an index of plugins tells the host of each row."""
    table = TABLE[where.record]
    counted = sorted(
        (_tallied(results, table, column, found, where.severities), column, found, others)
        for column, found, others in sets
    )
    leading = "+" if len(counted) == 2 else ""
    for place, (rows, column, found, others) in enumerate(counted):
        if place == 0:
            both = leading and column == "plugin" and f"{table}_plugin_host" in _INDEXES
            index = "plugin_host" if both else column
            yield Term(Level.ROW, _IN.format(f"f.{column}"), (found,), index, others, rows)
        else:
            yield Term(Level.ROW, _IN.format(f"+f.{column}"), (found,))


def _tallied(
    results: Results, table: str, column: str, ids: str, severities: frozenset[int]
) -> int:
    """How many rows belong to these hosts or plugins."""
    [(rows,)] = results.rows(
        "SELECT total(rows) FROM tallies WHERE list = ? AND kind = ? AND "
        f"{_IN.format('id')} AND {_IN.format('severity')}",
        (table, column, ids, json.dumps(sorted(severities))),
    )
    return int(rows)


def _access(results: Results, found: Clause, few: int) -> str:
    """How to get at the rows: by the index that leads to the fewest, if these are few."""
    narrowest, fewest = _NO_INDEX, few + 1
    for term in found.terms:
        index = f"{found.table}_{term.index}"
        if index not in _INDEXES:
            continue
        rows = term.rows
        if rows is None:
            some = (
                f"SELECT 1 FROM {found.table} AS f INDEXED BY {index} "
                f"WHERE f.id BETWEEN ? AND ? AND {term.sql} LIMIT ?"
            )
            [(rows,)] = results.rows(
                f"SELECT count(*) FROM ({some})", (found.first, found.last, *term.params, fewest)
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


def _between(results: Results, found: Clause, severities: frozenset[int]) -> Sequence[int]:
    """The ids of other severities within those of `found`."""
    ids = array("I")
    for severity in range(max(severities), min(severities), -1):
        if severity not in severities:
            first, last = _ranks(results, found.table, frozenset((severity,)))
            # The gravest or the lightest that is asked for may have no row.
            ids.extend(range(max(first, found.first), min(last, found.last) + 1))
    return ids


def _row_terms(results: Results, where: Where) -> list[Term] | None:
    """All terms as terms on rows; those on hosts and plugins become sets. None: nothing fits."""
    terms = list(where.of(Level.ROW))
    sets = []
    for level, source, column in (
        (Level.HOST, "hosts AS h", "host"),
        (Level.PLUGIN, "plugins AS p", "plugin"),
    ):
        if not (on_level := where.of(level)):
            continue
        clause = " AND ".join(term.sql for term in on_level)
        params = tuple(chain.from_iterable(term.params for term in on_level))
        found = {row[0] for row in results.rows(f"SELECT id FROM {source} WHERE {clause}", params)}
        others = {row[0] for row in results.rows(f"SELECT id FROM {source}")} - found
        if not found:
            return None
        if others:
            sets.append((column, json.dumps(sorted(found)), json.dumps(sorted(others))))
    terms += _set_terms(results, where, sets)
    spread = sorted(where.severities)
    if spread and spread[-1] - spread[0] >= len(spread):
        terms.append(
            Term(Level.ROW, f"f.severity IN ({', '.join(map(str, spread))})", (), "severity")
        )
    return terms


def _listed(results: Results, found: Clause, body: str) -> "array[int]":
    return array("I", _ids(results, found, body))


def _ascending(results: Results, found: Clause, source: str) -> "array[int]":
    ids = _ids(results, found, f"{source} WHERE {found.sql}")
    ids.sort()
    return array("I", ids)


def _ids(results: Results, found: Clause, body: str) -> list[int]:
    # One JSON array is read faster than a row for each id.
    sql = f"SELECT json_group_array(id) FROM (SELECT f.id AS id FROM {body})"
    [(listed,)] = results.rows(sql, found.params)
    ids: list[int] = json.loads(listed)
    return ids
