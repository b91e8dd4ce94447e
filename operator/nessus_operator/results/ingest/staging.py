"""Rows on their way: plugins and lines go into the store at once, the rest waits to be ranked.

The waiting rows lie in a second file on the same volume, so memory does not grow with the report.
"""

import hashlib
import sqlite3
from collections.abc import Hashable
from itertools import chain, islice
from pathlib import Path
from typing import Any

from nessus_operator.results.fields import CHECK_COLUMNS, PLUGIN_COLUMNS, Place, Record
from nessus_operator.results.ingest.hosts import HostPart, sort_key
from nessus_operator.results.ingest.items import Item, Plugin, compact
from nessus_operator.results.schema import (
    APPLICATION_ID,
    PAGE_SIZE,
    SCHEMA_VERSION,
    TABLES,
    insert,
)
from nessus_operator.results.texts import LineWriter

_CACHE_KIB = 1_000  # of each file; rows are only appended
_BATCH = 500  # rows
_BATCH_BYTES = 1_000_000  # of coded texts in them
_REMEMBERED = 25_000  # of plugins, of kinds; one that is forgotten is stored once more
_PLACES_REMEMBERED = 8_000

# What of a check differs from host to host; all else is the same wherever the check is made.
VARYING = ("description", "compliance_actual_value", "plugin_output")
_CONSTANT = tuple(
    field.column
    for field in CHECK_COLUMNS
    if field.place is Place.CODED and field.column not in VARYING
)

_STAGING = (
    "CREATE TABLE staging.hosts (host INTEGER PRIMARY KEY, name TEXT, sort_key BLOB, tie TEXT)",
    "CREATE TABLE staging.parts (host INTEGER, part TEXT)",
    # What items of one text share, and where an item was found; few distinct ones of each.
    "CREATE TABLE staging.kinds (kind INTEGER PRIMARY KEY, plugin INTEGER, plugin_id INTEGER, "
    "severity INTEGER, score REAL, extra TEXT, text BLOB)",
    "CREATE TABLE staging.places (place INTEGER PRIMARY KEY, port INTEGER, protocol TEXT, "
    "svc_name TEXT)",
    "CREATE TABLE staging.findings (host INTEGER, kind INTEGER, place INTEGER, digest INTEGER, "
    "plugin_output BLOB)",
    "CREATE TABLE staging.checks (check_number INTEGER PRIMARY KEY, check_key TEXT, "
    "compliance_result TEXT, " + ", ".join(f"{column} BLOB" for column in _CONSTANT) + ")",
    "CREATE TABLE staging.compliance (host INTEGER, kind INTEGER, place INTEGER, digest INTEGER, "
    "check_number INTEGER, " + ", ".join(f"{column} BLOB" for column in VARYING) + ")",
)
_ADD_FINDING = insert("staging.findings", 5)
_TOGETHER = 50  # findings that one statement adds; a third faster than one by one
_ADD_FINDINGS = _ADD_FINDING + ", (?, ?, ?, ?, ?)" * (_TOGETHER - 1)
_ADD_RESULTS = insert("staging.compliance", 5 + len(VARYING))
_ADD_CHECK = insert("staging.checks", 3 + len(_CONSTANT))
_ADD_PLUGIN = insert("plugins", 2 + len(PLUGIN_COLUMNS))
_ADD_REF = insert("plugin_refs", 4)
_ADD_KIND = insert("staging.kinds", 7)
_ADD_PLACE = insert("staging.places", 4)
_ADD_HOST = insert("staging.hosts", 4)
_ADD_PART = insert("staging.parts", 2)


def digest(text: bytes) -> int:
    """What rows of one identity key are ranked by: the head of their output's sha256."""
    return int.from_bytes(hashlib.sha256(text).digest()[:7], "big")


