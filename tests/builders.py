"""Objects for unit tests: a test names only what it is about."""

import uuid
from datetime import UTC, datetime
from typing import Any

from nessus_operator.api.metadata import Metadata
from nessus_operator.api.pool import PoolSpec, Scanner, ScannerPool
from nessus_operator.api.scan import NessusScan, ScanSpec, ScanStatus

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
NAMESPACE = "security"


def make_scan(name: str = "scan", *, status: ScanStatus | None = None, **fields: Any) -> NessusScan:
    """An Untrusted scan of 192.0.2.1; `fields` of metadata and of spec by their Python names."""
    metadata = {"generation": 1, "creation_timestamp": NOW, **_split(fields, Metadata)}
    spec = {
        "pool_ref": {"name": "pool"},
        "targets": ["192.0.2.1"],
        "scan_type": "Untrusted",
        **_split(fields, ScanSpec),
    }
    scan = NessusScan(metadata=_metadata(name, metadata), spec=ScanSpec(**spec))
    _refuse(fields)
    return scan.but(status=status) if status else scan


def make_pool(name: str = "pool", **fields: Any) -> ScannerPool:
    """A pool of one scanner, s1, that may scan 192.0.2.0/24; `fields` as for make_scan."""
    metadata = {"generation": 1, **_split(fields, Metadata)}
    spec = {
        "scanners": [make_scanner()],
        "scope": {"allow": ["192.0.2.0/24"]},
        **_split(fields, PoolSpec),
    }
    pool = ScannerPool(metadata=_metadata(name, metadata), spec=PoolSpec(**spec))
    _refuse(fields)
    return pool


def make_scanner(name: str = "s1", **fields: Any) -> Scanner:
    """A scanner with two slots."""
    scanner = {
        "name": name,
        "url": f"https://{name}.example.org:8834",
        "auth": {"type": "APIKeys", "secret_ref": {"name": name}},
        **_split(fields, Scanner),
    }
    _refuse(fields)
    return Scanner(**scanner)


def uid_of(name: str) -> str:
    """A uid that is always the same for one name."""
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, name))


def _metadata(name: str, fields: dict[str, Any]) -> Metadata:
    return Metadata(**{"name": name, "namespace": NAMESPACE, "uid": uid_of(name), **fields})


def _split(fields: dict[str, Any], model: Any) -> dict[str, Any]:
    """Takes the fields of one model out of `fields`."""
    return {name: fields.pop(name) for name in list(fields) if name in model.model_fields}


def _refuse(fields: dict[str, Any]) -> None:
    """The models leave unknown fields aside, which would hide a misspelt one."""
    if fields:
        raise TypeError(f"no such fields: {', '.join(fields)}")
