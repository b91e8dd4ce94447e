import json
import random
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from tests.reports import check, host, item, stored

from nessus_operator.api.report import AuthenticationStatus, HostSignals, HostVerdict, Judge
from nessus_operator.results.changes import compare_lines
from nessus_operator.results.compare import Change, compare
from nessus_operator.results.faults import InvalidQuery, ResultsOutdated
from nessus_operator.results.fields import Record
from nessus_operator.results.pages import Query
from nessus_operator.results.schema import FILE
from nessus_operator.results.store import Results, open_results

Hosts = list[Any]

ONE, TWO = "192.0.2.1", "192.0.2.2"
IN, FAILED = {"os": "Success"}, {"os": "Failed"}  # what the judge below reads
DEAD = item(10180, port=0, plugin_output=f"The remote host ({ONE}) is considered as dead")


def _by_tag(signals: HostSignals) -> HostVerdict:
    status = AuthenticationStatus(signals.tags.get("os", "NotApplicable"))
    return HostVerdict(status, "the tag says so")


JUDGE = Judge(host=_by_tag, scan=lambda hosts: AuthenticationStatus.UNKNOWN)


def two_runs(folder: Path, before: Hosts, now: Hosts) -> tuple[Results, Results]:
    return (
        stored(folder / "before", before, judge=JUDGE),
        stored(folder / "now", now, judge=JUDGE),
    )


def counted(folder: Path, before: Hosts, now: Hosts, **options: Any) -> dict[str, int]:
    """Rows by change, without those that are none."""
    found = compare(*two_runs(folder, before, now), **options)
    return {change.value: len(ids) for change, ids in found.ids.items() if ids}


CASES: dict[str, tuple[Hosts, Hosts, dict[str, int]]] = {
    "the same finding persists": (
        [host(ONE, item(1))],
        [host(ONE, item(1))],
        {"persisting": 1},
    ),
    "a finding that was not there is new": (
        [host(ONE, item(1))],
        [host(ONE, item(1), item(2))],
        {"persisting": 1, "new": 1},
    ),
    "a finding that is gone is fixed": (
        [host(ONE, item(1), item(2))],
        [host(ONE, item(1))],
        {"persisting": 1, "fixed": 1},
    ),
    "another port is another finding": (
        [host(ONE, item(1, port=80))],
        [host(ONE, item(1, port=81))],
        {"new": 1, "fixed": 1},
    ),
    "another protocol is another finding": (
        [host(ONE, item(1, protocol="tcp"))],
        [host(ONE, item(1, protocol="udp"))],
        {"new": 1, "fixed": 1},
    ),
    "another text of the plugin is the same finding": (
        [host(ONE, item(1, solution="Wait."))],
        [host(ONE, item(1, solution="Update."))],
        {"persisting": 1},
    ),
    "another output is the same finding": (
        [host(ONE, item(1, plugin_output="at 10:00"))],
        [host(ONE, item(1, plugin_output="at 11:00"))],
        {"persisting": 1},
    ),
    "another severity is a change": (
        [host(ONE, item(1, severity=2))],
        [host(ONE, item(1, severity=4))],
        {"severity_changed": 1},
    ),
    "findings with one key go by the order of their outputs": (
        [host(ONE, *(item(1, plugin_output=text) for text in "abc"))],
        [host(ONE, *(item(1, plugin_output=text) for text in "cab"))],
        {"persisting": 3},
    ),
    "fewer findings with one key": (
        [host(ONE, *(item(1, plugin_output=text) for text in "abc"))],
        [host(ONE, *(item(1, plugin_output=text) for text in "ab"))],
        {"persisting": 2, "fixed": 1},
    ),
    "a host that is new": (
        [host(ONE, item(1))],
        [host(ONE, item(1)), host(TWO, item(1), item(2))],
        {"persisting": 1, "new": 2},
    ),
    "a host that was not seen": (
        [host(ONE, item(1)), host(TWO, item(1))],
        [host(ONE, item(1))],
        {"persisting": 1, "unobserved": 1},
    ),
    "a host without a finding was not seen": (
        [host(ONE, item(1)), host(TWO, item(1))],
        [host(ONE, item(1)), host(TWO)],
        {"persisting": 1, "unobserved": 1},
    ),
    "a host that did not answer": (
        [host(ONE, item(1))],
        [host(ONE, DEAD)],
        {"new": 1, "unobserved": 1},
    ),
    "a host whose login failed": (
        [host(ONE, item(1), item(2), tags=IN)],
        [host(ONE, item(1), tags=FAILED)],
        {"persisting": 1, "unobserved": 1},
    ),
    "a host that nobody logged in to any more": (
        [host(ONE, item(1), tags=IN)],
        [host(ONE, item(2))],
        {"new": 1, "unobserved": 1},
    ),
    "a host that was never logged in to": (
        [host(ONE, item(1), item(2))],
        [host(ONE, item(1))],
        {"persisting": 1, "fixed": 1},
    ),
    "a host that is logged in to at last": (
        [host(ONE, item(1), tags=FAILED)],
        [host(ONE, item(2), tags=IN)],
        {"new": 1, "fixed": 1},
    ),
    "hosts of one name with other addresses": (
        [host("a", item(1), tags={"host-ip": ONE}), host("a", item(1), tags={"host-ip": TWO})],
        [host("a", item(1), tags={"host-ip": ONE}), host("a", item(2), tags={"host-ip": TWO})],
        {"persisting": 1, "new": 1, "fixed": 1},
    ),
    "nothing before": ([], [host(ONE, item(1))], {"new": 1}),
    "nothing now": ([host(ONE, item(1))], [], {"unobserved": 1}),
}


