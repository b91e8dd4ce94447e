"""Of every report of the corpus each item is stored, says what it said, and can be rebuilt."""

import os
import re
from pathlib import Path

import pytest
from lxml import etree
from tests import naive
from tests.rebuild import rebuild
from tests.storing import ingested, stored

from nessus_operator.results.refusals import Malformed, NotNessus, Refused, Truncated

REPORTS = sorted(Path(os.environ["NESSUS_CORPUS"]).glob("*.nessus"))
_ITEM_ENDS = re.compile(rb"</ReportItem\s*>|<ReportItem\b[^<>]*/>")


def root(xml: bytes) -> etree._Element | None:
    """By a parser that has nothing of ours; None where the file is no report."""
    try:
        found = etree.fromstring(xml)
    except etree.XMLSyntaxError:
        return None
    return found if found.tag in ("NessusClientData_v2", "NessusClientData") else None


ROOTS = {path: root(path.read_bytes()) for path in REPORTS}
WHOLE = [path for path, found in ROOTS.items() if found is not None]
BROKEN = [path for path, found in ROOTS.items() if found is None]
# What is written again is of the new format.
NEW = [path for path, found in ROOTS.items() if found is not None and found.tag[-3:] == "_v2"]


def name(path: Path) -> str:
    return path.stem


@pytest.mark.parametrize("path", WHOLE, ids=name)
def test_as_many_rows_are_stored_as_there_are_items(path: Path, tmp_path: Path) -> None:
    tree = ROOTS[path]
    assert tree is not None
    summary = ingested(tmp_path, path.read_bytes())
    items = sum(1 for _ in tree.iter("ReportItem"))
    assert summary.findings + sum(summary.compliance.values()) == items
    assert summary.truncated is None


@pytest.mark.parametrize("path", NEW, ids=name)
def test_every_item_and_host_says_what_it_said(path: Path, tmp_path: Path) -> None:
    xml = path.read_bytes()
    ingested(tmp_path, xml)
    again = rebuild(tmp_path)
    assert naive.hosts(again) == naive.hosts(xml)
    assert naive.read(again) == naive.read(xml)


@pytest.mark.parametrize("path", NEW, ids=name)
def test_what_is_written_again_is_stored_as_the_same(path: Path, tmp_path: Path) -> None:
    first = stored(tmp_path / "first", path.read_bytes())
    assert stored(tmp_path / "second", rebuild(tmp_path / "first")) == first


@pytest.mark.parametrize("path", WHOLE, ids=name)
def test_recognising_items_changes_nothing(path: Path, tmp_path: Path) -> None:
    xml = path.read_bytes()
    quick = stored(tmp_path / "quick", xml, chunk=9_973)
    assert quick == stored(tmp_path / "parsed", xml, shortcut=False)


@pytest.mark.parametrize("path", BROKEN, ids=name)
def test_what_is_no_whole_report_is_refused(path: Path, tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        ingested(tmp_path, path.read_bytes())
    assert refused.value.position is not None
    assert [file.name for file in tmp_path.iterdir()] == ["report.nessus"]


@pytest.mark.parametrize("path", BROKEN, ids=name)
def test_what_is_complete_of_a_broken_report_can_be_kept(path: Path, tmp_path: Path) -> None:
    xml = path.read_bytes()
    with pytest.raises(Refused) as refused:
        ingested(tmp_path / "refused", xml)
    assert refused.value.position is not None
    complete = len(_ITEM_ENDS.findall(xml, 0, refused.value.position.offset))
    if not complete:
        with pytest.raises(type(refused.value)):
            ingested(tmp_path / "kept", xml, salvage=True)
        return
    summary = ingested(tmp_path / "kept", xml, salvage=True)
    assert summary.findings + sum(summary.compliance.values()) == complete
    assert summary.truncated is not None
    assert summary.truncated["offset"] == refused.value.position.offset


# Why and where public reports are broken.
FAULTS: dict[str, tuple[type[Refused], int]] = {
    "djcas9_ruby-nessus__example_v1": (Malformed, 255_423),
    "djcas9_ruby-nessus__example_v2": (Malformed, 256_345),
    "djcas9_ruby-nessus__example_v_wrong": (NotNessus, 23),
    "savon-noir_python-libnessus__xxxxxxxx": (Truncated, 0),
}


@pytest.mark.parametrize("path", [path for path in BROKEN if path.stem in FAULTS], ids=name)
def test_the_fault_of_a_known_report_is_found(path: Path, tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        ingested(tmp_path, path.read_bytes())
    assert refused.value.position is not None
    assert (type(refused.value), refused.value.position.offset) == FAULTS[path.stem]


# Hosts, findings and compliance checks of public reports, counted by others before us.
COUNTS = {
    "DefectDojo_django-DefectDojo__nessus_many_vuln": (1, 7, 0),
    "DefectDojo_django-DefectDojo__nessus_v_unknown": (7, 296, 0),
    "DefectDojo_django-DefectDojo__nessus_was_no_vuln": (1, 0, 0),
    "mitre_saf__nessus_sample@665d23e6": (3, 39, 381),
    "seccubus_seccubus__compliance": (1, 4, 394),
    "tenable_pyTenable__example": (1, 230, 0),
    "tenable_pyTenable__policies_test@e6248eae": (0, 0, 0),
    "wpivis_nv__testNetworkOpen@182e7f85": (32, 820, 0),
    "wpivis_nv__testNetworkPatched@b57f612e": (32, 619, 0),
}


@pytest.mark.parametrize("path", [path for path in WHOLE if path.stem in COUNTS], ids=name)
def test_a_known_report_has_the_known_counts(path: Path, tmp_path: Path) -> None:
    summary = ingested(tmp_path, path.read_bytes())
    checks = sum(summary.compliance.values())
    assert (summary.hosts, summary.findings, checks) == COUNTS[path.stem]
