"""Every rule about the login to a host, and the status of a scan from its hosts."""

import re
from pathlib import Path

import pytest

from nessus_operator.api.report import (
    EVIDENCE_PLUGINS,
    AuthenticationStatus,
    HostSignals,
    scan_information,
)
from nessus_operator.core import authentication
from nessus_operator.core.authentication import RULES, judge, judge_host, judge_scan

SUCCESS = AuthenticationStatus.SUCCESS
PARTIAL = AuthenticationStatus.PARTIAL
FAILED = AuthenticationStatus.FAILED
NOT_APPLICABLE = AuthenticationStatus.NOT_APPLICABLE
UNKNOWN = AuthenticationStatus.UNKNOWN

YES = "Credentialed checks : yes, as 'EXAMPLE\\scanner' via SMB"
NO = "Credentialed checks : no"
NULL_SESSION = "- NULL sessions may be enabled on the remote host."
AS_USER = "- The SMB tests will be done as EXAMPLE\\scanner/******"
WINDOWS = "Microsoft Windows Server 2022"
LINUX = "Linux Kernel 6.1"


def seen(
    *plugins: int,
    information: str = "",
    policy_login: bool = False,
    tags: dict[str, str] | None = None,
    **outputs: str,
) -> HostSignals:
    """Signals of one host: plugins that said something, or `p10394="what it said"`."""
    evidence = {plugin: (f"Output of {plugin}",) for plugin in plugins}
    evidence |= {int(name[1:]): (text,) for name, text in outputs.items()}
    if information:
        evidence[19506] = (information,)
    said = scan_information(evidence.get(19506, ()))
    return HostSignals(evidence, tags or {}, said, policy_login)


