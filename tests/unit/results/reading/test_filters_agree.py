"""Filters in SQL find, on all pages, what a filter over plain Python objects finds, at random."""

import json
import operator
import tempfile
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path
from typing import Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from tests.reports import check, host, item, stored

from nessus_operator.results.fields import Record
from nessus_operator.results.pages import SMALLEST_PAGE, Query, page_lines
from nessus_operator.results.store import Results

OPERATORS = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "=": operator.eq,
}
SIGNS = list(OPERATORS)
NAMES = ("info", "low", "medium", "high", "critical")
LETTERS = "aAbBéÉß%_\\'\"[]"

words = st.text(LETTERS, min_size=1, max_size=4)
lines = st.lists(st.text(LETTERS + " ", max_size=4), min_size=1, max_size=3).map("\n".join)
scores = st.sampled_from([0.0, 2.6, 5.0, 7.5, 9.8, 10.0])
cves = st.sampled_from(["CVE-2023-1", "CVE-2023-11", "CVE-2024-1"])


@dataclass(frozen=True)
class Plugin:
    name: str
    v3: float | None
    v2: float | None
    exploit: str | None
    cve: list[str]
    see_also: list[str]
    published: str | None


@dataclass(frozen=True)
class Finding:
    """What a row says, as plain values under the names of its fields."""

    values: dict[str, Any]
    host: int
    plugin: int
    texts: dict[str, str] = field(default_factory=dict)


plugins = st.builds(
    Plugin,
    name=words,
    v3=st.none() | scores,
    v2=st.none() | scores,
    exploit=st.sampled_from([None, "true", "false"]),
    cve=st.lists(cves, max_size=3),
    see_also=st.lists(words, max_size=2),
    published=st.sampled_from([None, "2023/12/31", "2024/01/01", "2024/05/31"]),
)
addresses = st.sampled_from(["02:00:5E:00:53:01", "02:00:5e:00:53:02"])
hosts = st.tuples(
    words, st.sampled_from([None, "linux", "Windows"]), st.lists(addresses, max_size=2)
)
findings = st.fixed_dictionaries(
    {
        "host": st.integers(0, 2),
        "plugin": st.integers(0, 3),
        "severity": st.integers(0, 4),
        "port": st.sampled_from([0, 22, 80, 443]),
        "protocol": st.sampled_from(["tcp", "udp"]),
    },
    optional={
        "plugin_output": lines,
        "odd": words,
        "weight": scores.map(str),
        "nest": st.tuples(words, words),
        "first_found": st.sampled_from(["2023/12/31", "2024-01-01T09:10:11Z", "unknown"]),
    },
)


@st.composite
def reports(draw: st.DrawFn, least: int = 0) -> tuple[list[Any], list[dict[str, Any]]]:
    """The hosts of a report as XML, and its rows as plain objects, `least` at least."""
    catalogue = draw(st.lists(plugins, min_size=4, max_size=4))
    machines = draw(st.lists(hosts, min_size=3, max_size=3, unique_by=lambda one: one[0]))
    elements: list[list[Any]] = [[], [], []]
    rows = []
    for mark, found in enumerate(draw(st.lists(findings, min_size=least, max_size=25))):
        plugin = catalogue[found["plugin"]]
        elements[found["host"]].append(_element(mark, found, plugin))
        rows.append(_row(mark, found, plugin) | _machine(*machines[found["host"]]))
    made = [
        host(name, *items, tags=_tags(system, cards))
        for (name, system, cards), items in zip(machines, elements, strict=True)
    ]
    return made, rows


def _tags(system: str | None, cards: list[str]) -> dict[str, str]:
    tags = {"os": system, "mac-address": "\n".join(cards)}
    return {name: text for name, text in tags.items() if text}


def _machine(name: str, system: str | None, cards: list[str]) -> dict[str, Any]:
    row = {"host": name, "os": system, "host_properties.os": system, "mac-address": cards}
    return {name: value for name, value in row.items() if value}


