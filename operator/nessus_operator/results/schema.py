"""findings.sqlite: its tables, what each column means, and the versions stamped on it.

Written once by ingest, then read only. All text is as the report has it; JSON is compact.

    plugins ──< plugin_refs        what is the same wherever a plugin reports, once
       │
    findings >── hosts             one row a ReportItem, in rank order
    compliance >── hosts           one row a compliance check of a host, in rank order
    lines                          every distinct line of the coded texts, once
    tallies                        how many rows each host and plugin has, by severity
    meta                           facts of the report as a whole

**Rank.** `id` of findings and of compliance runs from 1 without gaps in the order severity
(descending), CVSS score (descending, none last), host, port, protocol, plugin id, then the digest
of the output: it is the rank, the page cursor, and row n of an unfiltered listing. `hosts.id` is
the order of hosts: IPv4 addresses, IPv6 addresses, names. Neither depends on document order.

**Coded text** (columns that results.fields places CODED): the text is cut at line feeds, each
line is a number, the column holds the numbers as 4 bytes little-endian each (results.texts).
NULL is an absent element; an empty element is one empty line. Lines are shared by all rows, so a
substring search reads each distinct line once.

**extra**: JSON object or NULL. A key is the name of a child that is not in results.fields, or of
one in a shape its column cannot hold; its value then stands in place of the column's:

* text: `"value"`; repeated: a list of such; with attributes or children: an object of
  `@attribute`, child names and `#text`;
* `@name` at the top level is an attribute of ReportItem or ReportHost: one we do not know, or the
  original text where a column holds a ruling instead (port, severity, pluginID, the element
  compliance-result); null = it was absent;
* `attachment`: list of `{"name", "type", "size", "text" | "sha256"}`, a child of such a name as
  `"<name>"`; size in bytes of the text;
  a text above ATTACHMENT_TEXT bytes is left in the native report and only its sha256 kept.
"""

from collections.abc import Iterable

from nessus_operator.results.fields import (
    CHECK_COLUMNS,
    HOST_COLUMNS,
    PLUGIN_COLUMNS,
    Field,
    Place,
    Type,
)

FILE = "findings.sqlite"
REPORT_FILE = "report.nessus.zst"
MANIFEST_FILE = "manifest.json"

SCHEMA_VERSION = 1  # PRAGMA user_version; a reader refuses any other
FINGERPRINT_VERSION = 1  # of results.identity; compare refuses two that differ
APPLICATION_ID = 0x4E734F70  # "NsOp", PRAGMA application_id
PAGE_SIZE = 8192  # bytes
ATTACHMENT_TEXT = 4096  # bytes
LINES_PER_ROW = 64

# Without affinity: SQLite would make numbers of texts that we took for none, such as 1e999.
_SQL_TYPE = {Type.NUMBER: "BLOB", Type.BOOLEAN: "BLOB"}


def _columns(fields: Iterable[Field]) -> str:
    return ",\n    ".join(f"{field.column} {_sql_type(field)}" for field in fields)


def _sql_type(field: Field) -> str:
    if field.name == "plugin_id":
        return "INTEGER"
    return "BLOB" if field.place is Place.CODED else _SQL_TYPE.get(field.type, "TEXT")


# Facts as key and JSON value:
#   versions       {"schema", "fingerprint", "nessus_operator"}
#   dialect        "v2" | "v1"
#   report_name    Report/@name
#   policy         {"name", "comments", "targets", "names_login"}: no other preference; the last
#                  is whether it names an account to log in with
#   scan           {"start", "end", "nessus_version", "plugin_set", "scan_name", "scan_type",
#                  "scanner_ip", "port_scanners", "port_range"}: start and end ISO 8601, with Z
#                  where the zone is known; the rest from plugin 19506; absent where unknown
#   counts         {"hosts", "findings", "compliance": {result: n}, "severities": {name: n}}
#   authentication {"status", "hosts": {"success", "partial", ...: n}, "plugins": [ids]}
#   signals        what the checks of core.validation ask of a report
#   truncated      null | {"reason", "line", "column", "offset"} of the fault before which
#                  everything was kept (salvage)
#   warnings       {kind: n} rulings made on odd input
#   extra          {table: [key]} every key in the `extra` of findings, compliance and plugins
META = """
CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID
"""

