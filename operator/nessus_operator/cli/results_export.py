"""Where an export goes: stdout, or a file that appears only when it is complete."""

import os
import sys
from collections.abc import Iterator
from errno import ENOENT
from pathlib import Path
from tempfile import NamedTemporaryFile


def write(parts: Iterator[bytes], output: Path | None) -> None:
    """Raises OSError where the file cannot be written."""
    if output is None:
        sys.stdout.buffer.writelines(parts)
        sys.stdout.buffer.flush()
        return
    folder = output.absolute().parent
    if not folder.is_dir():
        raise FileNotFoundError(ENOENT, os.strerror(ENOENT), str(output))
    with NamedTemporaryFile(dir=folder, prefix=f".{output.name}.", delete=False) as file:
        try:
            file.writelines(parts)
            file.flush()
            os.fchmod(file.fileno(), 0o666 & ~_umask())
            os.replace(file.name, output)
        except BaseException:
            os.unlink(file.name)
            raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