# What a host shows, the verdict, its reason, and the plugins named for it.
CASES: dict[str, tuple[HostSignals, AuthenticationStatus, str, set[int]]] = {
    # an agent needs no login
    "an agent on Windows": (
        seen(information=f"Scan type : Windows Agent\n{YES}"), SUCCESS, "agent", {19506},
    ),
    "an agent on Linux that claims no checks": (
        seen(104410, information=f"Scan type : Unix Agent\n{NO}"), SUCCESS, "agent", {19506},
    ),
    # logged in, but not everywhere
    "a login with too few rights": (seen(141118, 110385), PARTIAL, "rights", {141118, 110385}),
    "a login that failed later": (seen(141118, 117885), PARTIAL, "rights", {141118, 117885}),
    "too few rights, and not a word of the login": (seen(110385), PARTIAL, "rights", {110385}),
    "a later failure, and not a word of the login": (seen(117885), PARTIAL, "rights", {117885}),
    "a login, and a registry only partly open": (
        seen(10428, information=YES), PARTIAL, "rights", {10428, 19506},
    ),
    "a login, and patches that could not be assessed": (
        seen(21745, tags={"credentialed_scan": "true"}), PARTIAL, "rights", {21745},
    ),
    "an account without admin rights": (
        seen(24786, p10394=AS_USER, information=YES), PARTIAL, "rights", {24786, 19506},
    ),
    "an account, named by a tag, without admin rights": (
        seen(24786, tags={"credentialed_scan": "true", "smb-login-used": "x"}),
        PARTIAL,
        "rights",
        {24786},
    ),
    # one protocol in, another out
    "SSH in and SMB out": (
        seen(141118, 104410), PARTIAL, "over one protocol", {141118, 104410},
    ),
    "the protocol of this system in, another out": (
        seen(
            141118,
            p110095="  Proto : SSH\n",
            p104410="  - Protocol : SMB\n",
            tags={"operating-system": LINUX},
        ),
        SUCCESS,
        "fits the operating system",
        {110095, 104410},
    ),
    "the protocol of this system out, another in": (
        seen(
            141118,
            p110095="  Proto : SSH\n",
            p104410="  - Protocol : SMB\n",
            tags={"operating-system": WINDOWS},
        ),
        PARTIAL,
        "over one protocol",
        {141118, 104410},
    ),
    "the protocol of this system in and out": (
        seen(
            141118,
            p117887="Protocol : SMB\n",
            p104410="Protocol : SMB\n",
            tags={"os": "windows"},
        ),
        PARTIAL,
        "over one protocol",
        {141118, 104410},
    ),
    "protocols in and out of a system nobody knows": (
        seen(141118, p110095="Proto : SSH", p104410="Protocol : SMB"),
        PARTIAL,
        "over one protocol",
        {141118, 104410},
    ),
    # logged in
    "no issues with a login": (seen(110095), SUCCESS, "plugins that need", {110095}),
    "no issues outrank scan information that says no": (
        seen(110095, information=NO), SUCCESS, "plugins that need", {110095},
    ),
    "patches could be assessed": (seen(117887), SUCCESS, "plugins that need", {117887}),
    "valid credentials": (seen(141118), SUCCESS, "plugins that need", {141118}),
    "scan information that says yes": (
        seen(information=YES), SUCCESS, "scan information", {19506},
    ),
    "scan information of the scanner's own host": (
        seen(information="Credentialed checks : yes (on the localhost)"),
        SUCCESS,
        "scan information",
        {19506},
    ),
    "a mark that says yes, and nothing else": (
        seen(tags={"credentialed_scan": "true"}), SUCCESS, "marked", set(),
    ),
    "packages that were listed over SSH": (seen(12634), SUCCESS, "plugins that need", {12634}),
    "software that was listed on Windows": (seen(20811), SUCCESS, "plugins that need", {20811}),
    "software that was listed over SSH": (seen(22869), SUCCESS, "plugins that need", {22869}),
    "a Windows host without admin share, but with a login over SSH": (
        seen(24786, 110095, p10394=NULL_SESSION), SUCCESS, "plugins that need", {110095},
    ),
    # not logged in
    "credentials that did not work": (seen(104410), FAILED, "did not work", {104410}),
    "credentials that did not work, though the mark says so too": (
        seen(104410, information=NO, tags={"credentialed_scan": "false"}),
        FAILED,
        "did not work",
        {104410},
    ),
    "patches not assessed for a bad password": (
        seen(p21745="- Plugin : ssh_get_info.nasl\n  Message : Login with password failed"),
        FAILED,
        "did not work",
        {21745},
    ),
    "an account that was tried, and no checks": (
        seen(p10394=AS_USER, information=NO), FAILED, "no check ran", {10394, 19506},
    ),
    "a login tag, and a mark that says no": (
        seen(tags={"ssh-login-used": "scanner", "credentialed_scan": "false"}),
        FAILED,
        "no check ran",
        set(),
    ),
    "too few rights, and scan information that says no": (
        seen(110385, information=NO), FAILED, "no check ran", {19506},
    ),
    "a policy that names a login, and no checks": (
        seen(information=NO, policy_login=True), FAILED, "no check ran", {19506},
    ),
    # nothing to log in with
    "no credentials for what answers": (seen(110723), NOT_APPLICABLE, "no credentials", {110723}),
    "software listed over SSH by a plugin that found nothing": (
        seen(110723, p12634="  "), NOT_APPLICABLE, "no credentials", {110723},
    ),
    "patches not assessed without a failure": (
        seen(117886), NOT_APPLICABLE, "no credentials", {117886},
    ),
    "patches not assessed, as the target is unknown": (
        seen(117886, p21745="Message : OS not supported"),
        NOT_APPLICABLE,
        "no credentials",
        {117886},
    ),
    "scan information that says no": (
        seen(information=NO), NOT_APPLICABLE, "no credentials", {19506},
    ),
    "a mark that says no": (
        seen(tags={"credentialed_scan": "false"}), NOT_APPLICABLE, "no credentials", set(),
    ),
    "a NULL session, no admin share, no registry": (
        seen(24786, 26917, p10394=NULL_SESSION, information=NO),
        NOT_APPLICABLE,
        "no credentials",
        {19506},
    ),
    # nothing is known
    "a host that did not answer": (
        seen(p10180="The remote host is considered as dead"), UNKNOWN, "nothing", set(),
    ),
    "no sign at all": (seen(), UNKNOWN, "nothing", set()),
    "a NULL session alone": (seen(p10394=NULL_SESSION), UNKNOWN, "nothing", set()),
    "a guest session alone": (
        seen(p10394="The SMB tests will be done as guest/"), UNKNOWN, "nothing", set(),
    ),
    "no admin share and no registry alone": (seen(24786, 26917), UNKNOWN, "nothing", set()),
    "scan information without a word of checks": (
        seen(information="Nessus version : 4.4.1"), UNKNOWN, "nothing", set(),
    ),
    "checks that say neither yes nor no": (
        seen(information="Credentialed checks : yesterday"), UNKNOWN, "nothing", set(),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("signals", "status", "reason", "plugins"), CASES.values(), ids=CASES)
def test_a_host_is_judged_by_the_first_rule_that_fits(
    signals: HostSignals, status: AuthenticationStatus, reason: str, plugins: set[int]
) -> None:
    verdict = judge_host(signals)
    assert (verdict.status, set(verdict.plugins)) == (status, plugins)
    assert reason in verdict.reason


def test_every_rule_decides_some_case() -> None:
    decided = set()
    for signals, *_ in CASES.values():
        host = authentication._Host(signals)
        decided.add(next((rule for rule in RULES if rule(host)), None))
    assert decided == {*RULES, None}


def test_every_plugin_that_a_rule_asks_for_is_collected() -> None:
    source = Path(authentication.__file__).read_text()
    asked = {int(number) for number in re.findall(r"^_\w+ = (\d{5,})$", source, re.MULTILINE)}
    assert asked
    assert asked <= EVIDENCE_PLUGINS


@pytest.mark.parametrize(
    ("asked", "status"), {None: UNKNOWN, True: UNKNOWN, False: NOT_APPLICABLE}.items()
)
def test_a_silent_host_is_judged_by_what_was_asked(
    asked: bool | None, status: AuthenticationStatus
) -> None:
    assert judge_host(seen(), credentials_asked=asked).status is status
    assert judge(credentials_asked=asked).host(seen()).status is status


def test_what_a_host_says_outranks_what_was_asked() -> None:
    assert judge_host(seen(141118), credentials_asked=False).status is SUCCESS


SCANS: dict[str, tuple[dict[AuthenticationStatus, int], AuthenticationStatus]] = {
    "all in": ({SUCCESS: 3}, SUCCESS),
    "all out": ({FAILED: 3}, FAILED),
    "none asked": ({NOT_APPLICABLE: 3}, NOT_APPLICABLE),
    "all partly": ({PARTIAL: 2}, PARTIAL),
    "in and out": ({SUCCESS: 5, FAILED: 1}, PARTIAL),
    "in and partly": ({SUCCESS: 5, PARTIAL: 1}, PARTIAL),
    "partly and out": ({PARTIAL: 1, FAILED: 5}, PARTIAL),
    "in, and some without credentials": ({SUCCESS: 5, NOT_APPLICABLE: 1}, PARTIAL),
    "out, and some without credentials": ({FAILED: 1, NOT_APPLICABLE: 5}, FAILED),
    "silent hosts do not count": ({SUCCESS: 1, UNKNOWN: 7}, SUCCESS),
    "silent hosts alone": ({UNKNOWN: 7}, UNKNOWN),
    "none with this status": ({SUCCESS: 2, FAILED: 0}, SUCCESS),
    "no hosts": ({}, UNKNOWN),
}


@pytest.mark.parametrize(("hosts", "status"), SCANS.values(), ids=SCANS)
def test_a_scan_is_judged_by_its_hosts(
    hosts: dict[AuthenticationStatus, int], status: AuthenticationStatus
) -> None:
    assert judge_scan(hosts) is status
