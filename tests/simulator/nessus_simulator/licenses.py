"""Which licence opens the scan API, and who is let in by it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from nessus_simulator import refusals


class License(StrEnum):
    MANAGER = "manager"
    PROFESSIONAL = "professional"
    ESSENTIALS = "essentials"


@dataclass(frozen=True, slots=True)
class Terms:
    name: str
    ips: int
    scan_api: bool


TERMS = {
    License.MANAGER: Terms("Nessus Manager", 512, scan_api=True),
    License.PROFESSIONAL: Terms("Nessus Professional", 32767, scan_api=False),
    License.ESSENTIALS: Terms("Nessus Essentials", 16, scan_api=False),
}


def describe(which: License, expires: float) -> dict[str, Any]:
    """The `license` object of /server/properties; `expires` in Unix seconds."""
    terms = TERMS[which]
    return {
        "type": which.value,
        "name": terms.name,
        "restricted": False,
        "ips": terms.ips,
        "features": {"api": True, "scan_api": terms.scan_api},
        "activation_code": "SIMU-LATE-DNES-SUS0-0000",
        "expiration_date": int(expires),
    }


def is_scan_write(method: str, path: str) -> bool:
    """Whether the request is one that a licence without the scan API refuses.

    Reports stay within reach under every licence, so asking for an export is no write.
    """
    if method in ("GET", "HEAD") or not (path == "/scans" or path.startswith("/scans/")):
        return False
    return not path.endswith("/export")


def check_scan_write(which: License, *, by_session: bool, token_matches: bool) -> None:
    """Refuse (412) a scan write that the licence closes.

    A session that also sends the page's own X-API-Token writes under every licence; API keys and
    plain sessions do so only where the licence has the scan API.
    """
    if by_session and token_matches:
        return
    if not TERMS[which].scan_api:
        raise refusals.api_closed()
