"""The launch protocol: one remote scan and one launch per attempt, whatever crashes when.

A request whose answer was lost, or that an earlier process may have sent, can still take effect
for as long as its client would have waited. Until then we only look.
"""

from dataclasses import dataclass, field

import structlog

from nessus_operator.api.remote import RemoteDetails, RemoteScan, RemoteState
from nessus_operator.api.scan import NessusScan
from nessus_operator.clients import clock
from nessus_operator.clients.errors import Conflict
from nessus_operator.clients.logs import trace_id_of
from nessus_operator.clients.scanners.protocol import ScanRequest
from nessus_operator.core import lifecycle, progress, tokens
from nessus_operator.handlers import status
from nessus_operator.handlers.scanners import ScannerWatch
from nessus_operator.handlers.world import World

log = structlog.get_logger(__name__)


@dataclass
class Quiet:
    """From when on a token's create or launch may be asked for, in monotonic seconds.

    A token that is not in here comes from an earlier process, whose last request may be under way.
    """

    since: float  # when this process began to lead
    seconds: float  # how long a request may be under way
    _free: dict[tuple[str, str], float] = field(default_factory=dict)

    def never_asked(self, action: str, token: str) -> None:
        """This process knows that nobody asked yet."""
        self._free[action, token] = float("-inf")

    def asked(self, action: str, token: str) -> None:
        self._free[action, token] = clock.monotonic() + self.seconds

    def left(self, action: str, token: str) -> float:
        """Seconds until we may ask."""
        free = self._free.get((action, token), self.since + self.seconds)
        return max(0.0, free - clock.monotonic())


async def claim(
    world: World, scan: NessusScan, watch: ScannerWatch, quiet: Quiet
) -> NessusScan | float | None:
    """Write the id of our remote scan, found or created.

    Answers the scan; seconds to wait before asking again; or None to look anew.
    """
    token = _token(scan)
    remotes = await watch.ask(lambda scanner: scanner.list_scans())
    for remote in lifecycle.with_token(remotes, token):
        if await _is_ours(scan, remote, watch):
            log.info("Remote scan adopted", task_id=scan.task_id, scan_id=remote.id)
            return await status.write(world, scan, progress.created(scan, remote.id))
    wait = quiet.left("create", token)
    if wait:
        return wait
    world.require_lead()
    quiet.asked("create", token)
    scan_id = await watch.ask(lambda scanner: scanner.create_scan(request(scan, token)))
    log.info("Remote scan created", task_id=scan.task_id, scan_id=scan_id)
    return await status.write(world, scan, progress.created(scan, scan_id))


async def mark(world: World, scan: NessusScan, quiet: Quiet) -> NessusScan | None:
    """Write launchTime: from here on a launch may have been asked for."""
    marked = await status.write(world, scan, progress.launching(scan, clock.now()))
    if marked:
        quiet.never_asked("launch", _token(scan))
    return marked


async def launch(
    world: World, scan: NessusScan, watch: ScannerWatch, quiet: Quiet
) -> NessusScan | float | None:
    """Launch a scan that Nessus says was never launched, and write the uuid of its run."""
    token, scan_id = _token(scan), _scan_id(scan)
    details = await watch.ask(lambda scanner: scanner.get_scan(scan_id))
    uuid = details.scan.uuid
    if details.scan.state is RemoteState.EMPTY:
        wait = quiet.left("launch", token)
        if wait:
            return wait
        world.require_lead()
        quiet.asked("launch", token)
        try:
            uuid = await watch.ask(lambda scanner: scanner.launch_scan(scan_id))
        except Conflict:  # it runs already: a launch whose answer was lost
            return None
    log.info("Remote scan launched", task_id=scan.task_id, scan_id=scan_id)
    return await status.write(world, scan, progress.launched(scan, uuid or "unknown", clock.now()))


def request(scan: NessusScan, token: str) -> ScanRequest:
    spec = scan.spec
    trace_id = trace_id_of(scan.traceparent)
    note = f"NessusScan {scan.task_id}" + (f", trace {trace_id}" if trace_id else "")
    return ScanRequest(
        name=tokens.remote_name(spec.display_name or scan.metadata.name, token),
        targets=spec.targets or (),
        description="\n".join(filter(None, (spec.description, note))),
        template=spec.template,
        port_range=spec.settings.port_range if spec.settings else None,
    )


async def _is_ours(scan: NessusScan, remote: RemoteScan, watch: ScannerWatch) -> bool:
    """The same account and the same targets: a token alone could have been planted."""
    account = watch.info.account if watch.info else None
    if account and remote.owner and remote.owner != account:
        log.warning("Token on another's scan", task_id=scan.task_id, scan_id=remote.id)
        return False
    details: RemoteDetails = await watch.ask(lambda scanner: scanner.get_scan(remote.id))
    ours = same_targets(details.targets, scan.spec.targets or ())
    if not ours:
        log.warning("Token on other targets", task_id=scan.task_id, scan_id=remote.id)
    return ours


def same_targets(remote: str, targets: tuple[str, ...]) -> bool:
    """Nessus keeps the list as text, with commas or line breaks."""
    found = {part.strip().lower() for part in remote.replace("\n", ",").split(",") if part.strip()}
    return found == {target.lower() for target in targets}


def _token(scan: NessusScan) -> str:
    if scan.status.remote is None:
        raise RuntimeError(f"{scan.task_id} has no token")
    return scan.status.remote.token


def _scan_id(scan: NessusScan) -> int:
    if scan.status.remote is None or scan.status.remote.scan_id is None:
        raise RuntimeError(f"{scan.task_id} has no remote scan")
    return scan.status.remote.scan_id
