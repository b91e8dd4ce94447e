"""`nessus-results`: read .nessus reports without a cluster."""

import json
import os
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from nessus_operator.core.authentication import judge
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

app = typer.Typer(
    name="nessus-results",
    help="Store .nessus reports so that they can be read fast, without a cluster.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

Progress = Callable[[int, int], None]
_STEPS = 100  # lines of progress at most


@app.callback()
def nessus_results() -> None:
    """Commands work on files and folders alone."""


@app.command("ingest")
def ingest_command(
    report: Annotated[Path, typer.Argument(help="A .nessus file, v2 or v1.", show_default=False)],
    folder: Annotated[
        Path,
        typer.Argument(
            help="Where the results go; made if missing, replaced if there.", show_default=False
        ),
    ],
    as_json: Annotated[
        bool,
        typer.Option(
            "--json", help="Progress as JSON lines on stderr, the summary as last line of stdout."
        ),
    ] = False,
    salvage: Annotated[
        bool,
        typer.Option(help="Of a broken report keep what is complete before the fault."),
    ] = False,
    credentials: Annotated[
        bool | None,
        typer.Option(
            help="Whether the scan was to log in to hosts: says what a host without a sign is.",
            show_default="not known",
        ),
    ] = None,
    kept: Annotated[
        bool,
        typer.Option(help="The report is the compressed copy of a results folder."),
    ] = False,
    keep_report: Annotated[
        bool,
        typer.Option(help="Also keep the report itself, compressed, without its secrets."),
    ] = False,
    original_bytes: Annotated[int, typer.Option(hidden=True)] = 0,
    original_sha256: Annotated[str, typer.Option(hidden=True)] = "",
    max_memory: Annotated[int, typer.Option(hidden=True)] = 0,
    max_cpu: Annotated[int, typer.Option(hidden=True)] = 0,
    max_file: Annotated[int, typer.Option(hidden=True)] = 0,
) -> None:
    """Store a report in a folder.

    Every field of every finding, compliance check and host is kept. A report that is not
    well-formed is refused, with the place of the first byte that breaks it; `--salvage` keeps
    what comes before.

    Exit status: 0 stored, 2 wrong usage, 3 report refused, 4 folder cannot be written.

    Example: nessus-results ingest scan.nessus results/
    """
    if max_memory:
        limit_this_process(ProcessLimits(max_memory, max_cpu, max_file))
    os.environ.setdefault("SQLITE_TMPDIR", str(folder))
    if not report.is_file():
        _fail(EXIT_USAGE, f"There is no file {report}", {}, as_json)
    original = Original(original_bytes, original_sha256) if original_sha256 else None
    with _faults(as_json), _progress(report, as_json) as progress:
        if keep_report:
            original = keep(report, folder).original
        summary = ingest(
            Source(report, kept),
            folder,
            judge=judge(credentials_asked=credentials),
            progress=progress,
            salvage=salvage,
            original=original,
        )
    _show(summary, as_json)


@contextmanager
def _faults(as_json: bool) -> Iterator[None]:
    """Turn what can go wrong into a sentence and an exit status."""
    try:
        yield
    except Refused as refused:
        told = {"reason": refused.reason, "message": refused.message, "position": refused.position}
        _fail(EXIT_REFUSED, f"{refused.reason}: {refused}", {"refused": told}, as_json)
    except (OSError, sqlite3.Error) as error:
        message = f"The results cannot be written: {error}"
        _fail(EXIT_STORAGE, message, {"storage": message}, as_json)


def _fail(status: int, message: str, told: dict[str, Any], as_json: bool) -> NoReturn:
    if as_json and told:
        print(json.dumps(told))
    else:
        print(f"nessus-results: {message}", file=sys.stderr)
    raise typer.Exit(status)


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

        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
        with Progress(*columns, TransferSpeedColumn(), transient=True) as bar:
            task = bar.add_task(report.name)
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
    print(f"{summary.hosts} hosts, {summary.findings} findings: {severities}")
    if checks := sum(summary.compliance.values()):
        results = ", ".join(f"{count} {name}" for name, count in summary.compliance.items())
        print(f"{checks} compliance checks: {results}")
    print(f"host authentication: {summary.authentication['status']}")
    for kind, count in summary.warnings.items():
        print(f"odd input: {count} times {kind}")
    if summary.truncated:
        print(f"truncated: {summary.truncated}")


def main() -> None:
    app()


if __name__ == "__main__":
    main()