def _element(mark: int, found: dict[str, Any], plugin: Plugin) -> Any:
    children: list[Any] = [("cve", cve) for cve in plugin.cve]
    if plugin.see_also:
        children.append(("see_also", "\n".join(plugin.see_also)))
    if "nest" in found:
        attribute, text = found["nest"]
        children.append(("nest", {"key": attribute, "#text": text}))
    texts = {
        "cvss3_base_score": plugin.v3,
        "cvss_base_score": plugin.v2,
        "exploit_available": plugin.exploit,
        "plugin_publication_date": plugin.published,
        "mark": mark,
        **{name: found.get(name) for name in OWN_TEXTS},
    }
    return item(
        found["plugin"] + 1,
        *children,
        severity=found["severity"],
        port=found["port"],
        protocol=found["protocol"],
        name=plugin.name,
        **{name: str(text) for name, text in texts.items() if text is not None},
    )


def _row(mark: int, found: dict[str, Any], plugin: Plugin) -> dict[str, Any]:
    row = {
        "mark": str(mark),
        "plugin_id": found["plugin"] + 1,
        "plugin_name": plugin.name,
        "cvss3_base_score": plugin.v3,
        "cvss_base_score": plugin.v2,
        "cvss_score": plugin.v3 if plugin.v3 is not None else plugin.v2,
        "exploit_available": {"true": True, "false": False}.get(plugin.exploit or ""),
        "plugin_publication_date": plugin.published,
        "cve": plugin.cve or None,
        "see_also": plugin.see_also or None,
        **{key: found[key] for key in found if key not in ("host", "plugin", "nest")},
        "nest": list(found["nest"]) if "nest" in found else None,
        "nest.@key": found["nest"][0] if "nest" in found else None,
    }
    return {name: value for name, value in row.items() if value is not None}


compared = st.tuples(st.sampled_from([*SIGNS, ""]), scores).map(lambda pair: f"{pair[0]}{pair[1]}")
ranked = st.tuples(st.sampled_from([*SIGNS, ""]), st.sampled_from([*NAMES, *"01234"])).map("".join)
dated = st.tuples(
    st.sampled_from(SIGNS), st.sampled_from(["2023", "2024", "2024-01", "2024/05/31"])
).map("".join)
KINDS: dict[str, tuple[tuple[str, ...], st.SearchStrategy[Any]]] = {
    "text": (("host", "plugin_name", "protocol", "os"), words | st.booleans()),
    "output": (("plugin_output",), words | lines.filter(bool) | st.booleans()),
    "number": (
        ("cvss_score", "cvss3_base_score", "cvss_base_score", "port", "plugin_id"),
        compared | scores | st.sampled_from([0, 22, 443, 1, 2]) | st.booleans(),
    ),
    "severity": (("severity",), ranked | st.integers(0, 4) | st.booleans()),
    "boolean": (("exploit_available",), st.booleans() | st.sampled_from(["true", "False", 1, 0])),
    "list": (
        ("cve", "see_also", "mac-address"),
        words | cves | st.sampled_from(["02:00", "5E:00:53", "5e:00:53:02"]) | st.booleans(),
    ),
    "date": (
        ("plugin_publication_date", "first_found"),
        dated | st.sampled_from(["2024", "05/31", True, False]),
    ),
    "unknown": (
        ("odd", "weight", "nest", "nest.@key", "host_properties.os"),
        words | compared | st.sampled_from(["linux", "WIN"]) | st.booleans(),
    ),
}

OWN_TEXTS = ("plugin_output", "odd", "weight", "first_found")
CHILDREN = ("odd", "weight", "nest")  # known only where a report has them


@st.composite
def filters(draw: st.DrawFn) -> dict[str, tuple[str, Any]]:
    """Field to its kind and condition."""
    chosen: dict[str, tuple[str, Any]] = {}
    for kind in draw(st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=3)):
        names, conditions = KINDS[kind]
        value = conditions | st.lists(conditions, min_size=1, max_size=3)
        chosen[draw(st.sampled_from(names))] = (kind, draw(value))
    return chosen


