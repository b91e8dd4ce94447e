"""A comparison as JSON-NL: what changed in one line, then the changed rows in pages.

    {"type":"comparison","kind":…,"previous":{…},"current":{…},"changes":{"new":{"total":…,…},…},…}
    {"type":"vulnerability","change":"new",…}
    {"type":"vulnerability","change":"severity_changed","severity_before":2,"severity":4,…}
    {"type":"pagination",…}

A row that is fixed or unobserved is shown as the previous run has it, any other as the current.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from nessus_operator.results.budget import LEAST_ROW, fit_rows, line, size
from nessus_operator.results.clean import one_line
from nessus_operator.results.compare import Change, compare
from nessus_operator.results.faults import InvalidQuery
from nessus_operator.results.fields import SEVERITIES, TABLE, Record
from nessus_operator.results.filters import kind_of
from nessus_operator.results.pages import Query, page_size, reader, scan_metadata, selected
from nessus_operator.results.profiles import choose
from nessus_operator.results.rows import Row
from nessus_operator.results.selected import Listed, Order
from nessus_operator.results.selection import severity_of
from nessus_operator.results.store import Results

SHOWN = (Change.NEW, Change.CHANGED, Change.FIXED, Change.UNOBSERVED)  # unless asked otherwise

_FROM_PREVIOUS = frozenset((Change.FIXED, Change.UNOBSERVED))
_HOSTS_NAMED = 50
_CHUNK = 200
_LAST_LINE = 640  # bytes that the last line never exceeds
_TOLD = {
    Record.VULNERABILITY: "host port plugin_id plugin_name severity cvss_score",
    Record.COMPLIANCE: "host compliance-check-name compliance-result",
}
_STATE = {Record.VULNERABILITY: "severity", Record.COMPLIANCE: "compliance-result"}


def compare_lines(
    previous: Results,
    current: Results,
    query: Query,
    *,
    changes: Sequence[str] = SHOWN,
    within: Callable[[str], bool] = lambda host: True,
    byte_budget: int | None = None,
) -> Iterator[str]:
    """The lines of the comparison, without line feeds.

    Of `query` count page (0 is everything), page_size, profile, custom_fields and filters; these
    apply to each row as the run has it that the row is shown from. `changes` are shown in that
    order, each by rank. `within`: hosts that take part. Raises a ReadFault.
    """
    if query.cursor is not None or query.order != Order.RANK:
        raise InvalidQuery("A comparison has pages by number and rows by rank only")
    wanted = [_change(name) for name in changes]
    listing = _Listing(previous, current, query, wanted, within)
    if query.page == 0:
        return listing.everything()
    return iter(listing.page(byte_budget))


def since(
    previous: Results, current: Results, *, filters: Mapping[str, Any] | None = None, top: int = 10
) -> dict[str, Any]:
    """What changed since the previous run, for a summary: counts, and the worst of what is new."""
    filters = filters or {}
    query = Query(custom_fields=_TOLD[kind_of(filters)].split(), filters=filters)
    listing = _Listing(previous, current, query, (Change.NEW,), lambda host: True)
    return {**listing.overview, "new": listing.first(top)}


def _change(name: str) -> Change:
    try:
        return Change(name)
    except ValueError:
        raise InvalidQuery(f"There is no change {name!r}; there are {', '.join(Change)}") from None


class _Listing:
    """A comparison, with the rows that are shown of it."""

    def __init__(
        self,
        previous: Results,
        current: Results,
        query: Query,
        wanted: Sequence[Change],
        within: Callable[[str], bool],
    ) -> None:
        self._query = query
        self._size = page_size(query)
        self._record = kind_of(query.filters)
        runs = {change: previous if change in _FROM_PREVIOUS else current for change in Change}
        self._runs = runs
        self._comparison = compare(previous, current, self._record, within=within)
        with previous.reading(), current.reading():
            kept = {run: _kept(run, query) for run in (previous, current)}
            ids = {
                change: [id_ for id_ in ids if id_ in kept[runs[change]]]
                for change, ids in self._comparison.ids.items()
            }
            profile = choose(current.names(self._record), query.profile, query.custom_fields)
            self._profiles = {
                run: choose(run.names(self._record), query.profile, query.custom_fields)
                for run in (previous, current)
            }
            counts = {change.value: self._counts(change, ids[change]) for change in Change}
        self._rows = [(change, id_) for change in wanted for id_ in ids[change]]
        self._pages = max(1, -(-len(self._rows) // self._size)) if query.page else 1
        self.overview = {
            "previous": scan_metadata(previous),
            "changes": counts,
            "new_hosts": _named(self._comparison.new_hosts),
            "unobserved_hosts": _named(self._comparison.unobserved_hosts),
        }
        self._head = line(
            {
                "type": "comparison",
                "kind": self._record,
                **self.overview,
                "current": scan_metadata(current),
                "profile": profile.label,
                "fields": profile.listed,
                "filters_applied": dict(query.filters),
                "changes_shown": list(wanted),
                "total": len(self._rows),
                "total_pages": self._pages,
                "untrusted": True,
            }
        )

    def first(self, count: int) -> list[Row]:
        """The first of the rows that are shown."""
        return [row for _, row in self._read(self._rows[:count])]

    def everything(self) -> Iterator[str]:
        yield self._head
        for start in range(0, len(self._rows), _CHUNK):
            for _, row in self._read(self._rows[start : start + _CHUNK]):
                yield line(row)

    def page(self, byte_budget: int | None) -> list[str]:
        page = self._query.page
        room = None
        if byte_budget is not None:
            room = byte_budget - size(self._head) - 1 - _LAST_LINE
            if room < LEAST_ROW * self._size:
                raise InvalidQuery(
                    f"The answer must fit into {byte_budget} bytes, which is too little for "
                    f"{self._size} rows: ask for fewer rows or fields"
                )
        rows = self._read(self._rows[(page - 1) * self._size : page * self._size])
        lines, cut = fit_rows(rows, room)
        has_next = page < self._pages
        last = {
            "type": "pagination",
            "page": page,
            "page_size": self._size,
            "total_pages": self._pages,
            "has_next": has_next,
            "next_page": page + 1 if has_next else None,
        }
        return [self._head, *lines, line(last | ({"cut_rows": cut} if cut else {}))]

    def _read(self, wanted: Sequence[tuple[Change, int]]) -> list[tuple[int, Row]]:
        """The rows with what became of them, in the order of `wanted`."""
        found: dict[tuple[Change, int], Row] = {}
        for change, run in self._runs.items():
            ids = [id_ for one, id_ in wanted if one is change]
            with run.reading():
                rows = reader(run, self._record, self._profiles[run]).read(ids)
                found |= {(change, id_): row for id_, row in rows}
        return [(id_, self._told(change, id_, found[change, id_])) for change, id_ in wanted]

    def _told(self, change: Change, id_: int, row: Row) -> Row:
        told: Row = {"type": row["type"], "change": change.value}
        if change is Change.CHANGED:
            told[f"{_STATE[self._record]}_before"] = self._state_before(id_)
        return told | row

    def _state_before(self, id_: int) -> Any:
        column = _STATE[self._record].replace("-", "_")
        [(state,)] = self._runs[Change.FIXED].rows(
            f"SELECT {column} FROM {TABLE[self._record]} WHERE id = ?",
            (self._comparison.before[id_],),
        )
        return one_line(state, 256) if isinstance(state, str) else state

    def _counts(self, change: Change, ids: Collection[int]) -> dict[str, int]:
        if self._record is Record.COMPLIANCE:
            return {"total": len(ids)}
        severities = Counter(map(severity_of(self._runs[change], TABLE[self._record]), ids))
        return {"total": len(ids)} | {
            SEVERITIES[severity]: severities[severity] for severity in (4, 3, 2, 1, 0)
        }


def _kept(run: Results, query: Query) -> Collection[int]:
    """The rows of a run that fulfil the filters."""
    selection = selected(run, query)
    if isinstance(selection, Listed) and isinstance(selection.ids, range):
        return selection.ids
    return {id_ for ids in selection.chunks(_CHUNK * 50) for id_ in ids}


def _named(hosts: Sequence[str]) -> dict[str, Any]:
    return {
        "total": len(hosts),
        "hosts": [one_line(host, 256) for host in hosts[:_HOSTS_NAMED]],
    }
