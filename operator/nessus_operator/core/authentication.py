"""Did the scanner log in to its targets? A table of rules per host; the first that fits decides.

Only plugins that reported on the host, its tags and the scan information count. Signs that
prove nothing by themselves (a NULL session, no registry access, no admin share) decide nothing.
"""

import re
from collections.abc import Callable, Mapping
from functools import partial

from nessus_operator.api.report import (
    SCAN_INFORMATION,
    AuthenticationStatus,
    HostSignals,
    HostVerdict,
    Judge,
)

_SUCCESS = AuthenticationStatus.SUCCESS
_PARTIAL = AuthenticationStatus.PARTIAL
_FAILED = AuthenticationStatus.FAILED
_NOT_APPLICABLE = AuthenticationStatus.NOT_APPLICABLE
_UNKNOWN = AuthenticationStatus.UNKNOWN

_SMB_LOGIN = 10394
_REGISTRY_PARTLY = 10428
_UNIX_LOGIN = 12634
_WINDOWS_SOFTWARE = 20811
_ASSESSMENT_FAILED = 21745
_UNIX_SOFTWARE = 22869
_NO_ADMIN = 24786
_CREDENTIALS_FAILED = 104410
_NO_ISSUES = 110095
_INSUFFICIENT = 110385
_NOT_GIVEN = 110723
_INTERMITTENT = 117885
_NOT_AVAILABLE = 117886
_AVAILABLE = 117887
_VALID = 141118

_DONE_AS = re.compile(r"will be done as +(?!\(?null\b|guest\b)\S", re.IGNORECASE)
_LOGIN_ERROR = re.compile(
    r"log ?in|credential|password|passphrase|authenticat|private key|socket", re.IGNORECASE
)
_PROTOCOL = re.compile(r"^\s*-?\s*Proto(?:col)?\s*:\s*(\w+)", re.IGNORECASE | re.MULTILINE)
_AGENT = re.compile(r"\bagent\b", re.IGNORECASE)
_WITHOUT_ERROR = re.compile(r"not supported|no credentials|not provided", re.IGNORECASE)
_WINDOWS_PROTOCOLS = frozenset(("SMB", "WMI", "LOCAL"))
_UNIX_PROTOCOLS = frozenset(("SSH", "LOCAL"))


class _Host:
    """The signals of one host as the rules ask for them."""

    def __init__(self, signals: HostSignals) -> None:
        self.signals = signals
        self.seen = frozenset(signals.evidence)
        information = signals.information
        self.checks = information.get("credentialed checks", "").lower()
        self.agent = bool(_AGENT.search(information.get("scan type", "")))
        self.tag = signals.tags.get("credentialed_scan", "").strip().lower()
        self.account = _DONE_AS.search("\n".join(signals.outputs(_SMB_LOGIN))) is not None
        self.smb_login = "smb-login-used" in signals.tags
        self.ssh_login = "ssh-login-used" in signals.tags

    def any(self, *plugins: int) -> bool:
        return not self.seen.isdisjoint(plugins)

    @property
    def checks_say_yes(self) -> bool:
        return self.checks == "yes" or self.checks.startswith(("yes,", "yes ", "yes("))

    @property
    def checks_say_no(self) -> bool:
        return self.checks == "no" or self.checks.startswith(("no,", "no ", "no("))

    @property
    def assessment_error(self) -> bool:
        """21745 with an error of a login, rather than of an unsupported target."""
        texts = self.signals.outputs(_ASSESSMENT_FAILED)
        return any(_LOGIN_ERROR.search(_WITHOUT_ERROR.sub("", text)) for text in texts)

    @property
    def given(self) -> bool:
        """Credentials were given for this host."""
        return (
            self.any(_VALID, _CREDENTIALS_FAILED, _INSUFFICIENT, _INTERMITTENT)
            or self.assessment_error
            or self.account
            or self.smb_login
            or self.ssh_login
            or self.checks_say_yes
            or self.signals.policy_login
        )

    @property
    def logged_in(self) -> bool:
        """What is missing or failed later came after a login, unless the host denies one."""
        denied = self.checks_say_no or self.tag == "false"
        limited = self.any(_INSUFFICIENT, _INTERMITTENT) and not denied
        return self.any(_VALID) or self.checks_say_yes or self.tag == "true" or limited

    @property
    def windows_account(self) -> bool:
        """A real account was used on Windows, not a NULL session."""
        return self.account or self.smb_login or self.any(_VALID) or " via smb" in self.checks

    def reported(self, *plugins: int) -> bool:
        """One of them reported something."""
        return any(text.strip() for text in self.signals.outputs(*plugins))

    def fits(self, protocols: frozenset[str]) -> bool:
        """One of the protocols is the one to log in to this operating system with."""
        tags = self.signals.tags
        system = (tags.get("os") or tags.get("operating-system") or "").lower()
        usual = _WINDOWS_PROTOCOLS if "windows" in system else _UNIX_PROTOCOLS
        return bool(system) and not usual.isdisjoint(protocols)

    def protocols(self, *plugins: int) -> frozenset[str]:
        texts = self.signals.outputs(*plugins)
        return frozenset(name.upper() for text in texts for name in _PROTOCOL.findall(text))


