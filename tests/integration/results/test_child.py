"""Ingest in a process of its own: limits that end it, kills that are noticed, nothing left over."""

import asyncio
import json
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.generator.report import Shape, write_report
from tests.planted import HOSTS, Planted, document, found_in, policy
from tests.storing import host, item, output, report

from nessus_operator.results.child import IngestKilled, StorageFailed, run_ingest_child
from nessus_operator.results.copy import keep
from nessus_operator.results.limits import DEFAULT_PROCESS_LIMITS, ProcessLimits
from nessus_operator.results.manifest import Original
from nessus_operator.results.refusals import Position, TooDeep, Truncated
from nessus_operator.results.schema import FILE, MANIFEST_FILE, REPORT_FILE

SMALL = report(host(item(output("a")), item(output("b"), port=81)))
# The last end tag, which is not complete where the last bytes are missing.
_LINES = SMALL.rpartition(b"</Nessus")[0].split(b"\n")
CUT_AT = Position(len(_LINES), len(_LINES[-1]) + 1, SMALL.rindex(b"</Nessus"))


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "report.nessus"
    path.write_bytes(SMALL)
    return path


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report that takes two seconds of CPU, and never less than one."""
    path = tmp_path_factory.mktemp("large") / "large.nessus"
    write_report(path, Shape(bytes=150_000_000))
    return path


def put(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def size(path: Path) -> int:
    return path.stat().st_size


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


async def test_the_summary_comes_back(written: Path, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    original = Original(len(SMALL), "ab" * 32)
    summary = await run_ingest_child(
        written,
        tmp_path / "results",
        credentials_asked=False,
        original=original,
        progress=lambda read, total: told.append((read, total)),
    )
    assert summary["findings"] == 2
    assert summary["authentication"]["status"] == "NotApplicable"
    assert summary["store"]["bytes"] == (tmp_path / "results" / FILE).stat().st_size
    assert told[-1] == (len(SMALL), len(SMALL))
    manifest = json.loads((tmp_path / "results" / MANIFEST_FILE).read_text())
    assert manifest["original"] == {"bytes": original.bytes, "sha256": original.sha256}
    assert names(tmp_path / "results") == {FILE, MANIFEST_FILE}


async def test_progress_goes_up_to_the_end(large: Path, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    await run_ingest_child(large, tmp_path, progress=lambda *step: told.append(step))
    assert told == sorted(told)
    assert len(told) > 50
    assert told[-1] == (size(large),) * 2


async def test_a_refusal_keeps_its_name_and_its_place(written: Path, tmp_path: Path) -> None:
    put(written, SMALL[:-3])
    with pytest.raises(Truncated) as refused:
        await run_ingest_child(written, tmp_path / "results")
    assert refused.value.position == CUT_AT
    assert names(tmp_path / "results") == set()
    summary = await run_ingest_child(written, tmp_path / "results", salvage=True)
    assert (summary["findings"], summary["signals"]["truncated"]) == (2, True)


async def test_a_folder_that_cannot_be_written_is_a_storage_failure(
    written: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageFailed):
        await run_ingest_child(written, tmp_path / "file" / "results")


def limited(**changes: Any) -> ProcessLimits:
    return replace(DEFAULT_PROCESS_LIMITS, **changes)


LIMITS: dict[str, tuple[ProcessLimits, type[Exception]]] = {
    "a second of CPU": (limited(cpu_seconds=1), IngestKilled),
    "too little memory": (
        limited(address_space=30_000_000), IngestKilled,
    ),
    "files of a megabyte": (limited(file_bytes=1_000_000), StorageFailed),
}  # fmt: skip


@pytest.mark.parametrize(("limits", "fault"), LIMITS.values(), ids=LIMITS)
async def test_a_limit_ends_it_and_nothing_is_published(
    limits: ProcessLimits, fault: type[Exception], large: Path, tmp_path: Path
) -> None:
    with pytest.raises(fault) as failed:
        await run_ingest_child(large, tmp_path / "results", limits=limits)
    assert str(failed.value)
    assert not names(tmp_path / "results") & {FILE, MANIFEST_FILE}
    summary = await run_ingest_child(large, tmp_path / "results")
    assert summary["findings"] > 20_000
    assert names(tmp_path / "results") == {FILE, MANIFEST_FILE}


async def test_a_kill_is_a_failure_that_says_so(large: Path, tmp_path: Path) -> None:
    def kill(read: int, total: int) -> None:
        if read > total // 4:
            for child in children():
                os.kill(child, signal.SIGKILL)

    with pytest.raises(IngestKilled, match="by signal 9"):
        await run_ingest_child(large, tmp_path / "results", progress=kill)
    assert not names(tmp_path / "results") & {FILE, MANIFEST_FILE}


async def test_who_cancels_kills_it(large: Path, tmp_path: Path) -> None:
    begun = asyncio.Event()
    task = asyncio.create_task(
        run_ingest_child(large, tmp_path, progress=lambda read, total: begun.set())
    )
    await begun.wait()
    assert children()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert children() == []
    assert FILE not in names(tmp_path)


def children() -> list[int]:
    """Our processes that read a report."""
    numbers = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    commands = {number: Path(f"/proc/{number}/cmdline").read_bytes() for number in numbers}
    return [int(number) for number, line in commands.items() if b"cli.results" in line]


async def test_nothing_of_the_environment_reaches_it(
    written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A planted module in the working folder, or a variable, would be run with our rights."""
    (tmp_path / "sqlite3.py").write_text("raise SystemExit(7)")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PYTHONSTARTUP", str(tmp_path / "sqlite3.py"))
    assert (await run_ingest_child(written, tmp_path / "results"))["findings"] == 2


async def test_its_limits_hold_for_a_report_that_nests_deeply(tmp_path: Path) -> None:
    path = tmp_path / "deep.nessus"
    path.write_bytes(b"<NessusClientData_v2>" + b"<a>" * 3_000_000)
    with pytest.raises(TooDeep):
        await run_ingest_child(path, tmp_path, limits=limited(address_space=400_000_000))


PLANTED = document(policy(Planted()), HOSTS * 40)
KINDS = {
    "whole": PLANTED,
    "broken in a host": PLANTED[:-200] + b"<<" + PLANTED[-200:],
    "broken in the policy": PLANTED.replace(b"<item>", b"<item><<", 1),
    "cut": PLANTED[: len(PLANTED) * 2 // 3],
}


@pytest.mark.parametrize("content", KINDS.values(), ids=KINDS)
async def test_no_secret_of_the_policy_reaches_the_volume(content: bytes, tmp_path: Path) -> None:
    outside, volume = tmp_path / "scanner", tmp_path / "volume"
    outside.mkdir()
    volume.mkdir()
    (outside / "report.nessus").write_bytes(content)
    assert found_in(outside)
    original = keep(outside / "report.nessus", volume).original
    looked = await _while_it_is_stored(volume, original)
    assert looked
    assert found_in(volume) == set()


async def _while_it_is_stored(volume: Path, original: Original) -> int:
    """Search the volume until the report is stored or refused; how often that was possible."""
    looked = 0

    def look(read: int, total: int) -> None:
        nonlocal looked
        looked += 1
        assert found_in(volume) == set()

    child = run_ingest_child(
        volume / REPORT_FILE,
        volume,
        kept=True,
        salvage=True,
        original=original,
        progress=look,
    )
    task = asyncio.create_task(child)
    while not task.done():
        await asyncio.sleep(0.01)
        look(0, 0)
    if fault := task.exception():
        assert not isinstance(fault, IngestKilled | StorageFailed)
    return looked
