"""What every kind of scanner must offer, in the words of nessus_operator.api.remote.

Each call raises a fault of nessus_operator.clients.errors and nothing else. A call that was cut
(`Unavailable`) may have taken effect on the scanner all the same: the caller looks before it
asks again. A driver never asks twice for something that changes the scanner.
"""

from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from nessus_operator.api.pool import Auth
from nessus_operator.api.remote import RemoteDetails, RemoteScan, ServerInfo

# (operation, outcome, seconds): for metrics. Outcomes: ok, client_error, server_error,
# auth_error, timeout, connection_error.
Observe = Callable[[str, str, float], None]


@dataclass(frozen=True, slots=True)
class Connection:
    """How to reach one scanner. The secret lives here and in memory only."""

    url: str
    auth: Auth
    secret: Mapping[str, str] = field(repr=False)
    ca_bundle: str | None = field(default=None, repr=False)  # PEM; None: the system's roots
    verify: bool = True
    request_seconds: float = 30.0
    export_seconds: float = 1800.0  # until a report that was asked for can be fetched


@dataclass(frozen=True, slots=True)
class ScanRequest:
    """A scan to create; `name` carries our token."""

    name: str
    targets: tuple[str, ...]
    description: str = ""
    template: str = "advanced"
    port_range: str | None = None
    credentials: Mapping[str, Any] | None = field(default=None, repr=False)


class Scanner(Protocol):
    async def probe(self) -> ServerInfo:
        """Is it up, does it take our login, and what is it?"""

    async def list_scans(self) -> list[RemoteScan]:
        """All scans that our account sees, those in the trash marked."""

    async def get_scan(self, scan_id: int) -> RemoteDetails: ...

    async def create_scan(self, request: ScanRequest) -> int:
        """Create without launching; answers the id."""

    async def launch_scan(self, scan_id: int) -> str:
        """Launch; answers the uuid of the run. Conflict: it runs already."""

    async def stop_scan(self, scan_id: int) -> None:
        """Ask to stop; it happens later. A scan that does not run is no fault."""

    async def pause_scan(self, scan_id: int) -> None: ...

    async def resume_scan(self, scan_id: int) -> None: ...

    async def delete_scan(self, scan_id: int) -> None:
        """Delete for good. Conflict: it still runs. NotFound is no fault."""

    def export_report(
        self, scan_id: int, history_id: int | None = None
    ) -> AsyncGenerator[bytes, None]:
        """The native report in chunks of at most 1 MiB, never whole in memory.

        Close it (`contextlib.aclosing`) where it may be left before its end: it holds a connection.
        """

    async def close(self) -> None:
        """Log out and let go of all connections."""
