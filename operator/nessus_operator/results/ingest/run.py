"""Ingest: one report becomes one folder that can be read, or nothing at all."""

from contextlib import closing
from pathlib import Path

from nessus_operator.api.report import AuthenticationStatus, HostVerdict, Judge
from nessus_operator.results.ingest import facts, rank
from nessus_operator.results.ingest.document import Document
from nessus_operator.results.ingest.facts import HostFacts, Summary
from nessus_operator.results.ingest.reading import Progress, Reading
from nessus_operator.results.ingest.source import Source
from nessus_operator.results.ingest.staging import Staging
from nessus_operator.results.limits import DEFAULT_LIMITS, Limits
from nessus_operator.results.manifest import Original, publish
from nessus_operator.results.refusals import Refused
from nessus_operator.results.schema import FILE
from nessus_operator.results.temporary import remove_unfinished, temporary

_WAITING_FILE = "waiting.sqlite"  # never published

# For callers that do not ask about logins.
NOT_JUDGED = Judge(
    host=lambda signals: HostVerdict(AuthenticationStatus.UNKNOWN, "logins were not judged"),
    scan=lambda hosts: AuthenticationStatus.UNKNOWN,
)


def ingest(
    source: Source,
    folder: Path,
    *,
    limits: Limits = DEFAULT_LIMITS,
    judge: Judge = NOT_JUDGED,
    progress: Progress | None = None,
    salvage: bool = False,
    shortcut: bool = True,
    original: Original | None = None,
) -> Summary:
    """Store a report in `folder`, in place of what an earlier run left there.

    judge: core.authentication, for the status of hosts and scan.
    salvage: keep what was complete before a fault, marked as truncated.
    shortcut: False parses every item in full; the result is the same.
    original: size and digest of the report as it came, for the manifest.

    Raises a refusal of results.refusals, OSError, or sqlite3.Error; then `folder` holds what it
    held before. Temporary files of SQLite's sorting go to SQLITE_TMPDIR.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in (FILE, _WAITING_FILE):
        remove_unfinished(folder, name)
    store, waiting = temporary(folder / FILE), temporary(folder / _WAITING_FILE)
    try:
        staging = Staging(store, waiting)
        with closing(staging.connection):
            document = Document(staging, limits.items)
            reading = Reading(source, limits, document, progress, shortcut=shortcut)
            fault = reading.read(salvage=salvage)
            summary = _finish(staging, document, fault, judge)
        return publish(store, folder, summary, original)
    finally:
        store.unlink(missing_ok=True)
        waiting.unlink(missing_ok=True)


def _finish(staging: Staging, document: Document, fault: Refused | None, judge: Judge) -> Summary:
    """Rank what was read and complete the store."""
    staging.close()
    hosts = HostFacts()
    for host in rank.rank_hosts(staging, document.policy_login, judge):
        hosts.add(host)
    rank.rank_rows(staging)
    connection = staging.connection
    summary = facts.summarize(connection, document, hosts, judge, fault)
    facts.write_meta(connection, document, summary)
    connection.execute("COMMIT")
    connection.execute("PRAGMA analysis_limit = 400")
    connection.execute("ANALYZE main")
    return summary
