"""One HTML file that needs nothing else: charts, a sortable table, what each plugin says.

Its policy forbids everything but the one style and the one script in it, by their hashes; every
text of the report is cleaned and escaped.
"""

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from importlib.resources import files
from typing import Any

from nessus_operator.results.budget import as_text
from nessus_operator.results.export.charts import stacked_bars
from nessus_operator.results.export.request import Request, rows
from nessus_operator.results.fields import SEVERITIES, Record
from nessus_operator.results.rows import Row
from nessus_operator.results.store import Results
from nessus_operator.results.summary import summarize

MOST_ROWS = 5_000  # in the table: more make browsers slow, and other formats hold them all
_LONGEST_TEXT = 4_000  # characters shown of a text
_CVES_SHOWN = 3

_COLUMNS: Mapping[Record, str] = {
    Record.VULNERABILITY: "severity host port plugin score CVE exploit output",
    Record.COMPLIANCE: "result host check expected found",
}
_FIELDS: Mapping[Record, str] = {
    Record.VULNERABILITY: """
        severity host port protocol svc_name plugin_id plugin_name plugin_family cvss_score cve
        exploit_available cisa-known-exploited synopsis description solution see_also
        plugin_output""",
    Record.COMPLIANCE: """
        compliance-result host plugin_id plugin_name compliance-check-name
        compliance-policy-value compliance-actual-value description""",
}
_FAILED = ("failed",) * len(SEVERITIES)  # what a bar of checks counts
_RESULT_CLASS = {"PASSED": 1, "WARNING": 2, "FAILED": 3}
_HTTP = re.compile(r"https?://[^\s<>\"']{1,2000}")

Bar = tuple[str, Mapping[str, int]]


def write(results: Results, request: Request) -> Iterator[str]:
    """The page in parts; the table holds the first MOST_ROWS rows."""
    record = request.record
    summary = summarize(results, filters=request.filters)
    scan = summary["scan"] | dict(request.metadata)
    total = request.selection(results).total
    yield _head(str(scan.get("scan_name") or "Nessus report"))
    yield _overview(summary, scan)
    checks = 0 if record is Record.COMPLIANCE else sum(summary.get("compliance", {}).values())
    yield _table_head(record, total, checks)
    plugins: dict[int, Row] = {}
    profile = request.fields(results, _FIELDS[record].split())
    for number, (_, row) in enumerate(rows(results, request, profile)):
        if number == MOST_ROWS:
            break
        if record is Record.VULNERABILITY:
            plugins.setdefault(row["plugin_id"], row)
        yield _finding(row) if record is Record.VULNERABILITY else _check(row)
    yield "</tbody></table></div>\n"
    if plugins:
        yield "<h2>What the plugins say</h2>\n"
        yield from map(_plugin, plugins.values())
    yield f"<script>{_asset('report.js')}</script>\n</body></html>\n"


