"""Names for files that are not whole yet, each used by one writer only.

A leader that was stopped may go on while the next one writes the same file: it must neither write
into that one's file nor put an older one in its place. Whoever begins removes what others left,
so that their last step, the rename, fails.
"""

import json
import os
from pathlib import Path
from secrets import token_hex
from typing import Any


def temporary(path: Path) -> Path:
    """A name beside `path` that no other writer has."""
    return path.with_name(f".{path.name}.{token_hex(4)}.tmp")


def remove_unfinished(folder: Path, name: str = "*") -> None:
    """Remove the unfinished files for `folder / name`, also those of writers that still live."""
    for path in folder.glob(f".{name}.*.tmp"):
        path.unlink(missing_ok=True)


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a small file, whole or not at all; in the folder's entry after `sync_folder`."""
    unfinished = temporary(path)
    try:
        with unfinished.open("x", encoding="utf-8") as file:
            json.dump(content, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(path)
    finally:
        unfinished.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make renames in the folder outlive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