class _Numbers:
    """Numbers what is new, from 1."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: dict[Hashable, int] = {}
        self._last = 0

    def number(self, content: Hashable) -> tuple[int, bool]:
        if known := self._known.get(content):
            return known, False
        if len(self._known) == self._most:
            self._known.clear()
        self._last += 1
        self._known[content] = self._last
        return self._last, True


class Staging:
    """The store while it is made, in two files that `run` names and removes."""

    def __init__(self, store: Path, waiting: Path) -> None:
        self.connection = sqlite3.connect(store, isolation_level=None)
        execute = self.connection.execute
        execute(f"PRAGMA page_size = {PAGE_SIZE}")
        execute("PRAGMA journal_mode = OFF")
        execute("PRAGMA synchronous = OFF")
        execute("PRAGMA locking_mode = EXCLUSIVE")
        execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        execute(f"PRAGMA application_id = {APPLICATION_ID}")
        execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        execute("ATTACH ? AS staging", (str(waiting),))
        execute(f"PRAGMA staging.cache_size = -{_CACHE_KIB}")
        execute("PRAGMA staging.journal_mode = OFF")
        execute("PRAGMA staging.synchronous = OFF")
        execute("BEGIN")
        for statement in (*TABLES, *_STAGING):
            execute(statement)
        self.lines = LineWriter(self.connection)
        self.findings: list[tuple[Any, ...]] = []
        self._counted = 0  # of them, whose bytes are
        self._waiting_bytes = 0
        self._checks: list[tuple[Any, ...]] = []
        self._checks_bytes = 0
        self._checks_made = 0
        self._plugins = _Numbers(_REMEMBERED)
        self._kinds = _Numbers(_REMEMBERED)
        self._places = _Numbers(_PLACES_REMEMBERED)

    def add_host(self, number: int, name: str, tie: str) -> None:
        """`tie` decides the order of two hosts of one name."""
        row = (number, name, sort_key(name), tie)
        self.connection.execute(_ADD_HOST, row)

    def add_part(self, host: int, part: HostPart) -> None:
        row = (host, part.to_json())
        self.connection.execute(_ADD_PART, row)

    def kind(self, item: Item) -> int:
        """The number of what the item shares with others of its text."""
        if not item.kind:
            plugin = item.plugin
            text = plugin.digest()
            row = self._plugin(plugin, text)
            content = (row, plugin.id, item.severity, plugin.score, compact(item.extra))
            item.kind, new = self._kinds.number(content)
            if new:
                self.connection.execute(_ADD_KIND, (item.kind, *content, text))
        return item.kind

    def place(self, port: int, protocol: str | None, svc_name: str | None) -> int:
        content = (port, protocol, svc_name)
        number, new = self._places.number(content)
        if new:
            self.connection.execute(_ADD_PLACE, (number, *content))
        return number

    def add_item(self, host: int, item: Item) -> None:
        output = None if item.output is None else item.output.encode()
        said = output or item.texts.get("description", "").encode()  # a check has no output
        place = self.place(item.port, item.protocol, item.svc_name)
        row = (host, self.kind(item), place, digest(said))
        if item.record is Record.COMPLIANCE:
            varying = (self._coded(item, column) for column in VARYING)
            self.add_check(*row, self.check_number(item), *varying)
        else:
            self.findings.append((*row, None if output is None else self.lines.code(output)))
            self.flush()

    def flush(self) -> None:
        """Write the waiting findings, if there are enough of them."""
        rows = self.findings
        for row in islice(rows, self._counted, None):
            self._waiting_bytes += len(row[-1] or b"")
        self._counted = len(rows)
        if self._waiting_bytes > _BATCH_BYTES:
            self._write_findings()
        elif len(rows) >= _BATCH:
            whole = len(rows) - len(rows) % _TOGETHER
            for start in range(0, whole, _TOGETHER):
                values = tuple(chain.from_iterable(rows[start : start + _TOGETHER]))
                self.connection.execute(_ADD_FINDINGS, values)
            del rows[:whole]
            self._counted = len(rows)

    def _write_findings(self) -> None:
        self.connection.executemany(_ADD_FINDING, self.findings)
        self.findings.clear()
        self._counted = self._waiting_bytes = 0

    def close(self) -> None:
        """All rows are in; the transaction goes on."""
        self.lines.close()
        self._write_findings()
        self._write_checks()

    def _plugin(self, plugin: Plugin, text: bytes) -> int:
        """The row of the plugin's constant text, written when it is seen first."""
        number, new = self._plugins.number(text)
        if new:
            self.connection.execute(_ADD_PLUGIN, (number, *plugin.values()))
            for field, found in plugin.refs.items():
                rows = [(number, field, position, value) for position, value in enumerate(found)]
                self.connection.executemany(_ADD_REF, rows)
        return number

    def add_check(self, *row: Any) -> None:
        """A row of staging.compliance."""
        self._checks.append(row)
        self._checks_bytes += sum(len(coded) for coded in row[-len(VARYING) :] if coded)
        if len(self._checks) == _BATCH or self._checks_bytes > _BATCH_BYTES:
            self._write_checks()

    def _write_checks(self) -> None:
        self.connection.executemany(_ADD_RESULTS, self._checks)
        self._checks.clear()
        self._checks_bytes = 0

    def check_number(self, item: Item) -> int:
        """The number of what a check says wherever it is made."""
        if not item.check_number:
            texts = item.texts
            key = texts.get("compliance_check_id") or texts.get("compliance_check_name") or ""
            constant = (self._coded(item, column) for column in _CONSTANT)
            self._checks_made += 1
            self.connection.execute(_ADD_CHECK, (self._checks_made, key, item.result, *constant))
            item.check_number = self._checks_made
        return item.check_number

    def _coded(self, item: Item, column: str) -> bytearray | None:
        if (text := item.texts.get(column)) is not None:
            return self.lines.code(text.encode())
        elements = item.lists.get(column)
        return self.lines.code_list(elements) if elements else None
