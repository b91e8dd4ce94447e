"""Of a broken report, what is complete before the fault can be kept."""

from pathlib import Path

import pytest
from tests.store_dump import dump
from tests.storing import host, ingested, item, output, report

from nessus_operator.results.limits import Limits
from nessus_operator.results.refusals import Malformed, NotNessus, Refused, Truncated

FIRST, SECOND, THIRD = (item(output(f"said {n}"), port=n) for n in (1, 2, 3))
WHOLE = report(host(FIRST, SECOND), host(THIRD, name="192.0.2.2", os="linux")).decode()


def _before(text: str) -> bytes:
    return WHOLE[: WHOLE.index(text)].encode()


# The broken report, the ports of the items that are kept, and the reason.
CASES: dict[str, tuple[bytes, set[int], type[Refused]]] = {
    "cut behind an item": (_before('<ReportItem port="2"'), {1}, Truncated),
    "cut in an item": (_before("said 2"), {1}, Truncated),
    "cut in the next host": (_before("linux"), {1, 2}, Truncated),
    "cut before the end of the report": (_before("</Report>"), {1, 2, 3}, Truncated),
    "broken in an item": (WHOLE.replace("said 2", "said <<").encode(), {1}, Malformed),
    "broken between items": (
        WHOLE.replace('<ReportItem port="2"', '</x><ReportItem port="2"').encode(),
        {1},
        Malformed,
    ),
    "broken in the last end tag": (
        WHOLE.replace("</Report>", "</Repor>").encode(),
        {1, 2, 3},
        Malformed,
    ),
}


@pytest.mark.parametrize(("xml", "ports", "kind"), CASES.values(), ids=CASES)
@pytest.mark.parametrize("chunk", [5, 262_144], ids=["small chunks", "one chunk"])
def test_what_is_complete_is_kept(
    xml: bytes, ports: set[int], kind: type[Refused], chunk: int, tmp_path: Path
) -> None:
    summary = ingested(tmp_path, xml, salvage=True, chunk=chunk)
    found = dump(tmp_path)
    assert {row["port"] for row in found["findings"]} == ports
    assert summary.findings == len(ports)
    assert summary.signals.truncated
    assert summary.truncated == found["meta"]["truncated"]
    assert found["meta"]["truncated"]["reason"] == kind.__name__
    with pytest.raises(kind) as refused:
        ingested(tmp_path / "again", xml, chunk=chunk)
    assert refused.value.position is not None
    assert refused.value.position.offset == found["meta"]["truncated"]["offset"]


def test_a_whole_report_is_not_marked(tmp_path: Path) -> None:
    summary = ingested(tmp_path, WHOLE.encode(), salvage=True)
    assert summary.truncated is None
    assert not summary.signals.truncated


def test_too_many_items_can_be_cut_off(tmp_path: Path) -> None:
    summary = ingested(tmp_path, WHOLE.encode(), salvage=True, limits=Limits(items=2), chunk=40)
    assert summary.truncated is not None
    assert summary.truncated["reason"] == "TooManyItems"
    assert summary.findings == 2


@pytest.mark.parametrize("xml", [b"<html></html>", b"{}", _before("<ReportItem")])
def test_nothing_is_made_of_what_has_no_items(xml: bytes, tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        ingested(tmp_path, xml, salvage=True)
    assert isinstance(refused.value, NotNessus | Truncated | Refused)
    assert [path.name for path in tmp_path.iterdir()] == ["report.nessus"]