@pytest.mark.parametrize(("before", "now", "changes"), CASES.values(), ids=CASES)
def test_compare(tmp_path: Path, before: Hosts, now: Hosts, changes: dict[str, int]) -> None:
    assert counted(tmp_path, before, now) == changes


def test_the_order_of_a_document_changes_nothing(tmp_path: Path) -> None:
    rng = random.Random(7)  # noqa: S311 - shuffles test data
    items = [item(n % 5, port=n % 3, plugin_output=str(n), severity=n % 4) for n in range(60)]
    before = [host(ONE, *items[:30]), host(TWO, *items[30:])]
    xml = [(ONE, items[:30]), (TWO, items[30:])]
    first = stored(tmp_path / "before", before)
    for _, mixed in xml:
        rng.shuffle(mixed)
    now = stored(tmp_path / "now", [host(name, *mixed) for name, mixed in reversed(xml)])
    found = compare(first, now)
    assert len(found.ids[Change.PERSISTING]) == 60


def test_what_is_missing_in_a_partial_report_is_not_fixed(tmp_path: Path) -> None:
    before, now = two_runs(tmp_path, [host(ONE, item(1), item(2))], [host(ONE, item(1))])
    now.close()
    path = tmp_path / "now" / FILE
    with sqlite3.connect(path) as connection:
        connection.execute(
            """UPDATE meta SET value = '{"reason": "Truncated"}' WHERE key = 'truncated'"""
        )
    connection.close()
    found = compare(before, open_results(path.parent))
    assert (len(found.ids[Change.FIXED]), len(found.ids[Change.UNOBSERVED])) == (0, 1)


CHECK_ID = ("cm:compliance-check-id", "x")
CHECKS: dict[str, tuple[Hosts, Hosts, dict[str, int]]] = {
    "a result that changed": (
        [host(ONE, check("FAILED", CHECK_ID))],
        [host(ONE, check("PASSED", CHECK_ID))],
        {"severity_changed": 1},
    ),
    "a check goes by its id, whatever its name": (
        [host(ONE, check("FAILED", CHECK_ID, ("cm:compliance-check-name", "a")))],
        [host(ONE, check("FAILED", CHECK_ID, ("cm:compliance-check-name", "b")))],
        {"persisting": 1},
    ),
    "a check without an id goes by its name": (
        [host(ONE, check("FAILED", ("cm:compliance-check-name", "a")))],
        [host(ONE, check("FAILED", ("cm:compliance-check-name", "b")))],
        {"new": 1, "fixed": 1},
    ),
}


@pytest.mark.parametrize(("before", "now", "changes"), CHECKS.values(), ids=CHECKS)
def test_compare_checks(tmp_path: Path, before: Hosts, now: Hosts, changes: dict[str, int]) -> None:
    assert counted(tmp_path, before, now, record=Record.COMPLIANCE) == changes


def test_hosts_outside_take_no_part(tmp_path: Path) -> None:
    before = [host(ONE, item(1)), host(TWO, item(1))]
    now = [host(ONE, item(2)), host(TWO, item(2))]
    assert counted(tmp_path, before, now, within=lambda name: name == ONE) == {"new": 1, "fixed": 1}


