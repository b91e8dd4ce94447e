"""Rows as people and models see them: JSON objects, texts cleaned, absent fields left out.

What rows share is read once: constant text of a plugin and facts of a host are kept for the next
rows that need them.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any

from nessus_operator.results.clean import clean, clean_json
from nessus_operator.results.fields import TABLE, Field, Place, Record, Type
from nessus_operator.results.names import ID, Level, Named
from nessus_operator.results.profiles import Shown
from nessus_operator.results.store import Results

Row = dict[str, Any]

_CHUNK = 256  # rows read at once
_KEPT = 512  # plugins, and hosts
_TABLES = {Level.HOST: "hosts", Level.PLUGIN: "plugins"}


def stream(
    results: Results, chunks: Iterator[Sequence[int]], reader: "RowReader"
) -> Iterator[tuple[int, Row]]:
    """Rows as they are asked for; every chunk of ids is an answer of its own, with its own time."""
    while True:
        with results.reading():
            if (ids := next(chunks, None)) is None:
                return
            rows = list(reader.read(ids))
        yield from rows


class RowReader:
    """Reads rows of one kind with the fields in `shown`, in that order."""

    def __init__(self, results: Results, record: Record, shown: Sequence[Shown]) -> None:
        self._results = results
        self._record = record
        self._names = tuple((one.name, one.named.name) for one in shown)
        self._parts = tuple(one for one in shown if one.part)
        named = tuple({one.named.name: one.named for one in shown}.values())
        self._levels = {level: _Level(level, named) for level in Level}
        row = self._levels[Level.ROW]
        columns = ", ".join(("f.id", "f.host", "f.plugin", *row.columns))
        self._sql = (
            f"SELECT {columns} FROM {TABLE[record]} AS f "
            "WHERE f.id IN (SELECT value FROM json_each(?))"
        )
        self._host = lru_cache(_KEPT)(lambda id_: self._part(Level.HOST, id_))
        self._plugin = lru_cache(_KEPT)(lambda id_: self._part(Level.PLUGIN, id_))

    def read(self, ids: Iterable[int]) -> Iterator[tuple[int, Row]]:
        """Id and object of each row, in the order of `ids`; an id without a row is left out."""
        ids = iter(ids)
        while chunk := list(islice(ids, _CHUNK)):
            found = {row[0]: row for row in self._results.rows(self._sql, (json.dumps(chunk),))}
            for id_ in chunk:
                if id_ in found:
                    yield id_, self._row(*found[id_])

    def _row(self, id_: int, host: int, plugin: int, *values: Any) -> Row:
        own = self._levels[Level.ROW].present(values, self._results)
        found = {ID.name: id_, **self._host(host), **self._plugin(plugin), **own}
        row: Row = {"type": self._record.value}
        row.update((label, found[name]) for label, name in self._names if name in found)
        for one in self._parts:
            if one.name in row:
                row[one.name] = one.of(row[one.name])
        return row

    def _part(self, level: Level, id_: int) -> Row:
        shown = self._levels[level]
        if not shown.columns and not shown.lists:
            return {}
        columns = ", ".join((f"{level}.id", *shown.columns))
        table = _TABLES[level]
        [values] = self._results.rows(
            f"SELECT {columns} FROM {table} AS {level} WHERE {level}.id = ?", (id_,)
        )
        found = self._lists(id_, shown.lists) if shown.lists else {}
        return found | shown.present(values[1:], self._results)

    def _lists(self, plugin: int, wanted: frozenset[str]) -> Row:
        found: dict[str, list[str]] = {}
        for field, value in self._results.rows(
            "SELECT field, value FROM plugin_refs WHERE plugin = ? ORDER BY field, position",
            (plugin,),
        ):
            if field in wanted:
                found.setdefault(field, []).append(clean(value))
        return found


class _Level:
    """The fields of one level that are shown: the columns they need, and how they are presented."""

    def __init__(self, level: Level, shown: Sequence[Named]) -> None:
        here = [named for named in shown if named.level is level and named.field is not ID]
        fields = [named.field for named in here if named.field]
        self.lists = frozenset(field.name for field in fields if field.place is Place.REFS)
        self._fields = [field for field in fields if field.place is not Place.REFS]
        self._insides = [(named.name, named.inside) for named in here if named.inside]
        self._json = sorted({inside.column for _, inside in self._insides})
        self.columns = tuple(
            f"{level}.{column}" for column in (*(f.column for f in self._fields), *self._json)
        )

    def present(self, values: Sequence[Any], results: Results) -> Row:
        """The values of `columns` by the names of their fields."""
        row: Row = {}
        for field, value in zip(self._fields, values, strict=False):
            if value is not None:
                row[field.name] = _presented(field, value, results)
        texts = zip(self._json, values[len(self._fields) :], strict=True)
        parsed = {column: json.loads(text) for column, text in texts if text is not None}
        if parsed:
            for name, inside in self._insides:
                value = inside.find(parsed.get(inside.column))
                if value is not None:
                    row[name] = clean_json(value)
        return row


def _presented(field: Field, value: Any, results: Results) -> Any:
    if field.place is Place.CODED:
        if field.type is Type.LIST:
            return [clean(line) for line in results.lines.lines(value)]
        return clean(results.lines.text(value))
    if isinstance(value, str):
        if field.type is Type.OBJECT:
            return clean_json(json.loads(value))
        return (
            [clean(line) for line in value.split("\n")] if field.type is Type.LIST else clean(value)
        )
    return bool(value) if field.type is Type.BOOLEAN else value