def holds(kind: str, condition: Any, value: Any) -> bool:
    """The naive filter: one field of one row."""
    if isinstance(condition, list):
        return any(holds(kind, one, value) for one in condition)
    if kind == "boolean":
        return bool(value) is (str(condition).lower() in ("true", "1"))
    if isinstance(condition, bool):
        said = bool(value) and str(value).lower() not in ("0", "0.0", "no", "false")
        return said is condition
    return value is not None and fits(kind, condition, value)


def fits(kind: str, condition: Any, value: Any) -> bool:
    if kind == "date" and condition not in ("2024", "05/31"):
        said = value.replace("/", "-")
        return said[:4].isdigit() and compare(condition, lambda date: date.replace("/", "-"), said)
    if kind == "severity":
        rank = {**{name: rank for rank, name in enumerate(NAMES)}, **{str(n): n for n in range(5)}}
        return compare(str(condition), rank.__getitem__, value)
    if kind == "number":
        return compare(str(condition), float, value)
    elements = value if isinstance(value, list) else [value]
    if kind == "unknown" and condition[0] in "<>=":
        numbers = [float(one) for one in elements if one.replace(".", "").isdigit()]
        return any(compare(condition, float, number) for number in numbers)
    return any(folded(condition) in folded(element) for element in elements)


def compare(condition: str, parse: Any, value: Any) -> bool:
    sign = next((sign for sign in OPERATORS if condition.startswith(sign)), "")
    limit = parse(condition.removeprefix(sign))
    if isinstance(limit, str):
        value = value[: len(limit)]
    return bool(OPERATORS[sign or "="](value, limit))


def folded(text: str) -> str:
    return "".join(letter.lower() if letter.isascii() else letter for letter in text)


def assert_agree(
    results: Results, rows: list[dict[str, Any]], chosen: dict[str, tuple[str, Any]]
) -> None:
    """The filters find the rows that the naive filter finds; those the report knows nothing of
    are left out."""
    children = results.names(Record.VULNERABILITY).children()
    known = {
        name: pair
        for name, pair in chosen.items()
        if name.partition(".")[0] in children or name.partition(".")[0] not in CHILDREN
    }
    query = Query(
        page=0,
        custom_fields=["mark"] if rows else None,
        filters={name: condition for name, (_, condition) in known.items()},
    )
    found = [json.loads(line) for line in page_lines(results, query)][2:]
    expected = [
        row["mark"]
        for row in rows
        if all(holds(kind, value, row.get(name)) for name, (kind, value) in known.items())
    ]
    marks = [row["mark"] for row in found]
    assert sorted(marks) == sorted(expected), query.filters
    results.forget()  # a page is found in another way than everything
    assert paged(results, query, page=1) == marks, query.filters
    results.forget()
    assert paged(results, query, cursor="") == marks, query.filters


def paged(results: Results, query: Query, **first: Any) -> list[str]:
    """The marks on all pages of the smallest size, one after the other."""
    marks: list[str] = []
    following: dict[str, Any] | None = first
    while following:
        lines = page_lines(results, replace(query, page_size=SMALLEST_PAGE, **following))
        schema, _, *rows, last = map(json.loads, lines)
        marks += [row["mark"] for row in rows]
        assert len(marks) <= schema["total_vulnerabilities"]
        [key] = following
        following = {key: last[f"next_{key}"]} if last["has_next"] else None
    assert len(marks) == schema["total_vulnerabilities"]
    return marks


@given(reports(), st.lists(filters(), min_size=4, max_size=8))
@settings(max_examples=150, deadline=None, phases=set(Phase) - {Phase.shrink})
def test_filters_agree_with_a_naive_filter(
    made: tuple[list[Any], list[dict[str, Any]]], asked: list[dict[str, tuple[str, Any]]]
) -> None:
    elements, rows = made
    with tempfile.TemporaryDirectory() as folder, stored(Path(folder), elements) as results:
        for chosen in asked:
            assert_agree(results, rows, chosen)


