"""Children that only this report has: each is reached under a name of its own, whatever it is."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.reports import host, item, stored

from nessus_operator.results.clean import clean
from nessus_operator.results.describe import describe
from nessus_operator.results.faults import InvalidQuery
from nessus_operator.results.fields import FIELDS, Record
from nessus_operator.results.names import LONGEST_NAME
from nessus_operator.results.pages import Query, page_lines
from nessus_operator.results.store import Results

TAGS = "\U000e0068\U000e0069"  # letters that nobody sees, and that XML allows in names
LONG = "L" * 300
SHOWN = {  # what the child is called in the report: what it is called in answers
    "new": "new",
    "type": "<type>",
    "id": "<id>",
    "kind": "<kind>",
    "cursor": "<cursor>",
    "cut": "<cut>",
    "change": "<change>",
    "host_extra": "<host_extra>",
    "CVE": "<CVE>",
    "Plugin-Output": "<Plugin-Output>",
    "host": "<host>",
    "port": "<port>",
    "host_properties.os": "<host_properties.os>",
    "a.b": "a.b",
    f"x{TAGS}": "x",
    "x": "x'",
    TAGS: "<>",
    LONG: f"{LONG[:127]}…",
    f"{LONG}2": f"{LONG[:127]}…'",
}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Results]:
    """One finding with all these children, each saying its own name, and one without any."""
    children = [(name, f"said by {name[:200]}") for name in SHOWN]
    odd = item(1, *children, severity=4, cve="CVE-2024-1", plugin_output="real")
    hosts = [host("192.0.2.1", odd, item(2), tags={"os": "linux"})]
    with stored(tmp_path_factory.mktemp("results"), hosts) as opened:
        yield opened


def answer(results: Results, **query: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in page_lines(results, Query(**query))]


def test_the_full_profile_shows_every_child_under_its_own_name(results: Results) -> None:
    row = answer(results, profile="full")[2]
    said = {key: text for key, text in row.items() if str(text).startswith("said by")}
    said |= {key: row[key] for key in ("x", "x'")}
    assert sorted(said) == sorted(SHOWN.values())
    assert {said["x"], said["x'"]} == {"said by x"}  # one of them without what is hidden
    for name, shown in SHOWN.items():
        assert said[shown].startswith(clean(f"said by {name[:100]}"))


def test_no_child_takes_the_place_of_ours(results: Results) -> None:
    schema, _, row, *_ = answer(results, profile="full")
    assert schema["type"] == "schema"
    assert (row["type"], row["cve"], row["plugin_output"]) == (
        "vulnerability",
        ["CVE-2024-1"],
        "real",
    )
    assert (row["host"], row["port"]) == ("192.0.2.1", 443)
    fields = ["id", "host_properties.os"]
    assert answer(results, custom_fields=fields)[2] == {
        "type": "vulnerability",
        "id": 1,
        "host_properties.os": "linux",
    }


@pytest.mark.parametrize("shown", SHOWN.values())
def test_every_child_can_be_filtered_and_shown(results: Results, shown: str) -> None:
    [row] = answer(results, page=0, filters={shown: "said by"}, custom_fields=[shown])[2:]
    assert list(row) == ["type", shown]
    assert answer(results, page=0, filters={shown: False}, custom_fields=["plugin_id"])[2:] == [
        {"type": "vulnerability", "plugin_id": 2}
    ]


def test_names_that_are_told_hide_nothing(results: Results) -> None:
    children = describe({}, results)["children"]
    assert children == sorted(SHOWN.values())
    with pytest.raises(InvalidQuery) as fault:
        answer(results, filters={"none": 1})
    for text in (*children, str(fault.value)):
        assert clean(text) == text
        assert "\n" not in text


def test_a_message_is_short_however_many_children_a_report_has(tmp_path: Path) -> None:
    many = item(1, *((f"child{number}{'n' * 200}", "a") for number in range(500)))
    with stored(tmp_path, [host("192.0.2.1", many)]) as results:
        with pytest.raises(InvalidQuery, match="400 more that only this report has") as fault:
            answer(results, filters={"none": 1})
        assert len(answer(results, profile="full")[2]) > 500
    known = sum(len(name) + 2 for name in FIELDS[Record.VULNERABILITY])
    assert len(str(fault.value)) < known + 100 * (LONGEST_NAME // 2 + 2) + 500
