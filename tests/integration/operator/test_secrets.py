"""A scanner's keys stay in their Secret and in the operator's memory, whatever goes wrong."""

import base64
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
import zstandard
from tests.integration.operator.ground import ask
from tests.integration.operator.test_deletion import until_launched
from tests.kube import path_of
from tests.running import Stage, eventually

from nessus_simulator.running import ACCESS_KEY, SECRET_KEY, Simulator

KEYS = [
    form
    for key in (ACCESS_KEY, SECRET_KEY)
    for form in (key.encode(), base64.b64encode(key.encode()))
]


def contents(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file below a folder, compressed ones unpacked, and every value of every store."""
    for file in folder.rglob("*"):
        if file.is_file():
            yield file.name, file.read_bytes()
        if file.suffix == ".zst":
            with file.open("rb") as packed:
                yield file.name, zstandard.ZstdDecompressor().stream_reader(packed).read()
        if file.suffix == ".sqlite":
            yield file.name, b"\n".join(values(file))


def values(store: Path) -> Iterator[bytes]:
    with sqlite3.connect(f"file:{store}?mode=ro&immutable=1", uri=True) as connection:
        tables = "SELECT name FROM sqlite_schema WHERE type = 'table'"
        for (table,) in connection.execute(tables).fetchall():
            for row in connection.execute(f'SELECT * FROM "{table}"'):  # noqa: S608
                for value in row:
                    yield unpacked(value if isinstance(value, bytes) else str(value).encode())


def unpacked(value: bytes) -> bytes:
    try:
        return zstandard.ZstdDecompressor().decompress(value)
    except zstandard.ZstdError:
        return value


async def told(stage: Stage) -> list[tuple[str, bytes]]:
    """Everything that others can read."""
    operator = stage.operators[0]
    found = [("log", operator.log.read_bytes()), *contents(stage.results)]
    paths = ("/health", "/metrics")
    found += [(path, (await ask(operator, path)).content) for path in paths]
    for resource in ("nessusscans", "scannerpools", "events", "leases"):
        items = await stage.kube.items(path_of(resource, stage.namespace))
        assert items, resource
        found.append((resource, json.dumps(items).encode()))
    return found


async def test_no_key_is_told_or_stored(stage: Stage, simulator: Simulator) -> None:
    stage.start(LOG_LEVEL="DEBUG")
    await stage.create_pool(simulator.url)
    simulator.fault("status", "^/scans$", method="POST", status=401, body=SECRET_KEY)
    simulator.fault("status", "/launch$", method="POST", status=500, body=f"<p>{ACCESS_KEY}</p>")
    await stage.create_scan()
    await until_launched(stage)
    await stage.until("Completed")
    await _break_secret(stage)
    found = await told(stage)
    assert {"findings.sqlite", "report.nessus.zst", "manifest.json"} <= {name for name, _ in found}
    assert [(name, key) for name, content in found for key in KEYS if key in content] == []


async def _break_secret(stage: Stage) -> None:
    """With a line in it that no header can carry, a key must not stand in the error either."""
    secret = path_of("secrets", stage.namespace, "pool-scanner1")
    broken = {"stringData": {"accessKey": f"{ACCESS_KEY}\n\x01{SECRET_KEY}"}}
    await stage.kube.patch(secret, broken)

    async def noticed() -> bool:
        pool = await stage.kube.get(path_of("scannerpools", stage.namespace, "pool"))
        return not pool["status"]["scanners"][0]["ready"]

    await eventually(noticed, "the scanner is out of service")


@pytest.mark.parametrize("key", KEYS, ids=range(len(KEYS)))
def test_a_key_in_a_store_would_be_found(tmp_path: Path, key: bytes) -> None:
    with sqlite3.connect(tmp_path / "a.sqlite") as connection:
        connection.execute("CREATE TABLE texts (text BLOB)")
        packed = zstandard.ZstdCompressor().compress(b"before " + key + b" after")
        connection.execute("INSERT INTO texts VALUES (?)", (packed,))
    (tmp_path / "b.nessus.zst").write_bytes(zstandard.ZstdCompressor().compress(key * 2))
    hits = {name for name, content in contents(tmp_path) if key in content}
    assert hits == {"a.sqlite", "b.nessus.zst"}
