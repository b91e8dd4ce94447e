import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.reports import host, item, stored

from nessus_operator.results.budget import LEAST_ROW, MARK, fit_row, fit_rows
from nessus_operator.results.faults import InvalidQuery
from nessus_operator.results.pages import Query, page_lines
from nessus_operator.results.store import Results

texts = st.text(st.sampled_from('aé€𝄞\n"\\'), max_size=200)
values = texts | st.lists(texts, max_size=8) | st.integers(0, 9) | st.dictionaries(texts, texts)
rows = st.dictionaries(
    st.text("abcdefgh", min_size=1, max_size=24).filter(lambda name: name not in ("id", "type")),
    values,
    max_size=12,
).map(lambda row: {"type": "vulnerability", **row})


@given(rows, st.integers(LEAST_ROW, 2000))
def test_a_row_fits_and_says_what_is_missing(row: dict[str, Any], room: int) -> None:
    text = fit_row(1234567, row, room)
    assert len(text.encode()) <= room
    found = json.loads(text)
    kept = found.keys() - {"cut", "left_out"}
    assert found.get("left_out", 0) == len(row.keys() - kept)
    for name in kept - {"id", "type"} - found["cut"].keys():
        assert found[name] == row[name]
    for name, shown in found["cut"].items():
        if isinstance(row[name], list):
            assert found[name] == row[name][:shown]
        else:
            whole = row[name] if isinstance(row[name], str) else _json(row[name])
            assert found[name] == whole[:shown] + MARK


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@given(st.lists(rows, min_size=1, max_size=10), st.integers(0, 4000))
def test_rows_fit_together_and_stay_whole_if_they_can(
    found: list[dict[str, Any]], room: int
) -> None:
    room += LEAST_ROW * len(found)
    lines, cut = fit_rows(list(enumerate(found)), room)
    assert sum(len(line.encode()) + 1 for line in lines) <= room
    whole = [_json(row) for row in found]
    assert cut == sum(line != all_of_it for line, all_of_it in zip(lines, whole, strict=True))
    if sum(len(line.encode()) + 1 for line in whole) <= room:
        assert lines == whole


def test_the_longest_value_is_cut_first() -> None:
    row = {"type": "vulnerability", "short": "a" * 100, "long": "b" * 5000, "list": ["c"] * 5}
    found = json.loads(fit_row(7, row, 600))
    assert found["cut"].keys() == {"long"}
    assert (found["short"], found["list"]) == (row["short"], row["list"])


LONG = "é" * 3000 + '"' * 3000


@pytest.fixture
def results(tmp_path: Path) -> Results:
    """30 findings, of which every third has a long output."""
    items = [
        item(n, plugin_output=LONG if n % 3 == 0 else f"out {n}", severity=n % 5)
        for n in range(1, 31)
    ]
    return stored(tmp_path, [host("192.0.2.1", *items)])


def asked(results: Results, budget: int | None, **query: Any) -> list[dict[str, Any]]:
    query = {"custom_fields": ["plugin_id", "plugin_output"], **query}
    lines = list(page_lines(results, Query(**query), byte_budget=budget))
    assert budget is None or len("\n".join(lines).encode()) <= budget
    return [json.loads(line) for line in lines]


def found(lines: list[dict[str, Any]]) -> list[int]:
    return [line["plugin_id"] for line in lines if line["type"] == "vulnerability"]


def test_a_numbered_page_holds_its_rows_and_cuts_their_texts(results: Results) -> None:
    whole, within = (asked(results, budget) for budget in (None, 16_000))
    assert found(whole) == found(within)
    assert within[-1]["cut_rows"] == 10
    assert "custom_fields" in within[-1]["how_to_read_cut_rows"]


def test_a_cut_value_can_be_read_to_its_end_in_parts(results: Results) -> None:
    cut = next(line for line in asked(results, 16_000) if "cut" in line)
    text, start = cut["plugin_output"].removesuffix(MARK), cut["cut"]["plugin_output"]
    for _ in range(20):
        field = f"plugin_output[{start}:]"
        *_, row, _ = asked(
            results, 4000, custom_fields=[field], filters={"id": cut["id"]}, page_size=10
        )
        text += row[field].removesuffix(MARK)
        if "cut" not in row:
            break
        start += row["cut"][field]
    assert text == LONG


def test_a_page_by_cursor_ends_early_and_goes_on(results: Results) -> None:
    everything = found(asked(results, None, page=0))
    seen: list[int] = []
    cursor, pages = "", 0
    while cursor is not None:
        lines = asked(results, 16_000, cursor=cursor, page_size=100)
        seen += found(lines)
        cursor, pages = lines[-1]["next_cursor"], pages + 1
    assert seen == everything
    assert pages > 5


def test_everything_stops_at_the_budget_and_says_how_to_go_on(results: Results) -> None:
    everything = found(asked(results, None, page=0))
    lines = asked(results, 16_000, page=0)
    assert lines[-1]["type"] == "truncated"
    assert lines[-1]["truncated"] is True
    assert lines[-1]["returned"] == len(found(lines)) > 0
    rest = asked(results, None, cursor=lines[-1]["next_cursor"], page_size=100)
    assert found(lines) + found(rest) == everything


def test_everything_that_fits_is_not_truncated(results: Results) -> None:
    assert asked(results, 1_000_000, page=0) == asked(results, None, page=0)


@pytest.mark.parametrize("query", [{"page": 0}, {"cursor": ""}], ids=["page 0", "cursor"])
def test_a_row_larger_than_the_budget_is_cut_and_not_skipped(
    results: Results, query: dict[str, Any]
) -> None:
    lines = asked(results, 3000, filters={"plugin_id": 9}, page_size=10, **query)
    assert found(lines) == [9]
    assert any("plugin_output" in line.get("cut", ()) for line in lines)


def test_too_small_a_budget_is_refused(results: Results) -> None:
    with pytest.raises(InvalidQuery, match="too little for 40 rows"):
        page_lines(results, Query(), byte_budget=4000)
    for query in (Query(page=0), Query(cursor="")):
        with pytest.raises(InvalidQuery, match="too little for 1 row with"):
            page_lines(results, query, byte_budget=1000)


def test_a_page_by_cursor_needs_room_for_one_row_only(results: Results) -> None:
    everything = found(asked(results, None, page=0))
    lines = asked(results, 2000, cursor="")
    seen = found(lines)
    while cursor := lines[-1]["next_cursor"]:
        lines = asked(results, 2000, cursor=cursor)
        assert found(lines)
        seen += found(lines)
    assert seen == everything


@given(st.lists(texts, min_size=1, max_size=12), st.integers(4000, 9000))
@settings(max_examples=60, deadline=None)
def test_no_answer_exceeds_its_budget(outputs: list[str], budget: int) -> None:
    items = [item(n, plugin_output=text * 20) for n, text in enumerate(outputs)]
    hosts = [host("192.0.2.1", *items)]
    with tempfile.TemporaryDirectory() as folder, stored(Path(folder), hosts) as opened:
        for query in ({"page": 1}, {"cursor": ""}, {"page": 0}):
            asked(opened, budget, page_size=10, profile="full", custom_fields=None, **query)
