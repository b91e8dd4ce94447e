"""Submit a scan, follow it, list those there are."""

import secrets
from dataclasses import dataclass
from typing import Any

from nessus_gateway import pages, queue, submission, tracing, views
from nessus_gateway.access import Scope, Verdict
from nessus_gateway.calls import Call, CurrentCall
from nessus_gateway.errors import Busy, Conflict, Refused, Unavailable, explained, lacks
from nessus_gateway.submission import Place
from nessus_gateway.tools.parameters import (
    Description,
    IdempotencyKey,
    LaterProfile,
    Limit,
    ScanName,
    ScannerInstance,
    ScannerPoolName,
    StatusFilter,
    TargetFilter,
    Targets,
    TaskID,
)
from nessus_operator.api.pool import ScannerPool, StopPolicy
from nessus_operator.api.scan import NessusScan, ScanSpec
from nessus_operator.clients import clock
from nessus_operator.clients.errors import AlreadyExists, Fault, NotFound
from nessus_operator.core import scope

_DELETION_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Submission:
    """What was asked for, every argument checked."""

    place: Place
    object_name: str
    name: str
    description: str
    targets: tuple[str, ...]

    def spec(self, pool: str, scanner: str | None) -> ScanSpec:
        return submission.untrusted_spec(pool, scanner, self.name, self.description, self.targets)


async def run_untrusted_scan(
    call: CurrentCall,
    targets: Targets,
    name: ScanName,
    description: Description = "",
    schema_profile: LaterProfile = "brief",
    idempotency_key: IdempotencyKey = None,
    scanner_pool: ScannerPoolName = None,
    scanner_instance: ScannerInstance = None,
) -> dict[str, Any]:
    """Queue a network scan, without logging in to the targets, and answer at once.

    The scan starts when its turn comes and takes minutes to hours; ask get_scan_status with the
    task_id from time to time, then read findings with get_scan_results. queue_position 1 is next;
    estimated_wait_minutes is null until the pool has completed a scan to measure by. Without
    scanner_pool it goes to your namespace's default pool. Targets outside the pool's scope are
    refused.
    """
    place = submission.place(scanner_pool, scanner_instance, call.home)
    await _may_run(call, place)
    submission.check_texts(name, description)
    wanted = Submission(
        place,
        submission.object_name(
            call.caller.name, place.namespace, idempotency_key or secrets.token_hex(32)
        ),
        name,
        description,
        submission.split_targets(targets),
    )
    known = None
    if idempotency_key:
        known = call.gateway.cluster.known_scan(place.namespace, wanted.object_name)
    if known is None:
        pool = await _pool(call, place)
        scan, made = await _create(call, wanted, pool)
        if made:
            call.gateway.metrics.idempotency.labels("new").inc()
            return _answer(call, scan, pool) | {"message": _welcome(scan, pool)}
        known = scan
    return _replay(call, known, wanted)


async def _may_run(call: Call, place: Place) -> None:
    """Where nothing is the caller's business there are no pools either."""
    verdict = await call.verdict(Scope.RUN, place.namespace, place.pool)
    if verdict is Verdict.LACKS_SCOPE:
        raise lacks(Scope.RUN, place.namespace)
    if verdict is Verdict.HIDDEN:
        raise submission.unknown_pool(place.pool or "default", place.namespace, "none")


async def _pool(call: Call, place: Place) -> ScannerPool:
    """The pool to run in; raises NotFound or Refused."""
    cluster = call.gateway.cluster
    if place.pool:
        await cluster.find_pool(place.namespace, place.pool, call.caller.name)
    pool = submission.choose_pool(place, cluster.pools_in(place.namespace))
    submission.check_scanner(place.scanner, pool)
    return pool


async def _create(call: Call, wanted: Submission, pool: ScannerPool) -> tuple[NessusScan, bool]:
    """The scan, and whether it was made just now; raises ToolError."""
    _check_scope(wanted, pool)
    cluster, namespace, name = call.gateway.cluster, wanted.place.namespace, wanted.object_name
    body = submission.scan_object(
        namespace,
        name,
        wanted.spec(pool.metadata.name, wanted.place.scanner),
        requester=call.caller.name,
        traceparent=tracing.current(),
    )
    try:
        return await cluster.create_scan(namespace, body), True
    except AlreadyExists:
        return await _twin(call, namespace, name), False
    except Fault as fault:
        error = explained(fault, "create the scan")
        if isinstance(error, Unavailable):
            raise Unavailable(
                f"{error}. It may exist all the same: look at list_tasks, or call again with the "
                "same idempotency_key"
            ) from fault
        raise error from fault


async def _twin(call: Call, namespace: str, name: str) -> NessusScan:
    try:
        return await call.gateway.cluster.read_scan(namespace, name)
    except NotFound:
        raise Busy("the scan of this idempotency_key was just deleted", 1) from None
    except Fault as fault:
        raise explained(fault, "read the scan of this idempotency_key") from fault


