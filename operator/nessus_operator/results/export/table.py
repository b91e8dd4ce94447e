"""CSV that a spreadsheet opens without running anything in it."""

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any

from nessus_operator.results.budget import as_text
from nessus_operator.results.export.request import Request, rows
from nessus_operator.results.fields import SEVERITIES, Record
from nessus_operator.results.store import Results

_COLUMNS: Mapping[Record, str] = {
    Record.VULNERABILITY: """
        host host-ip host-fqdn port protocol svc_name plugin_id plugin_name plugin_family severity
        risk_factor cvss_score cvss3_base_score cvss_base_score vpr_score epss_score cve
        exploit_available cisa-known-exploited synopsis description solution see_also xref
        plugin_publication_date patch_publication_date plugin_output""",
    Record.COMPLIANCE: """
        host host-ip host-fqdn plugin_id plugin_name compliance-result compliance-check-name
        compliance-check-id compliance-audit-file compliance-reference compliance-policy-value
        compliance-actual-value compliance-info compliance-solution compliance-see-also""",
}
_JOINED = "; "
# What makes spreadsheets take a cell for a formula, full-width forms included.
_FORMULA = frozenset("=+-@\uff1d\uff0b\uff0d\uff20")


def write(results: Results, request: Request) -> Iterator[str]:
    """A header, then one record a row, quoted throughout; lists are joined by "; ".

    Severity is its name. A text that a spreadsheet would run gets an apostrophe before it.
    """
    profile = request.fields(results, _COLUMNS[request.record].split())
    names = [one.name for one in profile.shown]
    buffer = io.StringIO()
    writer = csv.writer(buffer, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(map(safe, names))
    yield _taken(buffer)
    for _, row in rows(results, request, profile):
        writer.writerow(_cell(name, row.get(name)) for name in names)
        yield _taken(buffer)


def safe(text: str) -> str:
    """The text as a cell that is never a formula."""
    return f"'{text}" if text.lstrip()[:1] in _FORMULA else text


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    if name == "severity":
        return SEVERITIES[value]
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list):
        return _JOINED.join(safe(as_text(element)) for element in value)
    return safe(as_text(value))


def _taken(buffer: io.StringIO) -> str:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text
