"""Whatever is asked, there is an answer that fits, or a fault that says what to ask instead."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from tests.reports import check, host, item, stored

from nessus_operator.results.changes import SHOWN, compare_lines
from nessus_operator.results.compare import Change
from nessus_operator.results.faults import InvalidQuery
from nessus_operator.results.fields import FIELDS, Record
from nessus_operator.results.pages import Query, page_lines
from nessus_operator.results.profiles import PROFILES
from nessus_operator.results.selected import Order
from nessus_operator.results.store import Results
from nessus_operator.results.summary import summarize

LETTERS = st.characters(codec=None)  # halves of characters, NUL and all

texts = st.text(LETTERS, max_size=12) | st.sampled_from(
    [
        "\ud800",
        "a\0",
        "a",
        "high",
        ">=3",
        "<= 2024-05",
        "=",
        ">",
        "true",
        "no",
        "9.8",
        "%",
        "\\",
        "1e99",
        "CVE-",
    ]
)
names = (
    st.sampled_from([*FIELDS[Record.VULNERABILITY], *FIELDS[Record.COMPLIANCE]])
    | st.sampled_from(["id", "kind", "host_extra", "odd", "odd.@key", "host_properties.os", ""])
    | texts
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=4,
)
filters = st.dictionaries(names, values, max_size=3) | st.fixed_dictionaries(
    {"kind": st.sampled_from([*Record, "x", 7, None])}, optional={"port": values, "odd": values}
)
parts = st.tuples(names, st.sampled_from(["", "[:]", "[1:]", "[:2]", "[3:1]", "[-1:]", "["]))
valid = st.sampled_from([*FIELDS[Record.VULNERABILITY], "id", "odd", "host_properties.os"])
fitting = st.dictionaries(valid, st.booleans(), max_size=2) | st.dictionaries(
    st.sampled_from(["host", "plugin_output", "host_properties.os", "odd"]), texts, max_size=2
)
cursors = texts | st.from_regex(r"\d{1,12}-[0-9a-f]{8}", fullmatch=True)


def questions(
    filters: st.SearchStrategy[dict[str, Any]], custom_fields: st.SearchStrategy[Any]
) -> st.SearchStrategy[Query]:
    asked = {"page_size": st.integers(), "filters": filters}
    pages, orders = st.integers(0, 5) | st.integers(), st.sampled_from(Order)
    return st.one_of(
        st.builds(Query, page=pages, custom_fields=custom_fields, **asked),
        st.builds(Query, cursor=st.just(""), order=orders, custom_fields=custom_fields, **asked),
        st.builds(Query, profile=st.sampled_from(PROFILES), order=orders, **asked),
    )


queries = st.one_of(
    questions(fitting, st.lists(valid, max_size=3)),
    questions(fitting, st.lists(parts.map("".join), max_size=3)),
    questions(filters, st.none()),
    st.builds(Query, cursor=cursors, profile=texts, order=texts, filters=filters),
    st.builds(Query, cursor=cursors, filters=fitting),
)
comparisons = st.builds(
    Query,
    page=st.integers(0, 5) | st.integers(),
    page_size=st.integers(),
    custom_fields=st.lists(valid, max_size=3),
    filters=st.one_of(fitting, fitting, filters),
)
budgets = st.none() | st.integers(-10, 50_000)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Results, Results]]:
    """Two runs with a value of every type, an unknown child, checks, and a long output."""
    finding = item(
        1,
        ("cve", "CVE-2024-1"),
        ("odd", {"key": "a", "#text": "b"}),
        severity=4,
        cvss3_base_score="9.8",
        exploit_available="true",
        plugin_publication_date="2024/05/31",
        plugin_output="é\n" * 5_000,
        see_also="https://example.org\nhttps://example.net",
    )
    checks = [
        check(result, ("cm:compliance-reference", "a|1,b|2")) for result in ("FAILED", "PASSED")
    ]
    before = [host("192.0.2.1", item(1, severity=2), *checks[:1])]
    now = [host("192.0.2.1", finding, *(item(n) for n in range(2, 30)), *checks)]
    with (
        stored(tmp_path_factory.mktemp("before"), before) as previous,
        stored(tmp_path_factory.mktemp("now"), now) as current,
    ):
        yield previous, current


def answered(lines: Iterator[str], budget: int | None) -> list[dict[str, Any]]:
    """The lines as JSON, within the bytes allowed."""
    found = list(lines)
    text = "\n".join(found).encode()  # as it leaves us
    assert text.count(b"\n") == len(found) - 1
    assert budget is None or len(text) <= budget
    return [json.loads(line) for line in found]


@given(query=queries, budget=budgets)
@settings(max_examples=400, deadline=None)
def test_a_page_fits_or_the_question_is_wrong(
    runs: tuple[Results, Results], query: Query, budget: int | None
) -> None:
    try:
        schema, metadata, *_ = answered(page_lines(runs[1], query, byte_budget=budget), budget)
    except InvalidQuery as fault:
        str(fault).encode()
        event("wrong")
        return
    event("answered")
    assert (schema["type"], metadata["type"]) == ("schema", "scan_metadata")


@given(query=comparisons, budget=budgets, changes=st.lists(st.sampled_from(Change), max_size=3))
@settings(max_examples=150, deadline=None)
def test_a_comparison_fits_or_the_question_is_wrong(
    runs: tuple[Results, Results], query: Query, budget: int | None, changes: list[str]
) -> None:
    try:
        lines = compare_lines(*runs, query, changes=changes or SHOWN, byte_budget=budget)
        head, *_ = answered(lines, budget if query.page else None)
    except InvalidQuery as fault:
        str(fault).encode()
        event("wrong")
        return
    event("answered")
    assert head["type"] == "comparison"


@given(wanted=fitting | filters, top=st.integers())
@settings(max_examples=150, deadline=None)
def test_a_summary_is_json_or_the_question_is_wrong(
    runs: tuple[Results, Results], wanted: dict[str, Any], top: int
) -> None:
    try:
        found = summarize(runs[1], filters=wanted, top=top, previous=runs[0])
    except InvalidQuery as fault:
        str(fault).encode()
        event("wrong")
        return
    event("answered")
    json.dumps(found, ensure_ascii=False, allow_nan=False).encode()
