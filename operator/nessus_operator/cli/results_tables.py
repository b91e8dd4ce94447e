"""Tables for people. Texts of reports are cleaned, cut, and never taken for markup."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from nessus_operator.cli.results_parser import counted
from nessus_operator.results.budget import as_text
from nessus_operator.results.clean import one_line
from nessus_operator.results.fields import SEVERITIES, Record

_COLOURS = ("bright_black", "blue", "yellow", "red", "bold magenta")  # by severity
_LONGEST = 200  # characters of a cell
_NARROWEST = 8  # characters of a column that can be read
_WORST_FIRST = tuple(reversed(SEVERITIES))
_ROWS = frozenset(Record)
_SAID = ("type", "change")  # by what stands around the row

Row = Mapping[str, Any]


def show_page(lines: Iterator[str]) -> None:
    """An answer of results.pages."""
    schema, _, *found = map(json.loads, lines)
    rows = [line for line in found if line["type"] in _ROWS]
    console = Console()
    fields = schema["fields"]
    if isinstance(fields, str):
        fields = list({name: None for row in rows for name in row if name not in _SAID})
    _print(console, "", fields, rows)
    last = found[-1] if len(found) > len(rows) else {}
    page = f"page {last['page']} of {last['total_pages']}, " if "page" in last else ""
    console.print(f"{page}{schema['total_vulnerabilities']} rows")
    if last.get("next_cursor"):
        numbered = "page" in last
        following = f"page {last['next_page']}" if numbered else f"cursor {last['next_cursor']}"
        console.print(f"go on with --{following}")


def show_comparison(lines: Iterator[str]) -> None:
    """An answer of results.changes."""
    head, *found = map(json.loads, lines)
    rows = [line for line in found if line["type"] in _ROWS]
    console = Console()
    _changes(console, head)
    columns = {name: None for row in rows for name in row if name != "type"}
    _print(console, "", list(columns), rows)
    last = found[-1] if len(found) > len(rows) else {}
    if last.get("has_next"):
        console.print(f"page {last['page']} of {last['total_pages']}: --page {last['next_page']}")


def show_summary(summary: Mapping[str, Any]) -> None:
    """An answer of results.summary."""
    console = Console()
    scan = summary["scan"]
    title = scan.get("scan_name", "report")
    when = f", {scan['scan_start']} to {scan.get('scan_end')}" if "scan_start" in scan else ""
    hosts = counted(scan["hosts"], "host")
    console.print(Text(one_line(f"{title}: {hosts}{when}", _LONGEST), style="bold"))
    for one in summary["objections"]:
        console.print(Text(f"{one['outcome']}: {one['reason']}: {one['message']}", _COLOURS[3]))
    if "findings" in summary:
        _findings(console, summary)
    _logins(console, summary["authentication"])
    if any(summary.get("compliance", {}).values()):
        told = ", ".join(f"{count} {result}" for result, count in summary["compliance"].items())
        console.print(f"compliance checks: {told}")
        failed = summary["failed_checks"]["top"]
        _print(console, "failed checks", ["failed", "compliance-check-name"], failed)
    if since := summary.get("since_previous"):
        _changes(console, since)
        if since["new"]:
            _print(
                console, "new", [name for name in since["new"][0] if name != "type"], since["new"]
            )


def show_fields(described: Mapping[str, Any]) -> None:
    """An answer of results.describe."""
    console = Console()
    _print(console, "", ["name", "type", "profile", "source"], described["fields"])
    if described["children"]:
        console.print(Text(f"only in this report: {', '.join(described['children'])}"))


def _findings(console: Console, summary: Mapping[str, Any]) -> None:
    severities = Text(f"{counted(summary['findings'], 'finding')}: ")
    for name in _WORST_FIRST:
        severities.append(f"{summary['severities'][name]} {name}  ", _colour(name))
    console.print(severities)
    known, exploitable = summary["known_exploited"], summary["exploitable"]
    console.print(
        f"{known['findings']} of plugins that CISA knows to be exploited, "
        f"{exploitable['findings']} with an exploit available"
    )
    risk = ["severity", "plugin_id", "plugin_name", "cvss_score", "cisa-known-exploited", "hosts"]
    _print(console, "top risks", risk, summary["top_risks"])
    _print(console, "top hosts", ["host", *_WORST_FIRST], summary["top_hosts"])
    families = ["plugin_family", *_WORST_FIRST]
    _print(console, "plugin families", families, summary["plugin_families"])
    cves = summary["cves"]
    title = f"CVEs, {len(cves['top'])} of {cves['total']}"
    _print(console, title, ["severity", "cve", "findings", "hosts"], cves["top"])


def _logins(console: Console, logins: Mapping[str, Any]) -> None:
    hosts = ", ".join(f"{count} {status}" for status, count in logins["hosts"].items() if count)
    by = ", ".join(map(str, logins["plugins"]))
    console.print(
        f"host authentication: {logins['status']}{f' ({hosts})' if hosts else ''}"
        f"{f', by plugins {by}' if by else ''}"
    )
    _print(console, "logins that failed", ["host", "status", "reason", "plugins"], logins["top"])


def _changes(console: Console, overview: Mapping[str, Any]) -> None:
    rows = [{"change": change, **counts} for change, counts in overview["changes"].items()]
    _print(console, "changes", list(rows[0]), rows)
    for name in ("new_hosts", "unobserved_hosts"):
        hosts = overview[name]
        if hosts["total"]:
            told = f"{name.replace('_', ' ')}: {hosts['total']} ({', '.join(hosts['hosts'])})"
            console.print(Text(one_line(told, 10 * _LONGEST)))


def _print(console: Console, title: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
    if len(columns) * _NARROWEST > console.width:
        _print_apart(console, columns, rows)
        return
    table = Table(title=title or None, title_justify="left", header_style="bold")
    for column in columns:
        numeric = column in (*SEVERITIES, "total", "hosts", "findings", "failed")
        table.add_column(Text(column), justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_cell(column, row.get(column)) for column in columns))
    if table.row_count:
        console.print(table)


def _print_apart(console: Console, columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Rows with more fields than stand side by side: a line a field."""
    for row in rows:
        table = Table(show_header=False)
        table.add_column(style="bold", no_wrap=True)
        table.add_column(overflow="fold")
        for column in columns:
            if row.get(column) is not None:
                table.add_row(Text(column), _cell(column, row[column]))
        console.print(table)


def _cell(column: str, value: Any) -> Text:
    if value is None:
        return Text("")
    if column.startswith("severity") and isinstance(value, int):
        return Text(SEVERITIES[value], _colour(SEVERITIES[value]))
    text = ", ".join(map(as_text, value)) if isinstance(value, list) else as_text(value)
    return Text(one_line(text, _LONGEST))


def _colour(severity: str) -> str:
    return _COLOURS[SEVERITIES.index(severity)]
