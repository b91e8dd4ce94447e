"""The demonstration's own count of a report is what the product stores of it."""

import os
from pathlib import Path

import pytest
from demo import report
from demo.report import Counts, Unreadable
from tests.storing import ingested

REPORTS = sorted(Path(os.environ["NESSUS_CORPUS"]).glob("*.nessus"))

# Hosts, findings and compliance results of two public reports.
KNOWN = {
    "mitre_saf__nessus_sample@665d23e6": (3, 39, 381),
    "DefectDojo_django-DefectDojo__nessus_v_unknown": (7, 296, 0),
}


def counted(path: Path) -> Counts | None:
    """None where it cannot be read."""
    with path.open("rb") as content:
        try:
            return report.read(content).counts
        except Unreadable:
            return None


@pytest.mark.parametrize("path", REPORTS, ids=lambda path: path.stem)
def test_both_count_alike(path: Path, tmp_path: Path) -> None:
    ours = counted(path)
    if ours is not None:  # else a report that hack/demo does not show
        summary = ingested(tmp_path, path.read_bytes())
        stored = Counts(
            summary.hosts, summary.findings, sum(summary.compliance.values()), summary.severities
        )
        assert stored.differences(ours) == ()
    if path.stem in KNOWN:
        assert ours is not None
        assert (ours.hosts, ours.findings, ours.compliance) == KNOWN[path.stem]
