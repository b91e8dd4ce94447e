"""Results: from a report to pages, all on one report."""

from collections.abc import Iterator
from pathlib import Path

from tests.bench import ingest, reading
from tests.bench.rows import Row


def measure(report: Path, folder: Path) -> Iterator[Row]:
    """Rows about `report`, with files in `folder`."""
    yield from ingest.measure(report, folder / "results")
    yield from reading.measure(folder / "results", folder / "second")
