"""An export is written as it is read: its memory does not grow with the number of rows."""

import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import zstandard
from tests.reports import host, item, stored

from nessus_operator.results.export.formats import FORMATS, export
from nessus_operator.results.export.request import Request
from nessus_operator.results.schema import REPORT_FILE
from nessus_operator.results.store import Results, open_results

NOW = datetime(2026, 11, 21, tzinfo=UTC)
FEW, MANY = 1_500, 6_000
OUTPUT = "a line of output that is long enough to be seen in memory " * 20


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Results with few rows and with many, of the same 20 plugins."""
    made = {}
    for count in (FEW, MANY):
        folder = made[count] = tmp_path_factory.mktemp(str(count))
        items = (
            item(number % 20, severity=number % 5, plugin_output=f"{number} {OUTPUT}")
            for number in range(count)
        )
        stored(folder, [host("192.0.2.1", *items)]).close()
        report = (folder / "report.nessus").read_bytes()
        (folder / REPORT_FILE).write_bytes(zstandard.compress(report))
    return made


def peak(folder: Path, results: Results, name: str) -> tuple[int, int]:
    """The most bytes that writing it takes, and how many it writes."""
    tracemalloc.start()
    try:
        written = sum(map(len, _parts(folder, results, name)))
        return tracemalloc.get_traced_memory()[1], written
    finally:
        tracemalloc.stop()


def _parts(folder: Path, results: Results, name: str) -> Iterator[bytes]:
    return export(folder, results, name, Request(NOW))


@pytest.mark.parametrize("name", FORMATS)
def test_memory_does_not_grow_with_rows(folders: dict[int, Path], name: str) -> None:
    used: dict[int, int] = {}
    wrote: dict[int, int] = {}
    for count, folder in folders.items():
        with open_results(folder) as results:
            peak(folder, results, name)  # what is kept for the next answer is there now
            used[count], wrote[count] = peak(folder, results, name)
    assert wrote[MANY] > 3 * wrote[FEW]
    assert used[MANY] < 1.5 * used[FEW]
    assert used[MANY] < wrote[MANY] / 2
