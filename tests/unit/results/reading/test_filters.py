import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.reports import check, host, item, stored

from nessus_operator.results.faults import InvalidQuery
from nessus_operator.results.pages import Query, page_lines
from nessus_operator.results.store import Results

HOSTS = [
    host(
        "192.0.2.1",
        item(
            1,
            ("cve", "CVE-2024-1000"),
            ("cve", "CVE-2024-2000"),
            ("cwe", "79"),
            ("xref", "CISA-KNOWN-EXPLOITED:2025/05/22"),
            ("ref", {"source": "CVE", "#text": "CVE-1234-5678"}),
            ("new_score", "7.50"),
            severity=4,
            family="Windows",
            name="Apache < 2.4.50 100% \\_",
            cvss3_base_score="9.8",
            cvss_base_score="7.5",
            exploit_available="true",
            plugin_publication_date="2024/05/31",
            plugin_output="Café\nX-Powered-By: PHP\nlast line",
        ),
        item(
            2,
            severity=3,
            port=22,
            service="ssh",
            cvss_base_score="7.0",
            see_also="http://a\nhttp://b",
            first_found="2024/05/01",
            last_found="2024-06-30T12:09:19.241Z",
        ),
        item(3, severity=2, port=8443, cvss3_base_score="5", exploit_available="false"),
        tags={
            "os": "linux",
            "Credentialed_Scan": "false",
            "mac-address": "00:00:5E:00:53:01\n00:00:5E:00:53:02",
        },
    ),
    host(
        "app.example.org",
        item(4, ("cwe", "790"), severity=1, protocol="udp", exploit_framework_canvas="CANVAS"),
        item(5, ("description", {"lang": "en", "#text": "marked up"}), severity=0, port=0),
        item(
            6, ("solution", "first"), ("solution", "second"), plugin_publication_date="2023/12/01"
        ),
        tags={"os": "windows", "Credentialed_Scan": "true", "host-ip": "198.51.100.7"},
    ),
]
CHECKS = [
    check(
        "FAILED",
        ("cm:compliance-reference", "800-53|CM-6, CSCv7|5.1"),
        ("cm:compliance-check-name", "1.1 no telnet"),
    ),
    check("PASSED", ("cm:compliance-check-name", "1.2 no rsh")),
]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Results]:
    checked = host("192.0.2.3", *CHECKS)
    with stored(tmp_path_factory.mktemp("results"), [*HOSTS, checked]) as opened:
        yield opened


def found(results: Results, filters: dict[str, Any], *, show: str = "plugin_id") -> list[Any]:
    query = Query(page=0, custom_fields=[show], filters=filters)
    lines = [json.loads(line) for line in page_lines(results, query)]
    assert lines[0]["total_vulnerabilities"] == len(lines) - 2
    return sorted(line[show] for line in lines[2:])


