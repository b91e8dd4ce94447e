"""What is exported: the rows of one kind that fulfil the filters, with the fields of a format."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from nessus_operator.results.fields import TABLE, Record
from nessus_operator.results.filters import compile_filters, kind_of
from nessus_operator.results.identity import check_key, fingerprint
from nessus_operator.results.pages import Query, reader, selected
from nessus_operator.results.profiles import DEFAULT, Profile, choose
from nessus_operator.results.rows import Row, stream
from nessus_operator.results.selected import Order, Selection
from nessus_operator.results.selection import Clause, clause
from nessus_operator.results.store import Results

_CHUNK = 500  # rows read at once


@dataclass(frozen=True, slots=True)
class Request:
    """`now` dates what the report itself does not. `profile` or `custom_fields` choose the fields
    of the formats that have a choice; `metadata` is what the caller knows of the scan."""

    now: datetime
    filters: Mapping[str, Any] = field(default_factory=dict)
    order: str = Order.RANK
    profile: str | None = None
    custom_fields: Sequence[str] | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def record(self) -> Record:
        return kind_of(self.filters)

    def query(self, profile: str) -> Query:
        """Everything, as page 0 has it."""
        return Query(
            page=0,
            profile=self.profile or (DEFAULT if self.custom_fields else profile),
            custom_fields=self.custom_fields,
            filters=self.filters,
            order=self.order,
        )

    def selection(self, results: Results) -> Selection:
        return selected(results, self.query(DEFAULT))

    def clause(self, results: Results) -> Clause | None:
        """The same rows as SQL."""
        names = results.names(self.record)
        return clause(results, compile_filters(self.filters, names, results.lines))

    def fields(self, results: Results, default: Sequence[str]) -> Profile:
        """The fields that are asked for, else `default`."""
        names = results.names(self.record)
        if self.profile or self.custom_fields:
            return choose(names, self.profile or DEFAULT, self.custom_fields)
        return choose(names, DEFAULT, default)


def rows(results: Results, request: Request, profile: Profile) -> Iterator[tuple[int, Row]]:
    """Id and object of every row asked for, read as they are used."""
    with results.reading():
        chunks = request.selection(results).chunks(_CHUNK)
        return stream(results, chunks, reader(results, request.record, profile))


def fingerprinted(
    results: Results, request: Request, fields: Sequence[str]
) -> Iterator[tuple[str, Row]]:
    """Fingerprint and object of every row asked for, with these fields."""
    record = request.record
    with results.reading():
        profile = choose(results.names(record), DEFAULT, fields)
        chunks = request.selection(results).chunks(_CHUNK)
    read = reader(results, record, profile)
    while True:
        with results.reading():
            if (ids := next(chunks, None)) is None:
                return
            prints = _fingerprints(results, record, ids)
            found = list(read.read(ids))
        for id_, row in found:
            yield prints[id_], row


def _fingerprints(results: Results, record: Record, ids: Sequence[int]) -> dict[int, str]:
    checks = ", f.compliance_check_id, f.compliance_check_name"
    found = results.rows(
        "SELECT f.id, h.host, f.port, f.protocol, p.plugin_id, f.ordinal"
        f"{checks if record is Record.COMPLIANCE else ''} FROM {TABLE[record]} AS f "
        "JOIN hosts AS h ON h.id = f.host JOIN plugins AS p ON p.id = f.plugin "
        "WHERE f.id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(ids)),),
    )
    text = results.lines.text
    return {
        id_: fingerprint(
            host, port, protocol, plugin, rank, check_key(text, *coded) if coded else ""
        )
        for id_, host, port, protocol, plugin, rank, *coded in found
    }
