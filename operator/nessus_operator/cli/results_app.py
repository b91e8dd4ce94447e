"""The commands of `nessus-results` but `page`, and the list that `--help` shows of all."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from nessus_operator import __version__
from nessus_operator.cli.results_ingest import ingest_command
from nessus_operator.cli.results_page import page_command
from nessus_operator.cli.results_reading import (
    COLUMNS,
    FILTER_HELP,
    FILTERS_HELP,
    RESULTS_HELP,
    fail,
    faults,
    opened,
    parse_filters,
    write_lines,
)
from nessus_operator.cli.results_worth import objections
from nessus_operator.results.changes import SHOWN, compare_lines
from nessus_operator.results.compare import Change
from nessus_operator.results.filters import kind_of
from nessus_operator.results.limits import EXIT_REFUSED, EXIT_USAGE
from nessus_operator.results.pages import DEFAULT_PAGE_SIZE, Query
from nessus_operator.results.profiles import DEFAULT, PROFILES
from nessus_operator.results.selected import Order
from nessus_operator.results.summary import DEFAULT_TOP, summarize

app = typer.Typer(
    name="nessus-results",
    help="Store .nessus reports and read them fast: findings, summaries, comparisons, exports. "
    "No cluster is needed.\n\nBegin with: nessus-results ingest scan.nessus results/\n\n"
    "Exit status of each: 0 done, 2 wrong usage, 3 report or results that cannot be read, 4 output "
    "that cannot be written.",
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    add_completion=False,
)

RESULTS = Annotated[Path, typer.Argument(help=RESULTS_HELP, show_default=False, metavar="RESULTS")]
FILTER = Annotated[list[str] | None, typer.Option("--filter", help=FILTER_HELP, metavar="FILTER")]
FILTERS = Annotated[str, typer.Option("--filters", help=FILTERS_HELP, metavar="JSON")]
KIND = Annotated[str, typer.Option(help="vulnerability (default) or compliance.", metavar="KIND")]
FIELD = Annotated[
    list[str] | None,
    typer.Option("--field", help="Show this field; again for more.", metavar="FIELD"),
]
JSON = Annotated[bool, typer.Option("--json", help="JSON on stdout in place of tables.")]

_PARSED_ELSEWHERE = {  # by results_parser, which says why
    "allow_extra_args": True,
    "ignore_unknown_options": True,
    "help_option_names": [],
}


def run(arguments: Sequence[str]) -> int:
    """Run the command that the arguments name; the exit status."""
    try:
        return int(app(arguments, prog_name="nessus-results", standalone_mode=False) or 0)
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        path = context.command_path if context else "nessus-results"
        fail(EXIT_USAGE, f"{error.format_message().removesuffix('.')}; see {path} --help")


def _tell_version(wanted: bool) -> None:
    if wanted:
        print(f"nessus-results {__version__}")
        raise typer.Exit


@app.callback()
def _all_commands(
    version: Annotated[
        bool, typer.Option("--version", help="Tell the version.", callback=_tell_version)
    ] = False,
) -> None:
    pass


@app.command("ingest", context_settings=_PARSED_ELSEWHERE)
def ingest(context: typer.Context) -> None:
    """Store a report in a folder, where it can be read fast."""
    raise typer.Exit(ingest_command(context.args))


@app.command("page", context_settings=_PARSED_ELSEWHERE)
def page(context: typer.Context) -> None:
    """Print findings or compliance checks, the worst first, a page at a time."""
    raise typer.Exit(page_command(context.args))


@app.command("summary")
def summary_command(
    results: RESULTS,
    since: Annotated[
        Path | None,
        typer.Option(help="Results of the run before: also tell what is new.", metavar="RESULTS"),
    ] = None,
    filter_: FILTER = None,
    filters: FILTERS = "",
    kind: KIND = "",
    top: Annotated[int, typer.Option(help="How many of each list, 1 to 100.")] = DEFAULT_TOP,
    as_json: JSON = False,
) -> None:
    """Tell what matters: counts, top risks, the worst hosts and CVEs, what is exploited.

    It also says how logins went, and what makes the report doubtful: no host that answers,
    no port scan, logins that failed, old plugins, a part that is missing.

    Examples:

    nessus-results summary results/

    nessus-results summary now/ --since before/ --filter 'host=192.0.2' --json
    """
    with faults():
        wanted = parse_filters(filter_ or (), filters, kind)
        with opened(results) as (_, current):
            if since is None:
                found = summarize(current, filters=wanted, top=top)
            else:
                with opened(since) as (_, previous):
                    found = summarize(current, filters=wanted, top=top, previous=previous)
            found["objections"] = objections(current)
        if as_json:
            _print_json(found)
            return
        from nessus_operator.cli.results_tables import show_summary

        show_summary(found)


@app.command("compare")
def compare_command(
    before: Annotated[
        Path, typer.Argument(help=RESULTS_HELP, show_default=False, metavar="BEFORE")
    ],
    now: Annotated[
        Path, typer.Argument(help="The run after it.", show_default=False, metavar="NOW")
    ],
    change: Annotated[
        list[str] | None,
        typer.Option(
            help=f"List rows of this change: {', '.join(Change)}; again for more. Default: all "
            "but persisting.",
            metavar="CHANGE",
        ),
    ] = None,
    filter_: FILTER = None,
    filters: FILTERS = "",
    kind: KIND = "",
    profile: Annotated[
        str, typer.Option(help=f"{', '.join(PROFILES)}: fields to show.", metavar="PROFILE")
    ] = DEFAULT,
    field: FIELD = None,
    page: Annotated[int, typer.Option(help="From 1; 0 is everything.")] = 1,
    page_size: Annotated[int, typer.Option(help="10 to 100 rows.")] = DEFAULT_PAGE_SIZE,
    as_json: JSON = False,
) -> None:
    """Tell what changed between two runs: new, fixed, persisting, changed or unobserved findings.

    A finding is unobserved, not fixed, where this run did not reach the host or could not log in.

    Examples:

    nessus-results compare before/ now/

    nessus-results compare before/ now/ --change new --filter 'severity>=high' --page 0 --json
    """
    with faults():
        wanted = parse_filters(filter_ or (), filters, kind)
        if not as_json and profile == DEFAULT and not field:
            field = list(COLUMNS[kind_of(wanted)])
        query = Query(
            page=page,
            page_size=page_size,
            profile=profile,
            custom_fields=field or None,
            filters=wanted,
        )
        with opened(before) as (_, previous), opened(now) as (_, current):
            lines = compare_lines(previous, current, query, changes=change or SHOWN)
            if as_json:
                write_lines(lines)
                return
            from nessus_operator.cli.results_tables import show_comparison

            show_comparison(lines)


@app.command("export")
def export_command(
    results: RESULTS,
    format_: Annotated[
        str,
        typer.Option("--format", help="jsonl, csv, sarif, ocsf, html or native.", metavar="FORMAT"),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            help="The file to write; appears when it is complete. Default: stdout.", metavar="FILE"
        ),
    ] = None,
    filter_: FILTER = None,
    filters: FILTERS = "",
    kind: KIND = "",
    profile: Annotated[
        str | None,
        typer.Option(help=f"{', '.join(PROFILES)}: fields of jsonl and csv.", metavar="PROFILE"),
    ] = None,
    field: FIELD = None,
    order: Annotated[
        str, typer.Option(help=f"{', '.join(Order)}.", metavar="ORDER")
    ] = Order.RANK.value,
) -> None:
    """Write everything in a format that other tools read.

    jsonl and csv show all fields or those that you choose, sarif is SARIF 2.1.0,
    ocsf is OCSF 1.8.0 Vulnerability Findings, html a page that needs nothing else,
    native the report itself without its secrets.

    Examples:

    nessus-results export results/ --format html --output report.html

    nessus-results export results/ --format csv --filter 'severity>=high' > high.csv
    """
    from nessus_operator.cli.results_export import write
    from nessus_operator.clients import clock
    from nessus_operator.results.export.formats import export
    from nessus_operator.results.export.request import Request

    with faults():
        request = Request(
            now=clock.now(),
            filters=parse_filters(filter_ or (), filters, kind),
            order=order,
            profile=profile,
            custom_fields=field or None,
        )
        with opened(results, keep_report=format_ == "native") as (folder, found):
            write(export(folder, found, format_, request), output)


@app.command("verify")
def verify_command(
    folder: Annotated[
        Path, typer.Argument(help="A folder with results.", show_default=False, metavar="FOLDER")
    ],
    as_json: JSON = False,
) -> None:
    """Check that every file is the one that was written: sizes and hashes of manifest.json.

    Exit status: 0 all are, 3 some file is missing or differs.

    Example: nessus-results verify results/
    """
    from nessus_operator.results.verify import verify

    with faults():
        checks = verify(folder)
    if as_json:
        _print_json({"files": {check.name: check.told() for check in checks}})
    else:
        for check in checks:
            print(f"{check.name}: {check.problem or f'ok, {check.bytes} bytes'}")
    if any(check.problem for check in checks):
        raise typer.Exit(EXIT_REFUSED)


@app.command("fields")
def fields_command(
    results: Annotated[
        Path | None,
        typer.Argument(
            help="Also list what only this report has.", show_default=False, metavar="RESULTS"
        ),
    ] = None,
    kind: KIND = "",
    as_json: JSON = False,
) -> None:
    """List the fields that can be shown and filtered, with their type and where they are from.

    Example: nessus-results fields results/ --kind compliance
    """
    from nessus_operator.cli.results_tables import show_fields
    from nessus_operator.results.describe import describe

    with faults():
        filters = parse_filters((), "", kind)
        if results is None:
            found = describe(filters)
        else:
            with opened(results) as (_, store):
                found = describe(filters, store)
    if as_json:
        _print_json(found)
    else:
        show_fields(found)


def _print_json(value: Any) -> None:
    write_lines([json.dumps(value, ensure_ascii=False, indent=1)])
