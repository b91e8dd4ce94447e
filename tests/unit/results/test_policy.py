"""No secret of a policy passes: not of a whole report, a broken or a cut one, however it is cut."""

import re
from pathlib import Path

import pytest
from lxml import etree
from tests.planted import HOSTS, SECRET, Planted, document, policy
from tests.storing import DATA

from nessus_operator.results.policy import PolicyFilter
from nessus_operator.results.refusals import DoctypeRefused, NotXML, Refused, TextTooLong


def filtered(*chunks: bytes) -> bytes:
    filter_ = PolicyFilter()
    return b"".join([*map(filter_.feed, chunks), filter_.close()])


def one(tag: str = "Policy") -> str:
    return policy(Planted(), tag=tag)


def preferences() -> str:
    _, begin, rest = one().partition("<Preferences>")
    inside, end, _ = rest.partition("</Preferences>")
    return begin + inside + end


# What is passed on must hold no secret, and, where True, all of the hosts.
REPORTS: dict[str, tuple[bytes, bool]] = {
    "as Nessus writes it": (document(one(), HOSTS), True),
    "two policies": (document(one(), one(), HOSTS), True),
    "a policy behind the hosts": (document(HOSTS, one()), True),
    "policies before and behind": (document(one(), HOSTS, one()), True),
    "a policy inside a host": (
        document(HOSTS.replace("<ReportItem", one() + "<ReportItem")),
        True,
    ),
    "a policy and no hosts": (document(one()), False),
    "a policy as the root": (one().encode(), False),
    "a policy in a namespace": (
        document(one("p:Policy").replace("<p:Policy", '<p:Policy xmlns:p="urn:p"'), HOSTS),
        True,
    ),
    "such a policy behind the hosts": (document(HOSTS, one("p:Policy")), True),
    "a policy in capitals": (document(one("POLICY"), HOSTS), True),
    "policies in one element": (document("<Policies>", one(), "</Policies>", HOSTS), True),
    "preferences without a policy": (document(preferences(), HOSTS), True),
    "preferences behind the hosts": (document(HOSTS, preferences()), True),
    "one preference without a policy": (
        document(f"<preference><name>x</name><value>{SECRET}</value></preference>", HOSTS),
        True,
    ),
    "one item without a policy": (
        document(f"<item><selectedValue>{SECRET}</selectedValue></item>", HOSTS),
        True,
    ),
    "a start tag over two lines": (document(one().replace("<Policy>", "<Policy\n>"), HOSTS), True),
    "a policy with attributes": (
        document(one().replace("<Policy>", f'<Policy key="{SECRET}">'), HOSTS),
        True,
    ),
    "values before names": (
        document(
            f"<Policy><Preferences><PluginsPreferences><item><selectedValue>{SECRET}"
            "</selectedValue><preferenceType>password</preferenceType></item>"
            "</PluginsPreferences></Preferences></Policy>",
            HOSTS,
        ),
        True,
    ),
    "a type that is said twice": (
        document(
            f"<Policy><Preferences><PluginsPreferences><item><selectedValue>{SECRET}"
            "</selectedValue><preferenceType>pass</preferenceType><preferenceType>word"
            "</preferenceType></item></PluginsPreferences></Preferences></Policy>",
            HOSTS,
        ),
        True,
    ),
    "a value inside a value": (
        document(
            f"<Policy><Preferences><PluginsPreferences><item><selectedValue><b>{SECRET}</b>"
            "</selectedValue><preferenceType>entry</preferenceType></item>"
            "</PluginsPreferences></Preferences></Policy>",
            HOSTS,
        ),
        True,
    ),
    "Latin 1": (
        document(one(), HOSTS).replace(b'"1.0"', b'"1.0" encoding="ISO-8859-1"'), True,
    ),
    "with a byte order mark": (b"\xef\xbb\xbf" + document(one(), HOSTS), True),
    "broken before the policy": (document("<<x>", one(), HOSTS), True),
    "an attribute twice in the policy's tag": (
        document(one().replace("<Policy>", f'<Policy a="1" a="{SECRET}">'), HOSTS), True,
    ),
    "broken in the policy": (document(one().replace("<item>", "<item><<"), HOSTS), True),
    "an unknown entity in the policy": (document(one().replace("10870", "&x;"), HOSTS), True),
    "a control character in the policy": (document(one().replace("10870", "\x01"), HOSTS), True),
    "an end tag missing in the policy": (document(one().replace("</item>", "", 1), HOSTS), True),
    "spliced: the rest of a policy behind the hosts": (
        document(one()[:400], HOSTS, one()[900:], HOSTS), True,
    ),
    "a policy that does not end": (document(one().replace("</Policy>", ""), HOSTS), False),
    "an attribute that is cut": (f'<NessusClientData_v2><Policy a="{SECRET}'.encode(), False),
    "a comment that is cut": (f"<NessusClientData_v2><Policy><!-- {SECRET}".encode(), False),
}  # fmt: skip


@pytest.mark.parametrize(("xml", "hosts"), REPORTS.values(), ids=REPORTS)
def test_no_secret_passes_and_no_host_is_lost(xml: bytes, hosts: bool) -> None:
    assert SECRET.encode() in xml
    passed = filtered(xml)
    assert SECRET.encode() not in passed
    if hosts:
        assert b"&lt;Policy&gt; said password</plugin_output>\n</ReportItem>" in passed
        assert b"</Report>" in passed