def test_runs_that_identify_findings_differently_are_not_compared(tmp_path: Path) -> None:
    before, now = two_runs(tmp_path, [host(ONE, item(1))], [host(ONE, item(1))])
    before.meta = {**before.meta, "versions": {"fingerprint": 99}}
    with pytest.raises(ResultsOutdated, match="ingest the native report of the older one again"):
        compare(before, now)


@pytest.fixture
def runs(tmp_path: Path) -> tuple[Results, Results]:
    """30 findings before; ten are gone, ten have another severity, and twelve are new."""
    before = [host(ONE, *(item(n, severity=1, synopsis="é" * 2000) for n in range(30)))]
    now = [
        host(
            ONE,
            *(item(n, severity=1 if n < 10 else 3) for n in range(20)),
            *(item(n, severity=4) for n in range(100, 112)),
        )
    ]
    return two_runs(tmp_path, before, now)


def lines(runs: tuple[Results, Results], **options: Any) -> list[dict[str, Any]]:
    beside = ("changes", "byte_budget", "within")
    query = Query(**{name: value for name, value in options.items() if name not in beside})
    rest = {name: value for name, value in options.items() if name in beside}
    return [json.loads(line) for line in compare_lines(*runs, query, **rest)]


def test_a_comparison_counts_and_lists_what_changed(runs: tuple[Results, Results]) -> None:
    head, *rows, pagination = lines(runs, page_size=10, profile="minimal")
    assert head["type"] == "comparison"
    assert head["changes"]["new"] == {
        "total": 12,
        "critical": 12,
        "high": 0,
        "medium": 0,
        "low": 0,
        "info": 0,
    }
    assert {change: count["total"] for change, count in head["changes"].items()} == {
        "new": 12,
        "severity_changed": 10,
        "fixed": 10,
        "unobserved": 0,
        "persisting": 10,
    }
    assert (head["total"], head["total_pages"], head["untrusted"]) == (32, 4, True)
    assert [row["change"] for row in rows] == ["new"] * 10
    assert (pagination["has_next"], pagination["next_page"]) == (True, 2)


def test_a_changed_row_says_what_it_was(runs: tuple[Results, Results]) -> None:
    row = lines(runs, changes=["severity_changed"])[1]
    assert (row["severity_before"], row["severity"]) == (1, 3)


def test_pages_of_a_comparison_hold_every_row_once(runs: tuple[Results, Results]) -> None:
    everything = [(row["change"], row["plugin_id"]) for row in lines(runs, page=0)[1:]]
    paged = [
        (row["change"], row["plugin_id"])
        for page in range(1, 5)
        for row in lines(runs, page=page, page_size=10)[1:-1]
    ]
    assert paged == everything
    assert len(set(everything)) == 32


def test_filters_act_on_the_run_that_has_the_row(runs: tuple[Results, Results]) -> None:
    head, *rows = lines(runs, page=0, filters={"severity": "low"}, changes=list(Change))
    assert {change: count["total"] for change, count in head["changes"].items()} == {
        "new": 0,
        "severity_changed": 0,
        "fixed": 10,
        "unobserved": 0,
        "persisting": 10,
    }
    assert len(rows) == 20


def test_a_comparison_keeps_to_its_bytes(runs: tuple[Results, Results]) -> None:
    query = Query(page=1, page_size=10)
    found = list(compare_lines(*runs, query, changes=["fixed"], byte_budget=12_000))
    assert len("\n".join(found).encode()) <= 12_000
    assert json.loads(found[-1])["cut_rows"] == 10


INVALID = {
    "an unknown change": ({"changes": ["gone"]}, "there are new, severity_changed, fixed,"),
    "a cursor": ({"cursor": ""}, "pages by number and rows by rank only"),
    "an order": ({"order": "host"}, "pages by number and rows by rank only"),
    "a negative page": ({"page": -1}, "pages count from 1"),
    "a wrong filter": ({"filters": {"severity": 9}}, "severity takes"),
    "too few bytes": ({"byte_budget": 2000}, "too little for 40 rows"),
}


@pytest.mark.parametrize(("options", "says"), INVALID.values(), ids=INVALID)
def test_a_wrong_question_says_what_is_right(
    runs: tuple[Results, Results], options: dict[str, Any], says: str
) -> None:
    with pytest.raises(InvalidQuery, match=says):
        lines(runs, **options)
