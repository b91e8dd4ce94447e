"""The native report as it was kept: the .nessus file without the secrets of its Policy."""

from collections.abc import Iterator
from pathlib import Path

import zstandard

from nessus_operator.results.faults import ResultsDamaged, ResultsRemoved
from nessus_operator.results.schema import REPORT_FILE

_CHUNK = 1 << 18


def write(folder: Path) -> Iterator[bytes]:
    """The bytes of the report. Raises ResultsRemoved where none was kept, or ResultsDamaged."""
    path = folder / REPORT_FILE
    if not path.exists():
        raise ResultsRemoved(
            "The native report was not kept with these results: ingest it with --keep-report"
        )
    return _decompressed(path)


def _decompressed(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            yield from zstandard.ZstdDecompressor(max_window_size=1 << 27).read_to_iter(
                file, read_size=_CHUNK
            )
    except zstandard.ZstdError:
        raise ResultsDamaged(
            f"The native report is damaged: {REPORT_FILE} cannot be read"
        ) from None