CASES: dict[str, tuple[dict[str, Any], list[int]]] = {
    "no filter keeps all": ({}, [1, 2, 3, 4, 5, 6]),
    "a text is contained": ({"plugin_family": "gen"}, [2, 3, 4, 5, 6]),
    "letters A to Z are folded": ({"plugin_output": "x-powered-BY: php"}, [1]),
    "other letters are not": ({"plugin_output": "CAFÉ"}, []),
    "other letters are found as they are": ({"plugin_output": "café"}, [1]),
    "a text goes over lines": ({"plugin_output": "php\nlast"}, [1]),
    "wildcards of SQL are letters": ({"plugin_name": "100% \\_"}, [1]),
    "a percent sign matches no other text": ({"plugin_name": "Plugin%"}, []),
    "an operator begins a text of a text field": ({"plugin_name": "< 2.4"}, [1]),
    "a host is contained": ({"host": "192.0.2"}, [1, 2, 3]),
    "two filters must both hold": ({"host": "192.0.2.1", "port": 443}, [1]),
    "severity by number": ({"severity": 4}, [1]),
    "severity by number in a text": ({"severity": "4"}, [1]),
    "severity by name": ({"severity": "High"}, [2]),
    "severity at least by number": ({"severity": ">=3"}, [1, 2]),
    "severity at least by name": ({"severity": ">= high"}, [1, 2]),
    "severity above": ({"severity": ">medium"}, [1, 2]),
    "severity below": ({"severity": "<1"}, [5, 6]),
    "severity at most": ({"severity": "<=low"}, [4, 5, 6]),
    "severity equal": ({"severity": "=info"}, [5, 6]),
    "severity any of": ({"severity": ["critical", 0]}, [1, 5, 6]),
    "a number equals": ({"cvss_score": 9.8}, [1]),
    "a number in a text equals": ({"cvss_score": "9.8"}, [1]),
    "cvss_score is v3, else v2": ({"cvss_score": ">=7.0"}, [1, 2]),
    "a number above": ({"cvss_score": ">7"}, [1]),
    "a number below leaves out what has none": ({"cvss_score": "< 6"}, [3]),
    "a number any of": ({"port": [22, ">8000"]}, [2, 3]),
    "a port of nothing": ({"port": 0}, [5]),
    "a plugin": ({"plugin_id": 4}, [4]),
    "a plugin is not part of another number": ({"plugin_id": "1"}, [1]),
    "true is true": ({"exploit_available": True}, [1]),
    "absent is false": ({"exploit_available": False}, [2, 3, 4, 5, 6]),
    "true as a text": ({"exploit_available": "True"}, [1]),
    "true as a number": ({"exploit_available": 1}, [1]),
    "a name in place of true counts as true": ({"exploit_framework_canvas": True}, [4]),
    "an element of a list contains it": ({"cve": "2024-2"}, [1]),
    "no element contains it": ({"cve": "2025"}, []),
    "an element is a number": ({"cwe": 79}, [1]),
    "elements contain a text": ({"cwe": "79"}, [1, 4]),
    "a list that is there": ({"cve": True}, [1]),
    "a list that is not there": ({"cve": False}, [2, 3, 4, 5, 6]),
    "any of several texts": ({"cve": ["2024-2", "2023"]}, [1]),
    "any of several values": ({"plugin_name": ["Apache", "Plugin 2"]}, [1, 2]),
    "elements that stand a line each": ({"see_also": "http://b"}, [2]),
    "elements are not joined": ({"see_also": "a\nhttp"}, []),
    "a list of the host": ({"mac-address": "53:02"}, [1, 2, 3]),
    "a date from": ({"plugin_publication_date": ">=2024-05"}, [1]),
    "a date until, as far as it is written": ({"plugin_publication_date": "<=2024"}, [1, 6]),
    "a date before": ({"plugin_publication_date": "<2024/05/31"}, [6]),
    "a date is a text too": ({"plugin_publication_date": "05/31"}, [1]),
    "a date that a finding has for itself": ({"first_found": ">=2024-05"}, [2]),
    "a day of a finding": ({"last_found": "2024-06-30"}, [2]),
    "a day": ({"plugin_publication_date": "2024-05-31"}, [1]),
    "names in any case and spelling": ({"CVSS3-Base-Score": ">9"}, [1]),
    "an unknown child": ({"ref": "1234"}, [1]),
    "inside an unknown child": ({"ref.@source": "CVE"}, [1]),
    "a text that is a number in an unknown child": ({"new_score": ">=7"}, [1]),
    "a number in an unknown child": ({"new_score": 7.5}, [1]),
    "an unknown child that is there": ({"new_score": True}, [1]),
    "an unknown child that is not there": ({"new_score": False}, [2, 3, 4, 5, 6]),
    "a property of the host": ({"host_properties.os": "linux"}, [1, 2, 3]),
    "a property that says false": ({"host_properties.Credentialed_Scan": False}, [1, 2, 3]),
    "a property that no host has": ({"host_properties.none": True}, []),
    "all properties of the host": ({"host_properties": "198.51"}, [4, 5, 6]),
    "a child in another shape than its column": ({"description": "MARKED"}, [5]),
    "inside a child in another shape": ({"description.@lang": "en"}, [5]),
    "elements of a child that repeats": ({"solution": "second"}, [6]),
    "a row by its rank": ({"id": 2}, [2]),
    "rows by their rank": ({"id": "<=2"}, [1, 2]),
    "severity and exploit and host": (
        {"severity": ">=low", "exploit_available": False, "host": "192"},
        [2, 3],
    ),
}


@pytest.mark.parametrize(("filters", "plugins"), CASES.values(), ids=CASES)
def test_filters_keep(results: Results, filters: dict[str, Any], plugins: list[int]) -> None:
    assert found(results, filters) == plugins


