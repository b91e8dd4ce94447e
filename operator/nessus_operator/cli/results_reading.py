"""What the reading commands share: opening results, filters as people type them, exit statuses.

Exit status: 0 done, 2 wrong usage, 3 results or report that cannot be read, 4 output that cannot
be written. An error is one line on stderr.
"""

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NoReturn

from nessus_operator.cli.results_parser import EXIT_UNREAD
from nessus_operator.results.clean import one_line
from nessus_operator.results.faults import InvalidQuery, ReadFault
from nessus_operator.results.fields import Record, Type, find
from nessus_operator.results.limits import EXIT_REFUSED, EXIT_STORAGE, EXIT_USAGE
from nessus_operator.results.schema import FILE
from nessus_operator.results.store import Results, open_results

FILTER_HELP = (
    "Keep rows of which this holds: severity>=high, host=192.0.2, cve=CVE-2024, "
    "exploit_available=true, cvss_score>=7. Once more with another field: both must hold; with the "
    "same field: any of them."
)
FILTERS_HELP = 'Filters as JSON, as agents give them: {"severity": ">=high", "port": [80, 443]}.'
RESULTS_HELP = "A folder with results, or a .nessus file, which is then stored for the moment."

# What a table for people shows of a row unless other fields are asked for.
COLUMNS: Mapping[Record, tuple[str, ...]] = {
    Record.VULNERABILITY: ("severity", "host", "port", "plugin_id", "plugin_name", "cvss_score"),
    Record.COMPLIANCE: ("compliance-result", "host", "compliance-check-name"),
}

_EXPRESSION = re.compile(r"\s*([^<>=!~]*[^<>=!~\s])\s*(>=|<=|>|<|=)\s*(.*?)\s*", re.DOTALL)
_NOT_COMPARED = frozenset((Type.TEXT, Type.LIST, Type.BOOLEAN, Type.OBJECT))
_LONGEST_MESSAGE = 20_000  # characters
_WORDS = {"true": True, "false": False}


def parse_filters(expressions: Sequence[str], as_json: str = "", kind: str = "") -> dict[str, Any]:
    """Filters of results.conditions from `--filter`, `--filters` and `--kind` together."""
    filters = _parse_json(as_json) if as_json else {}
    for expression in expressions:
        found = _EXPRESSION.fullmatch(expression)
        if found is None:
            raise InvalidQuery(
                f"The filter {expression!r} is not a field, one of >=, >, <=, <, = and a value, "
                "as in severity>=high"
            )
        name, operator, text = found.groups()
        _check_compared(name, operator)
        value: Any = text if operator == "=" else operator + text
        value = _WORDS.get(text.lower(), value) if operator == "=" else value
        filters[name] = _any_of(filters[name], value) if name in filters else value
    return filters | ({"kind": kind} if kind else {})


def _check_compared(name: str, operator: str) -> None:
    """A filter in JSON takes ">5" on a text for a text; whoever types `plugin_name>5` compares."""
    fields = [field for record in Record if (field := find(record, name))]
    if operator != "=" and fields and all(field.type in _NOT_COMPARED for field in fields):
        raise InvalidQuery(
            f"{name} is a {fields[0].type}, which {operator} cannot compare: ask for {name}=VALUE"
        )


def _any_of(before: Any, value: Any) -> list[Any]:
    return [*(before if isinstance(before, list) else [before]), value]


def _parse_json(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise InvalidQuery(f"--filters is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise InvalidQuery('--filters takes a JSON object, as in {"severity": ">=high"}')
    return found


@contextmanager
def faults() -> Iterator[None]:
    """Turn what can go wrong into one line and an exit status."""
    try:
        yield
    except InvalidQuery as fault:
        fail(EXIT_USAGE, str(fault))
    except ReadFault as fault:
        fail(EXIT_REFUSED, str(fault))
    except BrokenPipeError:
        sys.exit(EXIT_UNREAD)
    except OSError as error:
        place = "the output" if error.filename is None else error.filename
        fail(EXIT_STORAGE, f"Cannot read or write {place}: {error.strerror}")


def fail(status: int, message: str) -> NoReturn:
    print(f"nessus-results: {one_line(message, _LONGEST_MESSAGE)}", file=sys.stderr)
    sys.exit(status)


def write_lines(lines: Iterable[str]) -> None:
    """On stdout, in UTF-8 whatever the terminal speaks: JSON is nothing else."""
    out = sys.stdout.buffer
    for line in lines:
        out.write(line.encode())
        out.write(b"\n")
    out.flush()


@contextmanager
def opened(path: Path, *, keep_report: bool = False) -> Iterator[tuple[Path, Results]]:
    """The folder and the results in it; of a report, in a folder that is gone afterwards."""
    with ExitStack() as stack:
        if path.is_file():
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="nessus-results-")))
            path = _stored(path, folder, keep_report)
        elif not (path / FILE).is_file():
            fail(
                EXIT_REFUSED,
                f"There are no results in {path}: store a report there with "
                "`nessus-results ingest REPORT FOLDER`",
            )
        yield path, stack.enter_context(open_results(path))


def _stored(report: Path, folder: Path, keep_report: bool) -> Path:
    from nessus_operator.cli.results_ingest import store

    told = f"storing {report} for the moment; `nessus-results ingest {report} FOLDER` keeps it"
    print(f"nessus-results: {told}", file=sys.stderr)
    store(report, folder, keep_report=keep_report)
    return folder
