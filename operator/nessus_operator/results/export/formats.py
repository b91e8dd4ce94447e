"""The formats by name, and the one way to write any of them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from nessus_operator.results.export import native, ocsf, sarif, table, webpage
from nessus_operator.results.export.request import Request
from nessus_operator.results.faults import InvalidQuery
from nessus_operator.results.pages import page_lines
from nessus_operator.results.profiles import FULL
from nessus_operator.results.store import Results


def _json_lines(results: Results, request: Request) -> Iterator[str]:
    for text in page_lines(results, request.query(FULL), metadata=request.metadata):
        yield text + "\n"


@dataclass(frozen=True, slots=True)
class Format:
    """`write` gives the document in parts; None: it is a copy of the native report.

    `free`: the caller may choose the fields.
    """

    suffix: str
    media_type: str
    description: str
    write: Callable[[Results, Request], Iterator[str]] | None
    free: bool = False


FORMATS: Mapping[str, Format] = {
    "jsonl": Format(
        ".jsonl", "application/x-ndjson", "JSON-NL, all fields of all rows", _json_lines, free=True
    ),
    "csv": Format(
        ".csv", "text/csv", "a table for spreadsheets, safe from formulas", table.write, free=True
    ),
    "sarif": Format(
        ".sarif", "application/sarif+json", "SARIF 2.1.0, for code scanning tools", sarif.write
    ),
    "ocsf": Format(
        ".ocsf.jsonl", "application/x-ndjson", "OCSF 1.8.0 Vulnerability Findings", ocsf.write
    ),
    "html": Format(
        ".html", "text/html", "a page with charts and a sortable table, all in one", webpage.write
    ),
    "native": Format(
        ".nessus", "application/xml", "the report itself, without the secrets of its policy", None
    ),
}


def export(folder: Path, results: Results, format_name: str, request: Request) -> Iterator[bytes]:
    """The document, in parts. `results` are those in `folder`.

    Raises a ReadFault: InvalidQuery for an unknown format or filter, and what reading raises.
    """
    chosen = FORMATS.get(format_name)
    if chosen is None:
        known = ", ".join(FORMATS)
        raise InvalidQuery(f"There is no format {format_name!r}; there are {known}")
    if (request.profile or request.custom_fields) and not chosen.free:
        free = " and ".join(name for name, one in FORMATS.items() if one.free)
        raise InvalidQuery(f"Fields can be chosen for {free} only: {format_name} has its own")
    if chosen.write is None:
        if request.filters:
            raise InvalidQuery("The native report is exported whole: leave the filters out")
        return native.write(folder)
    return (part.encode() for part in chosen.write(results, request))
