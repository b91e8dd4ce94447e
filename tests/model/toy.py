"""A scanner and an API server small enough to see through, for one scan of ours."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from tests.builders import NOW

from nessus_operator.api.names import FINALIZER
from nessus_operator.api.remote import (
    ENDED,
    RemoteDetails,
    RemoteProgress,
    RemoteScan,
    RemoteState,
)
from nessus_operator.api.scan import NessusScan, ScanStatus
from nessus_operator.api.transitions import is_new_attempt, refusal
from nessus_operator.clients.errors import Conflict, NotFound
from nessus_operator.core.tokens import token_in

AT_REST = (*ENDED, RemoteState.EMPTY)


@dataclass
class Clock:
    """Seconds since the beginning, and what happens when they have passed."""

    seconds: int = 0
    _due: list[tuple[int, Callable[[], object]]] = field(default_factory=list)

    @property
    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.seconds)

    def later(self, seconds: int, effect: Callable[[], object]) -> None:
        self._due.append((self.seconds + seconds, effect))

    def pass_(self, seconds: int) -> None:
        for _ in range(seconds):
            self.seconds += 1
            ready = [item for item in self._due if item[0] <= self.seconds]
            self._due = [item for item in self._due if item[0] > self.seconds]
            for _, effect in ready:
                effect()


class ToyScanner:
    """Keeps remote scans as Nessus does: it launches what it is told to, ended ones as well."""

    def __init__(self) -> None:
        self.scans: dict[int, RemoteScan] = {}
        self.launches: Counter[str] = Counter()
        self._made = 0

    def create(self, name: str) -> int:
        self._made += 1
        self.scans[self._made] = RemoteScan(self._made, name, RemoteState.EMPTY, "empty")
        return self._made

    def launch(self, scan_id: int) -> str:
        scan = self._find(scan_id)
        if scan.state not in AT_REST:
            raise Conflict("it runs already")
        self.launches[token_in(scan.name) or ""] += 1
        uuid = f"run-{self.launches.total()}"
        self.scans[scan_id] = replace(scan, state=RemoteState.PENDING, word="pending", uuid=uuid)
        return uuid

    def stop(self, scan_id: int) -> None:
        if self._find(scan_id).state not in AT_REST:
            self.move(scan_id, RemoteState.STOPPING)

    def pause(self, scan_id: int) -> None:
        if self._find(scan_id).state is not RemoteState.RUNNING:
            raise Conflict("it does not run")
        self.move(scan_id, RemoteState.PAUSED)

    def resume(self, scan_id: int) -> None:
        if self._find(scan_id).state is not RemoteState.PAUSED:
            raise Conflict("it is not paused")
        self.move(scan_id, RemoteState.RUNNING)

    def delete(self, scan_id: int) -> None:
        if scan_id in self.scans and self.scans[scan_id].state not in AT_REST:
            raise Conflict("it still runs")
        self.scans.pop(scan_id, None)

    def details(self, scan_id: int) -> RemoteDetails:
        scan = self._find(scan_id)
        percent = 100 if scan.state is RemoteState.COMPLETED else 50
        return RemoteDetails(scan, "192.0.2.1", RemoteProgress(percent, 0, 1))

    def list_(self) -> list[RemoteScan]:
        return list(self.scans.values())

    def move(self, scan_id: int, state: RemoteState) -> None:
        """The scan goes to another state, by itself or by a person's hand."""
        self.scans[scan_id] = replace(self.scans[scan_id], state=state, word=str(state))

    def _find(self, scan_id: int) -> RemoteScan:
        if scan_id not in self.scans:
            raise NotFound(f"no scan {scan_id}")
        return self.scans[scan_id]


class ToyServer:
    """The API server with one NessusScan: it refuses what the real one would."""

    def __init__(self, scan: NessusScan) -> None:
        self.scan: NessusScan | None = scan

    def write_status(self, status: ScanStatus) -> None:
        old = self.present()
        before, after = old.status.to_json(), status.to_json()
        assert refusal(before, after) is None
        new = NessusScan.from_object({**old.to_json(), "status": after})
        if old.status.phase is None or is_new_attempt(old.phase, status.phase or old.status.phase):
            assert new.status.observed_manual_retries == new.spec.manual_retries
        if old.status.stop and old.status.attempt == new.status.attempt:
            assert new.status.stop == old.status.stop, "what was decided first stays decided"
        self.scan = new

    def write_finalizers(self, finalizers: tuple[str, ...]) -> None:
        scan = self.present()
        added = set(finalizers) - set(scan.metadata.finalizers)
        assert not (added and scan.metadata.deleting), "the server takes no finalizer any more"
        self.scan = scan.but(metadata=scan.metadata.but(finalizers=finalizers))
        self._collect_garbage()

    def change_spec(self, **changes: object) -> None:
        scan = self.present()
        metadata = scan.metadata.but(generation=scan.metadata.generation + 1)
        self.scan = scan.but(metadata=metadata, spec=scan.spec.but(**changes))

    def delete(self, now: datetime) -> None:
        scan = self.present()
        self.scan = scan.but(metadata=scan.metadata.but(deletion_timestamp=now))
        self._collect_garbage()

    def present(self) -> NessusScan:
        if self.scan is None:
            raise NotFound("deleted")
        return self.scan

    def _collect_garbage(self) -> None:
        if self.scan and self.scan.metadata.deleting and not self.scan.metadata.finalizers:
            self.scan = None


def protected(scan: NessusScan) -> tuple[str, ...]:
    return (*scan.metadata.finalizers, FINALIZER)


def released(scan: NessusScan) -> tuple[str, ...]:
    return tuple(name for name in scan.metadata.finalizers if name != FINALIZER)