def conditions(kind: str, values: list[Any]) -> list[Any]:
    """Every condition of that kind that could tell these values apart."""
    said = [one for value in values for one in (value if isinstance(value, list) else [value])]
    limits = {"number": [*map(str, said), "6", "0.0"], "severity": [*NAMES, *"01234"],
              "date": ["2023", "2024", "2024-01", "2024/05/31"],
              "unknown": ["2.6", "7.5", "8"]}.get(kind, [])  # fmt: skip
    signs = [*SIGNS, ""] if kind in ("number", "severity") else SIGNS
    found: list[Any] = [sign + limit for sign in signs for limit in limits]
    if kind == "boolean":
        return [True, False, "true", "False", 1, 0]
    if kind == "severity":
        found += [list(pair) for pair in combinations(NAMES, 2)]
    if kind in ("text", "output", "list", "unknown"):
        found += [part for one in said for part in (one, one[:2], one[1:], one.swapcase()) if part]
        found += ["no such text", ["no such text", *filter(None, said[:2])]]
    return [True, False, *dict.fromkeys(map(_hashable, found))]


def _hashable(condition: Any) -> Any:
    return tuple(condition) if isinstance(condition, list) else condition


@given(reports(least=4))
@settings(max_examples=15, deadline=None, phases=set(Phase) - {Phase.shrink})  # it would take long
def test_every_filter_on_one_field_agrees_with_a_naive_filter(
    made: tuple[list[Any], list[dict[str, Any]]],
) -> None:
    elements, rows = made
    with tempfile.TemporaryDirectory() as folder, stored(Path(folder), elements) as results:
        for kind, (names, _) in KINDS.items():
            for name in names:
                for condition in conditions(kind, [row[name] for row in rows if name in row]):
                    wanted = list(condition) if isinstance(condition, tuple) else condition
                    assert_agree(results, rows, {name: (kind, wanted)})


checks = st.fixed_dictionaries(
    {
        "compliance-result": st.sampled_from(["PASSED", "FAILED", "WARNING", "ERROR"]),
        "compliance-check-name": words,
        "compliance-reference": st.lists(st.sampled_from(["CIS|1", "CIS|12", "800-53|AC-1"])),
    },
    optional={"compliance-actual-value": lines.filter(str.strip)},
)
check_filters = st.fixed_dictionaries(
    {},
    optional={
        "compliance-result": st.sampled_from(["FAIL", "passed", "e"]) | st.booleans(),
        "compliance-check-name": words | st.lists(words, min_size=1, max_size=3),
        "compliance-reference": st.sampled_from(["CIS|1", "ac-1", ["|12", "800"], True, False]),
        "compliance-actual-value": words | lines.filter(bool) | st.booleans(),
    },
)


@given(st.lists(checks, max_size=10), st.lists(check_filters, min_size=4, max_size=8))
@settings(max_examples=75, deadline=None)
def test_filters_of_checks_agree_with_a_naive_filter(
    made: list[dict[str, Any]], asked: list[dict[str, Any]]
) -> None:
    rows = [{name: value for name, value in row.items() if value} for row in made]
    elements = [
        check(
            row["compliance-result"],
            *((f"cm:{name}", _said(value)) for name, value in row.items() if "result" not in name),
            port=mark,
        )
        for mark, row in enumerate(rows)
    ]
    with (
        tempfile.TemporaryDirectory() as folder,
        stored(Path(folder), [host("192.0.2.1", *elements)]) as results,
    ):
        for wanted in asked:
            query = Query(page=0, custom_fields=["port"], filters={"kind": "compliance", **wanted})
            found = [json.loads(line)["port"] for line in [*page_lines(results, query)][2:]]
            assert sorted(found) == [
                mark
                for mark, row in enumerate(rows)
                if all(holds("text", value, row.get(name)) for name, value in wanted.items())
            ], wanted


def _said(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else value