# One row for each distinct constant text of a plugin: merged reports can hold several for one
# plugin_id. cvss_score is CVSS v3 base, else v2: the score of the rank.
PLUGINS = f"""
CREATE TABLE plugins (
    id INTEGER PRIMARY KEY,
    {_columns(PLUGIN_COLUMNS)},
    extra TEXT
)
"""

# Repeated values of a plugin (cve, xref, ...): field is the name in results.fields, position
# counts from 0 in document order.
PLUGIN_REFS = """
CREATE TABLE plugin_refs (
    plugin INTEGER NOT NULL,
    field TEXT NOT NULL,
    position INTEGER NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (plugin, field, position)
) WITHOUT ROWID
"""

# ReportHost elements of one name are one row, unless their host-uuid or host-ip disagree.
#   host_properties        JSON object: every tag by name, a repeated one as a list
#   host_authentication    AuthenticationStatus of the API, by core.authentication
#   authentication_reason  one sentence
#   authentication_plugins JSON list of the plugin ids that decided
HOSTS = f"""
CREATE TABLE hosts (
    id INTEGER PRIMARY KEY,
    {_columns(HOST_COLUMNS)},
    authentication_reason TEXT,
    authentication_plugins TEXT,
    extra TEXT
)
"""

_ROW = """
    id INTEGER PRIMARY KEY,
    host INTEGER NOT NULL,
    plugin INTEGER NOT NULL,
    severity INTEGER NOT NULL,
    port INTEGER NOT NULL,
    protocol TEXT,
    svc_name TEXT,
    ordinal INTEGER NOT NULL,
"""

# ordinal: rank (from 0) by sha256 of the output among the rows of one identity key
# (results.identity).
FINDINGS = f"""
CREATE TABLE findings ({_ROW}
    plugin_output BLOB,
    extra TEXT
)
"""

COMPLIANCE = f"""
CREATE TABLE compliance ({_ROW}
    {_columns(CHECK_COLUMNS)},
    plugin_output BLOB,
    extra TEXT
)
"""

# Row id n holds lines n * 64 to n * 64 + 63 as one text, joined by line feeds; a row may hold
# fewer, so numbers have gaps.
LINES = """
CREATE TABLE lines (
    id INTEGER PRIMARY KEY,
    text TEXT NOT NULL
)
"""

# How many rows of a severity the table `list` (findings, compliance) has of one host or plugin
# (`kind`): what a filter on these selects is counted without looking at its rows.
TALLIES = """
CREATE TABLE tallies (
    list TEXT NOT NULL,
    kind TEXT NOT NULL,
    id INTEGER NOT NULL,
    severity INTEGER NOT NULL,
    rows INTEGER NOT NULL,
    PRIMARY KEY (list, kind, id, severity)
) WITHOUT ROWID
"""

TABLES = (META, PLUGINS, PLUGIN_REFS, HOSTS, FINDINGS, COMPLIANCE, LINES, TALLIES)

INDEXES = (
    "CREATE INDEX plugins_plugin_id ON plugins (plugin_id)",
    "CREATE INDEX plugin_refs_value ON plugin_refs (field, value, plugin)",
    "CREATE INDEX hosts_host ON hosts (host)",
    "CREATE INDEX findings_host ON findings (host)",
    "CREATE INDEX findings_plugin ON findings (plugin)",
    "CREATE INDEX findings_plugin_host ON findings (plugin, host)",
    "CREATE INDEX findings_severity ON findings (severity)",
    "CREATE INDEX findings_port ON findings (port, plugin)",
    "CREATE INDEX compliance_host ON compliance (host)",
    "CREATE INDEX compliance_plugin ON compliance (plugin)",
    "CREATE INDEX compliance_severity ON compliance (severity)",
    "CREATE INDEX compliance_result ON compliance (compliance_result)",
)


def insert(table: str, columns: int) -> str:
    """The statement that adds a row to one of our tables."""
    return f"INSERT INTO {table} VALUES ({', '.join('?' * columns)})"  # noqa: S608 - our own names