def _check_scope(wanted: Submission, pool: ScannerPool) -> None:
    """What the operator would refuse is refused now; it decides once more, with names resolved."""
    refusal = scope.judge(wanted.targets, scope.rules(pool.spec.scope), {})
    if refusal:
        raise Refused(
            f"{refusal.reason}: {refusal.message}. The scope belongs to pool "
            f"{pool.metadata.name}; scan other targets, use another pool, or ask its administrator"
        )


def _replay(call: Call, known: NessusScan, wanted: Submission) -> dict[str, Any]:
    """The first scan of this key, if that was the same request."""
    results = call.gateway.metrics.idempotency
    if known.metadata.deleting:
        what = f"task {known.task_id} of this idempotency_key is being deleted"
        raise Busy(what, _DELETION_SECONDS)
    spec = wanted.spec(known.spec.pool_ref.name, known.spec.scanner_name)
    differing = submission.differences(known, spec, call.caller.name)
    if differing:
        results.labels("conflict").inc()
        raise Conflict(
            f"idempotency_key belongs to task {known.task_id}, which differs in "
            f"{', '.join(differing)}; send the same request again, or take another key"
        )
    results.labels("replayed").inc()
    message = f"This request was made before; its task is {views.status_word(known)}."
    pool = call.gateway.cluster.pool_of(known)
    return _answer(call, known, pool) | {"message": message, "idempotent": True}


def _answer(call: Call, scan: NessusScan, pool: ScannerPool | None) -> dict[str, Any]:
    shown = views.task(scan, pool, call.home)
    keys = ("task_id", "trace_id", "status", "scanner_pool", "scanner_instance")
    return {key: shown[key] for key in keys} | _turn(call, scan, pool)


def _turn(call: Call, scan: NessusScan, pool: ScannerPool | None) -> dict[str, Any]:
    """Position and wait; null for a scan that has no turn, and while the queue is out of sight."""
    place = wait = None
    if pool and call.gateway.cluster.in_sight():
        scans = call.gateway.cluster.scans.in_group(scan.pool_key)
        place = queue.position(scan, scans, pool.spec.max_priority, clock.now())
        wait = queue.wait_minutes(place, pool, scans)
    return {"queue_position": place, "estimated_wait_minutes": wait}


def _welcome(scan: NessusScan, pool: ScannerPool) -> str:
    held = ""
    if pool.spec.stop_policy is not StopPolicy.NONE:
        held = " The pool is held by its administrator: nothing starts until that ends."
    return (
        f"Queued in pool {pool.metadata.name}.{held} Follow it with get_scan_status and task_id "
        f"{scan.task_id}."
    )


async def get_scan_status(task_id: TaskID, call: CurrentCall) -> dict[str, Any]:
    """Tell how far a scan is, why it waits or failed, and what it found in numbers.

    status is queued, running, completed, failed, timeout or cancelled; the last four are final.
    progress is a percentage while it runs. validation_warnings tell why a queued scan waits and
    what to doubt in a finished one; results_summary appears once there are results. A scan takes
    minutes to hours: ask every 30 seconds at most.
    """
    scan = await call.task(task_id, Scope.READ)
    shown = views.task(scan, call.gateway.cluster.pool_of(scan), call.home)
    if scan.status.results:
        plugins = await call.gateway.volume.login_plugins(scan)
        shown["results_summary"] |= {"auth_plugins_found": plugins}
    return shown


async def list_tasks(
    call: CurrentCall,
    limit: Limit = 10,
    status_filter: StatusFilter = None,
    scanner_pool: ScannerPoolName = None,
    target_filter: TargetFilter = None,
) -> dict[str, Any]:
    """List the scans that you may see, the newest first; total counts all that match."""
    found = list(call.gateway.cluster.all_scans())
    readable = await call.readable(scan.metadata.namespace for scan in found)
    visible = [scan for scan in found if scan.metadata.namespace in readable]
    wanted = pages.Wanted(
        status_filter,
        await _pool_key(call, scanner_pool, visible) if scanner_pool else None,
        pages.parse_filter(target_filter) if target_filter else None,
    )
    shown, total = pages.newest_first(visible, wanted, limit)
    rows = [views.task_row(s, call.gateway.cluster.pool_of(s), call.home) for s in shown]
    return {"tasks": rows, "total": total}


async def _pool_key(call: Call, label: str, visible: list[NessusScan]) -> tuple[str, str]:
    """The pool that is meant: one there is, or one that scans still name; raises NotFound."""
    place = submission.place(label, None, call.home)
    if place.pool and any(scan.pool_key == (place.namespace, place.pool) for scan in visible):
        return place.namespace, place.pool
    there = [pool for pool in await call.pools() if pool.metadata.namespace == place.namespace]
    return submission.choose_pool(place, there).key