@pytest.mark.parametrize(("xml", "hosts"), REPORTS.values(), ids=REPORTS)
def test_where_the_chunks_end_does_not_matter(xml: bytes, hosts: bool) -> None:
    whole = filtered(xml)
    for split in range(0, len(xml), 3):
        assert filtered(xml[:split], xml[split:]) == whole
    for size in (1, 7, 64):
        chunks = (xml[start : start + size] for start in range(0, len(xml), size))
        assert filtered(*chunks) == whole


@pytest.mark.parametrize(("xml", "hosts"), REPORTS.values(), ids=REPORTS)
def test_no_secret_passes_of_a_report_that_is_cut_anywhere(xml: bytes, hosts: bool) -> None:
    for length in range(0, len(xml), 5):
        assert SECRET.encode() not in filtered(xml[:length])


@pytest.mark.parametrize("offset", range(0, 3_600, 9))
def test_no_secret_passes_of_a_report_that_is_broken_anywhere(offset: int) -> None:
    xml = document(one(), HOSTS)
    for damage in (b"<", b"&", b"</Policy>", b"<Report ", b"]]>", b"\xff"):
        broken = xml[:offset] + damage + xml[offset:]
        assert SECRET.encode() not in filtered(broken), damage


def preferences_and_hosts() -> bytes:
    """Without comments: one that is cut out of a policy cannot be told from another."""
    return re.sub(rb"<!--.*?-->|<\?pi.*?\?>", b"", document(one(), HOSTS))


def test_no_secret_passes_of_a_report_that_lacks_a_piece_anywhere() -> None:
    xml = preferences_and_hosts()
    for start in range(0, len(xml), 101):
        for end in range(start, len(xml), 89):
            assert SECRET.encode() not in filtered(xml[:start] + xml[end:]), (start, end)


def test_no_secret_passes_where_a_piece_of_policy_follows_a_piece_of_a_host() -> None:
    xml = preferences_and_hosts()
    for start in range(xml.index(b"<ReportHost"), len(xml), 31):
        for end in range(0, len(xml), 67):
            assert SECRET.encode() not in filtered(xml[:start] + xml[end:]), (start, end)


def test_the_rest_of_a_policy_stays() -> None:
    root = etree.fromstring(filtered(document(one(), HOSTS)))
    assert root.findtext("Policy/policyName") == "Weekly"
    assert root.findtext("Policy/policyComments") == "of the web"
    targets = {node.findtext("name"): node.findtext("value") for node in root.iter("preference")}
    assert targets["TARGET"] == "192.0.2.0/24"
    assert targets["proxy_password"] == ""
    chosen = {
        node.findtext("fullName"): node.findtext("selectedValue") for node in root.iter("item")
    }
    assert chosen["SSH settings[entry]:SSH user name :"] == "scanner"
    assert chosen["Port scanners settings[checkbox]:Check open TCP ports :"] == "no"
    assert root.findtext("Policy/FamilySelection/FamilyItem/FamilyName") == "General"


def test_what_is_no_policy_passes_byte_for_byte() -> None:
    xml = document(HOSTS)
    assert filtered(xml) == xml
    assert filtered(document(one(), HOSTS)).endswith(document(HOSTS).partition(b"_v2>\n")[2])


# Of these a scan says why it failed, and who looks into it finds what came.
HARMLESS = {
    "no XML": b"Bad gateway",
    "another XML": b'<?xml version="1.0"?>\n<html><body>busy</body></html>\n',
    "broken in a host": document(HOSTS.replace("<plugin_output>", "<a></b><plugin_output>")),
    "cut behind an item": document(HOSTS).partition(b"</ReportHost>")[0].rstrip(),
    "junk behind the end": document(HOSTS) + b"<more/>\n",
}


@pytest.mark.parametrize("xml", HARMLESS.values(), ids=HARMLESS)
def test_what_is_broken_without_a_policy_passes_as_it_came(xml: bytes) -> None:
    assert filtered(xml) == xml
    assert filtered(xml[:30], xml[30:70], xml[70:]) == xml


@pytest.mark.parametrize("path", sorted(DATA.glob("*.nessus")), ids=lambda path: path.stem)
def test_hosts_of_odd_reports_pass(path: Path) -> None:
    xml = path.read_bytes()
    if b"\0" in xml:
        with pytest.raises(NotXML):
            filtered(xml)
        return
    items = [etree.tostring(item) for item in etree.fromstring(xml).iter("ReportHost")]
    assert [etree.tostring(item) for item in etree.fromstring(filtered(xml)).iter("ReportHost")] \
        == items  # fmt: skip


REFUSED: dict[str, tuple[bytes, type[Refused]]] = {
    "UTF-16": (document(one(), HOSTS).decode().encode("utf-16"), NotXML),
    "UTF-16 without a mark": (document(one(), HOSTS).decode().encode("utf-16-le"), NotXML),
    "UTF-32": (document(one(), HOSTS).decode().encode("utf-32"), NotXML),
    "an encoding that hides tags": (
        document(one(), HOSTS).replace(b'"1.0"', b'"1.0" encoding="UTF-7"'), NotXML,
    ),
    "a DOCTYPE": (b"<!DOCTYPE x>" + document(one(), HOSTS), DoctypeRefused),
    "a text beyond all measure": (
        b"<NessusClientData_v2><Policy a='" + b"x" * 17_000_000, TextTooLong,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("xml", "kind"), REFUSED.values(), ids=REFUSED)
def test_what_could_hide_a_policy_is_refused(xml: bytes, kind: type[Refused]) -> None:
    filter_ = PolicyFilter()
    chunks = (xml[start : start + 100_000] for start in range(0, len(xml), 100_000))
    passed: list[bytes] = []
    with pytest.raises(kind):
        passed.extend(filter_.feed(chunk) for chunk in chunks)
    assert SECRET.encode() not in b"".join(passed)
