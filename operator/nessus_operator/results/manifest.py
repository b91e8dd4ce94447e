"""The folder of one attempt: files appear whole or not at all, the manifest last."""

import hashlib
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from nessus_operator import __version__
from nessus_operator.results.ingest.facts import Summary
from nessus_operator.results.schema import (
    FILE,
    FINGERPRINT_VERSION,
    MANIFEST_FILE,
    REPORT_FILE,
    SCHEMA_VERSION,
)
from nessus_operator.results.temporary import sync_folder, write_json


@dataclass(frozen=True, slots=True)
class Original:
    """The report as Nessus gave it, before the secrets of its policy were blanked."""

    bytes: int
    sha256: str


def publish(store: Path, folder: Path, summary: Summary, original: Original | None) -> Summary:
    """Put a complete store in its place and write the manifest; the summary with its digest."""
    complete = replace(summary, store=_digested(store))
    store.rename(folder / FILE)
    write_json(folder / MANIFEST_FILE, _manifest(complete, original, folder))
    sync_folder(folder)
    return complete


def _digested(path: Path) -> dict[str, Any]:
    """Size and hash of a file that is on the disk, not only on its way there."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        return {"bytes": os.fstat(file.fileno()).st_size, "sha256": sha256}


def _manifest(summary: Summary, original: Original | None, folder: Path) -> dict[str, Any]:
    report = folder / REPORT_FILE
    return {
        "versions": {
            "schema": SCHEMA_VERSION,
            "fingerprint": FINGERPRINT_VERSION,
            "nessus_operator": __version__,
        },
        "files": {
            FILE: summary.store,
            REPORT_FILE: _digested(report) if report.exists() else None,
        },
        "original": asdict(original) if original else None,
        "counts": {
            "hosts": summary.hosts,
            "findings": summary.findings,
            "compliance": summary.compliance,
            "severities": summary.severities,
        },
        "truncated": summary.truncated,
    }
