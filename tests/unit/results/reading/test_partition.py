"""Pages hold every row exactly once, in order, at every size, by number and by cursor."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.reports import host, item, stored

from nessus_operator.results.filters import compile_filters, kind_of
from nessus_operator.results.pages import LARGEST_PAGE, SMALLEST_PAGE, Query, page_lines
from nessus_operator.results.selected import Order, Selection
from nessus_operator.results.selection import select
from nessus_operator.results.store import Results

ROWS = 223  # more than two of the largest pages
FILTERS: dict[str, dict[str, Any]] = {
    "all rows": {},
    "a range of severities": {"severity": ">=low"},
    "severities apart": {"severity": [0, 4]},
    "one host": {"host": "192.0.2.1"},
    "some plugins": {"plugin_name": "1"},
    "most plugins": {"plugin_id": ">=3"},
    "hosts but one": {"host": ["192.0.2.0", "192.0.2.1", "192.0.2.2"]},
    "most hosts and plugins": {"host": ["192.0.2.0", "192.0.2.1"], "plugin_id": ">=3"},
    "a port": {"port": 443},
    "host and plugin": {"host": ["192.0.2.1", "192.0.2.3"], "plugin_family": "odd"},
    "a protocol": {"protocol": "udp"},
    "a text in the output": {"plugin_output": "line 7"},
    "no row": {"plugin_name": "none"},
}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Results]:
    made: list[list[Any]] = [[] for _ in range(4)]
    for number in range(ROWS):
        made[number % 4].append(
            item(
                number % 37,
                severity=number % 5,
                port=(443, 80, 22)[number % 3],
                protocol=("tcp", "udp")[number % 2],
                family=("even", "odd")[number % 37 % 2],
                cvss3_base_score=str(number % 37 % 11),
                plugin_output=f"line {number}",
            )
        )
    hosts = [host(f"192.0.2.{index}", *items) for index, items in enumerate(made)]
    with stored(tmp_path_factory.mktemp("results"), hosts) as opened:
        yield opened


def listing(results: Results, **query: Any) -> tuple[list[int], dict[str, Any]]:
    """The ids on one page, and its last line."""
    lines = [json.loads(line) for line in page_lines(results, Query(custom_fields=["id"], **query))]
    return [line["id"] for line in lines if line["type"] == "vulnerability"], lines[-1]


@pytest.mark.parametrize("filters", FILTERS.values(), ids=FILTERS)
@pytest.mark.parametrize("order", Order)
def test_pages_partition_the_result_at_every_size(
    results: Results, filters: dict[str, Any], order: Order
) -> None:
    everything, _ = listing(results, page=0, filters=filters, order=order)
    assert len(set(everything)) == len(everything)
    for size in range(SMALLEST_PAGE, LARGEST_PAGE + 1):
        if size % 2:
            results.forget()  # a first page is found in another way than those after a listing
        numbered: list[int] = []
        by_cursor: list[int] = []
        page, cursor = 1, ""
        while True:
            ids, last = listing(results, page=page, page_size=size, filters=filters, order=order)
            more, after = listing(
                results, cursor=cursor, page_size=size, filters=filters, order=order
            )
            numbered += ids
            by_cursor += more
            assert len(by_cursor) <= len(everything)  # a page that repeats would have no end
            assert last["has_next"] is after["has_next"]
            if not last["has_next"]:
                break
            assert len(ids) == size
            page, cursor = last["next_page"], after["next_cursor"]
        assert numbered == by_cursor == everything


def selected(results: Results, filters: dict[str, Any], few: int) -> Selection:
    names = results.names(kind_of(filters))
    return select(results, compile_filters(filters, names, results.lines), few=few)


@pytest.mark.parametrize("few", [0, 43, 107])
@pytest.mark.parametrize("filters", FILTERS.values(), ids=FILTERS)
def test_rows_are_the_same_listed_left_out_and_walked(
    results: Results, filters: dict[str, Any], few: int
) -> None:
    with results.reading():
        by_index, walked = (selected(results, filters, limit) for limit in (ROWS, few))
        assert by_index.total == walked.total
        everything = [id_ for ids in by_index.chunks(50) for id_ in ids]
        assert everything == [id_ for ids in walked.chunks(7) for id_ in ids]
        assert len(everything) == by_index.total
        for offset in range(by_index.total + 2):
            expected = everything[offset : offset + 10]
            assert [*by_index.window(offset, 10)] == [*walked.window(offset, 10)] == expected


FAR = 9_000
FAR_FILTERS: dict[str, dict[str, Any]] = {
    "rows at both ends": {"port": 1},
    "rows at the end": {"port": 2},
    "one row in the middle": {"port": 3},
    "rows everywhere": {"host": "192.0.2.1"},
    "rows of a plugin at the end": {"plugin_name": "last"},
    "nearly all rows": {"port": "<1"},
}


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Results]:
    """More rows than a search looks at before it makes a listing; rank is the order of ports."""
    made: list[list[Any]] = [[], []]
    for number in range(FAR):
        first, last = number < 60, number >= FAR - 130
        port = 1 if first or number % 1_000 == 999 else 2 if last else 3 if number == 4_500 else 0
        made[number % 2].append(
            item(2 if last else 1, port=port, name="last" if last else "first", severity=0,
                 cvss3_base_score=f"{10 - number / 1_000:.3f}")
        )  # fmt: skip
    hosts = [host(f"192.0.2.{index}", *items) for index, items in enumerate(made)]
    with stored(tmp_path_factory.mktemp("far"), hosts) as opened:
        yield opened


@pytest.mark.parametrize("filters", FAR_FILTERS.values(), ids=FAR_FILTERS)
def test_pages_far_from_where_the_search_begins_hold_the_same_rows(
    far: Results, filters: dict[str, Any]
) -> None:
    everything, _ = listing(far, page=0, filters=filters)
    assert everything
    for size in (10, 37, 100):
        total = -(-len(everything) // size)
        for page in {1, 2, total // 2, total - 1, total, total + 1} - {0, -1}:
            far.forget()
            ids, last = listing(far, page=page, page_size=size, filters=filters)
            assert ids == everything[(page - 1) * size : page * size]
            if last["next_cursor"]:
                far.forget()
                more, _ = listing(far, cursor=last["next_cursor"], page_size=size, filters=filters)
                assert more == everything[page * size : (page + 1) * size]


KEYS: dict[Order, list[str]] = {
    Order.RANK: ["-severity", "-cvss_score", "host", "port"],
    Order.HOST: ["host", "id"],
    Order.PLUGIN: ["plugin_id", "id"],
    Order.SCORE: ["-cvss_score", "id"],
}


@pytest.mark.parametrize("order", KEYS)
def test_rows_come_in_the_order_asked_for(results: Results, order: Order) -> None:
    fields = ["id", "severity", "cvss_score", "host", "port", "plugin_id"]
    lines = page_lines(results, Query(page=0, custom_fields=fields, order=order))
    rows = [json.loads(line) for line in lines][2:]

    def key(row: dict[str, Any]) -> list[Any]:
        return [-row[name[1:]] if name[0] == "-" else row[name] for name in KEYS[order]]

    if order is Order.PLUGIN:  # one plugin can have several texts, which stay together
        assert [row["plugin_id"] for row in rows] == sorted(row["plugin_id"] for row in rows)
    else:
        assert rows == sorted(rows, key=key)
    assert len(rows) == ROWS
