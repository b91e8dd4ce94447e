"""`nessus-results page`: rows as JSON-NL, a page at a time or all of them."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from nessus_operator.cli.results_parser import Parser
from nessus_operator.cli.results_reading import (
    COLUMNS,
    FILTER_HELP,
    FILTERS_HELP,
    RESULTS_HELP,
    faults,
    opened,
    parse_filters,
    write_lines,
)
from nessus_operator.results.filters import kind_of
from nessus_operator.results.pages import DEFAULT_PAGE_SIZE, Query, page_lines
from nessus_operator.results.profiles import DEFAULT, PROFILES
from nessus_operator.results.selected import Order

_EXAMPLES = """\
Examples:
  nessus-results page results/
  nessus-results page results/ --filter 'severity>=high' --filter exploit_available=true --page 2
  nessus-results page results/ --profile full --filter plugin_id=10180 --page 0
  nessus-results page results/ --field host --field port --field cve --filter cve=CVE-2024
  nessus-results page results/ --kind compliance --filter compliance-result=FAILED --table

The first line says what the rows are and how many there are, the last how to go on. `fields` lists
what can be filtered and shown. Exit status: 0 done, 2 wrong usage, 3 results cannot be read.
"""


def _parser() -> Parser:
    parser = Parser(
        "page",
        "Print findings or compliance checks, the worst first, one JSON object a line.",
        _EXAMPLES,
    )
    add = parser.add_argument
    add("results", type=Path, help=RESULTS_HELP)
    add("--page", type=int, default=1, help="from 1; 0 is everything (default: 1)")
    add(
        "--page-size",
        type=int,
        default=DEFAULT_PAGE_SIZE,
        help="rows on a page, 10 to 100 (default: %(default)s)",
    )
    add("--cursor", help='"" to begin, then next_cursor of the page before, in place of --page')
    add("--profile", default=DEFAULT, help=f"{', '.join(PROFILES)} (default: %(default)s)")
    add("--field", action="append", default=[], help="show this field; again for more")
    add("--filter", action="append", default=[], help=FILTER_HELP)
    add("--filters", default="", metavar="JSON", help=FILTERS_HELP)
    add("--kind", default="", help="vulnerability (default) or compliance")
    add("--order", default=Order.RANK, help=f"{', '.join(Order)} (default: %(default)s)")
    add("--max-bytes", type=int, help="cut long texts so that the answer is no longer than this")
    add("--table", action="store_true", help="a table for people in place of JSON")
    return parser


def page_command(arguments: Sequence[str]) -> int:
    """Run the command; the exit status."""
    options = _parser().parse_args(arguments)
    with faults():
        filters = parse_filters(options.filter, options.filters, options.kind)
        fields = options.field
        if options.table and options.profile == DEFAULT and not fields:
            fields = COLUMNS[kind_of(filters)]
        query = Query(
            page=options.page,
            page_size=options.page_size,
            cursor=options.cursor,
            profile=options.profile,
            custom_fields=fields or None,
            filters=filters,
            order=options.order,
        )
        with opened(options.results) as (_, results):
            lines = page_lines(results, query, byte_budget=options.max_bytes)
            _show(lines, as_table=options.table)
    return 0


def _show(lines: Iterator[str], *, as_table: bool) -> None:
    if as_table:
        from nessus_operator.cli.results_tables import show_page

        show_page(lines)
    else:
        write_lines(lines)