CHECK_CASES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "all checks": ({}, ["FAILED", "PASSED"]),
    "by result": ({"compliance-result": "fail"}, ["FAILED"]),
    "by an element of the references": ({"compliance_reference": "5.1"}, ["FAILED"]),
    "by a whole reference": ({"compliance-reference": ["x", "CSCv7|5.1"]}, ["FAILED"]),
    "by what is not there": ({"compliance-reference": False}, ["PASSED"]),
    "by a text of the check": ({"cm:compliance-check-name": "rsh"}, ["PASSED"]),
    "by port": ({"port": 443}, ["FAILED", "PASSED"]),
}


@pytest.mark.parametrize(("filters", "checks"), CHECK_CASES.values(), ids=CHECK_CASES)
def test_filters_keep_checks(results: Results, filters: dict[str, Any], checks: list[str]) -> None:
    wanted = {"kind": "compliance", **filters}
    assert found(results, wanted, show="compliance-result") == checks


@pytest.mark.parametrize("wanted", [(0, 2), (2, 4), (1, 4), (0, 4), (0, 2, 4), (1, 3)])
def test_severities_apart_of_which_some_have_no_row(
    tmp_path: Path, wanted: tuple[int, ...]
) -> None:
    present = (3, 1, 0)
    items = [item(severity, severity=severity) for severity in present]
    with stored(tmp_path, [host("192.0.2.1", *items)]) as results:
        assert found(results, {"severity": list(wanted)}) == sorted({*present} & {*wanted})


@pytest.mark.parametrize("profile", ["minimal", "full"])
def test_filters_act_on_fields_that_are_not_shown(results: Results, profile: str) -> None:
    query = Query(profile=profile, filters={"plugin_family": "windows", "protocol": "tcp"})
    assert json.loads(next(page_lines(results, query)))["total_vulnerabilities"] == 1


INVALID: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown field": ({"sevrity": 4}, r"did you mean severity\? Valid fields: id, host, "),
    "an unknown field names the children of this report": ({"nothing": 1}, ", new_score, ref;"),
    "a path into a text": ({"synopsis.text": "a"}, "There is no field 'synopsis.text'"),
    "an unknown kind": ({"kind": "host"}, "takes vulnerability or compliance, not 'host'"),
    "an unknown operator": ({"cvss_score": "!=7"}, "with one of >=, >, <=, <, ="),
    "an operator without a number": ({"cvss_score": ">high"}, "cvss_score takes a number"),
    "a severity above 4": ({"severity": 5}, "0 to 4 or one of info, low, medium, high, critical"),
    "a severity between": ({"severity": 2.5}, "severity takes 0 to 4"),
    "a severity by a wrong name": ({"severity": ">=severe"}, "severity takes 0 to 4"),
    "a boolean by a text": (
        {"exploit_available": "maybe"},
        "exploit_available takes true or false",
    ),
    "a date that is none": ({"plugin_publication_date": ">=May"}, 'a date like ">=2024-05-31"'),
    "a wrong date of a finding": ({"first_found": ">=May"}, 'a date like ">=2024-05-31"'),
    "an operator on a date alone": ({"plugin_publication_date": ">"}, "a date like"),
    "null": ({"cve": None}, "cve takes a text that an element contains"),
    "an object": ({"cvss_score": {"gte": 7}}, "cvss_score takes a number"),
    "a list in a list": ({"cve": [["a"]]}, "cve takes a text"),
    "an empty text": ({"plugin_name": ""}, "plugin_name takes a text"),
    "an empty list": ({"cve": []}, "an empty list, which nothing can match"),
    "a number that is none": ({"port": float("nan")}, "port takes a number"),
    "an operator on a list": ({"cve": ">=CVE-2024"}, "cve takes a text that an element contains"),
    "half a character": ({"plugin_name": "a\ud800"}, "has a character that no report can hold"),
    "a NUL": ({"plugin_output": ["a", "\0"]}, "has a character that no report can hold"),
    "half a character in a path": ({"host_properties.\ud800": "a"}, r"There is no field 'host_pr"),
    "a kind that is a list": ({"kind": ["compliance"]}, "takes vulnerability or compliance"),
    "a text without end": ({"plugin_name": "a" * 1001}, "longer than 1000 characters"),
    "filters without end": ({str(n): 1 for n in range(33)}, "at most 32 are allowed"),
}


@pytest.mark.parametrize(("filters", "says"), INVALID.values(), ids=INVALID)
def test_a_wrong_filter_says_what_is_right(
    results: Results, filters: dict[str, Any], says: str
) -> None:
    with pytest.raises(InvalidQuery, match=says):
        page_lines(results, Query(filters=filters))
