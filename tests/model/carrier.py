"""One process of the operator that carries one scan, without I/O.

It acts on the steps of core as the handlers do. Whatever it asks of the world may fail in every
way that a network has, and it may die before and after each of them.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import partial
from typing import TypeVar

from tests.model.toy import AT_REST, Clock, ToyScanner, ToyServer, protected, released
from tests.unit.core.statuses import RESULTS

from nessus_operator.api.reasons import MEANINGS, Reason
from nessus_operator.api.remote import RemoteScan, RemoteState
from nessus_operator.api.scan import NessusScan, RemoteCleanup, ScanStatus
from nessus_operator.api.transitions import Phase
from nessus_operator.clients.errors import Conflict, NotFound, Unavailable
from nessus_operator.core import lifecycle, progress, retries, tokens
from nessus_operator.core.lifecycle import RemoteScanPolicy, Sight, Step

T = TypeVar("T")
REQUEST_SECONDS = 30
BACKOFF_LIMIT = 2


class Fate(Enum):
    """What becomes of one call to the outside."""

    OK = auto()
    REFUSED = auto()  # it never arrives
    LOST = auto()  # it takes effect, its answer is lost
    LATE = auto()  # its answer is lost, and it takes effect later
    DIES_BEFORE = auto()
    DIES_AFTER = auto()
    DIES_LATE = auto()  # it takes effect when its process is gone


class Died(Exception):
    """The process is gone, and all that it remembered."""


@dataclass
class World:
    clock: Clock
    server: ToyServer
    scanner: ToyScanner
    policy: RemoteScanPolicy = "DeleteAfterExport"
    up: bool = True
    scanner_known: bool = True
    pool_going: bool = False
    scope_refused: bool = False
    orphans: set[str] = field(default_factory=set)  # tokens
    kept: set[str] = field(default_factory=set)  # tokens of what the policy leaves there
    nonces: Iterator[int] = field(default_factory=lambda: iter(range(1 << 30)))


class Carrier:
    """What one process knows is its start, its last list, and what it has asked itself."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.began = world.clock.seconds
        self.listing: list[RemoteScan] | None = None
        self.fates: list[Fate] = []
        self.late_seconds = 1
        self.calls = 0
        self._free: dict[tuple[str, str], float] = {}

    def look(self) -> None:
        """List the scans of the scanner."""
        if self.world.up:
            self.listing = self.world.scanner.list_()

    def admit(self) -> None:
        """The first visit, or the start of an attempt where there is nothing against it."""
        scan, now = self.world.server.scan, self.world.clock.now
        if scan is None or scan.metadata.deleting:
            return
        if scan.phase is None:
            self._write(scan, progress.queued(scan, Reason.PENDING, "queued", now))
        elif scan.phase is Phase.QUEUED and self._may_start(scan):
            nonce = f"{next(self.world.nonces):08x}"
            token = tokens.new_token(scan.metadata.uid, scan.status.attempt or 1, nonce)
            if self._write(scan, progress.admitted(scan, "s1", token, 1, now)):
                self._free["create", token] = 0

    def carry(self) -> None:
        """One step, and what its fault makes of the scan."""
        scan = self.world.server.scan
        if scan is None:
            return
        try:
            if not self._clean_earlier(scan):
                self._act(scan, lifecycle.next_step(scan, self._sight(scan), self.world.clock.now))
        except (NotFound, Unavailable) as error:
            present = self.world.server.scan
            if present and present.phase is Phase.RUNNING and not present.status.stop:
                self._say_failed(present, error)
        except Conflict:
            pass

    def _say_failed(self, scan: NessusScan, error: Exception) -> None:
        if isinstance(error, Unavailable):
            self._write(scan, progress.unreachable(scan))
        elif self._scan_id(scan):
            self._end_attempt(scan, Reason.REMOTE_SCAN_LOST)

    def _may_start(self, scan: NessusScan) -> bool:
        waits = lifecycle.next_step(scan, Sight(), self.world.clock.now)
        time = scan.status.next_attempt_time
        return (
            isinstance(waits, lifecycle.Nothing | lifecycle.CleanUp)
            and not (time and time > self.world.clock.now)
            and not scan.spec.suspend
            and not self.world.pool_going
            and self.world.up
            and self.world.scanner_known
        )

    def _sight(self, scan: NessusScan) -> Sight:
        remote, line = scan.status.remote, None
        if self.listing is not None and remote and remote.scan_id is not None:
            line = lifecycle.found(self.listing, remote.token, remote.scan_id)
        return Sight(
            pool_going=self.world.pool_going,
            scope_refused=self.world.scope_refused,
            scanner_known=self.world.scanner_known,
            remote=line,
            listed=self.listing is not None,
            remote_scan=self.world.policy,
        )

    def _act(self, scan: NessusScan, step: Step) -> None:
        match step:
            case lifecycle.Protect() | lifecycle.CleanUp():
                self._guard(scan, step)
            case lifecycle.Abandon() | lifecycle.Release():
                self._let_go(scan, step)
            case lifecycle.DecideStop(reason):
                self._write(scan, progress.stopping(scan, reason, self.world.clock.now))
            case lifecycle.Finish(phase, reason):
                self._finish(scan, phase, reason)
            case lifecycle.EndAttempt(reason):
                self._end_attempt(scan, reason)
            case lifecycle.Retry() if progress.may_requeue(scan):
                self._requeue(scan, Reason.PENDING, None)
            case _ if self.world.scanner_known:
                self._act_remotely(scan, step)

    def _guard(self, scan: NessusScan, step: lifecycle.Protect | lifecycle.CleanUp) -> None:
        match step:
            case lifecycle.Protect():
                self._hold(protected(scan))
            case lifecycle.CleanUp(left):
                self._clean_up(scan, left)

    def _let_go(self, scan: NessusScan, step: lifecycle.Abandon | lifecycle.Release) -> None:
        own = lifecycle.current(scan)
        if isinstance(step, lifecycle.Abandon):
            lefts = (*scan.status.remote_cleanups, own)
            self.world.orphans |= {left.token for left in lefts if left}
        elif self.world.policy == "Keep" and scan.status.results and own:
            self.world.kept.add(own.token)
        self._hold(released(scan))

    def _act_remotely(self, scan: NessusScan, step: Step) -> None:
        match step:
            case lifecycle.Claim():
                self._claim(scan)
            case lifecycle.MarkLaunch():
                if self._write(scan, progress.launching(scan, self.world.clock.now)):
                    self._free["launch", self._token(scan)] = 0
            case lifecycle.Launch():
                self._launch(scan)
            case lifecycle.Collect(phase, reason):
                self._collect(scan, phase, reason)
            case _:
                self._watch(scan, step, self._scan_id(scan))

    def _watch(self, scan: NessusScan, step: Step, scan_id: int) -> None:
        scanner = self.world.scanner
        match step:
            case lifecycle.Poll() | lifecycle.FindOut():
                details = self._ask(partial(scanner.details, scan_id))
                self._write(scan, progress.polled(scan, details, self.world.clock.now))
            case lifecycle.StopRemote():
                self._ask(partial(scanner.stop, scan_id))
            case lifecycle.Pause(resume):
                self._ask(partial(scanner.resume if resume else scanner.pause, scan_id))

    def _collect(self, scan: NessusScan, phase: Phase, reason: Reason | None) -> None:
        self._ask(partial(self.world.scanner.details, self._scan_id(scan)))
        collected = scan.but(status=scan.status.but(results=RESULTS))
        self._finish(collected, phase, reason or Reason.PASSED)

    def _claim(self, scan: NessusScan) -> None:
        token, scanner = self._token(scan), self.world.scanner
        known = lifecycle.with_token(self._ask(scanner.list_), token)
        if known:
            self._write(scan, progress.created(scan, known[0].id))
        elif self._free_to("create", token):
            name = tokens.remote_name("scan", token)
            scan_id = self._ask(partial(scanner.create, name))
            self._write(scan, progress.created(scan, scan_id))

    def _launch(self, scan: NessusScan) -> None:
        token, scan_id, scanner = self._token(scan), self._scan_id(scan), self.world.scanner
        found = self._ask(partial(scanner.details, scan_id)).scan
        uuid = found.uuid
        if found.state is RemoteState.EMPTY:
            if not self._free_to("launch", token):
                return
            uuid = self._ask(partial(scanner.launch, scan_id))
        self._write(scan, progress.launched(scan, uuid, self.world.clock.now))

    def _clean_earlier(self, scan: NessusScan) -> bool:
        """What earlier attempts left goes while the present one runs."""
        if scan.phase is Phase.QUEUED or not (self.world.up and self.world.scanner_known):
            return False
        for left in scan.status.remote_cleanups:
            if self._remove(left):
                self._write(scan, progress.cleaned(scan, left))
                return True
        return False

    def _clean_up(self, scan: NessusScan, left: RemoteCleanup) -> None:
        if not self.world.scanner_known or not self._remove(left):
            return
        if left in scan.status.remote_cleanups:
            self._write(scan, progress.cleaned(scan, left))
        elif not scan.status.remote_cleanups:
            self._hold(released(scan))

    def _remove(self, left: RemoteCleanup) -> bool:
        """True: nothing of it is left, and nothing can come."""
        scanner = self.world.scanner
        mine = lifecycle.with_token(self._ask(scanner.list_), left.token)
        for remote in mine:
            act = scanner.delete if remote.state in AT_REST else scanner.stop
            self._ask(partial(act, remote.id))
        if mine or left.scan_id is not None:
            return not mine
        return self._seconds_left("create", left.token) <= 0

    def _finish(self, scan: NessusScan, phase: Phase, reason: Reason) -> None:
        now, text = self.world.clock.now, MEANINGS[reason].sentence
        self._write(scan, progress.finished(scan, phase, reason, text, now))

    def _end_attempt(self, scan: NessusScan, reason: Reason) -> None:
        again = retries.after_fault(scan, reason, BACKOFF_LIMIT, self.world.clock.now)
        if again and progress.may_requeue(scan):
            self._requeue(scan, reason, again)
        else:
            self._finish(scan, Phase.FAILED, reason)

    def _requeue(self, scan: NessusScan, reason: Reason, again: retries.Again | None) -> None:
        status = progress.requeued(
            scan,
            reason,
            "again",
            self.world.clock.now,
            next_attempt_time=again.time if again else None,
            platform_failures=again.failures if again else 0,
        )
        self._write(scan, status)

    def _token(self, scan: NessusScan) -> str:
        assert scan.status.remote
        return scan.status.remote.token

    def _scan_id(self, scan: NessusScan) -> int:
        return (scan.status.remote and scan.status.remote.scan_id) or 0

    def _free_to(self, action: str, token: str) -> bool:
        """May it be asked for? Then it is from now on."""
        if self._seconds_left(action, token) > 0:
            return False
        self._free[action, token] = self.world.clock.seconds + REQUEST_SECONDS
        return True

    def _seconds_left(self, action: str, token: str) -> float:
        free = self._free.get((action, token), self.began + REQUEST_SECONDS)
        return free - self.world.clock.seconds

    def _write(self, scan: NessusScan, status: ScanStatus) -> bool:
        if status.to_json() == scan.status.to_json():
            return False
        return self._tell(lambda: self.world.server.write_status(status))

    def _hold(self, finalizers: tuple[str, ...]) -> None:
        self._tell(lambda: self.world.server.write_finalizers(finalizers))

    def _tell(self, write: Callable[[], None]) -> bool:
        """Write to the API server; False when another writer was first."""
        return self._call(write, late=False) is not None

    def _ask(self, call: Callable[[], T]) -> T:
        if not self.world.up:
            raise Unavailable("down")
        answer = self._call(call, late=True)
        assert answer is not None
        return answer[0]

    def _call(self, call: Callable[[], T], *, late: bool) -> tuple[T] | None:
        """The answer in a tuple; None when another writer was first."""
        self.calls += 1
        fate = self.fates.pop(0) if self.fates else Fate.OK
        if fate is Fate.DIES_BEFORE:
            raise Died
        if fate in (Fate.LATE, Fate.DIES_LATE) and late:
            self.world.clock.later(self.late_seconds, lambda: _quietly(call))
        elif fate is Fate.REFUSED and not late:
            return None
        elif fate is not Fate.REFUSED:
            answer = call()
            if fate is Fate.OK:
                return (answer,)
        if fate in (Fate.DIES_AFTER, Fate.DIES_LATE):
            raise Died
        raise Unavailable("no answer")


def _quietly(call: Callable[[], object]) -> None:
    """Nobody is left to hear of its fault."""
    with suppress(Conflict, NotFound):
        call()
