"""The copy of a report that stays: without secrets, compressed, whole or not at all.

The digest is that of the bytes as Nessus sent them; what lies on the volume is the filtered copy.
"""

import hashlib
import os
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import zstandard

from nessus_operator.results.ingest.source import Source
from nessus_operator.results.limits import DEFAULT_LIMITS
from nessus_operator.results.manifest import Original
from nessus_operator.results.policy import PolicyFilter
from nessus_operator.results.refusals import FileTooLarge
from nessus_operator.results.schema import REPORT_FILE
from nessus_operator.results.temporary import remove_unfinished, sync_folder, temporary

_LEVEL = 3


@dataclass(frozen=True, slots=True)
class Downloaded:
    """original: as sent. kept: bytes of the compressed copy."""

    original: Original
    kept: int


def keep(report: Path, folder: Path) -> Downloaded:
    """Copy a report that is on disk; raises as results.download."""
    folder.mkdir(parents=True, exist_ok=True)
    copy = Copy(folder, DEFAULT_LIMITS.file_bytes)
    try:
        with Source(report).open() as opened:
            for chunk in opened.chunks():
                copy.write(chunk)
        return copy.publish()
    finally:
        copy.discard()


class Copy:
    """The filtered, compressed copy under its temporary name."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self._folder = folder
        remove_unfinished(folder, REPORT_FILE)
        self._path = path = temporary(folder / REPORT_FILE)
        self._most_bytes = most_bytes
        self._filter = PolicyFilter()
        self._hash = hashlib.sha256()
        self._bytes = 0
        self._stack = ExitStack()
        self._file = self._stack.enter_context(path.open("xb"))
        compressor = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True)
        self._frame = self._stack.enter_context(ExitStack())
        self._writer = self._frame.enter_context(
            compressor.stream_writer(self._file, closefd=False)
        )

    def write(self, chunk: bytes) -> None:
        self._bytes += len(chunk)
        if self._bytes > self._most_bytes:
            raise FileTooLarge(f"The report is larger than {self._most_bytes} bytes", None)
        self._hash.update(chunk)
        self._writer.write(self._filter.feed(chunk))

    def publish(self) -> Downloaded:
        path = self._folder / REPORT_FILE
        self._writer.write(self._filter.close())
        self._frame.close()  # writes its last bytes
        self._file.flush()
        os.fsync(self._file.fileno())
        self._path.rename(path)
        sync_folder(self._folder)
        return Downloaded(Original(self._bytes, self._hash.hexdigest()), path.stat().st_size)

    def discard(self) -> None:
        """Close, and remove what was not published."""
        try:
            self._stack.close()  # writes what is left, which a full volume refuses once more
        finally:
            self._path.unlink(missing_ok=True)
