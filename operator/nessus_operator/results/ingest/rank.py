"""From waiting rows to the store: hosts in their order, rows by rank, each with its ordinal."""

from collections.abc import Iterator
from itertools import groupby

from nessus_operator.api.report import Judge
from nessus_operator.results.fields import CHECK_COLUMNS, HOST_COLUMNS
from nessus_operator.results.ingest.hosts import Host, HostPart, merge
from nessus_operator.results.ingest.staging import VARYING, Staging
from nessus_operator.results.schema import INDEXES, insert

# Elements of one host in document order, hosts in the order of the table.
_PARTS = """
    SELECT h.host, h.name, p.part
    FROM staging.hosts h JOIN staging.parts p ON p.host = h.host
    ORDER BY h.sort_key, h.name, h.tie, p.rowid
"""
_INSERT_HOST = insert("hosts", 4 + len(HOST_COLUMNS))

# Where a host of the waiting rows went; hosts that share a name share identities.
_RANKS = """
    CREATE TABLE staging.ranks (host INTEGER PRIMARY KEY, rank INTEGER, namesake INTEGER)
"""

# Names of tables and columns are our own; no value of a report gets into a statement's text.
_WAITING = """
    FROM staging.{table} w JOIN staging.kinds k USING (kind) JOIN staging.places p USING (place)
        JOIN staging.ranks r USING (host) {join}
"""

# Ordinals of rows that may lie apart in rank order though they share their identity key: of a
# plugin that reports with several texts or severities, of hosts that share a name, of checks.
_FIND_APART = """
    CREATE TABLE staging.{table}_ordinals AS
    SELECT w.rowid AS row, row_number() OVER (
        PARTITION BY r.namesake, p.port, p.protocol, k.plugin_id{key}
        ORDER BY w.digest, k.severity, k.score, k.text, p.svc_name, k.extra, r.rank, w.rowid
    ) - 1 AS ordinal
    {waiting}
    WHERE k.plugin_id IN (
        SELECT plugin_id FROM staging.kinds GROUP BY plugin_id
        HAVING count(DISTINCT severity) > 1 OR count(DISTINCT plugin) > 1
    ) OR r.namesake IN (SELECT namesake FROM staging.ranks GROUP BY namesake HAVING count(*) > 1)
"""
_INDEX_APART = "CREATE UNIQUE INDEX staging.{table}_apart ON {table}_ordinals (row)"
# Sorted without their texts, which can be long; these are looked up in order.
_FILL = """
    INSERT INTO main.{table}
    SELECT NULL, s.rank, s.plugin, s.severity, s.port, s.protocol, s.svc_name, s.ordinal,
        {columns}, s.extra
    FROM (
        SELECT w.rowid AS row, r.rank, k.plugin, k.severity, p.port, p.protocol, p.svc_name,
            coalesce(o.ordinal, 0) AS ordinal, k.extra
        {waiting}
        LEFT JOIN staging.{table}_ordinals o ON o.row = w.rowid
        ORDER BY k.severity DESC, k.score DESC, r.rank, p.port, p.protocol, k.plugin_id{key},
            w.digest, o.ordinal, p.svc_name, k.extra, w.rowid
        LIMIT -1
    ) s
    CROSS JOIN staging.{table} w ON w.rowid = s.row {join}
"""
# All others follow one another; ids of those that share the key of the row before.
_REPEATED = """
    CREATE TABLE staging.repeated AS
    SELECT b.id FROM findings a JOIN findings b ON b.id = a.id + 1
    WHERE b.host = a.host AND b.plugin = a.plugin AND b.port = a.port AND b.protocol IS a.protocol
        AND a.ordinal = 0 AND b.ordinal = 0
    ORDER BY b.id
"""
_TALLY = """
    INSERT INTO tallies
    SELECT '{table}', '{kind}', {kind}, severity, count(*)
    FROM {table} NOT INDEXED GROUP BY {kind}, severity
"""
# Of each table what its identity key has besides, where that is from, and its own columns.
_TABLES = {
    "findings": ("", "", "w.plugin_output"),
    "compliance": (
        ", c.check_key",
        "CROSS JOIN staging.checks c USING (check_number)",
        ", ".join(
            f"{'w' if column in VARYING else 'c'}.{column}"
            for column in (*(field.column for field in CHECK_COLUMNS), "plugin_output")
        ),
    ),
}


def rank_hosts(staging: Staging, policy_login: bool, judge: Judge) -> Iterator[Host]:
    """Write the table hosts in order; each host as it is written."""
    connection = staging.connection
    connection.execute(_RANKS)
    namesakes: tuple[str, int] = ("", 0)
    rows = connection.execute(_PARTS)
    for rank, ((number, name), parts) in enumerate(groupby(rows, key=lambda row: row[:2]), 1):
        if rank == 1 or name != namesakes[0]:
            namesakes = (name, number)
        host = merge(name, [HostPart.from_json(part[2]) for part in parts], policy_login, judge)
        connection.execute(_INSERT_HOST, (rank, *host.row))
        connection.execute(
            "INSERT INTO staging.ranks VALUES (?, ?, ?)", (number, rank, namesakes[1])
        )
        yield host


def rank_rows(staging: Staging) -> None:
    """Write findings and compliance in rank order, then indexes and tallies."""
    execute = staging.connection.execute
    for table, (key, join, columns) in _TABLES.items():
        waiting = _WAITING.format(table=table, join=join)
        parts = {"table": table, "key": key, "columns": columns, "waiting": waiting, "join": join}
        for statement in (_FIND_APART, _INDEX_APART, _FILL):
            execute(statement.format(**parts))
    execute(_REPEATED)
    staging.connection.executemany(
        "UPDATE findings SET ordinal = ? WHERE id = ?", _ordinals(staging)
    )
    for statement in INDEXES:
        execute(statement)
    for table in _TABLES:
        for kind in ("host", "plugin"):
            execute(_TALLY.format(table=table, kind=kind))


def _ordinals(staging: Staging) -> Iterator[tuple[int, int]]:
    """Ordinal and id of each finding that follows one of its key."""
    ordinal = last = 0
    for (number,) in staging.connection.execute("SELECT id FROM staging.repeated"):
        ordinal = ordinal + 1 if number == last + 1 else 1
        last = number
        yield ordinal, number
