"""What must be found in each report of tests/data, and which rulings odd input gets."""

from pathlib import Path
from typing import Any

import pytest
from tests.store_dump import Row
from tests.storing import DATA, host, ingested, item, report, stored

# hosts, findings, compliance checks, and how often which ruling was made
COUNTS: dict[str, tuple[int, int, int, dict[str, int]]] = {
    "agent": (1, 2, 0, {}),
    "comments": (1, 3, 0, {}),
    "compliance": (1, 2, 5, {"compliance result": 1}),
    "latin1": (1, 2, 0, {}),
    "merged_hosts": (6, 6, 0, {}),
    "no_hosts": (0, 0, 0, {}),
    "odd_items": (1, 9, 0, {"plugin id": 1, "port": 2, "severity": 3}),
    "policy_only": (0, 0, 0, {}),
    "utf16": (1, 1, 0, {}),
    "v1": (1, 4, 0, {"port": 1}),
}


def data(folder: Path, name: str) -> Row:
    return stored(folder, (DATA / f"{name}.nessus").read_bytes())


def test_every_report_is_counted_here() -> None:
    assert set(COUNTS) == {path.stem for path in DATA.glob("*.nessus")}


@pytest.mark.parametrize("name", COUNTS)
def test_everything_in_it_is_counted(name: str, tmp_path: Path) -> None:
    summary = ingested(tmp_path, (DATA / f"{name}.nessus").read_bytes())
    checks = sum(summary.compliance.values())
    assert (summary.hosts, summary.findings, checks, summary.warnings) == COUNTS[name]


def test_a_v1_report_says_the_same_in_new_words(tmp_path: Path) -> None:
    found = data(tmp_path, "v1")
    told = [
        (row["severity"], row["port"], row["protocol"], row["svc_name"], row["plugin"]["plugin_id"])
        for row in found["findings"]
    ]
    assert told == [
        (2, 0, None, None, 12345),
        (1, 0, "tcp", "general", 11936),
        (1, 80, "tcp", "http", 22964),
        (0, 80, "tcp", "http", 0),
    ]
    [only] = found["hosts"]
    assert only["host"] == "old.example.org"
    assert only["operating_system"] == "Linux Kernel 2.6"
    assert only["host_start"] == "2009-11-08T02:21:24"
    assert only["extra"]["netbios_name"] == "(unknown)"
    assert found["meta"]["dialect"] == "v1"
    assert found["meta"]["report_name"] == "Old style report"
    assert found["meta"]["policy"]["name"] == "Old policy"


# A child and an attribute, and what the row says: keys of the row, of `plugin.`, of `extra.`.
RULINGS: dict[str, tuple[str, dict[str, Any]]] = {
    "a port that is no number": (
        '<ReportItem port="notes" severity="0" pluginID="5"/>',
        {"port": 0, "extra.@port": "notes"},
    ),
    "no port": ('<ReportItem severity="0" pluginID="5"/>', {"port": 0, "extra.@port": None}),
    "a port that no host has": (
        '<ReportItem port="65536" severity="0" pluginID="5"/>',
        {"port": 0, "extra.@port": "65536"},
    ),
    "no severity, but a risk": (
        '<ReportItem port="1" pluginID="5"><risk_factor>High</risk_factor></ReportItem>',
        {"severity": 3, "extra.@severity": None},
    ),
    "neither severity nor risk": (
        '<ReportItem port="1" pluginID="5"/>',
        {"severity": 0, "extra.@severity": None},
    ),
    "a severity that disagrees with the risk stays": (
        '<ReportItem port="1" severity="1" pluginID="5"><risk_factor>None</risk_factor>'
        "</ReportItem>",
        {"severity": 1, "plugin.risk_factor": "None"},
    ),
    "a severity above critical": (
        '<ReportItem port="1" severity="5" pluginID="5"/>',
        {"severity": 0, "extra.@severity": "5"},
    ),
    "a plugin id that is no number": (
        '<ReportItem port="1" severity="0" pluginID="x"/>',
        {"plugin.plugin_id": 0, "plugin.extra.@pluginID": "x"},
    ),
    "a name only inside": (
        '<ReportItem port="1" severity="0" pluginID="5" pluginName=""><plugin_name>In</plugin_name>'
        "</ReportItem>",
        {"plugin.plugin_name": "In", "plugin.extra.plugin_name": None},
    ),
    "a score that is no number": (
        '<ReportItem port="1" severity="0" pluginID="5"><cvss_base_score>high</cvss_base_score>'
        "</ReportItem>",
        {"plugin.cvss_base_score": "high", "plugin.cvss_score": None},
    ),
    "a score of version 3 before one of version 2": (
        '<ReportItem port="1" severity="0" pluginID="5"><cvss_base_score>10</cvss_base_score>'
        "<cvss3_base_score> 7.50 </cvss3_base_score></ReportItem>",
        {"plugin.cvss_base_score": 10.0, "plugin.cvss3_base_score": 7.5, "plugin.cvss_score": 7.5},
    ),
    "flags in any case": (
        '<ReportItem port="1" severity="0" pluginID="5"><exploit_available>True</exploit_available>'
        "<in_the_news>false</in_the_news><always_run>1</always_run></ReportItem>",
        {"plugin.exploit_available": 1, "plugin.in_the_news": 0, "plugin.always_run": 1},
    ),
    "a flag that names its framework": (
        '<ReportItem port="1" severity="0" pluginID="5"><exploit_framework_d2_elliot>d2'
        "</exploit_framework_d2_elliot></ReportItem>",
        {"plugin.exploit_framework_d2_elliot": "d2"},
    ),
    "a child with the name of a field of ours": (
        '<ReportItem port="1" severity="0" pluginID="5"><host>h</host><cvss_score>9</cvss_score>'
        "</ReportItem>",
        {"extra.<host>": "h", "extra.<cvss_score>": "9", "plugin.cvss_score": None},
    ),
    "an unknown child of a known name with attributes": (
        '<ReportItem port="1" severity="0" pluginID="5"><cve source="x">CVE-1</cve></ReportItem>',
        {"plugin.extra.cve": {"@source": "x", "#text": "CVE-1"}, "plugin.refs": {}},
    ),
    "a text twice": (
        '<ReportItem port="1" severity="0" pluginID="5"><synopsis>a</synopsis>'
        "<synopsis>b</synopsis></ReportItem>",
        {"plugin.synopsis": "a\nb", "plugin.extra.synopsis": ["a", "b"]},
    ),
    "an output that is empty": (
        '<ReportItem port="1" severity="0" pluginID="5"><plugin_output/></ReportItem>',
        {"plugin_output": ""},
    ),
    "no output": ('<ReportItem port="1" severity="0" pluginID="5"/>', {"plugin_output": None}),
}


