"""What a simulator is started with."""

from dataclasses import dataclass
from pathlib import Path

from nessus_simulator.licenses import License
from nessus_simulator.report.hosts import HostLogin


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Durations in simulated seconds."""

    users: tuple[tuple[str, str], ...] = ()  # (name, password)
    api_keys: tuple[tuple[str, str], ...] = ()  # (access, secret)
    license: License = License.MANAGER
    drop_refusals: bool = False  # a 412 is closed before its body, as real ones do
    speed: float = 1.0
    host_seconds: float = 60.0
    session_seconds: float = 1800.0
    loading_seconds: float = 0.0
    report: Path | None = None
    host_login: HostLogin = HostLogin.SUCCESS
