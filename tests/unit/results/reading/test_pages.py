import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.reports import check, host, item, stored

from nessus_operator.results.faults import InvalidQuery
from nessus_operator.results.pages import Query, page_lines
from nessus_operator.results.profiles import PROFILES
from nessus_operator.results.store import Results


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Results]:
    """45 findings of two hosts, five of them critical, and two compliance checks."""
    critical = item(
        900,
        ("cve", "CVE-2024-0001"),
        ("cve", "CVE-2024-0002"),
        severity=4,
        cvss3_base_score="9.8",
        cvss_base_score="7.5",
        exploit_available="true",
        synopsis="It is broken.",
        description="Very broken.",
        solution="Update it.",
        plugin_output="version 1.0",
    )
    plain = [item(100 + number, port=number) for number in range(39)]
    more = [item(901, severity=4, port=port, cvss_base_score="5.0") for port in range(4)]
    checks = [
        check("FAILED", ("cm:compliance-check-name", "1.1 no telnet")),
        check("PASSED", ("cm:compliance-check-name", "1.2 no rsh")),
    ]
    with stored(
        tmp_path_factory.mktemp("results"),
        [
            host("192.0.2.1", critical, *plain, *more[:2]),
            host("192.0.2.2", *more[2:], item(200), *checks, tags={"os": "linux"}),
        ],
    ) as opened:
        yield opened


def answer(results: Results, **query: Any) -> list[dict[str, Any]]:
    metadata = query.pop("metadata", None)
    budget = query.pop("byte_budget", None)
    lines = list(page_lines(results, Query(**query), metadata=metadata, byte_budget=budget))
    assert not any("\n" in line for line in lines)
    return [json.loads(line) for line in lines]


