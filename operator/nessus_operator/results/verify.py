"""Are the files of a folder those that were written? Their sizes and hashes are in the manifest."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nessus_operator.results.faults import ResultsDamaged, ResultsRemoved
from nessus_operator.results.schema import MANIFEST_FILE


@dataclass(frozen=True, slots=True)
class Check:
    """What became of one file; an empty `problem`: nothing."""

    name: str
    bytes: int
    problem: str = ""

    def told(self) -> dict[str, Any]:
        found: dict[str, Any] = {"ok": not self.problem, "bytes": self.bytes}
        return found | ({"problem": self.problem} if self.problem else {})


def verify(folder: Path) -> list[Check]:
    """One check a file of the manifest; raises ResultsRemoved or ResultsDamaged without one."""
    try:
        manifest = json.loads((folder / MANIFEST_FILE).read_bytes())
        files: Mapping[str, Mapping[str, Any] | None] = manifest["files"]
        return [_check(folder, name, said) for name, said in files.items() if said is not None]
    except (FileNotFoundError, NotADirectoryError):
        raise ResultsRemoved(
            f"There is no {MANIFEST_FILE} here: the results were deleted, have expired, or are "
            "still being stored"
        ) from None
    except (ValueError, KeyError, AttributeError, TypeError):
        raise ResultsDamaged(f"{MANIFEST_FILE} is damaged: ingest the report again") from None


def _check(folder: Path, name: str, said: Mapping[str, Any]) -> Check:
    path = folder / Path(name).name
    if not path.is_file():
        return Check(name, 0, "is missing")
    size = path.stat().st_size
    if size != said["bytes"]:
        return Check(name, size, f"has {size} bytes instead of {said['bytes']}")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != said.get("sha256", digest):
        return Check(name, size, f"has the sha256 {digest} instead of {said['sha256']}")
    return Check(name, size)
