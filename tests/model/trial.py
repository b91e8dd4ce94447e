"""One scan, its scanner, its users and its process: what may happen to them, and what must hold."""

from collections.abc import Callable, Sequence

from tests.builders import make_scan
from tests.model.carrier import REQUEST_SECONDS, Carrier, Died, Fate, World
from tests.model.toy import AT_REST, Clock, ToyScanner, ToyServer

from nessus_operator.api.remote import RemoteState
from nessus_operator.api.transitions import RETRYABLE, TERMINAL, Phase
from nessus_operator.clients.errors import Unavailable
from nessus_operator.core.lifecycle import RemoteScanPolicy
from nessus_operator.core.tokens import token_in

GOES_ON = {
    "it runs": RemoteState.RUNNING,
    "it completes": RemoteState.COMPLETED,
    "it aborts": RemoteState.ABORTED,
    "a person stops it": RemoteState.STOPPED,
}
SCANNER = ("a person deletes it", "down", "up", "unknown", "known")
USERS = ("suspend", "resume", "cancel", "again", "delete", "narrow", "widen", "no pool")
EVENTS = ("nothing", *GOES_ON, *SCANNER, *USERS)


class Trial:
    def __init__(self, policy: RemoteScanPolicy = "DeleteAfterExport") -> None:
        server = ToyServer(make_scan(active_deadline_seconds=3600))
        self.world = World(Clock(), server, ToyScanner(), policy)
        self.start_process()

    def start_process(self) -> None:
        self.carrier = Carrier(self.world)

    def work(self, steps: int = 1, *, look: bool = True) -> None:
        """Steps of the process, each with a new list of the scanner."""
        for _ in range(steps):
            if look:
                self.carrier.look()
            try:
                self.carrier.admit()
                self.carrier.carry()
            except Died:
                self.start_process()
            except Unavailable:
                pass  # the next step finds out
            self.check()

    def suffer(self, fates: Sequence[Fate], late: int = 1) -> None:
        """One step in which its calls meet these fates, one after the other."""
        self.carrier.fates, self.carrier.late_seconds = list(fates), late
        self.work()
        self.carrier.fates = []

    def happens(self, what: str) -> None:
        """One of EVENTS."""
        if what in USERS:
            self._user_does(what)
        elif what in GOES_ON:
            self.scanner_goes_on(GOES_ON[what])
        else:
            self._scanner_does(what)

    def _scanner_does(self, what: str) -> None:
        match what:
            case "a person deletes it":
                self.world.scanner.scans.clear()
            case "up" | "down":
                self.world.up = what == "up"
            case "known" | "unknown":
                self.world.scanner_known = what == "known"

    def scanner_goes_on(self, state: RemoteState) -> None:
        """Whatever stops there has stopped, whatever runs there is in this state."""
        scanner = self.world.scanner
        for scan_id, scan in scanner.scans.items():
            if scan.state is RemoteState.STOPPING:
                scanner.move(scan_id, RemoteState.STOPPED)
            elif scan.state not in AT_REST and scan.state is not RemoteState.PAUSED:
                scanner.move(scan_id, state)

    def _user_does(self, what: str) -> None:
        match what:
            case "narrow" | "widen":
                self.world.scope_refused = what == "narrow"
            case "no pool":
                self.world.pool_going = True
            case _ if self.world.server.scan:
                self._change(what)

    def _change(self, what: str) -> None:
        server = self.world.server
        scan = server.present()
        match what:
            case "suspend" | "resume":
                server.change_spec(suspend=what == "suspend")
            case "cancel":
                server.change_spec(cancel=True)
            case "again" if scan.phase in RETRYABLE:
                server.change_spec(cancel=False, manual_retries=scan.spec.manual_retries + 1)
            case "delete" if not scan.metadata.deleting:
                server.delete(self.world.clock.now)

    def check(self) -> None:
        """No attempt has two remote scans or launches, and nothing there is unknown here."""
        launches = self.world.scanner.launches
        assert all(count == 1 for count in launches.values())
        attempts = [token.rsplit("-", 2)[1] for token in launches]
        assert len(attempts) == len(set(attempts))
        names = [one.name for one in self.world.scanner.scans.values()]
        assert len(names) == len(set(names))
        assert self._tokens_there() <= self._tokens_known()
        remote = self.world.server.scan and self.world.server.scan.status.remote
        assert not (remote and launches[remote.token] and not remote.launch_time)

    def _tokens_there(self) -> set[str]:
        return {token_in(one.name) or "" for one in self.world.scanner.scans.values()}

    def _tokens_known(self) -> set[str]:
        """By a scan that our finalizer holds, by the record of orphans, or kept on purpose."""
        known = self.world.orphans | self.world.kept
        scan = self.world.server.scan
        if scan and scan.finalized:
            known |= {left.token for left in scan.status.remote_cleanups}
            known |= {scan.status.remote.token} if scan.status.remote else set()
        return known

    def end(self) -> None:
        """In a world without mishaps the scan ends or waits, and can be deleted."""
        self.world.up = self.world.scanner_known = True
        self._live_until(self._rests)
        self.happens("delete")
        self._live_until(lambda: self.world.server.scan is None)
        self.world.clock.pass_(REQUEST_SECONDS)
        self.check()

    @property
    def over(self) -> bool:
        """It has ended, and nothing of it is left on the scanner."""
        scan = self.world.server.scan
        return scan is None or (scan.phase in TERMINAL and not scan.finalized)

    def _rests(self) -> bool:
        """It has ended, or somebody holds it back."""
        scan = self.world.server.scan
        if scan is None or scan.phase in TERMINAL:
            return True
        held_back = scan.spec.suspend or self.world.pool_going
        return held_back and scan.phase is Phase.QUEUED

    def _live_until(self, reached: Callable[[], bool]) -> None:
        for _ in range(400):
            if reached():
                return
            self.work(3)
            self.scanner_goes_on(RemoteState.COMPLETED)
            self.world.clock.pass_(15)
        raise AssertionError(f"it neither ends nor waits: {self.world.server.scan}")
