"""The bytes of a report, in chunks, from a .nessus file or from the one that we keep compressed."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol, cast

import zstandard

from nessus_operator.results.refusals import Compressed

CHUNK = 262_144  # bytes; larger ones parse no faster and hold more memory
_WINDOW = 1 << 23  # bytes that a frame may make its reader hold; our own frames use less

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
)


class Reads(Protocol):
    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Source:
    """A report on disk. `kept`: our own compressed copy (report.nessus.zst), else plain XML.
    `chunk`: bytes read at once."""

    path: Path
    kept: bool = False
    chunk: int = CHUNK

    @property
    def bytes_on_disk(self) -> int:
        return self.path.stat().st_size

    @contextmanager
    def open(self) -> Iterator["Opened"]:
        """Read it from its beginning; raises OSError, and Compressed where it should be plain."""
        with ExitStack() as stack:
            file = stack.enter_context(self.path.open("rb"))
            if self.kept:
                decompressor = zstandard.ZstdDecompressor(max_window_size=_WINDOW)
                reader = stack.enter_context(decompressor.stream_reader(file, closefd=False))
                yield Opened(file, cast("Reads", reader), self.chunk)
            else:
                _refuse_compressed(file)
                yield Opened(file, file, self.chunk)


@dataclass(frozen=True, slots=True)
class Opened:
    _file: BinaryIO
    _reader: Reads
    _chunk: int

    def chunks(self) -> Iterator[bytes]:
        """All of it in order; raises zstandard.ZstdError where a kept copy is damaged."""
        while chunk := self._reader.read(self._chunk):
            yield chunk

    def bytes_read(self) -> int:
        """How far we are in the file on disk: what progress is measured by."""
        return self._file.tell()


def _refuse_compressed(file: BinaryIO) -> None:
    head = file.read(8)
    file.seek(0)
    for magic, name in _MAGIC:
        if head.startswith(magic):
            raise Compressed(f"The file is compressed ({name}), not XML: unpack it first")
