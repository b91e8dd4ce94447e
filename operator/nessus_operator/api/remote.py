"""A scan as a scanner tells of it, in our words instead of the scanner's."""

from dataclasses import dataclass
from enum import StrEnum


class RemoteState(StrEnum):
    """Where a remote scan stands. Drivers map their scanner's own words to these."""

    EMPTY = "empty"  # created, never launched
    PENDING = "pending"  # launched, waiting in the scanner
    RUNNING = "running"
    PAUSING = "pausing"
    PAUSED = "paused"
    RESUMING = "resuming"
    STOPPING = "stopping"
    COMPLETED = "completed"
    STOPPED = "stopped"  # by a person, by us, or by the scanner's own limits; partial results
    ABORTED = "aborted"  # by a fault of the scanner; partial results
    UNKNOWN = "unknown"  # a word that we do not know


ENDED = (RemoteState.COMPLETED, RemoteState.STOPPED, RemoteState.ABORTED)


@dataclass(frozen=True, slots=True)
class RemoteScan:
    """One line of a scanner's list of scans."""

    id: int
    name: str
    state: RemoteState
    word: str  # the scanner's own word for the state, cleaned, at most 32 characters
    uuid: str | None = None  # of the last run
    owner: str | None = None
    in_trash: bool = False


@dataclass(frozen=True, slots=True)
class RemoteProgress:
    percent: int
    hosts_completed: int
    hosts_total: int


@dataclass(frozen=True, slots=True)
class RemoteDetails:
    """One scan in detail."""

    scan: RemoteScan
    targets: str  # as the scanner spells them, separated by commas
    progress: RemoteProgress


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """What a scanner says of itself."""

    ready: bool  # False while it starts or loads plugins
    uuid: str | None = None
    version: str | None = None
    plugin_set: str | None = None
    license_type: str | None = None
    scan_api: bool | None = None  # None: the scanner does not tell
    license_expiry: int | None = None  # Unix seconds
    account: str | None = None  # who we are there, where the scanner tells
