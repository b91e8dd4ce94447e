"""Which targets a report does not answer for, and which of its hosts were not to be scanned."""

import pytest

from nessus_operator.api.pool import Scope
from nessus_operator.core import scope
from nessus_operator.core.coverage import ReportedHost, missing, outside

WEB = ReportedHost("192.0.2.1", "192.0.2.1", "Web.example.org")
NAMED = ReportedHost("db.example.org", "192.0.2.20", "db.example.org")
V6 = ReportedHost("2001:db8::5", "2001:db8::5")
NAME_ONLY = ReportedHost("printer")
HOSTILE = ReportedHost("192.0.2.1; rm -rf /", "not an address", "")

# Targets, hosts of the report, and what is missing.
MISSING: dict[str, tuple[list[str], list[ReportedHost], list[str]]] = {
    "an address that answered": (["192.0.2.1"], [WEB], []),
    "an address that did not": (["192.0.2.2"], [WEB], ["192.0.2.2"]),
    "an address behind a name": (["192.0.2.20"], [NAMED], []),
    "a name in any case": (["web.example.org"], [WEB], []),
    "a name of another host": (["mail.example.org"], [WEB, NAMED], ["mail.example.org"]),
    "a network with one host": (["192.0.2.0/24"], [WEB], []),
    "a network without a host": (["198.51.100.0/24"], [WEB], ["198.51.100.0/24"]),
    "a range with one host": (["192.0.2.10-192.0.2.30"], [NAMED], []),
    "a range without a host": (["192.0.2.30-192.0.2.40"], [NAMED], ["192.0.2.30-192.0.2.40"]),
    "an IPv6 network": (["2001:db8::/64"], [V6], []),
    "an IPv6 address that did not answer": (["2001:db8::6"], [V6], ["2001:db8::6"]),
    "a host that has no address": (["192.0.2.7"], [NAME_ONLY], ["192.0.2.7"]),
    "a host that calls itself a target": (["192.0.2.1"], [HOSTILE], ["192.0.2.1"]),
    "an empty report": (["192.0.2.1", "a.example.org"], [], ["192.0.2.1", "a.example.org"]),
    "no targets": ([], [WEB], []),
}


@pytest.mark.parametrize(("wanted", "hosts", "expected"), MISSING.values(), ids=MISSING)
def test_a_target_is_missing_if_no_host_answers_for_it(
    wanted: list[str], hosts: list[ReportedHost], expected: list[str]
) -> None:
    assert missing(wanted, hosts) == expected


RULES = scope.rules(Scope(allow=("192.0.2.0/24", "*.example.org"), deny=("192.0.2.66",)))

OUTSIDE: dict[str, tuple[ReportedHost, bool]] = {
    "an address that may be scanned": (WEB, False),
    "an address elsewhere": (ReportedHost("198.51.100.1", "198.51.100.1"), True),
    "an address that is denied": (ReportedHost("192.0.2.66", "192.0.2.66"), True),
    "an allowed name at an address elsewhere": (
        ReportedHost("db.example.org", "198.51.100.1"),
        True,
    ),
    "a name that may be scanned, without an address": (ReportedHost("db.example.org"), False),
    "a name elsewhere, without an address": (ReportedHost("db.example.com"), True),
}


@pytest.mark.parametrize(("host", "strange"), OUTSIDE.values(), ids=OUTSIDE)
def test_a_host_lies_outside_by_its_address_else_by_its_name(
    host: ReportedHost, strange: bool
) -> None:
    assert outside([host], RULES) == ([host.name] if strange else [])