def rows(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [line for line in lines if line["type"] in ("vulnerability", "compliance")]


def test_a_page_is_schema_metadata_rows_and_pagination(results: Results) -> None:
    schema, metadata, *found, pagination = answer(results, page_size=10)
    assert schema == {
        "type": "schema",
        "profile": "brief",
        "fields": [
            "host",
            "plugin_id",
            "severity",
            "cve",
            "cvss_score",
            "exploit_available",
            "plugin_name",
            "cvss3_base_score",
            "synopsis",
            "description",
            "solution",
        ],
        "filters_applied": {},
        "total_vulnerabilities": 45,
        "total_pages": 5,
        "untrusted": True,
    }
    assert metadata["type"] == "scan_metadata"
    assert metadata["scan_name"] == "weekly"
    assert len(found) == 10
    assert pagination == {
        "type": "pagination",
        "page": 1,
        "page_size": 10,
        "total_pages": 5,
        "has_next": True,
        "next_page": 2,
        "next_cursor": pagination["next_cursor"],
    }


def test_a_row_has_the_fields_of_its_profile_in_their_order(results: Results) -> None:
    assert list(rows(answer(results))[0].items()) == [
        ("type", "vulnerability"),
        ("host", "192.0.2.1"),
        ("plugin_id", 900),
        ("severity", 4),
        ("cve", ["CVE-2024-0001", "CVE-2024-0002"]),
        ("cvss_score", 9.8),
        ("exploit_available", True),
        ("plugin_name", "Plugin 900"),
        ("cvss3_base_score", 9.8),
        ("synopsis", "It is broken."),
        ("description", "Very broken."),
        ("solution", "Update it."),
    ]


def test_rows_come_by_severity_then_score_then_host(results: Results) -> None:
    found = rows(answer(results, page=0, profile="minimal"))
    assert [row["plugin_id"] for row in found[:6]] == [900, 901, 901, 901, 901, 100]
    assert [row["host"][-1] for row in found[:5]] == ["1", "1", "1", "2", "2"]


@pytest.mark.parametrize("smaller", range(3))
def test_each_profile_shows_what_the_one_before_it_does(results: Results, smaller: int) -> None:
    few, more = (rows(answer(results, profile=PROFILES[smaller + step]))[0] for step in (0, 1))
    assert few.items() < more.items()


def test_the_full_profile_shows_every_field_but_the_properties_of_the_host(
    results: Results,
) -> None:
    schema, *_ = lines = answer(results, profile="full")
    assert (schema["fields"], schema["left_out"]) == ("all", ["host_properties"])
    assert (
        rows(lines)[0].items()
        >= {
            "host-ip": "192.0.2.1",
            "port": 443,
            "protocol": "tcp",
            "svc_name": "www",
            "plugin_family": "General",
            "cvss_base_score": 7.5,
            "plugin_output": "version 1.0",
        }.items()
    )


def test_compliance_checks_are_a_kind_of_their_own(results: Results) -> None:
    schema, _, *found, _ = answer(results, filters={"kind": "compliance"})
    assert schema["total_vulnerabilities"] == 2
    assert [(row["type"], row["compliance-result"]) for row in found] == [
        ("compliance", "FAILED"),
        ("compliance", "PASSED"),
    ]


def test_custom_fields_take_the_place_of_the_profile(results: Results) -> None:
    schema, _, row, *_ = answer(
        results, custom_fields=["id", "PLUGIN-OUTPUT", "host_properties.host-ip", "cve"]
    )
    assert schema["profile"] == "custom"
    assert schema["fields"] == ["id", "plugin_output", "host_properties.host-ip", "cve"]
    assert row == {
        "type": "vulnerability",
        "id": 1,
        "plugin_output": "version 1.0",
        "host_properties.host-ip": "192.0.2.1",
        "cve": ["CVE-2024-0001", "CVE-2024-0002"],
    }


def test_a_custom_field_may_be_a_part_of_a_value(results: Results) -> None:
    fields = ["plugin_output[8:]", "cve[:1]", "description[0:4]"]
    assert rows(answer(results, custom_fields=fields))[0] == {
        "type": "vulnerability",
        "plugin_output[8:]": "1.0",
        "cve[:1]": ["CVE-2024-0001"],
        "description[0:4]": "Very",
    }


SIZES = {
    "a size below 10 is 10": (1, 10),
    "a size of nothing is 10": (0, 10),
    "a negative size is 10": (-5, 10),
    "a size between stays": (11, 11),
    "a size above 100 is 100": (1000, 100),
}


@pytest.mark.parametrize(("asked", "in_force"), SIZES.values(), ids=SIZES)
def test_the_pagination_line_carries_the_size_in_force(
    results: Results, asked: int, in_force: int
) -> None:
    *found, pagination = answer(results, page_size=asked)
    assert pagination["page_size"] == in_force
    assert len(rows(found)) == min(in_force, 45)


def test_the_last_page_ends_the_listing(results: Results) -> None:
    *found, pagination = answer(results, page=5, page_size=10)
    assert len(rows(found)) == 5
    assert (pagination["has_next"], pagination["next_page"], pagination["next_cursor"]) == (
        False,
        None,
        None,
    )


@pytest.mark.parametrize("page", [6, 7, 10**30])
def test_a_page_past_the_end_has_no_rows(results: Results, page: int) -> None:
    *found, pagination = answer(results, page=page, page_size=10)
    assert rows(found) == []
    assert (pagination["has_next"], pagination["next_page"]) == (False, None)


def test_nothing_found_is_one_empty_page(results: Results) -> None:
    schema, _, pagination = answer(results, filters={"plugin_name": "no such plugin"})
    assert (schema["total_vulnerabilities"], schema["total_pages"]) == (0, 1)
    assert (pagination["page"], pagination["has_next"]) == (1, False)


def test_page_0_is_everything_without_a_pagination_line(results: Results) -> None:
    schema, _, *found = answer(results, page=0)
    assert (schema["total_vulnerabilities"], schema["total_pages"]) == (45, 1)
    assert len(rows(found)) == len(found) == 45


def test_a_cursor_goes_on_where_the_page_before_ended(results: Results) -> None:
    first = answer(results, page_size=10)
    second = answer(results, page_size=10, cursor=first[-1]["next_cursor"])
    assert rows(second) == rows(answer(results, page=2, page_size=10))
    assert "next_page" not in second[-1]


def test_what_the_caller_knows_of_the_scan_wins_over_the_report(results: Results) -> None:
    _, metadata, *_ = answer(results, metadata={"task_id": "a/b", "scan_name": "DMZ"})
    assert (metadata["task_id"], metadata["scan_name"], metadata["hosts"]) == ("a/b", "DMZ", 2)


INVALID: dict[str, tuple[dict[str, Any], str]] = {
    "a negative page": ({"page": -1}, "pages count from 1, and 0 is everything"),
    "an unknown profile": ({"profile": "tiny"}, "there are minimal, summary, brief, full"),
    "custom fields beside a profile": (
        {"profile": "full", "custom_fields": ["host"]},
        "give one of them, not both",
    ),
    "custom fields in one text": ({"custom_fields": "host,port"}, "a list of at most"),
    "an unknown field": ({"custom_fields": ["hots"]}, "did you mean host? Valid fields: id, host,"),
    "a field of half a character": ({"custom_fields": ["host_properties.\udcff"]}, "no field"),
    "a field that is no text": ({"custom_fields": [7]}, "There is no field"),
    "an unknown order": ({"order": "name"}, "there are rank, host, plugin, score"),
    "a cursor that is none": ({"cursor": "next"}, "start with page 1"),
    "a cursor of other filters": (
        {"cursor": "10-00000000", "filters": {"severity": 4}},
        "belongs to other filters",
    ),
}


@pytest.mark.parametrize(("query", "says"), INVALID.values(), ids=INVALID)
def test_a_wrong_question_says_what_is_right(
    results: Results, query: dict[str, Any], says: str
) -> None:
    with pytest.raises(InvalidQuery, match=says.replace("?", r"\?")):
        page_lines(results, Query(**query))


def test_a_cursor_of_another_report_is_refused(results: Results, tmp_path: Path) -> None:
    cursor = answer(results, page_size=10)[-1]["next_cursor"]
    other = stored(tmp_path, [host("192.0.2.9", item())])
    with other, pytest.raises(InvalidQuery, match="another report"):
        page_lines(other, Query(cursor=cursor))


@pytest.mark.parametrize("order", ["rank", "host", "plugin", "score"])
def test_a_cursor_that_was_tampered_with_is_refused_or_goes_on(
    results: Results, order: str
) -> None:
    wanted = {"order": order, "filters": {"severity": 4}}
    cursor = answer(results, cursor="", page_size=10, **wanted)[-1]["next_cursor"]
    assert cursor is None
    wanted = {"order": order, "filters": {"severity": 0}}
    cursor = answer(results, cursor="", page_size=10, **wanted)[-1]["next_cursor"]
    tampered = f"1-{cursor.partition('-')[2]}"  # the row of rank 1 is critical
    if order == "rank":
        assert rows(answer(results, cursor=tampered, **wanted)) == rows(
            answer(results, cursor="", **wanted)
        )
    else:
        with pytest.raises(InvalidQuery, match="This cursor belongs to"):
            answer(results, cursor=tampered, **wanted)
