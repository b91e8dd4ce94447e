"""Answers as JSON-NL: one object a line, in pages that fit.

    {"type":"schema","profile":…,"fields":[…]|"all","filters_applied":{…},"total_vulnerabilities":…,
     "total_pages":…,"untrusted":true}
    {"type":"scan_metadata","scan_name":…,…}
    {"type":"vulnerability",…}   or {"type":"compliance",…} with filters={"kind":"compliance"}
    {"type":"pagination","page":…,"page_size":…,"total_pages":…,"has_next":…,"next_page":…,…}

Page 0 is everything, without the last line. `untrusted`: the texts come from scanned hosts.
"""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nessus_operator.results.budget import LEAST_ROW, fit_row, fit_rows, line, size
from nessus_operator.results.clean import one_line
from nessus_operator.results.faults import InvalidQuery
from nessus_operator.results.fields import Record
from nessus_operator.results.filters import compile_filters, kind_of
from nessus_operator.results.profiles import ALL, DEFAULT, LEFT_OUT, Profile, choose
from nessus_operator.results.rows import Row, RowReader, stream
from nessus_operator.results.selected import Order, Selection
from nessus_operator.results.selection import select
from nessus_operator.results.store import Results

DEFAULT_PAGE_SIZE = 40
SMALLEST_PAGE, LARGEST_PAGE = 10, 100

_LAST_LINE = 640  # bytes that the last line never exceeds
_STREAMED = 200  # rows read at once
_HOW_TO_READ_CUT_ROWS = (
    "a row with `cut` shows that many characters or elements of a value; for the rest ask with "
    'filters={"id": <id of the row>} and custom_fields=["<name>[<that number>:]"]'
)
_OTHER_CURSOR = (
    "This cursor belongs to other filters, another order or another report: start with page 1"
)


@dataclass(frozen=True, slots=True)
class Query:
    """What to answer with.

    `page` counts from 1; 0 is everything. `cursor` takes the place of `page`: "" is the beginning,
    then `next_cursor` of the answer before; only such a page may end before `page_size` rows.
    `page_size` is brought into 10 to 100. `custom_fields` replaces the profile.
    `filters`: field to condition (see results.conditions); all must hold.
    """

    page: int = 1
    page_size: int = DEFAULT_PAGE_SIZE
    cursor: str | None = None
    profile: str = DEFAULT
    custom_fields: Sequence[str] | None = None
    filters: Mapping[str, Any] = field(default_factory=dict)
    order: str = Order.RANK


def page_lines(
    results: Results,
    query: Query,
    *,
    metadata: Mapping[str, Any] | None = None,
    byte_budget: int | None = None,
) -> Iterator[str]:
    """The lines of the answer, without line feeds.

    `metadata` is added to the scan_metadata line and wins over what the report says of itself.
    `byte_budget`: what all lines and the line feeds between them may take in UTF-8. A numbered
    page always holds its rows, so its longest values are cut; a page by cursor and page 0 end
    early, with `next_cursor`. Raises a ReadFault, InvalidQuery before the first line.
    """
    with results.reading():
        answer = _Answer(results, query, metadata or {}, byte_budget)
    if query.cursor is None and query.page == 0:
        return answer.everything()
    with results.reading():
        return iter(answer.page())


def scan_metadata(results: Results) -> dict[str, Any]:
    """What the report says of the scan as a whole, its texts cleaned."""
    meta = results.meta
    scan, policy = meta["scan"], meta["policy"]
    texts = {
        "scan_name": meta["report_name"],
        "scan_start": scan.get("start"),
        "scan_end": scan.get("end"),
        "nessus_version": scan.get("nessus_version"),
        "plugin_set": scan.get("plugin_set"),
        "policy_name": policy.get("name"),
        "scanner_ip": scan.get("scanner_ip"),
    }
    found: dict[str, Any] = {
        key: one_line(text, 256) for key, text in texts.items() if isinstance(text, str)
    }
    found |= {
        "hosts": meta["counts"]["hosts"],
        "severities": meta["counts"]["severities"],
        "compliance": meta["counts"]["compliance"],
        "authentication": meta["authentication"]["hosts"],
    }
    if meta["truncated"]:
        found["partial"] = True
    return found


