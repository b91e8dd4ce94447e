"""What a report tells that later decisions need: signals from ingest, verdicts from core."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

# Plugins whose presence or output tells how the login to a host went.
SCAN_INFORMATION = 19506
PING = 10180
EVIDENCE_PLUGINS = frozenset(
    (
        PING,
        10394,  # SMB log in possible
        10400,  # SMB registry accessible
        10428,  # SMB registry not fully accessible
        12634,  # OS name and packages, by login
        SCAN_INFORMATION,
        20811,  # installed software, Windows
        21745,  # patch assessment failed
        22869,  # installed software, SSH
        24269,  # WMI available
        24786,  # Windows scan without admin privileges
        26917,  # no access to the registry
        97993,  # OS and software over SSH
        102094,  # commands need privilege escalation
        104410,  # failure for provided credentials
        110095,  # no issues found
        110385,  # insufficient privilege
        110695,  # patch assessment not supported
        110723,  # no credentials provided
        117885,  # intermittent authentication failure
        117886,  # patch assessment not available
        117887,  # patch assessment available
        141118,  # valid credentials provided
    )
)

EVIDENCE_TAGS = frozenset(
    ("credentialed_scan", "smb-login-used", "ssh-login-used", "operating-system", "os")
)


@dataclass(frozen=True, slots=True)
class HostSignals:
    """Of one host. Texts come from the scanned host: hostile, and cut at 4,096 characters each.

    evidence: plugin id → its outputs, for EVIDENCE_PLUGINS that reported.
    tags: host tags that speak of logins and of the operating system, by lower-case name.
    information: what the host's scan information (19506) says, by `scan_information`.
    policy_login: the policy names an account that is not Nessus' own default.
    """

    evidence: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    information: Mapping[str, str] = field(default_factory=dict)
    policy_login: bool = False

    def outputs(self, *plugins: int) -> tuple[str, ...]:
        return tuple(text for plugin in plugins for text in self.evidence.get(plugin, ()))


def scan_information(outputs: Iterable[str]) -> Mapping[str, str]:
    """The "key : value" lines of plugin 19506, keys in lower case, the first of a name."""
    found: dict[str, str] = {}
    for text in outputs:
        for line in text.split("\n"):
            key, colon, value = line.partition(":")
            if colon:
                found.setdefault(key.strip().lower(), value.strip())
    return found


class AuthenticationStatus(StrEnum):
    """How the scanner's login went, to one host or to all of them."""

    SUCCESS = "Success"
    PARTIAL = "Partial"
    FAILED = "Failed"
    NOT_APPLICABLE = "NotApplicable"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class HostVerdict:
    """How the scanner's login to one host went, why we think so, and by which plugins."""

    status: AuthenticationStatus
    reason: str
    plugins: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Judge:
    """Who decides about logins: for one host, and for the scan from its hosts, counted."""

    host: Callable[[HostSignals], HostVerdict]
    scan: Callable[[Mapping[AuthenticationStatus, int]], AuthenticationStatus]


@dataclass(frozen=True, slots=True)
class ReportSignals:
    """Of the whole report, for the checks of core.validation.

    dead_hosts: hosts that the report says did not answer.
    port_scan_missing: hosts whose scan information says that no port scanner ran.
    plugin_set: the newest version of the plugins, as yyyymmddhhmm.
    truncated: only what came before a fault was kept.
    """

    hosts: int = 0
    dead_hosts: int = 0
    port_scan_missing: int = 0
    plugin_set: str | None = None
    truncated: bool = False
