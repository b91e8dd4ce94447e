"""Ingest in a process of its own: a hostile report ends that process at worst, never ours."""

import asyncio
import json
import os
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from nessus_operator.results import refusals
from nessus_operator.results.limits import (
    DEFAULT_PROCESS_LIMITS,
    EXIT_REFUSED,
    EXIT_STORAGE,
    ProcessLimits,
)
from nessus_operator.results.manifest import Original
from nessus_operator.results.refusals import Position, Refused

_LINE = 1_000_000  # bytes of one line of the child
_ERROR = re.compile(r"(?:[a-z_]\w*\.)*([A-Z]\w{2,60})(?::|$)", re.ASCII)


class IngestKilled(Exception):
    """The child ended without an answer: a limit, a signal, or a fault of ours."""


class StorageFailed(Exception):
    """The results could not be written."""


async def run_ingest_child(
    report: Path,
    folder: Path,
    *,
    kept: bool = False,
    salvage: bool = False,
    credentials_asked: bool | None = None,
    original: Original | None = None,
    limits: ProcessLimits = DEFAULT_PROCESS_LIMITS,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Ingest `report` into `folder`; the summary as results.ingest.facts.Summary gives it.

    kept: the report is our own compressed copy. credentials_asked: whether the scan was to log
    in to hosts. progress: bytes read and bytes in all, about once a percent.

    Raises a refusal of results.refusals, StorageFailed or IngestKilled. Cancelled, it kills the
    child and waits for its end.
    """
    arguments = _arguments(report, folder, kept, salvage, credentials_asked, original, limits)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-I", "-m", "nessus_operator.cli.results", "ingest", *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=_LINE,
        env=_environment(folder),
    )
    try:
        answer, error = await asyncio.gather(_last_line(process), _listen(process, progress))
        return _judge(await process.wait(), answer, error)
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def _arguments(
    report: Path,
    folder: Path,
    kept: bool,
    salvage: bool,
    credentials_asked: bool | None,
    original: Original | None,
    limits: ProcessLimits,
) -> list[str]:
    found = ["--json", f"--max-memory={limits.address_space}"]
    found += [f"--max-cpu={limits.cpu_seconds}", f"--max-file={limits.file_bytes}"]
    found += ["--kept"] if kept else []
    found += ["--salvage"] if salvage else []
    if credentials_asked is not None:
        found.append("--credentials" if credentials_asked else "--no-credentials")
    if original is not None:
        found += [f"--original-bytes={original.bytes}", f"--original-sha256={original.sha256}"]
    return [*found, "--", str(report), str(folder)]


def _environment(folder: Path) -> dict[str, str]:
    """Nothing of ours but what it needs; SQLite sorts on the volume."""
    needed = {name: os.environ[name] for name in ("PATH", "TZ") if name in os.environ}
    return {**needed, "LC_ALL": "C.UTF-8", "SQLITE_TMPDIR": str(folder)}


async def _last_line(process: asyncio.subprocess.Process) -> str:
    last = b""
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    async for line in process.stdout:
        last = line
    return last.decode()


async def _listen(
    process: asyncio.subprocess.Process, progress: Callable[[int, int], None] | None
) -> str:
    """Pass progress on; the name of the last error, whose text may be the report's."""
    error = ""
    assert process.stderr is not None  # noqa: S101 - it is a pipe
    async for line in process.stderr:
        text = line.decode(errors="replace")
        if text.startswith('{"read":'):
            if progress:
                told = json.loads(text)
                progress(told["read"], told["total"])
        elif found := _ERROR.match(text):
            error = found[1]
    return error


def _judge(status: int, answer: str, error: str) -> dict[str, Any]:
    if status == 0:
        summary: dict[str, Any] = json.loads(answer)
        return summary
    if status == EXIT_REFUSED:
        raise _refusal(json.loads(answer)["refused"])
    if status == EXIT_STORAGE:
        raise StorageFailed(json.loads(answer)["storage"])
    ended = f"by signal {-status}" if status < 0 else f"with status {status} {error}".strip()
    raise IngestKilled(f"The process that reads the report ended {ended}")


def _refusal(told: dict[str, Any]) -> Refused:
    kind: type[Refused] = getattr(refusals, told["reason"])
    position = told["position"]
    return kind(told["message"], Position(*position) if position else None)
