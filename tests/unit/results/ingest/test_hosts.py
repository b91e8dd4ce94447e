"""One host from all elements of its name, unless address or uuid of two disagree."""

from pathlib import Path

import pytest
from tests.storing import DATA, host, item, report, stored

SAID = item()

# Hosts as (name, tags), and how many they are.
MERGES = {
    "the same address": ([("a", {"host-ip": "192.0.2.1"})] * 2, 1),
    "an address only once": ([("a", {"host-ip": "192.0.2.1"}), ("a", {})], 1),
    "another address": ([("a", {"host-ip": "192.0.2.1"}), ("a", {"host-ip": "192.0.2.2"})], 2),
    "another uuid": ([("a", {"host-uuid": "1"}), ("a", {"host-uuid": "2"})], 2),
    "an address and a uuid": ([("a", {"host-ip": "192.0.2.1"}), ("a", {"host-uuid": "2"})], 1),
    "another name": ([("a", {"host-ip": "192.0.2.1"}), ("b", {"host-ip": "192.0.2.1"})], 2),
    "what was learnt counts": (
        [("a", {}), ("a", {"host-ip": "192.0.2.1"}), ("a", {"host-ip": "192.0.2.2"})],
        2,
    ),
}


@pytest.mark.parametrize(("elements", "count"), MERGES.values(), ids=MERGES)
def test_elements_of_one_name_are_merged(
    elements: list[tuple[str, dict[str, str]]], count: int, tmp_path: Path
) -> None:
    xml = report(*(host(SAID, name=name, **tags) for name, tags in elements))
    found = stored(tmp_path, xml)
    assert len(found["hosts"]) == count
    assert len(found["findings"]) == len(elements)


def test_tags_of_all_elements_are_kept_once(tmp_path: Path) -> None:
    xml = report(
        host(SAID, name="a", os="linux", role="first"),
        host(SAID, name="a", os="linux", role="second"),
    )
    [found] = stored(tmp_path, xml)["hosts"]
    assert found["host_properties"] == {"os": "linux", "role": ["first", "second"]}


def test_a_host_is_known_by_its_usual_columns(tmp_path: Path) -> None:
    tags = {
        "host-ip": "192.0.2.9",
        "host-fqdn": "nine.example.org",
        "netbios-name": "NINE",
        "operating-system": "Linux Kernel 6.1",
        "system-type": "general-purpose",
        "host-uuid": "0",
        "HOST_START": "Fri Nov  7 13:28:09 2025",
        "HOST_END_TIMESTAMP": "1762522089",
    }
    [found] = stored(tmp_path, report(host(SAID, name="nine", **tags)))["hosts"]
    assert found["host_ip"] == "192.0.2.9"
    assert found["host_fqdn"] == "nine.example.org"
    assert found["netbios_name"] == "NINE"
    assert found["operating_system"] == "Linux Kernel 6.1"
    assert found["host_start"] == "2025-11-07T13:28:09"
    assert found["host_end"] == "2025-11-07T13:28:09Z"


def test_hosts_stand_in_the_order_of_addresses_then_names(tmp_path: Path) -> None:
    names = ["b.example.org", "192.0.2.10", "2001:db8::2", "A.example.org", "192.0.2.9", ""]
    xml = report(*(host(SAID, name=name) for name in names))
    found = [row["host"] for row in stored(tmp_path, xml)["hosts"]]
    assert found == ["192.0.2.9", "192.0.2.10", "2001:db8::2", "", "A.example.org", "b.example.org"]


def test_the_order_of_a_document_does_not_matter(tmp_path: Path) -> None:
    hosts = [
        host(item(port=port), name=name, **{"host-ip": ip})
        for port, (name, ip) in enumerate(
            [("a", "192.0.2.1"), ("a", "192.0.2.2"), ("b", "192.0.2.3"), ("192.0.2.4", "")]
        )
    ]
    assert stored(tmp_path / "a", report(*hosts)) == stored(tmp_path / "b", report(*hosts[::-1]))


def test_unknown_parts_of_a_host_are_kept(tmp_path: Path) -> None:
    xml = (
        '<ReportHost name="a" zone="dmz"><HostProperties><tag name="x">1</tag><note>n</note>'
        f"</HostProperties>{SAID}<asset><id>7</id></asset></ReportHost>"
    )
    [found] = stored(tmp_path, report(xml))["hosts"]
    assert found["extra"] == {"@zone": "dmz", "HostProperties/note": "n", "asset": {"id": "7"}}


def test_properties_behind_the_items_are_read_too(tmp_path: Path) -> None:
    properties = '<HostProperties><tag name="os">x</tag></HostProperties>'
    xml = f'<ReportHost name="a">{SAID}{properties}</ReportHost>'
    [found] = stored(tmp_path, report(xml))["hosts"]
    assert found["os"] == "x"


def test_hosts_outside_of_a_report_are_read(tmp_path: Path) -> None:
    xml = f"<NessusClientData_v2>{host(SAID)}</NessusClientData_v2>".encode()
    assert len(stored(tmp_path, xml)["findings"]) == 1


def test_a_dead_host_is_counted_as_one(tmp_path: Path) -> None:
    signals = stored(tmp_path, (DATA / "merged_hosts.nessus").read_bytes())["meta"]["signals"]
    assert (signals["hosts"], signals["dead_hosts"]) == (6, 1)
