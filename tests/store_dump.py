"""Everything a store says, as plain values: for telling two stores apart."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nessus_operator.results.fields import FIELDS, TABLE, Place, Record, Type
from nessus_operator.results.schema import FILE
from nessus_operator.results.texts import LineReader

Row = dict[str, Any]


class StoreDump:
    """Reads findings.sqlite by the schema alone, with none of the code that serves pages."""

    def __init__(self, folder: Path) -> None:
        uri = f"{(folder / FILE).absolute().as_uri()}?mode=ro&immutable=1"
        self.connection = sqlite3.connect(uri, uri=True)
        self.connection.row_factory = sqlite3.Row
        self.lines = LineReader(self.connection)
        self.meta = {
            row["key"]: json.loads(row["value"])
            for row in self.connection.execute("SELECT key, value FROM meta")
        }
        self._plugins = {row["id"]: self._plugin(row) for row in self._all("plugins")}
        self.hosts = {row.pop("id"): self._host(row) for row in self._all("hosts")}

    def rows(self, record: Record) -> Iterator[Row]:
        """Rows in rank order: own columns, `plugin` and `host` in full, texts decoded."""
        fields = {field.column: field for field in FIELDS[record].values()}
        for row in self._all(TABLE[record]):
            row["host"] = self.hosts[row["host"]]
            row["plugin"] = self._plugins[row["plugin"]]
            row["extra"] = json.loads(row["extra"] or "{}")
            for column, value in row.items():
                known = fields.get(column)
                if isinstance(value, bytes) and known and known.place is Place.CODED:
                    listed = known.type is Type.LIST
                    row[column] = self.lines.lines(value) if listed else self.lines.text(value)
            yield row

    def everything(self) -> Row:
        found: Row = {table: list(self.rows(record)) for record, table in TABLE.items()}
        found["hosts"] = list(self.hosts.values())
        found["meta"] = self.meta
        return found

    def _all(self, table: str) -> Iterator[Row]:
        for row in self.connection.execute(f"SELECT * FROM {table} ORDER BY id"):  # noqa: S608
            yield dict(row)

    def _plugin(self, row: Row) -> Row:
        refs: dict[str, list[str]] = {}
        for ref in self.connection.execute(
            "SELECT field, value FROM plugin_refs WHERE plugin = ? ORDER BY field, position",
            (row.pop("id"),),
        ):
            refs.setdefault(ref["field"], []).append(ref["value"])
        return {**row, "extra": json.loads(row["extra"] or "{}"), "refs": refs}

    def _host(self, row: Row) -> Row:
        properties = json.loads(row["host_properties"] or "{}")
        return {**row, "host_properties": properties, "extra": json.loads(row["extra"] or "{}")}


def dump(folder: Path) -> Row:
    return StoreDump(folder).everything()