def _asset(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8")


def _hash(content: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


def _head(title: str) -> str:
    style = _asset("report.css")
    policy = (
        f"default-src 'none'; script-src {_hash(_asset('report.js'))}; style-src {_hash(style)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n<link rel="icon" href="data:,">\n'
        f"<title>{escape(title)}</title>\n<style>{style}</style></head>\n"
        f"<body>\n<h1>{escape(title)}</h1>\n"
    )


def _overview(summary: Mapping[str, Any], scan: Mapping[str, Any]) -> str:
    told = ("task_id", "policy_name", "scan_start", "scan_end", "nessus_version", "plugin_set")
    facts = [f"{scan['hosts']} hosts"]
    facts += [f"{name.replace('_', ' ')} {scan[name]}" for name in told if name in scan]
    if "partial" in scan:
        facts.append("only a part of the report could be read")
    if summary["filters_applied"]:
        facts.append(f"filters {as_text(summary['filters_applied'])}")
    parts = [f'<p class="facts">{escape(" · ".join(facts))}</p>\n<div class="cards">']
    if "findings" in summary:
        parts += [
            _card(name, summary["severities"][name], SEVERITIES.index(name))
            for name in reversed(SEVERITIES)
        ]
        parts.append(_card("exploitable", summary["exploitable"]["findings"], 3))
        parts.append(_card("known exploited (CISA)", summary["known_exploited"]["findings"], 4))
    for result, count in summary.get("compliance", {}).items():
        if any(summary["compliance"].values()):
            name = f"checks: {result}"
            parts.append(_card(name, count, _RESULT_CLASS.get(result.upper(), 0)))
    parts += ["</div>\n", _charts(summary)]
    return "".join(parts)


def _card(name: str, count: int, severity: int) -> str:
    return f'<div class="card s{severity}"><b>{count}</b>{escape(name)}</div>'


def _charts(summary: Mapping[str, Any]) -> str:
    drawn: list[tuple[str, list[Bar], Sequence[str]]] = []
    if "findings" in summary:
        hosts = _bars(summary["top_hosts"], "host")
        families = _bars(summary["plugin_families"], "plugin_family")
        drawn += [
            ("Hosts with the worst findings", hosts, SEVERITIES),
            ("Plugin families", families, SEVERITIES),
        ]
    if "failed_checks" in summary:
        failed = [_failed(one) for one in summary["failed_checks"]["top"]]
        drawn.append(("Checks that failed most", failed, _FAILED))
    charts = "".join(
        f'<div class="chart"><h3>{title}</h3>{stacked_bars(title, bars, words)}</div>'
        for title, bars, words in drawn
        if bars
    )
    return f'<h2>Overview</h2>\n<div class="charts">{charts}</div>\n' if charts else ""


def _bars(counted: Iterable[Mapping[str, Any]], name: str) -> list[Bar]:
    return [(one[name], {severity: one[severity] for severity in SEVERITIES}) for one in counted]


def _failed(check: Mapping[str, Any]) -> Bar:
    """In the colour of checks that failed."""
    counts = dict.fromkeys(SEVERITIES, 0) | {"high": check["failed"]}
    return check["compliance-check-name"], counts


def _table_head(record: Record, total: int, checks: int) -> str:
    """`checks`: how many there are that the table does not hold."""
    shown = min(total, MOST_ROWS)
    note = "" if shown == total else f" The table holds the first {shown}; a CSV export holds all."
    note += f" {checks} compliance checks fill a page of their own, of that kind." if checks else ""
    heads = "".join(
        f'<th scope="col"><button type="button">{column}</button></th>'
        for column in _COLUMNS[record].split()
    )
    return (
        f"<h2>{'Findings' if record is Record.VULNERABILITY else 'Checks'}</h2>\n"
        f'<p class="note">{total} rows.{note}</p>\n'
        '<p class="find"><label>Show rows that contain <input id="find" type="search"></label></p>'
        '\n<div class="scroll"><table class="sortable" data-find="find">\n'
        f"<thead><tr>{heads}</tr></thead>\n<tbody>\n"
    )


def _finding(row: Row) -> str:
    severity = row["severity"]
    cves = row.get("cve", [])
    more = f" +{len(cves) - _CVES_SHOWN}" if len(cves) > _CVES_SHOWN else ""
    exploit = "known exploited" if row.get("cisa-known-exploited") else ""
    if not exploit and row.get("exploit_available") not in (None, False):
        exploit = "available"
    output = _cut(row.get("plugin_output", ""))
    name = escape(row.get("plugin_name") or str(row["plugin_id"]))
    cells = (
        f'<td data-key="{severity}"><span class="tag s{severity}">{SEVERITIES[severity]}</span>',
        f"<td>{escape(row['host'])}",
        f'<td data-key="{row["port"]}">{row["port"]}/{escape(row.get("protocol") or "")}',
        f'<td><a href="#p{row["plugin_id"]}">{name}</a>',
        f'<td class="number">{escape(str(row.get("cvss_score", "")))}',
        f"<td>{escape(', '.join(cves[:_CVES_SHOWN]))}{more}",
        f"<td>{exploit}",
        f"<td>{_folded('output', output)}",
    )
    return f"<tr>{'</td>'.join(cells)}</td></tr>\n"


def _check(row: Row) -> str:
    result = row["compliance-result"]
    name = row.get("compliance-check-name") or row.get("plugin_name") or ""
    cells = (
        f'<td><span class="tag s{_RESULT_CLASS.get(result, 0)}">{escape(result)}</span>',
        f"<td>{escape(row['host'])}",
        f"<td>{escape(name)}{_folded('description', _cut(row.get('description', '')))}",
        f"<td>{_text(row.get('compliance-policy-value'))}",
        f"<td>{_text(row.get('compliance-actual-value'))}",
    )
    return f"<tr>{'</td>'.join(cells)}</td></tr>\n"


def _plugin(row: Row) -> str:
    name = escape(row.get("plugin_name") or "")
    family = escape(row.get("plugin_family") or "")
    texts = "".join(
        f"<h3>{title}</h3>{_text(row[field])}"
        for title, field in (
            ("Synopsis", "synopsis"),
            ("Description", "description"),
            ("Solution", "solution"),
        )
        if row.get(field)
    )
    links = "".join(f"<li>{_link(link)}</li>" for link in row.get("see_also", []))
    return (
        f'<details id="p{row["plugin_id"]}"><summary>{name} '
        f'<span class="note">{row["plugin_id"]} · {family}</span></summary>'
        f"{texts}{f'<h3>See also</h3><ul>{links}</ul>' if links else ''}</details>\n"
    )


def _link(text: str) -> str:
    """Only addresses of the web are links; they leave no trace of where they were followed."""
    if _HTTP.fullmatch(text):
        return f'<a href="{escape(text)}" rel="noopener noreferrer">{escape(text)}</a>'
    return escape(text)


def _cut(value: Any) -> str:
    text = as_text(value)
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…"


def _text(value: Any) -> str:
    return f"<pre>{escape(_cut(value))}</pre>" if value else ""


def _folded(title: str, text: str) -> str:
    if not text:
        return ""
    return f"<details><summary>{title}</summary><pre>{escape(text)}</pre></details>"