class _Answer:
    """One query on one report, with its rows found."""

    def __init__(
        self, results: Results, query: Query, metadata: Mapping[str, Any], byte_budget: int | None
    ) -> None:
        self._results = results
        self._query = query
        self._size = page_size(query)
        record = kind_of(query.filters)
        self._profile = choose(results.names(record), query.profile, query.custom_fields)
        self._reader = reader(results, record, self._profile)
        self._selection = selected(results, query)
        self._key = zlib.crc32(line([results.stamp, query.order, dict(query.filters)]).encode())
        self._cursor = None if query.cursor is None else _read_cursor(query.cursor, self._key)
        self._pages = max(1, -(-self._selection.total // self._size)) if self._paged else 1
        self._head = [
            line(self._schema()),
            line({"type": "scan_metadata", **scan_metadata(results), **metadata}),
        ]
        self._room = self._room_for_rows(byte_budget)

    @property
    def _paged(self) -> bool:
        return self._cursor is not None or self._query.page != 0

    def everything(self) -> Iterator[str]:
        """Page 0: read as it is asked for, in memory that does not grow."""
        yield from self._head
        returned, last = 0, 0
        chunks = self._selection.chunks(_STREAMED)
        rows = stream(self._results, chunks, self._reader)
        for id_, text, _ in _while_room(rows, self._room):
            yield text
            returned, last = returned + 1, id_
        if returned < self._selection.total:
            yield line(self._cut_short(last, returned))

    def page(self) -> list[str]:
        """A page by number, which holds all its rows, or by cursor, as far as there is room."""
        if self._cursor is not None:
            return self._page_after(self._cursor)
        page = self._query.page
        ids = self._selection.window((page - 1) * self._size, self._size)
        rows = list(self._reader.read(ids))
        lines, cut = fit_rows(rows, self._room)
        last = rows[-1][0] if rows and page < self._pages else None
        following = {"next_page": page + 1 if last else None}
        return [*self._head, *lines, self._pagination({"page": page}, following, last, cut)]

    def _page_after(self, cursor: int) -> list[str]:
        try:
            ids = self._selection.after(cursor, self._size + 1)
        except ValueError:
            raise InvalidQuery(_OTHER_CURSOR) from None
        found = list(_while_room(self._reader.read(ids[: self._size]), self._room))
        last = found[-1][0] if len(found) < len(ids) else None
        cut = sum(was_cut for _, _, was_cut in found)
        lines = (text for _, text, _ in found)
        return [*self._head, *lines, self._pagination({}, {}, last, cut)]

    def _schema(self) -> dict[str, Any]:
        profile = self._profile
        found: dict[str, Any] = {
            "type": "schema",
            "profile": profile.label,
            "fields": profile.listed,
            "filters_applied": dict(self._query.filters),
            "total_vulnerabilities": self._selection.total,
            "total_pages": self._pages,
            "untrusted": True,
        }
        if self._query.order != Order.RANK:
            found["order"] = self._query.order
        if profile.listed == ALL:
            found["left_out"] = LEFT_OUT
        return found

    def _pagination(
        self, page: dict[str, int], following: dict[str, Any], last: int | None, cut: int
    ) -> str:
        found: dict[str, Any] = {"type": "pagination", **page, "page_size": self._size}
        found |= {"total_pages": self._pages, "has_next": last is not None, **following}
        found["next_cursor"] = last and _written_cursor(last, self._key)
        if cut:
            found |= {"cut_rows": cut, "how_to_read_cut_rows": _HOW_TO_READ_CUT_ROWS}
        return line(found)

    def _cut_short(self, last: int, returned: int) -> dict[str, Any]:
        return {
            "type": "truncated",
            "truncated": True,
            "returned": returned,
            "next_cursor": _written_cursor(last, self._key),
            "message": f"{returned} of {self._selection.total} rows fit into one answer; "
            "go on with this cursor, or ask for pages, fewer fields or narrower filters",
        }

    def _room_for_rows(self, byte_budget: int | None) -> int | None:
        if byte_budget is None:
            return None
        room = byte_budget - sum(size(text) + 1 for text in self._head) - _LAST_LINE
        numbered = self._paged and self._cursor is None
        rows = self._size if numbered else 1  # any other answer may end early
        if room < LEAST_ROW * rows:
            raise InvalidQuery(
                f"The answer must fit into {byte_budget} bytes, which is too little for "
                f"{rows} row{'s' if numbered else ''} with these filters and fields: ask for "
                "fewer of them"
            )
        return room


def reader(results: Results, record: Record, profile: Profile) -> RowReader:
    """Reads rows with the fields of the profile; kept for the next page."""
    key = ("rows", record, profile.shown)
    return results.kept(key, lambda: RowReader(results, record, profile.shown))


def page_size(query: Query) -> int:
    """The size in force; raises InvalidQuery for a page below 0."""
    if query.cursor is None and query.page < 0:
        raise InvalidQuery(
            f"There is no page {query.page}: pages count from 1, and 0 is everything"
        )
    return min(max(query.page_size, SMALLEST_PAGE), LARGEST_PAGE)


def selected(results: Results, query: Query) -> Selection:
    """The rows that fulfil the filters, in the order asked for; kept for the next page."""
    try:
        order = Order(query.order)
    except ValueError:
        raise InvalidQuery(
            f"There is no order {query.order!r}; there are {', '.join(Order)}"
        ) from None

    def make() -> Selection:
        names = results.names(kind_of(query.filters))
        return select(results, compile_filters(query.filters, names, results.lines), order)

    return results.kept(("selection", order, line(dict(query.filters))), make)


def _while_room(
    rows: Iterator[tuple[int, Row]], room: int | None
) -> Iterator[tuple[int, str, bool]]:
    """Id, line and whether it was cut, of the rows that fit; the first is cut if it must be."""
    first = True
    for id_, row in rows:
        text = line(row)
        cut = room is not None and first and size(text) >= room
        if room is not None:
            text = fit_row(id_, row, room - 1) if cut else text
            room -= size(text) + 1
            if room < 0:
                return
        yield id_, text, cut
        first = False


def _written_cursor(last: int, key: int) -> str:
    return f"{last}-{key:08x}"


def _read_cursor(cursor: str, key: int) -> int:
    """The id in it; 0 for the beginning."""
    if not cursor:
        return 0
    last, _, said = cursor.partition("-")
    if len(last) < 12 and last.isascii() and last.isdigit() and said == f"{key:08x}":
        return int(last)
    raise InvalidQuery(_OTHER_CURSOR)
