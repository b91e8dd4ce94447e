"""Fetch the report of a scan that ended, store it, judge it, and end the scan with it.

Repeatable from the start: a crash in between costs time, and the files of the new try replace
those of the old one.
"""

import asyncio
from contextlib import aclosing
from pathlib import Path
from typing import Any

import structlog

from nessus_operator.api.pool import ScannerPool
from nessus_operator.api.reasons import MEANINGS, Reason
from nessus_operator.api.report import ReportSignals
from nessus_operator.api.scan import (
    Authentication,
    Compliance,
    NessusScan,
    Results,
    ScanType,
    Severities,
)
from nessus_operator.api.transitions import Phase
from nessus_operator.clients import clock
from nessus_operator.clients.errors import Conflict, NotFound, Rejected
from nessus_operator.core import coverage, progress, scope, validation, verdict
from nessus_operator.core.coverage import ReportedHost
from nessus_operator.core.validation import Objection, Question
from nessus_operator.handlers import status
from nessus_operator.handlers.scanners import ScannerWatch
from nessus_operator.handlers.sweep import write_owner
from nessus_operator.handlers.world import World
from nessus_operator.results.child import IngestKilled, StorageFailed, run_ingest_child
from nessus_operator.results.copy import Downloaded
from nessus_operator.results.download import download
from nessus_operator.results.layout import attempt_folder
from nessus_operator.results.refusals import Refused
from nessus_operator.results.schema import REPORT_FILE
from nessus_operator.results.store import open_results

log = structlog.get_logger(__name__)


async def collect(
    world: World,
    scan: NessusScan,
    watch: ScannerWatch,
    pool: ScannerPool | None,
    phase: Phase,
    reason: Reason | None,
) -> NessusScan | None:
    """The scan in its end; None to look anew. Raises StorageFailed where the volume takes none."""
    folder = attempt_folder(world.settings.results_dir, *_place(scan))
    try:
        downloaded, summary, hosts = await _store(world, scan, watch, pool, folder)
    except OSError as error:
        raise StorageFailed(str(error)) from error
    except Refused as refused:
        return await _end_without(world, scan, phase, reason, refused.reason, str(refused))
    except IngestKilled as killed:
        return await _end_without(world, scan, phase, reason, Reason.INGEST_FAILED, str(killed))
    except (NotFound, Conflict, Rejected):
        if phase is Phase.COMPLETED:
            raise
        return await _end(world, scan, phase, reason or Reason.CANCELLED)  # nothing to export
    results = _results(summary, downloaded, partial=phase is not Phase.COMPLETED)
    login = Authentication.model_validate(summary["authentication"])
    objections = _judge(world, scan, pool, summary, login, hosts)
    new = verdict.concluded(scan, results, login, objections, phase, reason, clock.now())
    written = await status.write(world, scan, new)
    if written:
        _count(world, written, objections)
    return written


async def _store(
    world: World, scan: NessusScan, watch: ScannerWatch, pool: ScannerPool | None, folder: Path
) -> tuple[Downloaded, dict[str, Any], list[ReportedHost]]:
    world.require_lead()
    await asyncio.to_thread(write_owner, folder.parent, scan, pool)
    begun = clock.monotonic()
    scan_id = scan.status.remote.scan_id if scan.status.remote else None
    if scan_id is None:
        raise NotFound("the scan has nothing on its scanner")
    async with aclosing(watch.export(scan_id)) as chunks:
        downloaded = await download(chunks, folder)
    seconds = world.metrics.results.seconds
    seconds.labels("download").observe(clock.monotonic() - begun)
    begun = clock.monotonic()
    summary = await run_ingest_child(
        folder / REPORT_FILE,
        folder,
        kept=True,
        credentials_asked=scan.spec.scan_type is not ScanType.UNTRUSTED,
        original=downloaded.original,
    )
    seconds.labels("store").observe(clock.monotonic() - begun)
    log.info("Report stored", bytes=downloaded.original.bytes, findings=summary["findings"])
    return downloaded, summary, await asyncio.to_thread(_hosts, folder)


def _judge(
    world: World,
    scan: NessusScan,
    pool: ScannerPool | None,
    summary: dict[str, Any],
    login: Authentication,
    hosts: list[ReportedHost],
) -> list[Objection]:
    question = Question(
        signals=ReportSignals(**summary["signals"]),
        authentication=login.status,
        now=clock.now(),
        credentials_asked=scan.spec.scan_type is not ScanType.UNTRUSTED,
        auth_failure=scan.spec.auth_failure_policy,
        missing_targets=coverage.missing(scan.spec.targets or (), hosts),
    )
    objections = list(validation.objections(question))
    if pool is not None:
        rules = scope.rules(pool.spec.scope, world.settings.cluster_ranges)
        strange = coverage.outside(hosts, rules)
        if strange:
            message = f"{len(strange)} hosts of the report lie outside the pool's scope"
            objections.append(Objection(Reason.SCOPE_VIOLATION, message))
    return objections


def _hosts(folder: Path) -> list[ReportedHost]:
    with open_results(folder) as results:
        rows = results.rows("SELECT host, host_ip, host_fqdn FROM hosts")
    return [ReportedHost(name or "", address, fqdn) for name, address, fqdn in rows]


def _results(summary: dict[str, Any], downloaded: Downloaded, *, partial: bool) -> Results:
    return Results(
        digest=f"sha256:{summary['store']['sha256']}",
        store_bytes=summary["store"]["bytes"],
        report_digest=f"sha256:{downloaded.original.sha256}",
        report_bytes=downloaded.original.bytes,
        hosts=summary["hosts"],
        findings=summary["findings"],
        severities=Severities(**summary["severities"]),
        compliance=Compliance(**summary["compliance"]),
        partial=partial,
    )


async def _end_without(
    world: World,
    scan: NessusScan,
    phase: Phase,
    reason: Reason | None,
    cause: str,
    message: str,
) -> NessusScan | None:
    """The report stays on the volume; a scan that was stopped keeps its own end."""
    world.metrics.results.validations.labels(scan.spec.pool_ref.name, "failed").inc()
    world.metrics.results.validation_failures.labels(scan.spec.pool_ref.name, "xml_invalid").inc()
    log.warning("Report not stored", reason=cause, error=message)
    if phase is not Phase.COMPLETED:
        return await _end(world, scan, phase, reason or Reason.CANCELLED)
    new = progress.finished(scan, Phase.FAILED, cause, message, clock.now())
    return await status.write(world, scan, new)


async def _end(world: World, scan: NessusScan, phase: Phase, reason: Reason) -> NessusScan | None:
    sentence = MEANINGS[reason].sentence
    new = progress.finished(scan, phase, reason, sentence, clock.now())
    return await status.write(world, scan, new)


def _count(world: World, scan: NessusScan, objections: list[Objection]) -> None:
    pool, results = scan.spec.pool_ref.name, scan.status.results
    if results is None:
        return
    metrics = world.metrics.results
    metrics.bytes.labels(pool).inc(results.report_bytes)
    for severity, count in results.severities.to_json().items():
        metrics.findings.labels(pool, severity).inc(count)
    failing = [one for one in objections if one.outcome == "fail"]
    metrics.validations.labels(pool, "failed" if failing else "success").inc()
    for one in failing:
        metrics.validation_failures.labels(pool, _CAUSES.get(one.reason, "other")).inc()


_CAUSES = {Reason.NO_HOSTS: "empty_scan", Reason.CREDENTIALS_FAILED: "auth_failed"}


def _place(scan: NessusScan) -> tuple[str, str, int]:
    return scan.metadata.namespace, scan.metadata.uid, scan.status.attempt or 1
