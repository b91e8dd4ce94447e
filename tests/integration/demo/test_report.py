"""The count of a report that is told apart from the product's own."""

import io

import pytest
from demo import report
from demo.report import Counts, Report

CHECK = '<cm:compliance-result xmlns:cm="http://www.nessus.org/cm">PASSED</cm:compliance-result>'
OTHER = '<cm:compliance-result xmlns:cm="https://example.org/cm">PASSED</cm:compliance-result>'


def read(*hosts: str) -> Report:
    text = f"<NessusClientData_v2><Report>{''.join(hosts)}</Report></NessusClientData_v2>"
    return report.read(io.BytesIO(text.encode()))


def item(content: str = "", family: str = "General", **attributes: str) -> str:
    said = "".join(f' {name}="{value}"' for name, value in attributes.items())
    return f'<ReportItem pluginFamily="{family}"{said}>{content}</ReportItem>'


def host(*items: str, name: str = "a", **tags: str) -> str:
    said = "".join(f'<tag name="{n.replace("_", "-")}">{v}</tag>' for n, v in tags.items())
    properties = f"<HostProperties>{said}</HostProperties>"
    return f'<ReportHost name="{name}">{properties}{"".join(items)}</ReportHost>'


def risk(factor: str) -> str:
    return f"<risk_factor>{factor}</risk_factor>"


SEVERITIES = {
    "by its number": (item(severity="3"), "high"),
    "by its number, whatever the risk factor": (item(risk("Critical"), severity="1"), "low"),
    "by its risk factor without a number": (item(risk("Medium")), "medium"),
    "by its risk factor with a number out of range": (item(risk("High"), severity="5"), "high"),
    "info where the risk factor is none": (item(risk("None")), "info"),
    "info where nothing is said": (item(), "info"),
}


@pytest.mark.parametrize(("found", "severity"), SEVERITIES.values(), ids=SEVERITIES)
def test_a_finding_is_counted(found: str, severity: str) -> None:
    counts = read(host(found)).counts

    assert (counts.findings, counts.compliance) == (1, 0)
    assert {name for name, number in counts.severities.items() if number} == {severity}


COMPLIANCE = {
    "one with cm: children is": (item(CHECK), True),
    "one with cm: children of another namespace is not": (item(OTHER), False),
    "one that says so is": (item("<compliance>true</compliance>"), True),
    "one that denies it is not": (item("<compliance>false</compliance>"), False),
    "an old one with its result in brackets is": (
        item('<description>"1.1 Name" : [FAILED]\n\ntext</description>', "Policy Compliance"),
        True,
    ),
    "an old one without a result is not": (
        item("<description>about [FAILED] checks</description>", "Policy Compliance"),
        False,
    ),
    "brackets in another family are none": (
        item("<description>[FAILED]</description>", "General"),
        False,
    ),
}


@pytest.mark.parametrize(("found", "compliance"), COMPLIANCE.values(), ids=COMPLIANCE)
def test_compliance_results_are_told_from_findings(found: str, compliance: bool) -> None:
    counts = read(host(found)).counts

    assert (counts.findings, counts.compliance) == ((0, 1) if compliance else (1, 0))


HOSTS = {
    "elements of one name are one": ((host(), host()), 1),
    "names are told apart": ((host(name="a"), host(name="b")), 2),
    "one name with two addresses is two": (
        (host(host_ip="192.0.2.1"), host(host_ip="192.0.2.2")),
        2,
    ),
    "one name with two uuids is two": ((host(host_uuid="1"), host(host_uuid="2")), 2),
    "an address that is known once is enough": ((host(), host(host_ip="192.0.2.1"), host()), 1),
}


@pytest.mark.parametrize(("hosts", "number"), HOSTS.values(), ids=HOSTS)
def test_hosts_are_counted(hosts: tuple[str, ...], number: int) -> None:
    found = read(*hosts)

    assert found.counts.hosts == number
    assert found.elements == len(hosts)


def test_addresses_are_those_that_the_report_gives() -> None:
    found = read(host(host_ip="192.0.2.2"), host(name="b", host_ip="192.0.2.1"), host(name="c"))

    assert found.names == ("a", "b", "c")
    assert found.addresses == ("192.0.2.1", "192.0.2.2")


def test_differences_name_what_differs() -> None:
    stored = Counts(2, 5, 1, {"high": 2, "info": 3})
    counted = Counts(2, 6, 1, {"high": 3, "info": 3})

    assert stored.differences(stored) == ()
    assert stored.differences(counted) == ("findings: 5 and 6", "high: 2 and 3")
