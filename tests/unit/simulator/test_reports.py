"""Generated reports hold what a real one would, and status calls count what is in the file."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from lxml import etree

from nessus_simulator.report import cut, generate, policy
from nessus_simulator.report.hosts import HostLogin, Job
from nessus_simulator.report.survey import outputs, survey

JOB = Job(
    name="a <b> & c",
    policy="Advanced Scan",
    started=1_790_000_000.0,
    host_seconds=60.0,
    port_range="default",
)
WITH_LOGIN = replace(JOB, user="scan")
HOSTS = ("192.0.2.1", "2001:db8::7", "app.example.org")


def written(path: Path, job: Job, hosts: tuple[str, ...] = HOSTS) -> Path:
    with path.open("wb") as output:
        generate.write(output, job, hosts)
    return path


def plugins_of(path: Path) -> list[set[int]]:
    return [{plugin.id for plugin in host.plugins} for host in survey(path).hosts]


def test_a_report_has_the_shape_of_the_format(tmp_path: Path) -> None:
    root = etree.parse(written(tmp_path / "r", JOB)).getroot()
    assert root.tag == "NessusClientData_v2"
    assert [child.tag for child in root] == ["Policy", "Report"]
    (report,) = root.findall("Report")
    assert report.get("name") == "a <b> & c"
    assert report.nsmap["cm"] == "http://www.nessus.org/cm"
    assert [host.get("name") for host in root.iter("ReportHost")] == list(HOSTS)
    for item in root.iter("ReportItem"):
        assert set(item.keys()) >= {"port", "protocol", "severity", "pluginID", "pluginFamily"}
        assert item.findtext("risk_factor") in {"None", "Low", "Medium", "High", "Critical"}


def test_each_host_has_findings_of_every_severity(tmp_path: Path) -> None:
    for host in survey(written(tmp_path / "r", JOB)).hosts:
        assert host.severity_counts()[1:] == (1, 1, 1, 1)


def test_hosts_differ_in_what_is_found(tmp_path: Path) -> None:
    many = tuple(f"192.0.2.{number}" for number in range(1, 31))
    found = {frozenset(plugins) for plugins in plugins_of(written(tmp_path / "r", JOB, many))}
    assert len(found) > 5


def test_the_same_job_gives_the_same_report(tmp_path: Path) -> None:
    first, second = written(tmp_path / "a", JOB), written(tmp_path / "b", JOB)
    assert first.read_bytes() == second.read_bytes()


NETWORK = {10180, 11219, 19506}

# job, plugins that must be there, plugins that must not, Credentialed_Scan
LOGINS = {
    "no credentials": (JOB, {110723}, {141118, 110095, 104410}, "false"),
    "a good login": (WITH_LOGIN, {141118, 110095, 900501}, {110723, 110385, 104410}, "true"),
    "a login without rights": (
        replace(WITH_LOGIN, login=HostLogin.PARTIAL),
        {141118, 110385, 900501},
        {110095, 104410},
        "true",
    ),
    "a login that is refused": (
        replace(WITH_LOGIN, login=HostLogin.FAILED),
        {104410, 21745},
        {141118, 110095, 900501},
        "false",
    ),
}


@pytest.mark.parametrize(("job", "there", "absent", "tag"), LOGINS.values(), ids=LOGINS)
def test_what_a_report_tells_of_the_login(
    job: Job, there: set[int], absent: set[int], tag: str, tmp_path: Path
) -> None:
    path = written(tmp_path / "r", job)
    for plugins in plugins_of(path):
        assert NETWORK | there <= plugins
        assert not absent & plugins
    for host in survey(path).hosts:
        assert host.properties["Credentialed_Scan"] == tag
    (information,) = outputs(path, 0, 19506)
    login = "yes, as 'scan' via ssh" if tag == "true" else "no"
    assert f"\nCredentialed checks : {login}\n" in information.children["plugin_output"][0]


def test_without_a_port_scanner_no_port_is_found(tmp_path: Path) -> None:
    path = written(tmp_path / "r", replace(JOB, port_range=None))
    assert all(11219 not in plugins for plugins in plugins_of(path))
    (information,) = outputs(path, 0, 19506)
    assert "Port scanner(s) : none" in information.children["plugin_output"][0]


def test_host_discovery_finds_no_vulnerability(tmp_path: Path) -> None:
    path = written(tmp_path / "r", replace(JOB, checks=False))
    assert plugins_of(path) == [NETWORK] * 3


def test_the_policy_holds_a_password_to_be_filtered(tmp_path: Path) -> None:
    root = etree.parse(written(tmp_path / "r", JOB)).getroot()
    values = {
        item.findtext("preferenceType"): item.findtext("selectedValue")
        for item in root.iterfind("Policy/Preferences/PluginsPreferences/item")
    }
    assert values["password"] == policy.PASSWORD
    assert root.find("Policy/Preferences/ServerPreferences/preference") is not None


def test_the_survey_counts_what_is_in_the_file(tmp_path: Path) -> None:
    path = written(tmp_path / "r", WITH_LOGIN)
    root = etree.parse(path).getroot()
    found = survey(path)
    assert found.problem is None
    for host, element in zip(found.hosts, root.iter("ReportHost"), strict=True):
        items = Counter(int(item.get("pluginID")) for item in element.iter("ReportItem"))
        assert {plugin.id: plugin.count for plugin in host.plugins} == items
        assert host.properties["host-ip"]


def test_a_broken_report_gives_the_hosts_before_the_break(tmp_path: Path) -> None:
    whole = written(tmp_path / "r", JOB).read_bytes()
    path = tmp_path / "broken"
    path.write_bytes(whole[: whole.index(b'name="app.example.org"') + 500])
    found = survey(path)
    assert [host.name for host in found.hosts] == list(HOSTS[:2])
    assert found.problem


def test_an_empty_report_has_no_hosts_and_tells_so(tmp_path: Path) -> None:
    path = tmp_path / "empty"
    path.write_bytes(b"")
    assert survey(path).hosts == ()
    assert survey(path).problem


def test_entities_of_a_given_report_are_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("geheim")
    path = tmp_path / "r"
    path.write_text(
        f'<!DOCTYPE x [<!ENTITY e SYSTEM "file://{secret}">]><NessusClientData_v2><Report>'
        '<ReportHost name="192.0.2.1"><HostProperties><tag name="os">&e;</tag></HostProperties>'
        "</ReportHost></Report></NessusClientData_v2>"
    )
    assert "geheim" not in repr(survey(path))


@pytest.mark.parametrize("count", [0, 1, 2, 3, 9])
def test_a_partial_report_keeps_the_first_hosts(count: int, tmp_path: Path) -> None:
    whole, part = written(tmp_path / "r", JOB), tmp_path / "part"
    cut.keep_hosts(whole, part, count)
    assert [host.name for host in survey(part).hosts] == list(HOSTS[:count])
    assert survey(part).problem is None
    assert etree.parse(part).getroot().find("Policy") is not None


WITHOUT_HOSTS = {
    "an empty file": b"",
    "a policy": b"<NessusClientData_v2><Policy/></NessusClientData_v2>",
    "a report of nobody": b"<NessusClientData_v2><Report/></NessusClientData_v2>",
}


@pytest.mark.parametrize("text", WITHOUT_HOSTS.values(), ids=WITHOUT_HOSTS)
def test_a_report_without_hosts_is_kept_as_it_is(text: bytes, tmp_path: Path) -> None:
    whole, part = tmp_path / "r", tmp_path / "part"
    whole.write_bytes(text)
    cut.keep_hosts(whole, part, 0)
    assert part.read_bytes() == text


def test_hosts_without_any_content_count_too(tmp_path: Path) -> None:
    whole, part = tmp_path / "r", tmp_path / "part"
    whole.write_bytes(b'<r><ReportHost name="a"/><ReportHost name="b"></ReportHost></r>')
    cut.keep_hosts(whole, part, 1)
    assert part.read_bytes() == b'<r><ReportHost name="a"/></r>'
