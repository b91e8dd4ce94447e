"""Random reports: what the store holds can be written as XML again and is stored as the same."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from tests import naive
from tests.rebuild import rebuild
from tests.storing import ingested, stored

from nessus_operator.results.fields import CM

# Characters that XML can hold, the odd ones often.
_CHARACTERS = st.characters(
    codec="utf-8", exclude_categories=("Cs",), exclude_characters="\x7f\ufffe\uffff"
).filter(lambda one: one >= " " or one in "\t\n\r")
TEXT = st.text(_CHARACTERS | st.sampled_from("\n\r\t<>&\"' ;,|\xa0\u2028]"), max_size=25)
_FEW = st.sampled_from(["", "a", "same", "1", "true", "7.5", "2020/01/02", "a\nb", "a, b", " x "])
VALUE = _FEW | TEXT

TAGS = st.sampled_from(
    (
        "description", "synopsis", "solution", "plugin_output", "risk_factor", "cvss_base_score",
        "cvss3_base_score", "cve", "bid", "xref", "see_also", "cpe", "cwe", "exploit_available",
        "always_run", "plugin_publication_date", "cisa-known-exploited", "first_found", "output",
        "attachment", "compliance", "host", "cvss_score", "plugin_name", "unknown", "text", "name",
        "size", "id", "severity", "plugin_id", "compliance-result", "kind", "extra", "fname",
        "script_version", "in_the_news", "epss_score", "os_identification",
    )
)  # fmt: skip
_CHECKS = ("result", "check-name", "check-id", "reference", "info", "solution", "error", "unknown")
CHECKS = st.sampled_from(
    [f"{{{CM}}}compliance-{name}" for name in _CHECKS] + ["{urn:other}compliance-result"]
)
RESULTS = st.sampled_from(["PASSED", "failed", " WARNING ", "ERROR", "", "odd"])
NAMES = st.sampled_from(["a", "name", "type", "source", "{urn:x}b", "size", "text"])


@st.composite
def elements(
    draw: Callable[..., str], tags: st.SearchStrategy[str], depth: int = 2
) -> etree._Element:
    tag = draw(tags)
    element = etree.Element(tag, nsmap={"cm": CM})
    element.text = draw(RESULTS if tag.endswith("compliance-result") else VALUE)
    if depth and draw(st.integers(0, 4)) == 0:
        for name, value in draw(st.dictionaries(NAMES, VALUE, max_size=3)).items():
            element.set(name, value)
        element.extend(draw(st.lists(elements(TAGS, depth - 1), max_size=2)))
    return element


ATTRIBUTES = st.fixed_dictionaries(
    {},
    optional={
        "port": st.sampled_from(["0", "80", "443", "65536", "notes", "", "-1", "00080"]),
        "svc_name": _FEW,
        "protocol": st.sampled_from(["tcp", "udp", "", "TCP"]),
        "severity": st.sampled_from(["0", "1", "2", "3", "4", "5", "", "high"]),
        "pluginID": st.sampled_from(["0", "1", "2", "19506", "x", "", "99999999999"]),
        "pluginName": VALUE,
        "pluginFamily": st.sampled_from(["General", "", "Policy Compliance"]),
        "extra": VALUE,
        "{urn:x}odd": VALUE,
    },
)
OLD_STYLE = st.sampled_from(['"1.1 name" : [PASSED]\n\ntext', "[FAILED] x", '"n" : [odd]', "x"])


@st.composite
def items(draw: Callable[..., dict[str, str]]) -> etree._Element:
    element = etree.Element("ReportItem", draw(ATTRIBUTES))
    element.extend(draw(st.lists(elements(TAGS), max_size=6)))
    if draw(st.integers(0, 3)) == 0:
        element.extend(draw(st.lists(elements(CHECKS, 0), max_size=4, unique_by=_tag)))
    if draw(st.integers(0, 4)) == 0:
        etree.SubElement(element, "description").text = draw(OLD_STYLE)
    if draw(st.integers(0, 6)) == 0:
        element.text = draw(TEXT)
    return element


def _tag(element: etree._Element) -> str:
    return element.tag


PROPERTIES = st.lists(
    st.tuples(
        st.sampled_from(["host-ip", "host-uuid", "os", "HOST_END", "mac-address", "", "TAG", "x"]),
        st.sampled_from(["192.0.2.1", "192.0.2.2", "1762522089"]) | VALUE,
    ),
    max_size=4,
)


@st.composite
def hosts(draw: Callable[..., list[etree._Element]]) -> etree._Element:
    name = draw(st.sampled_from(["192.0.2.1", "b.example.org", "", "2001:db8::1"]) | VALUE)
    element = etree.Element("ReportHost", name=name)
    if draw(st.booleans()):
        properties = etree.SubElement(element, "HostProperties")
        for tag, value in draw(PROPERTIES):
            etree.SubElement(properties, "tag", name=tag).text = value
    element.extend(draw(st.lists(items(), max_size=4)))
    element.extend(draw(st.lists(elements(st.sampled_from(["note", "asset", "x"])), max_size=1)))
    return element


@st.composite
def reports(draw: Callable[..., list[etree._Element]]) -> bytes:
    root = etree.Element("NessusClientData_v2", nsmap={"cm": CM})
    policy = etree.SubElement(root, "Policy")
    etree.SubElement(policy, "policyName").text = draw(VALUE)
    found = etree.SubElement(root, "Report", name=draw(VALUE))
    found.extend(draw(st.lists(hosts(), max_size=4)))
    return etree.tostring(root, encoding="utf-8")


@settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))
@given(reports())
def test_what_is_stored_can_be_written_and_is_stored_as_the_same(xml: bytes) -> None:
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        first = stored(folder / "first", xml)
        again = rebuild(folder / "first")
        second = stored(folder / "second", again)
        assert second == first
        items_in = len(etree.fromstring(xml).findall("Report/ReportHost/ReportItem"))
        assert len(first["findings"]) + len(first["compliance"]) == items_in


@settings(deadline=None, max_examples=80, suppress_health_check=list(HealthCheck))
@given(reports(), st.sampled_from([1, 3, 17, 100, 4_096]))
def test_neither_recognising_items_nor_chunks_change_anything(xml: bytes, chunk: int) -> None:
    doubled = xml.replace(b"</ReportHost>", b"</ReportHost>" + _hosts(xml))
    with TemporaryDirectory() as scratch:
        quick = stored(Path(scratch) / "quick", doubled, chunk=chunk)
        assert quick == stored(Path(scratch) / "parsed", doubled, shortcut=False)


def _hosts(xml: bytes) -> bytes:
    """All hosts of a report once more, so that items repeat."""
    begin, end = xml.find(b"<ReportHost"), xml.rfind(b"</Report>")
    return xml[begin:end] if 0 <= begin < end else b""


@settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))
@given(reports())
def test_every_item_says_what_it_says_in_a_tree(xml: bytes) -> None:
    with TemporaryDirectory() as scratch:
        ingested(Path(scratch), xml)
        assert naive.read(rebuild(Path(scratch))) == naive.read(xml)
