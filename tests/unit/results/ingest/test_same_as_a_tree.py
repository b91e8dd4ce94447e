"""Whatever the report: each item says the same as in a tree of the whole document, and the XML
rebuilt from the store alone is stored as the same again."""

from pathlib import Path

import pytest
from tests import naive
from tests.generator.report import Shape, write_report
from tests.rebuild import rebuild
from tests.store_dump import dump
from tests.storing import DATA, ingested, stored

V2 = sorted(path.name for path in DATA.glob("*.nessus") if path.name != "v1.nessus")
SHAPES = {
    "many hosts": Shape(bytes=1_500_000, policy_bytes=20_000),
    "compliance checks": Shape(bytes=1_000_000, seed=2, checks=15, policy_bytes=20_000),
    "few plugins": Shape(bytes=800_000, seed=3, plugins=12, policy_bytes=20_000),
    "a long policy": Shape(bytes=900_000, seed=4, policy_bytes=600_000),
}


@pytest.mark.parametrize("name", V2)
def test_a_small_odd_report_is_stored_whole(name: str, tmp_path: Path) -> None:
    xml = (DATA / name).read_bytes()
    ingested(tmp_path, xml)
    again = rebuild(tmp_path)
    assert naive.read(again) == naive.read(xml)
    assert naive.hosts(again) == naive.hosts(xml)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_made_up_report_is_stored_whole(shape: Shape, tmp_path: Path) -> None:
    path = tmp_path / "made_up.nessus"
    write_report(path, shape)
    xml = path.read_bytes()
    ingested(tmp_path, xml)
    again = rebuild(tmp_path)
    assert naive.read(again) == naive.read(xml)
    assert naive.hosts(again) == naive.hosts(xml)


@pytest.mark.parametrize("name", [path.name for path in sorted(DATA.glob("*.nessus"))])
def test_a_rebuilt_report_is_stored_as_the_same(name: str, tmp_path: Path) -> None:
    first = stored(tmp_path / "first", (DATA / name).read_bytes())
    second = stored(tmp_path / "second", rebuild(tmp_path / "first"))
    first["meta"]["dialect"] = second["meta"]["dialect"]
    assert second == first


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_counts_are_those_that_were_written(shape: Shape, tmp_path: Path) -> None:
    path = tmp_path / "made_up.nessus"
    truth = write_report(path, shape)
    summary = ingested(tmp_path, path.read_bytes())
    assert summary.hosts == truth.hosts
    assert summary.findings == truth.findings
    assert {name: n for name, n in summary.severities.items() if n} == truth.severities
    assert {name: n for name, n in summary.compliance.items() if n} == truth.compliance
    authentication = summary.authentication["hosts"]
    assert authentication["success"] == truth.authentication["Success"]
    assert authentication["failed"] == truth.authentication["Failed"]
    assert authentication["partial"] == truth.authentication["Partial"]
    assert authentication["notApplicable"] == truth.authentication["NotApplicable"]
    assert summary.warnings == {}
    cves = (row["plugin"]["refs"].get("cve", []) for row in dump(tmp_path)["findings"])
    assert sum(map(len, cves)) == truth.cves
