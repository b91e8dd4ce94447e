"""The copy of a report that stays: filtered, compressed, whole or not there at all."""

import hashlib
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import zstandard
from tests.planted import HOSTS, SECRET, Planted, bulk, document, found_in, on_disk, policy
from tests.store_dump import dump
from tests.storing import stored

from nessus_operator.core.authentication import judge
from nessus_operator.results.copy import keep
from nessus_operator.results.download import download
from nessus_operator.results.ingest.run import ingest
from nessus_operator.results.ingest.source import Source
from nessus_operator.results.limits import Limits
from nessus_operator.results.refusals import DoctypeRefused, FileTooLarge
from nessus_operator.results.schema import FILE, MANIFEST_FILE, REPORT_FILE
from nessus_operator.results.verify import verify

REPORT = document(policy(Planted()), HOSTS)


async def chunks(
    content: bytes, size: int = 100, fault: Exception | None = None
) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]
    if fault:
        raise fault


def decompressed(folder: Path) -> bytes:
    return (
        zstandard.ZstdDecompressor().decompressobj().decompress((folder / REPORT_FILE).read_bytes())
    )


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


async def test_a_download_says_what_came_and_keeps_no_secret(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    downloaded = await download(chunks(REPORT), folder)
    assert downloaded.original.bytes == len(REPORT)
    assert downloaded.original.sha256 == hashlib.sha256(REPORT).hexdigest()
    assert downloaded.kept == (folder / REPORT_FILE).stat().st_size
    assert decompressed(folder).endswith(HOSTS.encode() + b"</NessusClientData_v2>\n")
    assert names(folder) == {REPORT_FILE}
    assert found_in(tmp_path) == set()


LARGE = document(policy(Planted()), bulk(600_000), policy(Planted()), bulk(300_000))
# Without comments: one of a policy cannot be told from one of a host.
PLAIN = re.sub(rb"<!--.*?-->|<\?pi.*?\?>", b"", LARGE)
# How a report with secrets can be wrong, and whether hosts of it reach the disk all the same.
BROKEN: dict[str, tuple[bytes, bool]] = {
    "whole": (LARGE, True),
    "broken in the policy": (LARGE.replace(b"<item>", b"<item><<", 1), True),
    "broken in a host": (LARGE.replace(b"<plugin_output>", b"<<", 1), True),
    "a policy that does not end": (LARGE.replace(b"</Policy>", b"", 1), False),
    "cut in the first policy": (LARGE[:2_000], False),
    "cut in the second policy": (LARGE[: LARGE.rindex(b"<selectedValue>")], True),
    "spliced": (PLAIN[:1_500] + PLAIN[300_000:] + PLAIN[900:], True),
    "spliced in a value": (
        PLAIN[:300_000] + PLAIN[PLAIN.index(SECRET.encode()) :], True,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("content", "hosts"), BROKEN.values(), ids=BROKEN)
async def test_no_secret_lies_on_the_volume_while_a_download_goes_on(
    content: bytes, hosts: bool, tmp_path: Path
) -> None:
    """What a kill at any moment leaves behind is what is there at that moment."""
    most = 0

    async def slowly() -> AsyncIterator[bytes]:
        nonlocal most
        async for chunk in chunks(content, 30_000):
            yield chunk
            most = max(most, on_disk(tmp_path))
            assert REPORT_FILE not in names(tmp_path)
            assert found_in(tmp_path) == set()

    await download(slowly(), tmp_path)
    assert (most > 100_000) == hosts
    assert found_in(tmp_path) == set()


FAULTS: dict[str, tuple[bytes, Exception | None, type[Exception]]] = {
    "the connection breaks": (REPORT[:900], ConnectionError("gone"), ConnectionError),
    "the report is too large": (REPORT + b"\n" * 9_000, None, FileTooLarge),
    "the report has a DOCTYPE": (b"<!DOCTYPE x>" + REPORT, None, DoctypeRefused),
}


@pytest.mark.parametrize(("content", "fault", "raised"), FAULTS.values(), ids=FAULTS)
async def test_nothing_is_left_of_a_download_that_failed(
    content: bytes, fault: Exception | None, raised: type[Exception], tmp_path: Path
) -> None:
    (tmp_path / "other").touch()
    limits = Limits(file_bytes=len(REPORT) + 8_000)
    with pytest.raises(raised):
        await download(chunks(content, fault=fault), tmp_path, limits)
    assert names(tmp_path) == {"other"}


async def test_an_earlier_copy_stays_until_the_next_is_whole(tmp_path: Path) -> None:
    await download(chunks(REPORT), tmp_path)
    before = (tmp_path / REPORT_FILE).read_bytes()
    with pytest.raises(ConnectionError):
        await download(chunks(document(HOSTS), fault=ConnectionError()), tmp_path)
    assert (tmp_path / REPORT_FILE).read_bytes() == before
    await download(chunks(document(HOSTS)), tmp_path)
    assert decompressed(tmp_path) == document(HOSTS)


def test_a_kept_report_is_stored_as_the_original_is(tmp_path: Path) -> None:
    original = stored(tmp_path / "original", REPORT)
    path = tmp_path / "original" / "report.nessus"
    downloaded = keep(path, tmp_path / "kept")
    ingest(
        Source(tmp_path / "kept" / REPORT_FILE, kept=True),
        tmp_path / "kept",
        judge=judge(),
        original=downloaded.original,
    )
    found = dump(tmp_path / "kept")
    assert found["findings"] == original["findings"]
    assert found["meta"]["policy"] == original["meta"]["policy"]
    manifest = json.loads((tmp_path / "kept" / MANIFEST_FILE).read_text())
    assert manifest["original"] == {
        "bytes": len(REPORT),
        "sha256": hashlib.sha256(REPORT).hexdigest(),
    }
    assert [check.problem for check in verify(tmp_path / "kept")] == ["", ""]


async def test_a_download_that_was_overtaken_puts_nothing_in_place(tmp_path: Path) -> None:
    newer = document(HOSTS)

    async def stopped_for_long() -> AsyncIterator[bytes]:
        async for chunk in chunks(REPORT):
            yield chunk
        await download(chunks(newer), tmp_path)

    with pytest.raises(FileNotFoundError):
        await download(stopped_for_long(), tmp_path)
    assert decompressed(tmp_path) == newer
    assert names(tmp_path) == {REPORT_FILE}


def test_a_store_that_was_overtaken_is_not_put_in_place(tmp_path: Path) -> None:
    older, newer = tmp_path / "older.nessus", tmp_path / "newer.nessus"
    older.write_bytes(REPORT)
    newer.write_bytes(document(HOSTS))
    folder = tmp_path / "folder"
    overtaken = []

    def stopped_for_long(read: int, total: int) -> None:
        if not overtaken:
            overtaken.append(ingest(Source(newer), folder, judge=judge()))

    with pytest.raises(FileNotFoundError):
        ingest(Source(older), folder, judge=judge(), progress=stopped_for_long)
    manifest = json.loads((folder / MANIFEST_FILE).read_text())
    assert manifest["files"][FILE] == overtaken[0].store
    assert names(folder) == {FILE, MANIFEST_FILE}