Rule = Callable[[_Host], HostVerdict | None]


def _verdict(host: _Host, status: AuthenticationStatus, reason: str, *plugins: int) -> HostVerdict:
    return HostVerdict(status, reason, tuple(id_ for id_ in plugins if id_ in host.seen))


def _by_agent(host: _Host) -> HostVerdict | None:
    if not host.agent:
        return None
    reason = "an agent on the host scanned it, which needs no login"
    return _verdict(host, _SUCCESS, reason, SCAN_INFORMATION)


def _with_limits(host: _Host) -> HostVerdict | None:
    limits = [_INSUFFICIENT, _INTERMITTENT, _REGISTRY_PARTLY, _ASSESSMENT_FAILED]
    if host.windows_account:
        limits.append(_NO_ADMIN)
    if not (host.logged_in and host.any(*limits)):
        return None
    reason = "the login worked, but rights were missing or later logins failed"
    return _verdict(host, _PARTIAL, reason, *limits, _VALID, SCAN_INFORMATION)


def _by_some_protocols(host: _Host) -> HostVerdict | None:
    if not (host.logged_in and host.any(_CREDENTIALS_FAILED)):
        return None
    if host.fits(host.protocols(_NO_ISSUES, _AVAILABLE) - host.protocols(_CREDENTIALS_FAILED)):
        reason = "the login that fits the operating system worked; one over another protocol failed"
        return _verdict(host, _SUCCESS, reason, _NO_ISSUES, _AVAILABLE, _CREDENTIALS_FAILED)
    reason = "the login worked over one protocol and failed over another"
    return _verdict(host, _PARTIAL, reason, _VALID, _CREDENTIALS_FAILED, SCAN_INFORMATION)


def _logged_in(host: _Host) -> HostVerdict | None:
    software = (_UNIX_LOGIN, _WINDOWS_SOFTWARE, _UNIX_SOFTWARE)
    if host.any(_NO_ISSUES, _AVAILABLE, _VALID) or host.reported(*software):
        proofs = (_NO_ISSUES, _AVAILABLE, _VALID, *software)
        return _verdict(host, _SUCCESS, "plugins that need a login reported", *proofs)
    if host.checks_say_yes:
        reason = "the scan information says that checks ran with credentials"
        return _verdict(host, _SUCCESS, reason, SCAN_INFORMATION)
    if host.tag == "true":
        return _verdict(host, _SUCCESS, "the host is marked as scanned with credentials")
    return None


def _refused(host: _Host) -> HostVerdict | None:
    if host.any(_CREDENTIALS_FAILED) or host.assessment_error:
        reason = "the credentials that were given did not work"
        return _verdict(host, _FAILED, reason, _CREDENTIALS_FAILED, _ASSESSMENT_FAILED)
    if host.given and (host.checks_say_no or host.tag == "false"):
        reason = "credentials were given, but no check ran with them"
        return _verdict(host, _FAILED, reason, SCAN_INFORMATION, _SMB_LOGIN)
    return None


def _not_asked(host: _Host) -> HostVerdict | None:
    if not (host.any(_NOT_GIVEN, _NOT_AVAILABLE) or host.checks_say_no or host.tag == "false"):
        return None
    reason = "no credentials were given for this host"
    return _verdict(host, _NOT_APPLICABLE, reason, _NOT_GIVEN, _NOT_AVAILABLE, SCAN_INFORMATION)


RULES: tuple[Rule, ...] = (
    _by_agent,
    _with_limits,
    _by_some_protocols,
    _logged_in,
    _refused,
    _not_asked,
)


def judge_host(signals: HostSignals, *, credentials_asked: bool | None = None) -> HostVerdict:
    """The verdict of the first rule that fits.

    `credentials_asked`: whether the scan was to log in; None if that is not known. A host that
    says nothing of logins is NotApplicable where no login was asked for, else Unknown.
    """
    host = _Host(signals)
    for rule in RULES:
        if verdict := rule(host):
            return verdict
    if credentials_asked is False:
        return HostVerdict(_NOT_APPLICABLE, "the scan was to run without credentials")
    return HostVerdict(_UNKNOWN, "nothing in the report tells of a login")


def judge_scan(hosts: Mapping[AuthenticationStatus, int]) -> AuthenticationStatus:
    """The status of a scan from its hosts, counted; hosts that tell nothing do not count."""
    judged = {status for status, count in hosts.items() if count and status is not _UNKNOWN}
    if not judged:
        return _UNKNOWN
    if len(judged) == 1:
        return judged.pop()
    return _PARTIAL if judged & {_SUCCESS, _PARTIAL} else _FAILED


def judge(*, credentials_asked: bool | None = None) -> Judge:
    """The judge of a report whose scan was to log in, or not, or who knows."""
    return Judge(partial(judge_host, credentials_asked=credentials_asked), judge_scan)
