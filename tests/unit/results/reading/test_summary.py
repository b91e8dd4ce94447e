from pathlib import Path
from typing import Any

import pytest
from tests.reports import check, host, item, stored

from nessus_operator.results.store import Results
from nessus_operator.results.summary import summarize

EXPLOITED = ("cisa-known-exploited", "2025/05/22")
EXPLOITED_BY_XREF = ("xref", "CISA-KNOWN-EXPLOITED:2022/05/03")
HOSTS = [
    host(
        "192.0.2.1",
        item(1, ("cve", "CVE-2024-1"), severity=4, cvss3_base_score="9.0", family="A"),
        item(2, ("cve", "CVE-2024-1"), ("cve", "CVE-2024-2"), EXPLOITED, severity=4, family="A"),
        item(3, severity=3, exploit_available="true", family="B"),
        item(4, severity=0, family="B"),
        item(4, severity=0, family="B", port=80),
    ),
    host(
        "192.0.2.2",
        item(2, ("cve", "CVE-2024-1"), ("cve", "CVE-2024-2"), EXPLOITED, severity=4, family="A"),
        item(5, EXPLOITED_BY_XREF, severity=1, family="C\x85"),
        item(1, ("cve", "CVE-2024-3"), severity=4, cvss3_base_score="9.0", family="A"),
        check("FAILED", ("cm:compliance-check-name", "1.1")),
        check("FAILED", ("cm:compliance-check-name", "1.2")),
        check("PASSED", ("cm:compliance-check-name", "1.3")),
    ),
    host("192.0.2.3", check("FAILED", ("cm:compliance-check-name", "1.2"))),
]


@pytest.fixture
def results(tmp_path: Path) -> Results:
    return stored(tmp_path / "now", HOSTS)


def named(critical: int = 0, high: int = 0, medium: int = 0, low: int = 0, info: int = 0) -> Any:
    return {"critical": critical, "high": high, "medium": medium, "low": low, "info": info}


def test_findings_are_counted_by_severity(results: Results) -> None:
    found = summarize(results)
    assert (found["findings"], found["hosts_with_findings"]) == (8, 2)
    assert found["severities"] == named(critical=4, high=1, low=1, info=2)
    assert found["untrusted"] is True


def test_top_risks_are_the_worst_plugins_exploited_ones_first(results: Results) -> None:
    risks = summarize(results)["top_risks"]
    assert [risk["plugin_id"] for risk in risks] == [2, 1, 3, 5]
    assert risks[0] == {
        "plugin_id": 2,
        "plugin_name": "Plugin 2",
        "severity": 4,
        "exploit_available": False,
        "cisa-known-exploited": "2025/05/22",
        "findings": 2,
        "hosts": 2,
    }
    assert (risks[1]["cvss_score"], risks[1]["findings"], risks[1]["hosts"]) == (9.0, 2, 2)


def test_plugins_in_the_catalogue_of_cisa_are_named(results: Results) -> None:
    known = summarize(results)["known_exploited"]
    assert (known["plugins"], known["findings"]) == (2, 3)
    assert [one["cisa-known-exploited"] for one in known["top"]] == ["2025/05/22", "2022/05/03"]


def test_exploitable_findings_are_counted(results: Results) -> None:
    assert summarize(results)["exploitable"] == {
        "plugins": 1,
        "findings": 1,
        "severities": named(high=1),
    }


def test_hosts_families_and_cves_come_with_the_worst_first(results: Results) -> None:
    found = summarize(results)
    assert found["top_hosts"] == [
        {"host": "192.0.2.1", **named(critical=2, high=1, info=2), "total": 5},
        {"host": "192.0.2.2", **named(critical=2, low=1), "total": 3},
    ]
    families = {one["plugin_family"]: one["total"] for one in found["plugin_families"]}
    assert families == {"A": 4, "B": 3, "C": 1}
    assert found["cves"] == {
        "total": 3,
        "top": [
            {"cve": "CVE-2024-1", "severity": 4, "findings": 3, "hosts": 2},
            {"cve": "CVE-2024-2", "severity": 4, "findings": 2, "hosts": 2},
            {"cve": "CVE-2024-3", "severity": 4, "findings": 1, "hosts": 1},
        ],
    }


def test_checks_are_counted_apart(results: Results) -> None:
    found = summarize(results)
    assert found["compliance"] == {"passed": 1, "failed": 3, "warning": 0, "error": 0}
    assert found["failed_checks"] == {
        "total": 2,
        "top": [
            {"compliance-check-name": "1.2", "failed": 2},
            {"compliance-check-name": "1.1", "failed": 1},
        ],
    }


def test_lists_hold_as_many_as_asked_for(results: Results) -> None:
    found = summarize(results, top=1)
    lists = (found["top_risks"], found["top_hosts"], found["cves"]["top"], found["plugin_families"])
    assert [len(one) for one in lists] == [1, 1, 1, 1]


def test_filters_choose_what_is_summarized(results: Results) -> None:
    found = summarize(results, filters={"host": "192.0.2.2", "severity": ">=high"})
    assert (found["findings"], found["cves"]["total"]) == (2, 3)
    assert [risk["hosts"] for risk in found["top_risks"]] == [1, 1]
    assert "compliance" not in found
    checks = summarize(results, filters={"kind": "compliance", "host": "192.0.2.3"})
    assert checks["compliance"]["failed"] == 1
    assert "findings" not in checks


def test_nothing_found_is_a_summary_of_nothing(results: Results) -> None:
    found = summarize(results, filters={"plugin_name": "none"})
    assert (found["findings"], found["top_risks"], found["cves"]["total"]) == (0, [], 0)


def test_a_summary_tells_what_is_new_since_the_run_before(tmp_path: Path, results: Results) -> None:
    before = stored(tmp_path / "before", [host("192.0.2.1", item(1, severity=2), item(9))])
    since = summarize(results, previous=before)["since_previous"]
    totals = {change: count["total"] for change, count in since["changes"].items()}
    assert totals == {
        "new": 7,
        "severity_changed": 1,
        "fixed": 1,
        "unobserved": 0,
        "persisting": 0,
    }
    assert since["new_hosts"] == {"total": 2, "hosts": ["192.0.2.2", "192.0.2.3"]}
    assert since["new"][0]["severity"] == 4
