"""The whole way, from nothing to findings, with an invented report and with a given one."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.demo.conftest import ROOT, Demo

pytestmark = pytest.mark.timeout(300)

MIXED = Path(__file__).with_name("mixed.nessus")


def test_a_scan_ends_with_counts_that_the_report_has(demo: Demo) -> None:
    status, said, complained = demo.run("--once")

    assert (status, complained) == (0, "")
    assert "6 hosts, 72 findings, 0 compliance results in the report itself: the same" in said
    assert "findings      6 critical, 6 high, 6 medium, 6 low, 48 info\n" in said
    assert "completed on scanner" in said
    assert "Completed   nessus   scanner" in said  # kubectl's view
    assert "Authorization" not in said  # there is nothing to connect to any more
    assert set(shown_in_readme()) <= set(map(shape, said.splitlines()))
    assert demo.left() == []


def test_a_given_report_is_what_is_found(demo: Demo) -> None:
    status, said, complained = demo.run("--once", "--report", MIXED)

    assert (status, complained) == (0, "")
    assert "of 198.51.100" not in said  # targets are named as the report names its hosts
    assert "of 203.0.113.9, web-1, localhost\n" in said
    assert "3 hosts, 4 findings, 2 compliance results in the report itself: the same" in said
    assert "ScopeViolation" not in said
    assert "Made-up low [red]" in said  # text of hosts is no markup
    assert "\u202e" not in said
    assert demo.left() == []


def shown_in_readme() -> Iterator[str]:
    """The shapes of the lines that README.md shows whole."""
    _, _, rest = (ROOT / "README.md").read_text().partition("$ hack/demo --once\n")
    lines = rest.partition("```")[0].splitlines()
    assert len(lines) > 15
    yield from (shape(line) for line in lines if "…" not in line or line.startswith("… "))


def shape(line: str) -> str:
    """Without what differs from run to run: numbers, names of folders, widths of columns."""
    named = re.sub(r"\S+(nessus-controlplane-|scan-)\w+", r"\1N", line)
    return " ".join(re.sub(r"\d+", "N", named).split())
