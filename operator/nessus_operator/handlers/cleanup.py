"""Leave nothing on a scanner: stop, delete, and keep a record of what could not be removed.

Only what carries a token of a scan that we know is touched, and only under its id or token.
"""

from contextlib import suppress
from datetime import timedelta

import structlog

from nessus_operator.api.pool import Orphan, ScannerPool
from nessus_operator.api.reasons import Reason
from nessus_operator.api.remote import ENDED, RemoteScan, RemoteState
from nessus_operator.api.scan import NessusScan, RemoteCleanup
from nessus_operator.clients import clock
from nessus_operator.clients.errors import Conflict, NotFound
from nessus_operator.core import lifecycle, tokens
from nessus_operator.handlers.launch import Quiet
from nessus_operator.handlers.scanners import ScannerWatch
from nessus_operator.handlers.world import World

log = structlog.get_logger(__name__)


async def remove(
    world: World, left: RemoteCleanup, watch: ScannerWatch, quiet: Quiet
) -> float | None:
    """None: nothing of it is left. Else the seconds to wait before looking again."""
    remotes = await watch.ask(lambda scanner: scanner.list_scans())
    mine = lifecycle.left_of(remotes, left.token)
    if not mine and left.scan_id is None:
        return quiet.left("create", left.token) or None  # a create under way would come after us
    if not mine:
        return None
    for remote in mine:
        await _remove_one(world, remote, watch)
    return 1.0


async def _remove_one(world: World, remote: RemoteScan, watch: ScannerWatch) -> None:
    world.require_lead()
    if remote.state not in (*ENDED, RemoteState.EMPTY):
        if remote.state is not RemoteState.STOPPING:
            await watch.ask(lambda scanner: scanner.stop_scan(remote.id))
        return
    try:
        await watch.ask(lambda scanner: scanner.delete_scan(remote.id))
        log.info("Remote scan deleted", scanner=watch.label, scan_id=remote.id)
    except Conflict:
        pass  # it still stops; we look again


async def remove_strays(world: World, watch: ScannerWatch) -> None:
    """Empty remote scans of attempts that have another one, or that are over.

    A create whose answer was lost may take effect when its attempt has long gone on.
    """
    for remote in watch.listing.scans if watch.listing else ():
        token = tokens.token_in(remote.name)
        empty = remote.state is RemoteState.EMPTY and not remote.in_trash
        if token and empty and _is_stray(world, remote, token):
            await _remove_one(world, remote, watch)
            _look_again(world, watch)


def _look_again(world: World, watch: ScannerWatch) -> None:
    """Only the next list tells whether it is gone."""
    watch.look_by(clock.now() + timedelta(seconds=world.settings.first_poll_seconds))


def _is_stray(world: World, remote: RemoteScan, token: str) -> bool:
    uid = tokens.uid_of(token)
    scan = world.scan(uid)
    if scan is None:
        return world.scans.knew(uid)  # ended or deleted, and nothing was left of it
    if any(token == left.token for left in scan.status.remote_cleanups):
        return False  # its clean-up will find it
    own = scan.status.remote
    if own is None or own.token != token:
        return True
    return own.scan_id is not None and own.scan_id != remote.id


def orphaned(left: RemoteCleanup, watch: ScannerWatch | None) -> Orphan:
    """An entry of the pool's status for what stays behind now."""
    reason = Reason.SCANNER_REMOVED
    if watch:
        reason = watch.reason if watch.trouble else Reason.UNREACHABLE
    return Orphan(
        scanner_name=left.scanner_name,
        scan_id=left.scan_id,
        token=left.token,
        time=clock.now(),
        reason=reason,
    )


async def tell_abandoned(world: World, scan: NessusScan, orphan: Orphan, *, going: bool) -> None:
    """By log, metric and Event; beside our Lease where scan and pool are `going` themselves."""
    log.error(
        "Remote scan abandoned",
        task_id=scan.task_id,
        scanner=orphan.scanner_name,
        scan_id=orphan.scan_id,
        token=orphan.token,
    )
    world.metrics.scans.abandoned.labels(scan.spec.pool_ref.name).inc()
    note = (
        f"scan {orphan.scan_id or '(unknown id)'} on {orphan.scanner_name} was not removed; "
        f"its name carries [{orphan.token}]"
    )
    await world.recorder.record(
        scan,
        "RemoteScanAbandoned",
        note,
        action="CleanUp",
        type_="Warning",
        beside=world.lease_reference() if going else None,
    )


async def remove_orphans(
    world: World, pool: ScannerPool, watch: ScannerWatch
) -> tuple[Orphan, ...]:
    """The orphans of one scanner that are gone now; touches only what is written there."""
    if not watch.listing:
        return ()
    gone = []
    # What was asked of the scanner last may have taken effect after an earlier list was made.
    told = watch.listing.time - timedelta(seconds=world.settings.request_seconds)
    for orphan in pool.status.orphans:
        if orphan.scanner_name != watch.name or orphan.time > told:
            continue
        mine = lifecycle.left_of(watch.listing.scans, orphan.token)
        for remote in mine:
            with suppress(NotFound):
                await _remove_one(world, remote, watch)
            _look_again(world, watch)
        if not mine:
            gone.append(orphan)
    return tuple(gone)
