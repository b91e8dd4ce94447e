"""`nessus-results ingest`: a report becomes a folder that can be read."""

import argparse
import json
import os
import sqlite3
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from nessus_operator.cli.results_parser import EXIT_UNREAD, Parser, counted
from nessus_operator.core.authentication import judge
from nessus_operator.results.clean import one_line
from nessus_operator.results.copy import keep
from nessus_operator.results.ingest.facts import Summary
from nessus_operator.results.ingest.run import ingest
from nessus_operator.results.ingest.source import Source
from nessus_operator.results.limits import (
    EXIT_REFUSED,
    EXIT_STORAGE,
    EXIT_USAGE,
    ProcessLimits,
    limit_this_process,
)
from nessus_operator.results.manifest import Original
from nessus_operator.results.refusals import Refused

_DESCRIPTION = """\
Store a report in a folder, where it can be read fast.

Every field of every finding, compliance check and host is kept. A report that is not well-formed
is refused, with the place of the first byte that breaks it; --salvage keeps what comes before.
"""
_EXAMPLES = """\
Examples:
  nessus-results ingest scan.nessus results/
  nessus-results ingest broken.nessus results/ --salvage
  nessus-results ingest scan.nessus results/ --keep-report --json

Exit status: 0 stored, 2 wrong usage, 3 report refused, 4 folder cannot be written.
"""

Progress = Callable[[int, int], None]
_STEPS = 100  # lines of progress at most


def store(report: Path, folder: Path, *, keep_report: bool = False) -> None:
    """Store a report as `ingest` does, without a word; ends the program where it is refused."""
    with _faults(as_json=False), _progress(report, as_json=False) as progress:
        if keep_report:
            keep(report, folder)
        ingest(Source(report), folder, judge=judge(), progress=progress)


def ingest_command(arguments: Sequence[str]) -> int:
    """Run the command; the exit status."""
    options = _parser().parse_args(arguments)
    report, folder = options.report, options.folder
    if options.max_memory:
        limit_this_process(ProcessLimits(options.max_memory, options.max_cpu, options.max_file))
    os.environ.setdefault("SQLITE_TMPDIR", str(folder))
    if not report.is_file():
        _fail(EXIT_USAGE, f"There is no file {report}", {}, options.json)
    if not os.access(report, os.R_OK):
        _fail(EXIT_USAGE, f"The file {report} cannot be read by this user", {}, options.json)
    original = None
    if options.original_sha256:
        original = Original(options.original_bytes, options.original_sha256)
    with _faults(options.json), _progress(report, options.json) as progress:
        if options.keep_report:
            original = keep(report, folder).original
        summary = ingest(
            Source(report, options.kept),
            folder,
            judge=judge(credentials_asked=options.credentials),
            progress=progress,
            salvage=options.salvage,
            original=original,
        )
    _show(summary, options.json)
    return 0


def _parser() -> Parser:
    parser = Parser("ingest", _DESCRIPTION, _EXAMPLES)
    add = parser.add_argument
    add("report", type=Path, help="a .nessus file, v2 or v1")
    add("folder", type=Path, help="where the results go; made if missing, replaced if there")
    add(
        "--json",
        action="store_true",
        help="progress as JSON lines on stderr, the summary as last line of stdout",
    )
    add(
        "--salvage",
        action="store_true",
        help="of a broken report keep what is complete before the fault",
    )
    add(
        "--credentials",
        action=argparse.BooleanOptionalAction,
        help="whether the scan was to log in to hosts: says what a host without a sign is "
        "(default: not known)",
    )
    add(
        "--kept",
        action="store_true",
        help="the report is the compressed copy of a results folder",
    )
    add(
        "--keep-report",
        action="store_true",
        help="also keep the report itself, compressed, without its secrets",
    )
    for hidden in ("--original-bytes", "--max-memory", "--max-cpu", "--max-file"):
        add(hidden, type=int, default=0, help=argparse.SUPPRESS)
    add("--original-sha256", default="", help=argparse.SUPPRESS)
    return parser


@contextmanager
def _faults(as_json: bool) -> Iterator[None]:
    """Turn what can go wrong into a sentence and an exit status."""
    try:
        yield
    except Refused as refused:
        told = {"reason": refused.reason, "message": refused.message, "position": refused.position}
        _fail(EXIT_REFUSED, f"{refused.reason}: {refused}", {"refused": told}, as_json)
    except BrokenPipeError:
        sys.exit(EXIT_UNREAD)
    except (OSError, sqlite3.Error) as error:
        message = f"The results cannot be written: {error}"
        _fail(EXIT_STORAGE, message, {"storage": message}, as_json)


def _fail(status: int, message: str, told: dict[str, Any], as_json: bool) -> NoReturn:
    if as_json and told:
        print(json.dumps(told))
    else:
        print(f"nessus-results: {one_line(message, 4_000)}", file=sys.stderr)
    sys.exit(status)


@contextmanager
def _progress(report: Path, as_json: bool) -> Iterator[Progress | None]:
    """JSON lines, a bar on a terminal, or nothing."""
    if as_json:
        yield _json_progress()
    elif sys.stderr.isatty():
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            Progress,
            TextColumn,
            TransferSpeedColumn,
        )

        columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn())
        with Progress(*columns, TransferSpeedColumn(), transient=True) as bar:
            task = bar.add_task(one_line(report.name, 40))
            yield lambda read, total: bar.update(task, completed=read, total=total)
    else:
        yield None


def _json_progress() -> Progress:
    step = -1

    def tell(read: int, total: int) -> None:
        nonlocal step
        reached = read * _STEPS // max(total, 1)
        if reached > step:
            step = reached
            print(json.dumps({"read": read, "total": total}), file=sys.stderr, flush=True)

    return tell


def _show(summary: Summary, as_json: bool) -> None:
    if as_json:
        print(summary.to_json())
        return
    severities = ", ".join(f"{count} {name}" for name, count in summary.severities.items())
    hosts, findings = counted(summary.hosts, "host"), counted(summary.findings, "finding")
    print(f"{hosts}, {findings}: {severities}")
    if checks := sum(summary.compliance.values()):
        results = ", ".join(f"{count} {name}" for name, count in summary.compliance.items())
        print(f"{counted(checks, 'compliance check')}: {results}")
    print(f"host authentication: {summary.authentication['status']}")
    for kind, count in summary.warnings.items():
        print(f"odd input, its text is kept: {counted(count, kind)}")
    if fault := summary.truncated:
        place = f" (line {fault['line']}, column {fault['column']})" if "line" in fault else ""
        print(f"truncated: {fault['reason']}{place}; what came before is kept")
