"""What a generated report tells of one host: a function of its name and of how it was scanned."""

import hashlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from nessus_simulator import targets
from nessus_simulator.report import plugins
from nessus_simulator.report.plugins import Plugin, Port

PLUGIN_SET = "202611200512"
VERSION = "10.8.3"


class HostLogin(StrEnum):
    """What becomes of a scan's credentials on its targets."""

    SUCCESS = "success"
    PARTIAL = "partial"  # the login lacks rights
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Job:
    """What a report is about. Times in Unix seconds, UTC."""

    name: str
    policy: str
    started: float
    host_seconds: float
    port_range: str | None  # None: no port scanner was switched on
    checks: bool = True
    user: str | None = None  # of the credentials, if there are any
    login: HostLogin = HostLogin.SUCCESS

    @property
    def logged_in(self) -> bool:
        return self.user is not None and self.login is not HostLogin.FAILED


@dataclass(frozen=True, slots=True)
class Finding:
    plugin: Plugin
    port: Port
    output: str


def findings(job: Job, host: str, index: int) -> Iterator[Finding]:
    """In the order of a report: state of the host and the scan first."""
    yield _finding(plugins.PING, host)
    if job.port_range is not None:
        for port in plugins.OPEN_PORTS:
            yield _finding(plugins.OPEN_PORT, host, port)
    yield Finding(plugins.SCAN_INFORMATION, plugins.GENERAL, scan_information(job, index))
    if not job.checks:
        return
    for plugin in (*_login_plugins(job), plugins.WEB_BANNER):
        yield _finding(plugin, host, user=job.user)
    choice = _digest(host)[0]
    for candidates in plugins.REMOTE:
        yield _finding(candidates[choice % len(candidates)], host)
        choice //= 2
    if job.logged_in:
        for plugin in plugins.LOCAL:
            yield _finding(plugin, host)


def properties(job: Job, host: str, index: int) -> Mapping[str, str]:
    """The tags of HostProperties."""
    start, end = _times(job, index)
    last = "LastAuthenticatedResults" if job.logged_in else "LastUnauthenticatedResults"
    tags = {
        "HOST_END_TIMESTAMP": str(end),
        "HOST_END": time.asctime(time.gmtime(end)),
        last: str(end),
        "Credentialed_Scan": "true" if job.logged_in else "false",
        "policy-used": job.policy,
        "operating-system": "Lumen Linux 12",
        "operating-system-conf": "95",
        "operating-system-method": "SinFP",
        "os": "linux",
        "system-type": "general-purpose",
        "mac-address": ":".join(f"{byte:02X}" for byte in (2, 0, *_digest(host)[1:5])),
        "host-ip": address_of(host),
        "HOST_START_TIMESTAMP": str(start),
        "HOST_START": time.asctime(time.gmtime(start)),
    }
    if not targets.is_address(host):
        tags["host-fqdn"] = host
    return tags


def address_of(host: str) -> str:
    """A name is said to resolve to an address of the documentation range 203.0.113.0/24."""
    return host if targets.is_address(host) else f"203.0.113.{1 + _digest(host)[5] % 254}"


def scan_information(job: Job, index: int) -> str:
    """The output of plugin 19506: one `key : value` a line."""
    start, end = _times(job, index)
    ports = "none (results may be incomplete)" if job.port_range is None else "nessus_syn_scanner"
    login = f"yes, as '{job.user}' via ssh" if job.logged_in else "no"
    facts = {
        "Nessus version": VERSION,
        "Plugin feed version": PLUGIN_SET,
        "Scanner edition used": "Nessus",
        "Scan type": "Normal",
        "Scan name": job.name,
        "Scan policy used": job.policy,
        "Scanner IP": "192.0.2.250",
        "Port scanner(s)": ports,
        "Port range": job.port_range or "none",
        "Credentialed checks": login,
        "Scan Start Date": time.strftime("%Y/%m/%d %H:%M UTC", time.gmtime(start)),
        "Scan duration": f"{end - start} sec",
    }
    lines = "\n".join(f"{name} : {value}" for name, value in facts.items())
    return f"Facts of this scan :\n\n{lines}\n"


def _login_plugins(job: Job) -> tuple[Plugin, ...]:
    if job.user is None:
        return (plugins.NO_CREDENTIALS,)
    match job.login:
        case HostLogin.SUCCESS:
            return (plugins.VALID_LOGIN, plugins.LOGIN_WITHOUT_ISSUES)
        case HostLogin.PARTIAL:
            return (plugins.VALID_LOGIN, plugins.INSUFFICIENT_PRIVILEGE)
        case HostLogin.FAILED:
            return (plugins.FAILED_LOGIN, plugins.LOCAL_CHECKS_FAILED)


def _finding(
    plugin: Plugin, host: str, port: Port | None = None, user: str | None = None
) -> Finding:
    port = port or plugin.port
    return Finding(plugin, port, plugin.output.format(host=host, port=port.number, user=user))


def _times(job: Job, index: int) -> tuple[int, int]:
    start = int(job.started + job.host_seconds * index)
    return start, int(start + job.host_seconds)


def _digest(host: str) -> bytes:
    return hashlib.sha256(host.encode()).digest()