def told(row: Row, key: str) -> Any:
    found: Any = row
    parts = key.split(".", 2 if key.startswith("plugin.extra.") else 1)
    for part in parts:
        found = found.get(part) if isinstance(found, dict) else None
    return found


@pytest.mark.parametrize(("xml", "expected"), RULINGS.values(), ids=RULINGS)
def test_odd_input_gets_a_ruling(xml: str, expected: dict[str, Any], tmp_path: Path) -> None:
    [row] = stored(tmp_path, report(host(xml)))["findings"]
    assert {key: told(row, key) for key in expected} == expected


def test_lists_are_split_and_keep_their_order(tmp_path: Path) -> None:
    [_, _, row, *_] = data(tmp_path, "odd_items")["findings"]
    assert row["plugin"]["refs"] == {
        "cpe": ["cpe:/a:maker:one", "cpe:/a:maker:two"],
        "cve": ["CVE-2020-0001", "CVE-2019-0002"],
        "see_also": [
            "https://a.example.org/1",
            "https://b.example.org/2",
            "https://c.example.org/3",
        ],
        "xref": ["CWE:79", "IAVA:2020-A-0001"],
    }


def test_what_nobody_knows_is_kept_as_it_is(tmp_path: Path) -> None:
    row = data(tmp_path, "odd_items")["findings"][5]
    assert row["extra"] == {
        "#text": "stray text",
        "attachment": [{"name": "a.txt", "size": 8, "text": "aGVsbG8=", "type": "text/plain"}],
        "empty": "",
        "nested": {"@kind": "deep", "inner": ["text", ""]},
        "ref": {"#text": "CVE-2021-0003", "@source": "CVE"},
        "unheard_of": ["plain", "and again"],
    }


def test_a_long_attachment_is_told_of_but_not_kept(tmp_path: Path) -> None:
    xml = report(host(item(f'<attachment name="big" type="x">{"A" * 5000}</attachment>')))
    [row] = stored(tmp_path, xml)["findings"]
    [attachment] = row["extra"]["attachment"]
    assert attachment["size"] == 5000
    assert len(attachment["sha256"]) == 64
    assert "text" not in attachment


def test_checks_are_told_from_vulnerabilities_in_every_style(tmp_path: Path) -> None:
    found = data(tmp_path, "compliance")
    told = [(row["compliance_result"], row["compliance_check_name"]) for row in found["compliance"]]
    assert told == [
        ("FAILED", "1.1 Ensure it is safe"),
        ("FAILED", None),
        ("ERROR", None),
        ("WARNING", "2.1 Old style, by its description"),
        ("PASSED", "1.2 Ensure it is simple"),
    ]
    first = found["compliance"][0]
    assert first["compliance_reference"] == ["800-53|CM-6", "CSCv7|5.1", "LEVEL|1S"]
    assert first["extra"]["{http://www.nessus.org/cm}compliance-unheard-of"] == "kept"


def test_line_ends_are_those_that_xml_means(tmp_path: Path) -> None:
    found = data(tmp_path, "agent")["findings"]
    assert found[0]["plugin_output"] == "one\ntwo\nthree éé"
    assert found[1]["plugin_output"].startswith("Information about this scan : \r\n\r\nNessus")


@pytest.mark.parametrize(
    ("name", "texts"), {"latin1": ["café", "naïve"], "utf16": ["日本語 ü"]}.items()
)
def test_other_encodings_are_read(name: str, texts: list[str], tmp_path: Path) -> None:
    assert [row["plugin_output"] for row in data(tmp_path, name)["findings"]] == texts


def test_only_harmless_preferences_of_a_policy_are_kept(tmp_path: Path) -> None:
    meta = data(tmp_path, "policy_only")["meta"]
    assert meta["policy"] == {"name": "Exported policy", "names_login": True}
